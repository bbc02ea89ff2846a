"""Hostile bytes at the doors of a served node: each a coded refusal, nothing taken, nothing broken."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from clearline.ledger.envelope import EnvelopeSignature, encode_envelope, message_digest, seal
from clearline.ledger.keys import Ed25519Signer
from clearline.line.reading import VerifiedMessage, read_message
from clearline.line.snapshot import digest_of
from clearline.model.message import ConflictTold, FindingKey, FindingReport, Severity
from clearline.node.loading import load_state
from tests.http.parties import WAIT_S, Desk, run
from tests.http.test_peer_door import Liar, handed, lied_to, notice

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
JSON_POST = "POST /v1/notices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"

RAW: dict[str, tuple[str, int]] = {
    "length no number": (
        f"{JSON_POST}Content-Length: \xb2\r\n\r\n{{}}",
        400,
    ),
    "length of 5,000 digits": (
        f"{JSON_POST}Content-Length: {'9' * 5_000}\r\n\r\n{{}}",
        400,
    ),
    "two lengths": (
        f"{JSON_POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}}}",
        400,
    ),
    "two hosts": ("GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", 400),
    "another host": ("GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", 404),
    "another address": ("GET http://evil.example/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    "tunnel": ("CONNECT evil.example:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    "up and out": ("GET /../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    "up and out, escaped": ("GET /console/..%2f..%2f..%2fetc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    "NUL in a name": ("GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n", 400),
    "5,000 headers": (
        "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(f"X{n}: y\r\n" for n in range(5_000)) + "\r\n",
        413,
    ),
    "token of bytes": ("GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\n\r\n", 401),
    "cookie of bytes": (
        "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: clearline-north=\xff; =; a\r\n\r\n",
        401,
    ),
    "TLS to a plain door": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 200, 400),
}


async def status_of(desk: Desk, source: str) -> int:
    """Send raw bytes; return the status of the first answer."""
    host, port = desk.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(source.encode("latin-1"))
        async with asyncio.timeout(WAIT_S):
            line = await reader.readline()
    finally:
        writer.close()
    return int(line.split()[1])


async def is_whole(desk: Desk) -> None:
    """Every view can be made, no worker broke, and the log gives the state again."""
    for path in ("/v1/picture", "/v1/notices", "/v1/findings", "/v1/log", "/v1/status"):
        await desk.get(path)
    node = desk.served.node
    assert (node.restarts, node.writer.halted) == (0, None)
    await node.save_snapshot()
    again = (await load_state(node._journal, own=desk.party)).state
    async with node.settled() as state:
        assert digest_of(again) == digest_of(state)


def test_raw_bytes_are_refused_with_a_reason(tmp_path: Path) -> None:
    async def story() -> None:
        async with lied_to(tmp_path) as (desk, _, __):
            found = {name: await status_of(desk, source) for name, (source, _) in RAW.items()}
            assert found == {name: status for name, (_, status) in RAW.items()}
            await is_whole(desk)

    run(story())


def altered(message: VerifiedMessage, change: Callable[[bytes], bytes]) -> VerifiedMessage:
    """Return the message with another signature."""
    envelope = read_message(message.encoded).envelope
    (signature,) = envelope.signatures
    changed = EnvelopeSignature(signature.key_id, change(signature.signature))
    return msgspec.structs.replace(
        message, encoded=encode_envelope(msgspec.structs.replace(envelope, signatures=(changed,)))
    )


def plus_group_order(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    return signature[:32] + s.to_bytes(32, "little")


def resealed(liar: Liar, message: VerifiedMessage, **header: object) -> VerifiedMessage:
    """Return the message with another header, signed by the same key."""
    payload = {**msgspec.json.decode(read_message(message.encoded).envelope.payload), **header}
    envelope = seal(msgspec.json.encode(payload), liar.signer)
    return msgspec.structs.replace(message, encoded=encode_envelope(envelope), digest=message_digest(envelope))


def test_messages_that_are_not_what_they_say_are_not_recorded(tmp_path: Path) -> None:
    """Signatures changed, on another line, for another party, of a journal, with a header that is none."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            good = liar.message(notice())
            stranger = Liar(agreement=liar.agreement, signer=Ed25519Signer.from_seed(b"s" * 32))
            table: list[tuple[VerifiedMessage, str]] = [
                (altered(good, plus_group_order), "SIGNATURE_INVALID"),
                (altered(good, lambda signature: signature[32:] + signature[:32]), "SIGNATURE_INVALID"),
                (altered(good, lambda _: bytes(64)), "SIGNATURE_INVALID"),
                (stranger.message(notice()), "KEY_UNKNOWN"),
                (resealed(liar, good, line_id="other"), "LINE_UNKNOWN"),
                (resealed(liar, good, line_id="journal"), "LINE_UNKNOWN"),
                (resealed(liar, good, from_party="north"), "KEY_UNKNOWN"),
                (resealed(liar, good, from_party="west"), "PARTY_UNKNOWN"),
                (resealed(liar, good, type="EVIDENCE"), "MALFORMED"),
                (resealed(liar, good, type="LINE_ADOPTED"), "MALFORMED"),
                (resealed(liar, good, sequence=2**53), "CHAIN_GAP"),
                (resealed(liar, good, sequence=2**53 + 1), "OUT_OF_RANGE"),
                (resealed(liar, good, sent_at_ms=10**30), "OUT_OF_RANGE"),
                (resealed(liar, good, previous="0" * 64), "AGREEMENT_DIFFERS"),
                (resealed(liar, good, body=msgspec.Raw(b"[" * 300 + b"]" * 300)), "OVER_LIMIT"),
                (resealed(liar, good, more=1), "UNKNOWN_FIELD"),
            ]
            for place, (message, code) in enumerate(table):
                have, refused = await handed(client, liar, message)
                assert (have["south"], refused) == (0, code), place
            assert (await handed(client, liar, good))[1] is None
            await is_whole(desk)

    run(story())


@pytest.mark.parametrize("known", [True, False], ids=["of one notice", "of many"])
def test_a_flood_of_invented_findings_is_taken_in_its_stride(tmp_path: Path, known: bool) -> None:
    """10,000 findings on one notice, on versions that never come: the work grows with them, not with their square."""

    async def story() -> None:
        async with lied_to(tmp_path) as (desk, liar, client):
            declared = await desk.declare()
            theirs = str(uuid.UUID(int=1))
            for batch in range(2):
                told = []
                for message in range(20):
                    first = (batch * 20 + message) * 256
                    keys = [
                        FindingKey(
                            owner_a="north",
                            notice_a=declared["notice_id"],
                            volumes_version_a=1,
                            owner_b="south",
                            notice_b=theirs if known else str(uuid.UUID(int=2 + place)),
                            volumes_version_b=1 + place if known else 1,
                        )
                        for place in range(first, first + 256)
                    ]
                    told.append(liar.say(ConflictTold(findings=tuple(report(key) for key in keys))))
                assert (await handed(client, liar, *told))[1] is None
            await is_whole(desk)

    run(story())


def report(key: FindingKey) -> FindingReport:
    return FindingReport(
        key=key, rule_id="threes", rule_version=1, severity=Severity.CONFLICT, from_ms=0, until_ms=1, closer_ms=1
    )
