"""Entries: what a log keeps for each envelope, and what its Merkle tree hashes.

Rules
 * An entry is one byte of version (1), the receiving node's time in milliseconds as 8 bytes big-endian, and the
   envelope's canonical text. The same bytes are stored, hashed and exported.
 * The index is the place in the log, counted from 0. It is not in the bytes: the tree fixes it.

Source: docs/spec/log.md; design.md §3 (entries carry the receiving node's time).
"""

from __future__ import annotations

from typing import Final

import msgspec

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["ENTRY_PREFIX_BYTES", "ENTRY_VERSION", "Entry", "entry_bytes", "parse_entry"]

ENTRY_VERSION: Final = 1
ENTRY_PREFIX_BYTES: Final = 9
"""Version and time, before the envelope."""


class Entry(msgspec.Struct, frozen=True):
    """One place of a log: `received_at_ms` is by the clock of the node whose log it is."""

    index: int
    received_at_ms: int
    envelope: bytes


def entry_bytes(entry: Entry) -> bytes:
    """Return the Merkle leaf data of an entry, which is also what the store keeps."""
    return b"\x01" + entry.received_at_ms.to_bytes(8, "big") + entry.envelope


def parse_entry(index: int, source: bytes) -> Entry:
    """Read the bytes of the entry at `index`. The envelope is handed on unread.

    Raises:
        Refusal: MALFORMED for another version or too few bytes, OVER_LIMIT, OUT_OF_RANGE for the time.
    """
    field = f"entries[{index}]"
    if len(source) <= ENTRY_PREFIX_BYTES:
        raise Refusal(
            RefusalCode.MALFORMED, field=field, found=f"{len(source)} bytes", allowed=f"more than {ENTRY_PREFIX_BYTES}"
        )
    if source[0] != ENTRY_VERSION:
        raise Refusal(
            RefusalCode.MALFORMED, field=field, found=f"version {source[0]}", allowed=f"version {ENTRY_VERSION}"
        )
    if len(source) > ENTRY_PREFIX_BYTES + limits.ENVELOPE_BYTES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field=field,
            found=f"{len(source)} bytes",
            allowed=f"at most {ENTRY_PREFIX_BYTES + limits.ENVELOPE_BYTES_MAX} bytes",
        )
    received_at_ms = int.from_bytes(source[1:ENTRY_PREFIX_BYTES], "big")
    if received_at_ms > limits.TIME_MS_MAX:
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field=f"{field}.received_at_ms",
            found=received_at_ms,
            allowed=f"{limits.TIME_MS_MIN} to {limits.TIME_MS_MAX}",
        )
    return Entry(index, received_at_ms, source[ENTRY_PREFIX_BYTES:])
