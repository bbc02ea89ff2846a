"""From volumes on the wire to shapes on the sphere: checked once, and trusted from there.

Rules
 * Polygon, circle and corridor become a core (ring, point, line) with a radius; later kinds, such as moving segments,
   take their place beside them in `_core_of`.
 * Edges over `limits.EDGE_SPLIT_M` are split along the WGS84 geodesic. Orientation of a ring does not matter: inside is
   the smaller side.
 * A ring is simple, its neighbours are different places, an edge spans at most `limits.EDGE_DEGREES_MAX` and a whole
   outline with its radius fits into a cap of `limits.CAP_DEGREES_MAX`. Anything else is refused, with the vertex named.
 * A `Prepared` is immutable and holds two byte strings: the fold keeps a million of them.

Source: design.md §4; practice.md R13.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Self, final

import numpy as np

from clearline.model import limits
from clearline.model.altitude import Altitude
from clearline.model.refusal import Refusal, RefusalCode, invariant
from clearline.model.volume import LatLngPoint, Volume3D, Volume4D
from clearline.sky.altitude import REFERENCE_CODES, check_order, height_w84_m
from clearline.sky.geodesy import CURVATURE_MERIDIAN_M_MIN, geodesic_points, meridian_m, prime_vertical_m
from clearline.sky.kernel_meet import FLOAT_COLUMNS, INT_COLUMNS
from clearline.sky.kernel_ring import RING_CROSSING, RING_SIMPLE, first_repeat, interior_point, ring_fault
from clearline.sky.kernel_shape import (
    BLOCK_EDGES,
    CORRIDOR,
    POINT,
    POLYGON,
    Floats,
    Ints,
    bounding_ball,
    dress,
    unit_vectors,
)

__all__ = ["Prepared", "prepare"]

_EQUATOR_DEGREES_PER_M: Final = math.degrees(1.0 / CURVATURE_MERIDIAN_M_MIN)
_SEPARATION_REACH_M: Final = 120_000.0
"""How far beyond a shape a path between two volumes may go: the largest separation (100 km), a piece of an edge."""
_INTERIOR_CHORD_MIN: Final = 1e-8
"""Six centimetres: a place nearer to its own ring than this proves nothing about certainty."""


@final
class Prepared:
    """The volumes of one notice, checked and on the unit sphere. Made by `prepare` only; immutable."""

    __slots__ = ("_floats", "_ints", "bands")

    def __init__(self, floats: bytes, ints: bytes, bands: tuple[tuple[Altitude, Altitude], ...]) -> None:
        self._floats = floats
        self._ints = ints
        self.bands = bands
        """Lower and upper limit of each volume, as said by the owner."""

    def __len__(self) -> int:
        return len(self.bands)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prepared):
            return NotImplemented
        return (self._floats, self._ints, self.bands) == (other._floats, other._ints, other.bands)

    def __hash__(self) -> int:
        return hash((self._floats, self._ints))

    @property
    def floats(self) -> Floats:
        """Read-only: for each volume FLOAT_COLUMNS numbers of `kernel_meet`, then all unit vectors."""
        return np.frombuffer(self._floats, dtype=np.float64)

    @property
    def ints(self) -> Ints:
        """Read-only: for each volume INT_COLUMNS numbers of `kernel_meet`."""
        return np.frombuffer(self._ints, dtype=np.int64)

    @classmethod
    def from_packed(cls, packed: tuple[bytes, bytes], volumes: Sequence[Volume4D]) -> Self:
        """Return what `prepare(volumes)` has once returned, from its `packed` bytes.

        They must come from the same build of this room: see `compiler.room_hash`.
        """
        bands = tuple((each.volume.altitude_lower, each.volume.altitude_upper) for each in volumes)
        invariant(len(packed[1]) == 8 * INT_COLUMNS * len(bands), "packed volumes belong to the volumes given")
        return cls(packed[0], packed[1], bands)

    @property
    def packed(self) -> tuple[bytes, bytes]:
        """The bytes behind `floats` and `ints`."""
        return self._floats, self._ints


class _Core(NamedTuple):
    """Point, line or ring of one volume, as it came."""

    kind: int
    name: str
    vertices: Sequence[LatLngPoint]
    radius_m: float


class _Split(NamedTuple):
    """A core with its long edges split: unit vectors, and for each the vertex as it came that it belongs to."""

    vectors: Floats
    owners: list[int] | None
    lats: list[float]


def prepare(volumes: Sequence[Volume4D], *, field: str = "volumes") -> Prepared:
    """Check the volumes of one notice and place them on the sphere.

    Raises:
        Refusal: RING_CROSSES, RING_INVALID, SHAPE_TOO_LARGE or ALTITUDE_ORDER, with the full path below `field`.
    """
    count = len(volumes)
    floats = np.zeros((count, FLOAT_COLUMNS))
    ints = np.empty((count, INT_COLUMNS), dtype=np.int64)
    vectors: list[Floats] = []
    budget = limits.SPLIT_VERTICES_MAX
    for place, volume4d in enumerate(volumes):
        volume = volume4d.volume
        try:
            core = _core_of(volume)
            split = _split(core, vertices_max=budget)
            _place(core, split, floats[place])
            check_order(volume.altitude_lower, volume.altitude_upper)
        except Refusal as refusal:
            raise refusal.within(f"{field}[{place}].volume") from None
        budget -= len(split.vectors)
        vectors.append(split.vectors)
        _set_band(volume, floats[place])
        start_ms, end_ms = volume4d.window_ms
        lower, upper = volume.altitude_lower, volume.altitude_upper
        codes = REFERENCE_CODES
        ints[place] = (core.kind, codes[lower.reference], codes[upper.reference], len(split.vectors), start_ms, end_ms)
    packed = b"".join([floats.tobytes(), *(part.tobytes() for part in vectors)])
    bands = tuple((each.volume.altitude_lower, each.volume.altitude_upper) for each in volumes)
    return Prepared(packed, ints.tobytes(), bands)


def _core_of(volume: Volume3D) -> _Core:
    if volume.outline_polygon is not None:
        return _Core(POLYGON, "outline_polygon", volume.outline_polygon.vertices, 0.0)
    if volume.outline_circle is not None:
        circle = volume.outline_circle
        return _Core(POINT, "outline_circle", (circle.center,), circle.radius.value)
    if volume.outline_corridor is not None:
        corridor = volume.outline_corridor
        return _Core(CORRIDOR, "outline_corridor", corridor.vertices, corridor.half_width.value)
    raise Refusal(RefusalCode.SHAPE_MISSING, found="no outline", allowed="exactly one outline")


def _set_band(volume: Volume3D, record: Floats) -> None:
    lower, upper = volume.altitude_lower, volume.altitude_upper
    record[7:9] = height_w84_m(lower)
    record[9:11] = height_w84_m(upper)
    record[11] = lower.value_m
    record[12] = upper.value_m


def _split(core: _Core, *, vertices_max: int) -> _Split:
    """Place the vertices on the sphere; split long edges along the geodesic."""
    lats = [vertex.lat for vertex in core.vertices]
    lngs = [vertex.lng for vertex in core.vertices]
    vectors = unit_vectors(np.array(lats), np.array(lngs))
    links = {POINT: 0, CORRIDOR: len(lats) - 1, POLYGON: len(lats)}[core.kind]
    owners: list[int] | None = None
    if links:
        repeat = int(first_repeat(vectors, len(lats), links, _chord(limits.VERTICES_APART_M_MIN)))
        if repeat >= 0:
            raise Refusal(
                RefusalCode.RING_INVALID,
                field=f"{core.name}.vertices[{repeat}]",
                found="the place of the vertex before it again",
                allowed=f"neighbours at least {limits.VERTICES_APART_M_MIN * 1000:g} mm apart",
            )
        chords_sq = ((np.roll(vectors, -1, axis=0) - vectors)[:links] ** 2).sum(axis=1)
        if float(chords_sq.max()) > _chord(limits.EDGE_SPLIT_M * 0.99) ** 2:
            _check_edges(core, chords_sq)
            lats, lngs, owners = _with_pieces(core, lats, lngs, links, vertices_max=vertices_max)
            vectors = unit_vectors(np.array(lats), np.array(lngs))
    if len(vectors) > vertices_max:
        raise _too_many(core)
    return _Split(vectors, owners, lats)


def _chord(length_m: float) -> float:
    """Chord that no shorter length on the ellipsoid has: M at the pole, the largest radius of curvature."""
    return 2.0 * math.sin(0.5 * length_m / meridian_m(90.0))


def _check_edges(core: _Core, chords_sq: Floats) -> None:
    longest = int(chords_sq.argmax())
    degrees = 2.0 * math.degrees(math.asin(min(1.0, 0.5 * math.sqrt(float(chords_sq[longest])))))
    if degrees > limits.EDGE_DEGREES_MAX:
        raise Refusal(
            RefusalCode.SHAPE_TOO_LARGE,
            field=f"{core.name}.vertices[{longest}]",
            found=f"an edge of {degrees:.1f} degrees from here",
            allowed=f"edges of at most {limits.EDGE_DEGREES_MAX:g} degrees",
        )


def _with_pieces(
    core: _Core, lats: list[float], lngs: list[float], links: int, *, vertices_max: int
) -> tuple[list[float], list[float], list[int]]:
    out_lats: list[float] = []
    out_lngs: list[float] = []
    owners: list[int] = []
    for i, (lat, lng) in enumerate(zip(lats, lngs, strict=True)):
        out_lats.append(lat)
        out_lngs.append(lng)
        owners.append(i)
        if i < links:
            j = (i + 1) % len(lats)
            for inner_lat, inner_lng in geodesic_points(lat, lng, lats[j], lngs[j], piece_m_max=limits.EDGE_SPLIT_M):
                out_lats.append(inner_lat)
                out_lngs.append(inner_lng)
                owners.append(i)
        if len(owners) > vertices_max:
            raise _too_many(core)
    return out_lats, out_lngs, owners


def _too_many(core: _Core) -> Refusal:
    return Refusal(
        RefusalCode.SHAPE_TOO_LARGE,
        field=f"{core.name}.vertices",
        found=f"more than {limits.SPLIT_VERTICES_MAX} vertices in one notice, long edges split",
        allowed=f"at most {limits.SPLIT_VERTICES_MAX}, with edges cut into {limits.EDGE_SPLIT_M:g} m",
    )


def _place(core: _Core, split: _Split, record: Floats) -> None:
    """Fill F[0:7] and F[13:16] (`kernel_meet`); refuse rings that are not simple, and shapes too large."""
    x, y, z, reach = bounding_ball(split.vectors)
    absolute = [abs(lat) for lat in split.lats]
    margin = (core.radius_m + _SEPARATION_REACH_M) * _EQUATOR_DEGREES_PER_M
    lowest = max(0.0, min(absolute) - margin)
    highest = min(90.0, max(absolute) + margin)
    record[0:7] = (x, y, z, reach, core.radius_m, meridian_m(lowest), prime_vertical_m(highest))
    degrees = 2.0 * math.degrees(math.asin(min(1.0, 0.5 * reach))) + core.radius_m * _EQUATOR_DEGREES_PER_M
    if degrees > limits.CAP_DEGREES_MAX:
        raise Refusal(
            RefusalCode.SHAPE_TOO_LARGE,
            field=core.name,
            found=f"an outline in a cap of {degrees:.1f} degrees",
            allowed=f"at most {limits.CAP_DEGREES_MAX:g} degrees from a common centre",
        )
    if core.kind == POLYGON:
        _place_ring(core, split, record)


def _place_ring(core: _Core, split: _Split, record: Floats) -> None:
    count = len(split.vectors)
    dressed = np.empty((count, 6))
    balls = np.empty(((count + BLOCK_EDGES - 1) // BLOCK_EDGES, 4))
    dress(split.vectors, 0, count, POLYGON, dressed, 0, balls, 0)
    fault, place = ring_fault(dressed, balls, count, _chord(limits.VERTICES_APART_M_MIN))
    if fault != RING_SIMPLE:
        flat = len(core.vertices) == 3 or (fault != RING_CROSSING and count == 3)
        vertex = place if split.owners is None else split.owners[place]
        raise Refusal(
            RefusalCode.RING_INVALID if flat else RefusalCode.RING_CROSSES,
            field=f"{core.name}.vertices[{vertex}]",
            found="a ring with no inside" if flat else "the edge from here meets another edge of the ring",
            allowed="a ring whose edges meet at their common vertices only",
        )
    x, y, z, depth = interior_point(dressed, balls, count, record[0], record[1], record[2], record[3])
    if depth > _INTERIOR_CHORD_MIN:
        record[13:16] = (x, y, z)
