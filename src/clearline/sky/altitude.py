"""Comparing altitudes by interval (R13).

Rules
 * Every limit is turned into an interval of metres above the WGS84 ellipsoid that surely holds it, whatever the
   weather, the geoid and the ground may be within the bounds below. W84 itself is exact.
 * Two limits in one reference are compared directly where that is exact or its error has a bound: a gap is then the
   larger of what both ways prove. It is counted in that reference, as crews count it (1,000 ft between two levels).
 * AGL is compared with AGL only where the separation over ground is 0: then both limits stand on the same ground.
 * What these bounds cannot hold apart is not apart: the caller finds a conflict, and marks it as not certain.

Bounds, each with its reason
 * Geoid above ellipsoid: -107 m (south of India) to +86 m (New Guinea), EGM96 and EGM2008.
 * Pressure at sea level: 940 to 1060 hPa. Altimeters are set between 948 and 1050 hPa (28.00 and 31.00 inHg); flight by
   pressure altitude ends there (FAA AIM 7-2-3). Only the eye of a great storm has less.
 * Thickness of an air layer: 0.70 to 1.17 of the standard atmosphere's. It goes with the layer's mean temperature in
   kelvin: -70 degrees C at the surface is 0.71 of standard, +50 degrees C is 1.12; gravity adds 0.01.
 * Two altimeters "on QNH" in one place: settings at most 10 hPa apart (old report, neighbouring region), 90 m.
 * Ground: -450 m (Dead Sea shore -430 m) to +8,850 m (Everest) above mean sea level.

Units: metres [m]. Axis: up. No I/O, no clock. Source: ICAO Doc 7488 (standard atmosphere); practice.md R13, S63.
"""

from __future__ import annotations

from typing import Final, assert_never

from clearline.model.altitude import Altitude, AltitudeReference, altitude_text
from clearline.model.refusal import Refusal, RefusalCode

__all__ = [
    "REFERENCE_CODES",
    "TOLERANCE_VERTICAL_M",
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
GROUND_AMSL_M: Final[Interval] = (-450.0, 8_850.0)

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


def height_w84_m(altitude: Altitude) -> Interval:
    """Return (lowest, highest) height above the WGS84 ellipsoid that `altitude` can mean anywhere on earth."""
    value_m = altitude.value_m
    match altitude.reference:
        case AltitudeReference.W84:
            return (value_m, value_m)
        case AltitudeReference.AMSL:
            return _sum((value_m, value_m), GEOID_M)
        case AltitudeReference.FL:
            # Height of the level is the thickness of the air between the sea and it.
            deep, shallow = (pressure_altitude_m(hpa) for hpa in SEA_LEVEL_HPA)
            return _sum(_thickness((value_m - deep, value_m - shallow)), GEOID_M)
        case AltitudeReference.QNH:
            return _sum(_thickness((value_m - QNH_APART_M, value_m + QNH_APART_M)), GEOID_M)
        case AltitudeReference.AGL:
            return _sum(_sum((value_m, value_m), GROUND_AMSL_M), GEOID_M)
        case _ as never:
            assert_never(never)


def reference_errors_m(separation_lateral_m: float) -> tuple[float, float, float, float, float]:
    """Return, by reference code, how wrong a direct difference may be [m]; infinite where it says nothing."""
    agl_m = 0.0 if separation_lateral_m == 0.0 else float("inf")
    return (0.0, 0.0, 0.0, QNH_APART_M, agl_m)


def check_order(lower: Altitude, upper: Altitude) -> None:
    """Refuse a band whose upper limit is surely below its lower one.

    Raises:
        Refusal: ALTITUDE_ORDER. Limits in one reference are already checked by `model.volume`.
    """
    if height_w84_m(upper)[1] < height_w84_m(lower)[0]:
        raise Refusal(
            RefusalCode.ALTITUDE_ORDER,
            field="altitude_lower",
            found=f"{altitude_text(lower)} over {altitude_text(upper)}",
            allowed="lower at or below upper",
        )


def _sum(a: Interval, b: Interval) -> Interval:
    return (a[0] + b[0], a[1] + b[1])


def _thickness(standard_m: Interval) -> Interval:
    products = [value * ratio for value in standard_m for ratio in THICKNESS_RATIO]
    return (min(products), max(products))
