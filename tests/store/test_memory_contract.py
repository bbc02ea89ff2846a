"""The store in memory keeps the contract, and its faults do what the simulator counts on."""

from __future__ import annotations

import pytest
from hypothesis import settings

from clearline.model.refusal import RefusalCode
from clearline.store.port import NewEntry, Store, StoreIndeterminate
from clearline.testing.memory_store import DiskFault, MemoryDisk, MemoryStore
from clearline.testing.store_bench import refuses
from clearline.testing.store_contract import StoreContract
from clearline.testing.store_machine import store_machine


class MemoryBench:
    """A disk that outlives the stores on it."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()

    def open(self) -> Store:
        return MemoryStore(self.disk)

    def damage_entry(self, partition: str, sequence: int) -> None:
        self.disk.damage_entry(partition, sequence)

    def damage_snapshot(self, partition: str) -> None:
        self.disk.damage_snapshot(partition)

    def roll_back(self, partition: str, head: int) -> None:
        self.disk.roll_back(partition, head)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return MemoryBench()


TestMemoryMachine = store_machine(MemoryBench).TestCase
TestMemoryMachine.settings = settings(max_examples=60, stateful_step_count=30)


def one(number: int) -> list[NewEntry]:
    return [NewEntry(f"r{number}", b"x")]


def test_an_honest_disk_keeps_what_was_acknowledged_and_ends_the_old_store() -> None:
    """After a crash the old store object is dead; the new one sees everything."""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    store.append("p", 0, one(0))
    assert disk.crash() == 0
    with refuses(RefusalCode.STORE_UNAVAILABLE):
        store.append("p", 1, one(1))
    assert MemoryStore(disk).head("p", known_head=1) == 1


def test_a_lying_disk_loses_what_it_did_not_sync() -> None:
    """Five acknowledged, synced by threes: two are gone, and a known head notices."""
    disk = MemoryDisk(sync_every=3)
    store = MemoryStore(disk)
    for number in range(5):
        store.append("p", number, one(number))
    assert disk.crash() == 2
    again = MemoryStore(disk)
    with refuses(RefusalCode.STORE_ROLLED_BACK):
        again.head("p", known_head=5)
    assert again.append("p", 3, one(4)) == 4


@pytest.mark.parametrize(("fault", "head"), [(DiskFault.CUT_LOST, 1), (DiskFault.CUT_KEPT, 2)])
def test_a_cut_append_is_there_whole_or_not_at_all(fault: DiskFault, head: int) -> None:
    """And the next append goes on from where the disk stands."""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    store.append("p", 0, one(0))
    disk.fail_next(fault)
    with pytest.raises(StoreIndeterminate):
        store.append("p", 1, one(1))
    assert store.head("p") == head
    assert (store.find("p", "r1") is not None) == (head == 2)
    assert store.append("p", head, one(2)) == head + 1


def test_a_full_disk_refuses_until_it_is_mended() -> None:
    """Nothing of the refused appends is there."""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    disk.fail_next(DiskFault.FULL, times=9)
    for _ in range(2):
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            store.append("p", 0, one(0))
    disk.mend()
    assert store.append("p", 0, one(0)) == 1
