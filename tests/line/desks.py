"""Two or more states without nodes: what one party drafts, the others apply. For tests of the fold alone."""

from __future__ import annotations

import itertools

from clearline.ledger.entry import Entry
from clearline.line.drafting import Speaker, draft
from clearline.line.duties import next_duty
from clearline.line.line_state import LineState
from clearline.line.node_state import Applied, NodeState
from clearline.line.reading import VerifiedMessage, from_own_log, read_message
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member
from clearline.model.altitude import parse_altitude
from clearline.model.identity import AircraftClass, Role
from clearline.model.message import JOURNAL_LINE, AreaAmend, AreaNotice, Body, LineAdopted, ReasonCode
from clearline.model.rules import RuleSet
from clearline.model.volume import Circle, LatLngPoint, Radius, Volume3D, Volume4D, time_at
from clearline.sky import load_rules
from clearline.testing.simulated_ports import EPOCH_MS, SimulatedSigner

LINE = "test-line"
_ids = itertools.count(1)


def fresh_id() -> str:
    """Return an id that no other test uses."""
    return f"00000000-0000-4000-8000-{next(_ids):012x}"


def volume(
    lat: float = 10.0,
    lng: float = 20.0,
    *,
    radius_m: float = 1_000.0,
    lower: str = "500 m W84",
    upper: str = "800 m W84",
    start_s: int = 0,
    end_s: int = 3_600,
) -> Volume4D:
    """Return a circle, by default always the same."""
    return Volume4D(
        volume=Volume3D(
            outline_circle=Circle(LatLngPoint(lat, lng), Radius(radius_m)),
            altitude_lower=parse_altitude(lower),
            altitude_upper=parse_altitude(upper),
        ),
        time_start=time_at(EPOCH_MS + start_s * 1_000),
        time_end=time_at(EPOCH_MS + end_s * 1_000),
    )


def notice(*volumes: Volume4D, notice_id: str | None = None) -> AreaNotice:
    """Return a new notice over the given volumes, or over the usual circle."""
    return AreaNotice(
        notice_id=notice_id or fresh_id(),
        aircraft_class=AircraftClass.MANNED,
        priority=0,
        volumes=volumes or (volume(),),
    )


def amended(body: AreaNotice, *volumes: Volume4D, version: int = 2) -> AreaAmend:
    """Return an amendment of a notice."""
    return AreaAmend(
        notice_id=body.notice_id,
        version=version,
        aircraft_class=body.aircraft_class,
        priority=body.priority,
        volumes=volumes,
        reason=ReasonCode.CHANGE_OF_PLAN,
    )


def agreement(*parties: str, rules: RuleSet | None = None) -> LineAgreement:
    """Return an agreement between parties, under plain intersection unless told otherwise."""
    return LineAgreement(
        schema=AGREEMENT_SCHEMA,
        line_id=LINE,
        members=tuple(
            Member(party_id=party, public_key=SimulatedSigner(party).public_key.hex()) for party in sorted(parties)
        ),
        rules=rules or load_rules("intersect"),
    )


class Desk:
    """One party's state, with what it has said and not yet handed over."""

    def __init__(self, party: str, agreed: LineAgreement) -> None:
        self.party = party
        self.state = NodeState(party)
        self.entries: list[Entry] = []
        self.now_ms = EPOCH_MS
        self._journal(LineAdopted(agreement=agreed))

    @property
    def line(self) -> LineState:
        return self.state.line(LINE)

    def _draft(self, body: Body, role: Role, msg_id: str | None) -> VerifiedMessage:
        return draft(
            body=body,
            line_id=LINE,
            chain=self.line.chains[self.party],
            speaker=Speaker(party=self.party, role=role, signer=SimulatedSigner(self.party)),
            msg_id=msg_id or fresh_id(),
            sent_at_ms=self.now_ms,
        )

    def _journal(self, body: LineAdopted) -> None:
        message = draft(
            body=body,
            line_id=JOURNAL_LINE,
            chain=self.state.journal,
            speaker=Speaker(party=self.party, role=Role.NODE, signer=SimulatedSigner(self.party)),
            msg_id=fresh_id(),
            sent_at_ms=self.now_ms,
        )
        self.take(message)

    def take(self, message: VerifiedMessage) -> Applied:
        """Append and apply a message that is next in its chain."""
        self.now_ms += 1_000
        entry = Entry(self.state.size, self.now_ms, message.encoded)
        self.entries.append(entry)
        return self.state.apply(entry, message)

    def say(self, body: Body, *, role: Role = Role.WATCH, msg_id: str | None = None) -> VerifiedMessage:
        """Say something, without any check but the fold's own."""
        message = self._draft(body, role, msg_id)
        self.take(message)
        return message

    def duties(self) -> list[VerifiedMessage]:
        """Say all that is owed."""
        said = []
        while (body := next_duty(self.line, self.state.tree_head())) is not None:
            said.append(self.say(body, role=Role.NODE))
        return said


def hand_over(source: Desk, *others: Desk) -> None:
    """Give the others what they lack of one chain, without letting them answer."""
    for other in others:
        held = other.line.chains[source.party].length
        chain = source.line.chains[source.party]
        for sequence in range(held + 1, chain.length + 1):
            encoded = source.entries[chain.log_index(sequence)].envelope
            other.take(from_own_log(read_message(encoded)))


def settle(*desks: Desk) -> None:
    """Let everybody say what is owed and hear everybody, until nothing is left."""
    owing = True
    while owing:
        for source in desks:
            hand_over(source, *(desk for desk in desks if desk is not source))
        owing = sum(len(desk.duties()) for desk in desks) > 0


def two_desks(rules: RuleSet | None = None) -> tuple[Desk, Desk]:
    """Return north and south on one line."""
    agreed = agreement("north", "south", rules=rules)
    return Desk("north", agreed), Desk("south", agreed)
