"""Reading the JSON of untrusted files into plain values: tolerant of a bad record, strict with a bad file.

Rules
 * Size first: nothing is parsed from bytes over the limit.
 * Only UTF-8 (a byte order mark is passed over). What is no JSON at all is refused as a whole, with line and column.
 * `NaN`, infinities and a name twice in one object do not spoil the file: they are marked where they stand, and
   `refuse_unfit` refuses the record that holds them.
 * Depth is bounded: by the parser for the file, by `limits.JSON_DEPTH_MAX` for each record.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, final

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["DuplicateName", "parse_json", "refuse_unfit"]

_JSON = "JSON (RFC 8259) in UTF-8"
_DIGITS_EXACT_MAX = 18
"""A whole number with more digits is read as float: no field of any format needs it, and huge ones are slow."""


@final
@dataclass(frozen=True, slots=True)
class DuplicateName:
    """Stands in the place of an object that holds one name twice: two readers could see two records."""

    name: str


def parse_json(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> object:
    """Return the JSON value of `source`, bad places marked.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(RefusalCode.MALFORMED, found=f"no UTF-8 at byte {error.start}", allowed=_JSON) from None
    if not text.strip():
        raise Refusal(RefusalCode.MALFORMED, found="an empty file", allowed=_JSON)
    try:
        return json.loads(text, object_pairs_hook=_members, parse_int=_whole)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise Refusal(RefusalCode.MALFORMED, found=where, allowed=_JSON) from None
    except RecursionError:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            found="hundreds of nested brackets",
            allowed=f"at most {limits.JSON_DEPTH_MAX} levels",
        ) from None


def refuse_unfit(value: object, *, path: str = "") -> None:
    """Refuse a record that holds NaN, an infinity, a name twice, half a character, or more levels than allowed.

    Raises:
        Refusal: OUT_OF_RANGE, DUPLICATE_FIELD, MALFORMED, OVER_LIMIT; the field is the path to the place.
    """
    waiting: list[tuple[object, str, int]] = [(value, path, 1)]
    while waiting:
        here, where, level = waiting.pop()
        if isinstance(here, DuplicateName):
            name = f"{where}.{here.name}" if where else here.name
            raise Refusal(RefusalCode.DUPLICATE_FIELD, field=name, found="twice", allowed="once")
        if isinstance(here, list):
            inner = [(each, f"[{place}]") for place, each in enumerate(here) if not _fits(each)]
        elif isinstance(here, dict):
            for name in here:
                _refuse_half_characters(name, where)
            inner = [(each, f".{name}" if where else name) for name, each in here.items() if not _fits(each)]
        else:
            _refuse_scalar(here, where)
            continue
        if level > limits.JSON_DEPTH_MAX:
            allowed = f"at most {limits.JSON_DEPTH_MAX} levels"
            raise Refusal(RefusalCode.OVER_LIMIT, field=where, found=f"{level} levels", allowed=allowed)
        waiting.extend((each, where + step, level + 1) for each, step in reversed(inner))


def _fits(value: object) -> bool:
    """Tell of the commonest values that nothing can be wrong with them: no path is built for those."""
    return isinstance(value, (int, float)) and -math.inf < value < math.inf


def _refuse_scalar(value: object, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=where, found=value, allowed="a finite number")
    if isinstance(value, str):
        _refuse_half_characters(value, where)


def _refuse_half_characters(text: str, where: str) -> None:
    # JSON can write half of a surrogate pair ("\\ud800"); no UTF-8 text, and so no message, can hold it.
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Refusal(RefusalCode.MALFORMED, field=where, found=text, allowed="whole Unicode characters")


def _members(members: list[tuple[str, Any]]) -> dict[str, Any] | DuplicateName:
    found = dict(members)
    if len(found) == len(members):
        return found
    names = [name for name, _ in members]
    return DuplicateName(next(name for name in names if names.count(name) > 1))


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= _DIGITS_EXACT_MAX else float(text)
