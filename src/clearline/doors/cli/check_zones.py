"""Zones in `clearline check`: against notices and trajectories, and, when asked, against each other.

Rules
 * Files say nothing about parties: nobody is a user of a corridor, and nobody has a side of a line.
 * A zone is active within the extent of all notices and trajectories, as often as its windows say; what lies outside
   cannot meet anything.
 * Zones among each other are compared as they are published, by plain intersection, within the extent of every date in
   the files; where there is none, within the week that begins today.
 * A zone that is active in more than `PARTS_MAX` pieces in that time is compared over all of it, and what it meets is
   then marked as possible.
 * A zone that cannot be placed on the earth is refused with its place in its file; the others are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, final

from clearline.doors.cli.check_items import Inputs, Item, Refused, placed
from clearline.doors.cli.check_progress import progress
from clearline.model.refusal import InternalError, Refusal
from clearline.model.rules import RuleSet
from clearline.model.zone import DAY_MS, Zone, ZoneKind
from clearline.sky.rules import load_rules

if TYPE_CHECKING:
    from clearline.doors.cli.check_compare import Met
    from clearline.sky import Meeting, Prepared
    from clearline.sky.zones import ZoneFinding, Zones

__all__ = ["ZoneSky"]

PARTS_MAX: Final = 20_000
"""Volumes of a zone times its windows: an hour a day for fifty years."""

Window = tuple[int, int]


@final
class ZoneSky:
    """All zones of the files, placed on the earth."""

    def __init__(self, inputs: Inputs, rules: RuleSet, *, among: bool, now_ms: Callable[[], int]) -> None:
        self.among: Final = among
        self.among_rules: Final = load_rules("intersect")
        self.refused: list[Refused] = []
        self._items = inputs.items
        self._known: dict[Met, tuple[Zones, Prepared, ZoneFinding]] = {}
        extent = _hull([item.extent_ms for item in inputs.items])
        held = list(inputs.zones)
        self._zones: Zones | None = None
        self._others: Zones | None = None
        if held and extent is not None:
            self._zones, held = self._placed(held, rules, extent)
        if held and among:
            span = _hull([extent, *(_dates(item) for item in held)]) or _week(now_ms())
            self._others, held = self._placed(held, self.among_rules, span)
        self._held = held

    def _placed(self, zones: list[Item], rules: RuleSet, horizon: Window) -> tuple[Zones, list[Item]]:
        """Return all zones that can be placed; each of the others is refused by itself."""
        from clearline.sky.zones import Zones

        try:
            return Zones(_zones_in(zones), rules, horizon), zones
        except Refusal:
            good = [each for each in zones if self._takes(each, rules, horizon)]
            return Zones(_zones_in(good), rules, horizon), good

    def _takes(self, item: Item, rules: RuleSet, horizon: Window) -> bool:
        from clearline.sky.zones import Zones

        try:
            Zones(_zones_in([item]), rules, horizon)
        except Refusal as refusal:
            field = refusal.field.removeprefix("zones[0].")
            inner = Refusal(refusal.code, field=field, found=refusal.found, allowed=refusal.allowed)
            self.refused.append(placed(item.file, item.record, inner))
            return False
        return True

    def with_items(self) -> Iterator[Met]:
        """Yield each notice or trajectory that meets a zone, with the zone."""
        if self._zones is None or not self._held:
            return
        by_zone = {id(each.record.zone): each for each in self._held}
        with progress("comparing with zones", len(self._items)) as step:
            for item in self._items:
                step()
                if item.prepared is None:
                    raise InternalError(f"{item.record.title} has no shape")
                for finding in self._zones.findings(item.prepared, None):
                    yield self._met(self._zones, item, by_zone[id(finding.zone)], item.prepared, finding)

    def among_each_other(self) -> Iterator[Met]:
        """Yield each pair of zones that meet, where that was asked."""
        others = self._others
        if others is None:
            return
        from clearline.sky.zone_shapes import part_of, standing
        from clearline.sky.zone_windows import hull_of, windows_within

        places = {id(item.record.zone): place for place, item in enumerate(self._held)}
        with progress("comparing zones", len(self._held)) as step:
            for place, item in enumerate(self._held):
                step()
                zone = item.record.zone
                hull = hull_of(zone.windows, others.horizon) if zone is not None else None
                if zone is None or hull is None:
                    continue
                windows: tuple[Window, ...] = windows_within(zone.windows, others.horizon)
                whole = len(windows) * len(zone.volumes) > PARTS_MAX
                shape = part_of(standing(zone.volumes, hull), range(len(zone.volumes)), [hull] if whole else windows)
                for finding in others.findings(shape, None):
                    other = places[id(finding.zone)]
                    if other > place:
                        yield self._met(others, item, self._held[other], shape, finding, possible=whole)

    def _met(
        self, zones: Zones, a: Item, b: Item, shape: Prepared, finding: ZoneFinding, *, possible: bool = False
    ) -> Met:
        from clearline.doors.cli.check_compare import Met

        standing_by = a.record.zone is not None and a.record.zone.kind is ZoneKind.ADVISORY
        met = Met(
            a=a,
            b=b,
            severity=finding.severity,
            from_ms=finding.from_ms,
            until_ms=finding.until_ms,
            closer_ms=finding.closer_ms,
            certain=finding.certain and not possible,
            advisory=finding.advisory or standing_by,
        )
        self._known[met] = (zones, shape, finding)
        return met

    def meeting(self, met: Met) -> Meeting:
        """Return all that is known of a pair with a zone in it."""
        zones, shape, finding = self._known[met]
        return zones.meeting(shape, finding)


def _zones_in(items: Sequence[Item]) -> list[Zone]:
    return [item.record.zone for item in items if item.record.zone is not None]


def _dates(item: Item) -> Window | None:
    """Return the first and the last date that a zone's windows name."""
    windows = item.record.zone.windows if item.record.zone is not None else ()
    named = [at_ms for window in windows for at_ms in (window.start_ms, window.end_ms) if at_ms is not None]
    # A window of which one end is named lasts a week at least: long enough for each of its days.
    return (min(named), max(*named, min(named) + 7 * DAY_MS)) if named else None


def _hull(windows: Sequence[Window | None]) -> Window | None:
    known = [window for window in windows if window is not None]
    return (min(start for start, _ in known), max(end for _, end in known)) if known else None


def _week(now_ms: int) -> Window:
    start = now_ms // DAY_MS * DAY_MS
    return start, start + 7 * DAY_MS
