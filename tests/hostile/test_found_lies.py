"""Lies that once did harm, each told to the fold or to a served node (docs/threat-model.md, "A party that lies")."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec
import pytest

from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.line_state import LineState
from clearline.line.reading import Message, read_message
from clearline.line.snapshot import digest_of, restore, snapshot_bytes
from clearline.line.views import changed_findings
from clearline.model.message import (
    AreaCancel,
    ConflictTold,
    FindingKey,
    FindingReport,
    MessageType,
    ReasonCode,
    Receipt,
    ReceiptItem,
    Severity,
    TreeHead,
)
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport
from clearline.testing.simulated_ports import EPOCH_MS
from tests.hostile.liars import LyingParty
from tests.line.desks import Desk, agreement, amended, fresh_id, hand_over, notice, volume


def report(key: FindingKey, **changed: object) -> FindingReport:
    made = FindingReport(
        key=key,
        rule_id="intersect",
        rule_version=1,
        severity=Severity.CONFLICT,
        from_ms=EPOCH_MS,
        until_ms=EPOCH_MS + 1_000,
        closer_ms=1_000,
    )
    return msgspec.structs.replace(made, **changed)


def between(ours: str, theirs: str, *, version: int = 1, their_version: int = 1) -> FindingKey:
    """A finding between north's notice and oscar's."""
    return FindingKey(
        owner_a="north",
        notice_a=ours,
        volumes_version_a=version,
        owner_b="oscar",
        notice_b=theirs,
        volumes_version_b=their_version,
    )


def status(line: LineState, notice_id: str) -> NoticeStatus:
    return notice_status(line, line.notices[(line.own, notice_id)])


def with_liar(*honest: str) -> tuple[list[Desk], LyingParty]:
    agreed = agreement(*honest, "oscar")
    desks = [Desk(party, agreed) for party in honest]
    return desks, LyingParty("oscar", desks[0].line.digest)


def test_nobody_can_use_up_the_message_id_of_another() -> None:
    """Oscar hears north first and hands south a message with the same id: north's notice is taken all the same."""
    (north, south), oscar = with_liar("north", "south")
    ours = notice()
    message = north.say(ours)
    south.take(oscar.say_body(notice(volume(lat=50.0)), msg_id=message.header.msg_id))
    hand_over(north, south)
    assert ("north", ours.notice_id) in south.line.notices
    again = oscar.say_body(notice(volume(lat=51.0)), msg_id=message.header.msg_id)
    rejected = south.take(again).rejected
    assert rejected is not None
    assert rejected.code is RefusalCode.MESSAGE_ID_REUSED


def test_a_finding_on_a_version_that_is_passed_over_ends_with_it() -> None:
    """Told early about version 5, which never comes: version 7 ends it, and our notice is not blocked for good."""
    (north,), oscar = with_liar("north")
    ours, theirs = notice(), notice(volume(lat=50.0))
    north.say(ours)
    key = between(ours.notice_id, theirs.notice_id, their_version=5)
    north.take(oscar.say_body(theirs, msg_id=fresh_id()))
    north.take(oscar.say_body(ConflictTold(findings=(report(key),)), msg_id=fresh_id()))
    assert status(north.line, ours.notice_id) is NoticeStatus.CONFLICT
    north.take(oscar.say_body(amended(theirs, volume(lat=51.0), version=7), msg_id=fresh_id()))
    assert status(north.line, ours.notice_id) is NoticeStatus.UNCONFIRMED
    assert north.line.notices[("north", ours.notice_id)].findings == {}


def test_nothing_can_be_found_on_a_notice_that_has_ended() -> None:
    (north,), oscar = with_liar("north")
    ours = notice()
    north.say(ours)
    north.say(AreaCancel(notice_id=ours.notice_id, version=2, reason=ReasonCode.WEATHER))
    key = between(ours.notice_id, fresh_id(), version=2)
    north.take(oscar.say_body(ConflictTold(findings=(report(key),)), msg_id=fresh_id()))
    assert list(changed_findings(north.line, 0)) == []


@pytest.mark.parametrize(
    "changed",
    [{"closer_ms": 10**30}, {"rule_version": 10**30}, {"rule_version": -(10**30)}, {"rule_id": "x" * 100_000}],
)
def test_numbers_and_texts_in_findings_are_bounded(changed: dict[str, object]) -> None:
    """A whole number of 30 digits is JSON, and could not be written into any snapshot."""
    (north,), oscar = with_liar("north")
    ours = notice()
    north.say(ours)
    told = ConflictTold(findings=(report(between(ours.notice_id, fresh_id()), **changed),))
    rejected = north.take(oscar.say(MessageType.CONFLICT, encoded(told), msg_id=fresh_id())).rejected
    assert rejected is not None
    assert rejected.code is RefusalCode.OUT_OF_RANGE
    assert digest_of(restore(snapshot_bytes(north.state), own="north")) == digest_of(north.state)


def encoded(told: ConflictTold) -> bytes:
    """The JSON of findings with whole numbers of any length."""
    plain = msgspec.to_builtins(told)
    for finding in plain["findings"]:
        for name, value in finding.items():
            if isinstance(value, int):
                finding[name] = msgspec.Raw(str(value).encode())
    return msgspec.json.encode(plain)


def test_a_reason_for_a_rejection_is_bounded() -> None:
    """It is kept, shown at the desk and logged."""
    (north,), oscar = with_liar("north")
    said = north.say(notice())
    item = ReceiptItem(
        party="north",
        sequence=1,
        digest=said.digest,
        log_index=0,
        received_at_ms=EPOCH_MS,
        rejected=RefusalReport(code=RefusalCode.OVER_LIMIT, allowed="x" * 5_000),
    )
    receipt = Receipt(items=(item,), tree=TreeHead(size=1, root="0" * 64))
    rejected = north.take(oscar.say_body(receipt, msg_id=fresh_id())).rejected
    assert rejected is not None
    assert rejected.field == "body.items[0].rejected.allowed"


@pytest.mark.parametrize("false", ["twice", "not in its tree"])
def test_a_receipt_that_its_own_tree_denies_clears_nothing(false: str) -> None:
    """What `clearline verify` calls false is not taken for true while the line is open either."""
    (north,), oscar = with_liar("north")
    ours = notice()
    said = north.say(ours)
    item = ReceiptItem(party="north", sequence=1, digest=said.digest, log_index=4, received_at_ms=EPOCH_MS)
    items, size = ((item, item), 5) if false == "twice" else ((item,), 4)
    receipt = Receipt(items=items, tree=TreeHead(size=size, root="0" * 64))
    rejected = north.take(oscar.say_body(receipt, msg_id=fresh_id())).rejected
    assert rejected is not None
    assert rejected.code is RefusalCode.RECEIPT_FALSE
    assert status(north.line, ours.notice_id) is NoticeStatus.UNCONFIRMED


def outcome_at_depth(encoded_message: bytes, frames: int) -> Message | RefusalCode:
    """Read a message with this many frames below: as deep as a door, as shallow as a start."""
    if frames > 0:
        return outcome_at_depth(encoded_message, frames - 1)
    try:
        return read_message(encoded_message)
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("levels", [20, 33, 600, 900])
def test_what_a_message_says_does_not_depend_on_who_reads_it(levels: int) -> None:
    """A parser that stops at the end of its stack reads 900 levels here and not there: a log that was taken could not
    be read again at the next start."""
    _, oscar = with_liar("north")
    flat = oscar.say(MessageType.NOTED, b'{"deep":0}', msg_id=fresh_id())
    payload = read_message(flat.encoded).envelope.payload.replace(b"0}}", b"[" * levels + b"]" * levels + b"}}")
    message = oscar.sealed(payload)
    outcomes: list[object] = []

    def read(frames: int) -> Callable[[], None]:
        return lambda: outcomes.append(outcome_at_depth(message, frames))

    for frames in (0, 300, 700):
        thread = threading.Thread(target=read(frames))  # a stack of its own: pytest's is deep already
        thread.start()
        thread.join()
    assert len(outcomes) == 3
    kinds = {one if isinstance(one, RefusalCode) else "read" for one in outcomes}
    assert kinds == ({"read"} if levels < 30 else {RefusalCode.OVER_LIMIT})
