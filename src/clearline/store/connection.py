"""The small part of a SQLite connection that the store needs, and the standard library behind it.

Rules
 * An engine's exceptions end here: callers see `EngineError` with one of the few `Fault`s they can act on.
 * Nothing waits for a lock: a file that somebody else holds is a fault at once.
 * The same statements run on another SQLite binding or file system if it offers `Connection`; the power-cut tests do.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, final

__all__ = ["Connect", "Connection", "EngineError", "Fault", "Row", "connect_sqlite", "fault_of"]

Row = tuple[Any, ...]
"""A row as the engine gives it: not yet checked, for a damaged file may hold any type anywhere."""


class Fault(StrEnum):
    """What went wrong, by what can be done about it."""

    FULL = "disk full"
    BUSY = "held by another program"
    READ_ONLY = "read-only"
    DAMAGED = "damaged"
    CONSTRAINT = "a key is taken"
    BROKEN = "input or output error"
    UNEXPECTED = "unexpected"
    """A fault of our own: a wrong statement or a wrong use of the binding."""


@final
class EngineError(Exception):
    """A statement failed. `detail` is the engine's own text."""

    def __init__(self, fault: Fault, detail: str) -> None:
        self.fault = fault
        self.detail = detail
        super().__init__(f"{fault}: {detail}")


class Connection(Protocol):
    """One connection to one database file. Not safe for threads: the store holds a lock around it."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement to its end and return its rows."""
        ...

    def stream(self, sql: str, parameters: Sequence[object] = ()) -> Generator[Row, None, None]:
        """Run one statement and yield its rows; closing the iterator early ends the statement."""
        ...

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        """Run one statement that gives no rows, once for each set of parameters."""
        ...

    def in_transaction(self) -> bool:
        """Say whether a transaction is open."""
        ...

    def close(self) -> None:
        """Close the connection; an open transaction is lost."""
        ...


class Connect(Protocol):
    """Opens the database file at an absolute path, which must exist: a missing one is never made by accident."""

    def __call__(self, path: str) -> Connection:
        """Open `path`."""
        ...


SQLITE_VERSION_MIN: Final = (3, 35, 0)
"""The first with RETURNING (2021-03-12)."""

# https://www.sqlite.org/rescode.html; the low byte of an extended code is its primary code.
_FAULTS: Final = {
    5: Fault.BUSY,
    6: Fault.BUSY,
    8: Fault.READ_ONLY,
    11: Fault.DAMAGED,
    13: Fault.FULL,
    19: Fault.CONSTRAINT,
    26: Fault.DAMAGED,
    3: Fault.BROKEN,
    7: Fault.BROKEN,
    10: Fault.BROKEN,
    14: Fault.BROKEN,
    15: Fault.BROKEN,
    22: Fault.BROKEN,
    23: Fault.BROKEN,
}
_DAMAGE_EXTENDED: Final = frozenset({10 | 2 << 8, 10 | 32 << 8, 10 | 33 << 8})
"""IOERR_SHORT_READ, IOERR_DATA, IOERR_CORRUPTFS: the disk answers, but not with what was written."""


def fault_of(code: int) -> Fault:
    """Return the fault for a SQLite result code, primary or extended."""
    if code in _DAMAGE_EXTENDED:
        return Fault.DAMAGED
    return _FAULTS.get(code & 0xFF, Fault.UNEXPECTED)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Python's own errors (a closed connection) carry no code; they are ours.
        code = getattr(error, "sqlite_errorcode", 1)
        raise EngineError(fault_of(code), str(error)) from error


def _text(raw: bytes) -> str:
    """Decode without failing: damaged text must reach the checksum, which then names the entry."""
    return raw.decode("utf-8", "surrogateescape")


@final
class _SqliteConnection:
    """The standard library's connection in autocommit mode: transactions are statements of ours."""

    def __init__(self, path: str) -> None:
        with _translated():
            # Threads are kept apart by the store's lock; the library itself is built serialized as well.
            self._connection = sqlite3.connect(
                f"{Path(path).as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection.text_factory = _text

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with _translated():
            return self._connection.execute(sql, tuple(parameters)).fetchall()

    def stream(self, sql: str, parameters: Sequence[object] = ()) -> Generator[Row, None, None]:
        with _translated(), contextlib.closing(self._connection.execute(sql, tuple(parameters))) as cursor:
            yield from cursor

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        with _translated():
            self._connection.executemany(sql, parameters)

    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def close(self) -> None:
        with _translated():
            self._connection.close()


def connect_sqlite(path: str) -> Connection:
    """Open `path` with the standard library's SQLite.

    Raises:
        EngineError: The file cannot be opened, or the library is older than what the statements need.
    """
    if sqlite3.sqlite_version_info < SQLITE_VERSION_MIN:
        raise EngineError(Fault.BROKEN, f"SQLite {sqlite3.sqlite_version}, needs 3.35 or later")
    return _SqliteConnection(path)
