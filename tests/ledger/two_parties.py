"""A plausible log of two parties, made of the real types of the model: what a bundle is tested on.

Nothing here decides a conflict: the findings in the receipts are what such a line would say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from clearline.ledger.bundle import bundle_lines
from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.envelope import decode_envelope, encode_envelope, message_digest, seal
from clearline.ledger.keys import Ed25519Signer
from clearline.ledger.merkle import Tree, leaf_hash
from clearline.ledger.spoken import JOURNAL_GENESIS
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member, agreement_digest
from clearline.model.altitude import parse_altitude
from clearline.model.identity import AircraftClass, Role
from clearline.model.message import (
    JOURNAL_LINE,
    MESSAGE_SCHEMA,
    Activate,
    AreaAmend,
    AreaNotice,
    Body,
    FindingKey,
    FindingReport,
    Header,
    LineAdopted,
    MessageType,
    Noted,
    Precedence,
    ReadBack,
    ReadBackFields,
    ReasonCode,
    Receipt,
    ReceiptItem,
    Release,
    Resolution,
    ResolutionCode,
    Severity,
    TreeHead,
    message_type_of,
)
from clearline.model.rules import RuleSet
from clearline.model.volume import Circle, LatLngPoint, Radius, Volume3D, Volume4D, time_at

LINE = "valley"
START_MS = 1_795_348_800_000
"""2026-11-22T12:00:00Z."""
STEP_MS = 137
RULES = RuleSet(
    rule_id="threes", version=1, separation_lateral_m=5556.0, separation_vertical_m=914.4, closer_ms_max=180_000
)


@dataclass
class Clock:
    """One clock for both: the same for every run."""

    now_ms: int = START_MS

    def tick(self) -> int:
        self.now_ms += STEP_MS
        return self.now_ms


@dataclass
class Desk:
    """One party's node, as far as its log is concerned."""

    party: str
    clock: Clock
    log: list[Entry] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)
    chains: dict[str, tuple[int, str]] = field(default_factory=dict)
    agreements: dict[str, str] = field(default_factory=dict)
    owed: list[ReceiptItem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signer = signer_of(self.party)
        self.chains[JOURNAL_LINE] = (0, JOURNAL_GENESIS)

    def append(self, envelope: bytes) -> Entry:
        entry = Entry(len(self.log), self.clock.tick(), envelope)
        self.log.append(entry)
        self.tree.append(leaf_hash(entry_bytes(entry)))
        return entry

    def say(self, line: str, body: Body, role: Role = Role.WATCH) -> bytes:
        return self.say_raw(line, message_type_of(body), msgspec.json.encode(body), role)

    def say_raw(self, line: str, message_type: MessageType, body: bytes, role: Role = Role.NODE) -> bytes:
        """Sign and log a message; the body may be what no honest node would say."""
        sequence, previous = self.chains[line]
        header = Header(
            schema=MESSAGE_SCHEMA,
            line_id=line,
            from_party=self.party,
            from_role=role,
            sequence=sequence + 1,
            previous=previous,
            msg_id=f"{len(self.log):08x}-0000-4000-8000-{self.signer.public_key[:6].hex()}",
            sent_at_ms=self.clock.tick(),
            precedence=Precedence.ROUTINE if role is Role.NODE else Precedence.IMMEDIATE,
            type=message_type,
            body=msgspec.Raw(body),
        )
        envelope = seal(msgspec.json.encode(header), self.signer)
        self.chains[line] = (sequence + 1, message_digest(envelope))
        encoded = encode_envelope(envelope)
        self.append(encoded)
        return encoded

    def adopt(self, agreement: LineAgreement) -> None:
        self.say(JOURNAL_LINE, LineAdopted(agreement=agreement), Role.NODE)
        digest = agreement_digest(agreement)
        self.chains[agreement.line_id] = (0, digest)
        self.agreements[agreement.line_id] = digest

    def hear(self, *envelopes: bytes, findings: tuple[FindingReport, ...] = ()) -> None:
        """Log a peer's messages, and remember what is owed a receipt."""
        for encoded in envelopes:
            entry = self.append(encoded)
            envelope = decode_envelope(encoded)
            header = msgspec.json.decode(envelope.payload, type=Header)
            if header.type is not MessageType.RECEIPT:
                item = ReceiptItem(
                    party=header.from_party,
                    sequence=header.sequence,
                    digest=message_digest(envelope),
                    log_index=entry.index,
                    received_at_ms=entry.received_at_ms,
                    findings=findings,
                )
                self.owed.append(item)

    def receipt(self, line: str = LINE) -> bytes:
        """Answer everything owed, under the tree head of this moment."""
        items, self.owed = tuple(self.owed), []
        head = TreeHead(size=self.tree.size, root=self.tree.root().hex())
        return self.say(line, Receipt(items=items, tree=head), Role.NODE)

    def bundle(self, entries: Iterable[Entry] | None = None, *, size: int | None = None) -> list[bytes]:
        """Export the log (or what somebody would like it to be), signed by this party."""
        chosen = list(self.log if entries is None else entries)[:size]
        return list(
            bundle_lines(
                chosen,
                party=self.party,
                exported_at_ms=self.clock.tick(),
                size=len(chosen),
                agreements=self.agreements,
                signer=self.signer,
            )
        )


def signer_of(party: str) -> Ed25519Signer:
    """A key that is nobody's: its seed is the party's name."""
    return Ed25519Signer.from_seed(party.encode().ljust(32, b"."))


def agreement_of(*parties: str, line: str = LINE) -> LineAgreement:
    members = (Member(party_id=party, public_key=signer_of(party).public_key.hex()) for party in sorted(parties))
    return LineAgreement(schema=AGREEMENT_SCHEMA, line_id=line, members=tuple(members), rules=RULES)


def notice_id(number: int) -> str:
    return f"{number:08x}-1111-4111-8111-111111111111"


def circle(*, lat: float, lng: float, from_s: int, until_s: int) -> Volume4D:
    return Volume4D(
        volume=Volume3D(
            altitude_lower=parse_altitude("120 m AGL"),
            altitude_upper=parse_altitude("FL095"),
            outline_circle=Circle(LatLngPoint(lat, lng), Radius(1500.0)),
        ),
        time_start=time_at(START_MS + from_s * 1000),
        time_end=time_at(START_MS + until_s * 1000),
    )


def notice(number: int, *, lat: float = 46.5) -> AreaNotice:
    return AreaNotice(
        notice_id=notice_id(number),
        aircraft_class=AircraftClass.MIXED,
        priority=0,
        volumes=(circle(lat=lat, lng=7.25, from_s=3600, until_s=7200),),
    )


def read_back(owner: str, number: int, version: int = 1) -> ReadBack:
    fields = ReadBackFields(
        south=46.48,
        west=7.23,
        north=46.52,
        east=7.27,
        lower="120 m AGL",
        upper="FL095",
        from_time="2026-11-22T13:00:00Z",
        until_time="2026-11-22T14:00:00Z",
    )
    return ReadBack(owner=owner, notice_id=notice_id(number), version=version, fields=fields)


FINDING_KEY = FindingKey(
    owner_a="north",
    notice_a=notice_id(1),
    volumes_version_a=1,
    owner_b="south",
    notice_b=notice_id(2),
    volumes_version_b=1,
)
FINDING = FindingReport(
    key=FINDING_KEY,
    rule_id=RULES.rule_id,
    rule_version=RULES.version,
    severity=Severity.CONFLICT,
    from_ms=START_MS + 3_600_000,
    until_ms=START_MS + 7_200_000,
    closer_ms=3_600_000,
)


def two_desks() -> tuple[Desk, Desk]:
    """Both parties have adopted the line and said nothing yet."""
    clock = Clock()
    north, south = Desk("north", clock), Desk("south", clock)
    for desk in (north, south):
        desk.adopt(agreement_of("north", "south"))
    return north, south


def conversation(rounds: int = 0) -> tuple[Desk, Desk]:
    """A conflict declared, found, read back, resolved and ended; then `rounds` of plain notices."""
    north, south = two_desks()
    south.hear(north.say(LINE, notice(1)))
    north.hear(south.receipt())
    north.hear(south.say(LINE, notice(2), Role.PLANNER), findings=(FINDING,))
    south.hear(north.receipt())
    back = [
        south.say(LINE, read_back("north", 1)),
        south.say(LINE, Noted(owner="north", notice_id=notice_id(1), version=1)),
    ]
    north.hear(*back)
    way_out = Resolution(finding=FINDING_KEY, code=ResolutionCode.TIME_SEQUENCE, first_party="south")
    south.hear(north.say(LINE, way_out), north.say(LINE, read_back("south", 2)))
    north.hear(south.say(LINE, way_out))
    south.hear(north.receipt())
    north.hear(south.receipt())
    ended = Release(notice_id=notice_id(1), version=3)
    south.hear(north.say(LINE, Activate(notice_id=notice_id(1), version=2)), north.say(LINE, ended, Role.PLANNER))
    north.hear(south.receipt())
    for number in range(rounds):
        south.hear(north.say(LINE, notice(100 + number)))
        amended = AreaAmend(
            notice_id=notice_id(2),
            version=2 + number,
            aircraft_class=AircraftClass.UNMANNED,
            priority=1,
            volumes=(circle(lat=47.0, lng=8.0, from_s=3600, until_s=7200 + number),),
            reason=ReasonCode.CONFLICT_AVOIDED,
        )
        north.hear(south.receipt(), south.say(LINE, amended))
        south.hear(north.receipt())
    return north, south
