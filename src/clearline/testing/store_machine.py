"""Random calls on a store against a model of it: what the model says is what the store must answer.

The model is a list of (request id, body) per partition, a list of snapshots and a lease; it is the contract in the
fewest words. Closing and opening again may come at any time and must change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clearline.model.limits import STORE_SNAPSHOTS_KEPT
from clearline.store.port import (
    NewEntry,
    Snapshot,
    Store,
    StoreConflict,
    StoredEntry,
    StoreDuplicate,
    entries_from,
)
from clearline.testing.store_bench import StoreBench

__all__ = ["store_machine"]

_PARTITIONS = ("a", "b")
_partitions = st.sampled_from(_PARTITIONS)
_request_ids = st.integers(0, 30).map(lambda number: f"r{number}")
_new_entries = st.builds(NewEntry, request_id=_request_ids, body=st.binary(min_size=1, max_size=20))


class _StoreMachine(RuleBasedStateMachine):
    """The store and its model side by side."""

    make_bench: ClassVar[Callable[[], StoreBench]]

    @initialize()
    def start(self) -> None:
        """Open an empty store."""
        self.bench = type(self).make_bench()
        self.store: Store = self.bench.open()
        self.kept: dict[str, list[NewEntry]] = {name: [] for name in _PARTITIONS}
        self.snapshots: dict[str, dict[int, bytes]] = {name: {} for name in _PARTITIONS}
        self.leases: dict[str, tuple[str, int]] = {}

    @rule(partition=_partitions, behind=st.sampled_from([0, 0, 0, 0, 1, -1]), batch=st.lists(_new_entries, min_size=1))
    def append(self, partition: str, behind: int, batch: list[NewEntry]) -> None:
        """Append at the head, before it or after it, with ids new or taken."""
        kept = self.kept[partition]
        expected = max(0, len(kept) - behind)
        ids = [new.request_id for new in batch]
        places = {old.request_id: place for place, old in enumerate(kept)}
        if len(set(ids)) < len(ids):
            with pytest.raises(StoreDuplicate) as doubled:
                self.store.append(partition, expected, batch)
            assert doubled.value.sequence is None
            assert ids.count(doubled.value.request_id) > 1
        elif expected != len(kept):
            with pytest.raises(StoreConflict) as conflict:
                self.store.append(partition, expected, batch)
            assert conflict.value.head == len(kept)
        elif places.keys() & set(ids):
            with pytest.raises(StoreDuplicate) as duplicate:
                self.store.append(partition, expected, batch)
            assert duplicate.value.sequence == places[duplicate.value.request_id]
        else:
            kept.extend(batch)
            assert self.store.append(partition, expected, batch) == len(kept)

    @rule(partition=_partitions, start=st.integers(0, 40), limit=st.integers(1, 40))
    def read(self, partition: str, start: int, limit: int) -> None:
        """Read a page."""
        wanted = [StoredEntry(s, e.request_id, e.body) for s, e in enumerate(self.kept[partition])]
        assert self.store.read(partition, start, limit) == wanted[start : start + limit]

    @rule(partition=_partitions, request_id=_request_ids)
    def find(self, partition: str, request_id: str) -> None:
        """Look for a request id, there or not."""
        ids = [entry.request_id for entry in self.kept[partition]]
        assert self.store.find(partition, request_id) == (ids.index(request_id) if request_id in ids else None)

    @rule(partition=_partitions, back=st.integers(0, 5), body=st.binary(max_size=10))
    def save_snapshot(self, partition: str, back: int, body: bytes) -> None:
        """Save at the head or some way before it."""
        sequence = max(0, len(self.kept[partition]) - back)
        self.store.save_snapshot(partition, sequence, body)
        snapshots = self.snapshots[partition]
        snapshots[sequence] = body
        for old in sorted(snapshots)[:-STORE_SNAPSHOTS_KEPT]:
            del snapshots[old]

    @rule(
        partition=_partitions,
        holder=st.sampled_from(["n1", "n2"]),
        now_ms=st.integers(0, 100),
        lasting_ms=st.integers(1, 50),
    )
    def take_lease(self, partition: str, holder: str, now_ms: int, lasting_ms: int) -> None:
        """Two holders, and a clock that jumps."""
        until_ms = now_ms + lasting_ms
        had = self.leases.get(partition)
        free = had is None or had[0] == holder or had[1] <= now_ms
        lease = self.store.take_lease(partition, holder, now_ms, until_ms)
        assert (lease is not None) == free
        if free:
            self.leases[partition] = (holder, until_ms)

    @rule(partition=_partitions, holder=st.sampled_from(["n1", "n2"]))
    def release_lease(self, partition: str, holder: str) -> None:
        """Give back, whether held or not."""
        self.store.release_lease(partition, holder)
        if self.leases.get(partition, ("", 0))[0] == holder:
            del self.leases[partition]

    @rule()
    def reopen(self) -> None:
        """Close and open again."""
        self.store.close()
        self.store = self.bench.open()

    @invariant()
    def heads_and_snapshots_agree(self) -> None:
        """Ask what is cheap after every step."""
        for partition in _PARTITIONS:
            head = len(self.kept[partition])
            assert self.store.head(partition, known_head=head) == head
            newest = max(self.snapshots[partition].items(), default=None)
            assert self.store.latest_snapshot(partition) == (Snapshot(*newest) if newest else None)

    def teardown(self) -> None:
        """Compare everything once, and close."""
        if hasattr(self, "store"):
            for partition in _PARTITIONS:
                found = [(e.request_id, e.body) for e in entries_from(self.store, partition, 0, page_entries=3)]
                assert found == [(e.request_id, e.body) for e in self.kept[partition]]
            self.store.close()


def store_machine(make_bench: Callable[[], StoreBench]) -> type[RuleBasedStateMachine]:
    """Return a state machine class whose `TestCase` runs the model against fresh benches."""
    return type("StoreMachine", (_StoreMachine,), {"make_bench": staticmethod(make_bench)})
