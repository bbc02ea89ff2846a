"""Reading untrusted JSON into the types of the model: a value, or a `Refusal` with field, found and allowed.

Rules
 * Size and depth first, then types, then meaning: nothing is built from bytes over the limit. How deep a parser can
   go depends on who calls it from where; a log must be read again everywhere as it was read first.
 * Unknown fields, fields twice, NaN, infinities and invalid UTF-8 are refused.
 * The field in the refusal is the full path (`volumes[2].volume.outline_circle.radius.value`).
"""

from __future__ import annotations

import json
import re
from array import array
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

import msgspec

from clearline.model import limits
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

__all__ = ["RepeatedField", "convert", "decode", "decode_repeating", "refusal_of_repeated", "repeated_fields"]

T = TypeVar("T")
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_QUOTED = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_UP_OR_DOWN = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))
_STEP = re.compile(r"\.([A-Za-z_0-9]+)|\[(\d+|\.\.\.)\]")


def decode(wanted: type[T], source: bytes, *, bytes_max: int) -> T:
    """Decode JSON `source` as `wanted`.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FIELD, DUPLICATE_FIELD, OUT_OF_RANGE, or the code of the type's own
            check.
    """
    value = decode_repeating(wanted, source, bytes_max=bytes_max)
    repeated = repeated_fields(source)
    if repeated:
        raise refusal_of_repeated(repeated[0])
    return value


def decode_repeating(wanted: type[T], source: bytes, *, bytes_max: int) -> T:
    """Decode as `decode` does, except that fields given twice are left for the caller to look for.

    Raises:
        Refusal: as `decode`, without DUPLICATE_FIELD.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    _check_depth(source)
    try:
        return msgspec.json.decode(source, type=wanted)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _refusal_of(wanted, error, source) from None


def _check_depth(source: bytes) -> None:
    """Refuse what nests deeper than allowed; a text that is no JSON may pass, and is for the parser to refuse.

    Raises:
        Refusal: OVER_LIMIT.
    """
    if source.count(b"[") + source.count(b"{") <= limits.JSON_DEPTH_MAX:
        return
    steps = array("b", _QUOTED.sub(b"", source).translate(_UP_OR_DOWN, _NO_BRACKETS))
    if (levels := max(accumulate(steps), default=0)) > limits.JSON_DEPTH_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT, found=f"{levels} levels", allowed=f"at most {limits.JSON_DEPTH_MAX} levels"
        )


def convert(wanted: type[T], source: object) -> T:
    """Build `wanted` from plain lists, dicts and scalars (TOML, GeoJSON properties).

    Raises:
        Refusal: as `decode`.
    """
    try:
        return msgspec.convert(source, type=wanted)
    except msgspec.ValidationError as error:
        raise _refusal_from(wanted, error, source) from None


class RepeatedField(NamedTuple):
    """A name given twice in one object; `outermost` says whether that object is the whole document."""

    name: str
    outermost: bool


def repeated_fields(source: bytes) -> list[RepeatedField]:
    """Return the first repeated name of each object that has one, the outermost object last.

    Raises:
        Refusal: MALFORMED where `source` is not JSON or nests too deeply.
    """
    if _is_own_form(source):
        return []
    found: list[str | None] = []

    def pairs(members: list[tuple[str, Any]]) -> None:
        found.append(_first_repeated(members))

    try:
        json.loads(source, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise Refusal(RefusalCode.MALFORMED, found=str(error), allowed="JSON (RFC 8259) in UTF-8") from None
    # The decoder closes the outermost object last.
    last = len(found) - 1
    return [RepeatedField(name, outermost=place == last) for place, name in enumerate(found) if name is not None]


def _first_repeated(members: list[tuple[str, Any]]) -> str | None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            return name
        seen.add(name)
    return None


def _is_own_form(source: bytes) -> bool:
    """True where decoding and encoding give the same bytes: then no name can have been lost on the way."""
    try:
        return msgspec.json.encode(msgspec.json.decode(source)) == source
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False


def refusal_of_repeated(repeated: RepeatedField) -> Refusal:
    """Return the refusal for a field given twice."""
    return Refusal(RefusalCode.DUPLICATE_FIELD, field=repeated.name, found="twice", allowed="once")


def _refusal_of(wanted: type[T], error: Exception, source: bytes) -> Refusal:
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(RefusalCode.MALFORMED, found=str(error), allowed="JSON (RFC 8259) in UTF-8")
    plain: object
    try:
        plain = msgspec.json.decode(source)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        plain = _NOTHING  # wanted only to show what was found: the error itself names the place
    return _refusal_from(wanted, error, plain)


def _refusal_from(wanted: type[T], error: msgspec.ValidationError, plain: object) -> Refusal:
    match = _PATH.match(str(error))
    what, path = (match.group("what"), match.group("path") or "") if match else (str(error), "")
    field = path.removeprefix(".")
    cause = error.__cause__
    if isinstance(cause, FieldRefusal):
        return cause.refusal.within(field)
    if what.startswith(("Object contains unknown field", "Object missing required field")):
        name = what.split("`")[1]
        field = f"{field}.{name}" if field else name
        if what.startswith("Object missing"):
            return Refusal(RefusalCode.MALFORMED, field=field, found="nothing", allowed="this field is required")
        return Refusal(RefusalCode.UNKNOWN_FIELD, field=field, found=name, allowed="only the fields of the schema")
    found = _value_at(plain, path)
    if what.startswith("Invalid enum"):
        return Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed=_choices(wanted, path))
    return Refusal(_code_of(what), field=field, found=found, allowed=what.replace("Expected ", "", 1))


def _code_of(what: str) -> RefusalCode:
    if what.startswith("Expected `array` of length <="):
        return RefusalCode.OVER_LIMIT
    ranged = ("Expected `float` ", "Expected `int` ", "Expected `str` ", "Expected `array` ", "Number out of range")
    return RefusalCode.OUT_OF_RANGE if what.startswith(ranged) and ", got" not in what else RefusalCode.MALFORMED


_NOTHING = object()


def _value_at(plain: object, path: str) -> object:
    value = plain
    for name, place in _STEP.findall(path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif place.isdigit() and isinstance(value, list) and int(place) < len(value):
            value = value[int(place)]
        else:
            return ""
    if value == "":
        return '""'  # an empty text was found, which is not the same as nothing to show
    return "" if value is _NOTHING else value


def _choices(wanted: type[T], path: str) -> str:
    """Return the values of the enum at `path` inside `wanted`: a refusal lists what is allowed."""
    kinds = _alternatives(msgspec.inspect.type_info(wanted))
    for name, _ in _STEP.findall(path):
        inner: list[msgspec.inspect.Type] = []
        for kind in kinds:
            if name and isinstance(kind, msgspec.inspect.StructType):
                inner += [field.type for field in kind.fields if field.encode_name == name]
            elif not name and isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
                inner.append(kind.item_type)
        kinds = [alternative for kind in inner for alternative in _alternatives(kind)]
    members = [member for kind in kinds if isinstance(kind, msgspec.inspect.EnumType) for member in kind.cls]
    return ", ".join(str(member.value) for member in members)


def _alternatives(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    return list(kind.types) if isinstance(kind, msgspec.inspect.UnionType) else [kind]
