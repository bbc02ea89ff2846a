"""The JSON of the party's own door: what is asked and what is answered. The API's schema is made from these types."""

from __future__ import annotations

from typing import Annotated

import msgspec

from clearline.line.clearance import FindingState, NoticeStatus
from clearline.line.views import EntryView, FindingView, LineView, NoticeView
from clearline.model import limits
from clearline.model.identity import AircraftClass, Digest, LineId, MessageId, NoticeId, PartyId, Role
from clearline.model.message import ReadBackFields, ReasonCode, ResolutionCode, TreeHead
from clearline.model.notice import NoticeState, Priority, Version
from clearline.model.refusal import RefusalReport
from clearline.model.volume import Volume4D

__all__ = [
    "ActivateRequest",
    "AmendRequest",
    "CancelRequest",
    "DeclareRequest",
    "EventsQuery",
    "FindingId",
    "Findings",
    "FindingsQuery",
    "Health",
    "LogEntry",
    "LogPage",
    "LogQuery",
    "NoQuery",
    "NotedRequest",
    "NoticeViews",
    "Notices",
    "NoticesQuery",
    "Picture",
    "PictureQuery",
    "ReadBackRequest",
    "Readiness",
    "ReleaseRequest",
    "ResolutionRequest",
    "Session",
    "SessionRequest",
    "Status",
]

LogIndex = Annotated[int, msgspec.Meta(ge=0, le=limits.SEQUENCE_MAX)]
FindingId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
LineIds = Annotated[tuple[LineId, ...], msgspec.Meta(min_length=1, max_length=limits.LINES_MAX)]


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    pass


# --- queries


class NoQuery(_Asked, frozen=True, kw_only=True):
    """Nothing after the question mark."""


class PictureQuery(_Asked, frozen=True, kw_only=True):
    """`since`: only what changed at this log index or later."""

    since: LogIndex | None = None


class NoticesQuery(_Asked, frozen=True, kw_only=True):
    """Filters; the last changed notices come first."""

    line: LineId | None = None
    owner: PartyId | None = None
    state: NoticeState | None = None
    status: NoticeStatus | None = None
    since: LogIndex | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=limits.PICTURE_NOTICES_MAX)] = 1_000


class FindingsQuery(_Asked, frozen=True, kw_only=True):
    """Filters; `owner` is either of the two. The last changed findings come first."""

    line: LineId | None = None
    owner: PartyId | None = None
    state: FindingState | None = None
    since: LogIndex | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=limits.PICTURE_FINDINGS_MAX)] = 1_000


class LogQuery(_Asked, frozen=True, kw_only=True):
    """A page of the log."""

    start: LogIndex = msgspec.field(default=0, name="from")
    limit: Annotated[int, msgspec.Meta(ge=1, le=limits.PAGE_ENTRIES_MAX)] = 100


class EventsQuery(_Asked, frozen=True, kw_only=True):
    """`from`: the first entry wanted. Without it, and without `Last-Event-ID`, only what comes from now on."""

    start: LogIndex | None = msgspec.field(default=None, name="from")


# --- requests


class DeclareRequest(_Asked, frozen=True, kw_only=True):
    """A new notice, on all lines unless `lines` names some. Asking again with the same id is one notice."""

    aircraft_class: AircraftClass
    priority: Priority
    volumes: tuple[Volume4D, ...]
    notice_id: NoticeId | None = None
    request_id: MessageId | None = None
    """Without `notice_id`: the same `request_id` makes the same notice."""
    lines: LineIds | None = None


class _Change(_Asked, frozen=True, kw_only=True):
    version: Version
    """The version that this change makes: one above the current one."""
    lines: LineIds | None = None
    """Where; all lines on which the notice stands unless given."""


class AmendRequest(_Change, frozen=True, kw_only=True):
    """New volumes. Class and priority stay as they are unless given."""

    volumes: tuple[Volume4D, ...]
    aircraft_class: AircraftClass | None = None
    priority: Priority | None = None
    reason: ReasonCode = ReasonCode.CHANGE_OF_PLAN


class CancelRequest(_Change, frozen=True, kw_only=True):
    """The notice ends before or instead of its use."""

    reason: ReasonCode = ReasonCode.CHANGE_OF_PLAN


class ActivateRequest(_Change, frozen=True, kw_only=True):
    """Use begins."""


class ReleaseRequest(_Change, frozen=True, kw_only=True):
    """Use is over: of all, or of the volumes with these places in the list."""

    volumes: (
        Annotated[
            tuple[Annotated[int, msgspec.Meta(ge=0, lt=limits.VOLUMES_MAX)], ...],
            msgspec.Meta(min_length=1, max_length=limits.VOLUMES_MAX),
        ]
        | None
    ) = None


class ReadBackRequest(_Asked, frozen=True, kw_only=True):
    """What a human repeats of the version named."""

    version: Version
    fields: ReadBackFields


class NotedRequest(_Asked, frozen=True, kw_only=True):
    """Read, understood, no objection known; not permission."""

    version: Version


class ResolutionRequest(_Asked, frozen=True, kw_only=True):
    """Terms under which the two stay apart; they bind when the other owner has signed the same."""

    code: ResolutionCode
    first_party: PartyId | None = None
    level: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    above_party: PartyId | None = None
    frequency_khz: Annotated[int, msgspec.Meta(ge=2_000, le=400_000)] | None = None


class SessionRequest(_Asked, frozen=True, kw_only=True):
    """A token, once, for a session cookie."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


# --- answers


class Session(_Told, frozen=True, kw_only=True):
    """Who is signed in."""

    party: str
    name: str
    role: Role


class NoticeViews(_Told, frozen=True, kw_only=True):
    """One notice as it now stands, on each line concerned."""

    notices: tuple[NoticeView, ...]


class Notices(_Told, frozen=True, kw_only=True):
    """Notices, the last changed first; `more` where the limit left some out."""

    log_size: int
    notices: tuple[NoticeView, ...]
    more: bool


class Findings(_Told, frozen=True, kw_only=True):
    """Findings, the last changed first; `more` where the limit left some out."""

    log_size: int
    findings: tuple[FindingView, ...]
    more: bool


class Status(_Told, frozen=True, kw_only=True):
    """The node and its lines."""

    party: str
    version: str
    now_ms: int
    log_size: int
    tree: TreeHead
    halted: RefusalReport | None
    """Why this node writes nothing any more, if so. It can still be read."""
    store_failure: str | None
    """Why the last write failed; none since one has succeeded."""
    lines: tuple[LineView, ...]


class Picture(_Told, frozen=True, kw_only=True):
    """Everything that a desk shows, or what changed of it."""

    party: str
    role: Role
    now_ms: int
    log_size: int
    """Ask again with `since` this."""
    halted: RefusalReport | None
    lines: tuple[LineView, ...]
    notices: tuple[NoticeView, ...]
    findings: tuple[FindingView, ...]
    notices_more: bool
    findings_more: bool


class LogPage(_Told, frozen=True, kw_only=True):
    """A page of the log; an empty one is the end."""

    log_size: int
    entries: tuple[EntryView, ...]


class LogEntry(_Told, frozen=True, kw_only=True):
    """One entry with the proof that it is in the tree (RFC 6962): `leaf` hashes up along `proof` to the root."""

    entry: EntryView
    envelope: msgspec.Raw
    leaf_hash: Digest
    tree: TreeHead
    proof: tuple[Digest, ...]


class Health(_Told, frozen=True, kw_only=True):
    """The process answers."""

    status: str = "ok"


class Readiness(_Told, frozen=True, kw_only=True):
    """Whether the node takes what is said; `why` is empty where it does."""

    ready: bool
    why: str = ""
