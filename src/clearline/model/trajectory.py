"""A trajectory: where an aircraft is at each instant, with a buffer around it.

Rules
 * Between two points the aircraft flies the WGS84 geodesic at constant speed and climbs at a constant rate.
 * Times rise strictly; all altitudes are in one reference, so that a height between two points has a meaning.
 * The buffers are a radius over ground and half a height: how far the aircraft may be from where it is said to be.

Degrees WGS84, ms since 1970, metres. Source: design.md §4 ("buffered trajectory"); practice.md R13, R37.
"""

from __future__ import annotations

import msgspec

from clearline.model import limits
from clearline.model.altitude import Altitude
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.volume import LatLngPoint

__all__ = ["Trajectory", "TrajectoryPoint"]


class TrajectoryPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place, height and instant."""

    place: LatLngPoint
    altitude: Altitude
    at_ms: int

    def __post_init__(self) -> None:
        if not limits.TIME_MS_MIN <= self.at_ms <= limits.TIME_MS_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE, field="at_ms", found=self.at_ms, allowed="an instant from 1970 to 2100, in ms"
            )


class Trajectory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two points or more, with the buffers around them."""

    points: tuple[TrajectoryPoint, ...]
    buffer_lateral_m: float = 0.0
    buffer_vertical_m: float = 0.0

    def __post_init__(self) -> None:
        count = len(self.points)
        if not 2 <= count <= limits.TRAJECTORY_POINTS_MAX:
            raise FieldRefusal(
                RefusalCode.OVER_LIMIT if count > 2 else RefusalCode.RING_INVALID,
                field="points",
                found=f"{count} points",
                allowed=f"2 to {limits.TRAJECTORY_POINTS_MAX}",
            )
        first = self.points[0].altitude.reference
        for index in range(1, count):
            before, point = self.points[index - 1], self.points[index]
            if not before.at_ms < point.at_ms:
                raise FieldRefusal(
                    RefusalCode.TIME_ORDER,
                    field=f"points[{index}].at_ms",
                    found=point.at_ms,
                    allowed=f"after the point before it, {before.at_ms}",
                )
            if point.altitude.reference is not first:
                raise FieldRefusal(
                    RefusalCode.ALTITUDE_ORDER,
                    field=f"points[{index}].altitude.reference",
                    found=point.altitude.reference.value,
                    allowed=f"{first.value}, as in the first point",
                )
        _check_buffer("buffer_lateral_m", self.buffer_lateral_m, limits.RADIUS_M_MAX)
        _check_buffer("buffer_vertical_m", self.buffer_vertical_m, limits.ALTITUDE_M_MAX)


def _check_buffer(field: str, found: float, most: float) -> None:
    if not 0.0 <= found <= most:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed=f"0 to {most:g} m")
