"""Volume4D: an outline, a band of altitude and a window of time, in the JSON shape of ASTM F3548-21.

Rules
 * Exactly one outline: polygon, circle, or corridor. The corridor is Clearline's own (F3548 has none): a centre
   line with a width. Edges are geodesics of WGS84.
 * An outline has at most OUTLINE_VERTICES_MAX vertices; a notice allows fewer to each volume (`notice`).
 * A polygon's ring is not closed by a repeated vertex; it is simple (checked by `sky`, which knows the sphere).
 * Lower is not above upper, the end is after the start, nothing is NaN, infinite or off the earth.
 * Intervals are closed: a window that ends when another starts touches it (design.md §4).

Angles in degrees WGS84: latitude -90..90 north positive, longitude -180..180 east positive.
Source: ASTM F3548-21 (Volume4D, Volume3D, Polygon, Circle, Altitude, Time); practice.md R13, R14.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.altitude import Altitude
from clearline.model.instant import InstantMs, instant_text, parse_instant, parse_instant_up
from clearline.model.refusal import FieldRefusal, RefusalCode

__all__ = [
    "Circle",
    "Corridor",
    "LatLngPoint",
    "Polygon",
    "Radius",
    "RadiusUnits",
    "Time",
    "TimeFormat",
    "Volume3D",
    "Volume4D",
    "time_at",
]

Latitude = Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
Longitude = Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]


class LatLngPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place: degrees WGS84."""

    lat: Latitude
    lng: Longitude

    def __post_init__(self) -> None:
        # msgspec checks `Meta` only when it decodes; a point built in Python obeys the same rule.
        if not -90.0 <= self.lat <= 90.0:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field="lat", found=self.lat, allowed="-90 to 90 degrees")
        if not -180.0 <= self.lng <= 180.0:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field="lng", found=self.lng, allowed="-180 to 180 degrees")


class RadiusUnits(StrEnum):
    """F3548 has metres only."""

    M = "M"


class Radius(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A length over ground in metres, more than 0."""

    value: float
    units: RadiusUnits = RadiusUnits.M

    def __post_init__(self) -> None:
        if not 0.0 < self.value <= limits.RADIUS_M_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="value",
                found=self.value,
                allowed=f"more than 0, at most {limits.RADIUS_M_MAX:g} m",
            )


class Polygon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ring of at least three vertices; the last joins the first."""

    vertices: tuple[LatLngPoint, ...]

    def __post_init__(self) -> None:
        _check_vertices(self.vertices, count_min=3)
        if self.vertices[0] == self.vertices[-1]:
            raise FieldRefusal(
                RefusalCode.RING_INVALID,
                field=f"vertices[{len(self.vertices) - 1}]",
                found="the first vertex again",
                allowed="a ring that is not closed by repeating its first vertex",
            )


class Circle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All places within `radius` of `center`."""

    center: LatLngPoint
    radius: Radius


class Corridor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All places within `half_width` of a line of at least two vertices (round ends)."""

    vertices: tuple[LatLngPoint, ...]
    half_width: Radius

    def __post_init__(self) -> None:
        _check_vertices(self.vertices, count_min=2)


class Volume3D(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One outline between two altitudes."""

    altitude_lower: Altitude
    altitude_upper: Altitude
    outline_polygon: Polygon | None = None
    outline_circle: Circle | None = None
    outline_corridor: Corridor | None = None

    def __post_init__(self) -> None:
        outlines = [self.outline_polygon, self.outline_circle, self.outline_corridor]
        count = sum(outline is not None for outline in outlines)
        if count != 1:
            raise FieldRefusal(
                RefusalCode.SHAPE_MISSING,
                field="outline_polygon",
                found=f"{count} outlines",
                allowed="exactly one of outline_polygon, outline_circle, outline_corridor",
            )
        lower, upper = self.altitude_lower, self.altitude_upper
        if lower.reference is upper.reference and not lower.value_m <= upper.value_m:
            raise FieldRefusal(
                RefusalCode.ALTITUDE_ORDER,
                field="altitude_lower",
                found=f"{lower.value_m:g} m over {upper.value_m:g} m",
                allowed="lower at or below upper",
            )

    @property
    def vertex_count(self) -> int:
        """How many vertices the outline has; a circle counts as one."""
        if self.outline_polygon is not None:
            return len(self.outline_polygon.vertices)
        return len(self.outline_corridor.vertices) if self.outline_corridor is not None else 1


class TimeFormat(StrEnum):
    """F3548 has RFC 3339 only."""

    RFC3339 = "RFC3339"


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instant as F3548 writes it."""

    value: str
    format: TimeFormat = TimeFormat.RFC3339

    def __post_init__(self) -> None:
        try:
            parse_instant_up(self.value)  # the narrower of the two readings
        except FieldRefusal as refusal:
            raise FieldRefusal(
                refusal.refusal.code, field="value", found=self.value, allowed=refusal.refusal.allowed
            ) from None


def time_at(instant_ms: int) -> Time:
    """Return the wire form of an instant."""
    return Time(instant_text(instant_ms))


class Volume4D(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A `Volume3D` from `time_start` to `time_end`, both included."""

    volume: Volume3D
    time_start: Time
    time_end: Time

    def __post_init__(self) -> None:
        start_ms, end_ms = self.window_ms
        # Compared before rounding outward: an end before its start within one millisecond is no window either.
        if not start_ms < parse_instant(self.time_end.value):
            raise FieldRefusal(
                RefusalCode.TIME_ORDER,
                field="time_end",
                found=self.time_end.value,
                allowed=f"after time_start {self.time_start.value}",
            )
        if end_ms - start_ms > limits.WINDOW_MS_MAX:
            raise FieldRefusal(
                RefusalCode.OVER_LIMIT,
                field="time_end",
                found=self.time_end.value,
                allowed="at most 366 days after start",
            )

    @property
    def window_ms(self) -> tuple[InstantMs, InstantMs]:
        """Start and end; parts of a millisecond are rounded outward."""
        return parse_instant(self.time_start.value), parse_instant_up(self.time_end.value)


def _check_vertices(vertices: tuple[LatLngPoint, ...], *, count_min: int) -> None:
    count = len(vertices)
    if count < count_min:
        raise FieldRefusal(
            RefusalCode.RING_INVALID, field="vertices", found=f"{count} vertices", allowed=f"{count_min} or more"
        )
    if count > limits.OUTLINE_VERTICES_MAX:
        raise FieldRefusal(
            RefusalCode.OVER_LIMIT,
            field="vertices",
            found=f"{count} vertices",
            allowed=f"at most {limits.OUTLINE_VERTICES_MAX}",
        )
    for index in range(1, count):
        if vertices[index] == vertices[index - 1]:
            raise FieldRefusal(
                RefusalCode.RING_INVALID,
                field=f"vertices[{index}]",
                found="the vertex before it again",
                allowed="each vertex differs from its neighbours",
            )
