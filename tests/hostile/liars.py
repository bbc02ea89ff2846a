"""A party that signs whatever it likes: bodies that no honest node writes, in a chain that every node takes."""

from __future__ import annotations

import random

import msgspec

from clearline.ledger.envelope import encode_envelope, seal
from clearline.line.chain import Chain
from clearline.line.line_state import LineState
from clearline.line.read_back import read_back_fields
from clearline.line.reading import VerifiedMessage, from_own_log, read_message
from clearline.model.identity import Role
from clearline.model.message import (
    MESSAGE_SCHEMA,
    Activate,
    AreaCancel,
    Body,
    ConflictTold,
    Evidence,
    FindingKey,
    FindingReport,
    Header,
    LineAdopted,
    MessageType,
    Noted,
    Precedence,
    ReadBack,
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
from clearline.model.refusal import RefusalCode, RefusalReport
from clearline.model.volume import Volume4D
from clearline.testing.simulated_ports import EPOCH_MS, SimulatedSigner
from tests.line.desks import LINE, amended, notice, volume

NOTICE_IDS = tuple(f"11111111-0000-4000-8000-{place:012x}" for place in range(3))
"""Few, so that parties use each other's: an id belongs to its owner and must not mix."""
JUNK = (
    b"{}",
    b"null",
    b"[]",
    b'"text"',
    b'{"notice_id":1}',
    b'{"volumes":[1e400]}',
    b'{"a":1,"a":2}',
    b'"\\u202e\\u0000"',
)


class LyingParty:
    """One party's key and chain."""

    def __init__(self, party: str, agreement_digest: str) -> None:
        self.party = party
        self.said: list[VerifiedMessage] = []
        self._chain = Chain(agreement_digest)
        self._signer = SimulatedSigner(party)

    def say(self, kind: MessageType, body: bytes, *, msg_id: str) -> VerifiedMessage:
        """Sign the next message of the chain with these bytes as its body."""
        header = Header(
            schema=MESSAGE_SCHEMA,
            line_id=LINE,
            from_party=self.party,
            from_role=Role.WATCH,
            sequence=self._chain.length + 1,
            previous=self._chain.head,
            msg_id=msg_id,
            sent_at_ms=EPOCH_MS,
            precedence=Precedence.FLASH,
            type=kind,
            body=msgspec.Raw(body),
        )
        message = from_own_log(read_message(self.sealed(msgspec.json.encode(header))))
        self._chain.add(message.digest, len(self.said))
        self.said.append(message)
        return message

    def sealed(self, payload: bytes) -> bytes:
        """Return the envelope of any payload, signed."""
        return encode_envelope(seal(payload, self._signer))

    def say_body(self, body: Body, *, msg_id: str) -> VerifiedMessage:
        """Sign a body that has the form of its type."""
        return self.say(message_type_of(body), msgspec.json.encode(body), msg_id=msg_id)


def drawn_volume(source: random.Random) -> Volume4D:
    """Return one of some circles, of which many meet."""
    start_s = source.choice([0, 1_800, 7_200])
    return volume(
        source.choice([10.0, 10.01, 11.0, 12.0, 13.0]),
        lower=source.choice(["500 m W84", "FL020", "100 m AGL"]),
        upper=source.choice(["800 m W84", "FL100"]),
        start_s=start_s,
        end_s=start_s + 3_600,
    )


class Drawn:
    """Bodies drawn by a seed: of every type, right and wrong in turn. `seen` is the state that they are drawn from."""

    def __init__(self, source: random.Random, seen: LineState) -> None:
        self._source = source
        self._seen = seen

    def body(self) -> Body:
        """Return anything that has the form of a body."""
        kinds = [
            lambda: self.owners("oscar"),
            self._told,
            self._resolution,
            self._receipt,
            self._reading,
            self._journal,
        ]
        return self._source.choices(kinds, weights=[6, 4, 3, 5, 2, 1])[0]()

    def owners(self, party: str) -> Body:
        """Return an owner's message, often one that follows what is known of the notice."""
        source, notice_id = self._source, self._id()
        held = self._seen.notices.get((party, notice_id))
        version = self._version(held.notice.version if held is not None else 1)
        volumes = tuple(drawn_volume(source) for _ in range(source.randint(1, 2)))
        declared = notice(*volumes, notice_id=notice_id)
        match source.randrange(6):
            case 0 | 1:
                return declared
            case 2 | 3:
                return amended(declared, *volumes, version=version)
            case 4:
                return Activate(notice_id=notice_id, version=version)
            case _:
                endings: list[Body] = [
                    AreaCancel(notice_id=notice_id, version=version, reason=ReasonCode.WEATHER),
                    Release(notice_id=notice_id, version=version, volumes=source.choice([None, (0,), (0, 1)])),
                ]
                return source.choice(endings)

    def _id(self) -> str:
        return self._source.choice(NOTICE_IDS)

    def _version(self, current: int = 1) -> int:
        return max(1, current + self._source.choice([-1, 0, 1, 1, 3, 3]))

    def _key(self) -> FindingKey:
        if self._seen.findings and self._source.random() < 0.5:
            return self._source.choice(list(self._seen.findings))
        first, second = sorted(self._source.sample(self._seen.agreement.parties, 2))
        (notice_a, version_a), (notice_b, version_b) = self._volumes_of(first), self._volumes_of(second)
        return FindingKey(
            owner_a=first,
            notice_a=notice_a,
            volumes_version_a=version_a,
            owner_b=second,
            notice_b=notice_b,
            volumes_version_b=version_b,
        )

    def _volumes_of(self, owner: str) -> tuple[str, int]:
        notice_id = self._id()
        held = self._seen.notices.get((owner, notice_id))
        if held is None or self._source.random() < 0.3:
            return notice_id, self._version()
        return notice_id, held.notice.volumes_version + self._source.choice([0, 0, 0, 1, 2])

    def _reports(self, most: int) -> tuple[FindingReport, ...]:
        return tuple(
            FindingReport(
                key=self._key(),
                rule_id="intersect",
                rule_version=1,
                severity=self._source.choice(list(Severity)),
                from_ms=EPOCH_MS,
                until_ms=EPOCH_MS + 1_000,
                closer_ms=1_000,
            )
            for _ in range(self._source.randint(1, most))
        )

    def _told(self) -> Body:
        return ConflictTold(findings=self._reports(6))

    def _resolution(self) -> Body:
        return self.resolution(self._key())

    def resolution(self, key: FindingKey) -> Resolution:
        """Return a signature under one of few terms, so that two parties' are often the same."""
        if self._source.random() < 0.5:
            return Resolution(finding=key, code=ResolutionCode.LATERAL_SPLIT)
        first = self._source.choice([key.owner_a, key.owner_b])
        return Resolution(finding=key, code=ResolutionCode.TIME_SEQUENCE, first_party=first)

    def _receipt(self) -> Body:
        first = self._source.randint(1, 4)
        items = tuple(self._item() for _ in range(first)) if self._source.random() < 0.3 else self._right_items()
        return Receipt(
            items=items or (self._item(),),
            tree=TreeHead(size=self._source.randrange(1 << 53), root="0" * 64),
        )

    def _right_items(self) -> tuple[ReceiptItem, ...]:
        return tuple(
            ReceiptItem(party=self._seen.own, sequence=place, digest=digest, log_index=place, received_at_ms=EPOCH_MS)
            for place in self._seen.awaited
            if (digest := self._seen.chains[self._seen.own].digest(place))
        )

    def _item(self) -> ReceiptItem:
        source = self._source
        party = source.choice(self._seen.agreement.parties)
        chain = self._seen.chains[party]
        sequence = source.randint(1, chain.length + 1)
        rejected = RefusalReport(code=RefusalCode.OVER_LIMIT) if source.random() < 0.2 else None
        right = sequence <= chain.length and source.random() < 0.95
        return ReceiptItem(
            party=party,
            sequence=sequence,
            digest=chain.digest(sequence) if right else "f" * 64,
            log_index=source.randrange(1_000),
            received_at_ms=EPOCH_MS,
            rejected=rejected,
            findings=self._reports(3) if source.random() < 0.3 else (),
        )

    def _reading(self) -> Body:
        source, owner = self._source, self._source.choice(self._seen.agreement.parties)
        if source.random() < 0.5:
            return Noted(owner=owner, notice_id=self._id(), version=self._version())
        fields = read_back_fields([drawn_volume(source)])
        return ReadBack(owner=owner, notice_id=self._id(), version=self._version(), fields=fields)

    def _journal(self) -> Body:
        if self._source.random() < 0.5:
            return LineAdopted(agreement=self._seen.agreement)
        return Evidence(code=RefusalCode.CHAIN_FORK, about_line=LINE, about_party="north", sequence=1, envelope="{}")
