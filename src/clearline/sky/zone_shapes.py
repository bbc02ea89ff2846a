"""Zones as shapes: prepared once, cut down to the parts and windows that a question needs.

Rules
 * A zone's volumes have no window of their own. They are prepared once and stand over one window; for a question their
   records are repeated, one for each window concerned.
 * A dividing line is drawn on at both ends along its geodesics, as far as its depth: so it parts all that is within the
   depth of it.

Layout of packed volumes: `Prepared.floats` and `Prepared.ints`. Source: practice.md R30, R31.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from clearline.model import limits
from clearline.model.refusal import Refusal
from clearline.model.volume import Corridor, LatLngPoint, Radius, Volume3D, Volume4D, time_at
from clearline.model.zone import Side, Zone
from clearline.sky.geodesy import TOLERANCE_LATERAL_M
from clearline.sky.kernel_meet import FLOAT_COLUMNS, INT_COLUMNS
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import BLOCK_EDGES, CORRIDOR, Floats, dress
from clearline.sky.kernel_side import side_verdict
from clearline.sky.prepared import Prepared, prepare

__all__ = ["DividingLine", "dividing_line", "part_of", "reach_volume", "side_verdicts", "standing"]

Window = tuple[int, int]

_ON_M: Final = 0.05
"""How much farther than the depth a line is drawn on: more than all errors of a place."""


def part_of(prepared: Prepared, places: Sequence[int], windows: Sequence[Window] | None = None) -> Prepared:
    """Return some volumes of a notice or zone; with `windows` each of them once for each window, in that order."""
    count = len(prepared)
    records = prepared.floats[: count * FLOAT_COLUMNS].reshape(count, FLOAT_COLUMNS)
    vertices = prepared.floats[count * FLOAT_COLUMNS :].reshape(-1, 3)
    ints = prepared.ints.reshape(count, INT_COLUMNS)
    first = np.concatenate(([0], np.cumsum(ints[:, 3])))
    times = 1 if windows is None else len(windows)
    rows = np.repeat(np.array(places, dtype=np.int64), times)
    chosen = ints[rows]
    if windows is not None:
        chosen[:, 4:6] = np.tile(np.array(windows, dtype=np.int64), (len(places), 1))
    parts = [records[rows], *(vertices[first[row] : first[row + 1]] for row in rows)]
    packed = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    return Prepared(packed, np.ascontiguousarray(chosen).tobytes(), tuple(prepared.bands[row] for row in rows))


def standing(volumes: Sequence[Volume3D], window: Window) -> Prepared:
    """Check the volumes of a zone, place them on the sphere and let them stand over one window of any length.

    Raises:
        Refusal: as `prepare`, with the path below `volumes`.
    """
    prepared = prepare([Volume4D(volume=each, time_start=time_at(0), time_end=time_at(1)) for each in volumes])
    return part_of(prepared, range(len(volumes)), (window,))


class DividingLine(NamedTuple):
    """A dividing line as `kernel_side` takes it."""

    record: Floats
    """The record of the corridor whose half width is the depth."""
    vertices: Floats
    balls: Floats
    edges: int
    first: int
    last: int
    """Edges [first, last) are published, the others drawn on."""


def dividing_line(zone: Zone, reach: Prepared) -> DividingLine:
    """Return the line of a zone; `reach` is the corridor around it.

    Raises:
        Refusal: SHAPE_TOO_LARGE, where the line cannot be drawn on.
    """
    volume = zone.volumes[0]
    corridor, depth_m = volume.outline_corridor, zone.depth_m
    if corridor is None or depth_m is None:
        raise TypeError("a dividing line has a centre line and a depth: `Zone` sees to it")
    line = corridor.vertices
    try:
        before = _drawn_on(volume, line[1], line[0], depth_m)[::-1]
        after = _drawn_on(volume, line[-2], line[-1], depth_m)
    except Refusal as refusal:
        raise refusal.within("volumes[0]") from None
    own = reach.floats[FLOAT_COLUMNS:].reshape(-1, 3)
    vectors = np.ascontiguousarray(np.concatenate([before[:-1], own, after[1:]]))
    count = len(vectors)
    vertices = np.empty((count, 6))
    balls = np.empty(((count + BLOCK_EDGES - 1) // BLOCK_EDGES, 4))
    dress(vectors, 0, count, CORRIDOR, vertices, 0, balls, 0)
    record = reach.floats[:FLOAT_COLUMNS].copy().reshape(1, FLOAT_COLUMNS)
    record[0, 4] = depth_m
    first = len(before) - 1
    return DividingLine(record, vertices, balls, count - 1, first, first + len(own) - 1)


def _drawn_on(volume: Volume3D, inner: LatLngPoint, end: LatLngPoint, depth_m: float) -> Floats:
    """Return unit vectors from `end` along the geodesic inner-end, as far as the depth beyond it."""
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    back, _, _ = geod.inv(end.lng, end.lat, inner.lng, inner.lat)
    lng, lat, _ = geod.fwd(end.lng, end.lat, back + 180.0, depth_m + _ON_M)
    line = Corridor((end, LatLngPoint(lat, lng)), Radius(1.0))
    piece = Volume3D(altitude_lower=volume.altitude_lower, altitude_upper=volume.altitude_upper, outline_corridor=line)
    return standing([piece], (0, 1)).floats[FLOAT_COLUMNS:].reshape(-1, 3)


def side_verdicts(prepared: Prepared, places: Sequence[int], line: DividingLine, own: Side) -> list[int]:
    """Return for each volume whether it reaches the side that is not `own`: APART, CLOSER or SURE."""
    chosen = part_of(prepared, places)
    F, K, V, _ = load(chosen.floats, chosen.ints, len(chosen))
    wrong = 1 if own is Side.RIGHT else -1
    return [
        side_verdict(
            F, K, a, V, line.record, line.vertices, line.balls, line.edges, line.first, line.last, wrong,
            TOLERANCE_LATERAL_M,
        )
        for a in range(len(chosen))
    ]  # fmt: skip


def reach_volume(zone: Zone, separation_lateral_m: float) -> Volume3D:
    """Return the corridor outside of which a dividing line concerns nobody: its depth, or its wider buffer."""
    volume = zone.volumes[0]
    if volume.outline_corridor is None or zone.depth_m is None:
        raise TypeError("a dividing line has a centre line and a depth: `Zone` sees to it")
    widest_m = max(zone.depth_m, volume.outline_corridor.half_width.value + separation_lateral_m)
    line = Corridor(volume.outline_corridor.vertices, Radius(min(widest_m, limits.RADIUS_M_MAX)))
    return Volume3D(altitude_lower=volume.altitude_lower, altitude_upper=volume.altitude_upper, outline_corridor=line)
