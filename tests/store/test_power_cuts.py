"""Power cuts: with FULL nothing acknowledged is ever lost; with NORMAL the same test sees the loss.

The production engine runs on a disk that drops unsynced sectors, through up to three lives with recoveries that are cut
as well; in the end the standard library's SQLite opens what is left.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from clearline.model.refusal import Refusal
from tests.store.power_cut_lives import CHECKPOINT_OFTEN, NORMAL, cut_lives, entries_lost, outcome

SEEDS = 200
SEEDS_NORMAL = 30


@pytest.mark.parametrize("first", range(0, SEEDS, 40))
def test_full_loses_nothing_acknowledged(tmp_path: Path, first: int) -> None:
    """A failure names its seed; run `cut_lives(seed=…)` to see it again."""
    for seed in range(first, first + 40):
        path, told = cut_lives(tmp_path, seed=seed, instead=CHECKPOINT_OFTEN)
        lost = entries_lost(path, told, seed=seed)
        assert lost == 0, f"seed {seed}: {lost} acknowledged entries lost; told {told}"


def test_the_seeds_reach_every_kind_of_cut(tmp_path: Path) -> None:
    """A cut while the store is made, between appends, within one, and with a commit torn apart."""
    kinds = Counter(outcome(*cut_lives(tmp_path, seed=seed, instead=CHECKPOINT_OFTEN)) for seed in range(60))
    assert all(kinds[kind] >= 2 for kind in ("not made yet", "idle", "in the air", "torn commit")), kinds


def test_normal_is_caught_losing_acknowledged_entries(tmp_path: Path) -> None:
    """The proof that the test above can fail: one setting less, and the cuts take what was acknowledged."""
    losing = 0
    for seed in range(SEEDS_NORMAL):
        path, told = cut_lives(tmp_path, seed=seed, instead=NORMAL)
        try:
            losing += entries_lost(path, told, seed=seed) > 0
        except Refusal:  # found to be damaged or rolled back: also lost, and at least said so
            losing += 1
    assert losing >= SEEDS_NORMAL // 3, f"only {losing} of {SEEDS_NORMAL} seeds lose"
