"""The peer door against a peer that lies. One party is real; the other is a key that says whatever a test wants."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from clearline.doors.http.reading import read_body
from clearline.ledger.keys import Ed25519Signer, Ed25519Verifier
from clearline.line.chain import Chain
from clearline.line.drafting import Speaker, draft
from clearline.line.reading import VerifiedMessage
from clearline.model import limits
from clearline.model.agreement import LineAgreement, agreement_digest
from clearline.model.identity import AircraftClass, Role
from clearline.model.message import AreaNotice, Body, Receipt, ReceiptItem, TreeHead
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Volume4D
from clearline.node.clock import SystemClock
from clearline.node.config import read_configuration
from clearline.node.exchange import Exchange, ExchangeHead, open_answer, seal_exchange
from clearline.node.http_peers import EXCHANGE_CONTENT_TYPE
from tests.http.parties import LINE, Desk, alone, run, volume

HEADERS = {"Content-Type": EXCHANGE_CONTENT_TYPE}
PATH = f"/v1/lines/{LINE}/exchange"


@dataclass
class Liar:
    """South's key, and a chain that it signs as it likes."""

    agreement: LineAgreement
    signer: Ed25519Signer
    said: list[VerifiedMessage] = field(default_factory=list)

    def message(self, body: Body, *, sequence: int | None = None, previous: str | None = None) -> VerifiedMessage:
        """Sign a message; next in the chain unless told otherwise."""
        chain = Chain(agreement_digest(self.agreement))
        wanted = (sequence or len(self.said) + 1) - 1
        for place in range(wanted):
            digest = self.said[place].digest if place < len(self.said) else hashlib.sha256(b"%d" % place).hexdigest()
            chain.add(digest, place)
        if previous is not None:
            chain = Chain(previous)
        speaker = Speaker(party="south", role=Role.WATCH, signer=self.signer)
        return draft(
            body=body,
            line_id=LINE,
            chain=chain,
            speaker=speaker,
            msg_id=str(uuid.uuid4()),
            sent_at_ms=SystemClock().now_ms(),
        )

    def say(self, body: Body) -> VerifiedMessage:
        """Sign the next message and remember it."""
        message = self.message(body)
        self.said.append(message)
        return message

    def head(self, **changed: object) -> ExchangeHead:
        """Return a good head, changed as told."""
        head = ExchangeHead(
            line_id=LINE,
            from_party="south",
            to_party="north",
            exchange_id=str(uuid.uuid4()),
            agreement=agreement_digest(self.agreement),
            sent_at_ms=SystemClock().now_ms(),
            have={},
        )
        return msgspec.structs.replace(head, **changed)

    def exchange(self, *messages: VerifiedMessage, head: ExchangeHead | None = None) -> bytes:
        """Return the bytes of an exchange with these messages."""
        return seal_exchange(
            Exchange(head=head or self.head(), envelopes=tuple(message.encoded for message in messages)), self.signer
        )


def notice(notice_id: str | None = None, lat: float = 46.5) -> AreaNotice:
    return AreaNotice(
        notice_id=notice_id or str(uuid.uuid4()),
        aircraft_class=AircraftClass.MANNED,
        priority=0,
        volumes=(msgspec.convert(volume(lat), Volume4D),),
    )


@asynccontextmanager
async def lied_to(root: Path) -> AsyncIterator[tuple[Desk, Liar, httpx2.AsyncClient]]:
    async with alone(root) as desk, desk.client(None) as client:
        signer = Ed25519Signer.from_pem((root / "south" / "node.key").read_bytes())
        (line,) = read_configuration(desk.directory).lines
        yield desk, Liar(agreement=line.agreement, signer=signer), client


async def handed(
    client: httpx2.AsyncClient, liar: Liar, *messages: VerifiedMessage
) -> tuple[dict[str, int], str | None]:
    """Hand over messages in a good exchange; return how long the chains are then, and the code of a refusal."""
    head = liar.head()
    answer = await client.post(PATH, content=liar.exchange(*messages, head=head), headers=HEADERS)
    assert answer.status_code == 200, answer.text
    opened = open_answer(answer.content, head, agreement=liar.agreement, verifier=Ed25519Verifier())
    refused = opened.head.refused
    return opened.head.have, None if refused is None else refused.code


async def answered(client: httpx2.AsyncClient, content: bytes) -> tuple[int, str, str]:
    """Post bytes; return status, code and field of the refusal."""
    answer = await client.post(PATH, content=content, headers=HEADERS)
    report = answer.json()
    return answer.status_code, report["code"], report["field"]


def test_what_is_handed_over_is_taken_once(tmp_path: Path) -> None:
    """A replayed exchange is harmless: duplicates collapse, and the answer says what is there."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            body = liar.exchange(liar.say(notice()), liar.say(notice()))
            for _ in range(3):
                assert (await client.post(PATH, content=body, headers=HEADERS)).status_code == 200
            have, refused = await handed(client, liar)
            assert (have["south"], refused) == (2, None)
            notices = [one for one in (await desk.get("/v1/log"))["entries"] if one["type"] == "AREA_NOTICE"]
            assert len(notices) == 2

    run(story())


def test_exchanges_that_are_not_what_they_say(tmp_path: Path) -> None:
    """Wrong key, party, line, addressee, agreement, time or content: refused whole, and nothing is recorded."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            size = (await desk.get("/v1/status"))["log_size"]
            stranger = Liar(agreement=liar.agreement, signer=Ed25519Signer.from_seed(b"s" * 32))
            late = SystemClock().now_ms() - limits.REQUEST_AGE_MS_MAX - 60_000
            good = liar.exchange(liar.message(notice()))
            first, _, rest = good.partition(b"\n")
            table: list[tuple[bytes, int, str]] = [
                (stranger.exchange(stranger.message(notice())), 403, "KEY_UNKNOWN"),
                (liar.exchange(head=liar.head(from_party="west")), 400, "PARTY_UNKNOWN"),
                (liar.exchange(head=liar.head(from_party="north", to_party="south")), 400, "PARTY_UNKNOWN"),
                (liar.exchange(head=liar.head(to_party="west")), 400, "PARTY_UNKNOWN"),
                (liar.exchange(head=liar.head(line_id="other")), 404, "LINE_UNKNOWN"),
                (liar.exchange(head=liar.head(agreement="0" * 64)), 409, "AGREEMENT_DIFFERS"),
                (liar.exchange(head=liar.head(sent_at_ms=late)), 403, "REQUEST_EXPIRED"),
                (first, 403, "SIGNATURE_INVALID"),
                (first + b"\n" + rest[:-1] + b" ", 403, "SIGNATURE_INVALID"),
                (good[:200], 400, "MALFORMED"),
                (b"", 400, "MALFORMED"),
                (b"\n" * 1_000, 413, "OVER_LIMIT"),
                (b"[" * 100_000, 413, "OVER_LIMIT"),
            ]
            for place, (content, status, code) in enumerate(table):
                answer = await client.post(PATH, content=content, headers=HEADERS)
                assert (answer.status_code, answer.json()["code"]) == (status, code), (place, answer.text)
            other = await client.post("/v1/lines/other/exchange", content=good, headers=HEADERS)
            assert (other.status_code, other.json()["code"]) == (404, "LINE_UNKNOWN")
            plain = await client.post(PATH, content=good)
            assert (plain.status_code, plain.json()["field"]) == (400, "Content-Type")
            assert (await desk.get("/v1/status"))["log_size"] == size

    run(story())


def test_every_flipped_bit_of_the_first_line_is_refused(tmp_path: Path) -> None:
    """No accidental 5xx, whatever stands there."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            good = liar.exchange(liar.message(notice()))
            end = good.index(b"\n")
            for place in range(0, end, 11):
                changed = bytearray(good)
                changed[place] ^= 1 << (place % 7)
                status, _, _ = await answered(client, bytes(changed))
                assert status in {400, 403, 404, 409, 413}, place
            assert (await desk.get("/v1/notices"))["notices"] == []

    run(story())


def test_a_forged_receipt_clears_nothing(tmp_path: Path) -> None:
    """A receipt for a message that was never said, or for other bytes, is recorded as rejected and counts nothing."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            declared = await desk.declare()
            own = next(one for one in (await desk.get("/v1/log"))["entries"] if one["type"] == "AREA_NOTICE")

            def receipt(**changed: object) -> Receipt:
                item = ReceiptItem(
                    party="north", sequence=1, digest=own["digest"], log_index=0, received_at_ms=own["received_at_ms"]
                )
                return Receipt(items=(msgspec.structs.replace(item, **changed),), tree=TreeHead(size=1, root="0" * 64))

            for forged in (receipt(digest="f" * 64), receipt(sequence=7)):
                assert (await handed(client, liar, liar.say(forged)))[1] is None
            view = await desk.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert view["status"] == "UNCONFIRMED"
            (line,) = (await desk.get("/v1/status"))["lines"]
            assert next(one["rejected"] for one in line["parties"] if one["party_id"] == "south") == 2
            assert (await handed(client, liar, liar.say(receipt())))[1] is None
            view = await desk.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert view["status"] == "CLEARED"

    run(story())


def test_two_messages_for_one_place_are_kept_as_evidence(tmp_path: Path) -> None:
    """Equal sequence with other bytes: CHAIN_FORK, the first one stays, and the line shows who did it."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            first = liar.say(notice())
            assert (await handed(client, liar, first))[1] is None
            other = liar.message(notice(lat=10.0), sequence=1)
            have, refused = await handed(client, liar, other)
            assert (have["south"], refused) == (1, "CHAIN_FORK")
            (line,) = (await desk.get("/v1/status"))["lines"]
            assert next(one["forked"] for one in line["parties"] if one["party_id"] == "south") == 1
            kinds = [one["type"] for one in (await desk.get("/v1/log"))["entries"]]
            assert kinds.count("EVIDENCE") == 1
            assert (await handed(client, liar, liar.message(notice(lat=20.0), sequence=1)))[1] == "CHAIN_FORK"
            assert (await handed(client, liar, liar.say(notice(lat=30.0))))[1] is None
            async with desk.client() as watch:
                metrics = (await watch.get("/metrics")).text
            assert 'clearline_refusals_total{code="CHAIN_FORK"} 2.0' in metrics

    run(story())


def test_what_comes_early_waits_for_what_is_missing(tmp_path: Path) -> None:
    """CHAIN_GAP names the place that is waited for; nothing is taken out of order."""

    async def story() -> None:
        async with lied_to(tmp_path) as (_, liar, client):
            first, second = liar.say(notice()), liar.say(notice(lat=10.0))
            assert await handed(client, liar, second) == ({"north": 0, "south": 0}, "CHAIN_GAP")
            have, refused = await handed(client, liar, first, second)
            assert (have["south"], refused) == (2, None)

    run(story())


def test_the_same_version_with_other_volumes_is_rejected_and_recorded(tmp_path: Path) -> None:
    """Equal id with other volumes: the place in the chain is taken, the picture stays, the receipt says why."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            body = notice()
            again = msgspec.structs.replace(body, volumes=notice(lat=10.0).volumes)
            await handed(client, liar, liar.say(body), liar.say(again))
            (view,) = (await desk.get("/v1/notices"))["notices"]
            assert view["volumes"][0]["volume"]["outline_circle"]["center"]["lat"] == 46.5
            entries = (await desk.get("/v1/log"))["entries"]
            assert [one["rejected"]["code"] for one in entries if one["rejected"]] == ["NOTICE_EXISTS"]

    run(story())


def test_being_shown_own_later_messages_halts_the_node(tmp_path: Path) -> None:
    """A log that was put back to an earlier copy: a peer shows what it has lost, and it writes no more (R6)."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            lost = draft(
                body=notice(),
                line_id=LINE,
                chain=Chain(agreement_digest(liar.agreement)),
                speaker=Speaker(party="north", role=Role.WATCH, signer=read_configuration(desk.directory).signer),
                msg_id=str(uuid.uuid4()),
                sent_at_ms=SystemClock().now_ms(),
            )
            await client.post(PATH, content=liar.exchange(lost), headers=HEADERS)
            status = await desk.get("/v1/status")
            assert status["halted"]["code"] == "STORE_ROLLED_BACK"
            async with desk.client() as watch:
                answer = await watch.post("/v1/notices", json={"aircraft_class": "MIXED", "priority": 0, "volumes": []})
                assert answer.status_code in {400, 503}

    run(story())


def test_a_peer_is_not_told_where_our_store_lies(tmp_path: Path) -> None:
    """The operator sees the path and the disk's words; a rival sees that this node cannot write."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            refusal = Refusal(RefusalCode.STORE_UNAVAILABLE, field=str(tmp_path), found="disk full")
            assert desk.served.node is not None
            desk.served.node.writer.halt(refusal)
            answer = await client.post(PATH, content=liar.exchange(liar.say(notice())), headers=HEADERS)
            assert answer.status_code == 503
            assert answer.json()["code"] == "STORE_UNAVAILABLE"
            assert str(tmp_path) not in answer.text
            assert "disk" not in answer.text

    run(story())


def test_a_strangers_long_request_is_refused_by_its_first_line(tmp_path: Path) -> None:
    """What is not signed by a peer is not gathered: memory is for those who are on the line."""

    async def parts(first: bytes, rest: bytes) -> AsyncIterator[bytes]:
        yield first
        for start in range(0, len(rest), 16_384):
            yield rest[start : start + 16_384]

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            stranger = Liar(agreement=liar.agreement, signer=Ed25519Signer.from_seed(b"s" * 32))
            junk = b"x" * 300_000
            wanted = [
                (stranger.exchange(), 403, "KEY_UNKNOWN"),
                (b"y" * 70_000, 413, "OVER_LIMIT"),
                (liar.exchange() + b"\n", 403, "SIGNATURE_INVALID"),
            ]
            for first, status, code in wanted:
                body = parts(first.replace(b"\n", b"") + (b"\n" if b"{" in first else b""), junk)
                answer = await client.post(PATH, content=body, headers=HEADERS)
                assert (answer.status_code, answer.json()["code"]) == (status, code)
            many = [liar.say(notice(lat=place / 2)) for place in range(100)]
            have, refused = await handed(client, liar, *many)
            assert (have["south"], refused) == (100, None)
            assert len((await desk.get("/v1/notices"))["notices"]) == 100

    run(story())


def test_a_long_body_is_looked_at_once_and_early() -> None:
    async def story() -> None:
        sent = iter(range(1_000))
        seen: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"x" * 8_192, "more_body": next(sent) < 99}

        def look(begun: bytes) -> None:
            seen.append(len(begun))
            raise Refusal(RefusalCode.KEY_UNKNOWN)

        with pytest.raises(Refusal) as caught:
            await read_body(receive, {}, bytes_max=1 << 20, look_early=look)
        assert caught.value.code is RefusalCode.KEY_UNKNOWN
        assert seen == [limits.BODY_EARLY_BYTES + 8_192]
        assert next(sent) == 9

    run(story())


@pytest.mark.parametrize("size", [limits.REQUEST_BYTES_MAX + 1])
def test_a_request_that_is_too_large_is_refused(tmp_path: Path, size: int) -> None:
    async def story() -> None:
        async with lied_to(tmp_path) as (_, __, client):
            assert await answered(client, b"x" * size) == (413, "OVER_LIMIT", "body")

    run(story())
