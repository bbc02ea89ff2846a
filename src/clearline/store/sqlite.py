"""The store on SQLite: one file, one process, durable when `append` returns.

Rules
 * Write-ahead log with `synchronous=FULL`: the commit is synced before it is acknowledged. NORMAL loses acknowledged
   entries in a power cut (tests/store/test_power_cuts.py shows it); there is no switch for it.
 * `locking_mode=EXCLUSIVE` and a lock file keep a second process out; no shared memory file exists.
 * One connection under one lock: any thread may call, one call runs at a time. A read waits for one commit at most.
   A call made through an event loop's executor goes on when its awaiter is cancelled; treat it as cut off.
 * Failures, reopening and damage: access.py. What is checked when opening: files.py, journal.py, opening.py.

Source: design.md "Rooms and arrows", ADR 0003.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self, final

from clearline.model.limits import (
    STORE_READ_BYTES_MAX,
    STORE_SNAPSHOTS_KEPT,
)
from clearline.model.refusal import Refusal, RefusalCode
from clearline.store import statements
from clearline.store.access import Access, CutOffError
from clearline.store.connection import Connect, Connection, EngineError, Fault, connect_sqlite
from clearline.store.opening import check_contents, head_in, stored_entry
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

__all__ = ["SqliteStore"]


@final
class SqliteStore:
    """A `Store` in one SQLite file. Open it with `SqliteStore.open`; it is also a context manager."""

    def __init__(self, access: Access) -> None:
        """For `open` only."""
        self._access = access
        self._heads_shown: dict[str, int] = {}

    @classmethod
    def open(cls, path: Path, *, connect: Connect = connect_sqlite) -> Self:
        """Open the store at `path`, making it if there is none.

        Up to STORE_CHECK_BYTES_MAX every page is checked; in any size the heads are compared with the entries and
        each partition's last entries with their checksums. `verify` checks everything.

        Args:
            path: The database file, on a local disk, in an existing directory.
            connect: Opens the engine's connection; for tests on another file system.

        Raises:
            Refusal: STORE_IN_USE, STORE_FOREIGN, STORE_DAMAGED or STORE_UNAVAILABLE; nothing stays locked.
        """
        return cls(Access.open(path, connect))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- entries

    def head(self, partition: str, *, known_head: int = 0) -> int:
        """See `Store.head`. Also refuses STORE_ROLLED_BACK below a head that this object has shown itself."""
        check_name(partition, field="partition")
        with self._access.use() as connection:
            head = self._show(partition, head_in(connection, partition))
        return check_head(partition, head=head, known_head=known_head)

    def append(self, partition: str, expected: int, entries: Sequence[NewEntry]) -> int:
        """See `Store.append`."""
        check_append(partition, expected, entries)
        head = expected + len(entries)
        rows = [
            (
                partition,
                sequence,
                entry.request_id,
                statements.checksum(partition, sequence, entry.request_id, entry.body),
                entry.body,
            )
            for sequence, entry in enumerate(entries, expected)
        ]
        try:
            with self._access.use(writing=True) as connection:
                try:
                    with self._access.transaction(connection):
                        self._advance(connection, partition, expected, head)
                        connection.run_many(statements.ADD, rows)
                except EngineError as error:
                    if error.fault is Fault.CONSTRAINT:
                        raise self._taken(connection, partition, entries) from error
                    raise
                return self._show(partition, head)
        except CutOffError as error:
            raise StoreIndeterminate(partition, expected=expected, why=str(error)) from error

    def read(self, partition: str, start: int, limit: int) -> list[StoredEntry]:
        """See `Store.read`."""
        limit = check_read(partition, start, limit)
        found: list[StoredEntry] = []
        held_bytes = 0
        with self._access.use() as connection:
            head = head_in(connection, partition)
            wanted = min(limit, head - start)
            if wanted <= 0:
                return found
            with contextlib.closing(connection.stream(statements.READ, (partition, start, wanted))) as rows:
                for sequence, row in enumerate(rows, start):
                    found.append(stored_entry(partition, sequence, row))
                    held_bytes += len(found[-1].body)
                    if held_bytes >= STORE_READ_BYTES_MAX:
                        return found
            if len(found) < wanted:
                raise EngineError(Fault.DAMAGED, f"entry {start + len(found)} of {partition} is missing")
        return found

    def find(self, partition: str, request_id: str) -> int | None:
        """See `Store.find`."""
        check_name(partition, field="partition")
        check_name(request_id, field="request_id")
        with self._access.use() as connection:
            return _sequence_of(connection, partition, request_id)

    # --- snapshots

    def save_snapshot(self, partition: str, sequence: int, body: bytes) -> None:
        """See `Store.save_snapshot`. A snapshot cut off is there or not; either is harmless."""
        check_name(partition, field="partition")
        try:
            with self._access.use(writing=True) as connection:
                head = head_in(connection, partition)
                check_snapshot(partition, sequence=sequence, head=head, body=body)
                row = (partition, sequence, statements.checksum(partition, sequence, "", body), body)
                with self._access.transaction(connection):
                    connection.rows(statements.SNAPSHOT_ADD, row)
                    rows = connection.rows(statements.SNAPSHOT_PLACES, (partition,))
                    places = [place for (place,) in rows if isinstance(place, int)]
                    ahead = [place for place in places if place > head]
                    for place in ahead + places[len(ahead) + STORE_SNAPSHOTS_KEPT :]:
                        connection.rows(statements.SNAPSHOT_DROP, (partition, place))
        except CutOffError as error:
            raise self._access.refusal(EngineError(Fault.BROKEN, str(error))) from error

    def latest_snapshot(self, partition: str) -> Snapshot | None:
        """See `Store.latest_snapshot`."""
        check_name(partition, field="partition")
        with self._access.use() as connection:
            head = head_in(connection, partition)
            for (sequence,) in connection.rows(statements.SNAPSHOT_PLACES, (partition,)):
                for kept, body in connection.rows(statements.SNAPSHOT_READ, (partition, sequence)):
                    if not (isinstance(sequence, int) and 0 <= sequence <= head and isinstance(body, bytes)):
                        continue
                    if kept == statements.checksum(partition, sequence, "", body):
                        return Snapshot(sequence, body)
        return None

    # --- leases

    def take_lease(self, partition: str, holder: str, now_ms: int, until_ms: int) -> Lease | None:
        """See `Store.take_lease`."""
        check_name(partition, field="partition")
        check_name(holder, field="holder")
        if not 0 <= now_ms < until_ms:
            raise Refusal(RefusalCode.TIME_ORDER, field="until_ms", found=until_ms, allowed=f"more than {now_ms}")
        try:
            with self._access.use(writing=True) as connection, self._access.transaction(connection):
                taken = connection.rows(statements.LEASE_TAKE, (partition, holder, until_ms, now_ms))
        except CutOffError as error:
            raise self._access.refusal(EngineError(Fault.BROKEN, str(error))) from error
        return Lease(partition, holder, until_ms) if taken else None

    def release_lease(self, partition: str, holder: str) -> None:
        """See `Store.release_lease`."""
        check_name(partition, field="partition")
        check_name(holder, field="holder")
        try:
            with self._access.use(writing=True) as connection, self._access.transaction(connection):
                connection.rows(statements.LEASE_RELEASE, (partition, holder))
        except CutOffError as error:
            raise self._access.refusal(EngineError(Fault.BROKEN, str(error))) from error

    # --- the whole

    def verify(self) -> int:
        """Check every page, every index and every entry's checksum; return the number of entries.

        Other calls wait while pages and indexes are checked, about a second for each 200 MB.

        Raises:
            Refusal: STORE_DAMAGED with the first thing found.
        """
        with self._access.use() as connection:
            ((verdict,),) = connection.rows("PRAGMA integrity_check(1)")
            if verdict != "ok":
                raise EngineError(Fault.DAMAGED, str(verdict))
            check_contents(connection)
            partitions = [str(name) for name, _ in connection.rows(statements.HEADS)]
        count = 0
        for partition in partitions:
            start = 0
            while page := self.read(partition, start, 1_000):
                start += len(page)
            count += start
        return count

    def close(self) -> None:
        """See `Store.close`. The write-ahead log is folded back if the disk lets us; if not, the next opening does."""
        self._access.close()

    # --- inside

    @staticmethod
    def _advance(connection: Connection, partition: str, expected: int, head: int) -> None:
        """Compare and set the head row, or raise `StoreConflict`."""
        moved = connection.rows(statements.ADVANCE, (head, partition, expected))
        if not moved and expected == 0:
            moved = connection.rows(statements.BEGIN_PARTITION, (partition, head))
        if not moved:
            raise StoreConflict(partition, expected=expected, head=head_in(connection, partition))

    @staticmethod
    def _taken(connection: Connection, partition: str, entries: Sequence[NewEntry]) -> Exception:
        """Say which request id a refused insert ran into."""
        for entry in entries:
            sequence = _sequence_of(connection, partition, entry.request_id)
            if sequence is not None:
                return StoreDuplicate(partition, request_id=entry.request_id, sequence=sequence)
        return EngineError(Fault.DAMAGED, f"{partition} has entries beyond its head")

    def _show(self, partition: str, head: int) -> int:
        shown = self._heads_shown.get(partition, 0)
        check_head(partition, head=head, known_head=shown)
        self._heads_shown[partition] = max(head, shown)
        return head


def _sequence_of(connection: Connection, partition: str, request_id: str) -> int | None:
    for (sequence,) in connection.rows(statements.FIND, (partition, request_id)):
        if not isinstance(sequence, int):
            raise EngineError(Fault.DAMAGED, f"request id {request_id} of {partition} leads nowhere")
        return sequence
    return None
