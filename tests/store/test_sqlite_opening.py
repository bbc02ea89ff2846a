"""What stands at the path decides: ours and whole, or a coded refusal; a refused file is left as it was."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clearline.model.refusal import Refusal, RefusalCode
from clearline.store.files import journal_of
from clearline.store.journal import _summed, commits_behind_break
from clearline.store.port import NewEntry, entries_from
from clearline.store.sqlite import SqliteStore
from clearline.testing.store_bench import refuses

FRAME_BYTES = 24 + 4_096


def new(number: int) -> NewEntry:
    return NewEntry(f"r{number}", random.Random(number).randbytes(900))


def filled(path: Path, count: int = 40) -> Path:
    """Make a store of `count` entries, ten to a commit, closed in order."""
    with SqliteStore.open(path) as store:
        for start in range(0, count, 10):
            store.append("p", start, [new(number) for number in range(start, start + 10)])
    return path


def crashed(directory: Path, commits: int = 6) -> Path:
    """Return a store as a crash leaves it: the entries are in the write-ahead log only."""
    image = directory / "image"
    image.mkdir()
    with SqliteStore.open(directory / "live.db") as store:
        for number in range(commits):
            store.append("p", number, [new(number)])
        shutil.copy(directory / "live.db", image / "store.db")
        shutil.copy(directory / "live.db-wal", image / "store.db-wal")
    return image / "store.db"


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 0x5A]))


def frames(path: Path) -> int:
    return (journal_of(path).stat().st_size - 32) // FRAME_BYTES


# --- what is no store


def foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
        connection.commit()


def later(path: Path) -> None:
    filled(path)
    with path.open("r+b") as file:
        file.seek(60)
        file.write(struct.pack(">I", 2))


def orphan_journal(path: Path) -> None:
    journal_of(path).write_bytes(b"x" * 100)


def half(path: Path) -> None:
    filled(path)
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b""), RefusalCode.STORE_DAMAGED),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), RefusalCode.STORE_DAMAGED),
        (lambda path: path.write_bytes(random.Random(1).randbytes(100_000)), RefusalCode.STORE_DAMAGED),
        (orphan_journal, RefusalCode.STORE_DAMAGED),
        (half, RefusalCode.STORE_DAMAGED),
        (foreign, RefusalCode.STORE_FOREIGN),
        (later, RefusalCode.STORE_FOREIGN),
        (lambda path: path.mkdir(), RefusalCode.STORE_UNAVAILABLE),
        (os.mkfifo, RefusalCode.STORE_UNAVAILABLE),
    ],
    ids=["empty", "stub", "garbage", "journal alone", "half", "foreign", "later", "directory", "pipe"],
)
def test_what_is_no_store_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object], code: RefusalCode
) -> None:
    path = tmp_path / "store.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    for _ in range(2):  # the second time proves that the first left no lock behind
        with refuses(code):
            SqliteStore.open(path)
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("name", ["missing/store.db", "bad\0name"])
def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    """No directory is made: a missing one may be a mount that failed."""
    with refuses(RefusalCode.STORE_UNAVAILABLE):
        SqliteStore.open(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b.db", "50% #1?.db", "ж.db", "file:x.db"])
def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    """SQLite would read some of them as addresses with options."""
    filled(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {name, name + ".lock"}


def test_a_creation_that_was_cut_off_starts_over(tmp_path: Path) -> None:
    """The half-made file has another name; it is never taken for a store."""
    (tmp_path / "store.db.new").write_bytes(b"half")
    (tmp_path / "store.db.new-journal").write_bytes(b"half")
    filled(tmp_path / "store.db")
    assert {path.name for path in tmp_path.iterdir()} == {"store.db", "store.db.lock"}
    assert (tmp_path / "store.db").stat().st_mode & 0o077 == 0, "the log is nobody else's to read"


# --- held by somebody else

HOLD = """
import sys
from pathlib import Path
from clearline.store.sqlite import SqliteStore
store = SqliteStore.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""
READ = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
connection.execute("BEGIN"); connection.execute("SELECT * FROM entry").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def other_process(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_holds_the_store_until_that_one_is_killed(tmp_path: Path) -> None:
    """kill -9 frees it at once: the lock is the kernel's, not a file's existence."""
    path = filled(tmp_path / "store.db")
    (tmp_path / "other name.db").symlink_to(path)
    with other_process(HOLD, path) as holder:
        for name in (path, tmp_path / "other name.db"):
            with pytest.raises(Refusal) as caught:
                SqliteStore.open(name)
            assert caught.value.code is RefusalCode.STORE_IN_USE
            assert caught.value.found == f"held by process {holder.pid}"
        holder.kill()
        holder.wait()
        with SqliteStore.open(path) as store:
            assert store.head("p") == 40


def test_another_program_on_the_file_is_noticed(tmp_path: Path) -> None:
    """It does not know our lock file; SQLite's own lock tells."""
    path = filled(tmp_path / "store.db")
    with other_process(READ, path), refuses(RefusalCode.STORE_IN_USE):
        SqliteStore.open(path)
    with SqliteStore.open(path) as store:
        assert store.verify() == 40
        with pytest.raises(subprocess.CalledProcessError):
            subprocess.run([sys.executable, "-c", READ, str(path)], check=True, capture_output=True)


# --- rights


def as_nobody(act: Callable[[], object]) -> str:
    """Run `act` without the rights of root and return the code it was refused with."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        answer = "taken"
        try:
            if not os.getuid():
                os.setgid(65_534)
                os.setuid(65_534)
            act()
        except Refusal as refusal:
            answer = refusal.code.value
        finally:
            os.write(writer, answer.encode())
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user may enter, which pytest's is not."""
    directory = Path(tempfile.mkdtemp(prefix="clearline-store-"))
    directory.chmod(0o777)
    yield directory
    directory.chmod(0o777)
    shutil.rmtree(directory)


@pytest.mark.parametrize("lock_exists", [True, False])
@pytest.mark.parametrize(("file_mode", "directory_mode"), [(0o444, 0o777), (0o666, 0o555), (0o000, 0o777)])
def test_without_the_right_to_write_it_is_refused_at_once(
    open_directory: Path, file_mode: int, directory_mode: int, lock_exists: bool
) -> None:
    """A store that can only be read is no store: the first append would fail in the middle of the night."""
    path = filled(open_directory / "store.db")
    lock = path.with_name("store.db.lock")
    lock.chmod(0o666)
    if not lock_exists:
        lock.unlink()
    path.chmod(file_mode)
    open_directory.chmod(directory_mode)
    assert as_nobody(lambda: SqliteStore.open(path)) == "STORE_UNAVAILABLE"
    open_directory.chmod(0o777)
    path.chmod(0o666)
    with SqliteStore.open(path) as store:
        assert store.verify() == 40


def test_a_new_store_in_a_directory_that_cannot_be_written_is_refused(open_directory: Path) -> None:
    open_directory.chmod(0o555)
    assert as_nobody(lambda: SqliteStore.open(open_directory / "store.db")) == "STORE_UNAVAILABLE"
    assert list(open_directory.iterdir()) == []


# --- damage


def test_any_damaged_byte_is_found_or_harmless(tmp_path: Path) -> None:
    """200 bytes at random places: what can be read is right, or it is refused as damaged. Never anything else."""
    path = filled(tmp_path / "store.db", 100)
    whole = path.read_bytes()
    wanted = [(number, f"r{number}", new(number).body) for number in range(100)]
    found = 0
    source = random.Random(7)
    for _ in range(200):
        offset = source.randrange(len(whole))
        path.write_bytes(whole)
        flip(path, offset)
        try:
            with SqliteStore.open(path) as store:
                read = [(e.sequence, e.request_id, e.body) for e in entries_from(store, "p", 0)]
                assert read == wanted, f"byte {offset}"
                store.verify()
        except Refusal as refusal:
            assert refusal.code in {RefusalCode.STORE_DAMAGED, RefusalCode.STORE_FOREIGN}, f"byte {offset}: {refusal}"
            found += 1
    assert found > 100


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM entry WHERE sequence = 39",
        "DELETE FROM entry WHERE sequence = 20",
        "DELETE FROM partition_head",
        "UPDATE partition_head SET head = 39",
        "UPDATE partition_head SET head = 41",
        "UPDATE partition_head SET partition = 'q'",
        "UPDATE entry SET sequence = 40 WHERE sequence = 39",
        "UPDATE entry SET body = 'text' WHERE sequence = 39",
        "UPDATE entry SET request_id = 'other' WHERE sequence = 39",
        "UPDATE entry SET body = (SELECT body FROM entry WHERE sequence = 1) WHERE sequence = 39",
        "DROP TABLE lease",
        "CREATE TABLE more (a)",
    ],
)
def test_contents_that_do_not_fit_together_are_refused_at_opening(tmp_path: Path, change: str) -> None:
    """What the last commit could have left half done is looked at in a store of any size."""
    path = filled(tmp_path / "store.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
    with refuses(RefusalCode.STORE_DAMAGED):
        SqliteStore.open(path)


def test_damage_far_from_the_end_is_found_by_verify_and_stops_appends(tmp_path: Path) -> None:
    """Reading goes on, so that what is whole can be saved."""
    path = filled(tmp_path / "store.db", 200)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM entry WHERE sequence = 5")
    with SqliteStore.open(path) as store:
        assert store.append("p", 200, [new(200)]) == 201
        with refuses(RefusalCode.STORE_DAMAGED):
            store.verify()
        with refuses(RefusalCode.STORE_DAMAGED):
            store.append("p", 201, [new(201)])
        assert len(store.read("p", 6, 1_000)) == 195


# --- the write-ahead log


def test_a_crash_leaves_a_log_that_is_taken_up(tmp_path: Path) -> None:
    path = crashed(tmp_path)
    assert frames(path) >= 6
    assert commits_behind_break(journal_of(path), page_bytes=4_096) == 0
    with SqliteStore.open(path) as store:
        assert store.head("p", known_head=6) == 6
        assert store.verify() == 6


def test_a_log_damaged_before_acknowledged_commits_is_refused_untouched(tmp_path: Path) -> None:
    """SQLite alone would drop them in silence, and this test shows that it would."""
    path = crashed(tmp_path)
    flip(journal_of(path), 32 + 24 + 100)
    before = journal_of(path).read_bytes()
    for _ in range(2):
        with refuses(RefusalCode.STORE_DAMAGED):
            SqliteStore.open(path)
    assert journal_of(path).read_bytes() == before
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)


@pytest.mark.parametrize("offset", [0, 5, 9, 17, 25])
def test_a_log_whose_header_is_damaged_is_refused(tmp_path: Path, offset: int) -> None:
    """Magic, version, page size, salt, checksum: the header is synced before any frame, so this is no cut."""
    path = crashed(tmp_path)
    flip(journal_of(path), offset)
    with refuses(RefusalCode.STORE_DAMAGED):
        SqliteStore.open(path)


def test_damage_in_the_last_commit_alone_looks_like_a_cut_and_a_known_head_tells(tmp_path: Path) -> None:
    path = crashed(tmp_path)
    flip(journal_of(path), journal_of(path).stat().st_size - 1)
    with SqliteStore.open(path) as store, refuses(RefusalCode.STORE_ROLLED_BACK):
        store.head("p", known_head=6)


def test_a_missing_log_is_a_rollback_that_a_known_head_tells(tmp_path: Path) -> None:
    path = crashed(tmp_path)
    journal_of(path).unlink()
    with SqliteStore.open(path) as store, refuses(RefusalCode.STORE_ROLLED_BACK):
        store.head("p", known_head=6)


def test_the_log_is_read_in_either_byte_order(tmp_path: Path) -> None:
    """A log written on a big-endian machine: the same frames with the other checksums."""
    import numpy as np

    path = journal_of(crashed(tmp_path))
    raw = bytearray(path.read_bytes())
    raw[3] |= 1

    def words(data: bytes) -> object:
        return np.frombuffer(data, ">u4").astype(np.uint32)

    state = _summed((0, 0), words(bytes(raw[:24])))  # type: ignore[arg-type]
    raw[24:32] = struct.pack(">2I", *state)
    for start in range(32, len(raw) - FRAME_BYTES + 1, FRAME_BYTES):
        covered = bytes(raw[start : start + 8] + raw[start + 24 : start + FRAME_BYTES])
        state = _summed(state, words(covered))  # type: ignore[arg-type]
        raw[start + 16 : start + 24] = struct.pack(">2I", *state)
    path.write_bytes(raw)
    assert commits_behind_break(path, page_bytes=4_096) == 0
    flip(path, 100)
    assert commits_behind_break(path, page_bytes=4_096) == 6
