"""How the store reaches its file: one connection, one lock, transactions, and what every failure means.

Rules
 * One call at a time; the lock is held from a call's first statement to its last.
 * What fails before COMMIT is undone. What fails in COMMIT is open (`CutOffError`), unless the disk was full: then the
   frame with the commit mark was not written whole, and no recovery takes it.
 * After an open commit the connection is dropped. The next call opens the file anew, folds the write-ahead log back
   and syncs it, and only then answers.
 * Damage is remembered: writing stays refused, reading goes on with each row checked.
 * A file removed or replaced while open is refused before the next write: what is written there would go with it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self, final

from clearline.model.limits import STORE_JOURNAL_BYTES_MAX
from clearline.model.refusal import InternalError, Refusal, RefusalCode, invariant
from clearline.store.connection import Connect, Connection, EngineError, Fault
from clearline.store.files import (
    Identity,
    StoreLock,
    create_store,
    identity_of,
    inspect,
    journal_of,
    refused,
    resolve,
)
from clearline.store.opening import open_connection

__all__ = ["Access", "CutOffError"]

_CODES = {
    Fault.FULL: (RefusalCode.STORE_UNAVAILABLE, "free space on the disk"),
    Fault.BUSY: (RefusalCode.STORE_IN_USE, "no other program on this file"),
    Fault.READ_ONLY: (RefusalCode.STORE_UNAVAILABLE, "a file and directory that can be written"),
    Fault.BROKEN: (RefusalCode.STORE_UNAVAILABLE, "a disk that reads and writes"),
    Fault.DAMAGED: (RefusalCode.STORE_DAMAGED, "what was written"),
    Fault.CONSTRAINT: (RefusalCode.STORE_DAMAGED, "what was written"),
}


_CERTAIN = frozenset({Fault.FULL, Fault.CONSTRAINT})
"""After these the connection is whole and the transaction is known not to have happened."""


class CutOffError(Exception):
    """COMMIT failed in a way that leaves open whether it happened."""


@final
class Access:
    """The one connection to a store's file and the lock around it."""

    def __init__(self, path: Path, lock: StoreLock, connect: Connect) -> None:
        """For `open` only, which holds the lock already."""
        self._path = path
        self._file_lock = lock
        self._connect = connect
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._connection: Connection | None = None
        self._closed = False
        self._damage = ""
        self._journal_doubtful = False
        self._identities_opened: tuple[Identity | None, Identity | None] = (None, None)

    @classmethod
    def open(cls, path: Path, connect: Connect) -> Self:
        """Take the lock, inspect the files, make them if there are none, and connect.

        Raises:
            Refusal: STORE_IN_USE, STORE_FOREIGN, STORE_DAMAGED or STORE_UNAVAILABLE; nothing stays locked.
        """
        whole = resolve(path)
        lock = StoreLock(whole)
        store = cls(whole, lock, connect)
        opened = False
        try:
            try:
                if not inspect(whole):
                    create_store(whole, connect)
                store._reopen()
            except EngineError as error:
                raise store.refusal(error) from error
            except OSError as error:
                raise refused(error, whole) from error
            opened = True
        finally:
            if not opened:
                store.close()
        return store

    def close(self) -> None:
        """Drop the connection and let the lock go. A second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._drop_connection()
                self._file_lock.release()

    @contextlib.contextmanager
    def use(self, *, writing: bool = False) -> Iterator[Connection]:
        """Give the connection, opened anew if the last commit was cut off, under the lock; translate failures."""
        with self._lock:
            if self._closed:
                raise Refusal(RefusalCode.STORE_UNAVAILABLE, field=str(self._path), found="closed", allowed="open")
            invariant(os.getpid() == self._process, "a store is not used across a fork")
            try:
                connection = self._connection or self._reopen()
                if writing:
                    self._ready_to_write(connection)
                yield connection
            except EngineError as error:
                raise self.refusal(error) from error
            except OSError as error:
                raise refused(error, self._path) from error

    def _ready_to_write(self, connection: Connection) -> None:
        if self._damage:
            raise EngineError(Fault.DAMAGED, self._damage)
        if self._identities() != self._identities_opened:
            raise EngineError(Fault.DAMAGED, "the file was removed or replaced while in use")
        journal_bytes = journal_of(self._path).stat().st_size
        # SQLite folds the log back after commits and keeps silent when it cannot: then it grows until here.
        if self._journal_doubtful or journal_bytes > STORE_JOURNAL_BYTES_MAX:
            _fold_back(connection)
            self._journal_doubtful = False

    def _identities(self) -> tuple[Identity | None, Identity | None]:
        return identity_of(self._path), identity_of(journal_of(self._path))

    def _reopen(self) -> Connection:
        self._connection = connection = open_connection(self._path, self._connect)
        folded = False
        try:
            # What was read back from the log is synced before anybody hears of it, and stale frames go (journal.py).
            _fold_back(connection)
            folded = True
        finally:
            if not folded:
                self._drop_connection()
        self._identities_opened = self._identities()
        self._journal_doubtful = False
        return connection

    @contextlib.contextmanager
    def transaction(self, connection: Connection) -> Iterator[None]:
        """BEGIN … COMMIT around the block.

        Raises:
            CutOffError: COMMIT failed and the disk was not full.
            EngineError: Anything else; nothing of the transaction is left.
        """
        committing = done = False
        certain = True
        try:
            connection.rows("BEGIN IMMEDIATE")
            yield
            committing, certain = True, False
            connection.rows("COMMIT")
            done = True
        except EngineError as error:
            certain = error.fault in _CERTAIN
            self._journal_doubtful |= error.fault is Fault.FULL
            if committing and not certain:
                raise CutOffError(str(error)) from error
            raise
        finally:
            # Also for what is no EngineError: an interrupt between two statements leaves nothing half done.
            if not done and not (certain and _rolled_back(connection)):
                self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # A close that fails loses nothing: the log stays, and the next opening reads it.
            with contextlib.suppress(EngineError):
                connection.close()

    def refusal(self, error: EngineError) -> Exception:
        """Return what the caller is told for a failed statement; a damaged file is remembered as such."""
        if error.fault is Fault.UNEXPECTED:
            return InternalError(f"store: {error.detail}")
        code, allowed = _CODES[error.fault]
        if code is RefusalCode.STORE_DAMAGED:
            self._damage = self._damage or error.detail
        return Refusal(code, field=str(self._path), found=str(error), allowed=allowed)


def _rolled_back(connection: Connection) -> bool:
    """Undo the open transaction, if SQLite has not done so itself; say whether it is surely undone."""
    with contextlib.suppress(EngineError):
        if connection.in_transaction():
            connection.rows("ROLLBACK")
        return True
    return False


def _fold_back(connection: Connection) -> None:
    """Write the log into the database, sync it, and empty the log."""
    ((busy, _, _),) = connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise EngineError(Fault.BUSY, "the write-ahead log cannot be folded back")
