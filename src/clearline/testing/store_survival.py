"""The part of the store contract that is about what outlives a store: entries, snapshots, leases, and their damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from clearline.model.limits import STORE_SNAPSHOT_BYTES_MAX
from clearline.model.refusal import RefusalCode
from clearline.store.port import (
    Snapshot,
    Store,
    StoreConflict,
    StoreDuplicate,
)
from clearline.testing.store_bench import ALPHA, BETA, StoreBench, entries, refuses, stored

__all__ = ["SurvivalContract"]


class SurvivalContract:
    """Half of `StoreContract`; subclass that one."""

    @pytest.fixture
    def store(self, bench: StoreBench) -> Iterator[Store]:
        """Open a store on the bench and close it in the end."""
        opened = bench.open()
        yield opened
        opened.close()

    # --- survival

    def test_everything_survives_closing_and_opening(self, bench: StoreBench) -> None:
        """Entries, request ids, snapshots, leases."""
        first = bench.open()
        first.append(ALPHA, 0, entries(0, 5))
        first.save_snapshot(ALPHA, 4, b"state")
        first.take_lease(ALPHA, "node-1", 0, 1_000)
        first.close()
        second = bench.open()
        assert second.head(ALPHA, known_head=5) == 5
        assert second.read(ALPHA, 0, 10) == stored(0, 5)
        assert second.find(ALPHA, "r3") == 3
        assert second.latest_snapshot(ALPHA) == Snapshot(4, b"state")
        assert second.take_lease(ALPHA, "node-2", 999, 2_000) is None
        with pytest.raises(StoreDuplicate):
            second.append(ALPHA, 5, entries(4, 1))
        second.close()

    def test_a_closed_store_refuses_and_closes_again(self, bench: StoreBench) -> None:
        """A late call of a stopping node must not hang or write."""
        store = bench.open()
        store.close()
        store.close()
        calls: list[Callable[[], object]] = [
            lambda: store.head(ALPHA),
            lambda: store.append(ALPHA, 0, entries(0, 1)),
            lambda: store.read(ALPHA, 0, 1),
            lambda: store.find(ALPHA, "r0"),
            lambda: store.latest_snapshot(ALPHA),
            lambda: store.save_snapshot(ALPHA, 0, b""),
            lambda: store.take_lease(ALPHA, "n", 0, 1),
            lambda: store.release_lease(ALPHA, "n"),
        ]
        for call in calls:
            with refuses(RefusalCode.STORE_UNAVAILABLE):
                call()

    def test_a_head_behind_what_was_shown_is_a_rollback(self, bench: StoreBench) -> None:
        """The caller brings the proof; a head above it is fine."""
        store = bench.open()
        store.append(ALPHA, 0, entries(0, 5))
        store.close()
        bench.roll_back(ALPHA, 3)
        store = bench.open()
        with refuses(RefusalCode.STORE_ROLLED_BACK):
            store.head(ALPHA, known_head=5)
        assert store.head(ALPHA, known_head=3) == 3
        with pytest.raises(StoreConflict) as caught:
            store.append(ALPHA, 5, entries(5, 1))
        assert caught.value.head == 3
        store.close()

    def test_a_damaged_entry_is_found_when_it_is_read(self, bench: StoreBench) -> None:
        """What stands before it is still given; the damaged page never is."""
        store = bench.open()
        for start in range(0, 1_000, 500):
            store.append(ALPHA, start, entries(start, 500))
        store.close()
        bench.damage_entry(ALPHA, 5)
        store = bench.open()
        assert store.read(ALPHA, 0, 5) == stored(0, 5)
        with refuses(RefusalCode.STORE_DAMAGED):
            store.read(ALPHA, 0, 10)
        assert store.read(ALPHA, 6, 4) == stored(6, 4)
        store.close()

    # --- snapshots

    def test_the_newest_snapshot_is_given(self, store: Store) -> None:
        """Whatever the order of saving, and again at the same place."""
        store.append(ALPHA, 0, entries(0, 9))
        for sequence, body in ((3, b"three"), (9, b"nine"), (6, b"six"), (9, b"nine again")):
            store.save_snapshot(ALPHA, sequence, body)
        assert store.latest_snapshot(ALPHA) == Snapshot(9, b"nine again")
        assert store.latest_snapshot(BETA) is None

    def test_a_snapshot_ahead_of_the_head_is_refused(self, store: Store) -> None:
        """It would be a state that nothing led to."""
        store.append(ALPHA, 0, entries(0, 1))
        for sequence in (-1, 2):
            with refuses(RefusalCode.OUT_OF_RANGE):
                store.save_snapshot(ALPHA, sequence, b"")
        store.save_snapshot(ALPHA, 0, b"")
        assert store.latest_snapshot(ALPHA) == Snapshot(0, b"")

    def test_a_snapshot_over_the_limit_is_refused(self, store: Store) -> None:
        """And the one before it stays."""
        store.save_snapshot(ALPHA, 0, b"small")
        with refuses(RefusalCode.OVER_LIMIT):
            store.save_snapshot(ALPHA, 0, bytes(STORE_SNAPSHOT_BYTES_MAX + 1))
        assert store.latest_snapshot(ALPHA) == Snapshot(0, b"small")

    def test_a_damaged_snapshot_falls_back_to_the_one_before_and_then_to_none(self, bench: StoreBench) -> None:
        """A snapshot saves time and decides nothing."""
        store = bench.open()
        store.append(ALPHA, 0, entries(0, 9))
        for sequence in (3, 6, 9):
            store.save_snapshot(ALPHA, sequence, f"state {sequence}".encode())
        store.close()
        bench.damage_snapshot(ALPHA)
        store = bench.open()
        assert store.latest_snapshot(ALPHA) == Snapshot(6, b"state 6")
        store.save_snapshot(ALPHA, 9, b"state 9")
        assert store.latest_snapshot(ALPHA) == Snapshot(9, b"state 9")
        store.close()

    def test_a_snapshot_ahead_of_a_rolled_back_head_is_not_given(self, bench: StoreBench) -> None:
        """Otherwise the rollback would be hidden behind it."""
        store = bench.open()
        store.append(ALPHA, 0, entries(0, 9))
        store.save_snapshot(ALPHA, 2, b"two")
        store.save_snapshot(ALPHA, 9, b"nine")
        store.close()
        bench.roll_back(ALPHA, 5)
        store = bench.open()
        assert store.latest_snapshot(ALPHA) == Snapshot(2, b"two")
        store.save_snapshot(ALPHA, 5, b"five")
        store.save_snapshot(ALPHA, 4, b"four")
        assert store.latest_snapshot(ALPHA) == Snapshot(5, b"five")
        store.close()

    # --- leases

    def test_a_lease_is_held_prolonged_given_back_and_runs_out(self, store: Store) -> None:
        """By the caller's clock alone."""
        first = store.take_lease(ALPHA, "node-1", 0, 100)
        assert first is not None
        assert (first.holder, first.until_ms) == ("node-1", 100)
        assert store.take_lease(ALPHA, "node-2", 99, 300) is None
        assert store.take_lease(ALPHA, "node-1", 50, 200) is not None
        assert store.take_lease(ALPHA, "node-2", 199, 300) is None
        assert store.take_lease(BETA, "node-2", 0, 300) is not None
        assert store.take_lease(ALPHA, "node-2", 200, 300) is not None
        store.release_lease(ALPHA, "node-1")  # no longer its own
        assert store.take_lease(ALPHA, "node-1", 250, 400) is None
        store.release_lease(ALPHA, "node-2")
        assert store.take_lease(ALPHA, "node-1", 250, 400) is not None

    def test_a_lease_does_not_stop_an_append(self, store: Store) -> None:
        """The compare-and-append is the safety; a lease is advice."""
        store.take_lease(ALPHA, "somebody else", 0, 1_000)
        assert store.append(ALPHA, 0, entries(0, 1)) == 1

    def test_a_lease_that_ends_before_it_begins_is_refused(self, store: Store) -> None:
        """An `until` in the past is a clock in the wrong unit."""
        with refuses(RefusalCode.TIME_ORDER):
            store.take_lease(ALPHA, "n", 5, 5)
