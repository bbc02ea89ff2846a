"""Receipts in a bundle: what each party says that it holds, checked against what the log holds.

Rules
 * An item is *proven* IFF the message it names is in the log with that digest. About a message between two other
   parties it may stay open: that message may still be on its way here.
 * The exporter's own items must name an earlier entry of this very log: its index and its time of receipt.
 * A tree head covers every entry that its items name. The exporter's equals the root of that many entries of this
   log; another's never shrinks, and one size has one root.
 * Nobody receipts himself, and nothing twice.

Source: docs/spec/messages.md (RECEIPT), docs/spec/log.md.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Annotated, Any, final

import msgspec

from clearline.ledger.merkle import Tree
from clearline.ledger.report import ProblemCode, Problems
from clearline.ledger.spoken import Spoken, SpokenChain
from clearline.model import limits
from clearline.model.identity import Digest, PartyId
from clearline.model.message import TreeHead

__all__ = ["HeardHeads", "LineReceipts", "ReceiptFacts"]

_Whole = Annotated[int, msgspec.Meta(ge=0, le=limits.SEQUENCE_MAX)]


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a receipt item that a record can prove; findings and reasons are the parties' business."""

    party: PartyId
    sequence: Annotated[int, msgspec.Meta(ge=1, le=limits.SEQUENCE_MAX)]
    digest: Digest
    log_index: _Whole
    received_at_ms: Annotated[int, msgspec.Meta(ge=limits.TIME_MS_MIN, le=limits.TIME_MS_MAX)]
    rejected: Any = None


class ReceiptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a receipt that a record can prove."""

    items: Annotated[tuple[ItemFacts, ...], msgspec.Meta(min_length=1, max_length=limits.RECEIPT_ITEMS_MAX)]
    tree: TreeHead


@final
class HeardHeads:
    """All tree heads that one other party signed on one line, 48 bytes each, in the order of its chain."""

    def __init__(self) -> None:
        self.entries = array("Q")
        self.sizes = array("Q")
        self._roots = bytearray()

    def __len__(self) -> int:
        return len(self.sizes)

    def root(self, slot: int) -> str:
        """Return the root at a slot, in hexadecimal."""
        return self._roots[slot * 32 : slot * 32 + 32].hex()

    def fault(self, head: TreeHead) -> str | None:
        """Say why a head cannot follow the last one, or None."""
        if not self.sizes or head.size > self.sizes[-1]:
            return None
        if head.size < self.sizes[-1]:
            return f"a tree of {head.size} after one of {self.sizes[-1]}"
        return None if head.root == self.root(len(self) - 1) else f"two roots for a tree of {head.size}"

    def add(self, entry: int, head: TreeHead) -> None:
        """Keep a head and the log index of the receipt that carried it."""
        self.entries.append(entry)
        self.sizes.append(head.size)
        self._roots += bytes.fromhex(head.root)


class _Open(msgspec.Struct, frozen=True):
    """An item about a message that this log does not hold yet."""

    entry: int
    signer: str
    item: ItemFacts


@final
class LineReceipts:
    """The receipts of one line."""

    def __init__(self, own: str, chains: Mapping[str, SpokenChain]) -> None:
        self._own = own
        self._chains = chains
        self._marks: dict[tuple[str, str], bytearray] = {}
        self._open: list[_Open] = []
        self.heads: dict[str, HeardHeads] = {party: HeardHeads() for party in chains if party != own}
        self.proven = 0
        self.rejecting = 0
        self.open = 0

    def take(self, entry: int, signer: str, receipt: ReceiptFacts, problems: Problems) -> None:
        """Check one receipt, item by item, and its tree head; the head's root is left to the caller where it is own."""
        for place, item in enumerate(receipt.items):
            fault = self._item_fault(entry, signer, item, receipt.tree.size)
            if fault is not None:
                problems.entry(entry, ProblemCode.RECEIPT_FALSE, f"{signer}, item {place}: {fault}")
        if signer != self._own:
            heads = self.heads[signer]
            why = heads.fault(receipt.tree)
            if why is not None:
                problems.entry(entry, ProblemCode.TREE_HEAD, f"{signer} signed {why}")
            heads.add(entry, receipt.tree)

    def _item_fault(self, entry: int, signer: str, item: ItemFacts, tree_size: int) -> str | None:
        chain = self._chains.get(item.party)
        if chain is None or item.party == signer:
            return f"receipts {item.party}, which is not another party of the line"
        if item.log_index >= tree_size:
            return f"its tree of {tree_size} does not cover log index {item.log_index}"
        spoken = chain.find(item.sequence)
        if spoken is None:
            if self._own in (signer, item.party):
                return f"names message {item.sequence} of {item.party}, which is not in the log before it"
            self._open.append(_Open(entry, signer, item))
            return None
        return self._compared(signer, item, spoken)

    def _compared(self, signer: str, item: ItemFacts, spoken: Spoken) -> str | None:
        name = f"message {item.sequence} of {item.party}"
        if spoken.digest and item.digest != spoken.digest:
            return f"names {name} with another digest than entry {spoken.log_index}"
        if signer == self._own and item.log_index != spoken.log_index:
            return f"says that {name} is at {item.log_index}, it is at {spoken.log_index}"
        if signer == self._own and item.received_at_ms != spoken.received_at_ms:
            return f"says that {name} came at {item.received_at_ms}, it came at {spoken.received_at_ms}"
        marks = self._marks.setdefault((signer, item.party), bytearray())
        if spoken.slot < len(marks) and marks[spoken.slot]:
            return f"receipts {name} a second time"
        marks.extend(bytes(max(0, spoken.slot + 1 - len(marks))))
        marks[spoken.slot] = 1
        self.proven += 1
        self.rejecting += item.rejected is not None
        return None

    def finish(self, problems: Problems) -> None:
        """Look again for the messages that were not here yet."""
        for waiting in self._open:
            spoken = self._chains[waiting.item.party].find(waiting.item.sequence)
            if spoken is None:
                self.open += 1
                continue
            fault = self._compared(waiting.signer, waiting.item, spoken)
            if fault is not None:
                problems.entry(waiting.entry, ProblemCode.RECEIPT_FALSE, f"{waiting.signer}: {fault}")

    def unreceipted(self, party: str) -> int:
        """Count the exporter's messages that `party` has not receipted; for the exporter: others' that it has not."""
        if party != self._own:
            return self._chains[self._own].unreceipted(self._marks.get((party, self._own), bytearray()))
        return sum(
            chain.unreceipted(self._marks.get((party, other), bytearray()))
            for other, chain in self._chains.items()
            if other != party
        )


def own_head_fault(head: TreeHead, tree: Tree, entry: int) -> str | None:
    """Say why a tree head of the exporter's own is not one of this log before `entry`, or None."""
    if head.size > min(entry, tree.size):
        return f"a tree of {head.size} at entry {entry}"
    if tree.root(head.size).hex() != head.root:
        return f"a root that the first {head.size} entries have not: one of them is not what it was"
    return None
