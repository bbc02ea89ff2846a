"""Telling a file's format from what it holds, never from its name.

Rules
 * GeoJSON is an object whose `type` is one of GeoJSON's own; F3548 JSON is an object with one of the standard's
   names, or a list of such objects. Anything else is refused with what was found.
"""

from __future__ import annotations

from clearline.formats import f3548, geojson
from clearline.formats.json_text import DuplicateName, parse_json
from clearline.formats.record import Reading
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["read_source"]


def read_source(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read a file of any format known.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, DUPLICATE_FIELD or UNKNOWN_FORMAT, for the file as a whole.
    """
    plain = parse_json(source, bytes_max=bytes_max)
    if isinstance(plain, DuplicateName):
        raise Refusal(RefusalCode.DUPLICATE_FIELD, field=plain.name, found="twice", allowed="once")
    if geojson.is_geojson(plain):
        return geojson.read_plain(plain)
    if f3548.is_f3548(plain):
        return f3548.read_plain(plain)
    raise Refusal(
        RefusalCode.UNKNOWN_FORMAT,
        found=_kind(plain),
        allowed='GeoJSON ("type": "FeatureCollection") or F3548 JSON ("volumes", "operational_intents", …)',
    )


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
