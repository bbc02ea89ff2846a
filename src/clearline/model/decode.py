"""Reading untrusted JSON into the types of the model: a value, or a `Refusal` with field, found and allowed.

Rules
 * Size first, then types, then meaning: nothing is built from bytes over the limit.
 * Unknown fields, fields twice, NaN, infinities and invalid UTF-8 are refused.
 * The field in the refusal is the full path (`volumes[2].volume.outline_circle.radius.value`).
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

__all__ = ["convert", "decode"]

T = TypeVar("T")
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_0-9]+)|\[(\d+|\.\.\.)\]")


def decode(wanted: type[T], source: bytes, *, bytes_max: int) -> T:
    """Decode JSON `source` as `wanted`.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FIELD, DUPLICATE_FIELD, OUT_OF_RANGE, or the code of the type's own
            check.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    try:
        value = msgspec.json.decode(source, type=wanted)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _refusal_of(error, source) from None
    _refuse_duplicates(source)
    return value


def convert(wanted: type[T], source: object) -> T:
    """Build `wanted` from plain lists, dicts and scalars (TOML, GeoJSON properties).

    Raises:
        Refusal: as `decode`.
    """
    try:
        return msgspec.convert(source, type=wanted)
    except msgspec.ValidationError as error:
        raise _refusal_from(error, source) from None


def _refuse_duplicates(source: bytes) -> None:
    def pairs(members: list[tuple[str, Any]]) -> None:
        names = {name for name, _ in members}
        if len(names) != len(members):
            seen: set[str] = set()
            for name, _ in members:
                if name in seen:
                    raise Refusal(RefusalCode.DUPLICATE_FIELD, field=name, found="twice", allowed="once")
                seen.add(name)

    try:
        json.loads(source, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise Refusal(RefusalCode.MALFORMED, found=str(error), allowed="JSON (RFC 8259) in UTF-8") from None


def _refusal_of(error: Exception, source: bytes) -> Refusal:
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(RefusalCode.MALFORMED, found=str(error), allowed="JSON (RFC 8259) in UTF-8")
    try:
        plain = msgspec.json.decode(source)
    except (msgspec.DecodeError, RecursionError):
        return Refusal(RefusalCode.MALFORMED, found=str(error), allowed="JSON (RFC 8259) in UTF-8")
    return _refusal_from(error, plain)


def _refusal_from(error: msgspec.ValidationError, plain: object) -> Refusal:
    match = _PATH.match(str(error))
    what, path = (match.group("what"), match.group("path") or "") if match else (str(error), "")
    field = path.removeprefix(".")
    cause = error.__cause__
    if isinstance(cause, FieldRefusal):
        return cause.refusal.within(field)
    if what.startswith("Object contains unknown field"):
        name = what.split("`")[1]
        return Refusal(
            RefusalCode.UNKNOWN_FIELD,
            field=f"{field}.{name}" if field else name,
            found=name,
            allowed="only the fields of the schema",
        )
    if what.startswith("Object missing required field"):
        name = what.split("`")[1]
        return Refusal(
            RefusalCode.MALFORMED,
            field=f"{field}.{name}" if field else name,
            found="nothing",
            allowed="this field is required",
        )
    found = _value_at(plain, path)
    in_range = what.startswith(
        ("Expected `float` ", "Expected `int` ", "Expected `str` ", "Expected `array` ", "Invalid enum")
    )
    code = RefusalCode.OUT_OF_RANGE if in_range and ", got" not in what else RefusalCode.MALFORMED
    return Refusal(code, field=field, found=found, allowed=what.replace("Expected ", "", 1))


def _value_at(plain: object, path: str) -> object:
    value = plain
    for name, place in _STEP.findall(path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif place.isdigit() and isinstance(value, list) and int(place) < len(value):
            value = value[int(place)]
        else:
            return ""
    return value
