"""Instants: UTC in whole milliseconds since 1970 (R14).

Rules
 * Every time is UTC. Text is RFC 3339 and ends in `Z` when written; offsets are read and turned into UTC.
 * A time without zone is refused, never guessed. Leap seconds (`:60`) are refused: no clock here has them.
 * Time is taken once per decision and handed down as a number.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
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
_REMEMBERED = 8_192
"""Instants read lately: the same text is read when it is checked, compared and shown."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is not None:
            if int(off_hour) > 23 or int(off_minute) > 59:
                raise ValueError("offset")
            offset = timedelta(hours=int(off_hour), minutes=int(off_minute))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED) from None
    whole = (moment - _EPOCH) // timedelta(milliseconds=1)
    instant = whole + int((fraction or "0")[:3].ljust(3, "0"))
    if not limits.TIME_MS_MIN <= instant <= limits.TIME_MS_MAX:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED)
    return InstantMs(instant)


def instant_text(instant_ms: int) -> str:
    """Write an instant as RFC 3339 in UTC; milliseconds only where there are any."""
    moment = _EPOCH + timedelta(milliseconds=instant_ms)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{instant_ms % 1000:03d}Z" if instant_ms % 1000 else f"{text}Z"
