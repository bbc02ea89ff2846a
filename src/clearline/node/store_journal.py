"""A store as a node's journal: every call runs in a thread, so that the event loop never waits for a disk.

Rules
 * One thread appends, another reads: a long read does not hold up what is to be made durable.
 * An append that was begun goes on when its asker is cancelled; `close` waits for it, and the log shows what it did.
 * How long writes take and whether the last one failed is observed here and decides nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar, final

from clearline.model.refusal import Refusal
from clearline.store.port import NewEntry, Snapshot, Store, StoredEntry, StoreIndeterminate

__all__ = ["LOG_PARTITION", "AppendObserver", "StoreJournal"]

LOG_PARTITION = "log"
"""The partition of a node's log in its own store."""

T = TypeVar("T")


class AppendObserver(Protocol):
    """Told of every durable append."""

    def __call__(self, *, entries: int, seconds: float) -> None:
        """`entries` were made durable in `seconds`."""
        ...


def _not_observed(*, entries: int, seconds: float) -> None:
    pass


@final
class StoreJournal:
    """`node.ports.Journal` over one partition of a `Store`. `close` ends the threads; the store stays open."""

    def __init__(
        self, store: Store, *, partition: str = LOG_PARTITION, on_append: AppendObserver = _not_observed
    ) -> None:
        self._store = store
        self._partition = partition
        self._on_append = on_append
        self._appending = ThreadPoolExecutor(max_workers=1, thread_name_prefix="append")
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read")
        self.failure: str | None = None
        """Why the last append failed; None since one has succeeded."""

    async def head(self) -> int:
        """Return the number of entries."""
        return await self._run(self._reading, lambda: self._store.head(self._partition))

    async def append(self, expected: int, entries: Sequence[NewEntry]) -> None:
        """Add entries durably at `expected`; raises as `Store.append`."""
        begun_s = time.perf_counter()
        try:
            await self._run(self._appending, lambda: self._store.append(self._partition, expected, entries))
        except (Refusal, StoreIndeterminate) as error:
            self.failure = str(error)
            raise
        self.failure = None
        self._on_append(entries=len(entries), seconds=time.perf_counter() - begun_s)

    async def find(self, request_id: str) -> int | None:
        """Return where the entry with this request id stands, or None."""
        return await self._run(self._appending, lambda: self._store.find(self._partition, request_id))

    async def read(self, start: int, limit: int) -> list[StoredEntry]:
        """Return a page of entries; an empty one is the end."""
        return await self._run(self._reading, lambda: self._store.read(self._partition, start, limit))

    async def latest_snapshot(self) -> Snapshot | None:
        """Return the newest good snapshot, or None."""
        return await self._run(self._reading, lambda: self._store.latest_snapshot(self._partition))

    async def save_snapshot(self, sequence: int, body: bytes) -> None:
        """Keep a snapshot."""
        await self._run(self._appending, lambda: self._store.save_snapshot(self._partition, sequence, body))

    def close(self) -> None:
        """Wait for what is running and end the threads."""
        self._appending.shutdown(wait=True)
        self._reading.shutdown(wait=True)

    async def _run(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
