"""The way to peers: what is an answer, what is a refusal, and what is nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import msgspec
import pytest

from clearline.ledger.keys import Ed25519Signer, Ed25519Verifier
from clearline.model import limits
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member, agreement_digest
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport
from clearline.node.exchange import AnswerHead, Exchange, ExchangeAnswer, ExchangeHead, open_exchange, seal_answer
from clearline.node.http_peers import EXCHANGE_CONTENT_TYPE, HttpPeers, PeerRoute
from clearline.node.ports import PeerUnreachable
from clearline.sky import load_rules

NORTH, SOUTH = Ed25519Signer.from_seed(b"n" * 32), Ed25519Signer.from_seed(b"s" * 32)
AGREEMENT = LineAgreement(
    schema=AGREEMENT_SCHEMA,
    line_id="demo",
    members=tuple(
        Member(party_id=name, public_key=signer.public_key.hex())
        for name, signer in (("north", NORTH), ("south", SOUTH))
    ),
    rules=load_rules("threes"),
)
NOW_MS = 1_800_000_000_000
FIRST, SECOND = "http://first.example", "https://second.example/line"
Handler = Callable[[httpx2.Request], httpx2.Response]


def response(status: int, content: bytes = b"", **headers: str) -> httpx2.Response:
    """Return a response whose body comes as a stream, as from a socket."""

    async def parts() -> AsyncIterator[bytes]:
        yield content

    return httpx2.Response(status, content=parts(), headers=headers)


def request(exchange_id: str = "00000000-0000-4000-8000-000000000001") -> Exchange:
    head = ExchangeHead(
        line_id="demo",
        from_party="north",
        to_party="south",
        exchange_id=exchange_id,
        agreement=agreement_digest(AGREEMENT),
        sent_at_ms=NOW_MS,
        have={"north": 0, "south": 0},
    )
    return Exchange(head=head, envelopes=())


def answer(asked: httpx2.Request, *, signer: Ed25519Signer = SOUTH, **changed: object) -> httpx2.Response:
    """Answer as south would, changed as told."""
    opened = open_exchange(asked.content, own="south", agreement=AGREEMENT, verifier=Ed25519Verifier(), now_ms=NOW_MS)
    head = AnswerHead(
        exchange_id=opened.head.exchange_id, from_party="south", answered_at_ms=NOW_MS, have={"south": 7}, refused=None
    )
    content = seal_answer(ExchangeAnswer(head=msgspec.structs.replace(head, **changed), envelopes=()), signer)
    return response(200, content)


def exchanged(handler: Handler, *addresses: str) -> ExchangeAnswer:
    """Make one exchange with a peer that answers as `handler` says."""

    async def story() -> ExchangeAnswer:
        peers = transport(handler, *addresses)
        try:
            return await peers.exchange("south", request())
        finally:
            await peers.close()

    return asyncio.run(story())


def transport(handler: Handler, *addresses: str) -> HttpPeers:
    return HttpPeers(
        [PeerRoute(agreement=AGREEMENT, addresses={"south": addresses or (FIRST,)})],
        signer=NORTH,
        verifier=Ed25519Verifier(),
        transport=httpx2.MockTransport(handler),
    )


def test_an_answer_of_the_peer_is_taken() -> None:
    def handler(asked: httpx2.Request) -> httpx2.Response:
        assert str(asked.url) == f"{FIRST}/v1/lines/demo/exchange"
        assert asked.headers["content-type"] == EXCHANGE_CONTENT_TYPE
        return answer(asked)

    assert exchanged(handler).head.have == {"south": 7}


def reporting(code: RefusalCode, status: int = 409) -> Handler:
    return lambda _: response(status, msgspec.json.encode(RefusalReport(code=code, field="agreement")))


def test_a_stated_refusal_is_handed_on() -> None:
    with pytest.raises(Refusal) as caught:
        exchanged(reporting(RefusalCode.AGREEMENT_DIFFERS))
    assert (caught.value.code, caught.value.field) == (RefusalCode.AGREEMENT_DIFFERS, "agreement")


def failing(error: type[Exception]) -> Handler:
    def handler(_: httpx2.Request) -> httpx2.Response:
        raise error("broken")

    return handler


NOTHING: list[tuple[str, Handler]] = [
    ("no connection", failing(httpx2.ConnectError)),
    ("a timeout", failing(httpx2.ReadTimeout)),
    ("an end in the middle", failing(httpx2.RemoteProtocolError)),
    ("a page", lambda _: response(200, b"<html>")),
    ("nothing", lambda _: response(200)),
    ("an error page", lambda _: response(502, b"<html>Bad Gateway")),
    ("a redirect", lambda _: response(307, Location=SECOND)),
    ("another's signature", lambda asked: answer(asked, signer=NORTH)),
    ("an old answer", lambda asked: answer(asked, exchange_id="00000000-0000-4000-8000-000000000002")),
    ("another's answer", lambda asked: answer(asked, from_party="north")),
    ("a code that does not exist", lambda _: response(409, b'{"code":"NEW"}')),
    ("starting", reporting(RefusalCode.KERNEL_NOT_READY, 503)),
    ("stopping", reporting(RefusalCode.STOPPING, 503)),
    ("overloaded", reporting(RefusalCode.OVERLOADED, 429)),
]


@pytest.mark.parametrize(("name", "handler"), NOTHING)
def test_everything_else_is_no_answer(name: str, handler: Handler) -> None:
    """Nothing is known of what arrived: it is asked again."""
    with pytest.raises(PeerUnreachable):
        exchanged(handler)


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1_024

    monkeypatch.setattr(limits, "REQUEST_BYTES_MAX", 10_240)
    with pytest.raises(PeerUnreachable, match="10240"):
        exchanged(lambda _: httpx2.Response(200, content=endless()))
    assert sent <= 12


def test_an_answer_that_drips_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for the whole answer: bytes that come one by one do not prolong it."""

    async def dripping() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield b"x"

    monkeypatch.setattr(limits, "PEER_TIMEOUT_MS", 50)
    with pytest.raises(PeerUnreachable, match="TimeoutError"):
        exchanged(lambda _: httpx2.Response(200, content=dripping()))


def test_paths_are_tried_in_turn_and_the_good_one_is_kept() -> None:
    """R11: two independent paths; a dead one costs one try, not one in every exchange."""
    tried: list[str] = []

    def handler(asked: httpx2.Request) -> httpx2.Response:
        tried.append(asked.url.host)
        if asked.url.host == "first.example":
            raise httpx2.ConnectError("down")
        return answer(asked)

    async def story() -> None:
        peers = transport(handler, FIRST, SECOND)
        for _ in range(3):
            await peers.exchange("south", request())
        await peers.close()

    asyncio.run(story())
    assert tried == ["first.example", "second.example", "second.example", "second.example"]


def test_a_refusal_on_one_path_is_not_asked_on_the_next() -> None:
    tried: list[str] = []

    def handler(asked: httpx2.Request) -> httpx2.Response:
        tried.append(asked.url.host)
        return reporting(RefusalCode.AGREEMENT_DIFFERS)(asked)

    with pytest.raises(Refusal):
        exchanged(handler, FIRST, SECOND)
    assert tried == ["first.example"]


def test_all_paths_down_are_all_named() -> None:
    with pytest.raises(PeerUnreachable) as caught:
        exchanged(failing(httpx2.ConnectError), FIRST, SECOND)
    assert FIRST in str(caught.value)
    assert SECOND in str(caught.value)


def test_a_peer_without_address_has_to_call_us() -> None:
    async def story() -> Any:
        peers = HttpPeers([PeerRoute(agreement=AGREEMENT, addresses={})], signer=NORTH, verifier=Ed25519Verifier())
        try:
            await peers.exchange("south", request())
        finally:
            await peers.close()

    with pytest.raises(PeerUnreachable, match="no address"):
        asyncio.run(story())
