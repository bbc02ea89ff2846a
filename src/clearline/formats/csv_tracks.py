"""CSV of tracks: one position a row, one flight for each aircraft named, read into trajectories.

Rules
 * The first line names the columns (`csv_header`); comma, semicolon or tab; UTF-8, a byte order mark is passed over.
   Blank lines and lines that begin with `#` are passed over. A row is one line: a quote does not reach over its end.
 * The names of flights tell tracks apart and are titles of tables; nothing else is made of them (R7).
 * Times: RFC 3339 with zone (a blank for the T is taken; in a column named utc the zone may be missing), or seconds or
   milliseconds since 1970: by the column's name, else by size. Numbers too small for a date are refused.
 * Heights: of pressure altitude and another reference, each flight takes the one that more of its rows have, pressure
   altitude where they are equal. Pressure altitude below flight level 0 has no name and counts as missing.
 * A row without time, place or height is passed over; how many there were is one refused record. A row that cannot be
   read is refused with its line. The rest of the track is kept.
 * `buffer_lateral_m` and `buffer_vertical_m` are 0 where they are not said; the largest of a flight counts for all
   of it. `aircraft_class` is the same in all rows of a flight.
 * A gap of more than TRACK_GAP_MS_MAX cuts a track in parts (`track_parts`).

Source: RFC 4180; practice.md R37.
"""

from __future__ import annotations

import csv
import io
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from clearline.formats.csv_cell import MISSING, instant_in, number_in
from clearline.formats.csv_header import TIME_OF_POSITION, Columns, Height, columns_of, is_header
from clearline.formats.record import FileFormat, Reading, Record, RefusedRecord, title_of
from clearline.formats.said import Said
from clearline.formats.track_parts import Lone, Positions, parts_of
from clearline.model import limits
from clearline.model.altitude import FEET_M, AltitudeReference
from clearline.model.identity import AircraftClass
from clearline.model.instant import instant_text
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["is_csv", "read"]

_NAN: Final = math.nan


def is_csv(source: bytes) -> bool:
    """Tell whether the first line that says something names the columns of a file of tracks."""
    for raw in io.BytesIO(source[: limits.CSV_LINE_BYTES_MAX]):
        line = raw.decode("utf-8-sig", errors="replace").strip()
        if line and not line.startswith("#"):
            return is_header(line)
    return False


def read(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read the bytes of a CSV of tracks.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, DUPLICATE_FIELD for the file as a whole.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    lines = _lines(source)
    columns = columns_of(_first(lines))
    rows = _Rows(columns)
    for number, raw in lines:
        rows.take(number, raw)
        if len(rows.flights) > limits.CSV_FLIGHTS_MAX:
            allowed = f"at most {limits.CSV_FLIGHTS_MAX} in one file"
            raise Refusal(RefusalCode.OVER_LIMIT, field=f"line {number}", found="more tracks", allowed=allowed)
    return rows.reading()


def _lines(source: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, line) of every line that says something."""
    if b"\n" not in source:
        source = source.replace(b"\r", b"\n")
    source = source.removeprefix(b"\xef\xbb\xbf")
    for number, raw in enumerate(io.BytesIO(source), start=1):
        if number > limits.CSV_ROWS_MAX:
            allowed = f"at most {limits.CSV_ROWS_MAX} in one file"
            raise Refusal(RefusalCode.OVER_LIMIT, found="more lines", allowed=allowed)
        line = raw.strip(b"\r\n")
        if line and not line.startswith(b"#") and not line.isspace():
            yield number, line


def _first(lines: Iterator[tuple[int, bytes]]) -> str:
    _, raw = next(lines, (1, b""))
    try:
        if len(raw) <= limits.CSV_LINE_BYTES_MAX:
            return raw.decode()
    except UnicodeDecodeError as error:
        found = f"no UTF-8 at byte {error.start}"
        raise Refusal(RefusalCode.MALFORMED, field="header", found=found, allowed="UTF-8") from None
    allowed = f"at most {limits.CSV_LINE_BYTES_MAX} bytes"
    raise Refusal(RefusalCode.OVER_LIMIT, field="header", found=f"{len(raw)} bytes", allowed=allowed)


@final
class _Flight:
    """The rows of one track, both heights side by side; NaN where one is missing."""

    __slots__ = ("aircraft_class", "lateral_m", "other", "places", "title", "vertical_m")

    def __init__(self, title: str) -> None:
        self.title = title
        self.places = Positions()
        """With pressure altitude, or NaN."""
        self.other = array("d")
        self.lateral_m = 0.0
        self.vertical_m = 0.0
        self.aircraft_class: AircraftClass | None = None


@final
@dataclass(slots=True)
class _Passed:
    """Rows that were passed over for one reason."""

    count: int = 0
    line: int = 0

    def add(self, line: int, count: int = 1) -> None:
        """Count rows; the line is that of the first."""
        if count and (not self.count or line < self.line):
            self.line = line
        self.count += count


@final
class _Rows:
    """Takes rows one by one and knows in the end what they were."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._needed = columns.needed
        self.flights: dict[tuple[int, str], _Flight] = {}
        self._refused: list[RefusedRecord] = []
        self._unlisted = _Passed()
        self._incomplete = _Passed()
        self._without_height = _Passed()

    def take(self, number: int, raw: bytes) -> None:
        """Take one line."""
        try:
            self._row(number, self._cells(raw))
        except Refusal as refusal:
            if len(self._refused) >= limits.ROWS_LISTED_MAX:
                self._unlisted.add(number)
                return
            self._refused.append(_refused_row(f"line {number}", refusal, number))

    def _cells(self, raw: bytes) -> list[str]:
        if len(raw) > limits.CSV_LINE_BYTES_MAX:
            allowed = f"at most {limits.CSV_LINE_BYTES_MAX}"
            raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(raw)} bytes in one line", allowed=allowed)
        try:
            line = raw.decode()
            if '"' not in line:
                return line.split(self._columns.delimiter)
            return next(csv.reader([line], delimiter=self._columns.delimiter, strict=True))
        except UnicodeDecodeError as error:
            found = f"no UTF-8 at byte {error.start}"
            raise Refusal(RefusalCode.MALFORMED, found=found, allowed="UTF-8") from None
        except csv.Error as error:
            allowed = "quotes closed on the same line (RFC 4180)"
            raise Refusal(RefusalCode.MALFORMED, found=str(error), allowed=allowed) from None

    def _row(self, number: int, cells: list[str]) -> None:
        columns = self._columns
        if len(cells) < self._needed:
            allowed = f"{len(columns.names)}, as in the first line"
            raise Refusal(RefusalCode.MALFORMED, found=f"{len(cells)} cells", allowed=allowed)
        at_ms = self._instant(cells)
        lat, lng = self._place(cells)
        pressure = _NAN if columns.pressure is None else self._height(cells, columns.pressure)
        other = _NAN if columns.other is None else self._height(cells, columns.other)
        if at_ms is None or lat != lat or lng != lng or (pressure != pressure and other != other):  # noqa: PLR0124
            self._incomplete.add(number)
            return
        flight = self._flight(cells)
        if columns.extras:
            self._extras(flight, cells)
        flight.places.add(at_ms, lat, lng, pressure, number)
        flight.other.append(other)

    def _instant(self, cells: list[str]) -> int | None:
        for column in self._columns.times:
            text = cells[column].strip() if column < len(cells) else ""
            name = self._columns.names[column]
            # Programs that make up the columns of another fill the time of the position with 0.
            if text.lower() not in MISSING and not (name in TIME_OF_POSITION and text in {"0", "0.0"}):
                return instant_in(text, name)
        return None

    def _place(self, cells: list[str]) -> tuple[float, float]:
        columns = self._columns
        if columns.position is None:
            lat_text, lng_text = cells[columns.lat], cells[columns.lng]
        else:
            lat_text, comma, lng_text = cells[columns.position].partition(",")
            if not comma:
                lng_text = lat_text  # a cell without two numbers is refused for what it holds, or missing
        lat, lng = number_in(lat_text, columns.names[columns.lat]), number_in(lng_text, columns.names[columns.lng])
        if abs(lat) > 90.0:
            found, field = f"latitude {lat:g}", columns.names[columns.lat]
            raise Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed="-90 to 90 degrees")
        if abs(lng) > 180.0:
            found, field = f"longitude {lng:g}", columns.names[columns.lng]
            raise Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed="-180 to 180 degrees")
        return lat, lng

    def _height(self, cells: list[str], height: Height) -> float:
        """Return a height in levels or metres, NaN where it is missing."""
        name = self._columns.names[height.column]
        text = cells[height.column]
        if text.strip().lower() == "ground":
            return _NAN  # readsb: on the ground no height is sent
        number = number_in(text, name)
        if number == height.none:
            return _NAN
        value = round(number * height.factor, 6)
        if height.reference is AltitudeReference.FL:
            least, most, unit = limits.ALTITUDE_M_MIN / (100.0 * FEET_M), limits.FLIGHT_LEVEL_MAX, "hundred feet"
        else:
            least, most, unit = limits.ALTITUDE_M_MIN, limits.ALTITUDE_M_MAX, "m"
        if value < least or value > most:
            allowed = f"{least:.0f} to {most:.0f} {unit}"
            raise Refusal(RefusalCode.OUT_OF_RANGE, field=name, found=text, allowed=allowed)
        return value

    def _flight(self, cells: list[str]) -> _Flight:
        columns = self._columns
        key = (-1, "")
        for column in columns.flight:
            text = cells[column].strip() if column < len(cells) else ""
            if text.lower() not in MISSING:
                key = (column, text)
                break
        else:
            if columns.flight:
                names = ", ".join(columns.names[column] for column in columns.flight)
                allowed = "a name in one of them: without it this may be any aircraft's position"
                raise Refusal(RefusalCode.MALFORMED, field=names, found="nothing", allowed=allowed)
        flight = self.flights.get(key)
        if flight is None:
            names_of_row = [cells[column].strip() for column in columns.title if column < len(cells)]
            names_of_row = [name for name in names_of_row if name.lower() not in MISSING]
            flight = self.flights[key] = _Flight(title_of(*names_of_row, otherwise="track"))
        return flight

    def _extras(self, flight: _Flight, cells: list[str]) -> None:
        texts = {name: cells[column] for name, column in self._columns.extras.items() if column < len(cells)}
        said = Said({name: text for name, text in texts.items() if text.strip().lower() not in MISSING}, "row")
        lateral_m = said.buffer("buffer_lateral_m", most=limits.RADIUS_M_MAX)
        vertical_m = said.buffer("buffer_vertical_m", most=limits.ALTITUDE_M_MAX)
        aircraft_class = said.aircraft_class()
        if aircraft_class is not None and flight.aircraft_class not in {None, aircraft_class}:
            allowed = f"{flight.aircraft_class}, as above"
            raise Refusal(
                RefusalCode.DUPLICATE_FIELD, field="aircraft_class", found=aircraft_class.value, allowed=allowed
            )
        flight.aircraft_class = flight.aircraft_class or aircraft_class
        flight.lateral_m = max(flight.lateral_m, lateral_m)
        flight.vertical_m = max(flight.vertical_m, vertical_m)

    def reading(self) -> Reading:
        """Return everything, flights in the order in which they appear."""
        records: list[Record] = []
        alone: list[RefusedRecord] = []
        while self.flights:
            flight = self.flights.pop(next(iter(self.flights)))
            reference, positions = self._positions(flight)
            for part in parts_of(
                positions,
                reference,
                gap_ms=limits.TRACK_GAP_MS_MAX,
                buffer_lateral_m=flight.lateral_m,
                buffer_vertical_m=flight.vertical_m,
            ):
                place = f"line {part.line}"
                if isinstance(part, Lone):
                    found = f"one position alone, {instant_text(part.at_ms)}"
                    allowed = f"two or more, at most {limits.TRACK_GAP_MS_MAX // 60_000} min apart"
                    refusal = Refusal(RefusalCode.RING_INVALID, field=flight.title, found=found, allowed=allowed)
                    alone.append(RefusedRecord(place=place, title=flight.title, refusal=refusal, line=part.line))
                    continue
                records.append(
                    Record(
                        place=place,
                        title=flight.title,
                        trajectory=part.trajectory,
                        line=part.line,
                        aircraft_class=flight.aircraft_class,
                        notes=part.notes,
                    )
                )
        refused = (*self._refused, *self._listed(alone), *self._counted())
        return Reading(file_format=FileFormat.CSV, records=tuple(records), refused=refused)

    def _positions(self, flight: _Flight) -> tuple[AltitudeReference, Positions]:
        """Return the rows of a flight that have the height which more of them have, and its reference."""
        columns, places = self._columns, flight.places
        with_pressure = sum(level >= 0.0 for level in places.altitude)
        with_other = sum(height == height for height in flight.other)  # noqa: PLR0124 - NaN is missing
        if columns.other is None or (columns.pressure is not None and with_pressure >= with_other):
            reference, heights, count = AltitudeReference.FL, places.altitude, with_pressure
        else:
            reference, heights, count = columns.other.reference, flight.other, with_other
        if count == len(places):
            if heights is not places.altitude:
                places.altitude = heights
            return reference, places
        kept = Positions()
        for step, height in enumerate(heights):
            if height >= 0.0 or (height == height and reference is not AltitudeReference.FL):  # noqa: PLR0124
                kept.add(places.at_ms[step], places.lat[step], places.lng[step], height, places.line[step])
            else:
                self._without_height.add(places.line[step])
        return reference, kept

    def _listed(self, alone: list[RefusedRecord]) -> list[RefusedRecord]:
        """Return as many as there is room for, and count the others."""
        room = max(0, limits.ROWS_LISTED_MAX - len(self._refused))
        for bad in alone[room:]:
            self._unlisted.add(bad.line or 0)
        return alone[:room]

    def _counted(self) -> Iterator[RefusedRecord]:
        """Yield one refused record for each reason for which rows were passed over."""
        names = self._columns.names
        places = [names[column] for column in (*self._columns.times[:1], self._columns.lat, self._columns.lng)]
        heights = [names[each.column] for each in (self._columns.pressure, self._columns.other) if each is not None]
        for passed, field, allowed in (
            (
                self._incomplete,
                ", ".join(dict.fromkeys((*places, *heights))),
                "a time, a place and a height in each row",
            ),
            (self._without_height, ", ".join(heights), "the height that the other rows have, not below flight level 0"),
            (self._unlisted, "", "see the lines above: the first are listed"),
        ):
            if passed.count:
                found = f"{passed.count} rows passed over, the first on line {passed.line}"
                refusal = Refusal(RefusalCode.MALFORMED, field=field, found=found, allowed=allowed)
                yield _refused_row("rows", refusal, passed.line)


def _refused_row(place: str, refusal: Refusal, line: int) -> RefusedRecord:
    return RefusedRecord(place=place, title="rows" if place == "rows" else "row", refusal=refusal, line=line)
