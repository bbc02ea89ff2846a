"""Reading and believing envelopes; who may say what; when a thing has been said (R1, R6, R7)."""

from __future__ import annotations

import msgspec
import pytest

from clearline.ledger.envelope import encode_envelope, seal
from clearline.line.chain import JOURNAL_GENESIS, Chain, Placement
from clearline.line.drafting import Speaker, draft
from clearline.line.reading import read_message, verified
from clearline.line.speaking import already_said, check_role
from clearline.model import limits
from clearline.model.identity import Role
from clearline.model.message import (
    Activate,
    AreaCancel,
    Body,
    LineAdopted,
    MessageType,
    Noted,
    ReadBack,
    ReasonCode,
    Release,
    Resolution,
    ResolutionCode,
    message_type_of,
)
from clearline.model.refusal import InternalError, Refusal, RefusalCode
from clearline.testing.simulated_ports import SimulatedSigner, SimulatedVerifier
from tests.line.desks import LINE, agreement, amended, fresh_id, notice, settle, two_desks, volume

AGREED = agreement("north", "south")
SIGNER = SimulatedSigner("north")


def drafted(body: Body, *, line_id: str = LINE) -> bytes:
    chain = Chain(JOURNAL_GENESIS)
    speaker = Speaker(party="north", role=Role.WATCH, signer=SIGNER)
    return draft(body=body, line_id=line_id, chain=chain, speaker=speaker, msg_id=fresh_id(), sent_at_ms=1).encoded


def payload_of(encoded: bytes) -> bytes:
    return read_message(encoded).envelope.payload


def refusal_of(encoded: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        verified(read_message(encoded), AGREED, SimulatedVerifier())
    return caught.value


def sealed(payload: bytes, **how: str) -> bytes:
    return encode_envelope(seal(payload, SIGNER, **how))


def test_a_message_is_believed_when_the_pinned_key_signed_it() -> None:
    body = notice()
    message = verified(read_message(drafted(body)), AGREED, SimulatedVerifier())
    assert message.body == body
    assert message.header.type is MessageType.AREA_NOTICE


def test_what_has_no_readable_header_is_refused() -> None:
    good = payload_of(drafted(notice()))
    bad = {
        RefusalCode.MALFORMED: sealed(good, payload_type="application/vnd.clearline.request+json"),
        RefusalCode.DUPLICATE_FIELD: sealed(good[:-1] + b',"sequence":1}'),
        RefusalCode.UNKNOWN_FIELD: sealed(good[:-1] + b',"unit":"x"}'),
        RefusalCode.OUT_OF_RANGE: sealed(good.replace(b'"sequence":1', b'"sequence":0')),
        RefusalCode.PARTY_UNKNOWN: sealed(good.replace(b'"from_party":"north"', b'"from_party":"west"')),
        RefusalCode.KEY_UNKNOWN: sealed(good.replace(b'"from_party":"north"', b'"from_party":"south"')),
    }
    for code, encoded in bad.items():
        assert refusal_of(encoded).code is code


def test_a_body_that_cannot_be_read_keeps_its_place() -> None:
    """R6: it is recorded and rejected, with the path inside the body."""
    good = payload_of(drafted(notice()))
    for change, code, field in (
        ((b'"priority":0', b'"priority":101'), RefusalCode.OUT_OF_RANGE, "body.priority"),
        ((b'"priority":0', b'"priority":0,"mission":1'), RefusalCode.UNKNOWN_FIELD, "body.mission"),
        ((b'"priority":0', b'"priority":0,"priority":0'), RefusalCode.DUPLICATE_FIELD, "body.priority"),
    ):
        message = verified(read_message(sealed(good.replace(*change))), AGREED, SimulatedVerifier())
        assert isinstance(message.body, Refusal)
        assert (message.body.code, message.body.field) == (code, field)


def test_a_journal_message_of_somebody_else_is_refused() -> None:
    assert refusal_of(drafted(LineAdopted(agreement=AGREED))).field == "type"


def test_a_message_that_no_evidence_could_hold_is_refused() -> None:
    payload = payload_of(drafted(notice()))
    padded = payload.replace(b'"body":{', b'"body":{' + b" " * limits.MESSAGE_BYTES_MAX)
    assert refusal_of(sealed(padded)).code is RefusalCode.OVER_LIMIT


def test_a_draft_over_the_limit_is_refused_to_its_speaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGE_BYTES_MAX", 100)
    with pytest.raises(Refusal, match="OVER_LIMIT"):
        drafted(notice())


def test_a_chain_takes_what_is_next_and_nothing_else() -> None:
    chain = Chain(JOURNAL_GENESIS)
    first = read_message(drafted(notice()))
    assert chain.place(first.header, first.digest) is Placement.NEXT
    chain.add(first.digest, 7)
    assert chain.place(first.header, first.digest) is Placement.DUPLICATE
    assert (chain.head, chain.log_index(1)) == (first.digest, 7)
    for header, digest, code in (
        (first.header, "0" * 64, RefusalCode.CHAIN_FORK),
        (msgspec.structs.replace(first.header, sequence=2), "0" * 64, RefusalCode.CHAIN_FORK),
        (msgspec.structs.replace(first.header, sequence=3, previous=first.digest), "0" * 64, RefusalCode.CHAIN_GAP),
    ):
        with pytest.raises(Refusal) as caught:
            chain.place(header, digest)
        assert caught.value.code is code
    with pytest.raises(Refusal, match="AGREEMENT_DIFFERS"):
        Chain("1" * 64).place(first.header, first.digest)
    for place in (0, 2):
        with pytest.raises(InternalError):
            chain.digest(place)


def test_roles_say_what_is_theirs() -> None:
    """R1: roles, not persons; the software alone says receipts, and nobody says them for it."""
    body = notice()
    check_role(Role.WATCH, body)
    check_role(Role.PLANNER, body)
    noted = Noted(owner="north", notice_id=body.notice_id, version=1)
    for role, said in (
        (Role.OBSERVER, body),
        (Role.PLANNER, noted),
        (Role.NODE, body),
        (Role.WATCH, LineAdopted(agreement=AGREED)),
    ):
        with pytest.raises(Refusal) as caught:
            check_role(role, said)
        assert caught.value.code is RefusalCode.ROLE_FORBIDS


def test_saying_a_thing_again_is_one_thing_said() -> None:
    """A client that lost the answer asks again; only the very same thing counts."""
    north, south = two_desks()
    ours, theirs = notice(), notice()
    steps: list[tuple[object, Body]] = [(north, ours), (south, theirs)]
    for desk, body in steps:
        assert not already_said(desk.line, body)  # type: ignore[attr-defined]
        desk.say(body)  # type: ignore[attr-defined]
        assert already_said(desk.line, body)  # type: ignore[attr-defined]
        settle(north, south)
    (key,) = north.line.findings
    fields = north.line.notices[("south", theirs.notice_id)].fields[1]
    said: list[Body] = [
        ReadBack(owner="south", notice_id=theirs.notice_id, version=1, fields=fields),
        Noted(owner="south", notice_id=theirs.notice_id, version=1),
        Resolution(finding=key, code=ResolutionCode.LATERAL_SPLIT),
        Activate(notice_id=ours.notice_id, version=2),
        amended(ours, volume(lat=12.0), version=3),
        Release(notice_id=ours.notice_id, version=4),
    ]
    for body in said:
        assert not already_said(north.line, body), message_type_of(body)
        north.say(body)
        assert already_said(north.line, body), message_type_of(body)
    assert not already_said(north.line, Activate(notice_id=ours.notice_id, version=2))
    assert not already_said(north.line, AreaCancel(notice_id=fresh_id(), version=2, reason=ReasonCode.COMPLETED))
    assert not already_said(north.line, LineAdopted(agreement=AGREED))
