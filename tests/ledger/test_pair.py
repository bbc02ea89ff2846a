"""Two bundles of one line: what one party told the other is what it shows now."""

from __future__ import annotations

import msgspec

from clearline.ledger.entry import Entry
from clearline.ledger.merkle import Tree
from clearline.ledger.pair import verify_pair
from clearline.ledger.report import PairReport
from clearline.ledger.report import ProblemCode as Code
from clearline.model.message import AreaNotice
from tests.ledger.two_parties import LINE, Clock, Desk, agreement_of, conversation, notice, two_desks
from tests.ledger.verdict import REMEMBERING, places


def pair(a: list[bytes], b: list[bytes], keys: dict[str, bytes] | None = None) -> PairReport:
    return verify_pair(a, b, keys=keys, verifier=REMEMBERING)


def test_two_honest_bundles_bear_each_other_out() -> None:
    north, south = conversation(rounds=2)
    keys = {desk.party: desk.signer.public_key for desk in (north, south)}
    report = pair(north.bundle(), south.bundle(), keys)
    assert report.ok, report.problems
    assert report.lines == (LINE,)
    assert report.messages_common == len(north.log) - 1
    assert (report.heads_confirmed, report.heads_beyond) == (9, 0)


def test_an_older_export_is_the_beginning_of_a_newer_one() -> None:
    north, south = conversation()
    early = north.bundle()
    south.hear(north.say(LINE, notice(50)))
    north.hear(south.receipt())
    south.hear(north.receipt()) if north.owed else None
    for a, b in ((early, south.bundle()), (early, north.bundle()), (early, early)):
        report = pair(a, b)
        assert report.ok, report.problems


def test_a_head_made_after_the_export_is_counted_and_not_judged() -> None:
    north, south = two_desks()
    early = south.bundle()
    south.hear(north.say(LINE, notice(1)))
    north.hear(south.receipt())
    report = pair(north.bundle(), early)
    assert report.ok, report.problems
    assert (report.heads_confirmed, report.heads_beyond) == (0, 1)


def rewritten(desk: Desk, index: int, body: AreaNotice) -> Desk:
    """The same party tells its own message at `index` otherwise, and signs everything of its own behind it again."""
    other = Desk(desk.party, Clock(desk.clock.now_ms))
    other.agreements = desk.agreements
    for entry in desk.log[:index]:
        other.log.append(entry)
        other.tree.append(desk.tree.leaf(entry.index))
    other.chains = {LINE: (0, desk.agreements[LINE])}
    other.say(LINE, body)
    return other


def test_a_party_that_shows_another_message_than_it_sent_is_named() -> None:
    north, south = two_desks()
    south.hear(north.say(LINE, notice(1)))
    other = rewritten(north, 1, notice(2))
    alone = other.bundle()
    report = pair(alone, south.bundle())
    assert report.a.ok
    assert report.b.ok
    assert places(report.problems) == [("a.entries[1]", Code.CHAIN_DIFFERS)]


def test_a_party_that_rewrites_what_it_once_receipted_under_is_named() -> None:
    """Its own log proves itself; the head it signed for the other does not fit it."""
    north, south = conversation()
    entry = south.log[1]
    south.log[1] = Entry(1, entry.received_at_ms - 1, entry.envelope)
    report = pair(north.bundle(), south.bundle())
    assert ("a.entries[2]", Code.TREE_HEAD) in places(report.problems)


def test_a_party_that_leaves_out_what_it_had_signed_is_named() -> None:
    north, south = conversation()
    kept = len(north.log) - 3
    report = pair(north.bundle(size=kept), south.bundle())
    assert report.a.ok
    assert [code for _, code in places(report.problems)] == [Code.CHAIN_WITHHELD]
    assert report.problems[0].place.startswith("b.entries[")
    assert "north" in report.problems[0].what


def test_two_agreements_for_one_line_are_named() -> None:
    north, _ = two_desks()
    agreement = agreement_of("north", "south")
    other = Desk("south", Clock())
    other.adopt(msgspec.structs.replace(agreement, rules=msgspec.structs.replace(agreement.rules, version=2)))
    report = pair(north.bundle(), other.bundle())
    assert places(report.problems) == [(LINE, Code.AGREEMENT_DIFFERS), ("file", Code.LINE_NOT_COMMON)]


def test_strangers_share_no_line() -> None:
    north, _ = two_desks()
    east = Desk("east", Clock())
    east.adopt(agreement_of("east", "west", line="hill"))
    assert places(pair(north.bundle(), east.bundle()).problems) == [("file", Code.LINE_NOT_COMMON)]


def test_two_logs_of_one_party_are_one() -> None:
    north, _ = conversation()
    again, _ = two_desks()
    again.say(LINE, notice(7))
    report = pair(north.bundle(), again.bundle())
    assert ("file", Code.ROOT_DIFFERS) in places(report.problems)
    assert Tree().root() != north.tree.root()


def test_a_file_that_is_no_bundle_is_told_as_such() -> None:
    north, _ = two_desks()
    report = pair([b"nothing\n", b"at all\n"], north.bundle())
    assert not report.ok
    assert [problem.place for problem in report.a.problems] == ["header"]
