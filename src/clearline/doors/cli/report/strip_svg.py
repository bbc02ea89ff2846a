"""Heights over time of one finding: both records' bands, and where they are too close.

Rules
 * x is time in UTC, around the window of the finding; y is height above the WGS84 ellipsoid, as the comparison sees it.
 * A limit in another reference is an interval: the solid part of a band is what it holds for certain, the faint part
   what it may hold (R13). The owner's own words stand in the box.
 * A trajectory is a band along its line.
 * For the eye only. Only what lies within the time shown is drawn, and at most `BOXES_MAX` bands of a record.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple, final

from clearline.doors.cli.check_compare import Checked, Met
from clearline.doors.cli.check_items import Item
from clearline.doors.cli.report.markup import Markup, element, text
from clearline.model.altitude import FEET_M, Altitude, altitude_text
from clearline.model.instant import instant_text
from clearline.model.trajectory import TrajectoryPoint
from clearline.model.volume import LatLngPoint
from clearline.sky.altitude import height_w84_m
from clearline.sky.geoid import geoid_interval_m
from clearline.sky.zone_windows import windows_within

__all__ = ["draw_strip", "said_text"]

WIDTH: Final = 640
HEIGHT: Final = 210
LEFT, RIGHT, TOP, BOTTOM = 58, 62, 10, 24
BOXES_MAX: Final = 40
POINTS_MAX: Final = 120
AROUND_MS_MIN: Final = 300_000
"""Five minutes before and after, at least."""
MINUTE_MS: Final = 60_000
TIME_STEPS_MS: Final = tuple(
    minutes * MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1440, 2880, 10080, 43200, 129600)
)
HEIGHT_STEPS_M: Final = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
TICKS: Final = 6


Interval = tuple[float, float]
Limits = tuple[Altitude, Altitude]


class _Corner(NamedTuple):
    """A band at one instant: outer and inner limits in metres W84."""

    at_ms: int
    low_outer: float
    low_inner: float
    high_inner: float
    high_outer: float


class _Band(NamedTuple):
    """A band from its first corner to its last; `said` is how the owner said it."""

    corners: list[_Corner]
    said: str


@final
class _Axes:
    """Where an instant and a height stand in the picture."""

    def __init__(self, from_ms: int, until_ms: int, low_m: float, high_m: float) -> None:
        self.from_ms, self.until_ms, self.low_m, self.high_m = from_ms, until_ms, low_m, high_m

    def x(self, at_ms: float) -> float:
        """Return the place of an instant, kept within the picture."""
        within = min(self.until_ms, max(self.from_ms, at_ms))
        return LEFT + (within - self.from_ms) / (self.until_ms - self.from_ms) * (WIDTH - LEFT - RIGHT)

    def y(self, height_m: float) -> float:
        """Return the place of a height, kept within the picture."""
        within = min(self.high_m, max(self.low_m, height_m))
        return TOP + (self.high_m - within) / (self.high_m - self.low_m) * (HEIGHT - TOP - BOTTOM)


def draw_strip(checked: Checked, met: Met) -> Markup:
    """Return the strip of one finding."""
    meeting = checked.meeting(met)
    around = max(AROUND_MS_MIN, (met.until_ms - met.from_ms) // 2)
    from_ms, until_ms = met.from_ms - around, met.until_ms + around
    place = meeting.area[0] if meeting.area else LatLngPoint(0.0, 0.0)
    geoid_m = geoid_interval_m(place.lat, place.lat, place.lng, place.lng)
    sides = [list(_bands(item, from_ms, until_ms, geoid_m)) for item in (met.a, met.b)]
    low_m, high_m = _range(sides, meeting.band_lower_w84_m, meeting.band_upper_w84_m)
    axes = _Axes(from_ms, until_ms, low_m, high_m)
    parts = [*_grid(axes)]
    for side, bands in zip(("a", "b"), sides, strict=True):
        parts += [_drawn(band, axes, side) for band in bands]
    x, y = axes.x(met.from_ms), axes.y(meeting.band_upper_w84_m)
    parts.append(
        element(
            "rect",
            x=f"{x:.1f}",
            y=f"{y:.1f}",
            width=f"{max(3.0, axes.x(met.until_ms) - x):.1f}",
            height=f"{max(3.0, axes.y(meeting.band_lower_w84_m) - y):.1f}",
            class_="strip-region",
        )
    )
    day = instant_text(met.from_ms)[:10]
    label = f"Heights over time on {day}: band of A, band of B, and where both are too close"
    return element("svg", *parts, class_="strip", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)


def said_text(item: Item, met: Met) -> str:
    """Return the band of a record as its owner said it, where it has one around the finding."""
    bands = list(_bands(item, met.from_ms, met.until_ms, (0.0, 0.0)))
    return bands[0].said + (f" and {len(bands) - 1} more" if len(bands) > 1 else "") if bands else ""


def _bands(item: Item, from_ms: int, until_ms: int, geoid_m: Interval) -> Iterator[_Band]:
    """Yield the bands of a record within a time, where mean sea level is so high."""
    record = item.record
    if record.trajectory is not None:
        points = [point for point in record.trajectory.points if from_ms <= point.at_ms <= until_ms]
        every = max(1, len(points) // POINTS_MAX)
        kept = [*points[:-1:every], *points[-1:]] or _nearest(item, from_ms, until_ms)
        buffer_m = record.trajectory.buffer_vertical_m
        corners = [_corner(point.at_ms, (point.altitude, point.altitude), geoid_m, buffer_m) for point in kept]
        said = f"{altitude_text(kept[0].altitude)} to {altitude_text(kept[-1].altitude)}"
        yield _Band(corners, said)
        return
    if record.zone is not None:
        windows = windows_within(record.zone.windows, (from_ms, until_ms))
        for volume, window in list(itertools.product(record.zone.volumes[:BOXES_MAX], windows[:BOXES_MAX]))[:BOXES_MAX]:
            yield _box((volume.altitude_lower, volume.altitude_upper), window, geoid_m)
        return
    count = 0
    for volume4d in record.volumes:
        start_ms, end_ms = volume4d.window_ms
        if end_ms >= from_ms and start_ms <= until_ms and count < BOXES_MAX:
            count += 1
            yield _box((volume4d.volume.altitude_lower, volume4d.volume.altitude_upper), (start_ms, end_ms), geoid_m)


def _nearest(item: Item, from_ms: int, until_ms: int) -> list[TrajectoryPoint]:
    """Return the ends of the leg that spans the whole time, where no point lies in it."""
    points = item.record.trajectory.points if item.record.trajectory is not None else ()
    before = [point for point in points if point.at_ms < from_ms][-1:]
    return [*before, *[point for point in points if point.at_ms > until_ms][:1]] or list(points[:1])


def _box(limits: Limits, window: tuple[int, int], geoid_m: Interval) -> _Band:
    said = f"{altitude_text(limits[0])} to {altitude_text(limits[1])}"
    return _Band([_corner(at_ms, limits, geoid_m, 0.0) for at_ms in window], said)


def _corner(at_ms: int, limits: Limits, geoid_m: Interval, buffer_m: float) -> _Corner:
    low, high = (height_w84_m(limit, geoid_m=geoid_m) for limit in limits)
    return _Corner(at_ms, low[0] - buffer_m, low[1] - buffer_m, high[0] + buffer_m, high[1] + buffer_m)


def _range(sides: list[list[_Band]], lower_m: float, upper_m: float) -> tuple[float, float]:
    """Return the heights shown: what is held for certain, all of the finding, and some air around them."""
    lows, highs = [lower_m], [upper_m]
    for band in (band for bands in sides for band in bands):
        for corner in band.corners:
            # A band of which nothing is certain may be kilometres tall: it is cut off rather than shown whole.
            if corner.low_inner <= corner.high_inner:
                lows.append(corner.low_inner)
                highs.append(corner.high_inner)
    low, high = min(lows), max(highs)
    air = max(30.0, 0.18 * (high - low))
    return low - air, high + air


def _drawn(band: _Band, axes: _Axes, side: str) -> Markup:
    parts = [element("polygon", points=_outline(band, axes, outer=True), class_="may")]
    if all(corner.low_inner <= corner.high_inner for corner in band.corners):
        parts.append(element("polygon", points=_outline(band, axes, outer=False), class_="sure"))
    return element("g", *parts, class_=f"band {side}")


def _outline(band: _Band, axes: _Axes, *, outer: bool) -> str:
    above = [(each.at_ms, each.high_outer if outer else each.high_inner) for each in band.corners]
    below = [(each.at_ms, each.low_outer if outer else each.low_inner) for each in band.corners]
    # A band of no thickness is still drawn: a line of two points of the page.
    corners = [(axes.x(at_ms), axes.y(height_m) - 1.0) for at_ms, height_m in above]
    corners += [(axes.x(at_ms), axes.y(height_m) + 1.0) for at_ms, height_m in reversed(below)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _grid(axes: _Axes) -> Iterator[Markup]:
    """Yield lines and figures: time below, metres at one side and feet at the other."""
    span = axes.until_ms - axes.from_ms
    step = next((each for each in TIME_STEPS_MS if span / each <= TICKS), TIME_STEPS_MS[-1])
    bottom = HEIGHT - BOTTOM
    for at_ms in range(-(-axes.from_ms // step) * step, axes.until_ms + 1, step):
        x = f"{axes.x(at_ms):.1f}"
        yield element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="tick")
        said = instant_text(at_ms)
        yield element(
            "text",
            text(said[5:10] if step >= 1440 * MINUTE_MS else f"{said[11:16]}Z"),
            x=x,
            y=HEIGHT - 8,
            class_="time",
        )
    rise = axes.high_m - axes.low_m
    rung = next((each for each in HEIGHT_STEPS_M if rise / each <= TICKS), HEIGHT_STEPS_M[-1])
    height_m = -(-axes.low_m // rung) * rung
    while height_m <= axes.high_m:
        y = axes.y(height_m)
        yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="tick")
        yield element("text", text(f"{height_m:,.0f} m"), x=LEFT - 5, y=f"{y + 4:.1f}", class_="metres")
        feet = round(height_m / FEET_M / 10.0) * 10
        yield element("text", text(f"{feet:,} ft"), x=WIDTH - RIGHT + 5, y=f"{y + 4:.1f}", class_="feet")
        height_m += rung
