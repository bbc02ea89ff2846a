"""The files of a SQLite store: who holds them, whether they are ours, and how a new one comes to be.

Rules
 * `<store>.lock` is held with flock(2) for as long as the store is open; the kernel lets it go when the process dies,
   however it dies. It is never deleted: a deleted lock file can be held twice.
 * A store appears complete or not at all: it is made under another name and renamed.
 * An empty file is not a new store. Neither is a write-ahead log without its database: both are what is left of one.
 * Before SQLite opens a file, its first 100 bytes must say that it is ours. A stranger's file stays untouched.
 * No directory is made: a missing one is a mount that failed or a name mistyped, and neither may start an empty log.

A store belongs on a local disk. Network file systems keep neither flock nor fsync reliably.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
from pathlib import Path
from typing import Final, final

from clearline.model.refusal import Refusal, RefusalCode
from clearline.store.connection import Connect
from clearline.store.journal import commits_behind_break
from clearline.store.statements import APPLICATION_ID, CREATE, SCHEMA_VERSION

__all__ = ["Identity", "StoreLock", "create_store", "identity_of", "inspect", "journal_of", "refused", "resolve"]

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_PAGE_BYTES: Final = 4_096

Identity = tuple[int, int]
"""Device and inode: tells whether a name still leads to the file that was opened."""


def refused(error: OSError, path: Path) -> Refusal:
    """Return the refusal for a file system error."""
    return Refusal(
        RefusalCode.STORE_UNAVAILABLE,
        field=str(path),
        found=error.strerror or type(error).__name__,
        allowed="a file and directory that can be read and written",
    )


def resolve(path: Path) -> Path:
    """Return the absolute path without symbolic links, so that one store has one lock under all its names.

    Raises:
        Refusal: STORE_UNAVAILABLE if the directory is missing or the path is no regular file.
    """
    try:
        whole = Path(os.path.realpath(path))
        if not whole.parent.is_dir():
            raise Refusal(
                RefusalCode.STORE_UNAVAILABLE, field=str(path), found="no such directory", allowed="an existing one"
            )
        # A pipe or device would hang on opening.
        if whole.exists() and not whole.is_file():
            raise Refusal(RefusalCode.STORE_UNAVAILABLE, field=str(path), found="not a file", allowed="a regular file")
    except OSError as error:
        raise refused(error, path) from error
    except ValueError as error:
        raise Refusal(RefusalCode.STORE_UNAVAILABLE, field="store", found=path, allowed="a path") from error
    return whole


def journal_of(path: Path) -> Path:
    """Return the path of the write-ahead log."""
    return path.with_name(path.name + "-wal")


@final
class StoreLock:
    """Keeps every other process, and every other store object of this process, out.

    SQLite's own locks are not enough: POSIX drops them when *any* descriptor of the file is closed in the process,
    for instance by a copy made for a backup. flock has no such trap.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock of the store at `path`.

        Raises:
            Refusal: STORE_IN_USE, naming the process that has it; STORE_UNAVAILABLE if the file cannot be made.
        """
        name = path.with_name(path.name + ".lock")
        try:
            self._descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise refused(error, name) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # For the message to the second one only; the lock itself is the kernel's. On a full disk it stays empty.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace") or "unknown"
            os.close(self._descriptor)
            raise Refusal(
                RefusalCode.STORE_IN_USE,
                field=str(path),
                found=f"held by process {holder}",
                allowed="one process at a time; stop the other one first",
            ) from error
        except OSError as error:
            os.close(self._descriptor)
            raise refused(error, name) from error

    def release(self) -> None:
        """Let the lock go; the file stays."""
        os.close(self._descriptor)


def identity_of(path: Path) -> Identity | None:
    """Return which file the name leads to now, or None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def inspect(path: Path) -> bool:
    """Return True if a store of ours stands at `path`, False if nothing does; look only, change nothing.

    Raises:
        Refusal: STORE_FOREIGN for another program's file or a later schema; STORE_DAMAGED for an empty file, one
            that is no SQLite file, a log without a database, or a log damaged in its middle; STORE_UNAVAILABLE.
    """
    try:
        journal = journal_of(path)
        if not path.exists():
            if journal.exists() and journal.stat().st_size:
                raise _damaged(journal, "a write-ahead log without its database")
            return False
        header = _header(path)
        if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
            raise _damaged(path, f"no SQLite file ({stat.filemode(path.stat().st_mode)}, {path.stat().st_size} bytes)")
        (application_id,) = struct.unpack_from(">I", header, 68)
        (version,) = struct.unpack_from(">I", header, 60)
        if application_id != APPLICATION_ID:
            raise Refusal(
                RefusalCode.STORE_FOREIGN,
                field=str(path),
                found=f"SQLite file with application id {application_id:#010x}",
                allowed=f"{APPLICATION_ID:#010x}",
            )
        if version != SCHEMA_VERSION:
            raise Refusal(
                RefusalCode.STORE_FOREIGN,
                field=str(path),
                found=f"store schema {version}",
                allowed=f"schema {SCHEMA_VERSION}, which is what this version of Clearline writes",
            )
        (page_bytes,) = struct.unpack_from(">H", header, 16)
        if page_bytes != _PAGE_BYTES:
            raise _damaged(path, f"page size {page_bytes}")
        behind = commits_behind_break(journal, page_bytes=page_bytes)
        if behind > 1:
            raise _damaged(journal, f"damaged before {behind} acknowledged commits")
    except OSError as error:
        raise refused(error, path) from error
    return True


def create_store(path: Path, connect: Connect) -> None:
    """Make an empty store at `path`, durably; the caller holds the lock and has seen that nothing is there.

    Raises:
        EngineError: The engine cannot write it.
        Refusal: STORE_UNAVAILABLE.
    """
    new = path.with_name(path.name + ".new")
    try:
        for leftover in (new, journal_of(new), new.with_name(new.name + "-journal")):
            leftover.unlink(missing_ok=True)
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = connect(str(new))
        try:
            connection.rows(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.rows("PRAGMA auto_vacuum = NONE")
            connection.rows("PRAGMA synchronous = FULL")
            connection.rows("BEGIN IMMEDIATE")
            for statement in CREATE:
                connection.rows(statement)
            connection.rows(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.rows(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.rows("COMMIT")
            connection.rows("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        new.rename(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)  # the name must survive a power cut as well as the bytes
        finally:
            os.close(directory)
    except OSError as error:
        raise refused(error, path) from error


def _header(path: Path) -> bytes:
    # Opened for writing too: a file that cannot be written is refused here and not at the first append.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, _HEADER_BYTES, 0)
    finally:
        os.close(descriptor)


def _damaged(path: Path, found: str) -> Refusal:
    return Refusal(RefusalCode.STORE_DAMAGED, field=str(path), found=found, allowed="an intact store, or no file")
