"""The event stream is the log: it resumes without loss or doubling, tells the status, and ends when it should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from clearline.model import limits
from tests.http.parties import WAIT_S, Desk, alone, run


class Events:
    """Reads a stream event by event."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()
        self.statuses: list[dict[str, Any]] = []

    async def next(self) -> tuple[str, int | None, Any]:
        """Return kind, id and data of the next event; raises StopAsyncIteration at the end."""
        kind, place, data = "", None, None
        async with asyncio.timeout(WAIT_S):
            while True:
                line = await anext(self._lines)
                name, _, value = line.partition(": ")
                match name:
                    case "event":
                        kind = value
                    case "id":
                        place = int(value)
                    case "data":
                        data = msgspec.json.decode(value)
                    case "" if not line and kind:
                        return kind, place, data

    async def entries(self, count: int) -> list[int]:
        """Return the log indexes of the next entries; what else comes is kept aside."""
        found: list[int] = []
        while len(found) < count:
            kind, place, data = await self.next()
            if kind == "entry":
                assert place == data["log_index"]
                found.append(data["log_index"])
            else:
                self.statuses.append(data)
        return found


@asynccontextmanager
async def stream(
    desk: Desk, *, start: int | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[Events]:
    params = {} if start is None else {"from": start}
    async with desk.client() as client, client.stream("GET", "/v1/events", params=params, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield Events(response)


async def declared(desk: Desk, count: int) -> int:
    """Declare some notices and return the size of the log."""
    for _ in range(count):
        await desk.declare()
    return await size_of(desk)


async def size_of(desk: Desk) -> int:
    size: int = (await desk.get("/v1/status"))["log_size"]
    return size


def test_from_the_start_and_live(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk:
            size = await declared(desk, 2)
            async with stream(desk, start=0) as events:
                assert await events.entries(size) == list(range(size))
                more = await declared(desk, 2)
                assert await events.entries(more - size) == list(range(size, more))
                assert events.statuses[0]["log_size"] == size
                assert events.statuses[0]["lines"][0]["line_id"] == "demo"

    run(story())


def test_without_a_place_only_what_comes(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk:
            size = await declared(desk, 1)
            async with stream(desk) as events:
                kind, place, _ = await events.next()
                assert (kind, place) == ("status", None)
                await declared(desk, 1)
                assert await events.entries(1) == [size]

    run(story())


def test_resuming_loses_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut at every place, also where the last entries are no longer in memory: each entry comes once, in order."""

    async def story() -> None:
        monkeypatch.setattr(limits, "EVENT_ENTRIES", 2)
        async with alone(tmp_path) as desk:
            size = await declared(desk, 6)
            for cut in range(size):
                if cut == 3:
                    desk.served.node._recent.clear()
                    desk.served.node._reader.forget()
                async with stream(desk, start=0) as events:
                    seen = await events.entries(cut + 1)
                async with stream(desk, headers={"Last-Event-ID": str(seen[-1])}) as events:
                    seen += await events.entries(size - cut - 1)
                assert seen == list(range(size))

    run(story())


def test_a_place_beyond_the_log_is_refused(tmp_path: Path) -> None:
    """A reader that knows more than the log has met another log."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client() as client:
            size = await size_of(desk)
            for headers in ({"Last-Event-ID": str(size)}, {"Last-Event-ID": "x"}, {"Last-Event-ID": "-1"}):
                answer = await client.get("/v1/events", headers=headers)
                assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")

    run(story())


def test_status_comes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(limits, "EVENT_STATUS_MS", 10)
        async with alone(tmp_path) as desk, stream(desk) as events:
            kinds = [(await events.next())[0] for _ in range(3)]
            assert kinds == ["status"] * 3

    run(story())


def test_streams_are_counted_and_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(limits, "EVENT_STREAMS_MAX", 1)
        async with alone(tmp_path) as desk, desk.client() as client:
            async with stream(desk) as events:
                await events.next()
                answer = await client.get("/v1/events")
                assert (answer.status_code, answer.json()["code"]) == (429, "OVERLOADED")
                assert desk.served.metrics.open_streams == 1
            await _until(lambda: desk.served.metrics.open_streams == 0)
            async with stream(desk) as events:
                await events.next()

    run(story())


async def _until(holds: Any) -> None:
    """Give the loop its turns until something holds; bounded, for what has no event to wait for."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110  the count has no event of its own
            await asyncio.sleep(0.001)


def test_a_reader_that_takes_nothing_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is piled up for it: the stream ends, and it may resume."""

    async def large(_: object) -> bytes:
        return b": " + b"x" * (1 << 20) + b"\n\n"

    async def story() -> None:
        monkeypatch.setattr(limits, "SEND_TIMEOUT_MS", 50)
        monkeypatch.setattr(limits, "EVENT_STATUS_MS", 1)
        monkeypatch.setattr("clearline.doors.http.events._status_event", large)
        async with alone(tmp_path) as desk:
            port = int(desk.url.rsplit(":", 1)[1])
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            head = f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {desk.tokens['WATCH']}\r\n\r\n"
            writer.write(head.encode())
            await _until(lambda: desk.served.metrics.open_streams == 1)
            # The buffers of both sockets fill; then the sender waits, and gives up.
            await _until(lambda: desk.served.metrics.open_streams == 0)
            writer.close()

    run(story())


def test_a_session_that_ends_ends_its_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(limits, "EVENT_STATUS_MS", 5)
        async with alone(tmp_path) as desk, desk.client(None) as client:
            await client.post("/v1/session", json={"token": desk.tokens["OBSERVER"]})
            async with client.stream("GET", "/v1/events") as response:
                events = Events(response)
                await events.next()
                await client.delete("/v1/session", headers={"Clearline-Console": "1"})
                with pytest.raises(StopAsyncIteration):
                    while True:
                        await events.next()

    run(story())


def test_stopping_ends_the_streams(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk, stream(desk) as events:
            await events.next()
            await desk.served.stop()
            with pytest.raises(StopAsyncIteration):
                while True:
                    await events.next()

    run(story())
