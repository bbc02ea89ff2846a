"""Comparing what the files hold: light pairs first, and all that is known of a pair only where it is shown.

Rules
 * Every notice and trajectory is compared with every other one, and with every zone; zones with each other only when
   asked, and then by plain intersection.
 * Pairs are sorted by the begin of their window, then by the order of the files. All are counted; of a list of more
   than `PAIRS_KEPT_MAX` the rest is counted only.
 * A finding with an ADVISORY zone is listed apart, like a BRIEF one: neither counts as a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from clearline.doors.cli.check_items import Inputs, Item, Kind, Refused
from clearline.doors.cli.check_progress import progress
from clearline.model.message import Severity
from clearline.model.refusal import InternalError
from clearline.model.rules import RuleSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clearline.doors.cli.check_zones import ZoneSky
    from clearline.sky import FindingTable, Meeting, Prepared

__all__ = ["Checked", "Found", "Met", "check"]

PAIRS_KEPT_MAX: Final = 100_000
"""Of each list, 1 KB each; nobody reads further, and files that meet everywhere have the square of their length."""

NEAR_MAX: Final = 10_000_000
"""Pairs of volumes compared at once: 640 MB, and as much again while they are sorted."""

LISTS: Final = ("conflicts", "brief", "advisory")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Met:
    """Two records that are closer than the rules allow. `b` may be a zone; both are where zones are compared."""

    a: Item
    b: Item
    severity: Severity
    from_ms: int
    until_ms: int
    closer_ms: int
    certain: bool
    advisory: bool = False

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Where the pair stands in every list."""
        return self.from_ms, self.until_ms, self.a.number, self.b.number


@final
@dataclass(slots=True, kw_only=True)
class Found:
    """One list of findings: how many there are, and those that are kept, in order."""

    count: int
    kept: tuple[Met, ...]


@final
class Checked:
    """Everything that `check` found."""

    def __init__(
        self, inputs: Inputs, rules: RuleSet, zones: ZoneSky, *, met: Sequence[Met], counts: dict[str, int]
    ) -> None:
        self.inputs: Final = inputs
        self.rules: Final = rules
        self.refused: Final[tuple[Refused, ...]] = (*inputs.refused, *zones.refused)
        self._zones = zones
        self._meetings: dict[Met, Meeting] = {}
        kept: dict[str, list[Met]] = {name: [] for name in counts}
        for each in sorted(met, key=lambda each: each.order):
            kept[_list_of(each)].append(each)
        self.conflicts, self.brief, self.advisory = (
            Found(count=counts[name], kept=tuple(kept[name])) for name in LISTS
        )

    @property
    def zones_compared(self) -> int:
        """How many zones were compared: those that could not be placed are among the refused."""
        return self.inputs.count(Kind.ZONE) - len(self._zones.refused)

    @property
    def among_zones(self) -> bool:
        """Whether zones were compared with each other."""
        return self._zones.among

    def rules_of(self, met: Met) -> RuleSet:
        """Return the rule set under which two records were compared."""
        return self._zones.among_rules if met.a.kind is Kind.ZONE else self.rules

    def first(self, count: int) -> list[Met]:
        """Return the first of each list."""
        return [each for found in (self.conflicts, self.brief, self.advisory) for each in found.kept[:count]]

    def describe(self, wanted: Sequence[Met], *, outline: bool) -> None:
        """Work out all that is known of these pairs, once. Without `outline` it takes a third of the time."""
        with progress("describing", len(wanted)) as step:
            for met in wanted:
                step()
                if met not in self._meetings:
                    self._meetings[met] = self._described(met, outline=outline)

    def meeting(self, met: Met) -> Meeting:
        """Return all that is known of a pair that has been described."""
        return self._meetings[met]

    def _described(self, met: Met, *, outline: bool) -> Meeting:
        from clearline.sky import describe

        a, b = met.a, met.b
        meeting: Meeting | None
        if b.kind is Kind.ZONE:
            meeting = self._zones.meeting(met)
        else:
            classes = a.record.aircraft_class, b.record.aircraft_class
            meeting = describe(_shape(a), _shape(b), self.rules, classes, outline=outline)
        if meeting is None:
            # Dropping the pair would hide a conflict.
            raise InternalError(f"{a.record.title} and {b.record.title} meet in the index and not by themselves")
        return meeting


def _list_of(met: Met) -> str:
    if met.advisory:
        return "advisory"
    return "brief" if met.severity is Severity.BRIEF else "conflicts"


def check(inputs: Inputs, rules: RuleSet, *, among_zones: bool, now_ms: Callable[[], int]) -> Checked:
    """Compare everything that was read; the clock is asked only where no date is given for zones among each other."""
    from clearline.doors.cli.check_zones import ZoneSky

    zones = ZoneSky(inputs, rules, among=among_zones, now_ms=now_ms)
    counts = dict.fromkeys(LISTS, 0)
    kept: list[Met] = []
    for met in _all(inputs, rules, zones):
        name = _list_of(met)
        counts[name] += 1
        if counts[name] <= PAIRS_KEPT_MAX:
            kept.append(met)
    return Checked(inputs, rules, zones, met=kept, counts=counts)


def _all(inputs: Inputs, rules: RuleSet, zones: ZoneSky) -> Iterator[Met]:
    yield from _pairs(inputs.items, rules)
    yield from zones.with_items()
    yield from zones.among_each_other()


def _pairs(items: Sequence[Item], rules: RuleSet) -> Iterator[Met]:
    """Yield each pair that meets, once."""
    import numpy as np

    try:
        table = _table(items, rules)
    except _TooMany:
        yield from _in_turn(items, rules)
        return
    # Sorted before they become objects, so that what is kept of too many is what comes first.
    order = np.lexsort((table.handle, table.query, table.until_ms, table.from_ms))
    columns = (table.query, table.handle, table.from_ms, table.until_ms, table.closer_ms, table.conflict, table.certain)
    for a, b, from_ms, until_ms, closer_ms, conflict, certain in zip(
        *(column[order].tolist() for column in columns), strict=True
    ):
        yield Met(
            a=items[a],
            b=items[b],
            severity=Severity.CONFLICT if conflict else Severity.BRIEF,
            from_ms=from_ms,
            until_ms=until_ms,
            closer_ms=closer_ms,
            certain=certain,
        )


class _TooMany(Exception):
    """More volumes are near each other than fit into memory all at once."""


def _table(items: Sequence[Item], rules: RuleSet) -> FindingTable:
    """Compare everything at once: the quick way.

    Raises:
        _TooMany: the pairs of volumes near each other pass `NEAR_MAX`.
    """
    from clearline.sky import Sky

    sky = Sky(rules)
    with progress("comparing", len(items)) as step:
        sky.add_many((item.number, _shape(item), item.number, item.record.aircraft_class) for item in items)

        def in_turn(work: Callable[[int], NDArray[np.int64]], parts: range) -> Iterator[NDArray[np.int64]]:
            total = 0
            for part in parts:
                done = work(part)
                total += len(done)
                if total > NEAR_MAX:
                    raise _TooMany
                step(len(items) / len(parts) / 2.0)
                yield done

        return sky.pairs(in_turn=in_turn)


def _in_turn(items: Sequence[Item], rules: RuleSet) -> Iterator[Met]:
    """Compare one after the other, an item with those before it: slower, and in no more memory than is kept."""
    from clearline.sky import Sky

    sky = Sky(rules)
    with progress("comparing", len(items)) as step:
        for item in items:
            step()
            said = item.record.aircraft_class
            for finding in sky.findings(_shape(item), exclude_group=None, aircraft_class=said):
                yield Met(
                    a=items[finding.handle],
                    b=item,
                    severity=finding.severity,
                    from_ms=finding.from_ms,
                    until_ms=finding.until_ms,
                    closer_ms=finding.closer_ms,
                    certain=finding.certain,
                )
            sky.add(item.number, _shape(item), group=item.number, aircraft_class=said)


def _shape(item: Item) -> Prepared:
    if item.prepared is None:
        raise InternalError(f"{item.record.title} has no shape")
    return item.prepared
