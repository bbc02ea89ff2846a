"""Faults to plant, one at a time: a simulator that cannot fail proves nothing.

Each is a mistake that somebody could make in this code, and each must be caught by `simulator.simulate`:

 * receipt before compare: the receipt is signed at once, the comparison waits until the node next says something;
 * answer before commit: the journal says that it is durable while the write is still to come;
 * duplicate check dropped: a message that comes twice is taken twice;
 * state outside the log: something is remembered that no entry proves;
 * resolution by one signature: one party's word ends a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

import msgspec

from clearline.line.chain import Chain, Placement
from clearline.line.examine import ExaminedNotice
from clearline.line.line_state import LineState
from clearline.line.reading import VerifiedMessage
from clearline.line.records import FindingRecord, NoticeRecord, Place, finding_key
from clearline.model.identity import Role
from clearline.model.message import Body, FindingKey, Header, Noted, ReadBack, Receipt
from clearline.model.refusal import RefusalReport
from clearline.node.node import Node
from clearline.node.writer import Said
from clearline.sky import Finding
from clearline.store.port import NewEntry
from clearline.testing.simulated_ports import SimulatedJournal

__all__ = ["PLANTED_FAULTS"]


@contextmanager
def _receipt_before_compare() -> Iterator[None]:
    late: dict[int, list[tuple[FindingKey, NoticeRecord, Finding, Place]]] = {}
    take_notice, apply = LineState._take_notice, LineState.apply  # noqa: SLF001  # the fault sits inside

    def take(self: LineState, party: str, examined: ExaminedNotice, place: Place) -> None:
        if party == self.own:
            take_notice(self, party, examined, place)
            return
        take_notice(self, party, msgspec.structs.replace(examined, findings=()), place)
        record = self.notices[(party, examined.notice.notice_id)]
        others = [self.notices[self.by_handle[finding.handle]] for finding in examined.findings]
        late.setdefault(id(self), []).extend(
            (finding_key(record, other), record, finding, place)
            for other, finding in zip(others, examined.findings, strict=True)
        )

    def apply_late(
        self: LineState, message: VerifiedMessage, place: Place, examined: ExaminedNotice | None = None
    ) -> RefusalReport | None:
        rejected = apply(self, message, place, examined)
        if not isinstance(message.body, Receipt) and message.header.from_party == self.own:
            for key, record, finding, _ in late.pop(id(self), []):
                if not self.is_gone(key):
                    self._make_finding(record, finding, place)
        return rejected

    with patch.object(LineState, "_take_notice", take), patch.object(LineState, "apply", apply_late):
        yield


@contextmanager
def _answer_before_commit() -> Iterator[None]:
    append = SimulatedJournal.append

    async def append_later(self: SimulatedJournal, expected: int, entries: Sequence[NewEntry]) -> None:
        await asyncio.sleep(0)
        before: asyncio.Task[None] | None = getattr(self, "_behind", None)

        async def write() -> None:
            if before is not None:
                await before
            await append(self, expected, entries)

        self._behind = asyncio.create_task(write())  # type: ignore[attr-defined]  # the fault needs a place to hide

    with patch.object(SimulatedJournal, "append", append_later):
        yield


@contextmanager
def _duplicate_check_dropped() -> Iterator[None]:
    place = Chain.place

    def place_always(self: Chain, header: Header, digest: str) -> Placement:
        found = place(self, header, digest)
        return Placement.NEXT if found is Placement.DUPLICATE else found

    with patch.object(Chain, "place", place_always):
        yield


@contextmanager
def _state_outside_the_log() -> Iterator[None]:
    say = Node.say

    async def say_aside(self: Node, line_id: str, body: Body, role: Role) -> Said:
        if isinstance(body, ReadBack | Noted):
            async with self.settled() as state:
                record = state.line(line_id).notices[(body.owner, body.notice_id)]
                record.changed_at_ms += 1
        return await say(self, line_id, body, role)

    with patch.object(Node, "say", say_aside):
        yield


@contextmanager
def _resolution_by_one_signature() -> Iterator[None]:
    def resolved(self: FindingRecord) -> bool:
        return bool(self.resolutions)

    with patch.object(FindingRecord, "resolved", property(resolved)):
        yield


PLANTED_FAULTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "receipt before compare": _receipt_before_compare,
    "answer before commit": _answer_before_commit,
    "duplicate check dropped": _duplicate_check_dropped,
    "state outside the log": _state_outside_the_log,
    "resolution by one signature": _resolution_by_one_signature,
}
"""By name: a context in which the product has this one mistake."""
