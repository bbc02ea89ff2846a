"""The fold: clearance, findings, versions, rejections (design.md §3; R4, R5, R6, R12, R13, R16, R36)."""

from __future__ import annotations

import msgspec
import pytest

from clearline.line.clearance import HindranceCode, NoticeStatus, finding_state, hindrances, notice_status
from clearline.line.node_state import NodeState
from clearline.line.records import NoticeRecord
from clearline.line.snapshot import digest_of, restore, snapshot_bytes
from clearline.model.message import (
    Activate,
    AreaAmend,
    AreaCancel,
    Body,
    ConflictTold,
    FindingKey,
    FindingReport,
    Noted,
    ReadBack,
    ReasonCode,
    Receipt,
    ReceiptItem,
    Release,
    Resolution,
    ResolutionCode,
    Severity,
    TreeHead,
)
from clearline.model.refusal import Refusal, RefusalCode
from clearline.sky import load_rules
from tests.line.desks import Desk, agreement, amended, fresh_id, hand_over, notice, settle, two_desks, volume


def status(desk: Desk, notice_id: str) -> NoticeStatus:
    return notice_status(desk.line, record(desk, desk.party, notice_id))


def record(desk: Desk, owner: str, notice_id: str) -> NoticeRecord:
    return desk.line.notices[(owner, notice_id)]


def only_finding(desk: Desk) -> FindingKey:
    (key,) = desk.line.findings
    return key


def split(key: FindingKey, first: str) -> Resolution:
    return Resolution(finding=key, code=ResolutionCode.TIME_SEQUENCE, first_party=first)


def test_a_notice_is_unconfirmed_until_every_party_has_signed_a_receipt() -> None:
    """R12, R36: silence clears nothing; the missing receipt is named."""
    agreed = agreement("north", "south", "west")
    north, south, west = Desk("north", agreed), Desk("south", agreed), Desk("west", agreed)
    body = notice()
    north.say(body)
    hand_over(north, south)
    south.duties()
    hand_over(south, north)
    assert status(north, body.notice_id) is NoticeStatus.UNCONFIRMED
    missing = hindrances(north.line, record(north, "north", body.notice_id))
    assert [(one.code, one.party) for one in missing] == [(HindranceCode.RECEIPT_MISSING, "west")]
    settle(north, south, west)
    assert status(north, body.notice_id) is NoticeStatus.CLEARED


def test_a_conflict_is_found_by_both_and_clears_neither() -> None:
    north, south = two_desks()
    ours, theirs = notice(), notice()
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    assert only_finding(north) == only_finding(south)
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT
    assert status(south, theirs.notice_id) is NoticeStatus.CONFLICT
    assert set(north.line.findings[only_finding(north)].reports) == {"north", "south"}


def test_the_receipt_brings_the_finding_with_it() -> None:
    """Design.md §3: a receipt is never there before what the receiver found."""
    north, south = two_desks()
    south.say(notice())
    ours = notice()
    north.say(ours)
    hand_over(north, south)
    south.duties()
    hand_over(south, north)
    assert record(north, "north", ours.notice_id).receipts["south"].version == 1
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT


def test_one_signature_resolves_nothing_and_two_different_ones_neither() -> None:
    """R12: it binds when both have signed the same terms, and only then."""
    north, south = two_desks()
    ours, theirs = notice(), notice()
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    key = only_finding(north)
    north.say(split(key, "north"))
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT
    south.say(split(key, "south"))
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT
    assert status(south, theirs.notice_id) is NoticeStatus.CONFLICT
    south.say(split(key, "north"))
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CLEARED
    assert status(south, theirs.notice_id) is NoticeStatus.CLEARED
    north.say(split(key, "south"))
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT, "taking other terms takes the agreement back"


def test_activation_keeps_a_resolution_and_new_volumes_end_it() -> None:
    north, south = two_desks()
    ours, theirs = notice(), notice()
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    for desk in (north, south):
        desk.say(split(only_finding(north), "north"))
    settle(north, south)
    north.say(Activate(notice_id=ours.notice_id, version=2))
    assert status(north, ours.notice_id) is NoticeStatus.UNCONFIRMED
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CLEARED
    north.say(amended(ours, volume(radius_m=1_001.0), version=3))
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT
    states = {finding_state(north.line, finding).value for finding in north.line.findings.values()}
    assert states == {"GONE", "OPEN"}


def test_moving_away_ends_the_finding_on_both_sides() -> None:
    north, south = two_desks()
    ours, theirs = notice(), notice()
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    north.say(amended(ours, volume(lat=12.0)))
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CLEARED
    assert status(south, theirs.notice_id) is NoticeStatus.CLEARED


@pytest.mark.parametrize("ending", ["cancel", "release"])
def test_an_ended_notice_conflicts_with_nothing(ending: str) -> None:
    north, south = two_desks()
    ours, theirs = notice(), notice()
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    body: Body = (
        AreaCancel(notice_id=ours.notice_id, version=2, reason=ReasonCode.COMPLETED)
        if ending == "cancel"
        else Release(notice_id=ours.notice_id, version=2)
    )
    north.say(body)
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.ENDED
    assert status(south, theirs.notice_id) is NoticeStatus.CLEARED


def test_early_release_of_one_volume_frees_that_part_only() -> None:
    north, south = two_desks()
    ours = notice(volume(), volume(lat=12.0))
    here, there = notice(volume()), notice(volume(lat=12.0))
    north.say(ours)
    south.say(here)
    south.say(there)
    settle(north, south)
    north.say(Release(notice_id=ours.notice_id, version=2, volumes=(0,)))
    settle(north, south)
    assert status(south, here.notice_id) is NoticeStatus.CLEARED
    assert status(south, there.notice_id) is NoticeStatus.CONFLICT


def test_notices_of_one_owner_are_not_compared() -> None:
    """ADR 0004."""
    north, south = two_desks()
    north.say(notice())
    north.say(notice())
    settle(north, south)
    assert not north.line.findings
    assert not south.line.findings


def test_a_brief_finding_is_kept_told_and_blocks_nothing() -> None:
    """R16, ADR 0005: closer than the rule, but for at most three minutes."""
    north, south = two_desks(load_rules("threes"))
    ours, theirs = notice(volume(end_s=3_600)), notice(volume(start_s=3_500, end_s=7_200))
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    finding = north.line.findings[only_finding(north)]
    assert finding.severity is Severity.BRIEF
    assert finding.reports["south"].closer_ms == 100_000
    assert status(north, ours.notice_id) is NoticeStatus.CLEARED


def test_altitudes_that_cannot_be_compared_conflict() -> None:
    """R13."""
    north, south = two_desks()
    ours, theirs = notice(volume()), notice(volume(lower="200 m AGL", upper="300 m AGL"))
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT


def test_read_back_is_judged_by_both_sides_and_noted_needs_a_right_one() -> None:
    """R4, R5: a wrong field is named on both sides; delivered is not read back, read back is not noted."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    seen = record(south, "north", body.notice_id)
    right = seen.fields[1]
    south.say(
        ReadBack(
            owner="north", notice_id=body.notice_id, version=1, fields=msgspec.structs.replace(right, lower="900 m W84")
        )
    )
    settle(north, south)
    for desk in (north, south):
        fact = record(desk, "north", body.notice_id).read_backs["south"]
        assert fact.wrong_field == "lower"
    noted = Noted(owner="north", notice_id=body.notice_id, version=1)
    with pytest.raises(Refusal) as refused:
        south.line.examine("south", noted)
    assert refused.value.code is RefusalCode.STATE_FORBIDS
    south.say(ReadBack(owner="north", notice_id=body.notice_id, version=1, fields=right))
    south.say(noted)
    settle(north, south)
    at_owner = record(north, "north", body.notice_id)
    assert at_owner.read_backs["south"].wrong_field is None
    assert at_owner.noted["south"].version == 1


def test_a_read_back_that_crosses_an_amendment_is_judged_against_its_own_version() -> None:
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    fields = record(south, "north", body.notice_id).fields[1]
    south.say(ReadBack(owner="north", notice_id=body.notice_id, version=1, fields=fields))
    north.say(amended(body, volume(lat=12.0)))
    settle(north, south)
    fact = record(north, "north", body.notice_id).read_backs["south"]
    assert (fact.version, fact.wrong_field) == (1, None)


BAD_BODIES = [
    ("NOTICE_EXISTS", lambda body: body),
    ("NOTICE_UNKNOWN", lambda _: Activate(notice_id=fresh_id(), version=2)),
    ("VERSION_NOT_NEXT", lambda body: Activate(notice_id=body.notice_id, version=3)),
    ("VERSION_NOT_NEXT", lambda body: amended(body, volume(lat=12.0), version=1)),
    ("VERSION_NOT_NEXT", lambda body: Release(notice_id=body.notice_id, version=3, volumes=(0,))),
    ("OUT_OF_RANGE", lambda body: Release(notice_id=body.notice_id, version=2, volumes=(1,))),
    ("OUT_OF_RANGE", lambda body: Release(notice_id=body.notice_id, version=2, volumes=())),
    ("NOT_OWNER", lambda body: Noted(owner="north", notice_id=body.notice_id, version=1)),
]


@pytest.mark.parametrize(("code", "make"), BAD_BODIES)
def test_what_an_owner_may_not_say_is_rejected_in_the_receipt_and_changes_nothing(code: str, make: object) -> None:
    """R6: the record holds the bad message, the receipt says why it was not taken, the picture stays."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    before = record(south, "north", body.notice_id).notice
    assert callable(make)
    north.say(make(body))
    hand_over(north, south)
    (receipt,) = [said.body for said in south.duties() if isinstance(said.body, Receipt)]
    assert receipt.items[0].rejected is not None
    assert receipt.items[0].rejected.code == code
    assert record(south, "north", body.notice_id).notice == before
    assert south.line.rejections == {"north": 1}


def test_a_rejected_notice_is_never_cleared() -> None:
    """A party that could not take it does not have it in its picture: the owner sees REJECTED, not CLEARED."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    hand_over(north, south)
    (debt,) = south.line.owed.values()
    rejected = Refusal(RefusalCode.OVER_LIMIT, field="volumes").report()
    south.say(
        Receipt(
            items=(
                ReceiptItem(
                    party="north",
                    sequence=1,
                    digest=debt.digest,
                    log_index=debt.place.log_index,
                    received_at_ms=debt.place.at_ms,
                    rejected=rejected,
                ),
            ),
            tree=south.state.tree_head(),
        )
    )
    hand_over(south, north)
    assert status(north, body.notice_id) is NoticeStatus.REJECTED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"digest": "0" * 64}, "RECEIPT_FALSE"),
        ({"sequence": 9}, "RECEIPT_FALSE"),
        ({"party": "south"}, "PARTY_UNKNOWN"),
        ({"party": "west"}, "PARTY_UNKNOWN"),
    ],
)
def test_a_false_receipt_clears_nothing(change: dict[str, object], code: str) -> None:
    """A peer that lies: a receipt for what was never said, or with another hash, is refused as a whole."""
    north, south = two_desks()
    body = notice()
    said = north.say(body)
    item = ReceiptItem(party="north", sequence=1, digest=said.digest, log_index=0, received_at_ms=1)
    lie = Receipt(items=(msgspec.structs.replace(item, **change),), tree=TreeHead(size=1, root="0" * 64))
    south.say(lie)
    hand_over(south, north)
    assert status(north, body.notice_id) is NoticeStatus.UNCONFIRMED
    (rejected,) = north.state.rejections.values()
    assert rejected.code == code


def test_a_finding_of_the_other_side_alone_blocks_too() -> None:
    """Design.md §3: what either side finds stands for both; arithmetic may differ at the border."""
    north, south = two_desks()
    ours, theirs = notice(), notice(volume(lat=12.0))
    north.say(ours)
    south.say(theirs)
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CLEARED
    key = FindingKey(
        owner_a="north",
        notice_a=ours.notice_id,
        volumes_version_a=1,
        owner_b="south",
        notice_b=theirs.notice_id,
        volumes_version_b=1,
    )
    report = FindingReport(
        key=key, rule_id="intersect", rule_version=1, severity=Severity.CONFLICT, from_ms=1, until_ms=2, closer_ms=1
    )
    south.say(ConflictTold(findings=(report,)))
    settle(north, south)
    assert status(north, ours.notice_id) is NoticeStatus.CONFLICT
    assert status(south, theirs.notice_id) is NoticeStatus.CONFLICT


def test_findings_about_others_or_about_nothing_are_rejected() -> None:
    agreed = agreement("north", "south", "west")
    north, south, west = Desk("north", agreed), Desk("south", agreed), Desk("west", agreed)
    ours = notice()
    north.say(ours)
    settle(north, south, west)
    key = FindingKey(
        owner_a="north",
        notice_a=ours.notice_id,
        volumes_version_a=1,
        owner_b="south",
        notice_b=fresh_id(),
        volumes_version_b=1,
    )
    with pytest.raises(Refusal, match="NOT_OWNER"):
        north.line.examine("west", split(key, "north"))
    future = msgspec.structs.replace(key, volumes_version_a=2)
    with pytest.raises(Refusal, match="FINDING_UNKNOWN"):
        north.line.examine("south", split(future, "north"))


def test_a_message_id_is_used_once() -> None:
    north, south = two_desks()
    repeated = fresh_id()
    north.say(notice(), msg_id=repeated)
    north.say(notice(), msg_id=repeated)
    settle(north, south)
    (rejected,) = south.state.rejections.values()
    assert rejected.code is RefusalCode.MESSAGE_ID_REUSED


def test_more_findings_than_a_receipt_holds_are_told_before_it() -> None:
    """The receipt never arrives ahead of a finding, however many there are."""
    north, south = two_desks()
    for _ in range(300):
        south.say(notice())
    north.say(notice())
    hand_over(north, south)
    said = south.duties()
    kinds = [type(message.body).__name__ for message in said]
    assert kinds == ["ConflictTold", "Receipt"]
    told = said[0].body
    assert isinstance(told, ConflictTold)
    receipt = said[1].body
    assert isinstance(receipt, Receipt)
    assert len(told.findings) + sum(len(item.findings) for item in receipt.items) == 300


def test_replay_and_snapshot_give_the_same_state() -> None:
    """A restart, an audit and a simulation are the same replay (design.md §1)."""
    north, south = two_desks()
    ours = notice()
    north.say(ours)
    south.say(notice())
    settle(north, south)
    north.say(split(only_finding(north), "north"))
    north.say(amended(ours, volume(radius_m=900.0)))
    settle(north, south)
    for desk in (north, south):
        replayed = NodeState(desk.party)
        for entry in desk.entries:
            replayed.replay(entry)
        assert digest_of(replayed) == digest_of(desk.state)
        for size in (0, 3, len(desk.entries) // 2, len(desk.entries)):
            begun = NodeState(desk.party)
            for entry in desk.entries[:size]:
                begun.replay(entry)
            continued = restore(snapshot_bytes(begun), own=desk.party)
            for entry in desk.entries[size:]:
                continued.replay(entry)
            assert digest_of(continued) == digest_of(desk.state)


def test_a_changed_log_does_not_replay() -> None:
    north, south = two_desks()
    north.say(notice())
    north.say(notice())
    settle(north, south)
    replayed = NodeState("north")
    replayed.replay(north.entries[0])
    with pytest.raises(Refusal, match="STORE_DAMAGED"):
        replayed.replay(msgspec.structs.replace(north.entries[2], index=1))


def test_a_snapshot_of_another_party_or_of_rubbish_is_refused() -> None:
    north, _ = two_desks()
    for source, own in ((snapshot_bytes(north.state), "south"), (b"\x81rubbish", "north"), (b"", "north")):
        with pytest.raises(Refusal, match="STORE_DAMAGED"):
            restore(source, own=own)


def test_amending_by_a_version_that_was_skipped_is_taken_because_it_is_whole() -> None:
    """A receiver that rejected version 2 still understands version 3: amendments carry everything."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    later = amended(body, volume(lat=12.0), version=3)
    assert isinstance(later, AreaAmend)
    assert south.line.examine("north", later) is not None
