"""The safety property under loss, doubling, delay, partitions, crashes and wrong clocks (design.md §3; R12, R36).

CLEARLINE_SEEDS sets how many seeds run (2,000 by default; `tools/simulate.py` runs any number with progress).
A failure names its seed; `tools/simulate.py --seed N` repeats it.
"""

from __future__ import annotations

import os

import pytest

from clearline.testing.planted_faults import PLANTED_FAULTS
from clearline.testing.simulator import SafetyViolation, simulate

SEEDS = int(os.environ.get("CLEARLINE_SEEDS", "2000"))
CHUNK = 50
FAULT_SEEDS = 200
"""Every planted fault is caught within so many seeds, or the simulator is blind to it."""


@pytest.mark.no_cover  # counting lines would take longer than the runs
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_two_conflicting_notices_are_cleared_without_both_signatures(first: int) -> None:
    """R12, R36: whatever fails, nothing is cleared by silence; and once all is mended, everything is known to all."""
    outcomes = [simulate(seed) for seed in range(first, min(first + CHUNK, SEEDS))]
    # A run in which nothing happened would prove nothing.
    assert sum(outcome.cleared for outcome in outcomes) > CHUNK
    assert sum(outcome.conflicts for outcome in outcomes) > CHUNK
    assert sum(outcome.crashes for outcome in outcomes) > CHUNK
    assert sum(outcome.resolved for outcome in outcomes) > 0


def test_the_same_seed_gives_the_same_run() -> None:
    """A failure can be repeated: nothing but the seed decides."""
    assert simulate(7) == simulate(7)


@pytest.mark.parametrize("fault", PLANTED_FAULTS)
def test_each_planted_fault_is_caught(fault: str) -> None:
    """The simulator can fail: each known mistake is found within a few seeds."""
    with PLANTED_FAULTS[fault](), pytest.raises(SafetyViolation):
        for seed in range(FAULT_SEEDS):
            simulate(seed)
