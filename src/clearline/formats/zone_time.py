"""Times of zones as authorities write them, as windows that are never shorter than what is meant.

Rules
 * A moment is ISO 8601: seconds and zone may be missing, a date may stand alone (its whole day), 24:00 is the end of a
   day. Without a zone nobody can tell the instant: a start is taken 14 h earlier, an end 12 h later, the extremes of
   local time on earth. A start before 1970 and an end after 2100 are no bounds.
 * A daily period has days (`ANY`: every day), a start and an end, each a time with its offset or an event of daylight.
   Times turn into UTC, the days with them; 23:59 at the end means midnight.
 * Where a time has no offset, is missing, or is sunrise or sunset, the period is the whole of each of its days. A day
   is then a local one, in nobody knows which local time: the UTC days before and after it belong to it.

Milliseconds since 1970 and since midnight UTC. Source: EUROCAE ED-269 and ED-318 (TimePeriod, DailyPeriod); naviter's
OpenAir (AA); practice.md R14.
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any, Final, NamedTuple

from clearline.model import limits
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.zone import DAY_MS, Weekday, ZoneWindow

__all__ = ["daily_windows", "earliest_ms", "has_offset", "latest_ms"]

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_HOUR_MS: Final = 3_600_000
_AHEAD_MS: Final = 14 * _HOUR_MS
"""Line Islands: no clock on earth is further ahead of UTC."""
_BEHIND_MS: Final = 12 * _HOUR_MS
_CLOCK: Final = r"(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?"
_MOMENT: Final = re.compile(rf"(\d{{4}})-?(\d\d)-?(\d\d)(?:[Tt ]{_CLOCK})?", re.ASCII)
_TIME: Final = re.compile(rf"(?:\d{{4}}-\d\d-\d\d[Tt ])?{_CLOCK}", re.ASCII)
_ALLOWED_MOMENT: Final = "ISO 8601, such as 2026-11-22T14:30Z"
_ALLOWED_TIME: Final = "a time of day, such as 06:00Z or 08:00:00+02:00"
_ALLOWED_DAYS: Final = f"{', '.join(Weekday)}, ANY"
_WEEK: Final = tuple(Weekday)
_LAST_MINUTE_MS: Final = DAY_MS - 60_000


class _Moment(NamedTuple):
    wall_ms: int
    """As the clock on the wall shows it."""
    rest: bool
    """There were parts of a millisecond."""
    offset_ms: int | None
    has_clock: bool


class _DayTime(NamedTuple):
    wall_ms: int
    offset_ms: int


def earliest_ms(text: str) -> int | None:
    """Return the instant before which a window with this start surely has not begun; None: no bound.

    Raises:
        FieldRefusal: OUT_OF_RANGE for what is no moment, or a start after 2100.
    """
    moment = _moment(text)
    instant = moment.wall_ms - (_AHEAD_MS if moment.offset_ms is None else moment.offset_ms)
    if instant > limits.TIME_MS_MAX:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed="a start before 2100")
    return instant if instant >= limits.TIME_MS_MIN else None


def latest_ms(text: str) -> int | None:
    """Return the instant after which a window with this end surely is over; None: no bound.

    Raises:
        FieldRefusal: OUT_OF_RANGE for what is no moment, or an end before 1970.
    """
    moment = _moment(text)
    instant = moment.wall_ms + (_BEHIND_MS if moment.offset_ms is None else -moment.offset_ms)
    instant += (0 if moment.has_clock else DAY_MS) + (1 if moment.rest else 0)
    if instant < limits.TIME_MS_MIN:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed="an end after 1970")
    return instant if instant <= limits.TIME_MS_MAX else None


def _moment(text: str) -> _Moment:
    match = _MOMENT.fullmatch(text.strip()[:64])
    if match is None:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED_MOMENT)
    year, month, day, *clock = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=_ALLOWED_MOMENT) from None
    if clock[0] is None:
        return _Moment(days * DAY_MS, rest=False, offset_ms=None, has_clock=False)
    of_day_ms, offset_ms = _clock_ms(clock, text, _ALLOWED_MOMENT)
    rest = bool((clock[3] or "")[3:].strip("0"))
    return _Moment(days * DAY_MS + of_day_ms, rest=rest, offset_ms=offset_ms, has_clock=True)


def _clock_ms(clock: list[str | Any], text: str, allowed: str) -> tuple[int, int | None]:
    """Return time of day and offset [ms] of the groups of `_CLOCK`."""
    hour, minute, second, fraction, zone = clock
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    of_day_ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + int((fraction or "0")[:3].ljust(3, "0"))
    if minutes > 59 or seconds > 59 or of_day_ms > DAY_MS:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=allowed)
    if zone is None:
        return of_day_ms, None
    if zone in "Zz":
        return of_day_ms, 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset_ms = (int(digits[:2]) * 60 + int(digits[2:])) * 60_000
    if offset_ms > _AHEAD_MS or int(digits[2:]) > 59:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, found=text, allowed=allowed)
    return of_day_ms, -offset_ms if zone[0] == "-" else offset_ms


# --- daily periods


def daily_windows(start_ms: int | None, end_ms: int | None, schedule: list[Any]) -> list[ZoneWindow]:
    """Return one window for each daily period of `schedule`, all from `start_ms` to `end_ms`.

    Raises:
        FieldRefusal: OUT_OF_RANGE, MALFORMED, TIME_ORDER; the field is the place in the schedule.
    """
    windows: list[ZoneWindow] = []
    for index, period in enumerate(schedule):
        if not isinstance(period, dict):
            raise FieldRefusal(
                RefusalCode.MALFORMED, field=f"schedule[{index}]", found=period, allowed="an object with day and times"
            )
        days = _days(period, index)
        start = _day_time(period, "start", index)
        end = _day_time(period, "end", index)
        if start is None or end is None:
            windows.append(ZoneWindow(start_ms=start_ms, end_ms=end_ms, days=_local_days(days)))
        else:
            windows.append(_daily(start_ms, end_ms, days, start, end))
    return windows


def has_offset(text: str) -> bool:
    """Tell whether a time of day says how far it is from UTC."""
    match = _TIME.fullmatch(text.strip()[:64])
    return match is not None and match.groups()[-1] is not None


def _daily(
    start_ms: int | None, end_ms: int | None, days: tuple[Weekday, ...], start: _DayTime, end: _DayTime
) -> ZoneWindow:
    until_wall_ms = DAY_MS if end.wall_ms >= _LAST_MINUTE_MS else end.wall_ms
    from_ms, until_ms = start.wall_ms - start.offset_ms, until_wall_ms - end.offset_ms
    while until_ms <= from_ms:
        until_ms += DAY_MS
    shift = math.floor(from_ms / DAY_MS)
    if until_ms - from_ms > DAY_MS:  # two offsets in one period: what is meant is a day at most
        until_ms = from_ms + DAY_MS
    return ZoneWindow(
        start_ms=start_ms,
        end_ms=end_ms,
        days=_shifted(days, shift),
        daily_from_ms=from_ms - shift * DAY_MS,
        daily_until_ms=DAY_MS if until_ms - shift * DAY_MS == DAY_MS else until_ms % DAY_MS,
    )


def _day_time(period: dict[str, Any], name: str, index: int) -> _DayTime | None:
    """Return the period's start or end, or None where it is missing, has no offset or is an event."""
    value = period.get(f"{name}Time")
    if period.get(f"{name}Event") or value is None or value == "":
        return None
    match = _TIME.fullmatch(value.strip()[:64]) if isinstance(value, str) else None
    field = f"schedule[{index}].{name}Time"
    if match is None:
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field=field, found=value, allowed=_ALLOWED_TIME)
    try:
        wall_ms, offset_ms = _clock_ms(list(match.groups()), str(value), _ALLOWED_TIME)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise FieldRefusal(cause.code, field=field, found=cause.found, allowed=cause.allowed) from None
    return None if offset_ms is None else _DayTime(wall_ms, offset_ms)


def _days(period: dict[str, Any], index: int) -> tuple[Weekday, ...]:
    """Return the period's days in the order of the week; none: every day."""
    value = period.get("day")
    listed = [value] if isinstance(value, str) else value
    if not listed:
        return ()
    names = [str(each).strip().upper()[:3] for each in listed] if isinstance(listed, list) else [""]
    if any(name not in {*_WEEK, "ANY"} for name in names):
        raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field=f"schedule[{index}].day", found=value, allowed=_ALLOWED_DAYS)
    return () if "ANY" in names else _in_order({Weekday(name) for name in names})


def _in_order(days: set[Weekday]) -> tuple[Weekday, ...]:
    return () if len(days) == len(_WEEK) else tuple(day for day in _WEEK if day in days)


def _shifted(days: tuple[Weekday, ...], shift: int) -> tuple[Weekday, ...]:
    return _in_order({_WEEK[(_WEEK.index(day) + shift) % 7] for day in days})


def _local_days(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    """Return the UTC days that hold the local ones."""
    return _in_order({*days, *_shifted(days, -1), *_shifted(days, 1)}) if days else ()
