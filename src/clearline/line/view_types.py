"""What views are made of: the JSON that pages, programs and the event stream get of a line.

A type a thing that is shown; how they are filled is in `views`. Times in ms since 1970.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from clearline.line.clearance import FindingState, HindranceCode, NoticeStatus
from clearline.line.node_state import Applied
from clearline.model.identity import AircraftClass
from clearline.model.message import FindingKey, ReadBackFields, ResolutionCode, Severity
from clearline.model.notice import NoticeState
from clearline.model.refusal import RefusalReport
from clearline.model.rules import RuleSet
from clearline.model.volume import LatLngPoint, Volume4D

__all__ = [
    "Acknowledgement",
    "EntryView",
    "FindingView",
    "Heard",
    "HindranceView",
    "LineView",
    "LinkState",
    "NoticeView",
    "PartyView",
    "ReadBackState",
    "ResolutionView",
]

EntryView = Applied
"""What one entry of the log was about."""


class LinkState(StrEnum):
    """How a peer is observed (R10); measured, never declared."""

    OPEN = "OPEN"
    """Heard lately."""
    DEGRADED = "DEGRADED"
    """Heard before, but not lately, or it refuses us."""
    UNKNOWN = "UNKNOWN"
    """Not heard since this node started."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the node has observed of one peer on one line."""

    link: LinkState = LinkState.UNKNOWN
    heard_at_ms: int | None = None
    clock_ahead_ms: int | None = None
    """How far the peer's clock is ahead of ours, travel time included (R14)."""
    refused: RefusalReport | None = None
    """Why the peer last refused an exchange."""


class PartyView(msgspec.Struct, frozen=True, kw_only=True):
    """One party of a line. For the own party the link is OPEN."""

    party_id: str
    own: bool
    link: LinkState
    heard_at_ms: int | None
    clock_ahead_ms: int | None
    undelivered: int
    """Own messages for which this party has given no receipt."""
    forked: int | None
    """The first place of its chain for which it signed two messages, or none."""
    rejected: int
    """How many of its messages could not be taken."""
    refused: RefusalReport | None


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line with its rules and parties."""

    line_id: str
    rules: RuleSet
    parties: tuple[PartyView, ...]


class HindranceView(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a notice is not cleared."""

    code: HindranceCode
    party: str
    finding_id: str | None = None
    refusal: RefusalReport | None = None


class ReadBackState(StrEnum):
    """Whether the current version has been repeated by a human, and rightly."""

    NONE = "NONE"
    OK = "OK"
    WRONG = "WRONG"


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """What one party has said of the current version of a notice (R4: kept apart)."""

    party: str
    delivered_at_ms: int | None
    """By the party's own receipt; for the own party, when this node took it."""
    log_index: int | None
    """Where the receipt stands in that party's log."""
    read_back: ReadBackState
    read_back_at_ms: int | None
    wrong_field: str | None
    noted_at_ms: int | None


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """One notice on one line."""

    line_id: str
    owner: str
    own: bool
    notice_id: str
    reference: str
    version: int
    volumes_version: int
    state: NoticeState
    aircraft_class: AircraftClass
    priority: int
    volumes: tuple[Volume4D, ...]
    declared_at_ms: int
    changed_at_ms: int
    changed_index: int
    status: NoticeStatus
    uncleared_because: tuple[HindranceView, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    read_back_fields: ReadBackFields | None
    """What a reader must repeat; none once the notice has ended."""


class ResolutionView(msgspec.Struct, frozen=True, kw_only=True):
    """One party's signature under a way out."""

    party: str
    code: ResolutionCode
    first_party: str | None
    level: str | None
    above_party: str | None
    frequency_khz: int | None
    signed_at_ms: int
    log_index: int


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. What `describe` adds is none while either notice no longer holds these volumes."""

    finding_id: str
    line_id: str
    key: FindingKey
    reference_a: str
    reference_b: str
    severity: Severity
    state: FindingState
    rule_id: str
    rule_version: int
    from_ms: int
    until_ms: int
    closer_ms: int
    certain: bool | None
    lateral_m_min: float | None
    vertical_m_min: float | None
    band_lower_w84_m: float | None
    band_upper_w84_m: float | None
    band_text: str | None
    area: tuple[LatLngPoint, ...]
    found_by: tuple[str, ...]
    resolutions: tuple[ResolutionView, ...]
    made_at_ms: int
    changed_index: int
