"""From outlines in degrees to outlines on the unit sphere, many at once: split, placed, checked.

Rules
 * Edges over `limits.EDGE_SPLIT_M` are split along the WGS84 geodesic. Orientation of a ring does not matter: inside is
   the smaller side.
 * A ring is simple, its neighbours are different places, an edge spans at most `limits.EDGE_DEGREES_MAX` and a whole
   outline with its radius fits into a cap of `limits.CAP_DEGREES_MAX`. Anything else is refused, with the vertex named.
 * One outline or a million: the same functions and the same numbers.

Degrees WGS84, metres. Source: design.md §4; practice.md R13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.sky.geodesy import (
    CURVATURE_MERIDIAN_M_MIN,
    ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    geodesic_points,
    meridian_m,
)
from clearline.sky.kernel_meet import FLOAT_COLUMNS
from clearline.sky.kernel_place import (
    FAULT_CAP,
    FAULT_CROSSES,
    FAULT_FLAT,
    FAULT_REPEATS,
    FAULTLESS,
    long_links,
    place_outlines,
)
from clearline.sky.kernel_shape import POLYGON, Floats, Ints, unit_vectors

__all__ = ["Outlines", "place"]

_EQUATOR_DEGREES_PER_M: Final = math.degrees(1.0 / CURVATURE_MERIDIAN_M_MIN)
_SEPARATION_REACH_M: Final = 120_000.0
"""How far beyond a shape a path between two volumes may go: the largest separation (100 km), a piece of an edge."""
_INTERIOR_CHORD_MIN: Final = 1e-8
"""Six centimetres: a place nearer to its own ring than this proves nothing about certainty."""
_FAULT_EDGE: Final = 5
_FAULT_MANY: Final = 6
_FAULT_RING: Final = 7
_EARTH: Final = np.array([SEMI_MAJOR_M, ECCENTRICITY_SQUARED])


def _chord(length_m: float) -> float:
    """Chord that no shorter length on the ellipsoid has: M at the pole, the largest radius of curvature."""
    return 2.0 * math.sin(0.5 * length_m / meridian_m(90.0))


_APART: Final = _chord(limits.VERTICES_APART_M_MIN)
_SPLIT: Final = _chord(limits.EDGE_SPLIT_M * 0.99)
_EDGE_MOST: Final = 2.0 * math.sin(0.5 * math.radians(limits.EDGE_DEGREES_MAX))
_BOUNDS: Final = np.array(
    [_APART, _SEPARATION_REACH_M, _EQUATOR_DEGREES_PER_M, limits.CAP_DEGREES_MAX, _INTERIOR_CHORD_MIN]
)


@final
@dataclass(frozen=True, slots=True)
class Outlines:
    """n outlines with m vertices in all, long edges split.

    records (n, FLOAT_COLUMNS): columns 0 to 6 and 13 to 15 of `kernel_meet` are filled. vectors (m, 3), first (n + 1):
    outline k has vectors[first[k]:first[k + 1]]. faults (n, 2): what is wrong, and where.
    """

    records: Floats
    vectors: Floats
    first: Ints
    faults: Ints
    owners: Ints | None
    """Vertex, as it came, that each vertex is or follows; None where nothing was split."""
    lengths: Floats
    """Chord of the longest edge of a faulty outline, for its refusal."""

    def refusal(self, outline: int, given: Ints, name: str) -> Refusal:
        """Return what is wrong with an outline; `given` are the places of the first vertices as they came."""
        fault, place = self.faults[outline].tolist()
        count = int(given[outline + 1] - given[outline])
        if fault in {FAULT_FLAT, FAULT_CROSSES} and self.owners is not None:
            place = int(self.owners[self.first[outline] + place] - given[outline])
        where = f"{name}.vertices[{place}]"
        if fault == FAULT_REPEATS:
            return Refusal(
                RefusalCode.RING_INVALID,
                field=where,
                found="the place of the vertex before it again",
                allowed=f"neighbours at least {limits.VERTICES_APART_M_MIN * 1000:g} mm apart",
            )
        if fault == _FAULT_EDGE:
            degrees = 2.0 * math.degrees(math.asin(min(1.0, 0.5 * float(self.lengths[outline]))))
            return Refusal(
                RefusalCode.SHAPE_TOO_LARGE,
                field=where,
                found=f"an edge of {degrees:.1f} degrees from here",
                allowed=f"edges of at most {limits.EDGE_DEGREES_MAX:g} degrees",
            )
        if fault == _FAULT_MANY:
            return Refusal(
                RefusalCode.SHAPE_TOO_LARGE,
                field=f"{name}.vertices",
                found=f"more than {limits.SPLIT_VERTICES_MAX} vertices in one notice, long edges split",
                allowed=f"at most {limits.SPLIT_VERTICES_MAX}, with edges cut into {limits.EDGE_SPLIT_M:g} m",
            )
        if fault == _FAULT_RING:
            return Refusal(
                RefusalCode.SHAPE_TOO_LARGE,
                field=f"{name}.vertices",
                found=f"a ring of {int(np.diff(self.first)[outline])} vertices, long edges split",
                allowed=f"at most {limits.RING_VERTICES_MAX}, with edges cut into {limits.EDGE_SPLIT_M:g} m",
            )
        if fault == FAULT_CAP:
            return Refusal(
                RefusalCode.SHAPE_TOO_LARGE,
                field=name,
                found=f"an outline in a cap of {place / 1000.0:.1f} degrees",
                allowed=f"at most {limits.CAP_DEGREES_MAX:g} degrees from a common centre",
            )
        flat = count == 3 or fault == FAULT_FLAT
        return Refusal(
            RefusalCode.RING_INVALID if flat else RefusalCode.RING_CROSSES,
            field=where,
            found="a ring with no inside" if flat else "the edge from here meets another edge of the ring",
            allowed="a ring whose edges meet at their common vertices only",
        )


def place(lat: Floats, lng: Floats, first: Ints, kinds: Ints, radius_m: Floats, *, together: bool) -> Outlines:
    """Place outlines on the sphere: vertices (lat, lng)[first[n]:first[n + 1]], kind and radius of each.

    `together`: the limit of vertices holds for all outlines as those of one notice, else for each.
    """
    count = len(kinds)
    faults = np.zeros((count, 2), dtype=np.int64)
    lengths = np.zeros(count)
    vectors = unit_vectors(lat, lng)
    starts, ends = long_links(vectors, first, kinds, _APART, _SPLIT, faults)
    lats, bounds, owners = lat, first, None
    if len(starts):
        _mark_long_edges(vectors, starts, ends, first, faults, lengths)
        _mark_surely_many(vectors, starts, ends, first, faults, together=together)
        lats, lngs, bounds, owners = _with_pieces(lat, lng, starts, ends, first, faults)
        vectors = unit_vectors(lats, lngs)
    sizes = np.diff(bounds)
    over = np.cumsum(sizes) > limits.SPLIT_VERTICES_MAX if together else sizes > limits.SPLIT_VERTICES_MAX
    if over.any():
        faults[over & (faults[:, 0] == FAULTLESS), 0] = _FAULT_MANY
    long = (kinds == POLYGON) & (sizes > limits.RING_VERTICES_MAX)
    if long.any():
        faults[long & (faults[:, 0] == FAULTLESS), 0] = _FAULT_RING
    records = np.zeros((count, FLOAT_COLUMNS))
    place_outlines(vectors, lats, bounds, kinds, radius_m, _EARTH, _BOUNDS, records, faults)
    return Outlines(records, vectors, bounds, faults, owners, lengths)


def _mark_long_edges(vectors: Floats, starts: Ints, ends: Ints, first: Ints, faults: Ints, lengths: Floats) -> None:
    chords = np.sqrt(((vectors[ends] - vectors[starts]) ** 2).sum(axis=1))
    for each in np.flatnonzero(chords > _EDGE_MOST).tolist():
        outline = int(np.searchsorted(first, starts[each], side="right")) - 1
        if chords[each] > lengths[outline] and faults[outline, 0] in {FAULTLESS, _FAULT_EDGE}:
            lengths[outline] = chords[each]
            faults[outline] = (_FAULT_EDGE, starts[each] - first[outline])


def _mark_surely_many(vectors: Floats, starts: Ints, ends: Ints, first: Ints, faults: Ints, *, together: bool) -> None:
    """Mark, before anything is split, what would have too many vertices: a short text must not become a long list."""
    chords = np.sqrt(((vectors[ends] - vectors[starts]) ** 2).sum(axis=1))
    pieces = 2.0 * np.arcsin(np.minimum(1.0, 0.5 * chords)) * CURVATURE_MERIDIAN_M_MIN / limits.EDGE_SPLIT_M
    outline = np.searchsorted(first, starts, side="right") - 1
    least = np.bincount(outline, weights=pieces, minlength=len(faults))
    most = np.cumsum(least) if together else least
    faults[(most > limits.SPLIT_VERTICES_MAX) & (faults[:, 0] == FAULTLESS), 0] = _FAULT_MANY


def _with_pieces(
    lat: Floats, lng: Floats, starts: Ints, ends: Ints, first: Ints, faults: Ints
) -> tuple[Floats, Floats, Ints, Ints]:
    """Return (lat, lng, first, owners) with the inner points of long edges put in."""
    fine = faults[np.searchsorted(first, starts, side="right") - 1, 0] == FAULTLESS
    starts, ends = starts[fine], ends[fine]
    inner, points = geodesic_points(
        np.stack([lat[starts], lng[starts]], axis=1),
        np.stack([lat[ends], lng[ends]], axis=1),
        piece_m_max=limits.EDGE_SPLIT_M,
    )
    extra = np.zeros(len(lat), dtype=np.int64)
    extra[starts] = inner
    at = np.arange(len(lat)) + np.cumsum(extra) - extra
    owners = np.repeat(np.arange(len(lat)), extra + 1)
    lats, lngs = np.empty(len(owners)), np.empty(len(owners))
    lats[at], lngs[at] = lat, lng
    between = np.ones(len(owners), dtype=bool)
    between[at] = False
    lats[between], lngs[between] = points[:, 0], points[:, 1]
    bounds = np.append(at, len(owners))[first]
    return lats, lngs, bounds, owners
