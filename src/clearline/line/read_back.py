"""What a human repeats of a notice, and whether it was right (R5).

Rules
 * The box encloses every vertex, widened by radius or half width, rounded outward to 0.01 degree.
 * Limits and window are the outermost of all volumes. Limits in several references are all named.
 * Both sides judge a read-back alone, from the notice they hold; nobody claims that it was right.

Degrees WGS84; a box over the antimeridian has west > east; a box around a pole spans all longitudes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from clearline.model.altitude import Altitude, AltitudeReference, altitude_text, parse_altitude
from clearline.model.instant import instant_text, parse_instant
from clearline.model.message import ReadBackFields
from clearline.model.refusal import FieldRefusal
from clearline.model.volume import LatLngPoint, Volume4D

__all__ = ["read_back_fields", "wrong_field"]

METRES_PER_DEGREE_MIN = 110_570.0
"""The shortest degree of latitude on WGS84 (at the equator): dividing by it never makes a box too small."""
BOX_TOLERANCE_DEGREES = 0.011
"""One step of the rounding: two machines may round the last bit differently."""
_GRID = 100.0


def read_back_fields(volumes: Iterable[Volume4D]) -> ReadBackFields:
    """Return what a reader of these volumes must repeat. There is at least one volume."""
    listed = list(volumes)
    south, west, north, east = _box(listed)
    windows = [volume.window_ms for volume in listed]
    return ReadBackFields(
        south=south,
        west=west,
        north=north,
        east=east,
        lower=_limits_text([volume.volume.altitude_lower for volume in listed], lower=True),
        upper=_limits_text([volume.volume.altitude_upper for volume in listed], lower=False),
        from_time=instant_text(min(start for start, _ in windows)),
        until_time=instant_text(max(end for _, end in windows)),
    )


def wrong_field(expected: ReadBackFields, said: ReadBackFields) -> str | None:
    """Return the first field that was not repeated rightly, or None."""
    for name in ("south", "west", "north", "east"):
        apart = abs(getattr(expected, name) - getattr(said, name))
        if not min(apart, abs(360.0 - apart)) <= BOX_TOLERANCE_DEGREES:
            return name
    for name in ("lower", "upper"):
        if not _same_limits(getattr(expected, name), getattr(said, name)):
            return name
    for name in ("from_time", "until_time"):
        if not _same_instant(getattr(expected, name), getattr(said, name)):
            return name
    return None


def _same_limits(expected: str, said: str) -> bool:
    try:
        return [parse_altitude(part) for part in expected.split(" / ")] == [
            parse_altitude(part) for part in said.split(" / ")
        ]
    except FieldRefusal:
        return False


def _same_instant(expected: str, said: str) -> bool:
    try:
        return parse_instant(expected) == parse_instant(said)
    except FieldRefusal:
        return False


def _limits_text(altitudes: list[Altitude], *, lower: bool) -> str:
    outermost: dict[AltitudeReference, Altitude] = {}
    for altitude in altitudes:
        held = outermost.get(altitude.reference)
        if held is None or ((altitude.value_m < held.value_m) == lower and altitude.value_m != held.value_m):
            outermost[altitude.reference] = altitude
    return " / ".join(altitude_text(outermost[reference]) for reference in sorted(outermost))


def _box(volumes: list[Volume4D]) -> tuple[float, float, float, float]:
    south, north = 90.0, -90.0
    arcs: list[tuple[float, float]] = []
    for volume in volumes:
        points, margin_m = _outline(volume)
        margin = margin_m / METRES_PER_DEGREE_MIN
        for point in points:
            south, north = min(south, point.lat - margin), max(north, point.lat + margin)
            cosine = math.cos(math.radians(min(90.0, abs(point.lat) + margin)))
            half = 180.0 if cosine * 180.0 <= margin else margin / cosine
            arcs.append((point.lng - half, point.lng + half))
    west, east = _longitude_hull(arcs)
    return (
        max(-90.0, math.floor(south * _GRID) / _GRID),
        max(-180.0, math.floor(west * _GRID) / _GRID),
        min(90.0, math.ceil(north * _GRID) / _GRID),
        min(180.0, math.ceil(east * _GRID) / _GRID),
    )


def _outline(volume: Volume4D) -> tuple[tuple[LatLngPoint, ...], float]:
    shape = volume.volume
    if shape.outline_circle is not None:
        return (shape.outline_circle.center,), shape.outline_circle.radius.value
    if shape.outline_corridor is not None:
        return shape.outline_corridor.vertices, shape.outline_corridor.half_width.value
    return (shape.outline_polygon.vertices if shape.outline_polygon is not None else ()), 0.0


def _longitude_hull(arcs: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the shortest span of longitudes that holds all arcs: all around minus the widest gap."""
    if any(end - start >= 360.0 for start, end in arcs):
        return -180.0, 180.0
    turned = sorted(((start + 180.0) % 360.0, end - start) for start, end in arcs)
    reach, gap_width, gap_end = turned[0][0] + turned[0][1], -1.0, turned[0][0]
    for start, width in turned[1:]:
        if start - reach > gap_width:
            gap_width, gap_end = start - reach, start
        reach = max(reach, start + width)
    last_gap = turned[0][0] + 360.0 - reach
    if last_gap >= gap_width:
        gap_width, gap_end = last_gap, turned[0][0]
    if gap_width <= 0.0:
        return -180.0, 180.0
    west = gap_end - 180.0
    east = west + 360.0 - gap_width
    return west, east if east <= 180.0 else east - 360.0
