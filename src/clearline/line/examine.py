"""What a message would do, worked out before anything is changed.

Rules
 * The same examination serves a node's own words (a refusal goes to the speaker) and a peer's (a refusal goes into
   the receipt as a rejection). Nothing that the examination refuses changes the picture.
 * Only the owner changes a notice. A new version is higher than the current one; a message that does not carry the
   whole notice (ACTIVATE, partial RELEASE) must follow the current version directly.
 * An ended notice stays ended.

No I/O, no clock. Source: docs/spec/messages.md; practice.md §6, §7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from clearline.line.read_back import wrong_field
from clearline.model import limits
from clearline.model.message import (
    Activate,
    AreaAmend,
    AreaCancel,
    AreaNotice,
    FindingKey,
    FindingReport,
    Noted,
    ReadBack,
    Receipt,
    ReceiptItem,
    Release,
    Resolution,
    TreeHead,
)
from clearline.model.notice import Notice, NoticeState
from clearline.model.refusal import Refusal, RefusalCode
from clearline.sky import Finding, Prepared, prepare

if TYPE_CHECKING:
    from clearline.line.line_state import LineState
    from clearline.line.records import NoticeRecord

__all__ = [
    "ExaminedNotice",
    "examine_conflict",
    "examine_noted",
    "examine_notice",
    "examine_read_back",
    "examine_receipt",
    "examine_resolution",
]

OwnersMessage = AreaNotice | AreaAmend | AreaCancel | Activate | Release


class ExaminedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A new version of a notice, ready to be taken. `prepared` is None where the volumes are as before."""

    notice: Notice
    prepared: Prepared | None
    findings: tuple[Finding, ...]


def examine_notice(line: LineState, party: str, body: OwnersMessage) -> ExaminedNotice:
    """Work out the new version that an owner's message makes, and what it meets.

    Raises:
        Refusal: NOTICE_EXISTS, NOTICE_UNKNOWN, NOTICE_ENDED, VERSION_NOT_NEXT, STATE_FORBIDS, OVER_LIMIT, or a
            refusal of the volumes by `sky.prepare`.
    """
    current = line.notices.get((party, body.notice_id))
    notice = _first_version(line, body, current) if isinstance(body, AreaNotice) else _next_version(body, current)
    if current is not None and notice.volumes_version == current.notice.volumes_version:
        return ExaminedNotice(notice=notice, prepared=None, findings=())
    if notice.state is NoticeState.ENDED:
        return ExaminedNotice(notice=notice, prepared=None, findings=())
    prepared = prepare(notice.volumes)
    findings = line.sky.findings(prepared, exclude_group=line.group(party), aircraft_class=notice.aircraft_class)
    if len(findings) > limits.FINDINGS_PER_NOTICE_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="volumes",
            found=f"meets {len(findings)} notices",
            allowed=f"at most {limits.FINDINGS_PER_NOTICE_MAX}: declare smaller volumes or shorter windows",
        )
    return ExaminedNotice(notice=notice, prepared=prepared, findings=tuple(findings))


def _first_version(line: LineState, body: AreaNotice, current: NoticeRecord | None) -> Notice:
    if current is not None:
        raise Refusal(
            RefusalCode.NOTICE_EXISTS, field="notice_id", found=body.notice_id, allowed="an id not used before"
        )
    if len(line.notices) >= limits.NOTICES_PER_LINE_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="notice_id",
            found=f"{len(line.notices)} notices on the line",
            allowed=f"at most {limits.NOTICES_PER_LINE_MAX}",
        )
    return body.notice()


def _next_version(body: AreaAmend | AreaCancel | Activate | Release, current: NoticeRecord | None) -> Notice:
    if current is None:
        raise Refusal(
            RefusalCode.NOTICE_UNKNOWN, field="notice_id", found=body.notice_id, allowed="a notice of this party"
        )
    held = current.notice
    if held.state is NoticeState.ENDED:
        raise Refusal(
            RefusalCode.NOTICE_ENDED, field="notice_id", found=body.notice_id, allowed="a notice that has not ended"
        )
    whole = isinstance(body, AreaAmend | AreaCancel) or (isinstance(body, Release) and body.volumes is None)
    if not (body.version > held.version if whole else body.version == held.version + 1):
        raise Refusal(RefusalCode.VERSION_NOT_NEXT, field="version", found=body.version, allowed=f"{held.version + 1}")
    match body:
        case AreaAmend():
            return msgspec.structs.replace(
                held,
                version=body.version,
                volumes_version=body.version,
                aircraft_class=body.aircraft_class,
                priority=body.priority,
                volumes=body.volumes,
            )
        case Activate():
            return _activated(held, body)
        case Release(volumes=tuple() as released):
            return _partly_released(held, body.version, released)
        case AreaCancel() | Release():
            return msgspec.structs.replace(
                held, version=body.version, volumes_version=body.version, state=NoticeState.ENDED, volumes=()
            )


def _activated(held: Notice, body: Activate) -> Notice:
    if held.state is not NoticeState.ACCEPTED:
        raise Refusal(
            RefusalCode.STATE_FORBIDS, field="type", found=f"ACTIVATE in state {held.state}", allowed="state Accepted"
        )
    return msgspec.structs.replace(held, version=body.version, state=NoticeState.ACTIVATED)


def _partly_released(held: Notice, version: int, released: tuple[int, ...]) -> Notice:
    if not released or len(set(released)) != len(released) or not all(place < len(held.volumes) for place in released):
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field="volumes",
            found=list(released),
            allowed=f"different places from 0 to {len(held.volumes) - 1}",
        )
    kept = tuple(volume for place, volume in enumerate(held.volumes) if place not in released)
    state = held.state if kept else NoticeState.ENDED
    return msgspec.structs.replace(held, version=version, volumes_version=version, state=state, volumes=kept)


def _notice_for_reader(line: LineState, party: str, body: ReadBack | Noted) -> NoticeRecord:
    if body.owner == party:
        raise Refusal(RefusalCode.NOT_OWNER, field="owner", found=body.owner, allowed="a notice of another party")
    record = line.notices.get((body.owner, body.notice_id))
    if record is None:
        raise Refusal(
            RefusalCode.NOTICE_UNKNOWN, field="notice_id", found=body.notice_id, allowed=f"a notice of {body.owner}"
        )
    if body.version not in record.fields:
        raise Refusal(
            RefusalCode.VERSION_NOT_NEXT,
            field="version",
            found=body.version,
            allowed=", ".join(str(version) for version in sorted(record.fields)) or "none: the notice has ended",
        )
    return record


def examine_read_back(line: LineState, party: str, body: ReadBack) -> tuple[NoticeRecord, str | None]:
    """Return the notice concerned and the field that was repeated wrongly, if any.

    Raises:
        Refusal: NOT_OWNER, NOTICE_UNKNOWN, VERSION_NOT_NEXT.
    """
    record = _notice_for_reader(line, party, body)
    return record, wrong_field(record.fields[body.version], body.fields)


def examine_noted(line: LineState, party: str, body: Noted) -> NoticeRecord:
    """Return the notice that is noted; it must have been read back rightly by the same party first.

    Raises:
        Refusal: NOT_OWNER, NOTICE_UNKNOWN, VERSION_NOT_NEXT, STATE_FORBIDS.
    """
    record = _notice_for_reader(line, party, body)
    read = record.read_backs.get(party)
    if read is None or read.version != body.version or read.wrong_field is not None:
        raise Refusal(
            RefusalCode.STATE_FORBIDS,
            field="version",
            found=f"version {body.version} is not read back",
            allowed="a right READ_BACK of this version first",
        )
    return record


def check_finding_key(line: LineState, party: str, key: FindingKey, *, field: str) -> None:
    """Refuse a finding in which `party` has no part, or about a notice of ours that was never said.

    Raises:
        Refusal: NOT_OWNER, PARTY_UNKNOWN, FINDING_UNKNOWN.
    """
    if party not in (key.owner_a, key.owner_b):
        raise Refusal(
            RefusalCode.NOT_OWNER,
            field=field,
            found=f"{key.owner_a} and {key.owner_b}",
            allowed=f"one owner is {party}",
        )
    for owner, notice_id, version in (
        (key.owner_a, key.notice_a, key.volumes_version_a),
        (key.owner_b, key.notice_b, key.volumes_version_b),
    ):
        if owner not in line.agreement.parties:
            raise Refusal(
                RefusalCode.PARTY_UNKNOWN, field=field, found=owner, allowed=", ".join(line.agreement.parties)
            )
        if owner != line.own:
            continue  # Another's notice may be on its way, or be one that we rejected: the finding stands all the same.
        record = line.notices.get((owner, notice_id))
        if record is None or version > record.notice.volumes_version:
            raise Refusal(
                RefusalCode.FINDING_UNKNOWN,
                field=field,
                found=f"{owner} {notice_id} volumes version {version}",
                allowed="notices and versions that were said on this line",
            )


def examine_conflict(line: LineState, party: str, reports: tuple[FindingReport, ...]) -> None:
    """Check findings that a party tells.

    Raises:
        Refusal: as `check_finding_key`.
    """
    for place, report in enumerate(reports):
        check_finding_key(line, party, report.key, field=f"findings[{place}].key")


def examine_receipt(line: LineState, party: str, body: Receipt) -> None:
    """Check that a receipt names only what was said, each once and under its tree. One false item refuses it whole.

    Raises:
        Refusal: RECEIPT_FALSE, PARTY_UNKNOWN, or as `check_finding_key`.
    """
    named: set[tuple[str, int]] = set()
    for place, item in enumerate(body.items):
        field = f"items[{place}]"
        _check_in_tree(item, body.tree, field=field)
        if (item.party, item.sequence) in named:
            raise Refusal(
                RefusalCode.RECEIPT_FALSE, field=f"{field}.sequence", found=item.sequence, allowed="each message once"
            )
        named.add((item.party, item.sequence))
        chain = line.chains.get(item.party)
        if chain is None or item.party == party:
            raise Refusal(
                RefusalCode.PARTY_UNKNOWN, field=f"{field}.party", found=item.party, allowed="another party of the line"
            )
        if item.sequence > chain.length:
            if item.party == line.own:
                raise Refusal(
                    RefusalCode.RECEIPT_FALSE,
                    field=f"{field}.sequence",
                    found=item.sequence,
                    allowed=f"at most {chain.length}: nothing more was said",
                )
        elif chain.digest(item.sequence) != item.digest:
            raise Refusal(
                RefusalCode.RECEIPT_FALSE,
                field=f"{field}.digest",
                found=item.digest,
                allowed=chain.digest(item.sequence),
            )
        examine_conflict(line, party, item.findings)


def _check_in_tree(item: ReceiptItem, tree: TreeHead, *, field: str) -> None:
    if item.log_index >= tree.size:
        raise Refusal(
            RefusalCode.RECEIPT_FALSE,
            field=f"{field}.log_index",
            found=item.log_index,
            allowed=f"below {tree.size}, the size of the tree that covers it",
        )


def examine_resolution(line: LineState, party: str, body: Resolution) -> None:
    """Check a signature under a way out.

    Raises:
        Refusal: as `check_finding_key`, with field `finding`.
    """
    check_finding_key(line, party, body.finding, field="finding")
