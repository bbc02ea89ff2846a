"""A peer that answers with lies, and copies of what a peer once asked: they keep a node neither busy nor silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import cycle

import msgspec
import pytest

from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.reading import read_message
from clearline.model import limits
from clearline.model.identity import Role
from clearline.node.exchange import Exchange, ExchangeAnswer, ExchangeHead
from clearline.node.ports import PeerUnreachable
from clearline.testing.virtual_loop import run_virtual
from tests.hostile.liars import LyingParty
from tests.line.desks import LINE, agreement, fresh_id, notice, volume
from tests.node.harness import Post, Wire, until

Lie = Callable[[ExchangeAnswer], ExchangeAnswer]


class OneWay(Wire):
    """Only north reaches south, whose answers are changed by `lie`; what south asked is kept, and never arrives."""

    def __init__(self, lie: Lie = lambda answer: answer) -> None:
        super().__init__()
        self.lie = lie
        self.asked: list[Exchange] = []

    async def exchange(self, peer: str, request: Exchange) -> ExchangeAnswer:
        if peer == "north":
            self.asked.append(request)
            raise PeerUnreachable("a wall")
        return self.lie(await super().exchange(peer, request))


def having(**lengths: int) -> Lie:
    """Return a lie about how far the answerer is."""
    return lambda answer: msgspec.structs.replace(
        answer, head=msgspec.structs.replace(answer.head, have={**answer.head.have, **lengths})
    )


def again_and_again() -> Lie:
    """Return a lie that hands over the same messages for ever, and says that there are more."""
    first: list[bytes] = []

    def lie(answer: ExchangeAnswer) -> ExchangeAnswer:
        first.extend(answer.envelopes[: 1 - len(first)])
        return msgspec.structs.replace(having(south=10**9)(answer), envelopes=tuple(first))

    return lie


def now_this_now_that() -> Lie:
    """Return a lie that has nothing of ours, then one message, then nothing."""
    turns = cycle([having(north=0), having(north=1)])

    def lie(answer: ExchangeAnswer) -> ExchangeAnswer:
        turn = next(turns)
        return turn(answer)

    return lie


@pytest.mark.parametrize(
    "lie", [having(north=0), now_this_now_that(), again_and_again()], ids=["nothing", "to-and-fro", "the-same"]
)
def test_a_peer_that_always_wants_more_is_not_served_without_a_pause(lie: Lie) -> None:
    async def scene() -> None:
        wire, agreed = OneWay(lie), agreement("north", "south")
        north, south = await Post("north", agreed, wire).start(), await Post("south", agreed, wire).start()
        await south.node.say(LINE, notice(), Role.WATCH)
        await north.node.say(LINE, notice(), Role.WATCH)
        before = wire.carried
        await asyncio.sleep(60.0)
        assert wire.carried - before < 80, "about three in each five seconds"

    run_virtual(scene())


def test_a_peer_that_claims_to_have_everything_is_seen_and_can_mend() -> None:
    """It is sent nothing more, its receipts stay missing, and its next true word brings everything."""

    async def scene() -> None:
        wire, agreed = OneWay(having(north=10**9)), agreement("north", "south")
        north, south = await Post("north", agreed, wire).start(), await Post("south", agreed, wire).start()
        await until(lambda: north.node.links[(LINE, "south")].known_length == 10**9)
        body = notice()
        await north.node.say(LINE, body, Role.WATCH)
        await asyncio.sleep(60.0)
        record = north.line.notices[("north", body.notice_id)]
        assert south.line.chains["north"].length == 0
        assert notice_status(north.line, record) is NoticeStatus.UNCONFIRMED
        wire.lie = lambda answer: answer
        await until(lambda: notice_status(north.line, record) is NoticeStatus.CLEARED, virtual_s=15.0)

    run_virtual(scene())


def test_copies_of_old_requests_show_no_link_and_hold_nothing_up() -> None:
    """Somebody between the two sends copies of what south once asked: south has not been heard, and is told all."""

    async def scene() -> None:
        wire, agreed = OneWay(), agreement("north", "south")
        north, south = await Post("north", agreed, wire).start(), await Post("south", agreed, wire).start()
        await until(lambda: len(wire.asked) > 0)
        copy, link = wire.asked[0], north.node.links[(LINE, "south")]
        await north.node.receive(copy)
        wire.cut = True
        await asyncio.sleep(1.0)
        heard_at_ms = link.heard_at_ms
        body = notice()
        await north.node.say(LINE, body, Role.WATCH)
        for _ in range(20):
            await asyncio.sleep(1.0)
            await north.node.receive(copy)
        assert link.heard_at_ms == heard_at_ms
        wire.cut = False
        for _ in range(40):
            await asyncio.sleep(1.0)
            await north.node.receive(copy)
        assert south.line.chains["north"].length >= 1
        assert notice_status(north.line, north.line.notices[("north", body.notice_id)]) is NoticeStatus.CLEARED

    run_virtual(scene())


def test_a_forked_chain_of_a_third_party_does_not_crowd_out_what_we_say() -> None:
    """Alpha tells north and south different stories. South, which only asks, still hears north."""

    async def scene() -> None:
        wire, agreed = Wire(), agreement("alpha", "north", "south")
        north, south = await Post("north", agreed, wire).start(), await Post("south", agreed, wire).start()
        wire.cut = True
        for post, lat in ((north, 10.0), (south, 50.0)):
            alpha = LyingParty("alpha", post.line.digest)
            count = 2 * limits.DELIVERY_ENVELOPES_MAX if post is north else 1
            said = [alpha.say_body(notice(volume(lat=lat)), msg_id=fresh_id()) for _ in range(count)]
            await post.node.writer.take(LINE, "alpha", said)
        body = notice()
        await north.node.say(LINE, body, Role.WATCH)
        head = ExchangeHead(
            line_id=LINE,
            from_party="south",
            to_party="north",
            exchange_id=fresh_id(),
            agreement=north.line.digest,
            sent_at_ms=north.node.clock.now_ms(),
            have={party: chain.length for party, chain in south.line.chains.items()},
        )
        answer = await north.node.receive(Exchange(head=head, envelopes=()))
        said_by = [read_message(encoded).header.from_party for encoded in answer.envelopes]
        assert said_by[0] == "north"
        assert len(said_by) == limits.DELIVERY_ENVELOPES_MAX

    run_virtual(scene())
