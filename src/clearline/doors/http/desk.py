"""The node as the door sees it: whole pictures and single views, made without holding up the writer.

Rules
 * A view is made only while everything in the state is durable (`node.settled`), and in small portions: between two
   of them the writer gets its turn.
 * `log_size` is taken first: what changes while a picture is made is asked for again with `since`.
 * Details of meetings are worked out in a thread, once for each finding.
 * Until the node has read its log, and after it stops, everything is refused with the reason.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar, final

from clearline import __version__
from clearline.doors.http.metrics import SkyMeasure
from clearline.doors.http.wire import Findings, FindingsQuery, Notices, NoticesQuery, Picture, Status
from clearline.line.clearance import FindingState, NoticeStatus, finding_state, notice_status
from clearline.line.line_state import LineState
from clearline.line.node_state import NodeState
from clearline.line.records import FindingRecord, NoticeRecord
from clearline.line.views import (
    FindingView,
    Heard,
    LineView,
    LinkState,
    MeetingPair,
    NoticeView,
    changed_findings,
    changed_notices,
    finding_name,
    finding_view,
    line_view,
    meeting_pair,
    notice_view,
    with_meeting,
)
from clearline.model import limits
from clearline.model.identity import Role
from clearline.model.message import FindingKey
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport
from clearline.model.rules import RuleSet
from clearline.node.node import Node
from clearline.node.peers import Link
from clearline.sky import Meeting, describe

__all__ = ["Desk", "link_state"]

_IN_ORDER = (NoticeStatus.CLEARED, NoticeStatus.ENDED)
T = TypeVar("T")
R = TypeVar("R", NoticeRecord, FindingRecord)
_Pair = tuple[str, FindingKey, MeetingPair, RuleSet]


def link_state(link: Link, *, now_ms: int) -> LinkState:
    """Return how a peer is observed: OPEN IFF it was heard lately and does not refuse us."""
    if link.heard_at_ms is None:
        return LinkState.UNKNOWN
    late = now_ms - link.heard_at_ms > limits.LINK_QUIET_MS_MAX
    return LinkState.DEGRADED if late or link.refused is not None else LinkState.OPEN


@final
class Desk:
    """Views of one node. `open` when the node has started; `begin_closing`, then `close`, when it stops."""

    def __init__(self, party: str, *, store_failure: Callable[[], str | None] = lambda: None) -> None:
        self.party = party
        self._store_failure = store_failure
        self._node: Node | None = None
        self._not_ready = Refusal(
            RefusalCode.KERNEL_NOT_READY, found="the node is starting", allowed="try again in 2 s"
        )
        self._meetings: OrderedDict[tuple[str, FindingKey], Meeting | None] = OrderedDict()
        self._measured: tuple[int, SkyMeasure] | None = None
        self.closing = asyncio.Event()
        """Set when the node stops: streams end themselves."""

    # --- life

    def open(self, node: Node) -> None:
        """From here on views are given."""
        self._node = node

    def begin_closing(self) -> None:
        """Streams end and readiness with them; requests under way are still answered."""
        self.closing.set()

    def close(self) -> None:
        """From here on everything is refused."""
        self._not_ready = Refusal(
            RefusalCode.STOPPING, found="the node is shutting down", allowed="try again when it is back"
        )
        self._node = None
        self.closing.set()

    @property
    def node(self) -> Node:
        """The node.

        Raises:
            Refusal: KERNEL_NOT_READY, STOPPING.
        """
        if self._node is None:
            raise self._not_ready
        return self._node

    def why_not_ready(self) -> str:
        """Return one word for why nothing can be said now, or nothing."""
        if self.closing.is_set():
            return "STOPPING"
        if self._node is None:
            return "LOADING"
        if self._node.writer.halted is not None:
            return "HALTED"
        return "STORE_FAILING" if self._store_failure() is not None else ""

    # --- lines and status

    def lines(self, state: NodeState, *, now_ms: int) -> tuple[LineView, ...]:
        """Return all lines; `state` is settled."""
        return tuple(line_view(line, self._heard(line, now_ms=now_ms)) for line in state.lines.values())

    def _heard(self, line: LineState, *, now_ms: int) -> dict[str, Heard]:
        links = self.node.links
        return {
            peer: Heard(
                link=link_state(link, now_ms=now_ms),
                heard_at_ms=link.heard_at_ms,
                clock_ahead_ms=link.clock_ahead_ms,
                refused=link.refused,
            )
            for peer in line.others
            if (link := links.get((line.line_id, peer))) is not None
        }

    async def status(self) -> Status:
        """Return the node and its lines as they stand."""
        node = self.node
        now_ms = node.clock.now_ms()
        async with node.settled() as state:
            return Status(
                party=self.party,
                version=__version__,
                now_ms=now_ms,
                log_size=state.size,
                tree=state.tree_head(),
                halted=self._halted(),
                store_failure=self._store_failure(),
                lines=self.lines(state, now_ms=now_ms),
            )

    def _halted(self) -> RefusalReport | None:
        halted = self.node.writer.halted
        return None if halted is None else halted.report()

    async def measure(self) -> SkyMeasure:
        """Count notices and findings; counted anew only where the log has grown."""
        async with self.node.settled() as state:
            size = state.size
            held = [(line, record) for line in state.lines.values() for record in line.notices.values()]
            findings = [(line, finding) for line in state.lines.values() for finding in line.findings.values()]
        if self._measured is not None and self._measured[0] == size:
            return self._measured[1]
        notices = uncleared = open_findings = 0
        for portion in _portions(held):
            async with self.node.settled():
                notices += sum(not record.ended for _, record in portion)
                uncleared += sum(
                    record.owner == self.party and notice_status(line, record) not in _IN_ORDER
                    for line, record in portion
                )
        for found in _portions(findings):
            async with self.node.settled():
                open_findings += sum(finding_state(line, finding) is FindingState.OPEN for line, finding in found)
        measure = SkyMeasure(notices=notices, uncleared=uncleared, open_findings=open_findings)
        self._measured = (size, measure)
        return measure

    # --- many views

    async def picture(self, *, role: Role, since: int | None) -> Picture:
        """Return everything, or what changed at log index `since` or later. Ended notices only where they changed."""
        node = self.node
        now_ms = node.clock.now_ms()
        start = since or 0
        async with node.settled() as state:
            log_size = state.size
            lines = self.lines(state, now_ms=now_ms)
            held = list(state.lines.values())
            notices = _latest(
                [
                    (line, record)
                    for line in held
                    for record in changed_notices(line, start)
                    if since is not None or not record.ended
                ]
            )
            findings = _latest(
                [
                    (line, finding)
                    for line in held
                    for finding in changed_findings(line, start)
                    if since is not None or not line.is_gone(finding.key)
                ]
            )
        return Picture(
            party=self.party,
            role=role,
            now_ms=now_ms,
            log_size=log_size,
            halted=self._halted(),
            lines=lines,
            notices=await self._notice_views(notices[: limits.PICTURE_NOTICES_MAX]),
            findings=await self._finding_views(findings[: limits.PICTURE_FINDINGS_MAX]),
            notices_more=len(notices) > limits.PICTURE_NOTICES_MAX,
            findings_more=len(findings) > limits.PICTURE_FINDINGS_MAX,
        )

    async def notices(self, query: NoticesQuery) -> Notices:
        """Return the notices that a query wants.

        Raises:
            Refusal: LINE_UNKNOWN.
        """
        async with self.node.settled() as state:
            log_size = state.size
            asked = _latest(
                [
                    (line, record)
                    for line in _wanted_lines(state, query.line)
                    for record in changed_notices(line, query.since or 0)
                    if query.owner in {None, record.owner} and query.state in {None, record.notice.state}
                ]
            )
        found: list[tuple[LineState, NoticeRecord]] = asked if query.status is None else []
        if query.status is not None:
            for portion in _portions(asked):
                async with self.node.settled():
                    found += [(line, record) for line, record in portion if query.status is notice_status(line, record)]
                if len(found) > query.limit:
                    break
        views = await self._notice_views(found[: query.limit])
        return Notices(log_size=log_size, notices=views, more=len(found) > query.limit)

    async def findings(self, query: FindingsQuery) -> Findings:
        """Return the findings that a query wants.

        Raises:
            Refusal: LINE_UNKNOWN.
        """
        async with self.node.settled() as state:
            log_size = state.size
            found = _latest(
                [
                    (line, finding)
                    for line in _wanted_lines(state, query.line)
                    for finding in changed_findings(line, query.since or 0)
                    if query.owner in {None, finding.key.owner_a, finding.key.owner_b}
                    and (query.state is None or query.state is finding_state(line, finding))
                ]
            )
        views = await self._finding_views(found[: query.limit])
        return Findings(log_size=log_size, findings=views, more=len(found) > query.limit)

    async def _notice_views(self, records: Sequence[tuple[LineState, NoticeRecord]]) -> tuple[NoticeView, ...]:
        views: list[NoticeView] = []
        for portion in _portions(records):
            async with self.node.settled():
                views += [notice_view(line, record) for line, record in portion]
        return tuple(views)

    async def _finding_views(self, records: Sequence[tuple[LineState, FindingRecord]]) -> tuple[FindingView, ...]:
        views: list[FindingView] = []
        pairs: list[_Pair] = []
        for portion in _portions(records):
            async with self.node.settled():
                for line, finding in portion:
                    views.append(finding_view(line, finding))
                    pair = meeting_pair(line, finding.key)
                    if pair is not None:
                        pairs.append((line.line_id, finding.key, pair, line.agreement.rules))
        known = await self._meetings_of(pairs)
        return tuple(
            with_meeting(view, meeting) if (meeting := known.get((view.line_id, view.key))) is not None else view
            for view in views
        )

    async def _meetings_of(self, pairs: Sequence[_Pair]) -> dict[tuple[str, FindingKey], Meeting | None]:
        missing = [pair for pair in pairs if (pair[0], pair[1]) not in self._meetings]
        for start in range(0, len(missing), limits.VIEWS_AT_ONCE):
            portion = missing[start : start + limits.VIEWS_AT_ONCE]
            for pair, meeting in zip(portion, await asyncio.to_thread(_described, portion), strict=True):
                self._meetings[(pair[0], pair[1])] = meeting
        known = {(line_id, key): self._meetings.get((line_id, key)) for line_id, key, *_ in pairs}
        while len(self._meetings) > limits.MEETINGS_KEPT:
            self._meetings.popitem(last=False)
        return known

    # --- single views

    async def notice(self, line_id: str, owner: str, notice_id: str) -> NoticeView:
        """Return one notice.

        Raises:
            Refusal: LINE_UNKNOWN, NOTICE_UNKNOWN.
        """
        async with self.node.settled() as state:
            line = state.line(line_id)
            record = line.notices.get((owner, notice_id))
            if record is None:
                raise Refusal(
                    RefusalCode.NOTICE_UNKNOWN, field="notice_id", found=notice_id, allowed=f"a notice of {owner}"
                )
            return notice_view(line, record)

    async def own_notice(self, notice_id: str, lines: Iterable[str]) -> tuple[NoticeView, ...]:
        """Return the own notice with this id on each of `lines`."""
        async with self.node.settled() as state:
            return tuple(
                notice_view(line, record)
                for line_id in lines
                if (record := (line := state.line(line_id)).notices.get((self.party, notice_id))) is not None
            )

    async def find_finding(self, finding_id: str) -> tuple[str, FindingKey]:
        """Return the line and key of a finding.

        Raises:
            Refusal: FINDING_UNKNOWN.
        """
        async with self.node.settled() as state:
            for line in state.lines.values():
                for finding in changed_findings(line, 0):
                    if finding_name(line.line_id, finding.key) == finding_id:
                        return line.line_id, finding.key
        raise Refusal(
            RefusalCode.FINDING_UNKNOWN, field="finding_id", found=finding_id, allowed="a finding of GET /v1/findings"
        )

    async def finding(self, line_id: str, key: FindingKey) -> FindingView:
        """Return one finding that exists.

        Raises:
            Refusal: FINDING_UNKNOWN where it was dropped meanwhile.
        """
        async with self.node.settled() as state:
            line = state.line(line_id)
            record = line.findings.get(key)
        if record is None:
            raise Refusal(
                RefusalCode.FINDING_UNKNOWN, field="finding_id", found="gone", allowed="a finding that is kept"
            )
        (view,) = await self._finding_views([(line, record)])
        return view


def _wanted_lines(state: NodeState, line_id: str | None) -> Iterable[LineState]:
    return state.lines.values() if line_id is None else (state.line(line_id),)


def _latest(found: list[tuple[LineState, R]]) -> list[tuple[LineState, R]]:
    """Return what was found on several lines, the last changed first."""
    return sorted(found, key=lambda one: -one[1].changed_index)


def _portions(records: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(records), limits.VIEWS_AT_ONCE):
        yield records[start : start + limits.VIEWS_AT_ONCE]


def _described(pairs: Sequence[_Pair]) -> list[Meeting | None]:
    return [describe(pair.a, pair.b, rules, pair.classes) for _, _, pair, rules in pairs]
