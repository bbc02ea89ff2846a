"""The store port: what Clearline asks of any engine that keeps its log.

Rules
 * A partition is a name with entries 0, 1, 2 … without gaps; its head is their number. A name never used has head 0.
 * `append` compares the head with `expected` and adds all entries or none. This comparison alone is the safety;
   a lease only says who should try.
 * What `append` returned for is durable: no crash, kill or power cut takes it back.
 * A request id is taken once per partition for ever. A second use refuses the whole append (`StoreDuplicate`).
 * Checked in this order: shape and limits (`Refusal`), an id twice in one append (`StoreDuplicate`), the head
   (`StoreConflict`), an id already stored (`StoreDuplicate`). So a blind repeat of an append that did happen ends in
   `StoreConflict`, a repeat at the new head in `StoreDuplicate`, and neither writes anything.
 * `StoreIndeterminate` means that the commit was cut off: all of the append may be there, or nothing. The next call
   answers from the disk, so: read `head` again, look with `find`, and only then answer or try again.
 * A read gives what was written or refuses with STORE_DAMAGED; it never gives less without saying so.
 * Methods may be called from several threads at once. Nothing waits longer than one running call of the same store.

Refusals of every method: STORE_UNAVAILABLE (disk full, read-only, input or output error; nothing was accepted),
STORE_DAMAGED (what is there is not what was written; appends stay refused until the store is mended),
STORE_ROLLED_BACK (the head is behind what was shown), STORE_IN_USE and STORE_FOREIGN (when opening).

Bodies are bytes without meaning here. Source: design.md "The shape", ADR 0003.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from clearline.model.limits import (
    BATCH_ENTRIES_MAX,
    STORE_ENTRY_BYTES_MAX,
    STORE_NAME_CHARACTERS_MAX,
    STORE_READ_ENTRIES_MAX,
    STORE_SNAPSHOT_BYTES_MAX,
)
from clearline.model.refusal import Refusal, RefusalCode

__all__ = [
    "Lease",
    "NewEntry",
    "Snapshot",
    "Store",
    "StoreConflict",
    "StoreDuplicate",
    "StoreIndeterminate",
    "StoredEntry",
    "check_append",
    "check_head",
    "check_name",
    "check_read",
    "check_snapshot",
    "entries_from",
]


@final
@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be added; `request_id` is made before the first try, so that a repeat can be recognised."""

    request_id: str
    body: bytes


@final
@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as kept; `sequence` counts from 0 and is the log index."""

    sequence: int
    request_id: str
    body: bytes


@final
@dataclass(frozen=True, slots=True)
class Snapshot:
    """The caller's state after the first `sequence` entries."""

    sequence: int
    body: bytes


@final
@dataclass(frozen=True, slots=True)
class Lease:
    """Who should write a partition until when. Advice for routing, never safety: `append` compares heads."""

    partition: str
    holder: str
    until_ms: int


@final
class StoreConflict(Exception):
    """The head is not the one expected: somebody else appended. Nothing was written; `head` is where it stands.

    A head *below* the expected one is no race but a rollback: pass it to `check_head`.
    """

    def __init__(self, partition: str, *, expected: int, head: int) -> None:
        self.partition = partition
        self.expected = expected
        self.head = head
        super().__init__(f"partition {partition}: head is {head}, expected {expected}")


@final
class StoreDuplicate(Exception):
    """A request id is taken. Nothing of the append was written.

    `sequence` is where the earlier entry stands, or None when the id came twice within this one append.
    """

    def __init__(self, partition: str, *, request_id: str, sequence: int | None) -> None:
        self.partition = partition
        self.request_id = request_id
        self.sequence = sequence
        where = "twice in one append" if sequence is None else f"already at {sequence}"
        super().__init__(f"partition {partition}: request id {request_id} {where}")


@final
class StoreIndeterminate(Exception):
    """The commit was cut off: all of the append is there or nothing is. Read `head` again and use `find`.

    What those two then say is durable and final. If they refuse, the disk is still not answering and the append is
    still open; ask again, and answer nobody until they do.
    """

    def __init__(self, partition: str, *, expected: int, why: str) -> None:
        self.partition = partition
        self.expected = expected
        self.why = why
        super().__init__(f"partition {partition}: append at {expected} was cut off ({why})")


class Store(Protocol):
    """One log store. See the module docstring for the rules and for the refusals that every method may raise."""

    def head(self, partition: str, *, known_head: int = 0) -> int:
        """Return the number of entries.

        `known_head` is the greatest number of entries the caller has proof of having had: from a tree head that a
        peer holds, or from its own memory. A store that stands below it has been rolled back (a restored copy, a
        deleted journal, a lying disk).

        Raises:
            Refusal: STORE_ROLLED_BACK if the head is below `known_head`. That a store of the same length holds the
                same entries is for the ledger to prove: compare its root at `known_head` with the one that was shown.
        """
        ...

    def append(self, partition: str, expected: int, entries: Sequence[NewEntry]) -> int:
        """Add all entries durably at `expected` and return the new head, `expected + len(entries)`.

        Raises:
            StoreConflict: The head is not `expected`.
            StoreDuplicate: A request id is taken or comes twice.
            StoreIndeterminate: The commit was cut off.
            Refusal: OVER_LIMIT or OUT_OF_RANGE for names, sizes and counts; else as in the module docstring.
        """
        ...

    def read(self, partition: str, start: int, limit: int) -> list[StoredEntry]:
        """Return entries from `start` in order: at least one if there is one, at most `limit`.

        A page also ends at `STORE_READ_BYTES_MAX`, so a short page is not the end; an empty one is. `entries_from`
        does the paging.
        """
        ...

    def find(self, partition: str, request_id: str) -> int | None:
        """Return the sequence of the entry with this request id, or None."""
        ...

    def save_snapshot(self, partition: str, sequence: int, body: bytes) -> None:
        """Keep the state after `sequence` entries, durably; the last two snapshots are kept.

        A snapshot saves time and never decides anything: losing all of them costs a replay.
        """
        ...

    def latest_snapshot(self, partition: str) -> Snapshot | None:
        """Return the newest snapshot whose checksum is right and which is not ahead of the head, or None."""
        ...

    def take_lease(self, partition: str, holder: str, now_ms: int, until_ms: int) -> Lease | None:
        """Take or prolong the lease; None while another holder's has not run out at `now_ms`."""
        ...

    def release_lease(self, partition: str, holder: str) -> None:
        """Give the lease back; does nothing if `holder` does not have it."""
        ...

    def close(self) -> None:
        """Let go of everything. A second call does nothing; any other call afterwards refuses STORE_UNAVAILABLE."""
        ...


def entries_from(store: Store, partition: str, start: int, *, page_entries: int = 1_000) -> Iterator[StoredEntry]:
    """Yield every entry from `start` to the head as it is when the last page is read."""
    while page := store.read(partition, start, page_entries):
        yield from page
        start = page[-1].sequence + 1


def check_head(partition: str, *, head: int, known_head: int) -> int:
    """Return `head`, or refuse STORE_ROLLED_BACK if it is below `known_head`."""
    if head < known_head:
        raise Refusal(
            RefusalCode.STORE_ROLLED_BACK,
            field=f"store.{partition}.head",
            found=head,
            allowed=f"{known_head} or more, which was already shown",
        )
    return head


def check_name(name: str, *, field: str) -> None:
    """Refuse a partition, holder or request id that is empty, too long or not printable ASCII."""
    if not 0 < len(name) <= STORE_NAME_CHARACTERS_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT, field=field, found=name, allowed=f"1 to {STORE_NAME_CHARACTERS_MAX} characters"
        )
    # Engines differ in how they compare and cut other text (NUL, normal forms); two ids must never become one.
    if not (name.isascii() and name.isprintable()):
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=name, allowed="printable ASCII")


def check_append(partition: str, expected: int, entries: Sequence[NewEntry]) -> None:
    """Refuse an append that no engine may take: names, counts, sizes, an id twice. Every engine calls this first."""
    check_name(partition, field="partition")
    if expected < 0:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="expected", found=expected, allowed="0 or more")
    if not 0 < len(entries) <= BATCH_ENTRIES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT, field="entries", found=len(entries), allowed=f"1 to {BATCH_ENTRIES_MAX} entries"
        )
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        check_name(entry.request_id, field=f"entries[{place}].request_id")
        if not 0 < len(entry.body) <= STORE_ENTRY_BYTES_MAX:
            raise Refusal(
                RefusalCode.OVER_LIMIT,
                field=f"entries[{place}].body",
                found=f"{len(entry.body)} bytes",
                allowed=f"1 to {STORE_ENTRY_BYTES_MAX} bytes",
            )
        if entry.request_id in seen:
            raise StoreDuplicate(partition, request_id=entry.request_id, sequence=None)
        seen.add(entry.request_id)


def check_read(partition: str, start: int, limit: int) -> int:
    """Return `limit` cut to what one page may hold; refuse a start below 0 or a limit below 1."""
    check_name(partition, field="partition")
    if start < 0:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="start", found=start, allowed="0 or more")
    if limit < 1:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="limit", found=limit, allowed="1 or more")
    return min(limit, STORE_READ_ENTRIES_MAX)


def check_snapshot(partition: str, *, sequence: int, head: int, body: bytes) -> None:
    """Refuse a snapshot that is ahead of the head or too large."""
    if not 0 <= sequence <= head:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="snapshot.sequence", found=sequence, allowed=f"0 to {head}")
    if len(body) > STORE_SNAPSHOT_BYTES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field=f"snapshot.{partition}",
            found=f"{len(body)} bytes",
            allowed=f"{STORE_SNAPSHOT_BYTES_MAX} bytes",
        )
