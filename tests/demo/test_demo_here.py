"""The demo's player in this process: what it says, what the simulated watches do, and what a visitor's word changes."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clearline.doors.cli import demo_watch
from clearline.doors.cli.demo_desk import DemoDesk, Teller
from clearline.doors.cli.demo_watch import Signed, SimulatedWatch
from tests.cli.command_line import CommandLine
from tests.http.parties import LINE, Desk, desks, run, volume

pytestmark = pytest.mark.crash


@pytest.fixture
def clearline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def test_one_run_after_another_in_one_directory(clearline: CommandLine, tmp_path: Path) -> None:
    """The second run ends what the first has left, uses the same keys, and has notices of its own."""
    arguments = ("demo", "--dir", tmp_path, "--port", 0, "--speed", 5_000, "--hours", 1, "--once")
    first = clearline(*arguments)
    assert first.code == 0, first
    keys = [(tmp_path / party / "node.key").read_bytes() for party in ("ridge", "valley")]
    played = json.loads((tmp_path / "played-calfire.json").read_bytes())
    second = clearline(*arguments)
    assert second.code == 0, second
    assert [(tmp_path / party / "node.key").read_bytes() for party in ("ridge", "valley")] == keys
    assert json.loads((tmp_path / "played-calfire.json").read_bytes())["run"] != played["run"]
    said = [set(re.findall(r"declares ([0-9A-F]{8})", ran.out)) for ran in (first, second)]
    assert said[0]
    assert not said[0] & said[1]
    assert clearline("demo", "--stop", "--dir", tmp_path).out == "nothing runs here\n"


def drawn(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """Let every draw give one value: the watch then does one thing about everything, and at once."""
    monkeypatch.setattr(demo_watch, "_draw", lambda *words: value)


async def watching(desk: Desk, signed: Signed, teller: Teller) -> tuple[DemoDesk, asyncio.Task[None]]:
    api = DemoDesk(desk.party, desk.url, desk.tokens["WATCH"])
    return api, asyncio.create_task(SimulatedWatch(api, signed, teller, speed=10_000).run())


async def until_said(capsys: pytest.CaptureFixture[str], sign: str, said: list[str]) -> None:
    """Wait until a line with `sign` was printed."""
    async with asyncio.timeout(20):
        while not any(sign in line for line in said):
            said += capsys.readouterr().out.splitlines()
            await asyncio.sleep(0.02)


async def end(api: DemoDesk, task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await api.close()


def test_the_simulated_watch_reads_back_and_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(monkeypatch, 1.0)

    async def story() -> None:
        said: list[str] = []
        async with desks(tmp_path, "north", "south") as (north, south):
            api, task = await watching(south, Signed(), Teller(quiet=False, width=6))
            declared = await north.declare()
            await until_said(capsys, f"notes {declared['reference']}  (simulated watch)", said)
            await end(api, task)
            view = await south.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert view["acknowledgements"][0]["noted_at_ms"] is not None
        assert any(f"reads back {declared['reference']} of north  (simulated watch)" in line for line in said)

    run(story())


def test_the_simulated_watch_mishears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(monkeypatch, 70.0)

    async def story() -> None:
        said: list[str] = []
        async with desks(tmp_path, "north", "south") as (north, south):
            api, task = await watching(south, Signed(), Teller(quiet=False, width=6))
            declared = await north.declare()
            await until_said(capsys, f"reads back {declared['reference']} wrongly: upper 000 m W84", said)
            await end(api, task)
            view = await south.get(f"/v1/notices/{LINE}/north/{declared['notice_id']}")
            assert view["acknowledgements"][0]["wrong_field"] == "upper"

    run(story())


def test_what_a_visitor_signs_is_answered_and_what_is_ours_is_left_one_sided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A draw of 90 signs nothing by itself; terms of a visitor are signed by the other side's watch all the same."""
    drawn(monkeypatch, 90.0)

    async def story() -> None:
        said: list[str] = []
        async with desks(tmp_path, "north", "south") as (north, south):
            signed = Signed()
            teller = Teller(quiet=False, width=6)
            both = [await watching(desk, signed, teller) for desk in (north, south)]
            await north.declare()
            await south.declare(volume(46.52, 7.5))
            await until_said(capsys, "conflict", said)
            (finding,) = (await north.get("/v1/findings"))["findings"]
            assert finding["resolutions"] == []
            path = f"/v1/findings/{finding['finding_id']}/resolution"
            await north.post(path, {"code": "LATERAL_SPLIT"})
            await until_said(capsys, "signs LATERAL_SPLIT", said)
            for api, task in both:
                await end(api, task)
            assert (await south.get("/v1/findings"))["findings"][0]["state"] == "RESOLVED"
        assert sum(" conflict " in line for line in said) == 1, "told once, not by both"

    run(story())


@pytest.mark.parametrize(("value", "code"), [(1.0, "TIME_SEQUENCE"), (49.0, "TIME_SEQUENCE")])
def test_both_simulated_watches_resolve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, code: str
) -> None:
    drawn(monkeypatch, value)

    async def story() -> None:
        said: list[str] = []
        async with desks(tmp_path, "north", "south") as (north, south):
            signed, teller = Signed(), Teller(quiet=False, width=6)
            both = [await watching(desk, signed, teller) for desk in (north, south)]
            await north.declare()
            await south.declare(volume(46.52, 7.5))
            await until_said(capsys, f"north   signs {code}", said)
            await until_said(capsys, f"south   signs {code}", said)
            for api, task in both:
                await end(api, task)
            assert (await north.get("/v1/findings"))["findings"][0]["state"] == "RESOLVED"

    run(story())


def test_a_desk_asks_again_until_its_node_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a node that was killed does not answer is asked again; a refusal is handed on."""
    answers: list[Any] = [
        httpx2.ConnectError("refused"),
        httpx2.Response(503, content=b"{}"),
        httpx2.Response(200, content=b'{"ok":true}'),
    ]

    def answer(request: httpx2.Request) -> httpx2.Response:
        one = answers.pop(0)
        if isinstance(one, Exception):
            raise one
        assert isinstance(one, httpx2.Response)
        return one

    async def story() -> None:
        desk = DemoDesk("north", "http://node", "token")
        await desk.close()
        desk._client = httpx2.AsyncClient(base_url="http://node", transport=httpx2.MockTransport(answer))
        assert await desk.get(dict[str, bool], "/v1/status") == {"ok": True}
        await desk.close()

    monkeypatch.setattr("clearline.doors.cli.demo_desk._RETRY_S", 0.0)
    run(story())


def test_lines_that_nobody_reads_do_not_end_the_play(monkeypatch: pytest.MonkeyPatch) -> None:
    """`clearline demo | head` closes the pipe."""
    calls: list[str] = []

    def broken(text: str) -> None:
        calls.append(text)
        raise BrokenPipeError

    monkeypatch.setattr("clearline.doors.cli.demo_desk.click.echo", broken)
    teller = Teller(quiet=False, width=6)
    teller.event("north", "declares")
    teller.event("north", "declares")
    assert len(calls) == 1
