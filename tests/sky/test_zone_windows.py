"""When zones are active: recurring windows against a look at each minute (R14, R30)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from clearline.model.zone import DAY_MS, Weekday, ZoneWindow
from clearline.sky.zone_windows import hull_of, windows_within
from tests.sky.shapes import EFFORT, seeded

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
MONDAY = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MON, TUE, WED, THU, FRI, SAT, SUN = Weekday


def at(day: int, hour: float) -> int:
    return MONDAY + day * DAY_MS + int(hour * HOUR_MS)


def active(window: ZoneWindow, instant_ms: int) -> bool:
    """Is a window open at this instant? Written from the text of the model, with the calendar of Python."""
    if window.start_ms is not None and instant_ms < window.start_ms:
        return False
    if window.end_ms is not None and instant_ms > window.end_ms:
        return False
    opens_ms, closes_ms = 0, DAY_MS
    if window.daily_from_ms is not None and window.daily_until_ms is not None:
        opens_ms, closes_ms = window.daily_from_ms, window.daily_until_ms
    elif not window.days:
        return True
    moment = EPOCH + timedelta(milliseconds=instant_ms)
    for back in range(3):
        day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC) - timedelta(days=back)
        if window.days and list(Weekday)[day.weekday()] not in window.days:
            continue
        opened = day + timedelta(milliseconds=opens_ms)
        closed = day + timedelta(milliseconds=closes_ms)
        while closed <= opened:
            closed += timedelta(days=1)
        if opened <= moment <= closed:
            return True
    return False


def random_window(random: Random) -> ZoneWindow:
    start = at(random.randrange(-3, 5), random.randrange(24)) if random.random() < 0.5 else None
    end = at(random.randrange(5, 15), random.randrange(24)) if random.random() < 0.5 else None
    days = tuple(random.sample(list(Weekday), random.randrange(1, 6))) if random.random() < 0.5 else ()
    if random.random() < 0.3:
        return ZoneWindow(start_ms=start, end_ms=end, days=days)
    opens, closes = (random.randrange(25) * HOUR_MS for _ in range(2))
    return ZoneWindow(start_ms=start, end_ms=end, days=days, daily_from_ms=opens, daily_until_ms=closes)


def test_windows_are_those_of_each_minute() -> None:
    """R30: what is written out over a span is active at every minute in it, and nothing else is."""
    seeded(51)
    random = Random(51)
    for _ in range(60 * EFFORT):
        windows = tuple(random_window(random) for _ in range(random.randrange(1, 4)))
        span = at(random.randrange(-2, 4), random.randrange(24)), at(random.randrange(4, 9), random.randrange(24))
        written = windows_within(windows, span)
        for start, end in written:
            assert span[0] <= start <= end <= span[1]
        for (_, before), (after, _) in itertools.pairwise(written):
            assert before < after
        hull = hull_of(windows, span)
        if written:
            assert hull is not None
            assert hull[0] <= written[0][0]
            assert written[-1][1] <= hull[1]
        for minute in range(span[0], span[1] + 1, 20 * MINUTE_MS):
            inside = any(start <= minute <= end for start, end in written)
            assert inside == any(active(window, minute) for window in windows), (windows, minute)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (ZoneWindow(), [(at(0, 0), at(7, 0))]),
        (ZoneWindow(start_ms=at(1, 6), end_ms=at(2, 7)), [(at(1, 6), at(2, 7))]),
        (ZoneWindow(start_ms=at(-1, 0)), [(at(0, 0), at(7, 0))]),
        (ZoneWindow(start_ms=at(8, 0)), []),
        (ZoneWindow(end_ms=at(-1, 0)), []),
        (ZoneWindow(days=(TUE,)), [(at(1, 0), at(2, 0))]),
        (ZoneWindow(days=(SAT, SUN)), [(at(0, 0), at(0, 0)), (at(5, 0), at(7, 0))]),  # midnight belongs to both days
        (
            ZoneWindow(days=(MON, THU), daily_from_ms=8 * HOUR_MS, daily_until_ms=16 * HOUR_MS),
            [(at(0, 8), at(0, 16)), (at(3, 8), at(3, 16))],
        ),
        # over midnight: Sunday's runs into Monday, Friday's into Saturday
        (
            ZoneWindow(days=(FRI, SUN), daily_from_ms=22 * HOUR_MS, daily_until_ms=4 * HOUR_MS),
            [(at(0, 0), at(0, 4)), (at(4, 22), at(5, 4)), (at(6, 22), at(7, 0))],
        ),
        (ZoneWindow(daily_from_ms=0, daily_until_ms=DAY_MS), [(at(0, 0), at(7, 0))]),
        (ZoneWindow(daily_from_ms=6 * HOUR_MS, daily_until_ms=6 * HOUR_MS), [(at(0, 0), at(7, 0))]),
        (ZoneWindow(days=(WED,), daily_from_ms=DAY_MS, daily_until_ms=0), [(at(3, 0), at(4, 0))]),
        (
            ZoneWindow(days=(WED,), start_ms=at(2, 9), daily_from_ms=8 * HOUR_MS, daily_until_ms=10 * HOUR_MS),
            [(at(2, 9), at(2, 10))],
        ),
    ],
)
def test_a_week(window: ZoneWindow, expected: list[tuple[int, int]]) -> None:
    """R30: the week from Monday, 2 March 2026, both midnights included."""
    assert list(windows_within((window,), (at(0, 0), at(7, 0)))) == expected


def test_no_windows_mean_always() -> None:
    """R30: a zone without windows is active throughout; windows that touch are one."""
    assert windows_within((), (5, 9)) == ((5, 9),)
    assert hull_of((), (5, 9)) == (5, 9)
    assert hull_of((ZoneWindow(end_ms=4),), (5, 9)) is None
    touching = (ZoneWindow(start_ms=at(0, 1), end_ms=at(0, 2)), ZoneWindow(start_ms=at(0, 2), end_ms=at(0, 3)))
    assert windows_within(touching, (at(0, 0), at(1, 0))) == ((at(0, 1), at(0, 3)),)


def test_seven_weekdays_are_known() -> None:
    """R14: days are days of UTC; 1970-01-01 was a Thursday."""
    for number, weekday in enumerate(Weekday):
        day = ZoneWindow(days=(weekday,))
        assert windows_within((day,), (at(number, 12), at(number, 13))) == ((at(number, 12), at(number, 13)),)
        assert windows_within((ZoneWindow(days=(THU,)),), (1, 2)) == ((1, 2),)
