"""Chains as a bundle shows them: unlike a node's, they may be damaged, and reading goes on behind the damage.

Rules
 * A message is *next* IFF its sequence is one more than the last one's and its `previous` is that one's digest; the
   first has sequence 1 and names the genesis (the agreement's digest; 64 zeros for a journal).
 * What is not next is named once: a gap, a repetition, or a fork. A place whose message could not be believed
   (signature) is kept as *doubtful*: what follows it is not blamed for it, and the true message may still take it.
 * 64 bytes a message; nothing of the body is kept.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import NamedTuple, final

from clearline.ledger.report import ProblemCode

__all__ = ["JOURNAL_GENESIS", "Spoken", "SpokenChain"]

JOURNAL_GENESIS = "0" * 64
_DIGEST_BYTES = 32


class Spoken(NamedTuple):
    """One message of a chain, as the log holds it. `digest` is empty where the message could not be believed."""

    slot: int
    sequence: int
    digest: str
    log_index: int
    received_at_ms: int
    sent_at_ms: int


@final
class SpokenChain:
    """What one party said on one line, in the order of the log."""

    def __init__(self, genesis: str) -> None:
        self.genesis = genesis
        self._sequences = array("Q")
        self._digests = bytearray()
        self._log_indexes = array("Q")
        self._received = array("Q")
        self._sent = array("Q")
        self._doubtful: set[int] = set()
        self._owes_receipt = bytearray()

    def __len__(self) -> int:
        return len(self._sequences)

    @property
    def last_sequence(self) -> int:
        """The sequence of the last message, 0 for none."""
        return self._sequences[-1] if self._sequences else 0

    @property
    def head(self) -> str:
        """The digest of the last message, the genesis for none; empty where the last one is doubtful."""
        return self.at(len(self) - 1).digest if self._sequences else self.genesis

    def fault(self, sequence: int, previous: str, digest: str) -> tuple[ProblemCode, str] | None:
        """Say why a message is not next, or None."""
        last, head = self.last_sequence, self.head
        if sequence > last + 1:
            return ProblemCode.CHAIN_GAP, f"sequence {sequence} where {last + 1} is next"
        if sequence <= last:
            held = self.find(sequence)
            if held is None:
                return ProblemCode.CHAIN_GAP, f"sequence {sequence} comes after {last}"
            if held.digest == digest:
                return ProblemCode.CHAIN_REPEATED, f"the message of entry {held.log_index} again"
            return (ProblemCode.CHAIN_FORK, f"sequence {sequence} again, with other content") if held.digest else None
        if head and previous != head:
            if last == 0:
                return ProblemCode.AGREEMENT_DIFFERS, f"names {previous} as its beginning, which is {head}"
            return ProblemCode.CHAIN_FORK, f"names {previous} as its predecessor, which is {head}"
        return None

    def add(self, spoken: Spoken, *, owes_receipt: bool) -> None:
        """Keep a message that lies behind the last one. Its slot is given by the chain."""
        if not spoken.digest:
            self._doubtful.add(len(self))
        self._sequences.append(spoken.sequence)
        self._digests += bytes.fromhex(spoken.digest) if spoken.digest else bytes(_DIGEST_BYTES)
        self._log_indexes.append(spoken.log_index)
        self._received.append(spoken.received_at_ms)
        self._sent.append(spoken.sent_at_ms)
        self._owes_receipt.append(owes_receipt)

    def settle(self, spoken: Spoken) -> None:
        """Give a doubtful place to the message that is believed."""
        slot = spoken.slot
        self._doubtful.discard(slot)
        self._digests[slot * _DIGEST_BYTES : (slot + 1) * _DIGEST_BYTES] = bytes.fromhex(spoken.digest)
        self._log_indexes[slot], self._received[slot] = spoken.log_index, spoken.received_at_ms
        self._sent[slot] = spoken.sent_at_ms

    def find(self, sequence: int) -> Spoken | None:
        """Return the message with this sequence, or None."""
        slot = sequence - 1
        if not (0 <= slot < len(self) and self._sequences[slot] == sequence):
            slot = bisect_left(self._sequences, sequence)  # only behind a gap
            if slot == len(self) or self._sequences[slot] != sequence:
                return None
        return self.at(slot)

    def at(self, slot: int) -> Spoken:
        """Return the message at a slot (0 to length - 1)."""
        digest = (
            "" if slot in self._doubtful else self._digests[slot * _DIGEST_BYTES : (slot + 1) * _DIGEST_BYTES].hex()
        )
        return Spoken(
            slot, self._sequences[slot], digest, self._log_indexes[slot], self._received[slot], self._sent[slot]
        )

    def unreceipted(self, marks: bytearray) -> int:
        """Count the messages that are owed a receipt and have no mark in their slot."""
        marked = marks.ljust(len(self), b"\x00")
        return sum(1 for owed, mark in zip(self._owes_receipt, marked, strict=False) if owed and not mark)
