"""UAS geographical zones: what the published forms ED-269 and ED-318 share, in all dialects known.

Rules
 * PROHIBITED, REQ_AUTHORISATION (with S or Z) and USPACE are RESTRICTED: entry is forbidden or needs somebody. So is
   CONDITIONAL: whether a notice fulfils the condition cannot be told, and it must not look free. NO_RESTRICTION is
   ADVISORY. A zone whose restriction is missing or unknown is RESTRICTED, and has a note.
 * A zone without periods, or with a permanent one without a schedule, is always active. See `zone_time` for periods.
 * No lower limit is the ground. No upper limit, 99,999 and more, or a band from 0 to 0, is no limit.
 * Text comes plain, as a list of texts by language (English first), or empty. Empty is missing.
 * Of authorities, contacts, telephones and addresses nothing is kept (R7).
 * A bad zone is refused with its place and field; the others are kept.

Source: EUROCAE ED-269 (2020) and ED-318 (2024), as their public schemas and the files of twelve States show them
(docs/formats.md); practice.md R7, R30.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from clearline.formats.geozone_shape import Outline
from clearline.formats.json_text import refuse_unfit
from clearline.formats.openair_fields import GROUND, UNLIMITED
from clearline.formats.record import FileFormat, Reading, Record, RefusedRecord, title_of
from clearline.formats.zone_name import ZoneNames, zone_id_of
from clearline.formats.zone_time import daily_windows, earliest_ms, has_offset, latest_ms
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode, shown
from clearline.model.volume import Volume3D
from clearline.model.zone import Zone, ZoneKind, ZoneWindow

__all__ = [
    "Band",
    "Json",
    "Part",
    "Periods",
    "Published",
    "band_of",
    "gather",
    "is_restriction",
    "looks_like",
    "periods_of",
    "refuse_other_reference_system",
    "text_of",
]

Json = dict[str, Any]

KINDS: Final[dict[str, ZoneKind]] = {
    "PROHIBITED": ZoneKind.RESTRICTED,
    "REQ_AUTHORISATION": ZoneKind.RESTRICTED,
    "REQ_AUTHORIZATION": ZoneKind.RESTRICTED,
    "USPACE": ZoneKind.RESTRICTED,
    "CONDITIONAL": ZoneKind.RESTRICTED,
    "NO_RESTRICTION": ZoneKind.ADVISORY,
}
_REFERENCES: Final[dict[str, AltitudeReference]] = {
    "AGL": AltitudeReference.AGL,
    "GND": AltitudeReference.AGL,
    "SFC": AltitudeReference.AGL,
    "AMSL": AltitudeReference.AMSL,
    "MSL": AltitudeReference.AMSL,
    "WGS84": AltitudeReference.W84,
    "W84": AltitudeReference.W84,
    "HAE": AltitudeReference.W84,
}
_UNITS: Final[dict[str, AltitudeUnits]] = {
    "": AltitudeUnits.M,
    "M": AltitudeUnits.M,
    "METERS": AltitudeUnits.M,
    "METRES": AltitudeUnits.M,
    "FT": AltitudeUnits.FT,
    "FEET": AltitudeUnits.FT,
}
_WHOLE_DAYS: Final = "times of daylight, or without an offset from UTC: the zone is active on the whole of these days"
NO_LIMIT: Final = 99_999.0
"""How several States write that there is no upper limit, in metres above sea or ground."""
_LOOKED_AT: Final = 100
"""Zones looked at to tell a form: what a hundred do not show is another."""
_CRS_SAME: Final = ("CRS84", "EPSG::4326", "EPSG:4326")


class Band(NamedTuple):
    """Limits of one part of a zone."""

    lower: Altitude
    upper: Altitude


class Part(NamedTuple):
    """One part of a zone."""

    outline: Outline
    band: Band


class Periods(NamedTuple):
    """When a zone is active, and what was taken otherwise than it stands in the file."""

    windows: tuple[ZoneWindow, ...]
    notes: tuple[str, ...] = ()


class Published(NamedTuple):
    """One zone as published, read but not yet named."""

    restriction: object
    restriction_field: str
    parts: list[Part]
    periods: Periods


def gather(
    file_format: FileFormat,
    zones: Iterable[tuple[str, object]],
    facts_of: Callable[[object], Json],
    publish: Callable[[Json], Published],
) -> Reading:
    """Read zones one by one; `facts_of` gives an object with identifier and name, `publish` the rest."""
    records: list[Record] = []
    refused: list[RefusedRecord] = []
    names = ZoneNames()
    for number, (place, zone) in enumerate(zones, start=1):
        facts = facts_of(zone)
        title = title_of(text_of(facts.get("name")), text_of(facts.get("identifier")), otherwise=f"zone {number}")
        try:
            refuse_unfit(zone)
            if not isinstance(zone, dict):
                raise Refusal(RefusalCode.MALFORMED, found=zone, allowed="an object with a zone")
            published = publish(zone)
            kind, notes = _kind(published)
            notes += dict.fromkeys(part.outline.note for part in published.parts if part.outline.note)
            record = Record(
                place=place,
                title=title,
                zone=_zone(published, kind, facts, names, otherwise=f"zone {number}"),
                outlines=tuple(part.outline.place for part in published.parts),
                notes=(*notes, *published.periods.notes),
            )
        except Refusal as refusal:
            refused.append(RefusedRecord(place=place, title=title, refusal=refusal))
        else:
            records.append(record)
    return Reading(file_format=file_format, records=tuple(records), refused=tuple(refused))


def looks_like(zones: object, test: Callable[[Json], bool]) -> bool:
    """Tell whether one of the first zones of a list passes `test`."""
    return isinstance(zones, list) and any(isinstance(zone, dict) and test(zone) for zone in zones[:_LOOKED_AT])


def refuse_other_reference_system(holder: Json) -> None:
    """Refuse a file that names another reference system than WGS84.

    Raises:
        Refusal: UNKNOWN_FORMAT.
    """
    crs = holder.get("crs")
    text = json.dumps(crs, default=str)
    if crs is not None and not any(name in text for name in _CRS_SAME):
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, field="crs", found=text, allowed="WGS84 longitude and latitude")


def text_of(value: object) -> str | int | None:
    """Return a published text: plain, or the English one, or the first, of a list by language."""
    if isinstance(value, list):
        texts = [each for each in value if isinstance(each, dict)]
        english = [each for each in texts if str(each.get("lang", "")).lower().startswith("en")]
        chosen = next((each.get("text") for each in (*english, *texts) if each.get("text")), None)
        return chosen if isinstance(chosen, str) else None
    if isinstance(value, dict):
        return text_of([value])
    return value if isinstance(value, (str, int)) and not isinstance(value, bool) else None


# --- zone


def is_restriction(word: object) -> bool:
    """Tell whether a value is a restriction of either form."""
    return isinstance(word, str) and word.strip().upper() in KINDS


def _kind(published: Published) -> tuple[ZoneKind, list[str]]:
    word = published.restriction
    kind = KINDS.get(word.strip().upper()) if isinstance(word, str) else None
    if kind is not None:
        return kind, []
    said = "says nothing" if word is None or word == "" else f"says {shown(word)}"
    return ZoneKind.RESTRICTED, [f"{published.restriction_field} {said}, so RESTRICTED"]


def _zone(published: Published, kind: ZoneKind, facts: Json, names: ZoneNames, *, otherwise: str) -> Zone:
    if not published.parts:
        raise Refusal(RefusalCode.SHAPE_MISSING, field="geometry", found="no shape", allowed="a shape")
    volumes: list[Volume3D] = []
    for part in published.parts:
        try:
            band = part.band
            volumes.append(Volume3D(altitude_lower=band.lower, altitude_upper=band.upper, **part.outline.shape))
        except FieldRefusal as refusal:
            raise refusal.refusal.within(part.outline.place) from None
    name = zone_id_of(text_of(facts.get("identifier")), text_of(facts.get("name")), otherwise=otherwise)
    try:
        return Zone(zone_id=names.unique(name), kind=kind, volumes=tuple(volumes), windows=published.periods.windows)
    except FieldRefusal as refusal:
        raise refusal.refusal from None


# --- limits


def band_of(lower: object, upper: object, references: tuple[object, object], units: object, *, field: str) -> Band:
    """Return the limits of a part; `references` are of lower and upper, `field` is where they stand.

    Raises:
        Refusal: OUT_OF_RANGE, MALFORMED.
    """
    unit = _UNITS.get(str(units or "").strip().upper())
    if unit is None:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=f"{field}.uom", found=units, allowed="M or FT")
    low, high = _number(lower, f"{field}.lower"), _number(upper, f"{field}.upper")
    if high is None or high >= NO_LIMIT or (high == 0.0 and not low):
        top = UNLIMITED
    else:
        top = _altitude(high, references[1], unit, f"{field}.upper")
    if low is None or (low == 0.0 and not references[0]):
        return Band(GROUND, top)
    return Band(_altitude(low, references[0], unit, f"{field}.lower"), top)


def _number(value: object, field: str) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            return float(value[:32])
        except ValueError:
            pass
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise Refusal(RefusalCode.MALFORMED, field=field, found=value, allowed="a number")


def _altitude(value: float, reference: object, unit: AltitudeUnits, field: str) -> Altitude:
    known = _REFERENCES.get(str(reference or "").strip().upper())
    if known is None:
        found = reference or "no reference"
        allowed = ", ".join(_REFERENCES)
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=f"{field}Reference", found=found, allowed=allowed)
    try:
        return Altitude(value, known, unit)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=field, found=cause.found, allowed=cause.allowed) from None


# --- windows


def periods_of(periods: object, *, field: str) -> Periods:
    """Return the windows of a zone's periods; none: always.

    Raises:
        Refusal: MALFORMED, OUT_OF_RANGE, TIME_ORDER, OVER_LIMIT.
    """
    listed = [periods] if isinstance(periods, dict) else periods
    if listed is None or listed == "":
        return Periods(())
    if not isinstance(listed, list):
        raise Refusal(RefusalCode.MALFORMED, field=field, found=periods, allowed="a list of periods")
    windows: list[ZoneWindow] = []
    for index, period in enumerate(listed):
        place = f"{field}[{index}]"
        if not isinstance(period, dict):
            raise Refusal(RefusalCode.MALFORMED, field=place, found=period, allowed="an object with times")
        try:
            windows += _windows(period)
        except FieldRefusal as refusal:
            raise refusal.refusal.within(place) from None
        if len(windows) > limits.ZONE_WINDOWS_MAX:
            allowed = f"at most {limits.ZONE_WINDOWS_MAX} windows"
            raise Refusal(RefusalCode.OVER_LIMIT, field=field, found=f"{len(windows)} and more", allowed=allowed)
    notes = (_WHOLE_DAYS,) if any(_has_local_times(period) for period in listed) else ()
    return Periods(() if ZoneWindow() in windows else tuple(dict.fromkeys(windows)), notes)


def _windows(period: Json) -> list[ZoneWindow]:
    permanent = str(period.get("permanent", "")).strip().upper() in {"YES", "TRUE"}
    start_ms = None if permanent else _bound(period, "startDateTime", earliest_ms)
    end_ms = None if permanent else _bound(period, "endDateTime", latest_ms)
    if start_ms is not None and end_ms is not None and not start_ms < end_ms:
        start, end = (str(period[name]) for name in ("startDateTime", "endDateTime"))
        raise FieldRefusal(RefusalCode.TIME_ORDER, field="endDateTime", found=end, allowed=f"after {shown(start)}")
    schedule = period.get("schedule")
    if isinstance(schedule, dict):
        schedule = [schedule]
    if not schedule:
        return [ZoneWindow(start_ms=start_ms, end_ms=end_ms)]
    if not isinstance(schedule, list):
        raise FieldRefusal(RefusalCode.MALFORMED, field="schedule", found=schedule, allowed="a list of daily periods")
    return daily_windows(start_ms, end_ms, schedule[: limits.ZONE_WINDOWS_MAX + 1])


def _has_local_times(period: Json) -> bool:
    schedule = period.get("schedule")
    for daily in [schedule] if isinstance(schedule, dict) else schedule or ():
        said = [str(daily[name]) for name in ("startTime", "endTime") if daily.get(name)]
        events = any(daily.get(name) for name in ("startEvent", "endEvent"))
        if events or any(not has_offset(text) for text in said) or len(said) == 1:
            return True
    return False


def _bound(period: Json, name: str, read: Callable[[str], int | None]) -> int | None:
    value = period.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise FieldRefusal(RefusalCode.MALFORMED, field=name, found=value, allowed="a date and time as text")
    try:
        return read(value)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise FieldRefusal(cause.code, field=name, found=cause.found, allowed=cause.allowed) from None
