"""Verification against those who hold a key: a party may sign what it likes, its record has to fit together."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from clearline.ledger.bundle import BUNDLE_FORMAT, AgreementNamed, BundleClosing, BundleHeader, parse_closing
from clearline.ledger.entry import Entry
from clearline.ledger.envelope import (
    BUNDLE_PAYLOAD_TYPE,
    MESSAGE_PAYLOAD_TYPE,
    REQUEST_PAYLOAD_TYPE,
    decode_envelope,
    encode_envelope,
    seal,
)
from clearline.ledger.report import ProblemCode as Code
from clearline.model import limits
from clearline.model.agreement import agreement_bytes
from clearline.model.message import (
    JOURNAL_LINE,
    Evidence,
    LineAdopted,
    MessageType,
    Receipt,
    ReceiptItem,
    TreeHead,
)
from clearline.model.refusal import RefusalCode, RefusalReport
from tests.ledger.two_parties import LINE, Clock, Desk, agreement_of, conversation, notice, signer_of, two_desks
from tests.ledger.verdict import Where, places, verdict


def found(desk: Desk) -> list[Where]:
    return places(verdict(desk.bundle()).problems)


def header_of(encoded: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decode_envelope(encoded).payload)
    return header


def sealed(message: object, signer: str, payload_type: str = MESSAGE_PAYLOAD_TYPE) -> bytes:
    payload = message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()
    return encode_envelope(seal(payload, signer_of(signer), payload_type))


# --- messages

BAD_FIELDS: list[tuple[str, object]] = [
    ("schema", "clearline/message/2"),
    ("line_id", "Valley"),
    ("line_id", "valley\n"),
    ("from_party", ""),
    ("from_role", "PILOT"),
    ("sequence", 0),
    ("sequence", 1.0),
    ("sequence", True),
    ("sequence", 2**53 + 1),
    ("sequence", "1"),
    ("previous", "0" * 63),
    ("previous", "A" * 64),
    ("msg_id", "00000000-0000-4000-8000-00000000000G"),
    ("sent_at_ms", -1),
    ("sent_at_ms", 4_102_444_800_001),
    ("precedence", "SOON"),
    ("type", "HELLO"),
    ("type", None),
    ("more", 1),
]


@pytest.mark.parametrize("name, value", BAD_FIELDS)
def test_a_message_without_a_readable_header_is_named(name: str, value: object) -> None:
    north, _ = two_desks()
    message = {**header_of(north.say(LINE, notice(1))), name: value}
    north.log[1] = Entry(1, north.log[1].received_at_ms, sealed(message, "north"))
    assert found(north)[0] == ("entries[1]", Code.MESSAGE_MALFORMED)


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: b"",
        lambda payload: b"\xff",
        lambda payload: payload[:-1],
        lambda payload: b"[" + payload + b"]",
        lambda payload: payload.replace(b'"sequence":1', b'"sequence":1,"sequence":1'),
        lambda payload: payload.replace(b'"sequence":1', b'"sequence":NaN'),
        lambda payload: payload.replace(b'"sequence":1', b'"sequence":01'),
        lambda payload: payload.replace(b'"sequence":1,', b""),
        lambda payload: b"\xef\xbb\xbf" + payload,
        lambda payload: payload.decode().encode("utf-16-le"),
    ],
)
def test_a_payload_that_is_no_message_is_named(change: Callable[[bytes], bytes]) -> None:
    north, _ = two_desks()
    payload = decode_envelope(north.say(LINE, notice(1))).payload
    north.log[1] = Entry(1, north.log[1].received_at_ms, sealed(change(payload), "north"))
    assert found(north)[0] == ("entries[1]", Code.MESSAGE_MALFORMED)


def test_a_body_that_nobody_can_read_keeps_its_place() -> None:
    """It was said, and its receipt will say REJECTED: the record is whole (docs/design.md)."""
    north, south = two_desks()
    south.hear(
        north.say_raw(LINE, MessageType.AREA_NOTICE, b'{"notice_id":1,"notice_id":2}'), north.say(LINE, notice(1))
    )
    item = south.owed[0]
    south.owed[0] = msgspec.structs.replace(item, rejected=RefusalReport(code=RefusalCode.DUPLICATE_FIELD))
    north.hear(south.receipt())
    report = verdict(north.bundle())
    assert report.ok, report.problems
    assert (report.receipts_proven, report.receipts_rejecting) == (2, 1)


def test_a_signature_of_another_kind_is_no_message() -> None:
    north, _ = two_desks()
    payload = decode_envelope(north.say(LINE, notice(1))).payload
    north.log[1] = Entry(1, north.log[1].received_at_ms, sealed(payload, "north", REQUEST_PAYLOAD_TYPE))
    assert found(north)[0] == ("entries[1]", Code.MESSAGE_MALFORMED)


def test_a_message_of_a_line_not_adopted_is_named() -> None:
    desk = Desk("north", Clock())
    desk.chains["hill"] = (0, "0" * 64)
    desk.say("hill", notice(1))
    assert found(desk) == [("entries[0]", Code.LINE_UNKNOWN)]


def test_a_message_of_a_party_that_is_not_on_the_line_is_named() -> None:
    north, _ = two_desks()
    east = Desk("east", north.clock)
    east.adopt(agreement_of("east", "north"))
    north.hear(east.say(LINE, notice(1)))
    assert found(north) == [("entries[1]", Code.PARTY_UNKNOWN)]


def test_a_message_signed_by_another_party_is_named() -> None:
    north, south = two_desks()
    message = header_of(south.say(LINE, notice(1)))
    north.append(sealed(message, "north"))
    assert found(north) == [("entries[1]", Code.KEY_UNKNOWN)]


@pytest.mark.parametrize("line, kind", [(JOURNAL_LINE, MessageType.NOTED), (LINE, MessageType.LINE_ADOPTED)])
def test_journal_and_line_are_kept_apart(line: str, kind: MessageType) -> None:
    north, _ = two_desks()
    north.say_raw(line, kind, b"{}")
    assert found(north) == [("entries[1]", Code.TYPE_FORBIDDEN)]


def test_the_journal_is_the_exporters_own() -> None:
    north, south = two_desks()
    north.append(south.log[0].envelope)
    assert found(north) == [("entries[1]", Code.PARTY_UNKNOWN)]


# --- chains


def test_a_chain_begins_with_its_agreement() -> None:
    north, _ = two_desks()
    north.chains[LINE] = (0, "0" * 64)
    north.say(LINE, notice(1))
    assert found(north) == [("entries[1]", Code.AGREEMENT_DIFFERS)]


def test_a_place_left_out_is_a_gap_and_the_rest_goes_on() -> None:
    north, _ = two_desks()
    north.say(LINE, notice(1))
    north.chains[LINE] = (2, north.chains[LINE][1])
    north.say(LINE, notice(2))
    north.say(LINE, notice(3))
    assert found(north) == [("entries[2]", Code.CHAIN_GAP)]


def test_a_second_message_for_one_place_is_a_fork() -> None:
    north, _ = two_desks()
    start = north.chains[LINE]
    north.say(LINE, notice(1))
    first = north.chains[LINE]
    north.chains[LINE] = start
    north.say(LINE, notice(2))
    north.chains[LINE] = first
    north.say(LINE, notice(3))
    assert found(north) == [("entries[2]", Code.CHAIN_FORK)]


def test_a_message_that_names_another_predecessor_is_a_fork() -> None:
    north, _ = two_desks()
    north.say(LINE, notice(1))
    north.chains[LINE] = (1, "5" * 64)
    north.say(LINE, notice(2))
    assert found(north) == [("entries[2]", Code.CHAIN_FORK)]


def test_the_same_message_again_is_named() -> None:
    north, south = two_desks()
    said = south.say(LINE, notice(1))
    north.append(said)
    north.append(said)
    assert found(north) == [("entries[2]", Code.CHAIN_REPEATED)]


def test_evidence_stands_in_the_journal() -> None:
    north, south = two_desks()
    other = base64.b64encode(south.say(LINE, notice(1))).decode()
    north.say(
        JOURNAL_LINE,
        Evidence(code=RefusalCode.CHAIN_FORK, about_line=LINE, about_party="south", sequence=1, envelope=other),
    )
    report = verdict(north.bundle())
    assert report.ok, report.problems
    assert report.messages_by_type == {"EVIDENCE": 1, "LINE_ADOPTED": 1}


def test_the_journal_is_a_chain_too() -> None:
    north, _ = two_desks()
    north.chains[JOURNAL_LINE] = (2, "5" * 64)
    north.say(JOURNAL_LINE, LineAdopted(agreement=agreement_of("north", "south")))
    assert found(north) == [("entries[1]", Code.CHAIN_GAP)]


def test_a_forged_number_opens_no_gap_for_what_follows() -> None:
    north, south = two_desks()
    message = header_of(south.say(LINE, notice(1)))
    south.chains[LINE] = (0, south.agreements[LINE])
    south.log.pop()
    north.append(sealed({**message, "sequence": 4000}, "north"))
    north.hear(south.say(LINE, notice(2)))
    assert found(north) == [("entries[1]", Code.KEY_UNKNOWN)]


def test_the_true_message_takes_the_place_that_a_forged_one_had() -> None:
    north, south = two_desks()
    true = south.say(LINE, notice(1))
    north.append(sealed(header_of(true), "north"))
    north.hear(true, south.say(LINE, notice(2)))
    north.receipt()
    assert found(north) == [("entries[1]", Code.KEY_UNKNOWN)]


def test_a_message_that_comes_after_its_successor_is_named() -> None:
    north, south = two_desks()
    first, second = south.say(LINE, notice(1)), south.say(LINE, notice(2))
    north.hear(second, first)
    assert found(north) == [("entries[1]", Code.CHAIN_GAP), ("entries[2]", Code.CHAIN_GAP)]


def test_a_message_on_a_line_leaves_room_for_being_evidence() -> None:
    north, _ = two_desks()
    north.say_raw(LINE, MessageType.NOTED, b'"' + b"x" * limits.MESSAGE_BYTES_MAX + b'"')
    assert found(north) == [("entries[1]", Code.OVER_LIMIT)]


# --- agreements


def adopted(agreement: object) -> list[Where]:
    desk = Desk("north", Clock())
    desk.say_raw(
        JOURNAL_LINE, MessageType.LINE_ADOPTED, json.dumps({"agreement": agreement}, separators=(",", ":")).encode()
    )
    return found(desk)


def as_json() -> dict[str, Any]:
    agreement: dict[str, Any] = json.loads(agreement_bytes(agreement_of("north", "south")))
    return agreement


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "clearline/agreement/2"},
        {"line_id": "journal"},
        {"members": []},
        {"members": as_json()["members"][:1]},
        {"members": as_json()["members"][::-1]},
        {"members": as_json()["members"] * 9},
        {"members": [{**as_json()["members"][0], "party_id": name} for name in ("north", "south")]},
        {"members": [{**as_json()["members"][0], "public_key": "F" * 64}, as_json()["members"][1]]},
        {"rules": None},
        {"rules": {**as_json()["rules"], "version": 0}},
        {"rules": {**as_json()["rules"], "rule_id": "Threes"}},
        {"rules": {**as_json()["rules"], "separation_lateral_m": -1.0}},
        {"rules": {**as_json()["rules"], "separation_vertical_m": 20_001.0}},
        {"rules": {**as_json()["rules"], "closer_ms_max": 3_600_001}},
        {"rules": {**as_json()["rules"], "separation_lateral_m": "5556"}},
        {"more": 1},
    ],
)
def test_an_agreement_that_cannot_be_is_named(change: dict[str, object]) -> None:
    assert adopted({**as_json(), **change}) == [("entries[0]", Code.MESSAGE_MALFORMED)]


@pytest.mark.parametrize("metres", [0.0, 5e-324, 1e-7, 1.5e-6, 0.00001234, 0.1, 914.4, 100_000.0])
def test_both_verifiers_write_numbers_alike(metres: float) -> None:
    """The agreement's digest is over its text, so the text of a number counts."""
    rules = msgspec.structs.replace(agreement_of("north", "south").rules, separation_lateral_m=metres)
    agreement = msgspec.structs.replace(agreement_of("north", "south"), rules=rules)
    desk = Desk("north", Clock())
    desk.adopt(agreement)
    desk.say(LINE, notice(1))
    assert found(desk) == []


def test_an_agreement_in_another_spelling_is_named() -> None:
    """Its digest would not be the hash of what was signed."""
    rules = {**as_json()["rules"], "separation_lateral_m": 5556}
    spelled = adopted({**as_json(), "rules": rules})
    assert ("entries[0]", Code.AGREEMENT_DIFFERS) in spelled
    moved = dict(reversed(as_json().items()))
    assert ("entries[0]", Code.AGREEMENT_DIFFERS) in adopted(moved)


def test_a_field_twice_in_an_agreement_is_named() -> None:
    desk = Desk("north", Clock())
    body = b'{"agreement":%b}' % agreement_bytes(agreement_of("north", "south"))
    desk.say_raw(JOURNAL_LINE, MessageType.LINE_ADOPTED, body.replace(b'"version":1', b'"version":1,"version":1'))
    assert found(desk) == [("entries[0]", Code.MESSAGE_MALFORMED)]


def test_an_agreement_of_others_is_named() -> None:
    desk = Desk("north", Clock())
    desk.adopt(agreement_of("east", "south"))
    assert ("entries[0]", Code.KEY_DIFFERS) in found(desk)


def test_an_agreement_with_another_key_for_the_exporter_is_named() -> None:
    agreement = agreement_of("north", "south")
    swapped = tuple(
        msgspec.structs.replace(member, public_key=signer_of(f"not {member.party_id}").public_key.hex())
        for member in agreement.members
    )
    desk = Desk("north", Clock())
    desk.adopt(msgspec.structs.replace(agreement, members=swapped))
    assert found(desk) == [("entries[0]", Code.KEY_DIFFERS)]


def test_a_line_has_one_agreement() -> None:
    north, _ = two_desks()
    agreement = agreement_of("north", "south")
    north.adopt(agreement)
    assert found(north) == []
    north.adopt(msgspec.structs.replace(agreement, rules=msgspec.structs.replace(agreement.rules, version=2)))
    assert ("entries[2]", Code.AGREEMENT_DIFFERS) in found(north)


def test_a_pinned_key_of_small_order_signs_nothing() -> None:
    agreement = agreement_of("north", "south")
    weak = (agreement.members[0], msgspec.structs.replace(agreement.members[1], public_key="01" + "00" * 31))
    _, south = two_desks()
    desk = Desk("north", Clock())
    desk.adopt(msgspec.structs.replace(agreement, members=weak))
    south.chains[LINE] = (0, desk.agreements[LINE])
    envelope = decode_envelope(south.say(LINE, notice(1)))
    name = "ed25519:" + hashlib.sha256(bytes.fromhex("01" + "00" * 31)).hexdigest()[:32]
    forged = msgspec.structs.replace(envelope.signatures[0], key_id=name, signature=b"\x01" + bytes(63))
    desk.append(encode_envelope(msgspec.structs.replace(envelope, signatures=(forged,))))
    assert found(desk) == [("entries[1]", Code.SIGNATURE_INVALID)]


# --- receipts


def receipted(**changes: Any) -> list[Where]:
    """North receipts south's notice, entry 1 of its log, with other facts than it should."""
    north, south = two_desks()
    north.hear(south.say(LINE, notice(1)))
    item = msgspec.structs.replace(north.owed[0], **{k: v for k, v in changes.items() if k != "tree"})
    head = changes.get("tree", TreeHead(size=2, root=north.tree.root().hex()))
    north.say(LINE, Receipt(items=(item,), tree=head))
    return found(north)


def test_a_receipt_that_fits_is_proven() -> None:
    assert receipted() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "5" * 64},
        {"sequence": 2},
        {"party": "north"},
        {"party": "east"},
        {"log_index": 0},
        {"received_at_ms": 1},
        {"log_index": 2},
        {"tree": TreeHead(size=1, root="5" * 64)},
    ],
)
def test_a_receipt_with_other_facts_is_named(changes: dict[str, Any]) -> None:
    assert ("entries[2]", Code.RECEIPT_FALSE) in receipted(**changes)


@pytest.mark.parametrize("head", [TreeHead(size=2, root="5" * 64), TreeHead(size=3, root="5" * 64)])
def test_a_tree_head_that_the_log_never_had_is_named(head: TreeHead) -> None:
    assert receipted(tree=head) == [("entries[2]", Code.TREE_HEAD)]


def test_a_receipt_given_twice_is_named() -> None:
    north, south = two_desks()
    north.hear(south.say(LINE, notice(1)))
    north.owed *= 2
    north.receipt()
    assert found(north) == [("entries[2]", Code.RECEIPT_FALSE)]


def test_a_receipt_for_what_was_never_said_is_named() -> None:
    north, south = two_desks()
    said = ReceiptItem(party="north", sequence=1, digest="5" * 64, log_index=0, received_at_ms=1)
    south.owed.append(said)
    north.hear(south.receipt())
    assert found(north) == [("entries[1]", Code.RECEIPT_FALSE)]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"null",
        b'{"items":[],"tree":{"size":0,"root":"%b"}}' % (b"0" * 64),
        b'{"items":[{}],"tree":{"size":0,"root":"%b"}}' % (b"0" * 64),
        b'{"items":[{"party":"north","sequence":1,"digest":"%b","log_index":0,"received_at_ms":1}]}' % (b"0" * 64),
        b'{"items":[{"party":"north","sequence":1,"digest":"%b","log_index":0,"received_at_ms":1}],"tree":{"size":1}}'
        % (b"0" * 64),
        b'{"items":[{"party":"north","party":"north","sequence":1,"digest":"%b","log_index":0,"received_at_ms":1}],'
        b'"tree":{"size":1,"root":"%b"}}' % (b"0" * 64, b"0" * 64),
    ],
)
def test_a_receipt_that_nobody_can_read_is_named(body: bytes) -> None:
    north, south = two_desks()
    north.hear(south.say_raw(LINE, MessageType.RECEIPT, body))
    assert found(north) == [("entries[1]", Code.MESSAGE_MALFORMED)]


def test_anothers_tree_only_grows_and_has_one_root() -> None:
    for sizes, named in (((5, 4), True), ((5, 5), True), ((5, 6), False)):
        north, south = two_desks()
        for place, size in enumerate(sizes):
            south.hear(north.say(LINE, notice(place)))
            items, south.owed = tuple(south.owed), []
            north.hear(south.say(LINE, Receipt(items=items, tree=TreeHead(size=size, root=str(place) * 64))))
        assert found(north) == ([("entries[4]", Code.TREE_HEAD)] if named else [])


def three_desks() -> tuple[Desk, Desk, Desk]:
    clock = Clock()
    desks = (Desk("east", clock), Desk("north", clock), Desk("south", clock))
    for desk in desks:
        desk.adopt(agreement_of("east", "north", "south"))
    return desks


def test_a_receipt_between_two_others_may_come_before_what_it_answers() -> None:
    east, north, south = three_desks()
    said = east.say(LINE, notice(1))
    south.hear(said)
    answer = south.receipt()
    north.hear(answer)
    report = verdict(north.bundle())
    assert (report.ok, report.receipts_open, report.receipts_proven) == (True, 1, 0)
    north.hear(said)
    report = verdict(north.bundle())
    assert (report.ok, report.receipts_open, report.receipts_proven, report.unreceipted) == (True, 0, 1, 1)


def test_a_receipt_between_two_others_that_names_another_message_is_named() -> None:
    """Either the receipt lies or its subject told two stories; both are seen."""
    east, north, south = three_desks()
    south.hear(east.say(LINE, notice(1)))
    answer = south.receipt()
    east.chains[LINE] = (0, east.agreements[LINE])
    north.hear(answer, east.say(LINE, notice(2)))
    assert found(north) == [("entries[1]", Code.RECEIPT_FALSE)]


# --- entries and closing statement


def test_time_goes_forward() -> None:
    north, _ = two_desks()
    for _ in range(3):
        north.say(LINE, notice(1))
    entry = north.log[2]
    north.log[2] = Entry(2, entry.received_at_ms - 10_000, entry.envelope)
    assert found(north) == [("entries[2]", Code.TIME_ORDER)]


def closing_with(**changes: Any) -> list[Where]:
    """A closing statement that its own party signed over something else."""
    north, _ = conversation()
    lines = north.bundle()
    _, closing = parse_closing(lines[-1])
    payload_type = changes.pop("payload_type", BUNDLE_PAYLOAD_TYPE)
    signer = changes.pop("signer", "north")
    payload = msgspec.json.encode(msgspec.structs.replace(closing, **changes))
    lines[-1] = sealed(payload, signer, payload_type) + b"\n"
    return places(verdict(lines).problems)


HEADER = BundleHeader(
    format=BUNDLE_FORMAT, party="north", public_key="0" * 64, exported_at_ms=1, first_index=0, size=15
)


@pytest.mark.parametrize(
    "changes, wanted",
    [
        ({}, []),
        ({"sha256": "5" * 64}, [("file", Code.FILE_HASH)]),
        ({"tree": TreeHead(size=15, root="5" * 64)}, [("file", Code.ROOT_DIFFERS)]),
        ({"tree": TreeHead(size=14, root="5" * 64)}, [("file", Code.SIZE_DIFFERS)]),
        ({"agreements": ()}, [("closing", Code.AGREEMENT_DIFFERS)]),
        ({"agreements": (AgreementNamed(line_id=LINE, digest="5" * 64),)}, [("closing", Code.AGREEMENT_DIFFERS)]),
        (
            {"agreements": tuple(AgreementNamed(line_id=name, digest="5" * 64) for name in ("valley", "hill"))},
            [("closing", Code.NOT_CANONICAL)],
        ),
        ({"header": HEADER}, [("header", Code.HEADER_DIFFERS)]),
        ({"payload_type": MESSAGE_PAYLOAD_TYPE}, [("closing", Code.MESSAGE_MALFORMED)]),
        ({"signer": "south"}, [("closing", Code.KEY_UNKNOWN)]),
    ],
)
def test_a_closing_statement_over_something_else_is_named(changes: dict[str, Any], wanted: list[Where]) -> None:
    assert closing_with(**changes) == wanted


@pytest.mark.parametrize(
    "old, new",
    [
        (b'{"header"', b'{ "header"'),
        (b'"sha256":', b'"sha256":"","sha256":'),
        (b'"first_index":0', b'"first_index":false'),
        (b'"first_index":0', b'"first_index":0,"more":1'),
        (b'"size":', b'"size":0'),
        (b'"agreements":[', b'"agreements":[{},'),
        (b'"line_id":"valley"', b'"line_id":"Valley"'),
    ],
)
def test_a_closing_statement_in_another_spelling_is_named(old: bytes, new: bytes) -> None:
    north, _ = conversation()
    lines = north.bundle()
    payload = msgspec.json.encode(parse_closing(lines[-1])[1])
    assert old in payload
    lines[-1] = sealed(payload.replace(old, new), "north", BUNDLE_PAYLOAD_TYPE) + b"\n"
    assert places(verdict(lines).problems) == [("closing", Code.NOT_CANONICAL)]


def test_the_closing_statement_has_the_fields_of_the_specification() -> None:
    assert BundleClosing.__struct_fields__ == ("header", "tree", "sha256", "agreements")
