"""Disks that fill and come back, commits that are cut off, files that vanish: refused with a code, then usable."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest

from clearline.model.refusal import InternalError, RefusalCode
from clearline.store import access, statements
from clearline.store.connection import Connection, EngineError, Fault, Row, connect_sqlite, fault_of
from clearline.store.files import journal_of
from clearline.store.port import NewEntry, StoreIndeterminate, entries_from
from clearline.store.sqlite import SqliteStore
from clearline.testing.power_cut import FULL, IOERR, IOERR_FSYNC, LossyDisk, connect_lossy
from clearline.testing.store_bench import refuses


def new(number: int, *, size: int = 900) -> NewEntry:
    return NewEntry(f"r{number}", random.Random(number).randbytes(size))


def check_again(path: Path, directory: Path, count: int) -> None:
    """Open a copy with the production engine: exactly `count` entries, all right."""
    directory.mkdir()
    for file in (path, journal_of(path)):
        if file.exists():
            shutil.copy(file, directory / file.name)
    with SqliteStore.open(directory / path.name) as store:
        assert store.verify() == count
        assert [e.body for e in entries_from(store, "p", 0)] == [new(n).body for n in range(count)]


@pytest.fixture
def disk() -> LossyDisk:
    return LossyDisk(randomness=random.Random(1))


@pytest.fixture
def store(tmp_path: Path, disk: LossyDisk) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "store.db", connect=connect_lossy(disk))
    opened.append("p", 0, [new(0), new(1)])
    yield opened
    opened.close()


# --- the disk


def test_a_full_disk_refuses_and_is_used_again_when_there_is_room(
    tmp_path: Path, disk: LossyDisk, store: SqliteStore
) -> None:
    """Nothing of the refused append is there, then or later."""
    for _ in range(3):
        disk.write_fault = FULL
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            store.append("p", 2, [new(number) for number in range(2, 30)])
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            store.save_snapshot("p", 2, b"state")
        assert store.head("p") == 2
        assert store.find("p", "r2") is None
        assert len(store.read("p", 0, 100)) == 2
        disk.write_fault = 0
    assert store.append("p", 2, [new(2)]) == 3
    disk.cut()
    check_again(tmp_path / "store.db", tmp_path / "after", 3)


def test_appends_that_fill_the_disk_at_their_commit_mark_do_not_look_like_damage(
    tmp_path: Path, disk: LossyDisk, store: SqliteStore
) -> None:
    """The mark is written, its page is not: such marks must not add up behind the end of the log (journal.py)."""
    marked = False

    def fill_after_mark(data: bytes) -> None:
        nonlocal marked
        disk.write_fault = FULL if marked else 0
        marked = len(data) == 24 and data[4:8] != bytes(4)

    for count in (30, 20, 10):
        disk.before_write = fill_after_mark
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            store.append("p", 2, [new(2 + number) for number in range(count)])
        disk.before_write, disk.write_fault, marked = None, 0, False
    store.append("p", 2, [new(2)])  # syncs what the failed ones left in the log
    disk.cut()
    check_again(tmp_path / "store.db", tmp_path / "after", 3)


@pytest.mark.parametrize("code", [IOERR, IOERR_FSYNC])
@pytest.mark.parametrize("failing", ["write_fault", "sync_fault"])
def test_a_failed_commit_is_open_until_the_disk_answers(
    tmp_path: Path, disk: LossyDisk, store: SqliteStore, failing: str, code: int
) -> None:
    """Until then everything is refused; then the head and the request id agree, and appending goes on."""
    setattr(disk, failing, code)
    with pytest.raises(StoreIndeterminate) as caught:
        store.append("p", 2, [new(2), new(3)])
    assert (caught.value.partition, caught.value.expected) == ("p", 2)
    if failing == "sync_fault":
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            store.head("p")
    setattr(disk, failing, 0)
    head = store.head("p", known_head=2)
    assert head in {2, 4}
    assert (store.find("p", "r2"), store.find("p", "r3")) == ((2, 3) if head == 4 else (None, None))
    assert store.append("p", head, [new(number) for number in range(head, 6)]) == 6
    disk.cut()
    check_again(tmp_path / "store.db", tmp_path / "after", 6)


def test_what_a_head_says_after_a_cut_commit_is_durable(tmp_path: Path, disk: LossyDisk, store: SqliteStore) -> None:
    """The frames were written but their sync failed: seen again means synced by then, for a cut comes at once."""
    disk.sync_fault = IOERR_FSYNC
    with pytest.raises(StoreIndeterminate):
        store.append("p", 2, [new(2)])
    disk.sync_fault = 0
    head = store.head("p")
    disk.cut()
    check_again(tmp_path / "store.db", tmp_path / "after", head)


def test_snapshots_and_leases_cut_off_are_refused(disk: LossyDisk, store: SqliteStore) -> None:
    """Either is harmless if it did happen."""
    calls: list[Callable[[], object]] = [
        lambda: store.save_snapshot("p", 2, b"state"),
        lambda: store.take_lease("p", "n", 0, 10),  # the same lease again would not even be written
        lambda: store.release_lease("p", "n"),
    ]
    for call in calls:
        store.take_lease("p", "n", 0, 9)
        disk.sync_fault = IOERR
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            call()
        disk.sync_fault = 0
        assert store.head("p") == 2


def test_a_log_that_cannot_be_folded_back_is_noticed_before_it_fills_the_disk(
    disk: LossyDisk, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite keeps silent about it; the size of the log does not."""
    monkeypatch.setattr(access, "STORE_JOURNAL_BYTES_MAX", 1)
    disk.sync_fault = IOERR
    with refuses(RefusalCode.STORE_UNAVAILABLE):
        store.append("p", 2, [new(2)])
    disk.sync_fault = 0
    assert store.append("p", 2, [new(2)]) == 3


def test_a_disk_that_fails_while_the_store_is_made_leaves_none(tmp_path: Path, disk: LossyDisk) -> None:
    disk.write_fault = FULL
    with refuses(RefusalCode.STORE_UNAVAILABLE):
        SqliteStore.open(tmp_path / "other.db", connect=connect_lossy(disk))
    assert not (tmp_path / "other.db").exists()
    disk.write_fault = 0
    SqliteStore.open(tmp_path / "other.db", connect=connect_lossy(disk)).close()


def test_the_real_file_system_says_no(tmp_path: Path) -> None:
    """No stand-in: the kernel refuses to let the file grow, and later lets it."""
    with SqliteStore.open(tmp_path / "store.db") as store:
        store.append("p", 0, [new(0)])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        try:
            with pytest.raises(StoreIndeterminate):
                store.append("p", 1, [new(number, size=50_000) for number in range(1, 20)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.head("p", known_head=1) == 1
        assert store.append("p", 1, [new(1)]) == 2
        assert store.verify() == 2


# --- the answer is lost


class Interrupted:
    """A connection whose next COMMIT ends in `failure`, before it happens or after."""

    def __init__(self, path: str) -> None:
        self.inner = connect_sqlite(path)
        self.failure: BaseException | None = None
        self.happens = False

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        if sql == "COMMIT" and self.failure is not None:
            failure, self.failure = self.failure, None
            if self.happens:
                self.inner.rows(sql)
            raise failure
        return self.inner.rows(sql, parameters)

    def stream(self, sql: str, parameters: Sequence[object] = ()) -> Generator[Row, None, None]:
        return self.inner.stream(sql, parameters)

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        self.inner.run_many(sql, parameters)

    def in_transaction(self) -> bool:
        return self.inner.in_transaction()

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("happens", [True, False])
@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (EngineError(Fault.BROKEN, "cable out"), StoreIndeterminate),
        (EngineError(Fault.BUSY, "?"), StoreIndeterminate),
        (EngineError(Fault.DAMAGED, "?"), StoreIndeterminate),
        (EngineError(Fault.UNEXPECTED, "?"), StoreIndeterminate),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (MemoryError(), MemoryError),
    ],
    ids=lambda value: getattr(value, "detail", None) or type(value).__name__,
)
def test_after_a_commit_without_an_answer_the_disk_decides(
    tmp_path: Path, failure: BaseException, raised: type[BaseException], happens: bool
) -> None:
    """All of the append or nothing, the same in head, find and read; a repeat is recognised."""
    connections: list[Interrupted] = []

    def connect(path: str) -> Connection:
        connections.append(Interrupted(path))
        return connections[-1]

    with SqliteStore.open(tmp_path / "store.db", connect=connect) as store:
        store.append("p", 0, [new(0)])
        connections[-1].failure, connections[-1].happens = failure, happens
        with pytest.raises(raised):
            store.append("p", 1, [new(1), new(2)])
        head = store.head("p")
        assert head == (3 if happens else 1)
        assert store.find("p", "r2") == (2 if happens else None)
        assert len(store.read("p", 0, 10)) == head
        assert store.append("p", head, [new(3)]) == head + 1


def test_an_unexpected_fault_is_a_bug_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no answer to anybody's input."""
    with SqliteStore.open(tmp_path / "store.db") as store:
        monkeypatch.setattr(statements, "LEASE_TAKE", "no SQL")
        with pytest.raises(InternalError):
            store.take_lease("p", "n", 0, 1)
        assert store.append("p", 0, [new(0)]) == 1


# --- the ground goes away


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize("part", [lambda path: path, journal_of], ids=["database", "journal"])
@pytest.mark.parametrize("act", [remove, replace])
def test_a_file_that_was_removed_or_replaced_takes_nothing_more(
    tmp_path: Path, act: Callable[[Path], None], part: Callable[[Path], Path]
) -> None:
    """SQLite would go on writing to a file that nobody will ever find again."""
    path = tmp_path / "store.db"
    with SqliteStore.open(path) as store:
        store.append("p", 0, [new(0)])
        act(part(path))
        for _ in range(2):
            with refuses(RefusalCode.STORE_DAMAGED):
                store.append("p", 1, [new(1)])
        assert store.read("p", 0, 10)[0].body == new(0).body


def test_a_store_is_not_used_across_a_fork(tmp_path: Path) -> None:
    """Two processes with one SQLite connection damage the file."""
    with SqliteStore.open(tmp_path / "store.db") as store:
        child = os.fork()
        if not child:
            try:
                store.append("p", 0, [new(0)])
            except InternalError:
                os._exit(3)
            finally:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert store.append("p", 0, [new(0)]) == 1


@pytest.mark.parametrize(
    ("change", "call", "code"),
    [
        ("DELETE FROM entry WHERE sequence = 1", lambda s: s.read("p", 0, 9), RefusalCode.STORE_DAMAGED),
        ("DELETE FROM entry WHERE sequence = 2", lambda s: s.read("p", 0, 9), RefusalCode.STORE_DAMAGED),
        ("UPDATE entry SET body = 7 WHERE sequence = 1", lambda s: s.read("p", 1, 1), RefusalCode.STORE_DAMAGED),
        ("UPDATE entry SET sequence = 'x' WHERE sequence = 1", lambda s: s.find("p", "r1"), RefusalCode.STORE_DAMAGED),
        ("UPDATE partition_head SET head = 'x'", lambda s: s.head("p"), RefusalCode.STORE_DAMAGED),
        ("UPDATE partition_head SET head = 2", lambda s: s.append("p", 2, [new(9)]), RefusalCode.STORE_DAMAGED),
        ("UPDATE partition_head SET head = 2", lambda s: s.head("p"), RefusalCode.STORE_ROLLED_BACK),
    ],
)
def test_contents_that_change_under_an_open_store_are_noticed(
    tmp_path: Path, change: str, call: Callable[[SqliteStore], object], code: RefusalCode
) -> None:
    """A store remembers which heads it has shown, and believes no row without looking."""
    with SqliteStore.open(tmp_path / "store.db") as store:
        store.append("p", 0, [new(0), new(1), new(2)])
        with store._access.use() as connection:
            connection.rows(change)
        with refuses(code):
            call(store)


# --- the engine


def test_an_engine_that_ignores_a_setting_is_not_used(tmp_path: Path, disk: LossyDisk) -> None:
    """Here one that does not do FULL: what it acknowledged would not be safe."""
    SqliteStore.open(tmp_path / "store.db").close()
    for setting in ("PRAGMA synchronous = FULL", "PRAGMA locking_mode = EXCLUSIVE"):
        connect = connect_lossy(disk, instead={setting: "PRAGMA synchronous = NORMAL"})
        with refuses(RefusalCode.STORE_UNAVAILABLE):
            SqliteStore.open(tmp_path / "store.db", connect=connect)


def test_an_engine_that_is_too_old_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with refuses(RefusalCode.STORE_UNAVAILABLE):
        SqliteStore.open(tmp_path / "store.db")


# --- codes


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, Fault.FULL),
        (sqlite3.SQLITE_BUSY, Fault.BUSY),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Fault.BUSY),
        (sqlite3.SQLITE_READONLY_DIRECTORY, Fault.READ_ONLY),
        (sqlite3.SQLITE_IOERR_FSYNC, Fault.BROKEN),
        (sqlite3.SQLITE_CANTOPEN, Fault.BROKEN),
        (sqlite3.SQLITE_NOMEM, Fault.BROKEN),
        (sqlite3.SQLITE_IOERR_SHORT_READ, Fault.DAMAGED),
        (sqlite3.SQLITE_IOERR_CORRUPTFS, Fault.DAMAGED),
        (sqlite3.SQLITE_CORRUPT, Fault.DAMAGED),
        (sqlite3.SQLITE_NOTADB, Fault.DAMAGED),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Fault.CONSTRAINT),
        (sqlite3.SQLITE_MISUSE, Fault.UNEXPECTED),
        (sqlite3.SQLITE_ERROR, Fault.UNEXPECTED),
    ],
)
def test_each_result_code_has_its_fault(code: int, fault: Fault) -> None:
    """The engine's own names, against our numbers."""
    assert fault_of(code) is fault
