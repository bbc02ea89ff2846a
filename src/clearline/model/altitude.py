"""Altitude on the wire: a value with unit and reference (R13).

Rules
 * An altitude without reference is refused, never guessed.
 * Nothing is converted here; `sky.altitude` compares references as intervals.
 * Text forms, as people write them: `FL180`, `3000 ft AMSL`, `120 m AGL`, `500 m W84`, `2500 ft QNH`.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from clearline.model import limits
from clearline.model.refusal import FieldRefusal, RefusalCode

__all__ = ["FEET_M", "Altitude", "AltitudeReference", "AltitudeUnits", "altitude_text", "parse_altitude"]

FEET_M = 0.3048
"""One international foot in metres, exactly."""


class AltitudeReference(StrEnum):
    """What an altitude is measured from. F3548 knows W84 only; the others are Clearline's (design.md §4)."""

    W84 = "W84"
    """Height above the WGS84 ellipsoid, as GNSS gives it."""
    AMSL = "AMSL"
    """Height above mean sea level (the geoid)."""
    FL = "FL"
    """Pressure altitude on 1013.25 hPa, in hundreds of feet."""
    QNH = "QNH"
    """What an altimeter set to the local QNH shows."""
    AGL = "AGL"
    """Height above the ground below."""


class AltitudeUnits(StrEnum):
    """The units a party may speak in. F3548 knows M only."""

    M = "M"
    FT = "FT"
    FL = "FL"
    """Hundreds of feet; only with reference FL."""


class Altitude(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One limit of a band, as said by its owner.

    Raises:
        FieldRefusal: OUT_OF_RANGE for NaN, infinities, heights off the earth, or a unit that the reference has not.
    """

    value: float
    reference: AltitudeReference
    units: AltitudeUnits

    def __post_init__(self) -> None:
        if (self.units is AltitudeUnits.FL) != (self.reference is AltitudeReference.FL):
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE, field="units", found=self.units.value, allowed="FL with reference FL only"
            )
        if self.reference is AltitudeReference.FL:
            if not 0.0 <= self.value <= limits.FLIGHT_LEVEL_MAX:
                raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field="value", found=self.value, allowed="FL 0 to 999")
        elif not limits.ALTITUDE_M_MIN <= self.value_m <= limits.ALTITUDE_M_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="value",
                found=self.value,
                allowed=f"{limits.ALTITUDE_M_MIN:g} m to {limits.ALTITUDE_M_MAX:g} m",
            )

    @property
    def value_m(self) -> float:
        """The value in metres above its own reference (for FL: pressure altitude)."""
        if self.units is AltitudeUnits.M:
            return self.value
        feet = self.value * 100.0 if self.units is AltitudeUnits.FL else self.value
        return feet * FEET_M


_TEXT = re.compile(r"\s*(-?\d{1,7}(?:\.\d{1,6})?)\s*(m|ft)\s*(W84|AMSL|QNH|AGL)\s*", re.ASCII | re.IGNORECASE)
_LEVEL = re.compile(r"\s*FL\s?(\d{1,3}(?:\.\d{1,6})?)\s*", re.ASCII | re.IGNORECASE)
_ALLOWED = 'a number (metres W84) or text such as "FL180", "3000 ft AMSL", "120 m AGL", "500 m W84", "2500 ft QNH"'


def parse_altitude(source: float | int | str) -> Altitude:
    """Read an altitude as people write it; a bare number is metres W84.

    Raises:
        FieldRefusal: OUT_OF_RANGE, with the forms allowed.
    """
    if isinstance(source, bool):
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=source, allowed=_ALLOWED)
    if isinstance(source, (int, float)):
        # Compared as it is: a whole number of 400 digits, as JSON may hold, is no float at all.
        if not limits.ALTITUDE_M_MIN <= source <= limits.ALTITUDE_M_MAX:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=source, allowed=_ALLOWED)
        return Altitude(float(source), AltitudeReference.W84, AltitudeUnits.M)
    level = _LEVEL.fullmatch(source)
    if level is not None:
        return Altitude(float(level.group(1)), AltitudeReference.FL, AltitudeUnits.FL)
    match = _TEXT.fullmatch(source)
    if match is None:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=source, allowed=_ALLOWED)
    value, unit, reference = match.groups()
    return Altitude(float(value), AltitudeReference(reference.upper()), AltitudeUnits(unit.upper()))


def altitude_text(altitude: Altitude) -> str:
    """Write an altitude the way `parse_altitude` reads it, to a millionth of its unit."""
    number = f"{altitude.value:.6f}".rstrip("0").rstrip(".")
    if altitude.reference is AltitudeReference.FL:
        whole, point, part = number.removeprefix("-").partition(".")
        return f"FL{whole:0>3}{point}{part}"
    number = "0" if number == "-0" else number
    return f"{number} {altitude.units.value.lower()} {altitude.reference.value}"
