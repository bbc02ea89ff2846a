"""The SQL of the store: few plain statements, so that another SQL engine can run the same ones.

Rules
 * The head row is compared and set in one UPDATE; whether it returned a row is the whole concurrency control.
 * Nothing is ever changed or deleted in `entry`.
 * The checksum of a row covers its place as well as its body, so that a row that moved is found too.
 * Only tables, keys, RETURNING and ON CONFLICT: SQLite 3.35 and later, PostgreSQL, CockroachDB, YugabyteDB
   (with their own placeholder sign and type names).
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

__all__ = ["APPLICATION_ID", "CREATE", "SCHEMA_VERSION", "TABLES", "checksum"]

APPLICATION_ID: Final = 0x434C4E31
"""Bytes 68 to 71 of the file: "CLN1". Shown by file(1); tells our file from every other SQLite file."""
SCHEMA_VERSION: Final = 1
"""`user_version`. A store with a greater one belongs to a later program and is refused."""

CREATE: Final = (
    """CREATE TABLE partition_head (
  partition TEXT NOT NULL PRIMARY KEY,
  head INTEGER NOT NULL CHECK (head >= 0)
)""",
    """CREATE TABLE entry (
  partition TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  checksum BLOB NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (partition, sequence),
  UNIQUE (partition, request_id)
)""",
    """CREATE TABLE snapshot (
  partition TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  checksum BLOB NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (partition, sequence)
)""",
    """CREATE TABLE lease (
  partition TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL
)""",
)
TABLES: Final = frozenset({"partition_head", "entry", "snapshot", "lease"})

HEAD: Final = "SELECT head FROM partition_head WHERE partition = ?"
HEADS: Final = "SELECT partition, head FROM partition_head ORDER BY partition"
ADVANCE: Final = "UPDATE partition_head SET head = ? WHERE partition = ? AND head = ? RETURNING head"
BEGIN_PARTITION: Final = (
    "INSERT INTO partition_head (partition, head) VALUES (?, ?) ON CONFLICT (partition) DO NOTHING RETURNING head"
)
ADD: Final = "INSERT INTO entry (partition, sequence, request_id, checksum, body) VALUES (?, ?, ?, ?, ?)"
READ: Final = (
    "SELECT sequence, request_id, checksum, body FROM entry"
    " WHERE partition = ? AND sequence >= ? ORDER BY sequence LIMIT ?"
)
LAST: Final = "SELECT max(sequence) FROM entry WHERE partition = ?"
NEXT_PARTITION: Final = "SELECT min(partition) FROM entry WHERE partition > ?"
FIND: Final = "SELECT sequence FROM entry WHERE partition = ? AND request_id = ?"

SNAPSHOT_ADD: Final = (
    "INSERT INTO snapshot (partition, sequence, checksum, body) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (partition, sequence) DO UPDATE SET checksum = excluded.checksum, body = excluded.body"
)
SNAPSHOT_PLACES: Final = "SELECT sequence FROM snapshot WHERE partition = ? ORDER BY sequence DESC"
SNAPSHOT_READ: Final = "SELECT checksum, body FROM snapshot WHERE partition = ? AND sequence = ?"
SNAPSHOT_DROP: Final = "DELETE FROM snapshot WHERE partition = ? AND sequence = ?"

LEASE_TAKE: Final = (
    "INSERT INTO lease (partition, holder, until_ms) VALUES (?, ?, ?) ON CONFLICT (partition) DO UPDATE"
    " SET holder = excluded.holder, until_ms = excluded.until_ms"
    " WHERE lease.holder = excluded.holder OR lease.until_ms <= ? RETURNING holder"
)
LEASE_RELEASE: Final = "DELETE FROM lease WHERE partition = ? AND holder = ?"


def checksum(partition: str, sequence: int, request_id: str, body: bytes) -> bytes:
    """Return the SHA-256 over the row's place, request id and body; a snapshot has the request id "".

    It finds damage and rows that moved. It does not stop forgery: that is the ledger's tree and the signatures.
    """
    place = f"{partition}\0{request_id}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(struct.pack(">QQ", sequence, len(place)) + place + body).digest()
