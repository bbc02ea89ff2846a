"""What the client reads of a node's answers: the fields that its tables show, and nothing else.

Rules
 * A field that a later node adds is passed over; one that is missing or of another type is MALFORMED.
 * Words of the node (status, state, code) stay text: a word that is new is shown as it came.

The node's own types are in `doors.http.wire` and `line.views`; importing those would load the kernels, which a client
has no use for. The tests of the commands run against a real node, so the two cannot drift apart unseen.
"""

from __future__ import annotations

import msgspec

from clearline.model.identity import notice_reference
from clearline.model.message import ReadBackFields, TreeHead
from clearline.model.refusal import RefusalReport, shown
from clearline.model.rules import RuleSet
from clearline.model.volume import LatLngPoint, Volume4D

__all__ = [
    "Acknowledgement",
    "Declared",
    "Entry",
    "FindingTold",
    "FindingsTold",
    "Hindrance",
    "Key",
    "LogPage",
    "NoticeTold",
    "NoticesTold",
    "PartyTold",
    "PictureTold",
    "ResolutionTold",
    "SessionTold",
    "StatusTold",
    "finding_reference",
    "reference_of",
]


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Hindrance(_Told, frozen=True, kw_only=True):
    """Why a notice is not cleared."""

    code: str
    party: str
    finding_id: str | None = None
    refusal: RefusalReport | None = None


class Acknowledgement(_Told, frozen=True, kw_only=True):
    """What one party has said of the current version."""

    party: str
    delivered_at_ms: int | None
    read_back: str
    read_back_at_ms: int | None = None
    wrong_field: str | None = None
    noted_at_ms: int | None = None


class NoticeTold(_Told, frozen=True, kw_only=True):
    """One notice on one line."""

    line_id: str
    owner: str
    own: bool
    notice_id: str
    reference: str
    version: int
    state: str
    aircraft_class: str
    priority: int
    volumes: tuple[Volume4D, ...]
    declared_at_ms: int
    changed_at_ms: int
    changed_index: int
    status: str
    uncleared_because: tuple[Hindrance, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    read_back_fields: ReadBackFields | None

    @property
    def ended(self) -> bool:
        """Whether nothing is flown under it any more."""
        return self.state == "Ended"


class Key(_Told, frozen=True, kw_only=True):
    """Which two notices meet."""

    owner_a: str
    notice_a: str
    owner_b: str
    notice_b: str


class ResolutionTold(_Told, frozen=True, kw_only=True):
    """One party's signature under terms."""

    party: str
    code: str
    first_party: str | None = None
    level: str | None = None
    above_party: str | None = None
    frequency_khz: int | None = None
    signed_at_ms: int

    @property
    def terms(self) -> dict[str, str | int]:
        """The terms as they are sent: what is not said is left out."""
        named = {
            "code": self.code,
            "first_party": self.first_party,
            "level": self.level,
            "above_party": self.above_party,
            "frequency_khz": self.frequency_khz,
        }
        return {name: value for name, value in named.items() if value is not None}


class FindingTold(_Told, frozen=True, kw_only=True):
    """One finding."""

    finding_id: str
    line_id: str
    key: Key
    reference_a: str
    reference_b: str
    severity: str
    state: str
    rule_id: str
    rule_version: int
    from_ms: int
    until_ms: int
    closer_ms: int
    certain: bool | None
    lateral_m_min: float | None
    vertical_m_min: float | None
    band_text: str | None
    area: tuple[LatLngPoint, ...]
    found_by: tuple[str, ...]
    resolutions: tuple[ResolutionTold, ...]
    changed_index: int

    def other(self, party: str) -> str:
        """Return the other owner, seen from `party`."""
        return self.key.owner_b if party == self.key.owner_a else self.key.owner_a


class NoticesTold(_Told, frozen=True, kw_only=True):
    """A list of notices; `more` where there are others."""

    log_size: int
    notices: tuple[NoticeTold, ...]
    more: bool


class FindingsTold(_Told, frozen=True, kw_only=True):
    """A list of findings; `more` where there are others."""

    log_size: int
    findings: tuple[FindingTold, ...]
    more: bool


class Declared(_Told, frozen=True, kw_only=True):
    """An own notice as it now stands, on each line concerned."""

    notices: tuple[NoticeTold, ...]


class PartyTold(_Told, frozen=True, kw_only=True):
    """One party of a line, as the node observes it."""

    party_id: str
    own: bool
    link: str
    heard_at_ms: int | None
    clock_ahead_ms: int | None
    undelivered: int
    forked: int | None
    rejected: int
    refused: RefusalReport | None


class LineTold(_Told, frozen=True, kw_only=True):
    """One line."""

    line_id: str
    rules: RuleSet
    parties: tuple[PartyTold, ...]


class StatusTold(_Told, frozen=True, kw_only=True):
    """The node and its lines."""

    party: str
    version: str
    now_ms: int
    log_size: int
    tree: TreeHead
    halted: RefusalReport | None
    store_failure: str | None
    lines: tuple[LineTold, ...]


class SessionTold(_Told, frozen=True, kw_only=True):
    """Whose token it is."""

    party: str
    name: str
    role: str


class PictureTold(_Told, frozen=True, kw_only=True):
    """What changed."""

    party: str
    log_size: int
    notices: tuple[NoticeTold, ...]
    findings: tuple[FindingTold, ...]


class Entry(_Told, frozen=True, kw_only=True):
    """One entry of the log."""

    log_index: int
    received_at_ms: int
    line_id: str
    from_party: str
    own: bool
    type: str
    sequence: int
    digest: str
    notice_ids: tuple[str, ...]
    finding_ids: tuple[str, ...]
    rejected: RefusalReport | None


class LogPage(_Told, frozen=True, kw_only=True):
    """A page of the log."""

    log_size: int
    entries: tuple[Entry, ...]


def reference_of(notice_id: str) -> str:
    """Return how people call a notice, safe for a terminal."""
    return shown(notice_reference(notice_id))


def finding_reference(finding_id: str) -> str:
    """Return how people call a finding: the first eight digits, upper case."""
    return shown(finding_id[:8].upper())
