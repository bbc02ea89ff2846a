"""One cell of a CSV: a number, an instant, or nothing.

Rules
 * What programs write for nothing is nothing: an empty cell, NaN, null and their like.
 * A number is plain ASCII: Python would also take 1_000 and the digits of all scripts.
 * An instant is RFC 3339 with zone (a blank for the T is taken; in a column named utc the zone may be missing), or
   seconds or milliseconds since 1970: by the column's name, else by size. Numbers too small for a date are refused.
"""

from __future__ import annotations

import math
from typing import Final

from clearline.model import limits
from clearline.model.instant import parse_instant
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

__all__ = ["MISSING", "instant_in", "number_in"]

MISSING: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "nat", "<na>", "\\n"})
"""In lower case, without blanks around."""
_EPOCH_S_MIN: Final = 1e8
"""1973: a smaller number counts from the start of a flight, and not from 1970."""
_EPOCH_MS_MIN: Final = 1e11
"""As seconds this is the year 5138."""
_TIME_ALLOWED: Final = "RFC 3339 with zone, such as 2026-11-22T14:30:00Z, or seconds or milliseconds since 1970"


def number_in(text: str, name: str) -> float:
    """Return the number in a cell, NaN where there is none.

    Raises:
        Refusal: MALFORMED.
    """
    try:
        value = float(text)
    except ValueError:
        if text.strip().lower() in MISSING:
            return math.nan
    else:
        if "_" not in text and text.isascii():  # Python takes 1_000 and the digits of all scripts
            return value
    comma = "; a decimal point, not a comma" if "," in text else ""
    raise Refusal(RefusalCode.MALFORMED, field=name, found=text, allowed=f"a number{comma}")


def instant_in(text: str, name: str) -> int:
    """Return the instant in a cell that is not empty, in ms since 1970.

    Raises:
        Refusal: OUT_OF_RANGE.
    """
    if text[4:5] != "-":
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        in_ms = name.endswith("_ms") or (not name.endswith("_s") and number >= _EPOCH_MS_MIN)
        at_ms = number if in_ms else number * 1_000.0
        if _EPOCH_S_MIN * 1_000.0 <= at_ms <= limits.TIME_MS_MAX and "_" not in text and text.isascii():
            return round(at_ms)
        allowed = f"{_TIME_ALLOWED} (1973 to 2100)"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=name, found=text, allowed=allowed)
    written = f"{text[:10]}T{text[11:]}" if text[10:11] == " " else text
    if (
        "utc" in name
        and len(written) <= 29
        and written[-1:].isdigit()
        and "+" not in written
        and "-" not in written[10:]
    ):
        written += "Z"
    try:
        return parse_instant(written)
    except FieldRefusal:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=name, found=text, allowed=_TIME_ALLOWED) from None
