"""Every way to say no over HTTP: one table of statuses, one shape of answer, never a page, a trace or an accident."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clearline.doors.http.gate import SECURITY_HEADERS
from clearline.doors.http.statuses import RETRY_AFTER_S, STATUS_OF
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from tests.http.parties import LINE, WAIT_S, Desk, alone, declaration, run, volume

ID = "00000000-0000-4000-8000-000000000001"


def test_every_code_has_a_status() -> None:
    assert set(STATUS_OF) == set(RefusalCode)
    assert set(STATUS_OF.values()) == {400, 401, 403, 404, 405, 409, 413, 429, 503}
    assert all(STATUS_OF[code] in {429, 503} for code in RETRY_AFTER_S)


def with_volume(**changed: Any) -> bytes:
    return json.dumps(declaration({**volume(), **changed})).encode()


def outline(vertices: list[tuple[float, float]]) -> dict[str, Any]:
    shape = volume()["volume"]
    del shape["outline_circle"]
    return {**shape, "outline_polygon": {"vertices": [{"lat": lat, "lng": lng} for lat, lng in vertices]}}


GOOD = json.dumps(declaration()).encode()
BODIES: list[tuple[str, bytes, int, str, str]] = [
    ("empty", b"", 400, "MALFORMED", ""),
    ("no JSON", b"{", 400, "MALFORMED", ""),
    ("truncated", GOOD[:-20], 400, "MALFORMED", ""),
    ("not UTF-8", GOOD.replace(b"UNMANNED", b"\xff\xfe"), 400, "MALFORMED", ""),
    ("another type", b"[]", 400, "MALFORMED", ""),
    ("a field missing", b'{"priority": 1, "volumes": []}', 400, "MALFORMED", "aircraft_class"),
    ("a field unknown", GOOD[:-1] + b', "pilot": "x"}', 400, "UNKNOWN_FIELD", "pilot"),
    ("a field twice", GOOD[:-1] + b', "priority": 1}', 400, "DUPLICATE_FIELD", "priority"),
    ("NaN", GOOD.replace(b"46.5", b"NaN"), 400, "MALFORMED", ""),
    ("deeply nested", b"[" * 100_000, 413, "OVER_LIMIT", ""),
    ("a deep body", b'{"volumes":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 413, "OVER_LIMIT", ""),
    ("latitude 95", GOOD.replace(b"46.5", b"95"), 400, "OUT_OF_RANGE", "volumes[0].volume.outline_circle.center.lat"),
    ("no volumes", json.dumps({**declaration(), "volumes": []}).encode(), 400, "OUT_OF_RANGE", "volumes"),
    ("65 volumes", json.dumps(declaration(*[volume()] * 65)).encode(), 413, "OVER_LIMIT", "volumes"),
    (
        "an outline that crosses itself",
        with_volume(volume=outline([(46.0, 7.0), (46.1, 7.1), (46.1, 7.0), (46.0, 7.1)])),
        400,
        "RING_CROSSES",
        "volumes[0].volume.outline_polygon",
    ),
    (
        "the end before the start",
        with_volume(time_end={"value": "2030-01-01T09:00:00Z", "format": "RFC3339"}),
        400,
        "TIME_ORDER",
        "volumes[0].time_end",
    ),
    ("an unknown line", json.dumps(declaration(lines=["other"])).encode(), 404, "LINE_UNKNOWN", "line_id"),
    ("an id that is none", json.dumps(declaration(notice_id="x")).encode(), 400, "OUT_OF_RANGE", "notice_id"),
]


def refused(answer: httpx2.Response, *, status: int, code: str) -> dict[str, Any]:
    """Check the shape of a refusal and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    report: dict[str, Any] = answer.json()
    assert set(report) == {"code", "field", "found", "allowed"}
    assert report["code"] == code
    return report


def test_bodies_that_will_not_do(tmp_path: Path) -> None:
    """Each is refused with code and field, nothing enters the log, and the node goes on."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            size = (await desk.get("/v1/status"))["log_size"]
            for name, body, status, code, field in BODIES:
                answer = await client.post("/v1/notices", content=body, headers={"Content-Type": "application/json"})
                report = refused(answer, status=status, code=code)
                assert report["field"].startswith(field), (name, report)
            assert (await desk.get("/v1/status"))["log_size"] == size
            await desk.declare()

    run(story())


REQUESTS: list[tuple[str, str, int, str]] = [
    ("GET", "/nothing", 404, "NOT_FOUND"),
    ("GET", "/v1", 404, "NOT_FOUND"),
    ("GET", "/../../etc/passwd", 404, "NOT_FOUND"),
    ("GET", "/%2e%2e/%ff", 404, "NOT_FOUND"),
    ("PUT", "/v1/notices", 405, "METHOD_NOT_ALLOWED"),
    ("DELETE", f"/v1/notices/{LINE}/north/{ID}", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "/v1/picture?since=x", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/picture?since=-1", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/picture?since=1.0", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/picture?since=", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/picture?since=99999999999999999999", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/picture?since=1&since=2", 400, "DUPLICATE_FIELD"),
    ("GET", "/v1/picture?other=1", 400, "UNKNOWN_FIELD"),
    ("GET", "/v1/picture?since", 400, "MALFORMED"),
    ("GET", "/v1/notices?state=%ff", 400, "MALFORMED"),
    ("GET", "/v1/notices?state=accepted", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/notices?limit=0", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/notices?line=other", 404, "LINE_UNKNOWN"),
    ("GET", "/v1/picture?" + "x" * 3_000, 413, "OVER_LIMIT"),
    ("GET", f"/v1/notices/{LINE}/north/{ID}", 404, "NOTICE_UNKNOWN"),
    ("GET", f"/v1/notices/{LINE}/NORTH/{ID}", 400, "OUT_OF_RANGE"),
    ("GET", f"/v1/notices/other/north/{ID}", 404, "LINE_UNKNOWN"),
    ("GET", "/v1/findings/0123456789abcdef", 404, "FINDING_UNKNOWN"),
    ("GET", "/v1/findings/xyz", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/log/999", 404, "NOT_FOUND"),
    ("GET", "/v1/log/one", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/log?limit=5000", 400, "OUT_OF_RANGE"),
    ("GET", "/v1/events?from=99", 400, "OUT_OF_RANGE"),
]


def test_requests_that_will_not_do(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            for method, path, status, code in REQUESTS:
                answer = await client.request(method, path)
                refused(answer, status=status, code=code)
                assert ("allow" in answer.headers) is (status == 405), path

    run(story())


def test_changes_that_will_not_do(tmp_path: Path) -> None:
    """409 for what is out of turn, 404 for what is not there, 403 for what is another's."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            await desk.declare(notice_id=ID)
            wanted: list[tuple[str, dict[str, Any], int, str]] = [
                ("/v1/notices", declaration(volume(1.0), notice_id=ID), 409, "NOTICE_EXISTS"),
                (f"/v1/notices/{ID}/activate", {"version": 3}, 409, "VERSION_NOT_NEXT"),
                (f"/v1/notices/{ID}/release", {"version": 2, "volumes": [9]}, 400, "OUT_OF_RANGE"),
                (f"/v1/notices/{ID[:-1]}2/activate", {"version": 2}, 404, "NOTICE_UNKNOWN"),
                (f"/v1/notices/{LINE}/north/{ID}/noted", {"version": 1}, 403, "NOT_OWNER"),
                ("/v1/findings/0123456789abcdef/resolution", {"code": "LATERAL_SPLIT"}, 404, "FINDING_UNKNOWN"),
            ]
            for path, body, status, code in wanted:
                refused(await client.post(path, json=body), status=status, code=code)

    run(story())


def test_an_oversized_body_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its announced length, and without one while it streams."""

    async def chunks() -> Any:
        for _ in range(64):
            yield b" " * 1_024

    async def story() -> None:
        monkeypatch.setattr(limits, "COMMAND_BYTES_MAX", 16_384)
        async with alone(tmp_path) as desk, desk.client() as client:
            headers = {"Content-Type": "application/json"}
            announced = await client.post("/v1/notices", content=b" " * 20_000, headers=headers)
            refused(announced, status=413, code="OVER_LIMIT")
            streamed = await client.post("/v1/notices", content=chunks(), headers=headers)
            refused(streamed, status=413, code="OVER_LIMIT")

    run(story())


async def raw(desk: Desk, sent: bytes) -> bytes:
    """Send bytes as they are and return everything that comes until the node ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(desk.url.rsplit(":", 1)[1]))
    writer.write(sent)
    try:
        async with asyncio.timeout(WAIT_S):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def test_slow_and_endless_heads_and_bodies_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds a connection by sending little, and no head is longer than the limit."""

    async def story() -> None:
        monkeypatch.setattr(limits, "HEAD_TIMEOUT_MS", 50)
        monkeypatch.setattr(limits, "BODY_TIMEOUT_MS", 50)
        async with alone(tmp_path) as desk:
            assert await raw(desk, b"") == b""
            assert await raw(desk, b"GET / HTTP/1.1\r\nHost: localhost\r\n") == b""
            long = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + b"x" * 40_000
            assert b" 200 " not in await raw(desk, long)
            assert b'"OVER_LIMIT"' in await raw(desk, long[:20_000] + b"\r\n\r\n")
            slow = (
                f"POST /v1/notices HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {desk.tokens['WATCH']}\r\n"
                "Content-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{"
            )
            answer = await raw(desk, slow.encode())
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"all of it within 50 ms" in answer
            assert b"Invalid HTTP" in await raw(desk, b"\x16\x03\x01\x00\x00\r\n\r\n")

    run(story())


def test_what_cannot_be_said_now_is_503_with_a_time_to_ask_again(tmp_path: Path) -> None:
    """A halted node is read and writes nothing; a stopped one refuses everything."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            node = desk.served.node
            node.writer.halt(Refusal(RefusalCode.STORE_ROLLED_BACK, field="store", found="older", allowed="newer"))
            refused(await client.post("/v1/notices", json=declaration()), status=503, code="STORE_ROLLED_BACK")
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()) == (503, {"ready": False, "why": "HALTED"})
            assert (await desk.get("/v1/status"))["halted"]["code"] == "STORE_ROLLED_BACK"
            assert (await desk.get("/v1/picture"))["halted"]["code"] == "STORE_ROLLED_BACK"
            desk.served.desk.close()
            answer = await client.get("/v1/picture")
            refused(answer, status=503, code="STOPPING")
            assert answer.headers["retry-after"] == "10"

    run(story())


def test_too_much_at_once_is_429(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            async with desk.served.node.settled():
                # The writer cannot go on: it holds one request, and its queue is shrunk to none.
                monkeypatch.setattr(desk.served.node.writer._queue, "put_nowait", _full)
                waiting = asyncio.ensure_future(client.post("/v1/notices", json=declaration(lines=None)))
                await asyncio.sleep(0)
            answer = await waiting
            refused(answer, status=429, code="OVERLOADED")
            assert answer.headers["retry-after"] == "1"

    run(story())


def _full(_: object) -> None:
    raise asyncio.QueueFull


def test_a_bug_is_500_with_a_reference_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets a number; what happened stands in the log beside it."""

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            monkeypatch.setattr(type(desk.served.desk), "status", broken)
            answer = await client.get("/v1/status")
            report = refused(answer, status=500, code="INTERNAL")
            assert report["found"].startswith("reference ")
            assert "secret" not in answer.text
            assert (await client.get("/healthz")).status_code == 200

    run(story())
