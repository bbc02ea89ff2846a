"""When a zone is active: its windows, recurring ones written out over a span of time.

Rules
 * All windows are closed, so two that touch are one. Without windows a zone is active throughout the span.
 * A day is a day in UTC: 86,400,000 ms, always (R14). A daily window that ends at or before its start ends on the next
   day, and belongs to the day on which it starts.
 * `start_ms` and `end_ms` cut off what of a daily window lies outside them.
 * Nothing is kept: a span is written out when it is asked about, so that a daily window of decades costs nothing.

Times in ms since 1970. Source: `model.zone`; practice.md R30.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clearline.model.zone import DAY_MS, Weekday, ZoneWindow

__all__ = ["hull_of", "windows_within"]

Window = tuple[int, int]

_WEEKDAYS: Final = tuple(Weekday)
_FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""


def windows_within(windows: Sequence[ZoneWindow], span: Window) -> tuple[Window, ...]:
    """Return when a zone with these windows is active within `span`: closed, apart from each other, in order."""
    if not windows:
        return (span,)
    parts = sorted(part for window in windows for part in _parts(window, span))
    merged: list[Window] = []
    for start, end in parts:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def hull_of(windows: Sequence[ZoneWindow], span: Window) -> Window | None:
    """Return a window that holds all of the zone's within `span`; None where there is none."""
    if not windows:
        return span
    bounds = [bounded for bounded in (_bounded(window, span) for window in windows) if bounded is not None]
    if not bounds:
        return None
    return min(start for start, _ in bounds), max(end for _, end in bounds)


def _bounded(window: ZoneWindow, span: Window) -> Window | None:
    start = span[0] if window.start_ms is None else max(span[0], window.start_ms)
    end = span[1] if window.end_ms is None else min(span[1], window.end_ms)
    return (start, end) if start <= end else None


def _parts(window: ZoneWindow, span: Window) -> Iterator[Window]:
    bounded = _bounded(window, span)
    if bounded is None:
        return
    if not window.days and window.daily_from_ms is None:
        yield bounded
        return
    opens, closes = 0, DAY_MS
    if window.daily_from_ms is not None and window.daily_until_ms is not None:
        opens, closes = window.daily_from_ms, window.daily_until_ms
        while closes <= opens:  # twice only for 24:00 to 00:00
            closes += DAY_MS
    # A window starts at most a day after its day's midnight and lasts at most a day: two days back are enough.
    for day in range(bounded[0] // DAY_MS - 2, bounded[1] // DAY_MS + 1):
        if window.days and _WEEKDAYS[(day + _FIRST_WEEKDAY) % 7] not in window.days:
            continue
        start, end = max(bounded[0], day * DAY_MS + opens), min(bounded[1], day * DAY_MS + closes)
        if start <= end:
            yield start, end
