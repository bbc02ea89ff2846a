"""A chain: all messages of one sender on one line, in the order in which it signed them.

Rules
 * Sequence numbers count from 1 without gaps; each message names the digest of the one before.
 * The first names the digest of the line's agreement (for a journal: 64 zeros).
 * A chain only grows. What stands at a place can be told apart from what somebody else claims to stand there.

Source: docs/spec/messages.md.
"""

from __future__ import annotations

from array import array
from enum import Enum
from typing import final

import msgspec

from clearline.model.message import Header
from clearline.model.refusal import Refusal, RefusalCode, invariant

__all__ = ["JOURNAL_GENESIS", "Chain", "ChainSnapshot", "Placement"]

JOURNAL_GENESIS = "0" * 64
_DIGEST_BYTES = 32


class Placement(Enum):
    """Where a message falls in a chain."""

    NEXT = "NEXT"
    DUPLICATE = "DUPLICATE"


class ChainSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A chain as bytes: digests of 32 bytes each, log indexes of 8 bytes each, little-endian."""

    genesis: str
    digests: bytes
    log_indexes: bytes


@final
class Chain:
    """The digests and log indexes of one chain, 40 bytes a message."""

    def __init__(self, genesis: str) -> None:
        self.genesis = genesis
        self._digests = bytearray()
        self._log_indexes = array("Q")

    @property
    def length(self) -> int:
        """How many messages the chain has: the sequence of the last one, 0 for none."""
        return len(self._log_indexes)

    @property
    def head(self) -> str:
        """The digest that the next message must name as `previous`."""
        return self.digest(self.length) if self.length else self.genesis

    def digest(self, sequence: int) -> str:
        """Return the digest of the message at `sequence` (1 to length)."""
        invariant(1 <= sequence <= self.length, "a digest is asked for a place that the chain has")
        return self._digests[(sequence - 1) * _DIGEST_BYTES : sequence * _DIGEST_BYTES].hex()

    def log_index(self, sequence: int) -> int:
        """Return where in this node's log the message at `sequence` stands."""
        invariant(1 <= sequence <= self.length, "a log index is asked for a place that the chain has")
        return self._log_indexes[sequence - 1]

    def place(self, header: Header, digest: str) -> Placement:
        """Say whether a message is the next one, or one that is already here.

        Raises:
            Refusal: CHAIN_GAP where earlier ones are missing, CHAIN_FORK where another message has its place or
                its `previous` is not this chain's, AGREEMENT_DIFFERS where a first message names another agreement.
        """
        if header.sequence <= self.length:
            if self.digest(header.sequence) == digest:
                return Placement.DUPLICATE
            raise Refusal(
                RefusalCode.CHAIN_FORK,
                field="sequence",
                found=f"{header.sequence} with digest {digest}",
                allowed=f"digest {self.digest(header.sequence)} at this place",
            )
        if header.sequence != self.length + 1:
            raise Refusal(
                RefusalCode.CHAIN_GAP, field="sequence", found=header.sequence, allowed=f"{self.length + 1} is next"
            )
        if header.previous != self.head:
            code = RefusalCode.CHAIN_FORK if self.length else RefusalCode.AGREEMENT_DIFFERS
            raise Refusal(code, field="previous", found=header.previous, allowed=self.head)
        return Placement.NEXT

    def add(self, digest: str, log_index: int) -> None:
        """Append a message that `place` has called NEXT."""
        self._digests += bytes.fromhex(digest)
        self._log_indexes.append(log_index)

    def snapshot(self) -> ChainSnapshot:
        """Return the chain as bytes."""
        return ChainSnapshot(
            genesis=self.genesis, digests=bytes(self._digests), log_indexes=self._log_indexes.tobytes()
        )

    @classmethod
    def restore(cls, snapshot: ChainSnapshot) -> Chain:
        """Return the chain of a snapshot."""
        chain = cls(snapshot.genesis)
        chain._digests = bytearray(snapshot.digests)
        chain._log_indexes = array("Q")
        chain._log_indexes.frombytes(snapshot.log_indexes)
        invariant(len(chain._digests) == chain.length * _DIGEST_BYTES, "a chain has one digest for each message")
        return chain
