"""Views show facts of the current version, in the order of change, and nothing that is not in the state."""

from __future__ import annotations

from clearline.line.clearance import FindingState, HindranceCode, NoticeStatus
from clearline.line.read_back import read_back_fields
from clearline.line.views import (
    Heard,
    LinkState,
    ReadBackState,
    changed_findings,
    changed_notices,
    finding_name,
    finding_view,
    line_view,
    meeting_pair,
    notice_view,
    with_meeting,
)
from clearline.model.message import Activate, AreaCancel, Noted, ReadBack, ReasonCode, Resolution, ResolutionCode
from clearline.sky import describe
from tests.line.desks import Desk, amended, fresh_id, notice, settle, two_desks, volume


def met() -> tuple[Desk, Desk]:
    """Return two desks whose notices meet, with everything said that is owed."""
    north, south = two_desks()
    north.say(notice())
    south.say(notice(volume(10.001)))
    settle(north, south)
    return north, south


def test_an_own_notice_shows_who_must_still_answer() -> None:
    """R12: what is missing is named, party by party."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    record = north.line.notices["north", body.notice_id]
    view = notice_view(north.line, record)
    assert (view.status, view.own, view.reference) == (NoticeStatus.UNCONFIRMED, True, body.notice_id[:8].upper())
    assert [(one.code, one.party) for one in view.uncleared_because] == [(HindranceCode.RECEIPT_MISSING, "south")]
    (ack,) = view.acknowledgements
    assert (ack.party, ack.delivered_at_ms, ack.log_index, ack.read_back) == ("south", None, None, ReadBackState.NONE)
    settle(north, south)
    view = notice_view(north.line, record)
    (ack,) = view.acknowledgements
    assert (view.status, view.uncleared_because) == (NoticeStatus.CLEARED, ())
    assert ack.log_index == south.line.notices["north", body.notice_id].changed_index
    assert ack.delivered_at_ms is not None


def test_a_received_notice_shows_what_this_desk_has_said() -> None:
    """Only its owner knows whether it is cleared; this desk sees its own read-back."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    view = notice_view(south.line, south.line.notices["north", body.notice_id])
    assert (view.status, view.own, view.uncleared_because) == (NoticeStatus.RECEIVED, False, ())
    (ack,) = view.acknowledgements
    assert (ack.party, ack.delivered_at_ms, ack.log_index) == ("south", view.changed_at_ms, None)
    assert view.read_back_fields == read_back_fields(body.volumes)


def test_what_was_said_of_an_older_version_does_not_count() -> None:
    """R5: read back and noted are about one version; a new one begins anew, also where its volumes are the same."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    right = read_back_fields(body.volumes)
    south.say(ReadBack(owner="north", notice_id=body.notice_id, version=1, fields=right))
    south.say(Noted(owner="north", notice_id=body.notice_id, version=1))
    settle(north, south)
    record = north.line.notices["north", body.notice_id]
    (ack,) = notice_view(north.line, record).acknowledgements
    assert (ack.read_back, ack.wrong_field) == (ReadBackState.OK, None)
    assert ack.noted_at_ms is not None
    north.say(Activate(notice_id=body.notice_id, version=2))
    view = notice_view(north.line, record)
    (ack,) = view.acknowledgements
    assert (ack.delivered_at_ms, ack.read_back, ack.read_back_at_ms, ack.noted_at_ms) == (
        None,
        ReadBackState.NONE,
        None,
        None,
    )
    assert view.read_back_fields == right


def test_a_wrong_read_back_names_the_field() -> None:
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    fields = read_back_fields((volume(lower="400 m W84"),))
    south.say(ReadBack(owner="north", notice_id=body.notice_id, version=1, fields=fields))
    settle(north, south)
    (ack,) = notice_view(north.line, north.line.notices["north", body.notice_id]).acknowledgements
    assert (ack.read_back, ack.wrong_field) == (ReadBackState.WRONG, "lower")
    assert ack.read_back_at_ms is not None


def test_an_ended_notice_has_nothing_to_repeat() -> None:
    north, south = two_desks()
    body = notice()
    north.say(body)
    north.say(AreaCancel(notice_id=body.notice_id, version=2, reason=ReasonCode.WEATHER))
    settle(north, south)
    for desk in (north, south):
        view = notice_view(desk.line, desk.line.notices["north", body.notice_id])
        assert (view.status, view.volumes, view.read_back_fields) == (NoticeStatus.ENDED, (), None)
        assert view.uncleared_because == ()


def test_a_finding_is_shown_alike_at_both_desks() -> None:
    north, south = met()
    views = []
    for desk in (north, south):
        (finding,) = changed_findings(desk.line, 0)
        view = finding_view(desk.line, finding)
        pair = meeting_pair(desk.line, finding.key)
        assert pair is not None
        meeting = describe(pair.a, pair.b, desk.line.agreement.rules, pair.classes)
        assert meeting is not None
        views.append(with_meeting(view, meeting))
    mine, theirs = views
    assert (mine.state, mine.found_by, mine.finding_id) == (FindingState.OPEN, ("north", "south"), theirs.finding_id)
    assert (mine.key, mine.from_ms, mine.until_ms, mine.closer_ms) == (
        theirs.key,
        theirs.from_ms,
        theirs.until_ms,
        theirs.closer_ms,
    )
    assert mine.reference_a == mine.key.notice_a[:8].upper()
    assert (mine.lateral_m_min, mine.band_lower_w84_m, mine.band_upper_w84_m) == (0.0, 500.0, 800.0)
    assert (mine.band_text, mine.certain) == (theirs.band_text, True)
    own = north.line.notices["north", mine.key.notice_a]
    assert [one.finding_id for one in notice_view(north.line, own).uncleared_because] == [mine.finding_id]


def test_a_superseded_finding_has_no_meeting_to_show() -> None:
    north, south = two_desks()
    body = notice()
    north.say(body)
    south.say(notice())
    settle(north, south)
    (finding,) = changed_findings(north.line, 0)
    assert meeting_pair(north.line, finding.key) is not None
    north.say(amended(body, volume(50.0)))
    assert meeting_pair(north.line, finding.key) is None
    view = finding_view(north.line, finding)
    assert (view.state, view.area, view.certain, view.lateral_m_min) == (FindingState.GONE, (), None, None)


def test_signatures_under_a_finding_are_listed() -> None:
    north, south = met()
    (finding,) = changed_findings(north.line, 0)
    north.say(Resolution(finding=finding.key, code=ResolutionCode.TIME_SEQUENCE, first_party="south"))
    settle(north, south)
    (signed,) = finding_view(south.line, next(changed_findings(south.line, 0))).resolutions
    assert (signed.party, signed.code, signed.first_party, signed.level) == (
        "north",
        ResolutionCode.TIME_SEQUENCE,
        "south",
        None,
    )


def test_a_finding_that_nobody_made_is_not_shown() -> None:
    """A signature can come before the finding that it is about."""
    north, south = two_desks()
    body = notice()
    north.say(body)
    settle(north, south)
    key = next(iter(met()[0].line.findings))
    invented = type(key)(
        owner_a="north", notice_a=body.notice_id, volumes_version_a=1, owner_b="south", notice_b=fresh_id(),
        volumes_version_b=1,
    )  # fmt: skip
    south.say(Resolution(finding=invented, code=ResolutionCode.LATERAL_SPLIT))
    settle(north, south)
    assert invented in north.line.findings
    assert list(changed_findings(north.line, 0)) == []


def test_changes_come_last_first_and_no_older_than_asked() -> None:
    north, south = two_desks()
    bodies = [notice(volume(lat)) for lat in (0.0, 10.0, 20.0)]
    for body in bodies:
        north.say(body)
    settle(north, south)
    before = north.state.size
    assert list(changed_notices(north.line, before)) == []
    north.say(amended(bodies[0], volume(30.0)))
    assert [one.notice.notice_id for one in changed_notices(north.line, before)] == [bodies[0].notice_id]
    ordered = [one.changed_index for one in changed_notices(north.line, 0)]
    assert ordered == sorted(ordered, reverse=True)
    assert len(ordered) == 3


def test_a_line_shows_its_parties_as_they_were_heard() -> None:
    """R10: observed, with what each still lacks; a party that contradicted itself is shown with the place."""
    north, south = two_desks()
    north.say(notice())
    north.line.forks["south"] = 4
    heard = {"south": Heard(link=LinkState.DEGRADED, heard_at_ms=5, clock_ahead_ms=-7)}
    view = line_view(north.line, heard)
    own, other = view.parties
    assert (own.party_id, own.own, own.link, own.undelivered) == ("north", True, LinkState.OPEN, 0)
    assert (other.link, other.heard_at_ms, other.clock_ahead_ms) == (LinkState.DEGRADED, 5, -7)
    assert (other.undelivered, other.forked, other.rejected) == (1, 4, 0)
    settle(north, south)
    assert line_view(north.line, {}).parties[1].undelivered == 0
    assert line_view(north.line, {}).parties[1].link is LinkState.UNKNOWN


def test_undelivered_is_counted_for_each_of_several() -> None:
    from tests.line.desks import agreement, hand_over

    agreed = agreement("east", "north", "south")
    east, north, south = (Desk(name, agreed) for name in ("east", "north", "south"))
    north.say(notice())
    settle(north, east)
    view = line_view(north.line, {})
    assert {one.party_id: one.undelivered for one in view.parties} == {"east": 0, "north": 0, "south": 1}
    hand_over(north, south)
    settle(north, east, south)
    assert {one.undelivered for one in line_view(north.line, {}).parties} == {0}


def test_a_findings_name_is_the_same_everywhere() -> None:
    north, south = met()
    (key,), (other,) = north.line.findings, south.line.findings
    assert finding_name("test-line", key) == finding_name("test-line", other)
    assert finding_name("test-line", key) != finding_name("other-line", key)
    assert len(finding_name("test-line", key)) == 16
