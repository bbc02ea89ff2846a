"""Instants: UTC in whole milliseconds since 1970 (R14).

Rules
 * Every time is UTC. Text is RFC 3339 and ends in `Z` when written; offsets are read and turned into UTC.
 * A time without zone is refused, never guessed. Leap seconds (`:60`) are refused: no clock here has them.
 * Time is taken once per decision and handed down as a number.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NewType

from clearline.model import limits
from clearline.model.refusal import FieldRefusal, RefusalCode

__all__ = ["InstantMs", "instant_text", "parse_instant", "parse_instant_up"]

InstantMs = NewType("InstantMs", int)
"""Milliseconds since 1970-01-01T00:00:00Z, without leap seconds."""

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_REMEMBERED = 65_536
"""Instants read lately: the same text is read when it is checked, compared and shown."""
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_ALLOWED = "RFC 3339 with zone, 1970 to 2100, such as 2026-11-22T14:30:00Z"


@lru_cache(maxsize=_REMEMBERED)
def parse_instant_up(text: str) -> InstantMs:
    """Read RFC 3339 text as `parse_instant` does, rounding a part of a millisecond up: for the end of a window."""
    instant = parse_instant(text)
    match = _RFC3339.fullmatch(text)
    rest = (match.group(7) or "")[3:] if match else ""
    rounded = instant + 1 if rest.strip("0") else instant
    if rounded > limits.TIME_MS_MAX:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED)
    return InstantMs(rounded)


@lru_cache(maxsize=_REMEMBERED)
def parse_instant(text: str) -> InstantMs:
    """Read RFC 3339 text. Digits below a millisecond are dropped: for the start of a window.

    Raises:
        FieldRefusal: OUT_OF_RANGE for anything else, a time without zone included.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED)
    year, month, day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    hours, minutes, seconds = int(hour), int(minute), int(second)
    off_hours, off_minutes = (int(off_hour), int(off_minute)) if sign is not None else (0, 0)
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED) from None
    offset_minutes = (off_hours * 60 + off_minutes) * (-1 if sign == "-" else 1)
    whole_s = ((days * 24 + hours) * 60 + minutes - offset_minutes) * 60 + seconds
    instant = whole_s * 1_000 + int((fraction or "0")[:3].ljust(3, "0"))
    in_day = hours <= 23 and minutes <= 59 and seconds <= 59 and off_hours <= 23 and off_minutes <= 59
    if not (in_day and limits.TIME_MS_MIN <= instant <= limits.TIME_MS_MAX):
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED)
    return InstantMs(instant)


def instant_text(instant_ms: int) -> str:
    """Write an instant as RFC 3339 in UTC; milliseconds only where there are any."""
    whole_s, milliseconds = divmod(instant_ms, 1_000)
    days, of_day_s = divmod(whole_s, 86_400)
    day = date.fromordinal(days + _EPOCH_ORDINAL).isoformat()
    text = f"{day}T{of_day_s // 3_600:02d}:{of_day_s // 60 % 60:02d}:{of_day_s % 60:02d}"
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"
