"""The fold over a node's whole log: its journal and all its lines.

Rules
 * `apply` takes entries in the order of the log, without gaps. The same entries give the same state, at any time and
   on any machine; there is no other way to change it.
 * A line begins with the journal message LINE_ADOPTED; so even the agreements come out of the log.
 * Entries come from this node's own log, which took only what was verified. What does not fit is damage: stop.
"""

from __future__ import annotations

from typing import final

import msgspec

from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.merkle import Frontier, leaf_hash
from clearline.line.chain import JOURNAL_GENESIS, Chain, Placement
from clearline.line.examine import ExaminedNotice
from clearline.line.line_state import LineState
from clearline.line.reading import VerifiedMessage, from_own_log, read_message
from clearline.line.records import Place, finding_id
from clearline.model import limits
from clearline.model.message import (
    JOURNAL_LINE,
    ConflictTold,
    Evidence,
    LineAdopted,
    MessageType,
    Receipt,
    Resolution,
    TreeHead,
)
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport, invariant

__all__ = ["Applied", "NodeState"]


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry was about: for the event stream and the log page."""

    log_index: int
    received_at_ms: int
    line_id: str
    from_party: str
    own: bool
    type: MessageType
    sequence: int
    digest: str
    notice_ids: tuple[str, ...]
    finding_ids: tuple[str, ...]
    rejected: RefusalReport | None


@final
class NodeState:
    """Everything that follows from a node's log."""

    def __init__(self, own: str) -> None:
        self.own = own
        self.frontier = Frontier()
        self.journal = Chain(JOURNAL_GENESIS)
        self.lines: dict[str, LineState] = {}
        self.last_at_ms = 0
        """The time of the last entry, by this node's clock."""
        self.rejections: dict[int, RefusalReport] = {}
        """Why messages were recorded but not taken, by log index."""

    @property
    def size(self) -> int:
        """How many entries have been applied: the index of the next one."""
        return self.frontier.size

    def tree_head(self) -> TreeHead:
        """Return size and root of the log so far."""
        return TreeHead(size=self.size, root=self.frontier.root().hex())

    def line(self, line_id: str) -> LineState:
        """Return a line by name.

        Raises:
            Refusal: LINE_UNKNOWN.
        """
        line = self.lines.get(line_id)
        if line is None:
            raise Refusal(
                RefusalCode.LINE_UNKNOWN,
                field="line_id",
                found=line_id,
                allowed=", ".join(sorted(self.lines)) or "none",
            )
        return line

    def replay(self, entry: Entry) -> Applied:
        """Apply an entry that comes out of the store.

        Raises:
            Refusal: STORE_DAMAGED where it does not continue what came before.
        """
        try:
            message = from_own_log(read_message(entry.envelope))
            self._check_continues(message)
        except Refusal as refusal:
            raise Refusal(
                RefusalCode.STORE_DAMAGED,
                field=f"entries[{entry.index}]",
                found=str(refusal),
                allowed="the entries as this node wrote them",
            ) from refusal
        return self.apply(entry, message)

    def _check_continues(self, message: VerifiedMessage) -> None:
        header = message.header
        chain = self.journal if header.line_id == JOURNAL_LINE else self.line(header.line_id).chains[header.from_party]
        if chain.place(header, message.digest) is not Placement.NEXT:
            raise Refusal(RefusalCode.CHAIN_FORK, field="sequence", found=header.sequence, allowed="each message once")

    def apply(self, entry: Entry, message: VerifiedMessage, examined: ExaminedNotice | None = None) -> Applied:
        """Apply an entry whose message is next in its chain; `examined` as in `LineState.apply`."""
        invariant(entry.index == self.size, "entries are applied in order, each once")
        header = message.header
        if header.line_id == JOURNAL_LINE:
            invariant(header.from_party == self.own, "a journal is written by its own node only")
            self.journal.add(message.digest, entry.index)
            self._take_journal(message)
        else:
            place = Place(log_index=entry.index, at_ms=entry.received_at_ms)
            rejected = self.line(header.line_id).apply(message, place, examined)
            if rejected is not None:
                self.rejections[entry.index] = rejected
        self.frontier.append(leaf_hash(entry_bytes(entry)))
        self.last_at_ms = entry.received_at_ms
        return self.describe(entry, message)

    def describe(self, entry: Entry, message: VerifiedMessage) -> Applied:
        """Return what an entry that has been applied was about."""
        header = message.header
        notice_ids, finding_ids = _about(message)
        return Applied(
            log_index=entry.index,
            received_at_ms=entry.received_at_ms,
            line_id=header.line_id,
            from_party=header.from_party,
            own=header.from_party == self.own,
            type=header.type,
            sequence=header.sequence,
            digest=message.digest,
            notice_ids=notice_ids,
            finding_ids=finding_ids,
            rejected=self.rejections.get(entry.index),
        )

    def _take_journal(self, message: VerifiedMessage) -> None:
        match message.body:
            case LineAdopted(agreement=agreement):
                invariant(agreement.line_id not in self.lines, "a line is adopted once")
                invariant(len(self.lines) < limits.LINES_MAX, "lines are counted before they are adopted")
                self.lines[agreement.line_id] = LineState(agreement, own=self.own)
            case Evidence(about_line=line_id, about_party=party, sequence=sequence):
                self.line(line_id).forks.setdefault(party, sequence)
            case _:
                raise Refusal(
                    RefusalCode.STORE_DAMAGED, field="type", found=message.header.type, allowed="LINE_ADOPTED, EVIDENCE"
                )


def _about(message: VerifiedMessage) -> tuple[tuple[str, ...], tuple[str, ...]]:
    body, line_id = message.body, message.header.line_id
    match body:
        case Refusal() | LineAdopted() | Evidence():
            return (), ()
        case ConflictTold(findings=reports):
            return (), tuple(finding_id(line_id, report.key) for report in reports)
        case Resolution(finding=key):
            return (), (finding_id(line_id, key),)
        case Receipt(items=items):
            return (), tuple(finding_id(line_id, report.key) for item in items for report in item.findings)
        case _:
            return (body.notice_id,), ()
