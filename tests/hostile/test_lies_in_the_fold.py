"""A lying party's chain through honest parties' folds: nothing breaks, nothing clears that should not.

One party of three signs bodies of every type, drawn by a seed; the other two do what nodes do. After each run: each
state is what its own log gives again, every view can be made, and who is cleared is checked against every pair of
volumes held, compared anew.
"""

from __future__ import annotations

import random

import msgspec
import pytest

from clearline.line import line_state
from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.line_state import LineState
from clearline.line.node_state import NodeState
from clearline.line.reading import VerifiedMessage, from_own_log, read_message
from clearline.line.records import NoticeRecord, finding_key
from clearline.line.snapshot import digest_of, restore, snapshot_bytes
from clearline.line.speaking import already_said
from clearline.line.views import changed_findings, finding_view, line_view, notice_view
from clearline.model.message import MessageType
from clearline.model.refusal import Refusal
from clearline.sky import Meeting, describe
from tests.hostile.liars import JUNK, Drawn, LyingParty
from tests.line.desks import Desk, agreement, fresh_id, hand_over

STEPS = 120


class Story:
    """North and south are honest, oscar lies; what reaches whom, and when, is drawn as well."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        agreed = agreement("north", "oscar", "south")
        self.honest = [Desk("north", agreed), Desk("south", agreed)]
        self.liar = LyingParty("oscar", self.honest[0].line.digest)

    def run(self) -> None:
        acts = [self.lie, self.deliver_lies, self.speak, self.answer]
        for _ in range(STEPS):
            self.source.choices(acts, weights=[5, 4, 5, 4])[0]()
            for desk in self.honest:
                check_clearance(desk)
            check_honest_pair(*self.honest)

    def lie(self) -> None:
        seen = self.source.choice(self.honest).line
        ids = [one.header.msg_id for desk in self.honest for one in desk_said(desk)] + [fresh_id()] * 20
        msg_id = self.source.choice(ids)
        if self.source.random() < 0.1:
            self.liar.say(self.source.choice(list(MessageType)), self.source.choice(JUNK), msg_id=msg_id)
        else:
            self.liar.say_body(Drawn(self.source, seen).body(), msg_id=msg_id)

    def deliver_lies(self) -> None:
        desk = self.source.choice(self.honest)
        held = desk.line.chains["oscar"].length
        for message in self.liar.said[held : held + self.source.randint(1, 8)]:
            desk.take(message)

    def speak(self) -> None:
        desk = self.source.choice(self.honest)
        drawn = Drawn(self.source, desk.line)
        body = drawn.owners(desk.party)
        mine = [key for key in desk.line.findings if desk.party in (key.owner_a, key.owner_b)]
        if mine and self.source.random() < 0.4:
            body = drawn.resolution(self.source.choice(mine))
        try:
            if already_said(desk.line, body):
                return
            desk.line.examine(desk.party, body)
        except Refusal:
            return
        desk.say(body)
        assert desk.state.rejections.get(desk.state.size - 1) is None, "what was examined is taken"

    def answer(self) -> None:
        source, other = self.source.sample(self.honest, 2)
        source.duties()
        hand_over(source, other)
        other.duties()


def desk_said(desk: Desk) -> list[VerifiedMessage]:
    """Return the last messages of a party's own chain: what somebody else could have seen of it."""
    chain = desk.line.chains[desk.party]
    places = range(max(1, chain.length - 2), chain.length + 1)
    return [from_own_log(read_message(desk.entries[chain.log_index(place)].envelope)) for place in places]


def check_clearance(desk: Desk) -> None:
    """A cleared notice meets nothing that this party holds, but under a resolution that both owners have signed."""
    line = desk.line
    for record in line.notices.values():
        if record.owner != line.own or notice_status(line, record) is not NoticeStatus.CLEARED:
            continue
        for other in line.notices.values():
            if other.owner == line.own or other.ended or describe_pair(line, record, other) is None:
                continue
            finding = line.findings[finding_key(record, other)]
            assert finding.resolved, f"{record.key} is cleared over {other.key}"


def check_honest_pair(north: Desk, south: Desk) -> None:
    """The safety property between the two who do not lie, whatever the third says (docs/safety.md)."""
    cleared = [
        [
            record
            for record in desk.line.notices.values()
            if record.owner == desk.party and notice_status(desk.line, record) is NoticeStatus.CLEARED
        ]
        for desk in (north, south)
    ]
    for one in cleared[0]:
        for other in cleared[1]:
            if describe_pair(north.line, one, other) is not None:
                key = finding_key(one, other)
                signed = [desk.line.findings[key].resolutions for desk in (north, south)]
                assert all("north" in each and "south" in each for each in signed), f"{one.key} and {other.key}"


def describe_pair(line: LineState, one: NoticeRecord, other: NoticeRecord) -> Meeting | None:
    return describe(one.prepared, other.prepared, line.agreement.rules)


def check_repeats(desk: Desk) -> None:
    """The log gives the same state again, and a snapshot of it as well; each view can be made and written."""
    again = NodeState(desk.party)
    for entry in desk.entries:
        again.replay(entry)
    digest = digest_of(desk.state)
    assert digest_of(again) == digest
    assert digest_of(restore(snapshot_bytes(desk.state), own=desk.party)) == digest
    line = desk.line
    views: list[object] = [line_view(line, {})]
    views += [notice_view(line, record) for record in line.notices.values()]
    views += [finding_view(line, finding) for finding in changed_findings(line, 0)]
    msgspec.json.encode(views)
    for record in line.notices.values():
        assert all(key in line.findings and not line.is_gone(key) for key in record.findings), record.key


@pytest.mark.parametrize("seed", range(80))
def test_lies_of_every_kind(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No exception but a refusal; the same state from the log; nothing cleared over what it meets."""
    monkeypatch.setattr(line_state, "GONE_FINDINGS_KEPT", 10)  # so that dropping old ones happens in every run
    story = Story(seed)
    story.run()
    for desk in story.honest:
        for message in story.liar.said[desk.line.chains["oscar"].length :]:
            desk.take(message)
        desk.duties()
        check_clearance(desk)
        check_repeats(desk)
