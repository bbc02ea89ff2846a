"""The message catalogue: what can be said on a line (practice.md §6, as far as it is built).

Rules
 * A message is a header and a body; the signed bytes are the JSON of both. The header alone places it in its
   sender's chain, so a body that cannot be read is still recorded, and answered with a rejection.
 * `sequence` counts from 1 without gaps for each sender on each line; `previous` is the digest of the message
   before, or of the line's agreement. A dropped, reordered or forged message therefore shows.
 * Owner's messages carry the full volumes: nobody has to know an earlier version to understand a later one.
 * No message grants permission, and no field exists for mission, unit or reason of flight (R7, R8).

Wire text and test vectors: docs/spec/envelope.md, docs/spec/messages.md.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.altitude import parse_altitude
from clearline.model.identity import AircraftClass, Digest, LineId, MessageId, NoticeId, PartyId, Role
from clearline.model.notice import Notice, NoticeState, Priority, Version, check_volume_count
from clearline.model.refusal import FieldRefusal, RefusalCode, RefusalReport
from clearline.model.rules import RuleId
from clearline.model.volume import Volume4D

__all__ = [
    "BODY_TYPES",
    "JOURNAL_LINE",
    "JOURNAL_TYPES",
    "MESSAGE_SCHEMA",
    "Activate",
    "AreaAmend",
    "AreaCancel",
    "AreaNotice",
    "Body",
    "ConflictTold",
    "Evidence",
    "FindingKey",
    "FindingReport",
    "Header",
    "LineAdopted",
    "MessageType",
    "Noted",
    "Precedence",
    "ReadBack",
    "ReadBackFields",
    "ReasonCode",
    "Receipt",
    "ReceiptItem",
    "Release",
    "Resolution",
    "ResolutionCode",
    "Severity",
    "TreeHead",
    "message_type_of",
]

MESSAGE_SCHEMA = "clearline/message/1"
JOURNAL_LINE = "journal"
"""The line id of a node's own journal; no line between parties may have it."""

Sequence = Annotated[int, msgspec.Meta(ge=1, le=limits.SEQUENCE_MAX)]
LogIndex = Annotated[int, msgspec.Meta(ge=0, le=limits.SEQUENCE_MAX)]
Milliseconds = Annotated[int, msgspec.Meta(ge=limits.TIME_MS_MIN, le=limits.TIME_MS_MAX)]


class MessageType(StrEnum):
    """What can be said. The names are those of the catalogue (practice.md §6)."""

    AREA_NOTICE = "AREA_NOTICE"
    AREA_AMEND = "AREA_AMEND"
    AREA_CANCEL = "AREA_CANCEL"
    ACTIVATE = "ACTIVATE"
    RELEASE = "RELEASE"
    READ_BACK = "READ_BACK"
    NOTED = "NOTED"
    CONFLICT = "CONFLICT"
    RESOLUTION = "RESOLUTION"
    RECEIPT = "RECEIPT"
    LINE_ADOPTED = "LINE_ADOPTED"
    """Only in a node's own journal: from here on it works under this agreement."""
    EVIDENCE = "EVIDENCE"
    """Only in a node's own journal: proof that a party contradicted itself."""


class Precedence(StrEnum):
    """How soon a human must read it (R2: 60 s, 5 min, 30 min)."""

    FLASH = "FLASH"
    IMMEDIATE = "IMMEDIATE"
    PRIORITY = "PRIORITY"
    ROUTINE = "ROUTINE"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The place of a message in its sender's chain, and its body as unread bytes."""

    schema: str
    line_id: LineId
    from_party: PartyId
    from_role: Role
    sequence: Sequence
    previous: Digest
    msg_id: MessageId
    sent_at_ms: Milliseconds
    precedence: Precedence
    type: MessageType
    body: msgspec.Raw

    def __post_init__(self) -> None:
        if self.schema != MESSAGE_SCHEMA:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field="schema", found=self.schema, allowed=MESSAGE_SCHEMA)


class ReasonCode(StrEnum):
    """Why a plan changed, as far as separation is concerned."""

    CHANGE_OF_PLAN = "CHANGE_OF_PLAN"
    CONFLICT_AVOIDED = "CONFLICT_AVOIDED"
    WEATHER = "WEATHER"
    CORRECTION = "CORRECTION"
    COMPLETED = "COMPLETED"


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class AreaNotice(_Body, frozen=True, kw_only=True):
    """A new notice: version 1, state Accepted."""

    notice_id: NoticeId
    aircraft_class: AircraftClass
    priority: Priority
    volumes: tuple[Volume4D, ...]

    def __post_init__(self) -> None:
        check_volume_count(self.volumes)

    def notice(self) -> Notice:
        """Return version 1 of the notice."""
        return Notice(
            notice_id=self.notice_id,
            version=1,
            volumes_version=1,
            state=NoticeState.ACCEPTED,
            aircraft_class=self.aircraft_class,
            priority=self.priority,
            volumes=self.volumes,
        )


class AreaAmend(_Body, frozen=True, kw_only=True):
    """New volumes for a notice: `version` follows the current one. The state is kept."""

    notice_id: NoticeId
    version: Version
    aircraft_class: AircraftClass
    priority: Priority
    volumes: tuple[Volume4D, ...]
    reason: ReasonCode

    def __post_init__(self) -> None:
        check_volume_count(self.volumes)


class AreaCancel(_Body, frozen=True, kw_only=True):
    """The notice is ended before or instead of its use."""

    notice_id: NoticeId
    version: Version
    reason: ReasonCode


class Activate(_Body, frozen=True, kw_only=True):
    """Use of the airspace begins."""

    notice_id: NoticeId
    version: Version


class Release(_Body, frozen=True, kw_only=True):
    """Use is over: of the whole notice (`volumes` none), or of the volumes with these places in the list, early."""

    notice_id: NoticeId
    version: Version
    volumes: (
        Annotated[
            tuple[Annotated[int, msgspec.Meta(ge=0, lt=limits.VOLUMES_MAX)], ...],
            msgspec.Meta(min_length=1, max_length=limits.VOLUMES_MAX),
        ]
        | None
    ) = None


class ReadBackFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a human repeats (R5): the box around all volumes to 0.01 degree outward, the band, and the window.

    `lower` and `upper` are altitudes as text with reference; `from_time` and `until_time` are RFC 3339 in UTC.
    """

    south: float
    west: float
    north: float
    east: float
    lower: Annotated[str, msgspec.Meta(max_length=128)]
    upper: Annotated[str, msgspec.Meta(max_length=128)]
    from_time: Annotated[str, msgspec.Meta(max_length=40)]
    until_time: Annotated[str, msgspec.Meta(max_length=40)]


class ReadBack(_Body, frozen=True, kw_only=True):
    """A human has read the notice and repeats its key fields. Agreement is computed by both sides, never claimed."""

    owner: PartyId
    notice_id: NoticeId
    version: Version
    fields: ReadBackFields


class Noted(_Body, frozen=True, kw_only=True):
    """Read, understood, and no objection known. It is not permission (R8)."""

    owner: PartyId
    notice_id: NoticeId
    version: Version


class Severity(StrEnum):
    """What a finding means for clearance, by the rule set of its line."""

    CONFLICT = "CONFLICT"
    BRIEF = "BRIEF"
    """Closer than the separation, but not for longer than the rule set allows. Shown, and blocks nothing."""


class FindingKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, order=True):
    """Which two notices meet, at which versions of their volumes. `owner_a` sorts before `owner_b`."""

    owner_a: PartyId
    notice_a: NoticeId
    volumes_version_a: Version
    owner_b: PartyId
    notice_b: NoticeId
    volumes_version_b: Version

    def __post_init__(self) -> None:
        if not self.owner_a < self.owner_b:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE, field="owner_a", found=self.owner_a, allowed="sorts before owner_b"
            )


class FindingReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One finding as its maker saw it. Times in ms since 1970, W84 heights and distances in metres."""

    key: FindingKey
    rule_id: RuleId
    rule_version: Version
    severity: Severity
    from_ms: Milliseconds
    until_ms: Milliseconds
    closer_ms: Milliseconds
    """For how long in all the two are closer than the rule allows."""

    def __post_init__(self) -> None:
        if self.from_ms > self.until_ms:
            raise FieldRefusal(
                RefusalCode.TIME_ORDER, field="until_ms", found=self.until_ms, allowed="not before from_ms"
            )


class ConflictTold(_Body, frozen=True, kw_only=True):
    """CONFLICT: findings that this party made, told to the other side (design.md §3: either side's stands for both)."""

    findings: Annotated[
        tuple[FindingReport, ...], msgspec.Meta(min_length=1, max_length=limits.FINDINGS_PER_RECEIPT_MAX)
    ]


class ResolutionCode(StrEnum):
    """How the two stay apart although their volumes meet."""

    TIME_SEQUENCE = "TIME_SEQUENCE"
    """One uses the overlap after the other has left it."""
    VERTICAL_SPLIT = "VERTICAL_SPLIT"
    """Each keeps to its own side of an agreed level in the overlap."""
    LATERAL_SPLIT = "LATERAL_SPLIT"
    """Each keeps to its own side of an agreed line in the overlap."""
    VISUAL_CONTACT = "VISUAL_CONTACT"
    """Crews see each other and keep apart by eye, on an agreed frequency."""
    CREWS_IN_CONTACT = "CREWS_IN_CONTACT"
    """Crews arrange their own passage on an agreed frequency."""


class Resolution(_Body, frozen=True, kw_only=True):
    """One party's signature under a way out. It binds only when the other party has signed the same terms."""

    finding: FindingKey
    code: ResolutionCode
    first_party: PartyId | None = None
    """TIME_SEQUENCE: who goes first."""
    level: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    """VERTICAL_SPLIT: the level between, as altitude text."""
    above_party: PartyId | None = None
    """VERTICAL_SPLIT: who stays above it."""
    frequency_khz: Annotated[int, msgspec.Meta(ge=2_000, le=400_000)] | None = None
    """VISUAL_CONTACT, CREWS_IN_CONTACT: where the crews talk."""

    def __post_init__(self) -> None:
        needed = _RESOLUTION_SLOTS[self.code]
        for name in ("first_party", "level", "above_party", "frequency_khz"):
            value = getattr(self, name)
            if (value is not None) != (name in needed):
                raise FieldRefusal(
                    RefusalCode.OUT_OF_RANGE,
                    field=name,
                    found="nothing" if value is None else value,
                    allowed=f"{self.code} needs {', '.join(needed) or 'no further field'}",
                )
        for name in ("first_party", "above_party"):
            value = getattr(self, name)
            if value is not None and value not in (self.finding.owner_a, self.finding.owner_b):
                raise FieldRefusal(
                    RefusalCode.PARTY_UNKNOWN,
                    field=name,
                    found=value,
                    allowed=f"{self.finding.owner_a} or {self.finding.owner_b}",
                )
        if self.level is not None:
            _check_level(self.level)

    @property
    def terms(self) -> tuple[str | int | None, ...]:
        """What was signed. A resolution binds when both parties' terms are equal."""
        return (self.code, self.first_party, self.level, self.above_party, self.frequency_khz)


_RESOLUTION_SLOTS: dict[ResolutionCode, tuple[str, ...]] = {
    ResolutionCode.TIME_SEQUENCE: ("first_party",),
    ResolutionCode.VERTICAL_SPLIT: ("level", "above_party"),
    ResolutionCode.LATERAL_SPLIT: (),
    ResolutionCode.VISUAL_CONTACT: ("frequency_khz",),
    ResolutionCode.CREWS_IN_CONTACT: ("frequency_khz",),
}


def _check_level(level: str) -> None:
    try:
        parse_altitude(level)
    except FieldRefusal as error:
        raise FieldRefusal(error.refusal.code, field="level", found=level, allowed=error.refusal.allowed) from None


class TreeHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Size and RFC 6962 root of a party's log. The place where checkpoints will stand (design.md §6)."""

    size: LogIndex
    root: Digest


class ReceiptItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One message answered: it is in the signer's log, and the signer's fold has compared it."""

    party: PartyId
    sequence: Sequence
    digest: Digest
    log_index: LogIndex
    received_at_ms: Milliseconds
    rejected: RefusalReport | None = None
    """Recorded but not taken: why. A rejected notice is never cleared."""
    findings: Annotated[tuple[FindingReport, ...], msgspec.Meta(max_length=limits.FINDINGS_PER_RECEIPT_MAX)] = ()
    findings_more: Annotated[int, msgspec.Meta(ge=0, le=limits.SEQUENCE_MAX)] = 0
    """How many findings follow in CONFLICT messages because they did not fit."""


class Receipt(_Body, frozen=True, kw_only=True):
    """DELIVERED, with what the signer found. `tree` covers every entry named here."""

    items: Annotated[tuple[ReceiptItem, ...], msgspec.Meta(min_length=1, max_length=limits.RECEIPT_ITEMS_MAX)]
    tree: TreeHead


class LineAdopted(_Body, frozen=True, kw_only=True):
    """The node's own record of the agreement it works under from here on."""

    agreement: LineAgreement


class Evidence(_Body, frozen=True, kw_only=True):
    """The node's own record of a validly signed message that contradicts what the same party signed before."""

    code: RefusalCode
    about_line: LineId
    about_party: PartyId
    sequence: Sequence
    envelope: Annotated[str, msgspec.Meta(max_length=limits.PAYLOAD_BYTES_MAX)]
    """The text of the other envelope."""


Body = (
    AreaNotice
    | AreaAmend
    | AreaCancel
    | Activate
    | Release
    | ReadBack
    | Noted
    | ConflictTold
    | Resolution
    | Receipt
    | LineAdopted
    | Evidence
)

BODY_TYPES: dict[MessageType, type[Body]] = {
    MessageType.AREA_NOTICE: AreaNotice,
    MessageType.AREA_AMEND: AreaAmend,
    MessageType.AREA_CANCEL: AreaCancel,
    MessageType.ACTIVATE: Activate,
    MessageType.RELEASE: Release,
    MessageType.READ_BACK: ReadBack,
    MessageType.NOTED: Noted,
    MessageType.CONFLICT: ConflictTold,
    MessageType.RESOLUTION: Resolution,
    MessageType.RECEIPT: Receipt,
    MessageType.LINE_ADOPTED: LineAdopted,
    MessageType.EVIDENCE: Evidence,
}

JOURNAL_TYPES = frozenset({MessageType.LINE_ADOPTED, MessageType.EVIDENCE})
"""Said by a node to its own log only; refused from anybody else."""

_TYPE_OF_BODY: dict[type[Body], MessageType] = {body: name for name, body in BODY_TYPES.items()}


def message_type_of(body: Body) -> MessageType:
    """Return the catalogue name of a body."""
    return _TYPE_OF_BODY[type(body)]
