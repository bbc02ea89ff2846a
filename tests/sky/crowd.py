"""Worlds of notices that come, change and go, and the index asked in between: with its grid, and without.

Rules
 * `Sky.findings` has to say exactly what `Sky.findings_without_grid` says, which compares with everything that is held.
 * What is held is kept a second time here, so that a notice that the index lost, or kept, is seen too; and a new index
   filled in another order has to say the same as the one that lived through the changes.
 * A world is a function of (number, seed): places that are hard for the grid, sizes from metres to 500 km, windows from
   a millisecond to a year, bands in every reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from clearline.model.refusal import FieldRefusal, Refusal
from clearline.model.rules import RuleSet
from clearline.model.volume import Volume4D
from clearline.sky import Finding, Prepared, Sky, describe, prepare
from clearline.sky.columns import Columns
from clearline.sky.kernel_cells import CUBE, SPAN_BITS
from clearline.sky.result import FoundPair
from tests.sky.forms import DAY_MS, Form, Limit
from tests.sky.shapes import INTERSECT, THREES, Place, anywhere, moved, random_outline, rules, volume

__all__ = ["Difference", "WorldReport", "run_world"]

POOL: Final = 300
HELD_MAX: Final = (20, 80, 80, 150, 150, 600)
PAIRED_MAX: Final = 200
"""Notices held up to which all pairs are looked for one by one too."""
CHANGES_EVERY: Final = 25
"""Queries between two bursts of changes."""
RULE_SETS: Final[tuple[RuleSet, ...]] = (
    INTERSECT, INTERSECT, INTERSECT, THREES, THREES, rules(30.0, 10.0), rules(30.0, 10.0), rules(100_000.0, 20_000.0)
)  # fmt: skip
BANDS: Final[tuple[tuple[Limit, Limit], ...]] = (
    (0.0, 120.0), (0.0, 120.0), (50.0, 300.0), (3_000.0, 3_300.0), (-900.0, 99_000.0), ("FL100", "FL120"),
    ("1000 ft AMSL", "1500 ft AMSL"), ("20 m AGL", "120 m AGL"), ("2000 ft QNH", "FL090"),
)  # fmt: skip
LENGTHS_MS: Final = (1, 60_000, 600_000, 600_000, 3_600_000, 3_600_000, 4 * 3_600_000, 5 * DAY_MS, 300 * DAY_MS)


@dataclass(frozen=True, slots=True)
class Difference:
    """One query on which the index was wrong, cut down to one notice held and one asked about where that suffices."""

    world: int
    seed: int
    query: int
    what: str
    asked: tuple[Volume4D, ...]
    held: tuple[Volume4D, ...]
    alone: bool
    """Whether an index with this one notice alone is wrong as well."""


@dataclass(slots=True)
class WorldReport:
    """What one world has seen."""

    queries: int = 0
    changes: int = 0
    findings: int = 0
    held_max: int = 0
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class _Notice:
    volumes: tuple[Volume4D, ...]
    prepared: Prepared


def _middle(random: Random) -> Place:
    """Cities, poles, the antimeridian, and places on the corner of an index cube."""
    if random.random() < 0.2:
        x, y = (round(random.uniform(-0.6, 0.6) / CUBE) * CUBE for _ in range(2))
        return _place_of(x, y, (1.0 - x * x - y * y) ** 0.5)
    return anywhere(random)


def _place_of(x: float, y: float, z: float) -> Place:
    return math.degrees(math.asin(z)), math.degrees(math.atan2(y, x))


def _volume(random: Random, middle: Place, spread_m: float) -> Volume4D:
    kind = random.random()
    size_m = 10.0 ** (random.uniform(0.5, 3.7) if kind < 0.9 else random.uniform(4.0, 5.69))
    place = moved(middle, random.uniform(0.0, 360.0), abs(random.gauss(0.0, spread_m)))
    # Days around the edges of spans, so that many windows lie across one.
    edge_ms = (1_800_000_000_000 >> (SPAN_BITS + 6)) << (SPAN_BITS + 6)
    start_ms = edge_ms + random.randrange(-DAY_MS // 2, DAY_MS // 2)
    if random.random() < 0.1:
        start_ms = edge_ms + random.choice([-1_000, -1, 0, 1])
    end_ms = start_ms + random.choice(LENGTHS_MS)
    outline = random_outline(random, place, size_m)
    if kind > 0.985:
        bearing = random.uniform(0.0, 360.0)
        outline = Form("corridor", (place, moved(place, bearing, 10.0 ** random.uniform(5.0, 6.7))), 9_000.0).outline()
    elif kind > 0.97:
        outline = Form("circle", (place,), random.uniform(100e3, 500e3)).outline()
    return volume(outline, band=random.choice(BANDS), window_ms=(start_ms, end_ms))


def _pool(random: Random, middle: Place, spread_m: float) -> list[_Notice]:
    pool = [_Notice((), prepare([]))]
    while len(pool) < POOL:
        try:
            volumes = tuple(_volume(random, middle, spread_m) for _ in range(random.choice([1, 1, 1, 1, 3])))
            pool.append(_Notice(volumes, prepare(volumes)))
        except (Refusal, FieldRefusal):
            continue  # lines drawn by chance may have one place twice
    return pool


class _World:
    def __init__(self, number: int, seed: int) -> None:
        self.number, self.seed = number, seed
        self.random = Random(f"world/{number}/{seed}")
        self.rule = self.random.choice(RULE_SETS)
        spread_m = self.random.choice([500.0, 10_000.0, 50_000.0, 50_000.0, 3_000_000.0])
        self.held_max = self.random.choice(HELD_MAX)
        self.pool = _pool(self.random, _middle(self.random), spread_m)
        self.sky = Sky(self.rule)
        self.held: dict[int, tuple[_Notice, int]] = {}
        self.report = WorldReport()

    def change(self) -> None:
        """Let a burst of notices come, change or go."""
        random = self.random
        for _ in range(random.choice([1, 5, 40])):
            kind = random.random()
            handle = random.randrange(1 << 40)
            full = len(self.held) >= self.held_max * random.choice([0.2, 1.0, 1.0])
            while self.held and (kind < 0.25 or full):
                gone = random.choice(list(self.held))
                self.sky.remove(gone)
                del self.held[gone]
                kind, full = random.random(), len(self.held) > self.held_max
            if self.held and 0.25 <= kind < 0.4:  # a new version under the same handle
                handle = random.choice(list(self.held))
            notice, group = random.choice(self.pool), random.randrange(4)
            put = self.sky.replace if handle in self.held else self.sky.add
            put(handle, notice.prepared, group=group)
            self.held[handle] = notice, group
            self.report.changes += 1
        self.report.held_max = max(self.report.held_max, len(self.held))

    def query(self) -> str | None:
        """Ask about one notice; return what is wrong."""
        asked, group = self.random.choice(self.pool), self.random.choice([None, None, 0, 3])
        found = self.sky.findings(asked.prepared, exclude_group=group)
        known = self.sky.findings_without_grid(asked.prepared, exclude_group=group)
        self.report.queries += 1
        self.report.findings += len(known)
        wrong = _first_difference(found, known)
        if wrong is None and len(self.sky) != len(self.held):
            return "the index holds another number of notices"
        for finding in known:
            if finding.handle not in self.held or self.held[finding.handle][1] == group:
                return "a notice that is not held, or is left out, was found"
        if wrong is not None:
            self._tell(asked, wrong)
            return "with the grid and without it differ"
        return None

    def _tell(self, asked: _Notice, handle: int) -> None:
        held = self.held[handle][0].volumes if handle in self.held else ()
        alone = Sky(self.rule)
        if held:
            alone.add(handle, prepare(held), group=9)
        wrong_alone = alone.findings(asked.prepared, exclude_group=None) != alone.findings_without_grid(
            asked.prepared, exclude_group=None
        )
        self.report.difference = Difference(
            self.number, self.seed, self.report.queries, "grid", asked.volumes, held, wrong_alone
        )

    def again(self) -> bool:
        """Does a new index, filled in another order and asked in pairs, say the same?"""
        fresh = Sky(self.rule)
        handles = sorted(self.held)
        self.random.shuffle(handles)
        fresh.add_many((handle, self.held[handle][0].prepared, self.held[handle][1]) for handle in handles)
        for asked in self.random.sample(self.pool, 5):
            found = self.sky.findings(asked.prepared, exclude_group=None)
            if found != fresh.findings(asked.prepared, exclude_group=None):
                return False
            pairs = {each for each in self.held if describe(asked.prepared, self.held[each][0].prepared, self.rule)}
            if {finding.handle for finding in found} != pairs:
                return False
        return True

    def doors(self) -> bool:
        """Do many questions at once, and all pairs, say what single questions say?"""
        one = [each for each in self.pool if len(each.volumes) == 1]
        table = self.sky.findings_of(Columns.from_volumes([each.volumes[0] for each in one]))
        known = {
            (k, *_told(finding))
            for k, each in enumerate(one)
            for finding in self.sky.findings_without_grid(each.prepared, exclude_group=None)
        }
        if {(row.query, *_told(row)) for row in table.records()} != known:
            return False
        if len(self.held) > PAIRED_MAX:
            return True
        met = {
            (handle, *_told(finding))
            for handle, (notice, _) in self.held.items()
            for finding in self.sky.findings_without_grid(notice.prepared, exclude_group=None)
            if handle < finding.handle
        }
        return {(row.query, *_told(row)) for row in self.sky.pairs().records()} == met


def _told(found: Finding | FoundPair) -> tuple[object, ...]:
    return found.handle, found.severity, found.from_ms, found.until_ms, found.closer_ms, found.certain


def _first_difference(found: list[Finding], known: list[Finding]) -> int | None:
    if found == known:
        return None
    one, other = ({finding.handle: finding for finding in each} for each in (found, known))
    return next(handle for handle in sorted({*one, *other}) if one.get(handle) != other.get(handle))


def run_world(number: int, *, seed: int, queries: int) -> WorldReport:
    """Let one world live for so many queries; stop at the first wrong answer."""
    world = _World(number, seed)
    report = world.report
    for query in range(queries):
        if query % CHANGES_EVERY == 0:
            world.change()
        wrong = world.query()
        if wrong is not None:
            if report.difference is None:
                report.difference = Difference(number, seed, query, wrong, (), (), alone=False)
            return report
    if not world.again():
        report.difference = Difference(number, seed, queries, "history: a new index says otherwise", (), (), False)
    if not world.doors():
        report.difference = Difference(
            number, seed, queries, "doors: many at once are not as each alone", (), (), False
        )
    return report


def worlds(count: int, queries: int) -> Iterator[tuple[int, int]]:
    """Yield (number of the world, its queries) for so many queries in all."""
    done = 0
    number = 0
    while done < count:
        yield number, min(queries, count - done)
        done += queries
        number += 1
