"""Comparing altitudes by interval (R13).

Rules
 * Every limit is turned into an interval of metres above the WGS84 ellipsoid that surely holds it, whatever the
   weather, the geoid and the ground may be within the bounds below. W84 itself is exact.
 * Two limits in one reference are compared directly where that is exact or its error has a bound: a gap is then the
   larger of what both ways prove. It is counted in that reference, as crews count it (1,000 ft between two levels).
 * AGL is compared with AGL only where the separation over ground is 0: then both limits stand on the same ground.
 * What these bounds cannot hold apart is not apart: the caller finds a conflict, and marks it as not certain.
 * `AltitudeBounds` are the worldwide ones unless somebody states narrower ones for his own planning. Between parties
   only the worldwide ones hold, unless they agree on others: a bound that one side believes is no fact of the other's.

Worldwide bounds, each with its reason
 * Geoid above ellipsoid: -107 m (south of India) to +86 m (New Guinea), EGM96 and EGM2008; `prepare` takes the place's
   own interval instead (`sky.geoid`).
 * Pressure at sea level: 940 to 1060 hPa. Altimeters are set between 948 and 1050 hPa (28.00 and 31.00 inHg); flight by
   pressure altitude ends there (FAA AIM 7-2-3). Only the eye of a great storm has less.
 * Thickness of an air layer: 0.70 to 1.17 of the standard atmosphere's. It goes with the layer's mean temperature in
   kelvin: -70 degrees C at the surface is 0.71 of standard, +50 degrees C is 1.12; gravity adds 0.01.
 * Two altimeters "on QNH" in one place: settings at most 10 hPa apart (old report, neighbouring region), 90 m.
 * Ground: -450 m (Dead Sea shore -430 m) to +8,850 m (Everest) above mean sea level.

Units: metres [m]. Axis: up. No I/O, no clock. Source: ICAO Doc 7488 (standard atmosphere); practice.md R13, S63;
docs/adr/0010-altitude-bounds.md.
"""

from __future__ import annotations

from typing import Final, Self, assert_never

import msgspec

from clearline.model.altitude import Altitude, AltitudeReference, altitude_text
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

__all__ = [
    "GEOID_M",
    "REFERENCE_CODES",
    "TOLERANCE_VERTICAL_M",
    "WORLDWIDE",
    "AltitudeBounds",
    "band_w84_m",
    "check_order",
    "height_w84_m",
    "pressure_altitude_m",
    "reference_errors_m",
]

Interval = tuple[float, float]

GEOID_M: Final[Interval] = (-107.0, 86.0)
SEA_LEVEL_HPA: Final[Interval] = (940.0, 1060.0)
THICKNESS_RATIO: Final[Interval] = (0.70, 1.17)
QNH_APART_M: Final = 90.0
"""10 hPa at 9.0 m/hPa, the most that one hectopascal is worth at 940 hPa."""
METRES_PER_HPA: Final = 9.0
GROUND_AMSL_M: Final[Interval] = (-450.0, 8_850.0)

COLDEST_STANDARD_K: Final = 216.65
WARMEST_STANDARD_K: Final = 288.15
THICKNESS_OTHER: Final[Interval] = (-0.005, 0.02)
"""What temperature does not say of a layer's thickness: gravity (0.5 % by latitude and height), humidity (1.5 %)."""

TOLERANCE_VERTICAL_M: Final = 0.01
"""500 ft and 152.4 m are one height; the wire carries centimetres at best."""

REFERENCE_CODES: Final[dict[AltitudeReference, int]] = {
    AltitudeReference.W84: 0,
    AltitudeReference.AMSL: 1,
    AltitudeReference.FL: 2,
    AltitudeReference.QNH: 3,
    AltitudeReference.AGL: 4,
}
"""How the kernel names a reference: the place of its error in `reference_errors_m`."""


def pressure_altitude_m(pressure_hpa: float) -> float:
    """Return the standard atmosphere's height of a pressure [hPa], below 11 km (ICAO Doc 7488)."""
    return float((288.15 / 0.0065) * (1.0 - (pressure_hpa / 1013.25) ** 0.190263))


class AltitudeBounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Between which values weather, ground and sea are taken to be; each a closed interval (lowest, highest)."""

    sea_level_hpa: Interval = SEA_LEVEL_HPA
    """Pressure at mean sea level [hPa]."""
    thickness_ratio: Interval = THICKNESS_RATIO
    """Thickness of any layer of air from the sea upward, over that of the standard atmosphere."""
    qnh_apart_m: float = QNH_APART_M
    """How far an altimeter's setting may be from the pressure at sea level below it. Two limits that are both on QNH
    are compared directly with 90 m, whatever is stated here: the rule set says so, and not one side."""
    ground_amsl_m: Interval = GROUND_AMSL_M
    """Height of the ground above mean sea level."""
    geoid_m: Interval | None = None
    """Height of mean sea level above the ellipsoid; None takes what is known of the place (`sky.geoid`)."""

    def __post_init__(self) -> None:
        _check_bounds("sea_level_hpa", self.sea_level_hpa, (850.0, 1_100.0))
        _check_bounds("thickness_ratio", self.thickness_ratio, (0.5, 1.5))
        _check_bounds("qnh_apart_m", (self.qnh_apart_m, self.qnh_apart_m), (0.0, 1_000.0))
        _check_bounds("ground_amsl_m", self.ground_amsl_m, (-500.0, 9_000.0))
        if self.geoid_m is not None:
            _check_bounds("geoid_m", self.geoid_m, (-150.0, 150.0))

    @classmethod
    def of_weather(cls, *, qnh_hpa: Interval, isa_degrees: Interval, ground_amsl_m: Interval = GROUND_AMSL_M) -> Self:
        """Return the bounds of a forecast: QNH, and the air's temperature from the standard at every height [K].

        "1005 to 1020 hPa, ISA-5 to ISA+15, terrain 200 to 900 m" is what a planner reads off his charts. Widen it by
        what the forecast may be wrong, over all places and times of the volumes.
        """
        _check_bounds("isa_degrees", isa_degrees, (-100.0, 100.0))
        ratios = [1.0 + apart / kelvin for apart in isa_degrees for kelvin in (COLDEST_STANDARD_K, WARMEST_STANDARD_K)]
        _check_bounds("qnh_hpa", qnh_hpa, (850.0, 1_100.0))
        return cls(
            sea_level_hpa=qnh_hpa,
            thickness_ratio=(min(ratios) + THICKNESS_OTHER[0], max(ratios) + THICKNESS_OTHER[1]),
            qnh_apart_m=min(QNH_APART_M, (qnh_hpa[1] - qnh_hpa[0]) * METRES_PER_HPA),
            ground_amsl_m=ground_amsl_m,
        )


def _check_bounds(field: str, found: Interval, allowed: Interval) -> None:
    if not allowed[0] <= found[0] <= found[1] <= allowed[1]:
        raise FieldRefusal(
            RefusalCode.OUT_OF_RANGE,
            field=field,
            found=f"{found[0]:g} to {found[1]:g}",
            allowed=f"lowest to highest, within {allowed[0]:g} to {allowed[1]:g}",
        )


WORLDWIDE: Final = AltitudeBounds()
"""What holds everywhere and always, and what every party of a line uses."""


def height_w84_m(altitude: Altitude, *, geoid_m: Interval = GEOID_M, bounds: AltitudeBounds = WORLDWIDE) -> Interval:
    """Return (lowest, highest) height above the WGS84 ellipsoid that `altitude` can mean.

    `geoid_m` is what is known of the place, by default nothing; `bounds.geoid_m` goes before it where it is stated.
    """
    value_m = altitude.value_m
    sea_m = geoid_m if bounds.geoid_m is None else bounds.geoid_m
    match altitude.reference:
        case AltitudeReference.W84:
            return (value_m, value_m)
        case AltitudeReference.AMSL:
            return _sum((value_m, value_m), sea_m)
        case AltitudeReference.FL:
            # Height of the level is the thickness of the air between the sea and it.
            deep, shallow = (pressure_altitude_m(hpa) for hpa in bounds.sea_level_hpa)
            return _sum(_thickness((value_m - deep, value_m - shallow), bounds), sea_m)
        case AltitudeReference.QNH:
            apart_m = bounds.qnh_apart_m
            return _sum(_thickness((value_m - apart_m, value_m + apart_m), bounds), sea_m)
        case AltitudeReference.AGL:
            return _sum(_sum((value_m, value_m), bounds.ground_amsl_m), sea_m)
        case _ as never:
            assert_never(never)


def reference_errors_m(separation_lateral_m: float) -> tuple[float, float, float, float, float]:
    """Return, by reference code, how wrong a direct difference may be [m]; infinite where it says nothing."""
    agl_m = 0.0 if separation_lateral_m == 0.0 else float("inf")
    return (0.0, 0.0, 0.0, QNH_APART_M, agl_m)


def band_w84_m(
    lower: Altitude, upper: Altitude, *, geoid_m: Interval = GEOID_M, bounds: AltitudeBounds = WORLDWIDE
) -> tuple[Interval, Interval]:
    """Return the intervals of a band's two limits.

    Raises:
        Refusal: ALTITUDE_ORDER where the upper limit is surely below the lower one. Limits in one reference are
            already checked by `model.volume`.
    """
    lowest = height_w84_m(lower, geoid_m=geoid_m, bounds=bounds)
    highest = height_w84_m(upper, geoid_m=geoid_m, bounds=bounds)
    if highest[1] < lowest[0] and lower.reference is not upper.reference:
        raise Refusal(
            RefusalCode.ALTITUDE_ORDER,
            field="altitude_lower",
            found=f"{altitude_text(lower)} over {altitude_text(upper)}",
            allowed="lower at or below upper",
        )
    return lowest, highest


def check_order(lower: Altitude, upper: Altitude) -> None:
    """Refuse a band whose upper limit is surely below its lower one, wherever on earth it is.

    Raises:
        Refusal: ALTITUDE_ORDER.
    """
    band_w84_m(lower, upper)


def _sum(a: Interval, b: Interval) -> Interval:
    return (a[0] + b[0], a[1] + b[1])


def _thickness(standard_m: Interval, bounds: AltitudeBounds) -> Interval:
    products = [value * ratio for value in standard_m for ratio in bounds.thickness_ratio]
    return (min(products), max(products))
