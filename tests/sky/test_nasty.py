"""The engine against all oracles on generated pairs, the index against itself without a grid: the share of every run.

`tools/check_sky.py` runs the same by the hundred thousand (docs/sky-correctness.md).
"""

from __future__ import annotations

import json

import pytest

from tests.sky.crowd import run_world
from tests.sky.judge import judge, smaller
from tests.sky.nasty import CATEGORIES, make_case, share_out
from tests.sky.shapes import EFFORT, seeded

SEED = 48_001
SHARES = share_out(3_000 * EFFORT)


@pytest.mark.parametrize("category", list(CATEGORIES))
def test_nasty_pairs(category: str) -> None:
    """R16: no pair that is closer than the rule allows is missed, and none is found beyond the tolerance."""
    seeded(SEED)
    tally = judge([make_case(category, number, seed=SEED) for number in range(SHARES[category])], digits_every=40)
    said = [json.dumps(smaller(failure).json()) for failure in tally.failures[:1]]
    assert not tally.failures, f"{len(tally.failures)} failures; the first: {said[0]}"
    assert tally.cases == SHARES[category]


@pytest.mark.parametrize("world", range(8))
def test_worlds(world: int) -> None:
    """R16: through all that comes, changes and goes, the grid changes no answer; nor does history."""
    seeded(SEED)
    report = run_world(world, seed=SEED, queries=2_500 * EFFORT)
    assert report.difference is None, str(report.difference)
    assert report.queries == 2_500 * EFFORT
    assert report.changes > 1_000
