"""Volumes from a track: timed corridors that surely contain every fix.

Rules
 * A track is cut into segments of at most `Buffers.segment_ms`, fewer and longer where the notice would pass
   `limits.VOLUMES_MAX`. Neighbours share a fix, so that no moment between first and last is without a volume.
 * Each segment's line is simplified (Ramer, Douglas, Peucker) on the sphere with the bound `simplify_m`; the half
   width is `lateral_m` plus that bound, so no fix is nearer than `lateral_m` to the edge.
 * The band is what was flown, `vertical_ft` more on each side, outward to whole flight levels, not below 0.
 * The window is what was flown, `time_ms` more on each side.

Property: for each fix there is a volume whose window holds its time, whose band holds its level, and whose line is
at most `half_width - lateral_m` away over ground.

Units: metres [m], feet [ft], milliseconds [ms], angles at the centre of the unit sphere [rad]. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from clearline.formats.sample import Fix
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.volume import Circle, Corridor, LatLngPoint, Radius, Volume3D, Volume4D, time_at

__all__ = ["Buffers", "volumes_of"]

RADIUS_M_UP: Final = 6_399_594.0
"""WGS84's greatest radius of curvature (at the poles, rounded up): an angle times it is never too short a distance."""

Vectors = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """How much room a notice takes around what is flown."""

    lateral_m: float
    simplify_m: float
    vertical_ft: int
    time_ms: int
    segment_ms: int


def volumes_of(fixes: Sequence[Fix], buffers: Buffers) -> tuple[Volume4D, ...]:
    """Return the volumes of one notice for a track of at least two fixes."""
    return tuple(_volume(segment, buffers) for segment in _segments(fixes, buffers.segment_ms))


def _segments(fixes: Sequence[Fix], segment_ms: int) -> list[Sequence[Fix]]:
    """Cut so that neighbours share a fix; segments grow by a quarter until their number fits into a notice."""
    while True:
        segments: list[Sequence[Fix]] = []
        first = 0
        for last in range(1, len(fixes)):
            ends = last == len(fixes) - 1
            if ends or fixes[last + 1].at_ms - fixes[first].at_ms > segment_ms:
                segments.append(fixes[first : last + 1])
                first = last
        if len(segments) <= limits.VOLUMES_MAX:
            return segments
        segment_ms += segment_ms // 4


def _volume(segment: Sequence[Fix], buffers: Buffers) -> Volume4D:
    half_width = Radius(buffers.lateral_m + buffers.simplify_m)
    line = _simplified(segment, buffers.simplify_m)
    lower = max(0, (min(fix.pressure_ft for fix in segment) - buffers.vertical_ft) // 100)
    upper = -(-(max(fix.pressure_ft for fix in segment) + buffers.vertical_ft) // 100)
    outline_circle = Circle(line[0], half_width) if len(line) == 1 else None
    outline_corridor = Corridor(line, half_width) if len(line) > 1 else None
    return Volume4D(
        volume=Volume3D(
            altitude_lower=Altitude(float(lower), AltitudeReference.FL, AltitudeUnits.FL),
            altitude_upper=Altitude(float(upper), AltitudeReference.FL, AltitudeUnits.FL),
            outline_circle=outline_circle,
            outline_corridor=outline_corridor,
        ),
        time_start=time_at(segment[0].at_ms - buffers.time_ms),
        time_end=time_at(segment[-1].at_ms + buffers.time_ms),
    )


def _simplified(segment: Sequence[Fix], bound_m: float) -> tuple[LatLngPoint, ...]:
    """Return a line along some of the fixes, all others within `bound_m` of it; never a vertex twice in a row."""
    vectors = _unit_vectors(segment)
    # A hundredth is left over for the difference between the sphere's arcs and the ellipsoid's geodesics.
    bound_rad = bound_m * 0.99 / RADIUS_M_UP
    kept = {0, len(segment) - 1}
    waiting = [(0, len(segment) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        away = _angles_from_arc(vectors[first + 1 : last], vectors[first], vectors[last])
        worst = int(np.argmax(away))
        if away[worst] > bound_rad:
            middle = first + 1 + worst
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    line: list[LatLngPoint] = []
    for index in sorted(kept):
        point = LatLngPoint(segment[index].lat, segment[index].lng)
        if not line or line[-1] != point:
            line.append(point)
    return tuple(line)


def _unit_vectors(fixes: Sequence[Fix]) -> Vectors:
    lat = np.radians([fix.lat for fix in fixes])
    lng = np.radians([fix.lng for fix in fixes])
    return np.stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)], axis=1)


def _angles_from_arc(points: Vectors, a: Vectors, b: Vectors) -> Vectors:
    """Return the angle [rad] from each unit vector p of `points` to the shorter great-circle arc from a to b.

    n is the pole of the arc's circle. p projects onto the arc IFF it is left of n x a and right of n x b.
    """
    n = np.cross(a, b)
    length = float(np.linalg.norm(n))
    to_ends = np.minimum(_angles(points, a), _angles(points, b))
    if length < 1e-12:
        return to_ends
    n /= length
    beside = (points @ np.cross(n, a) >= 0.0) & (points @ np.cross(b, n) >= 0.0)
    return np.where(beside, np.abs(np.arcsin(np.clip(points @ n, -1.0, 1.0))), to_ends)


def _angles(points: Vectors, other: Vectors) -> Vectors:
    # By the chord: the arc cosine loses half its digits for places that are close.
    chord = np.linalg.norm(points - other, axis=1)
    angles: Vectors = 2.0 * np.arcsin(np.minimum(1.0, chord / 2.0))
    return angles
