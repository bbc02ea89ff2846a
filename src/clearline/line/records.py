"""What the fold remembers: notices with what others have said of them, findings with who made and who resolved them.

Rules
 * A record holds facts, each with the log index that proves it. What follows from facts (cleared, open, read back)
   is computed in `clearance` and stored nowhere.
 * A finding is known by the two notices and the versions of their volumes; it belongs to both owners.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from clearline.model.message import FindingKey, FindingReport, ReadBackFields, Resolution, Severity
from clearline.model.notice import Notice, NoticeState
from clearline.model.refusal import RefusalReport, invariant

__all__ = [
    "Awaited",
    "FindingRecord",
    "NotedFact",
    "NoticeKey",
    "NoticeRecord",
    "ReadBackFact",
    "ReceiptFact",
    "ResolutionFact",
    "finding_id",
    "finding_key",
    "sides",
]

NoticeKey = tuple[str, str]
"""Owner and notice id."""

VERSIONS_REMEMBERED = 16
"""Earlier versions whose read-back fields are kept: a read-back that crossed an amendment is still judged."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when a message entered this node's log."""

    log_index: int
    at_ms: int


class OwedReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A message of another party that this node has not answered yet."""

    party: str
    sequence: int
    digest: str
    place: Place
    rejected: RefusalReport | None
    notice_id: str | None
    version: int


class Awaited(msgspec.Struct, kw_only=True):
    """A message of our own, and who has not yet given a receipt for it."""

    notice_id: str | None
    version: int
    said_at_ms: int
    waiting: list[str]


class ReceiptFact(msgspec.Struct, frozen=True, kw_only=True):
    """A party's receipt for one version: where it stands in that party's log, and in ours."""

    version: int
    their_log_index: int
    received_at_ms: int
    rejected: RefusalReport | None
    log_index: int


class ReadBackFact(msgspec.Struct, frozen=True, kw_only=True):
    """A human's read-back, judged against the version it names; `wrong_field` is None when it was right."""

    version: int
    wrong_field: str | None
    at_ms: int
    log_index: int


class NotedFact(msgspec.Struct, frozen=True, kw_only=True):
    """A party's NOTED of one version."""

    version: int
    at_ms: int
    log_index: int


class ResolutionFact(msgspec.Struct, frozen=True, kw_only=True):
    """One party's signature under terms."""

    resolution: Resolution
    at_ms: int
    log_index: int


class NoticeRecord(msgspec.Struct, kw_only=True):
    """One notice on one line. Mutable: the fold changes it, entry by entry."""

    owner: str
    handle: int
    notice: Notice
    declared_at_ms: int
    changed_at_ms: int
    changed_index: int
    fields: dict[int, ReadBackFields] = {}
    receipts: dict[str, ReceiptFact] = {}
    read_backs: dict[str, ReadBackFact] = {}
    noted: dict[str, NotedFact] = {}
    findings: dict[FindingKey, None] = {}
    """Findings at the current versions of the volumes, in the order in which they were made."""
    prepared: Any = None
    """The `sky.Prepared` of the current volumes; derived, left out of snapshots."""

    @property
    def key(self) -> NoticeKey:
        """Owner and notice id."""
        return (self.owner, self.notice.notice_id)

    @property
    def ended(self) -> bool:
        """True when nothing is flown under it any more."""
        return self.notice.state is NoticeState.ENDED

    def remember_fields(self, version: int, fields: ReadBackFields) -> None:
        """Keep what a reader of `version` must repeat, and forget the oldest ones."""
        self.fields[version] = fields
        for old in sorted(self.fields)[:-VERSIONS_REMEMBERED]:
            del self.fields[old]


class FindingRecord(msgspec.Struct, kw_only=True):
    """One finding: each maker's report, and each owner's signature under a resolution."""

    key: FindingKey
    reports: dict[str, FindingReport] = {}
    """By the party that made it: this node's own comparison, and what others told."""
    resolutions: dict[str, ResolutionFact] = {}
    told: bool = False
    """This node has told its own report to the other owner."""
    changed_index: int
    made_at_ms: int

    @property
    def severity(self) -> Severity:
        """The graver of all reports: what either side found stands for both (design.md §3)."""
        grave = any(report.severity is Severity.CONFLICT for report in self.reports.values())
        return Severity.CONFLICT if grave else Severity.BRIEF

    @property
    def resolved(self) -> bool:
        """True IFF both owners have signed the same terms for exactly these volumes."""
        ours, theirs = self.resolutions.get(self.key.owner_a), self.resolutions.get(self.key.owner_b)
        return ours is not None and theirs is not None and ours.resolution.terms == theirs.resolution.terms

    @property
    def open(self) -> bool:
        """True while it blocks clearance (as long as both versions are current)."""
        return bool(self.reports) and self.severity is Severity.CONFLICT and not self.resolved


def finding_id(line_id: str, key: FindingKey) -> str:
    """Return a short stable name of a finding for pages and paths: the same at every node."""
    text = "\n".join(
        (
            line_id,
            key.owner_a,
            key.notice_a,
            str(key.volumes_version_a),
            key.owner_b,
            key.notice_b,
            str(key.volumes_version_b),
        )
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def sides(key: FindingKey) -> tuple[tuple[NoticeKey, int], tuple[NoticeKey, int]]:
    """Return the two notices of a finding with the versions of their volumes."""
    return (
        ((key.owner_a, key.notice_a), key.volumes_version_a),
        ((key.owner_b, key.notice_b), key.volumes_version_b),
    )


def finding_key(one: NoticeRecord, other: NoticeRecord) -> FindingKey:
    """Return the key of a finding between two notices of different owners."""
    invariant(one.owner != other.owner, "a finding has two owners")
    first, second = (one, other) if one.owner < other.owner else (other, one)
    return FindingKey(
        owner_a=first.owner,
        notice_a=first.notice.notice_id,
        volumes_version_a=first.notice.volumes_version,
        owner_b=second.owner,
        notice_b=second.notice.notice_id,
        volumes_version_b=second.notice.volumes_version,
    )
