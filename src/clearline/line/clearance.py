"""Whether a notice is cleared, and if not, why not (design.md §3).

Rules
 * Cleared IFF it is our own, has not ended, every other party's receipt for its current version is in our log, none
   rejects it, and no finding on it is open.
 * Silence clears nothing (R12). A notice that is not cleared may fly; the record shows that it did (R8).

Pure functions of the state; nothing here is stored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from clearline.line.records import FindingRecord, NoticeRecord
from clearline.model.message import FindingKey, Severity
from clearline.model.refusal import RefusalReport

if TYPE_CHECKING:
    from clearline.line.line_state import LineState

__all__ = ["FindingState", "Hindrance", "HindranceCode", "NoticeStatus", "finding_state", "hindrances", "notice_status"]


class HindranceCode(StrEnum):
    """Why a notice is not cleared."""

    RECEIPT_MISSING = "RECEIPT_MISSING"
    REJECTED = "REJECTED"
    FINDING_OPEN = "FINDING_OPEN"


class Hindrance(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a notice is not cleared, and the party that can change it."""

    code: HindranceCode
    party: str
    finding: FindingKey | None = None
    refusal: RefusalReport | None = None


class NoticeStatus(StrEnum):
    """The one word for a notice."""

    CLEARED = "CLEARED"
    UNCONFIRMED = "UNCONFIRMED"
    """A receipt is missing: somebody may not know of it."""
    CONFLICT = "CONFLICT"
    """At least one finding is open."""
    REJECTED = "REJECTED"
    """A party could not take it; it is not in that party's picture."""
    ENDED = "ENDED"
    RECEIVED = "RECEIVED"
    """Another party's notice: only its owner knows whether it is cleared."""


class FindingState(StrEnum):
    """The one word for a finding."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    BRIEF = "BRIEF"
    """Too short to be a conflict under the line's rules."""
    GONE = "GONE"
    """About volumes that a newer version has replaced."""


def hindrances(line: LineState, record: NoticeRecord) -> list[Hindrance]:
    """Return why an own notice is not cleared; empty IFF it is cleared or has ended."""
    if record.ended:
        return []
    found: list[Hindrance] = []
    for party in line.others:
        receipt = record.receipts.get(party)
        if receipt is None or receipt.version != record.notice.version:
            found.append(Hindrance(code=HindranceCode.RECEIPT_MISSING, party=party))
        elif receipt.rejected is not None:
            found.append(Hindrance(code=HindranceCode.REJECTED, party=party, refusal=receipt.rejected))
    for key in record.findings:
        if line.findings[key].open:
            other = key.owner_b if key.owner_a == record.owner else key.owner_a
            found.append(Hindrance(code=HindranceCode.FINDING_OPEN, party=other, finding=key))
    return found


def notice_status(line: LineState, record: NoticeRecord) -> NoticeStatus:
    """Return the one word that a watch officer needs first. The gravest reason wins."""
    if record.ended:
        return NoticeStatus.ENDED
    if record.owner != line.own:
        return NoticeStatus.RECEIVED
    codes = {hindrance.code for hindrance in hindrances(line, record)}
    if HindranceCode.FINDING_OPEN in codes:
        return NoticeStatus.CONFLICT
    if HindranceCode.REJECTED in codes:
        return NoticeStatus.REJECTED
    return NoticeStatus.UNCONFIRMED if codes else NoticeStatus.CLEARED


def finding_state(line: LineState, finding: FindingRecord) -> FindingState:
    """Return whether a finding still stands."""
    if line.is_gone(finding.key):
        return FindingState.GONE
    if finding.severity is Severity.BRIEF:
        return FindingState.BRIEF
    return FindingState.RESOLVED if finding.resolved else FindingState.OPEN
