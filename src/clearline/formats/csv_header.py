"""The first line of a file of tracks: which column is what, in which unit and reference.

Rules
 * Names are compared without case; blanks, hyphens and dots in them count as underscores. Order does not matter.
 * Unit and reference of a height come from its name alone, or from the program that surely wrote the file:
     ours           `altitude_m`, `altitude_ft` (W84), `flight_level`; with a reference at the end `altitude_ft_amsl`,
                    `_qnh`, `_agl`, `_pressure`; or in front `gps_altitude_m`, `geo_altitude_ft`, `baro_altitude_ft`
     OpenSky        time, icao24, lat, lon: `baroaltitude` and `geoaltitude` in metres
     OpenSky REST   time_position, latitude, longitude: `baro_altitude` and `geo_altitude` in metres
     traffic        timestamp, icao24, latitude, longitude: `altitude` (pressure), `geoaltitude` in feet
     Flightradar24  Timestamp or UTC, Callsign, Position: `Altitude` (pressure) in feet; 0 on the ground, whatever
                    its height: that is no height
     readsb         `alt_baro`, `alt_geom` in feet
   An `altitude` of which neither tells the unit is refused: feet taken for metres is a factor of three.
 * Pressure altitude is reference FL in hundreds of feet; heights by satellite are W84.
 * A position is where the aircraft was at its own time (`lastposupdate`, `time_position`, `last_position`), where the
   file tells that one, else at the time of the row.

Source: OpenSky Network state vectors and REST API; documentation of traffic and of readsb; files of Flightradar24.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from clearline.model import limits
from clearline.model.altitude import FEET_M, AltitudeReference
from clearline.model.refusal import Refusal, RefusalCode, shown

__all__ = ["TIME_OF_POSITION", "Columns", "Height", "columns_of", "is_header"]

DELIMITERS: Final = ",;\t"
_LAT: Final = ("lat", "latitude")
_LNG: Final = ("lng", "lon", "long", "longitude")
_POSITION: Final = ("position",)
TIME_OF_POSITION: Final = ("lastposupdate", "time_position", "last_position")
_TIME: Final = (
    "time timestamp datetime date_time utc time_utc timestamp_utc utc_time datetime_utc time_ms timestamp_ms time_s "
    "timestamp_s epoch epoch_ms epoch_s unix_time".split()
)
_FLIGHT: Final = ("flight_id", "track_id", "icao24", "hex", "icao", "flight", "callsign", "call_sign")
"""The first of these that a row fills tells its track from others; nothing else is made of it (R7)."""
_TITLE: Final = ("callsign", "call_sign", "flight", "flight_id", "track_id", "icao24", "hex", "icao")
_UNTOLD: Final = "altitude alt height elevation baroaltitude geoaltitude baro_altitude geo_altitude".split()
"""Heights in a unit that only the program which wrote them can tell."""
_LEVELS: Final = AltitudeReference.FL
_ALTITUDES: Final = "altitude_m, altitude_ft, altitude_ft_amsl, altitude_ft_pressure, flight_level"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Height:
    """A column of heights: times `factor` it is in flight levels where the reference is FL, else in metres."""

    column: int
    reference: AltitudeReference
    factor: float
    none: float | None = None
    """A number that the program writes where it has no height."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where each thing stands in a row, counted from 0."""

    delimiter: str
    names: tuple[str, ...]
    times: tuple[int, ...]
    """The first that is filled counts."""
    lat: int
    lng: int
    position: int | None
    """Latitude and longitude in one cell; then `lat` and `lng` are this one too."""
    pressure: Height | None
    other: Height | None
    flight: tuple[int, ...]
    title: tuple[int, ...]
    extras: dict[str, int]
    """`buffer_lateral_m`, `buffer_vertical_m`, `aircraft_class`, where they stand."""

    @property
    def needed(self) -> int:
        """How many cells a row has at least."""
        places = [self.lat, self.lng, *self.times[:1]]
        places += [height.column for height in (self.pressure, self.other) if height is not None]
        return 1 + max(places)


def is_header(line: str) -> bool:
    """Tell whether a line names a time and a place: the head of a file of tracks."""
    names = set(_split(line)[1])
    return _has_place(names) or (len(names & _KNOWN) >= 3)


def columns_of(line: str) -> Columns:
    """Read the first line.

    Raises:
        Refusal: MALFORMED, DUPLICATE_FIELD, OVER_LIMIT; the field is `header`.
    """
    delimiter, names = _split(line)
    if len(names) > limits.CSV_COLUMNS_MAX:
        allowed = f"at most {limits.CSV_COLUMNS_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, field="header", found=f"{len(names)} columns", allowed=allowed)
    repeated = next((name for name in names if name in _KNOWN and names.count(name) > 1), None)
    if repeated is not None:
        raise Refusal(RefusalCode.DUPLICATE_FIELD, field="header", found=f"{repeated} twice", allowed="once")
    times = (*_found(names, TIME_OF_POSITION), *_found(names, _TIME)[:1])
    if not times:
        raise _missing(names, "a column of times: time, timestamp, time_ms, utc")
    if not _has_place(set(names)):
        raise _missing(names, "columns lat and lng, latitude and longitude, or position")
    position = next(iter(_found(names, _POSITION)), None) if not _found(names, _LAT) else None
    pressure, other = _heights(names)
    return Columns(
        delimiter=delimiter,
        names=tuple(names),
        times=times,
        lat=_found(names, _LAT)[0] if position is None else position,
        lng=_found(names, _LNG)[0] if position is None else position,
        position=position,
        pressure=pressure,
        other=other,
        flight=_found(names, _FLIGHT),
        title=_found(names, _TITLE),
        extras={name: names.index(name) for name in _EXTRAS if name in names},
    )


def _split(line: str) -> tuple[str, list[str]]:
    """Return the delimiter that parts the line into most cells, and their names."""
    delimiter = max(DELIMITERS, key=line.count)
    cells = line.strip().split(delimiter)
    table = str.maketrans(" -.", "___")
    return delimiter, [cell.strip().strip('"').strip().lower().translate(table) for cell in cells]


def _found(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    return tuple(names.index(name) for name in wanted if name in names)


def _has_place(names: set[str]) -> bool:
    return bool((names & set(_LAT) and names & set(_LNG)) or names & set(_POSITION))


def _missing(names: Sequence[str], allowed: str) -> Refusal:
    found = shown(", ".join(names))
    return Refusal(RefusalCode.MALFORMED, field="header", found=found, allowed=allowed)


# --- heights


def _told_by_name() -> dict[str, tuple[AltitudeReference, float]]:
    """Return every name that tells unit and reference by itself."""
    told = {"flight_level": (_LEVELS, 1.0), "alt_baro": (_LEVELS, 0.01), "alt_geom": (AltitudeReference.W84, FEET_M)}
    references = {
        "": AltitudeReference.W84,
        "_w84": AltitudeReference.W84,
        "_wgs84": AltitudeReference.W84,
        "_amsl": AltitudeReference.AMSL,
        "_msl": AltitudeReference.AMSL,
        "_qnh": AltitudeReference.QNH,
        "_agl": AltitudeReference.AGL,
        "_pressure": _LEVELS,
        "_baro": _LEVELS,
    }
    fronts = {
        "gps_": AltitudeReference.W84,
        "gnss_": AltitudeReference.W84,
        "geo_": AltitudeReference.W84,
        "baro_": _LEVELS,
        "pressure_": _LEVELS,
    }
    for word in ("altitude", "alt"):
        for unit, metres in (("m", 1.0), ("ft", FEET_M)):
            forms = [(f"{word}_{unit}{end}", reference) for end, reference in references.items()]
            forms += [(f"{front}{word}_{unit}", reference) for front, reference in fronts.items()]
            for name, reference in forms:
                told[name] = (reference, metres / (100.0 * FEET_M) if reference is _LEVELS else metres)
    return told


_TOLD: Final = _told_by_name()
_EXTRAS: Final = ("buffer_lateral_m", "buffer_vertical_m", "aircraft_class")
_KNOWN: Final = frozenset((*_LAT, *_LNG, *_POSITION, *TIME_OF_POSITION, *_TIME, *_FLIGHT, *_UNTOLD, *_TOLD, *_EXTRAS))


def _heights(names: Sequence[str]) -> tuple[Height | None, Height | None]:
    """Return the columns of pressure altitude and of another reference.

    Raises:
        Refusal: MALFORMED where there is neither, or where one is in an unknown unit.
    """
    told = {name: _TOLD[name] for name in names if name in _TOLD} or _told_by_program(set(names))
    none = 0.0 if "altitude" in told and "position" in names else None
    heights = [
        Height(column=names.index(name), reference=reference, factor=factor, none=none)
        for name, (reference, factor) in told.items()
    ]
    pressure = [height for height in heights if height.reference is _LEVELS]
    other = [height for height in heights if height.reference is not _LEVELS]
    if len(pressure) > 1 or len(other) > 1:
        found = ", ".join(told)
        allowed = "one column of pressure altitude and one of another reference at most"
        raise Refusal(RefusalCode.DUPLICATE_FIELD, field="header", found=found, allowed=allowed)
    if not heights:
        untold = ", ".join(name for name in _UNTOLD if name in names)
        found = f"{untold}: unit and reference are not told" if untold else "no column of heights"
        raise Refusal(RefusalCode.MALFORMED, field="header", found=found, allowed=_ALTITUDES)
    return next(iter(pressure), None), next(iter(other), None)


def _told_by_program(names: set[str]) -> dict[str, tuple[AltitudeReference, float]]:
    """Return the heights of a file whose other columns show which program wrote it."""
    metres, feet = 1.0 / (100.0 * FEET_M), 0.01
    satellite = AltitudeReference.W84
    if {"time", "icao24", "lat", "lon"} <= names:
        told = {"baroaltitude": (_LEVELS, metres), "geoaltitude": (satellite, 1.0)}
    elif {"time_position", "latitude", "longitude"} <= names:
        told = {"baro_altitude": (_LEVELS, metres), "geo_altitude": (satellite, 1.0)}
    elif {"timestamp", "icao24", "latitude", "longitude"} <= names:
        told = {"altitude": (_LEVELS, feet), "geoaltitude": (satellite, FEET_M)}
    elif {"callsign", "position"} <= names and names & {"timestamp", "utc"}:
        told = {"altitude": (_LEVELS, feet)}
    else:
        told = {}
    return {name: each for name, each in told.items() if name in names}
