"""A store in memory, with a disk that can be crashed, filled, cut off, damaged and rolled back.

Rules
 * `MemoryDisk` is what survives; `MemoryStore` is what dies with the node. A crash ends every store opened before.
 * With `sync_every=1` what was acknowledged survives every crash. A greater number is a disk that lies: the last
   appends since it synced vanish. A simulator that does not notice such a disk proves nothing.
 * Faults are told beforehand (`fail_next`) and happen once each, in order, so that a seed repeats a run.
 * It passes the same contract suite as the engines (clearline.testing.store_contract).

No clock, no randomness, no files.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from clearline.model.limits import STORE_READ_BYTES_MAX, STORE_SNAPSHOTS_KEPT
from clearline.model.refusal import Refusal, RefusalCode, invariant
from clearline.store.port import (
    Lease,
    NewEntry,
    Snapshot,
    StoreConflict,
    StoredEntry,
    StoreDuplicate,
    StoreIndeterminate,
    check_append,
    check_head,
    check_name,
    check_read,
    check_snapshot,
)
from clearline.store.statements import checksum

__all__ = ["DiskFault", "MemoryDisk", "MemoryStore"]


class DiskFault(StrEnum):
    """What happens to the next append."""

    FULL = "FULL"
    """Refused with STORE_UNAVAILABLE; nothing is written."""
    CUT_LOST = "CUT_LOST"
    """StoreIndeterminate, and nothing is there."""
    CUT_KEPT = "CUT_KEPT"
    """StoreIndeterminate, and all of it is there."""


@dataclass(slots=True)
class _Row:
    request_id: str
    checksum: bytes
    body: bytes


@dataclass(slots=True)
class _Partition:
    rows: list[_Row] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    snapshots: dict[int, _Row] = field(default_factory=dict)
    lease: Lease | None = None
    head_synced: int = 0

    def cut(self, head: int) -> None:
        """Forget the entries from `head` on, and snapshots that are ahead of it."""
        for row in self.rows[head:]:
            del self.places[row.request_id]
        del self.rows[head:]
        self.head_synced = min(self.head_synced, head)
        for sequence in [s for s in self.snapshots if s > head]:
            del self.snapshots[sequence]


@final
class MemoryDisk:
    """What outlives a node. One store may be open on it at a time."""

    def __init__(self, *, sync_every: int = 1) -> None:
        """Make an empty disk; `sync_every` appends (over all partitions) go to it together, 1 is honest."""
        invariant(sync_every >= 1, "a disk syncs after some number of appends")
        self.sync_every = sync_every
        self.generation = 0
        self.open_by: MemoryStore | None = None
        self._partitions: dict[str, _Partition] = {}
        self._faults: deque[DiskFault] = deque()
        self._appends_unsynced = 0

    def fail_next(self, fault: DiskFault, *, times: int = 1) -> None:
        """Let the next appends fail, after those already told."""
        self._faults.extend([fault] * times)

    def mend(self) -> None:
        """Forget the faults that have not happened yet."""
        self._faults.clear()

    def crash(self) -> int:
        """End the open store as a power cut would; return how many entries were lost (0 on an honest disk)."""
        lost = 0
        for partition in self._partitions.values():
            lost += len(partition.rows) - partition.head_synced
            partition.cut(partition.head_synced)
        self.generation += 1
        self.open_by = None
        self._appends_unsynced = 0
        return lost

    def roll_back(self, partition: str, head: int) -> None:
        """Put a partition back to `head` entries, as restoring an old copy does."""
        self.partition(partition).cut(head)

    def damage_entry(self, partition: str, sequence: int) -> None:
        """Change one byte of an entry's body."""
        row = self.partition(partition).rows[sequence]
        row.body = bytes([row.body[0] ^ 1]) + row.body[1:]

    def damage_snapshot(self, partition: str) -> None:
        """Change what the newest snapshot holds."""
        snapshots = self.partition(partition).snapshots
        snapshots[max(snapshots)].body += b"!"

    # --- for MemoryStore

    def partition(self, name: str) -> _Partition:
        """Return what is kept under a name; an unknown name keeps nothing."""
        return self._partitions.get(name) or _Partition()

    def partition_to_write(self, name: str) -> _Partition:
        """Return what is kept under a name, from now on."""
        return self._partitions.setdefault(name, _Partition())

    def fault(self) -> DiskFault | None:
        """Return and forget what happens to the append that asks."""
        return self._faults.popleft() if self._faults else None

    def written(self) -> None:
        """Count an append, and sync all partitions if it is time."""
        self._appends_unsynced += 1
        if self._appends_unsynced >= self.sync_every:
            self._appends_unsynced = 0
            for partition in self._partitions.values():
                partition.head_synced = len(partition.rows)


@final
class MemoryStore:
    """A `Store` on a `MemoryDisk`."""

    def __init__(self, disk: MemoryDisk) -> None:
        """Open the disk.

        Raises:
            Refusal: STORE_IN_USE while another store that has neither crashed nor been closed is open on it.
        """
        if disk.open_by is not None:
            raise Refusal(
                RefusalCode.STORE_IN_USE, field="disk", found="another open store", allowed="one store at a time"
            )
        self._disk = disk
        self._generation = disk.generation
        self._closed = False
        self._lock = threading.Lock()
        self._heads_shown: dict[str, int] = {}
        disk.open_by = self

    def head(self, partition: str, *, known_head: int = 0) -> int:
        """See `Store.head`."""
        check_name(partition, field="partition")
        with self._lock:
            self._check_open()
            head = len(self._disk.partition(partition).rows)
            check_head(partition, head=head, known_head=self._heads_shown.get(partition, 0))
            self._heads_shown[partition] = head
        return check_head(partition, head=head, known_head=known_head)

    def append(self, partition: str, expected: int, entries: Sequence[NewEntry]) -> int:
        """See `Store.append`."""
        check_append(partition, expected, entries)
        with self._lock:
            self._check_open()
            kept = self._disk.partition(partition)
            if len(kept.rows) != expected:
                raise StoreConflict(partition, expected=expected, head=len(kept.rows))
            for entry in entries:
                if entry.request_id in kept.places:
                    raise StoreDuplicate(partition, request_id=entry.request_id, sequence=kept.places[entry.request_id])
            fault = self._disk.fault()
            if fault is DiskFault.FULL:
                raise Refusal(RefusalCode.STORE_UNAVAILABLE, field="disk", found="disk full", allowed="free space")
            if fault is not DiskFault.CUT_LOST:
                self._add(partition, expected, entries)
            if fault is not None:
                raise StoreIndeterminate(partition, expected=expected, why=fault.value)
            self._heads_shown[partition] = expected + len(entries)
        return expected + len(entries)

    def read(self, partition: str, start: int, limit: int) -> list[StoredEntry]:
        """See `Store.read`."""
        limit = check_read(partition, start, limit)
        found: list[StoredEntry] = []
        held_bytes = 0
        with self._lock:
            self._check_open()
            for sequence, row in enumerate(self._disk.partition(partition).rows[start : start + limit], start):
                if row.checksum != checksum(partition, sequence, row.request_id, row.body):
                    raise Refusal(RefusalCode.STORE_DAMAGED, field=f"{partition}[{sequence}]", found="another checksum")
                found.append(StoredEntry(sequence, row.request_id, row.body))
                held_bytes += len(row.body)
                if held_bytes >= STORE_READ_BYTES_MAX:
                    break
        return found

    def find(self, partition: str, request_id: str) -> int | None:
        """See `Store.find`."""
        check_name(partition, field="partition")
        check_name(request_id, field="request_id")
        with self._lock:
            self._check_open()
            return self._disk.partition(partition).places.get(request_id)

    def save_snapshot(self, partition: str, sequence: int, body: bytes) -> None:
        """See `Store.save_snapshot`."""
        check_name(partition, field="partition")
        with self._lock:
            self._check_open()
            kept = self._disk.partition_to_write(partition)
            check_snapshot(partition, sequence=sequence, head=len(kept.rows), body=body)
            kept.snapshots[sequence] = _Row("", checksum(partition, sequence, "", body), bytes(body))
            for old in sorted(kept.snapshots)[:-STORE_SNAPSHOTS_KEPT]:
                del kept.snapshots[old]

    def latest_snapshot(self, partition: str) -> Snapshot | None:
        """See `Store.latest_snapshot`."""
        check_name(partition, field="partition")
        with self._lock:
            self._check_open()
            kept = self._disk.partition(partition)
            for sequence in sorted(kept.snapshots, reverse=True):
                row = kept.snapshots[sequence]
                if row.checksum == checksum(partition, sequence, "", row.body):
                    return Snapshot(sequence, row.body)
        return None

    def take_lease(self, partition: str, holder: str, now_ms: int, until_ms: int) -> Lease | None:
        """See `Store.take_lease`."""
        check_name(partition, field="partition")
        check_name(holder, field="holder")
        if not 0 <= now_ms < until_ms:
            raise Refusal(RefusalCode.TIME_ORDER, field="until_ms", found=until_ms, allowed=f"more than {now_ms}")
        with self._lock:
            self._check_open()
            kept = self._disk.partition_to_write(partition)
            if kept.lease is not None and kept.lease.holder != holder and kept.lease.until_ms > now_ms:
                return None
            kept.lease = Lease(partition, holder, until_ms)
            return kept.lease

    def release_lease(self, partition: str, holder: str) -> None:
        """See `Store.release_lease`."""
        check_name(partition, field="partition")
        check_name(holder, field="holder")
        with self._lock:
            self._check_open()
            kept = self._disk.partition_to_write(partition)
            if kept.lease is not None and kept.lease.holder == holder:
                kept.lease = None

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            self._closed = True
            if self._disk.open_by is self:
                self._disk.open_by = None

    def _add(self, partition: str, expected: int, entries: Sequence[NewEntry]) -> None:
        kept = self._disk.partition_to_write(partition)
        for sequence, entry in enumerate(entries, expected):
            body = bytes(entry.body)
            kept.rows.append(_Row(entry.request_id, checksum(partition, sequence, entry.request_id, body), body))
            kept.places[entry.request_id] = sequence
        self._disk.written()

    def _check_open(self) -> None:
        if self._closed or self._generation != self._disk.generation:
            raise Refusal(RefusalCode.STORE_UNAVAILABLE, field="disk", found="closed or crashed", allowed="open")
