"""The values of OpenAir lines in all their dialects: coordinates, altitudes, numbers, classes and types.

Rules
 * A coordinate is degrees, degrees and minutes, or degrees, minutes and seconds, each last part with decimals, and a
   letter for the hemisphere behind it, with or without spaces. Sixty minutes or seconds are the next whole one.
 * An altitude: `GND`, `SFC`, `0` (the ground); `FL95`, `FL 95`, `9500ft STD` (pressure altitude); a number with `ft`,
   `f`, `m` or nothing (feet), and `AMSL`, `MSL`, `ALT` or nothing (above mean sea level), `AGL`, `ASFC`, `SFC`, `GND`
   (above ground); `UNL`, `UNLIM`, `FL999` (no limit). Two in one line (`FL115 3300ft ASFC`: the higher of the two) are
   alternatives, and the zone is the union of both.
 * No limit is the highest altitude that the model has, above the ellipsoid, because that reference can be compared
   with every other, and so high that no conversion brings it below a real limit.
 * Class and type together decide the kind: the stricter of what both say (see KINDS).

Sources: the format's first description (WinPilot, 1998); naviter, OpenAir 2.1 (2026); files of France, Canada, South
Africa, Germany, the Netherlands, Czechia, Slovenia and Slovakia as published, read for their dialects.
"""

from __future__ import annotations

import re
from typing import Final

from clearline.model import limits
from clearline.model.altitude import FEET_M, Altitude, AltitudeReference, AltitudeUnits
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.volume import LatLngPoint
from clearline.model.zone import ZoneKind

__all__ = [
    "GROUND",
    "NAUTICAL_MILE_M",
    "UNLIMITED",
    "kind_of",
    "parse_altitudes",
    "parse_number",
    "parse_point",
    "parse_points",
]

NAUTICAL_MILE_M: Final = 1_852.0
GROUND: Final = Altitude(0.0, AltitudeReference.AGL, AltitudeUnits.M)
UNLIMITED: Final = Altitude(limits.ALTITUDE_M_MAX, AltitudeReference.W84, AltitudeUnits.M)
UNLIMITED_LEVEL: Final = 999.0
"""FL999: how files of aeronautical data (AIXM) write that there is no upper limit."""

# --- kinds

_WORDS: Final[dict[ZoneKind, str]] = {
    # Entry needs a clearance or a permission, or is forbidden.
    ZoneKind.RESTRICTED: "A B C D P R CTR MCTR TMA CTA UTA LTA TRA TSA TFR GP OFR PROHIBITED RESTRICTED ATZ MATZ "
    "PROTECTED NP TRAFR ADIZ OVERFLIGHT_RESTRICTION CTLZ NOFLY",
    # A danger: keep away from it.
    ZoneKind.KEEP_CLEAR: "Q DANGER WARNING ALERT MTA MTR N ASRA AERIAL_SPORTING_RECREATIONAL HTZ MRT GAW",
    # To be known.
    ZoneKind.ADVISORY: "E F G W RMZ TMZ TIZ TIA TRZ TRP FIR UIR FIS FIS_SECTOR GSEC GS GLIDING_SECTOR ACCSEC "
    "ACC_SECTOR VFRR VFRSEC VFR_SECTOR AWY CUSTOM NONE UNC UNCLASSIFIED UKN UNKNOWN OTHER WAVE",
}
KINDS: Final[dict[str, ZoneKind]] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_STRICTEST: Final = (ZoneKind.RESTRICTED, ZoneKind.KEEP_CLEAR, ZoneKind.ADVISORY)


def kind_of(*words: str) -> ZoneKind | None:
    """Return the strictest kind that the words of AC and AY say, or None where one of them is unknown."""
    kinds = {KINDS.get(word.strip().upper().replace(" ", "_")) for word in words}
    if None in kinds:
        return None
    return next((kind for kind in _STRICTEST if kind in kinds), None)


# --- coordinates

_ANGLE: Final = r"(\d{1,3}(?:\.\d*)?)(?:\s*[:°]\s*(\d{1,2}(?:\.\d*)?)(?:\s*[:'′]\s*(\d{1,2}(?:\.\d*)?)\s*[\"″]?)?)?"
_POINT: Final = re.compile(rf"\s*{_ANGLE}\s*([NSns])[\s,]*{_ANGLE}\s*([EWew])", re.ASCII)
_POINT_ALLOWED: Final = "latitude and longitude, such as 39:29:54 N 119:46:06 W, 39:29.9N 119:46.1W or 39.498N 119.768W"


def parse_point(text: str) -> LatLngPoint:
    """Read one coordinate and nothing else.

    Raises:
        FieldRefusal: OUT_OF_RANGE.
    """
    points = parse_points(text)
    if len(points) != 1:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_POINT_ALLOWED)
    return points[0]


def parse_points(text: str) -> list[LatLngPoint]:
    """Read coordinates with commas or spaces between them.

    Raises:
        FieldRefusal: OUT_OF_RANGE.
    """
    points: list[LatLngPoint] = []
    place = 0
    while text[place:].strip(" \t,"):
        match = _POINT.match(text, place + (len(text[place:]) - len(text[place:].lstrip(" \t,"))))
        if match is None or len(points) == 2:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_POINT_ALLOWED)
        lat_parts, north, lng_parts, east = match.groups()[:3], match[4], match.groups()[4:7], match[8]
        lat, lng = _degrees(lat_parts, text), _degrees(lng_parts, text)
        points.append(LatLngPoint(-lat if north in "Ss" else lat, -lng if east in "Ww" else lng))
        place = match.end()
    return points


def _degrees(parts: tuple[str | None, ...], text: str) -> float:
    degrees, minutes, seconds = (float(part) if part else 0.0 for part in parts)
    # A part with decimals is the last one: `39.5:29` has two meanings.
    last = max(place for place, part in enumerate(parts) if part)
    if minutes > 60.0 or seconds > 60.0 or any("." in (part or "") for part in parts[:last]):
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_POINT_ALLOWED)
    return degrees + minutes / 60.0 + seconds / 3_600.0


# --- numbers

_NUMBER: Final = re.compile(r"\s*([+-]?\d{1,7}(?:\.\d{0,40})?|\.\d{1,40})\s*(?:NM)?\s*", re.ASCII | re.IGNORECASE)


def parse_number(text: str) -> float:
    """Read a length in nautical miles or a bearing in degrees.

    Raises:
        FieldRefusal: OUT_OF_RANGE.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed="a number, such as 5 or 2.75")
    return float(match.group(1))


# --- altitudes

_ONE: Final = re.compile(
    r"\s*(?:(?P<none>UNL(?:IM(?:ITED)?|TD)?|UNLIMITED)\b"
    r"|(?P<ground>GND|SFC|SURFACE|GROUND|MSL(?=\s*$))\b"
    r"|FL\s*(?P<level>\d{1,3}(?:\.\d{1,6})?)(?![\d.])"
    r"|(?P<value>-?\d{1,6}(?:\.\d{0,9})?)\s*(?P<unit>FEET|FT|F|METERS|METRES|M(?!SL))?\.?\s*"
    r"(?P<reference>AMSL|MSL|ALT|QNH|STD|AGL|AGND|ASFC|SFC|GND)?(?![A-Za-z0-9.]))\s*[/,]?",
    re.ASCII | re.IGNORECASE,
)
_ALTITUDE_ALLOWED: Final = "an altitude, such as GND, FL95, 4500ft AMSL, 1500ft AGL, 1000M AMSL or UNL"
_ABOVE_GROUND: Final = frozenset({"AGL", "AGND", "ASFC", "SFC", "GND"})
_ALTERNATIVES_MAX: Final = 2


def parse_altitudes(text: str) -> list[Altitude]:
    """Read the one altitude of a line, or the two of which the line means one.

    Raises:
        FieldRefusal: OUT_OF_RANGE.
    """
    found: list[Altitude] = []
    place = 0
    while text[place:].strip():
        match = _ONE.match(text, place)
        if match is None or len(found) == _ALTERNATIVES_MAX:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALTITUDE_ALLOWED)
        found.append(_altitude(match))
        place = match.end()
    if not found:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found="nothing", allowed=_ALTITUDE_ALLOWED)
    return found


def _altitude(match: re.Match[str]) -> Altitude:
    if match["none"]:
        return UNLIMITED
    if match["ground"]:
        return Altitude(0.0, AltitudeReference.AMSL, AltitudeUnits.M) if match["ground"].upper() == "MSL" else GROUND
    if match["level"]:
        level = float(match["level"])
        return UNLIMITED if level >= UNLIMITED_LEVEL else Altitude(level, AltitudeReference.FL, AltitudeUnits.FL)
    value = float(match["value"])
    reference = (match["reference"] or "").upper()
    if value == 0.0 and not reference:
        return GROUND
    units = AltitudeUnits.M if (match["unit"] or "F").upper().startswith("M") else AltitudeUnits.FT
    if reference == "STD":
        feet = value if units is AltitudeUnits.FT else value / FEET_M
        return Altitude(feet / 100.0, AltitudeReference.FL, AltitudeUnits.FL)
    if reference in _ABOVE_GROUND:
        return Altitude(value, AltitudeReference.AGL, units)
    return Altitude(value, AltitudeReference.QNH if reference == "QNH" else AltitudeReference.AMSL, units)
