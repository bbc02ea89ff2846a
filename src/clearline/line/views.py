"""What people and programs are shown of a line: notices, findings and parties, derived from the state.

Rules
 * A view shows facts of the log and what follows from them; nothing in it is stored, nothing in it is decided here.
 * Read back, noted and cleared are about the current version: what was said of an older one does not count for it.
 * What changed since a place in the log is found from the end: notices and findings are kept in the order of change.
 * The details of a meeting (where, how high, how near) are worked out only for a view, and only while both notices
   hold the volumes that the finding is about.

Pure functions of the state. Times in ms since 1970. JSON: docs/api.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from clearline.line.clearance import finding_state, hindrances, notice_status
from clearline.line.line_state import LineState
from clearline.line.records import FindingRecord, NoticeRecord, finding_id, sides
from clearline.line.view_types import (
    Acknowledgement,
    EntryView,
    FindingView,
    Heard,
    HindranceView,
    LineView,
    LinkState,
    NoticeView,
    PartyView,
    ReadBackState,
    ResolutionView,
)
from clearline.model.identity import AircraftClass, notice_reference
from clearline.model.message import FindingKey
from clearline.sky import Meeting, Prepared

__all__ = [
    "Acknowledgement",
    "EntryView",
    "FindingView",
    "Heard",
    "HindranceView",
    "LineView",
    "LinkState",
    "MeetingPair",
    "NoticeView",
    "PartyView",
    "ReadBackState",
    "ResolutionView",
    "changed_findings",
    "changed_notices",
    "finding_name",
    "finding_view",
    "line_view",
    "meeting_pair",
    "notice_view",
    "with_meeting",
]

_FINDING_NAMES_KEPT = 65_536


@lru_cache(maxsize=_FINDING_NAMES_KEPT)
def finding_name(line_id: str, key: FindingKey) -> str:
    """Return `finding_id`, remembered: pages ask for the same ones again and again."""
    return finding_id(line_id, key)


def changed_notices(line: LineState, since: int) -> Iterator[NoticeRecord]:
    """Yield the notices that changed at log index `since` or later, the last change first."""
    for record in reversed(line.notices.values()):
        if record.changed_index < since:
            return
        yield record


def changed_findings(line: LineState, since: int) -> Iterator[FindingRecord]:
    """Yield the findings that changed at log index `since` or later, the last change first.

    A finding of which only resolutions are known was made by nobody yet: it is not shown.
    """
    for finding in reversed(line.findings.values()):
        if finding.changed_index < since:
            return
        if finding.reports:
            yield finding


def line_view(line: LineState, heard: Mapping[str, Heard]) -> LineView:
    """Return a line with what was observed of each peer."""
    undelivered = _undelivered(line)
    return LineView(
        line_id=line.line_id,
        rules=line.agreement.rules,
        parties=tuple(
            _party_view(line, party, heard.get(party, Heard()), undelivered.get(party, 0))
            for party in line.agreement.parties
        ),
    )


def _party_view(line: LineState, party: str, heard: Heard, undelivered: int) -> PartyView:
    own = party == line.own
    return PartyView(
        party_id=party,
        own=own,
        link=LinkState.OPEN if own else heard.link,
        heard_at_ms=heard.heard_at_ms,
        clock_ahead_ms=heard.clock_ahead_ms,
        undelivered=undelivered,
        forked=line.forks.get(party),
        rejected=line.rejections.get(party, 0),
        refused=heard.refused,
    )


def _undelivered(line: LineState) -> dict[str, int]:
    if len(line.others) == 1:
        # Whoever is awaited at all is the only other one.
        return {line.others[0]: len(line.awaited)}
    counts = dict.fromkeys(line.others, 0)
    for awaited in line.awaited.values():
        for party in awaited.waiting:
            counts[party] += 1
    return counts


def notice_view(line: LineState, record: NoticeRecord) -> NoticeView:
    """Return one notice as it stands."""
    notice = record.notice
    own = record.owner == line.own
    return NoticeView(
        line_id=line.line_id,
        owner=record.owner,
        own=own,
        notice_id=notice.notice_id,
        reference=notice_reference(notice.notice_id),
        version=notice.version,
        volumes_version=notice.volumes_version,
        state=notice.state,
        aircraft_class=notice.aircraft_class,
        priority=notice.priority,
        volumes=notice.volumes,
        declared_at_ms=record.declared_at_ms,
        changed_at_ms=record.changed_at_ms,
        changed_index=record.changed_index,
        status=notice_status(line, record),
        uncleared_because=tuple(_hindrances(line, record)) if own else (),
        acknowledgements=tuple(
            _acknowledgement(line, record, party) for party in line.agreement.parties if party != record.owner
        ),
        read_back_fields=None if record.ended else record.fields.get(notice.version),
    )


def _hindrances(line: LineState, record: NoticeRecord) -> Iterator[HindranceView]:
    for hindrance in hindrances(line, record):
        key = hindrance.finding
        yield HindranceView(
            code=hindrance.code,
            party=hindrance.party,
            finding_id=None if key is None else finding_name(line.line_id, key),
            refusal=hindrance.refusal,
        )


def _acknowledgement(line: LineState, record: NoticeRecord, party: str) -> Acknowledgement:
    version = record.notice.version
    receipt = record.receipts.get(party)
    read = record.read_backs.get(party)
    noted = record.noted.get(party)
    delivered_at_ms, log_index = None, None
    if party == line.own:
        delivered_at_ms = record.changed_at_ms
    elif receipt is not None and receipt.version == version and receipt.rejected is None:
        delivered_at_ms, log_index = receipt.received_at_ms, receipt.their_log_index
    state = ReadBackState.NONE
    if read is not None and read.version == version:
        state = ReadBackState.OK if read.wrong_field is None else ReadBackState.WRONG
    said = read if state is not ReadBackState.NONE else None
    return Acknowledgement(
        party=party,
        delivered_at_ms=delivered_at_ms,
        log_index=log_index,
        read_back=state,
        read_back_at_ms=None if said is None else said.at_ms,
        wrong_field=None if said is None else said.wrong_field,
        noted_at_ms=noted.at_ms if noted is not None and noted.version == version else None,
    )


def finding_view(line: LineState, finding: FindingRecord) -> FindingView:
    """Return one finding without the details of the meeting. Where makers differ, the widest of all is shown."""
    key = finding.key
    reports = list(finding.reports.values())
    told = finding.reports.get(line.own, reports[0])
    return FindingView(
        finding_id=finding_name(line.line_id, key),
        line_id=line.line_id,
        key=key,
        reference_a=notice_reference(key.notice_a),
        reference_b=notice_reference(key.notice_b),
        severity=finding.severity,
        state=finding_state(line, finding),
        rule_id=told.rule_id,
        rule_version=told.rule_version,
        from_ms=min(report.from_ms for report in reports),
        until_ms=max(report.until_ms for report in reports),
        closer_ms=max(report.closer_ms for report in reports),
        certain=None,
        lateral_m_min=None,
        vertical_m_min=None,
        band_lower_w84_m=None,
        band_upper_w84_m=None,
        band_text=None,
        area=(),
        found_by=tuple(sorted(finding.reports)),
        resolutions=tuple(_resolutions(finding)),
        made_at_ms=finding.made_at_ms,
        changed_index=finding.changed_index,
    )


def _resolutions(finding: FindingRecord) -> Iterable[ResolutionView]:
    for party, fact in sorted(finding.resolutions.items()):
        terms = fact.resolution
        yield ResolutionView(
            party=party,
            code=terms.code,
            first_party=terms.first_party,
            level=terms.level,
            above_party=terms.above_party,
            frequency_khz=terms.frequency_khz,
            signed_at_ms=fact.at_ms,
            log_index=fact.log_index,
        )


class MeetingPair(NamedTuple):
    """The volumes that a finding is about, and the classes of aircraft that choose its rule."""

    a: Prepared
    b: Prepared
    classes: tuple[AircraftClass, AircraftClass]


def meeting_pair(line: LineState, key: FindingKey) -> MeetingPair | None:
    """Return what a finding is about, or None where either notice does not hold those volumes (any more)."""
    found: list[tuple[Prepared, AircraftClass]] = []
    for notice_key, version in sides(key):
        record = line.notices.get(notice_key)
        if record is None or record.prepared is None or record.notice.volumes_version != version:
            return None
        found.append((record.prepared, record.notice.aircraft_class))
    (a, class_a), (b, class_b) = found
    return MeetingPair(a, b, (class_a, class_b))


def with_meeting(view: FindingView, meeting: Meeting) -> FindingView:
    """Return the finding with where, how high and how near."""
    return msgspec.structs.replace(
        view,
        certain=meeting.certain,
        lateral_m_min=meeting.lateral_m_min,
        vertical_m_min=meeting.vertical_m_min,
        band_lower_w84_m=meeting.band_lower_w84_m,
        band_upper_w84_m=meeting.band_upper_w84_m,
        band_text=meeting.band_text,
        area=meeting.area,
    )
