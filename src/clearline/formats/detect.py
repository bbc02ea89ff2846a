"""Telling a file's format from what it holds, never from its name.

Rules
 * A zip archive is KMZ, what begins with `<` is XML and so KML, what begins with `{` or `[` is JSON. JSON is ED-269
   or ED-318 by the names of its zones, GeoJSON by its `type`, else what its names say. Other text is what its first
   lines say; OpenAir is told by all of them.
 * Each file is told by itself; nothing is tried twice. What is none of these is refused with what was found.
 * Of a JSON file in which a record is refused, all records get their lines; `json_place.with_lines` gives them when
   asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clearline.formats import csv_tracks, ed269, ed318, f3548, geojson, kml, kmz, openair
from clearline.formats.json_place import with_lines
from clearline.formats.json_text import DuplicateName, parse_json
from clearline.formats.record import Reading
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode, shown

__all__ = ["read_source"]

_JSON_FORMATS: Final[tuple[tuple[Callable[[object], bool], Callable[[object], Reading]], ...]] = (
    # Zones of ED-269 and ED-318 may stand in GeoJSON: their own names come first.
    (ed269.is_ed269, ed269.read_plain),
    (ed318.is_ed318, ed318.read_plain),
    (geojson.is_geojson, geojson.read_plain),
    (f3548.is_f3548, f3548.read_plain),
)
"""(whether a JSON value is of this format, its reader), the most certain first."""

_TEXT_FORMATS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Reading]], ...]] = (
    (openair.is_openair, openair.read),
    (csv_tracks.is_csv, csv_tracks.read),
)
"""(whether text is of this format, its reader), the most certain first."""

ALLOWED: Final = (
    'GeoJSON ("type": "FeatureCollection"), F3548 JSON ("volumes", "operational_intents", …), KML or KMZ, '
    "CSV of tracks (a first line with time, lat, lng and a height), OpenAir (zones that start with AC), "
    'ED-269 and ED-318 ("features" with "identifier")'
)
"""What `read_source` reads, for the refusal of anything else."""

_HEAD_BYTES: Final = 1_024
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read_source(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read a file of any format known.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, DUPLICATE_FIELD or UNKNOWN_FORMAT, for the file as a whole.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    if kmz.is_kmz(source):
        return kml.read(kmz.unpack(source))
    first = _first_character(source)
    if first == b"<":
        return kml.read(source)
    if first not in {b"{", b"["}:
        for is_format, read in _TEXT_FORMATS:
            if is_format(source):
                return read(source)
    return _read_json(source, looks_like_json=first in {b"{", b"["})


def _first_character(source: bytes) -> bytes:
    """Return the first character that is neither blank nor half of one in UTF-16."""
    head = source[:_HEAD_BYTES]
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.lstrip(b" \t\r\n\x00")[:1]


def _read_json(source: bytes, *, looks_like_json: bool) -> Reading:
    try:
        plain = parse_json(source)
    except Refusal as refusal:
        if looks_like_json or refusal.code is not RefusalCode.MALFORMED:
            raise
        raise _unlike_any(source, refusal) from None
    if isinstance(plain, DuplicateName):
        raise Refusal(RefusalCode.DUPLICATE_FIELD, field=plain.name, found="twice", allowed="once")
    for is_format, read_plain in _JSON_FORMATS:
        if is_format(plain):
            reading = read_plain(plain)
            return with_lines(reading, source) if reading.refused else reading
    raise Refusal(RefusalCode.UNKNOWN_FORMAT, found=_kind(plain), allowed=ALLOWED)


def _unlike_any(source: bytes, refusal: Refusal) -> Refusal:
    """Return the refusal of what is no JSON and no other format: MALFORMED where it is no text either."""
    head = source[:_HEAD_BYTES].decode(errors="replace").rstrip("\ufffd").strip()  # the cut may halve a character
    first = head.partition("\n")[0].strip()
    if not first or "\0" in head or "\ufffd" in head:
        return Refusal(RefusalCode.MALFORMED, found=refusal.found, allowed=ALLOWED)
    return Refusal(RefusalCode.UNKNOWN_FORMAT, found=f"text that begins with {shown(first[:40])}", allowed=ALLOWED)


def _kind(plain: object) -> str:
    match plain:
        case dict():
            return f"an object with {', '.join(sorted(plain)[:8]) or 'nothing'}"
        case list():
            return "a list without operational intents"
        case str():
            return "a text"
        case None | bool():
            return "one word"
        case _:
            return "a number"
