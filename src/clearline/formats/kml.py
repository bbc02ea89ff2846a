"""KML (OGC KML 2.2 and 2.3, with Google's `gx` extensions), read from a .kml or out of a .kmz.

Rules
 * Each Placemark is one notice; those with the same text in `notice` are one. A Track is a flight, a MultiTrack
   several.
 * `lower`, `upper`, `start`, `end`, `radius_m`, `width_m`, `aircraft_class`, `priority`, `notice`, and for tracks
   `buffer_lateral_m`, `buffer_vertical_m` stand in ExtendedData (Data or SchemaData), in the forms of our GeoJSON.
   They go before what the geometry and the TimeSpan tell. `kml_shape` has the rules of geometry and heights.
 * A bare number for a height is metres W84, as in GeoJSON, and refused beside an altitudeMode that says otherwise.
 * Times: TimeSpan with begin and end, of the Placemark or else of the innermost Folder or Document around it that has
   one. A TimeStamp is an instant and no window. Every time needs its zone: a date alone is refused.
 * A width may also stand in a style as `gx:physicalWidth` (metres); the `width` of a style is in pixels.
 * What is hidden is read all the same. Links to other files are reported and never followed, and so is what holds a
   geometry and is no Placemark; pictures, tours and views are passed over.
 * A bad Placemark is reported with its line and field; the others are kept.

Source: OGC 07-147r2, OGC 12-007r2; Google's reference of `gx:Track`, `gx:physicalWidth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, final

from clearline.formats.kml_shape import (
    GEOMETRIES,
    altitude_mode,
    band_of,
    geometries_of,
    positions_of,
    shape_of,
)
from clearline.formats.record import FileFormat, Reading, Record, RefusedRecord, title_of
from clearline.formats.said import Said, number_of, time_of
from clearline.formats.track_parts import Lone, parts_of
from clearline.formats.xml_text import Element, walk_xml
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference
from clearline.model.instant import instant_text
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.volume import Radius, Time, Volume3D, Volume4D

__all__ = ["read"]

_CONTAINERS: Final = ("kml", "Document", "Folder")
_SAID: Final = frozenset(
    "lower upper start end radius_m width_m aircraft_class priority notice buffer_lateral_m buffer_vertical_m".split()
)
_TIMES: Final = ("TimeSpan", "TimeStamp")
_LINKS: Final = ("NetworkLink", "NetworkLinkControl")
_FIELD_OF_MODEL: Final = {
    "altitude_lower": "ExtendedData.lower",
    "altitude_upper": "ExtendedData.upper",
    "time_start": "TimeSpan.begin",
    "time_end": "TimeSpan.end",
}


def read(source: bytes, *, bytes_max: int = limits.XML_BYTES_MAX) -> Reading:
    """Read the bytes of a KML document; `kmz.unpack` gives those of a KMZ.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FORMAT for the file as a whole.
    """
    styles = _Styles()
    if b"physicalWidth" in source:  # a style may stand behind the places that use it
        walk_xml(source, styles, walked=_CONTAINERS, bytes_max=bytes_max)
    places = _Places(styles)
    walk_xml(source, places, walked=_CONTAINERS, bytes_max=bytes_max)
    return Reading(file_format=FileFormat.KML, records=tuple(places.records), refused=tuple(places.refused))


@final
class _Styles:
    """The widths in metres of the styles of a document."""

    def __init__(self) -> None:
        self._width_of: dict[str, str] = {}
        self._normal_of: dict[str, str] = {}

    def opened(self, element: Element) -> None:
        """Styles stand in no place of their own."""

    def closed(self) -> None:
        """Styles stand in no place of their own."""

    def whole(self, element: Element) -> None:
        """Remember a shared style."""
        name = element.attributes.get("id", "")
        try:
            if element.name == "Style":
                width = width_in(element)
                if width is not None:
                    self._width_of[name] = width
            elif element.name == "StyleMap":
                for pair in element.every("Pair"):
                    if pair.said("key") == "normal":
                        self._normal_of[name] = (pair.said("styleUrl") or "").removeprefix("#")
        except Refusal:
            return  # a style that cannot be read gives no width: the line that needs one is refused

    def width_of(self, placemark: Element) -> str | None:
        """Return the width that a Placemark's own style or the one it names gives."""
        own = [width_in(style) for style in placemark.every("Style")]
        if own and own[-1] is not None:
            return own[-1]
        name = (placemark.said("styleUrl") or "").removeprefix("#")
        return self._width_of.get(self._normal_of.get(name, name))


def width_in(style: Element) -> str | None:
    """Return `gx:physicalWidth` of a Style, as text."""
    line = style.only("LineStyle")
    return None if line is None else line.said("physicalWidth")


@final
class _Container:
    """A Folder or Document that is open: its own time, and whether it has had features."""

    __slots__ = ("featured", "name", "time")

    def __init__(self, name: str) -> None:
        self.name = name
        self.time: Element | None = None
        self.featured = False


@final
class _Places:
    """Turns each Placemark into records as it ends."""

    def __init__(self, styles: _Styles) -> None:
        self.records: list[Record] = []
        self.refused: list[RefusedRecord] = []
        self._styles = styles
        self._open: list[_Container] = []
        self._number = 0
        self._index_of_notice: dict[str, int] = {}

    def opened(self, element: Element) -> None:
        """Enter a Folder or Document; the first element is `kml`, which some files leave out."""
        if not self._open and element.name not in _CONTAINERS:
            found = f"XML with <{element.name[:40]}>"
            raise Refusal(RefusalCode.UNKNOWN_FORMAT, found=found, allowed="of XML only KML: <kml> at the top")
        if self._open:
            self._open[-1].featured = True
        self._open.append(_Container(element.name))

    def closed(self) -> None:
        """Leave it."""
        self._open.pop()

    def whole(self, element: Element) -> None:
        """Take a Placemark, a time of what is open, or a link; everything else is passed over."""
        here = self._open[-1]
        if element.name in _TIMES:
            if here.featured or here.time is not None:
                raise Refusal(
                    RefusalCode.MALFORMED,
                    field=f"line {element.line}",
                    found=f"{element.name} of a {here.name} " + ("behind its features" if here.featured else "twice"),
                    allowed="one, before the features: they inherit it (KML 2.2 §9.1)",
                )
            here.time = element
        elif element.name in _LINKS:
            refusal = Refusal(
                RefusalCode.UNKNOWN_FORMAT, found="a link to another file", allowed="the other file itself, read beside"
            )
            self._report(element, refusal)
        elif element.name == "Placemark":
            here.featured = True
            self._placemark(element)
        elif element.name != "PhotoOverlay" and any(True for _ in element.every(*GEOMETRIES)):
            found = f"a geometry in <{element.name[:40]}>"
            refusal = Refusal(RefusalCode.MALFORMED, found=found, allowed="Placemark: what else holds one is not read")
            self._report(element, refusal)

    def _placemark(self, element: Element) -> None:
        self._number += 1
        if self._number > limits.PLACEMARKS_MAX:
            allowed = f"at most {limits.PLACEMARKS_MAX} in one file"
            raise Refusal(
                RefusalCode.OVER_LIMIT, field=f"line {element.line}", found="more placemarks", allowed=allowed
            )
        place = f"Placemark {self._number}"
        title = _title(element, place)
        try:
            if element.cut:
                allowed = f"at most {limits.XML_ELEMENTS_MAX}"
                raise Refusal(RefusalCode.OVER_LIMIT, found="more elements", allowed=allowed)
            texts = _texts(element)
            said = Said(texts, "ExtendedData")
            parts = geometries_of(element)
            if not parts:
                allowed = ", ".join(GEOMETRIES[:-1])
                raise Refusal(RefusalCode.SHAPE_MISSING, field="geometry", found="nothing", allowed=allowed)
            tracks = [geometry.name in {"Track", "MultiTrack"} for _, geometry in parts]
            if all(tracks):
                self._flights(parts, said, Record(place=place, title=title, line=element.line))
            elif any(tracks):
                found, allowed = "tracks beside other geometry", "a Placemark for each"
                raise Refusal(RefusalCode.SHAPE_MISSING, field="MultiGeometry", found=found, allowed=allowed)
            else:
                record = self._notice(element, parts, said, Record(place=place, title=title, line=element.line))
                self._keep(record, said.text("notice"))
        except Refusal as refusal:
            self.refused.append(RefusedRecord(place=place, title=title, refusal=refusal, line=element.line))

    def _report(self, element: Element, refusal: Refusal) -> None:
        """Report an element that is not read, as if it were a record."""
        title = _title(element, element.name)
        if len(self.refused) >= limits.PLACEMARKS_MAX:
            allowed = f"at most {limits.PLACEMARKS_MAX} in one file"
            raise Refusal(RefusalCode.OVER_LIMIT, field=f"line {element.line}", found="more records", allowed=allowed)
        self.refused.append(RefusedRecord(place=element.name, title=title, refusal=refusal, line=element.line))

    def _keep(self, record: Record, notice: str | None) -> None:
        index = None if notice is None else self._index_of_notice.get(notice)
        if index is None:
            if notice is not None:
                self._index_of_notice[notice] = len(self.records)
            self.records.append(record)
            return
        first = self.records[index]
        self.records[index] = replace(
            first,
            volumes=first.volumes + record.volumes,
            outlines=first.outlines + record.outlines,
            notes=first.notes + record.notes,
        )

    def _notice(self, element: Element, parts: list[tuple[str, Element]], said: Said, record: Record) -> Record:
        start, end = self._window(element, said)
        radius, half_width = said.radius("radius_m", scale=1.0), self._half_width(element, said)
        volumes: list[Volume4D] = []
        outlines: list[str] = []
        notes: list[str] = []
        for place, geometry in parts:
            shape = shape_of(geometry, place, radius=radius, half_width=half_width)
            bare = AltitudeReference.W84 if altitude_mode(geometry) == "clampToGround" else None
            lower, upper = said.altitude("lower", bare=bare), said.altitude("upper", bare=bare)
            if lower is None or upper is None:
                told_lower, told_upper = band_of(geometry, shape, place)
                lower, upper = lower or told_lower, upper or told_upper
            volumes.append(_volume(shape.outline, lower, upper, start, end))
            outlines.append(shape.vertices_at)
            notes.extend(shape.notes)
        return replace(
            record,
            volumes=tuple(volumes),
            outlines=tuple(outlines),
            aircraft_class=said.aircraft_class(),
            priority=said.priority(),
            notes=tuple(notes),
        )

    def _half_width(self, element: Element, said: Said) -> Radius | None:
        half_width = said.radius("width_m", scale=0.5)
        if half_width is not None:
            return half_width
        width = self._styles.width_of(element)
        number = None if width is None else number_of(width)
        # A width of 0 is what programs write that mean none.
        return (
            None if not number else Said({"physicalWidth": width or ""}, "LineStyle").radius("physicalWidth", scale=0.5)
        )

    def _window(self, element: Element, said: Said) -> tuple[Time, Time]:
        start, end = said.time("start"), said.time("end")
        if start is not None and end is not None:
            return start, end
        time = element.only(*_TIMES) or next((each.time for each in reversed(self._open) if each.time), None)
        span = "TimeSpan with begin and end"
        if time is None:
            missing = "start" if start is None else "end"
            field = said.field(missing)
            raise Refusal(RefusalCode.MALFORMED, field=field, found="nothing", allowed=f"{missing}, or a {span}")
        if time.name == "TimeStamp":
            found = f"an instant, {time.said('when')}"
            raise Refusal(RefusalCode.MALFORMED, field="TimeStamp", found=found, allowed=f"a {span}, or start and end")
        return start or _limit(time, "begin"), end or _limit(time, "end")

    def _flights(self, parts: list[tuple[str, Element]], said: Said, record: Record) -> None:
        lateral_m = said.buffer("buffer_lateral_m", most=limits.RADIUS_M_MAX)
        vertical_m = said.buffer("buffer_vertical_m", most=limits.ALTITUDE_M_MAX)
        record = replace(record, aircraft_class=said.aircraft_class(), priority=said.priority())
        flights: list[Record] = []
        alone: list[RefusedRecord] = []
        for where, geometry in parts:
            for place, reference, positions in positions_of(geometry, where):
                if not len(positions):
                    raise Refusal(RefusalCode.SHAPE_MISSING, field=place, found="no positions", allowed="two or more")
                for part in parts_of(
                    positions, reference, gap_ms=None, buffer_lateral_m=lateral_m, buffer_vertical_m=vertical_m
                ):
                    if isinstance(part, Lone):
                        found = f"one position, {instant_text(part.at_ms)}"
                        refusal = Refusal(RefusalCode.RING_INVALID, field=place, found=found, allowed="two or more")
                        alone.append(
                            RefusedRecord(place=record.place, title=record.title, refusal=refusal, line=part.line)
                        )
                    else:
                        flights.append(replace(record, trajectory=part.trajectory, notes=part.notes))
        self.records += flights
        self.refused += alone


def _limit(span: Element, name: str) -> Time:
    text = span.said(name)
    field = f"TimeSpan.{name}"
    if text is None:
        allowed = "both begin and end: nothing here lasts for ever"
        raise Refusal(RefusalCode.MALFORMED, field=field, found="nothing", allowed=allowed)
    return time_of(text, field)


def _volume(outline: dict[str, object], lower: Altitude, upper: Altitude, start: Time, end: Time) -> Volume4D:
    try:
        shape = Volume3D(altitude_lower=lower, altitude_upper=upper, **outline)  # type: ignore[arg-type]
        return Volume4D(volume=shape, time_start=start, time_end=end)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        field = _FIELD_OF_MODEL.get(cause.field, cause.field)
        raise Refusal(cause.code, field=field, found=cause.found, allowed=cause.allowed) from None


def _title(element: Element, otherwise: str) -> str:
    names = [child.text for child in element.every("name")]
    return title_of(*names, element.attributes.get("id"), otherwise=otherwise)


def _texts(placemark: Element) -> dict[str, str]:
    """Return what ExtendedData says, by name.

    Raises:
        Refusal: DUPLICATE_FIELD for a name of ours that is said twice, OVER_LIMIT.
    """
    texts: dict[str, str] = {}
    for extended in placemark.every("ExtendedData"):
        members = [(data, data.said("value") or "") for data in _ours(extended, "Data")]
        for schema in extended.every("SchemaData"):
            members.extend((simple, simple.whole_text()) for simple in _ours(schema, "SimpleData"))
        for member, text in members:
            name = member.attributes["name"]
            if texts.get(name, text) != text:
                field = f"ExtendedData.{name}"
                raise Refusal(
                    RefusalCode.DUPLICATE_FIELD, field=field, found=f"{texts[name]} and {text}", allowed="once"
                )
            texts[name] = text
    return texts


def _ours(holder: Element, kind: str) -> Iterator[Element]:
    """Yield the members that have a name which means something here; what the others hold is their own affair."""
    return (member for member in holder.every(kind) if member.attributes.get("name") in _SAID)
