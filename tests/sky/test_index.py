"""The index answers as if it compared everything with everything (R16; design.md §4: the filter may miss nothing)."""

from __future__ import annotations

from random import Random

import pytest

from clearline.model.message import Severity
from clearline.model.refusal import InternalError
from clearline.model.rules import RuleSet
from clearline.model.volume import Circle, Corridor, Polygon, Volume4D
from clearline.sky import Finding, Prepared, Sky, describe, prepare
from tests.sky.shapes import (
    EFFORT,
    INTERSECT,
    THREES,
    Place,
    anywhere,
    circle,
    corridor,
    handles,
    moved,
    polygon,
    random_outline,
    rules,
    seeded,
    volume,
)

SEED = 43_001
DAY_MS = 86_400_000
BANDS: list[tuple[float | str, float | str]] = [
    *((lower, lower + 300.0) for lower in (0.0, 50.0, 400.0, 3_000.0)),
    ("FL100", "FL120"),
    ("1000 ft AMSL", "1500 ft AMSL"),
    ("20 m AGL", "120 m AGL"),
    ("2000 ft QNH", "FL090"),
]


def random_volume(random: Random, middle: Place) -> Volume4D:
    """Mostly small and near; some as large as a country, as long as a year, as high as the sky."""
    kind = random.random()
    size_m = 10.0 ** random.uniform(1.5, 3.7) if kind < 0.9 else 10.0 ** random.uniform(4.0, 5.69)
    place = moved(middle, random.uniform(0.0, 360.0), abs(random.gauss(0.0, 12_000.0)))
    start_ms = random.randrange(20_000 * DAY_MS, 20_001 * DAY_MS)
    length_ms = random.choice([1, 60_000, 3_600_000, 4 * 3_600_000, 5 * DAY_MS, 300 * DAY_MS])
    lower, upper = random.choice(BANDS)
    if isinstance(lower, float) and isinstance(upper, float):
        upper = lower + random.uniform(0.0, upper - lower)
    outline: Polygon | Circle | Corridor
    if kind > 0.98:
        outlines: list[Polygon | Circle | Corridor] = [
            circle(*place, 500_000.0),
            polygon((80, 0), (80, 120), (80, -120)),
            corridor(9e4, (0, 0), (50, 60)),
        ]
        outline = random.choice(outlines)
    else:
        outline = random_outline(random, place, size_m)
    return volume(outline, band=(lower, upper), window_ms=(start_ms, start_ms + length_ms))


def notices(random: Random, count: int, middle: Place) -> list[Prepared]:
    return [prepare([random_volume(random, middle) for _ in range(random.choice([1, 1, 1, 3]))]) for _ in range(count)]


def expected(
    asked: Prepared, held: dict[int, tuple[Prepared, int]], rule_set: RuleSet, group: int | None
) -> list[Finding]:
    """Every pair through `describe`, which knows no index."""
    out = []
    for handle in sorted(held):
        other, owner = held[handle]
        meeting = None if owner == group else describe(asked, other, rule_set)
        if meeting is not None:
            out.append(
                Finding(
                    handle,
                    meeting.severity,
                    meeting.from_ms,
                    meeting.until_ms,
                    meeting.closer_ms,
                    meeting.certain,
                    meeting.pairs,
                )
            )
    return out


@pytest.mark.parametrize(
    "rule_set", [INTERSECT, THREES, rules(100_000.0, 20_000.0)], ids=["intersect", "threes", "wide"]
)
def test_as_all_pairs(rule_set: RuleSet) -> None:
    """R16: findings are those of all pairs, through thousands of random additions and removals."""
    seeded(SEED)
    random = Random(SEED)
    found = 0
    for middle in [anywhere(random) for _ in range(2 * EFFORT)]:
        pool = notices(random, 120, middle)
        sky = Sky(rule_set)
        held: dict[int, tuple[Prepared, int]] = {}
        for step in range(400):
            if held and random.random() < 0.4:
                gone = random.choice(sorted(held))
                del held[gone]
                sky.remove(gone)
            else:
                handle = random.randrange(1 << 40)
                held[handle] = (random.choice(pool), random.randrange(4))
                sky.add(handle, held[handle][0], group=held[handle][1])
            assert len(sky) == len(held)
            if step % 20 == 0:
                asked, group = random.choice(pool), random.choice([None, 0, 3])
                answer = sky.findings(asked, exclude_group=group)
                assert answer == expected(asked, held, rule_set, group)
                assert answer == sky.findings_without_grid(asked, exclude_group=group)
                found += len(answer)
    assert found > 50


def test_grid_misses_nothing_in_a_crowd() -> None:
    """R16: five thousand notices in one city, through growth of every array, with and without the grid."""
    seeded(SEED + 1)
    random = Random(SEED + 1)
    pool = notices(random, 5_000, (48.2, 16.4))
    for rule_set in (INTERSECT, THREES):
        sky = Sky(rule_set)
        sky.add_many((handle, prepared, handle % 5) for handle, prepared in enumerate(pool))
        for handle in range(0, 5_000, 2):
            sky.remove(handle)
        sky.add_many((handle + 10_000, pool[handle], 1) for handle in range(0, 5_000, 4))
        for asked in random.sample(pool, 60 * EFFORT):
            assert sky.findings(asked, exclude_group=1) == sky.findings_without_grid(asked, exclude_group=1)


def test_order_and_names_say_nothing() -> None:
    """R16: the answer depends on what is held and not on the order in which it came, nor on the handles."""
    seeded(SEED + 2)
    random = Random(SEED + 2)
    pool = notices(random, 300, (0.0, 180.0))
    forward, backward = Sky(THREES), Sky(THREES)
    forward.add_many((handle, prepared, 0) for handle, prepared in enumerate(pool))
    for handle in reversed(range(300)):
        backward.add(1_000 - handle, pool[handle], group=9)
    for asked in pool[:60]:
        one = forward.findings(asked, exclude_group=None)
        other = backward.findings(asked, exclude_group=None)
        assert [(f.severity, f.closer_ms, f.pairs) for f in one] == [
            (f.severity, f.closer_ms, f.pairs) for f in other[::-1]
        ]
        assert handles(one) == sorted(1_000 - handle for handle in handles(other))


def test_meeting_is_mutual() -> None:
    """R16: a meets b IFF b meets a, with the same times and the pairs turned round."""
    seeded(SEED + 3)
    random = Random(SEED + 3)
    pool = notices(random, 60, anywhere(random))
    for a in pool:
        for b in pool[:20]:
            one, other = describe(a, b, THREES), describe(b, a, THREES)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert (one.from_ms, one.until_ms, one.closer_ms) == (other.from_ms, other.until_ms, other.closer_ms)
                assert (one.certain, one.severity) == (other.certain, other.severity)
                assert sorted((j, i) for i, j in other.pairs) == sorted(one.pairs)


def test_memory_is_reused() -> None:
    """Design §4: a sky that stays as full stays as large, whatever passes through it."""
    seeded(SEED + 4)
    random = Random(SEED + 4)
    pool = notices(random, 400, (10.0, 10.0))
    sky = Sky(INTERSECT)
    sizes = []
    for turn in range(8):
        sky.add_many((turn * 1_000 + k, prepared, 0) for k, prepared in enumerate(pool))
        sizes.append(sky.bytes_held)
        for k in range(400):
            sky.remove(turn * 1_000 + k)
    assert len(sky) == 0
    assert sky.findings(pool[0], exclude_group=None) == []
    assert max(sizes) <= 3 * sizes[0]


def test_memory_is_reused_by_replacements() -> None:
    """Design §4: new versions in place of old ones leave nothing behind, however many there are."""
    seeded(SEED + 5)
    random = Random(SEED + 5)
    pool = notices(random, 400, (10.0, 10.0))
    sky = Sky(INTERSECT)
    sky.add_many((k, prepared, 0) for k, prepared in enumerate(pool))
    first = sky.bytes_held
    for turn in range(1, 30):
        for k in range(400):
            sky.replace(k, pool[(k + turn) % 400], group=0)
    assert len(sky) == 400
    assert sky.bytes_held <= 3 * first


def windowed(*windows: tuple[int, int]) -> Prepared:
    return prepare([volume(circle(1.0, 1.0, 100.0), window_ms=window) for window in windows])


@pytest.mark.parametrize(
    ("windows", "closer_ms", "severity"),
    [
        ([(0, 180_000)], 180_000, Severity.BRIEF),
        ([(0, 180_001)], 180_001, Severity.CONFLICT),
        ([(0, 100_000), (50_000, 150_000)], 150_000, Severity.BRIEF),  # counted once where they overlap
        ([(0, 100_000), (200_000, 300_000)], 200_000, Severity.CONFLICT),  # two times together
        ([(900_000, 1_000_000)], 0, Severity.BRIEF),  # the ends touch
    ],
)
def test_time_closer(windows: list[tuple[int, int]], closer_ms: int, severity: Severity) -> None:
    """R16: how long two notices are closer is the measure of the union of their windows; three minutes are brief."""
    sky = Sky(THREES)
    sky.add(0, windowed((0, 900_000)), group=0)
    (finding,) = sky.findings(windowed(*windows), exclude_group=None)
    assert (finding.closer_ms, finding.severity) == (closer_ms, severity)
    assert finding.pairs == tuple((k, 0) for k in range(len(windows)))
    assert finding.from_ms == windows[0][0]
    plain = Sky(INTERSECT)
    plain.add(0, windowed((0, 900_000)), group=0)
    assert plain.findings(windowed(*windows), exclude_group=None)[0].severity is Severity.CONFLICT


def test_windows_apart_by_a_millisecond() -> None:
    """R14: times are exact to the millisecond, also far from 1970."""
    late = 4_000_000_000_000
    sky = Sky(THREES)
    sky.add(0, windowed((late, late + 1_000)), group=0)
    assert sky.findings(windowed((late + 1_000, late + 2_000)), exclude_group=None)
    assert not sky.findings(windowed((late + 1_001, late + 2_000)), exclude_group=None)


def test_misuse_is_a_bug_of_the_caller() -> None:
    """A handle is held once; what is not held cannot be removed."""
    sky = Sky(INTERSECT)
    one = windowed((0, 1_000))
    sky.add(3, one, group=0)
    assert 3 in sky
    for handle in (3, -1, 1 << 62):
        with pytest.raises(InternalError):
            sky.add(handle, one, group=0)
    with pytest.raises(InternalError):
        sky.remove(4)
    with pytest.raises(InternalError):
        sky.add_many([(5, one, 0), (5, one, 0)])
    assert 5 not in sky
    sky.remove(3)
    assert 3 not in sky


def test_empty_notices() -> None:
    """An ended notice has no volumes and meets nobody."""
    sky = Sky(THREES)
    sky.add(0, prepare([]), group=0)
    sky.add(1, windowed((0, 1_000)), group=0)
    assert sky.findings(prepare([]), exclude_group=None) == []
    assert handles(sky.findings(windowed((0, 1_000)), exclude_group=None)) == [1]
    assert describe(prepare([]), windowed((0, 1_000)), THREES) is None
    sky.remove(0)
