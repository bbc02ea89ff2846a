"""One line as a fold: what has been said on it, and what follows (design.md §3).

Rules
 * `apply` takes the messages of this node's log in order, its own and the others', and is deterministic.
 * A message that the examination refuses keeps its place in the chain and is rejected in the receipt; the picture
   stays as it was.
 * Every new set of volumes is compared, before anything is answered, with all that this node knows of other owners.
 * A finding that anybody made stands until both owners have signed the same terms, or a newer version of either
   notice no longer yields it.
 * For each message of another party except RECEIPT, a receipt is owed; each finding of our own is to be told.

No I/O, no clock, no randomness. Times in ms since 1970.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import final

from clearline.line.chain import Chain
from clearline.line.examine import (
    ExaminedNotice,
    examine_conflict,
    examine_noted,
    examine_notice,
    examine_read_back,
    examine_receipt,
    examine_resolution,
)
from clearline.line.read_back import read_back_fields
from clearline.line.reading import VerifiedMessage
from clearline.line.records import (
    Awaited,
    FindingRecord,
    NotedFact,
    NoticeKey,
    NoticeRecord,
    OwedReceipt,
    Place,
    ReadBackFact,
    ReceiptFact,
    ResolutionFact,
    finding_key,
    sides,
)
from clearline.model.agreement import LineAgreement, agreement_digest
from clearline.model.message import (
    Activate,
    AreaAmend,
    AreaCancel,
    AreaNotice,
    Body,
    ConflictTold,
    Evidence,
    FindingKey,
    FindingReport,
    LineAdopted,
    Noted,
    ReadBack,
    Receipt,
    ReceiptItem,
    Release,
    Resolution,
)
from clearline.model.notice import NoticeState
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport, invariant
from clearline.sky import Finding, Sky

__all__ = ["LineState"]

GONE_FINDINGS_KEPT = 10_000
"""Findings on superseded volumes that stay visible; older ones are in the log only."""


@final
class LineState:
    """All that this node knows of one line. Changed by `apply` only."""

    def __init__(self, agreement: LineAgreement, *, own: str) -> None:
        invariant(own in agreement.parties, "a node holds only lines of its own party")
        self.agreement = agreement
        self.own = own
        self.digest = agreement_digest(agreement)
        self.others = tuple(party for party in agreement.parties if party != own)
        self.sky = Sky(agreement.rules)
        self.chains = {party: Chain(self.digest) for party in agreement.parties}
        self.message_ids: dict[str, dict[str, None]] = {party: {} for party in agreement.parties}
        """Of each party by itself: nobody can use up an id that another has in its chain."""
        self.notices: OrderedDict[NoticeKey, NoticeRecord] = OrderedDict()
        """Every notice, the one that changed last at the end."""
        self.by_handle: list[NoticeKey] = []
        self.findings: OrderedDict[FindingKey, FindingRecord] = OrderedDict()
        """Every finding, the one that changed last at the end."""
        self.gone: OrderedDict[FindingKey, None] = OrderedDict()
        self.early: dict[NoticeKey, dict[FindingKey, None]] = {}
        """Findings told before the notice or version that they name has come."""
        self.untold: dict[FindingKey, None] = {}
        self.owed: dict[tuple[str, int], OwedReceipt] = {}
        self.awaited: dict[int, Awaited] = {}
        self.forks: dict[str, int] = {}
        """Parties that contradicted themselves: the first place where they did."""
        self.rejections: dict[str, int] = {}
        """How many messages of each party were rejected."""

    @property
    def line_id(self) -> str:
        """The line's name."""
        return self.agreement.line_id

    def group(self, party: str) -> int:
        """Return the number under which `sky` keeps a party's volumes."""
        return self.agreement.parties.index(party)

    def examine(self, party: str, body: Body) -> ExaminedNotice | None:
        """Do all checks on a body that `party` says, without changing anything.

        Returns the new version for an owner's message, so that it need not be worked out twice.

        Raises:
            Refusal: what the receipt will say as rejection.
        """
        match body:
            case AreaNotice() | AreaAmend() | AreaCancel() | Activate() | Release():
                return examine_notice(self, party, body)
            case ReadBack():
                examine_read_back(self, party, body)
            case Noted():
                examine_noted(self, party, body)
            case ConflictTold():
                examine_conflict(self, party, body.findings)
            case Resolution():
                examine_resolution(self, party, body)
            case Receipt():
                examine_receipt(self, party, body)
            case LineAdopted() | Evidence():
                raise Refusal(
                    RefusalCode.MALFORMED, field="type", found=type(body).__name__, allowed="a line's message"
                )
        return None

    def apply(
        self, message: VerifiedMessage, place: Place, examined: ExaminedNotice | None = None
    ) -> RefusalReport | None:
        """Take a message that is next in its chain; return why it was rejected, or None.

        `examined` saves the work where `examine` has just been done on this very state.
        """
        header = message.header
        party = header.from_party
        self.chains[party].add(message.digest, place.log_index)
        rejected: RefusalReport | None = None
        try:
            self._refuse_reused_id(party, header.msg_id)
            if isinstance(message.body, Refusal):
                raise message.body
            self._take(party, message.body, place, examined)
        except Refusal as refusal:
            rejected = refusal.report()
            self.rejections[party] = self.rejections.get(party, 0) + 1
        self.message_ids[party][header.msg_id] = None
        self._note_debts(message, place, rejected)
        return rejected

    def _refuse_reused_id(self, party: str, message_id: str) -> None:
        if message_id in self.message_ids[party]:
            raise Refusal(
                RefusalCode.MESSAGE_ID_REUSED,
                field="msg_id",
                found=message_id,
                allowed=f"an id not used by {party} on this line",
            )

    def _note_debts(self, message: VerifiedMessage, place: Place, rejected: RefusalReport | None) -> None:
        header, body = message.header, message.body
        if isinstance(body, Receipt):
            return
        about = body if isinstance(body, AreaNotice | AreaAmend | AreaCancel | Activate | Release) else None
        notice_id = about.notice_id if about is not None else None
        version = 1 if about is None or isinstance(about, AreaNotice) else about.version
        if header.from_party == self.own:
            self.awaited[header.sequence] = Awaited(
                notice_id=notice_id, version=version, said_at_ms=place.at_ms, waiting=list(self.others)
            )
            return
        self.owed[(header.from_party, header.sequence)] = OwedReceipt(
            party=header.from_party,
            sequence=header.sequence,
            digest=message.digest,
            place=place,
            rejected=rejected,
            notice_id=notice_id,
            version=version,
        )

    def _take(self, party: str, body: Body, place: Place, examined: ExaminedNotice | None) -> None:
        match body:
            case AreaNotice() | AreaAmend() | AreaCancel() | Activate() | Release():
                self._take_notice(party, examined or examine_notice(self, party, body), place)
            case ReadBack():
                record, wrong = examine_read_back(self, party, body)
                record.read_backs[party] = ReadBackFact(
                    version=body.version, wrong_field=wrong, at_ms=place.at_ms, log_index=place.log_index
                )
                self._changed(record, place)
            case Noted():
                record = examine_noted(self, party, body)
                record.noted[party] = NotedFact(version=body.version, at_ms=place.at_ms, log_index=place.log_index)
                self._changed(record, place)
            case ConflictTold():
                examine_conflict(self, party, body.findings)
                self._take_reports(party, body.findings, place)
            case Resolution():
                examine_resolution(self, party, body)
                self._take_resolution(party, body, place)
            case Receipt():
                examine_receipt(self, party, body)
                for item in body.items:
                    self._take_receipt_item(party, item, place)
            case LineAdopted() | Evidence():
                raise Refusal(
                    RefusalCode.MALFORMED, field="type", found=type(body).__name__, allowed="a line's message"
                )

    # --- notices

    def _take_notice(self, party: str, examined: ExaminedNotice, place: Place) -> None:
        notice = examined.notice
        record = self.notices.get((party, notice.notice_id))
        if record is None:
            record = NoticeRecord(
                owner=party,
                handle=len(self.by_handle),
                notice=notice,
                declared_at_ms=place.at_ms,
                changed_at_ms=place.at_ms,
                changed_index=place.log_index,
            )
            self.notices[record.key] = record
            self.by_handle.append(record.key)
        elif notice.volumes_version != record.notice.volumes_version:
            self._supersede_findings(record, place)
        record.notice = notice
        record.changed_at_ms = place.at_ms
        if notice.volumes:
            record.remember_fields(notice.version, read_back_fields(notice.volumes))
        if examined.prepared is not None:
            record.prepared = examined.prepared
            self._place_in_sky(record)
        elif notice.state is NoticeState.ENDED:
            record.prepared = None
            if record.handle in self.sky:
                self.sky.remove(record.handle)
        self._changed(record, place)
        for finding in examined.findings:
            self._make_finding(record, finding, place)
        self._link_early(record, place)

    def _place_in_sky(self, record: NoticeRecord) -> None:
        if record.handle in self.sky:
            self.sky.remove(record.handle)
        self.sky.add(
            record.handle,
            record.prepared,
            group=self.group(record.owner),
            aircraft_class=record.notice.aircraft_class,
        )

    def _changed(self, record: NoticeRecord, place: Place) -> None:
        record.changed_index = place.log_index
        self.notices.move_to_end(record.key)

    # --- findings

    def _make_finding(self, record: NoticeRecord, finding: Finding, place: Place) -> None:
        other = self.notices[self.by_handle[finding.handle]]
        key = finding_key(record, other)
        report = FindingReport(
            key=key,
            rule_id=self.agreement.rules.rule_id,
            rule_version=self.agreement.rules.version,
            severity=finding.severity,
            from_ms=finding.from_ms,
            until_ms=finding.until_ms,
            closer_ms=finding.closer_ms,
        )
        self._add_report(self.own, report, place)
        if self.own in (key.owner_a, key.owner_b):
            self.untold[key] = None

    def _finding(self, key: FindingKey, place: Place) -> FindingRecord:
        finding = self.findings.get(key)
        if finding is None:
            finding = FindingRecord(key=key, changed_index=place.log_index, made_at_ms=place.at_ms)
            self.findings[key] = finding
        finding.changed_index = place.log_index
        self.findings.move_to_end(key)
        for notice_key, version in sides(key):
            record = self.notices.get(notice_key)
            if record is not None and record.notice.volumes_version == version and not record.ended:
                record.findings[key] = None
                self._changed(record, place)
            elif record is None or record.notice.volumes_version < version:
                self.early.setdefault(notice_key, {})[key] = None
        return finding

    def is_gone(self, key: FindingKey) -> bool:
        """True where either notice has ended, or has newer volumes than those that the finding is about."""
        for notice_key, version in sides(key):
            record = self.notices.get(notice_key)
            if record is not None and (record.ended or record.notice.volumes_version > version):
                return True
        return False

    def _add_report(self, party: str, report: FindingReport, place: Place) -> None:
        if not self.is_gone(report.key):
            self._finding(report.key, place).reports[party] = report

    def _take_reports(self, party: str, reports: tuple[FindingReport, ...], place: Place) -> None:
        for report in reports:
            self._add_report(party, report, place)
            if party == self.own:
                self._mark_told(report.key)

    def _mark_told(self, key: FindingKey) -> None:
        self.untold.pop(key, None)
        if key in self.findings:
            self.findings[key].told = True

    def _take_resolution(self, party: str, body: Resolution, place: Place) -> None:
        if not self.is_gone(body.finding):
            self._finding(body.finding, place).resolutions[party] = ResolutionFact(
                resolution=body, at_ms=place.at_ms, log_index=place.log_index
            )

    def _supersede_findings(self, record: NoticeRecord, place: Place) -> None:
        for key in list(record.findings):
            self._end_finding(key, place)
        while len(self.gone) > GONE_FINDINGS_KEPT:
            oldest, _ = self.gone.popitem(last=False)
            self.findings.pop(oldest, None)

    def _end_finding(self, key: FindingKey, place: Place) -> None:
        self.findings[key].changed_index = place.log_index
        self.findings.move_to_end(key)
        self.untold.pop(key, None)
        self.gone[key] = None
        for notice_key, _ in sides(key):
            record = self.notices.get(notice_key)
            if record is not None and key in record.findings:
                del record.findings[key]
                self._changed(record, place)

    def _link_early(self, record: NoticeRecord, place: Place) -> None:
        for key in self.early.pop(record.key, {}):
            if not self.is_gone(key):
                self._finding(key, place)
            elif key in self.findings:
                self._end_finding(key, place)

    # --- receipts

    def _take_receipt_item(self, party: str, item: ReceiptItem, place: Place) -> None:
        if party == self.own:
            self.owed.pop((item.party, item.sequence), None)
        self._take_reports(party, item.findings, place)
        if item.party != self.own:
            return
        awaited = self.awaited.get(item.sequence)
        if awaited is None or party not in awaited.waiting:
            return
        awaited.waiting.remove(party)
        if not awaited.waiting:
            del self.awaited[item.sequence]
        record = self.notices.get((self.own, awaited.notice_id)) if awaited.notice_id is not None else None
        if record is not None:
            record.receipts[party] = ReceiptFact(
                version=awaited.version,
                their_log_index=item.log_index,
                received_at_ms=item.received_at_ms,
                rejected=item.rejected,
                log_index=place.log_index,
            )
            self._changed(record, place)


def _not_for_a_line(body: LineAdopted | Evidence) -> Refusal:
    return Refusal(RefusalCode.MALFORMED, field="type", found=type(body).__name__, allowed="a line's message")
