"""A disk for SQLite that loses what was not synced, and fails when told to: power cuts without pulling a plug.

Rules
 * What SQLite wrote is seen by SQLite at once, and is in the file only after a sync.
 * At a cut each unsynced 512-byte sector survives or not, by chance and each for itself; so do truncations, and
   deletions whose directory was not synced. A sector holds its last surviving write.
 * From the cut on everything fails. What survived is in the directory, for another process or another disk to open.
 * The store's own code runs on it unchanged: only the connection is another (APSW; it brings its own SQLite).

Never open a file here while the standard library's SQLite has it open in the same process: two copies of SQLite do not
know of each other, and POSIX would drop the locks of one when the other closes the file.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import apsw

from clearline.store.connection import Connect, Connection, EngineError, Row, fault_of

__all__ = ["LossyDisk", "connect_lossy"]

SECTOR_BYTES: Final = 512
FULL: Final = 13
IOERR: Final = 10
IOERR_FSYNC: Final = 10 | 4 << 8

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class _Write:
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Truncate:
    size: int


@dataclass(slots=True)
class _Content:
    """What SQLite sees of one file, and how the real file differs from it."""

    image: bytearray
    pending: list[_Write | _Truncate] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        if offset > len(self.image):
            self.image.extend(bytes(offset - len(self.image)))
        self.image[offset : offset + len(data)] = data
        self.pending.append(_Write(offset, data))

    def truncate(self, size: int) -> None:
        del self.image[size:]
        self.pending.append(_Truncate(size))


def _engine_fault(code: int) -> apsw.Error:
    error: apsw.Error = apsw.FullError("disk full") if code == FULL else apsw.IOError("disk error")
    # APSW's types leave out the attributes that its documentation gives every error.
    vars(error).update(result=code & 0xFF, extendedresult=code)
    return error


@final
class LossyDisk(apsw.VFS):
    """A file system over the real one.

    `cut_at` cuts the power at that many changing operations, `cut_at_sync` at that many syncs: there most is at stake,
    for a whole transaction is written and none of it is safe.
    """

    def __init__(self, *, randomness: random.Random, cut_at: int | None = None, cut_at_sync: int | None = None) -> None:
        self.name = f"clearline-lossy-{next(_numbers)}"
        self.randomness = randomness
        self.cut_at = cut_at
        self.cut_at_sync = cut_at_sync
        self.operations = 0
        self.syncs = 0
        self.dead = False
        self.write_fault = 0
        """A SQLite result code that every write gives, 0 for none."""
        self.sync_fault = 0
        """The same for syncs."""
        self.before_write: Callable[[bytes], None] | None = None
        """Called with what is about to be written; it may set `write_fault` for a write in the middle."""
        self.contents: dict[str, _Content] = {}
        self._deleted: dict[str, bytes] = {}
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> LossyFile:  # noqa: D102, N802
        self.check()
        return LossyFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: D102, FBT001, N802
        self.step()
        path = Path(filename)
        if path.exists():
            self._deleted[filename] = path.read_bytes()
        if syncdir:
            self._deleted.clear()
        self.contents.pop(filename, None)
        super().xDelete(filename, syncdir)

    def check(self) -> None:
        """Fail if the power is gone."""
        if self.dead:
            raise _engine_fault(IOERR)

    def step(self) -> None:
        """Count a changing operation; cut the power if it is time."""
        self.check()
        self.operations += 1
        if self.operations == self.cut_at:
            self.cut()
            raise _engine_fault(IOERR)

    def step_sync(self) -> None:
        """Count a sync; cut the power before it if it is time."""
        self.syncs += 1
        if self.syncs == self.cut_at_sync:
            self.cut()
            raise _engine_fault(IOERR)

    def cut(self) -> None:
        """Cut the power: a part of what was not synced reaches the files, the rest never does."""
        self.dead = True
        survival = self.randomness.choice([0.0, 0.5, 0.9])
        for filename, content in self.contents.items():
            path = Path(filename)
            if path.exists():
                self._write_survivors(path, content, survival)
        for filename, data in self._deleted.items():
            if not Path(filename).exists() and self.randomness.random() < 0.5:
                Path(filename).write_bytes(data)

    def _write_survivors(self, path: Path, content: _Content, survival: float) -> None:
        with path.open("r+b") as real:
            for change in content.pending:
                if isinstance(change, _Truncate):
                    if self.randomness.random() < survival:
                        real.truncate(change.size)
                    continue
                start = change.offset
                end = start + len(change.data)
                while start < end:
                    stop = min(end, start - start % SECTOR_BYTES + SECTOR_BYTES)
                    if self.randomness.random() < survival:
                        real.seek(start)
                        real.write(change.data[start - change.offset : stop - change.offset])
                    start = stop


@final
class LossyFile(apsw.VFSFile):
    """An open file of a `LossyDisk`. Locks are the real file system's."""

    def __init__(self, disk: LossyDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        if filename is None:
            self._content = _Content(bytearray())
        else:
            if filename not in disk.contents:
                disk.contents[filename] = _Content(bytearray(Path(filename).read_bytes()))
            self._content = disk.contents[filename]

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.check()
        return bytes(self._content.image[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.step()
        if self._disk.before_write is not None:
            self._disk.before_write(data)
        if self._disk.write_fault:
            raise _engine_fault(self._disk.write_fault)
        self._content.write(offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.step()
        self._content.truncate(newsize)

    def xFileSize(self) -> int:  # noqa: N802
        self._disk.check()
        return len(self._content.image)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, N802
        self._disk.step()
        self._disk.step_sync()
        if self._disk.sync_fault:
            raise _engine_fault(self._disk.sync_fault)
        for change in self._content.pending:
            if isinstance(change, _Truncate):
                super().xTruncate(change.size)
            else:
                super().xWrite(change.data, change.offset)
        self._content.pending.clear()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        code = max(getattr(error, "extendedresult", 1), getattr(error, "result", 1), 1)
        raise EngineError(fault_of(code), str(error)) from error


@final
class _LossyConnection:
    """APSW as a `Connection`; `instead` replaces whole statements."""

    def __init__(self, path: str, disk: LossyDisk, instead: dict[str, str]) -> None:
        self._instead = instead
        with _translated():
            self._connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, vfs=disk.name)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with _translated():
            return list(self._connection.execute(self._instead.get(sql, sql), tuple(parameters)))

    def stream(self, sql: str, parameters: Sequence[object] = ()) -> Generator[Row, None, None]:
        yield from self.rows(sql, parameters)

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        with _translated():
            for _ in self._connection.executemany(sql, parameters):
                pass

    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def close(self) -> None:
        with _translated():
            self._connection.close(True)  # noqa: FBT003  (force: a dead disk fails here, and is let go of)


def connect_lossy(disk: LossyDisk, *, instead: dict[str, str] | None = None) -> Connect:
    """Return what opens connections on `disk`, each statement in `instead` being replaced by another."""

    def connect(path: str) -> Connection:
        return _LossyConnection(path, disk, instead or {})

    return connect
