"""A store as a journal: off the loop, measured, and honest about its last failure. And the system's own ports."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.chance import SystemChance
from clearline.node.clock import SystemClock
from clearline.node.store_journal import StoreJournal
from clearline.store.port import NewEntry, StoreConflict, StoreIndeterminate
from clearline.testing.memory_store import DiskFault, MemoryDisk, MemoryStore

ENTRY = NewEntry("one", b"body")


def test_what_is_appended_is_read_back() -> None:
    async def story() -> None:
        seen: list[int] = []
        journal = StoreJournal(
            MemoryStore(MemoryDisk()),
            on_append=lambda *, entries, seconds: seen.append(entries if seconds >= 0 else -1),
        )
        assert await journal.head() == 0
        await journal.append(0, [ENTRY, NewEntry("two", b"more")])
        assert await journal.head() == 2
        assert [one.body for one in await journal.read(0, 10)] == [b"body", b"more"]
        assert await journal.find("two") == 1
        assert await journal.find("three") is None
        assert await journal.latest_snapshot() is None
        await journal.save_snapshot(2, b"state")
        snapshot = await journal.latest_snapshot()
        assert snapshot is not None
        assert (snapshot.sequence, snapshot.body) == (2, b"state")
        assert seen == [2]
        journal.close()

    asyncio.run(story())


def test_a_failure_is_remembered_until_a_write_succeeds() -> None:
    async def story() -> None:
        disk = MemoryDisk()
        journal = StoreJournal(MemoryStore(disk))
        disk.fail_next(DiskFault.FULL)
        with pytest.raises(Refusal) as caught:
            await journal.append(0, [ENTRY])
        assert caught.value.code is RefusalCode.STORE_UNAVAILABLE
        assert journal.failure is not None
        disk.fail_next(DiskFault.CUT_LOST)
        with pytest.raises(StoreIndeterminate):
            await journal.append(0, [ENTRY])
        assert "cut off" in str(journal.failure)
        await journal.append(0, [ENTRY])
        assert str(journal.failure) == "None"
        with pytest.raises(StoreConflict):
            await journal.append(0, [ENTRY])
        journal.close()

    asyncio.run(story())


def test_the_loop_goes_on_while_the_disk_is_slow() -> None:
    """Appends run in one thread, reads in another: a stuck append does not hold up a read, nor the loop."""

    async def story() -> None:
        store = MemoryStore(MemoryDisk())
        journal = StoreJournal(store)
        entered, go_on = threading.Event(), threading.Event()
        append = store.append

        def slow(*given: object) -> int:
            entered.set()
            assert go_on.wait(20)
            return append(*given)  # type: ignore[arg-type]

        store.append = slow  # type: ignore[method-assign, assignment]
        writing = asyncio.create_task(journal.append(0, [ENTRY]))
        await asyncio.to_thread(entered.wait, 20)
        assert await journal.head() == 0
        go_on.set()
        await writing
        assert await journal.head() == 1
        journal.close()

    asyncio.run(story())


def test_the_systems_clock_and_chance() -> None:
    first, second = SystemClock().now_ms(), SystemClock().now_ms()
    assert 1_700_000_000_000 < first <= second
    chance = SystemChance()
    ids = {chance.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in ids)
    assert all(0.0 <= chance.fraction() < 1.0 for _ in range(100))
    assert len({chance.new_secret() for _ in range(100)}) == 100
