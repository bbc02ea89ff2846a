"""How a connection is set up, and what is checked before a store is trusted.

Rules
 * Every setting that safety rests on is read back after it was set: an engine that ignores one is refused.
 * What comes out of the file is checked before it is believed: types, place, checksum.
 * Opening costs the same for any size: page checks up to STORE_CHECK_BYTES_MAX, and the ends of all partitions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clearline.model.limits import (
    STORE_CHECK_BYTES_MAX,
    STORE_JOURNAL_BYTES_KEPT,
    STORE_JOURNAL_PAGES,
    STORE_TAIL_ENTRIES,
)
from clearline.store import statements
from clearline.store.connection import Connect, Connection, EngineError, Fault, Row
from clearline.store.port import StoredEntry

__all__ = ["check_contents", "head_in", "open_connection", "stored_entry"]

_SETTINGS: Final = (
    # Before anything is read, so that no shared-memory file is ever made.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 0",
    f"PRAGMA wal_autocheckpoint = {STORE_JOURNAL_PAGES}",
    f"PRAGMA journal_size_limit = {STORE_JOURNAL_BYTES_KEPT}",
    # A mapped file turns a disk error into a signal that ends the process.
    "PRAGMA mmap_size = 0",
    # Finds a damaged page when it is read rather than when it is used.
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
    # Dropped snapshots need not be overwritten with zeros: it would double the time for which they hold the writer.
    "PRAGMA secure_delete = OFF",
    "PRAGMA cache_size = -32768",
)
_READ_BACK: Final = (
    ("PRAGMA locking_mode", "exclusive"),
    ("PRAGMA journal_mode", "wal"),
    ("PRAGMA synchronous", 2),
    ("PRAGMA application_id", statements.APPLICATION_ID),
    ("PRAGMA user_version", statements.SCHEMA_VERSION),
)


def open_connection(path: Path, connect: Connect) -> Connection:
    """Return a connection to an existing store, set up, holding its locks, and checked.

    Raises:
        EngineError: The file cannot be opened, is held by another program, or is damaged.
    """
    connection = connect(str(path))
    trusted = False
    try:
        for setting in _SETTINGS:
            connection.rows(setting)
        for question, wanted in _READ_BACK:
            ((answer,),) = connection.rows(question)
            if answer != wanted:
                raise EngineError(Fault.BROKEN, f"{question} answers {answer!r}, needs {wanted!r}")
        # Takes the write lock once, which exclusive mode then keeps: a second program is noticed now.
        connection.rows("BEGIN IMMEDIATE")
        connection.rows("COMMIT")
        if path.stat().st_size <= STORE_CHECK_BYTES_MAX:
            ((verdict,),) = connection.rows("PRAGMA quick_check(1)")
            if verdict != "ok":
                raise EngineError(Fault.DAMAGED, str(verdict))
        check_contents(connection)
        trusted = True
    finally:
        if not trusted:
            connection.close()
    return connection


def check_contents(connection: Connection) -> None:
    """Check the tables, that each head stands where its entries end, and the last entries' checksums.

    Raises:
        EngineError: DAMAGED with what was found.
    """
    tables = {name for (name,) in connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if tables != statements.TABLES:
        raise EngineError(Fault.DAMAGED, f"the store has tables {sorted(map(str, tables))}")
    heads = connection.rows(statements.HEADS)
    with_head = {partition for partition, _ in heads}
    # One step in the index for each partition; a SELECT DISTINCT would walk all entries.
    partition = ""
    while (partition := connection.rows(statements.NEXT_PARTITION, (partition,))[0][0]) is not None:
        if partition not in with_head:
            raise EngineError(Fault.DAMAGED, f"{partition!r} has entries and no head")
    for partition, head in heads:
        if not (isinstance(partition, str) and isinstance(head, int)):
            raise EngineError(Fault.DAMAGED, "a head row holds no name and number")
        ((last,),) = connection.rows(statements.LAST, (partition,))
        if head != (0 if last is None else last + 1):
            raise EngineError(Fault.DAMAGED, f"head of {partition} is {head}, its last entry is {last}")
        start = max(0, head - STORE_TAIL_ENTRIES)
        rows = connection.rows(statements.READ, (partition, start, STORE_TAIL_ENTRIES))
        if len(rows) != head - start:
            raise EngineError(Fault.DAMAGED, f"{partition} has {len(rows)} entries from {start} to its head {head}")
        for sequence, row in enumerate(rows, start):
            stored_entry(partition, sequence, row)


def head_in(connection: Connection, partition: str) -> int:
    """Return the head of a partition, 0 if it was never used."""
    for (head,) in connection.rows(statements.HEAD, (partition,)):
        if not (isinstance(head, int) and head >= 0):
            raise EngineError(Fault.DAMAGED, f"head of {partition} is {head!r}")
        return head
    return 0


def stored_entry(partition: str, sequence: int, row: Row) -> StoredEntry:
    """Return the entry in `row`, which must be the one at `sequence`.

    Raises:
        EngineError: DAMAGED if the place, a type or the checksum is wrong.
    """
    found, request_id, kept, body = row
    if found != sequence:
        raise EngineError(Fault.DAMAGED, f"entry {sequence} of {partition} is missing")
    if not (isinstance(request_id, str) and isinstance(body, bytes)):
        raise EngineError(Fault.DAMAGED, f"entry {sequence} of {partition} holds no text and bytes")
    if kept != statements.checksum(partition, sequence, request_id, body):
        raise EngineError(Fault.DAMAGED, f"entry {sequence} of {partition} does not match its checksum")
    return StoredEntry(sequence, request_id, body)
