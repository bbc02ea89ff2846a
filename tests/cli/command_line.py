"""Running a command in this process, and real nodes in a thread beside it."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog

from clearline.doors.cli.main import main
from clearline.sky import warm_up
from tests.http.parties import WAIT_S, Desk, alone, desks

T = TypeVar("T")


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str


class CommandLine:
    """`clearline …` as a shell would run it, with click and `main` in between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in ("CLEARLINE_NODE", "CLEARLINE_TOKEN"):
            monkeypatch.delenv(name, raising=False)

    def __call__(self, *arguments: object, typed: str = "") -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["clearline", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        shown = self._capsys.readouterr()
        return Ran(int(caught.value.code or 0), shown.out, shown.err)


class Nodes:
    """Running nodes; `at` gives the options that name one."""

    def __init__(self, made: list[Desk], loop: asyncio.AbstractEventLoop) -> None:
        self._desks = {desk.party: desk for desk in made}
        self._loop = loop

    def desk(self, party: str) -> Desk:
        return self._desks[party]

    def at(self, party: str, role: str = "WATCH") -> tuple[str, ...]:
        desk = self._desks[party]
        return ("--node", desk.url, "--token", desk.tokens[role])

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the nodes live, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)


@contextmanager
def running_nodes(root: Path, *parties: str, peer_absent: str | None = None) -> Iterator[Nodes]:
    """Run a node for each party in a thread; or one whose only peer does not exist."""
    warm_up()
    # What nodes log is not what a command prints.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    begun: list[Nodes] = []
    failed: list[BaseException] = []
    ready, stop = threading.Event(), threading.Event()

    async def live() -> None:
        async with AsyncExitStack() as stack:
            if peer_absent is not None:
                made = [await stack.enter_async_context(alone(root, parties[0], peer=peer_absent))]
            else:
                made = await stack.enter_async_context(desks(root, *parties))
            begun.append(Nodes(made, asyncio.get_running_loop()))
            ready.set()
            await asyncio.to_thread(stop.wait)

    def work() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001  it is raised again where the test can see it
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="nodes")
    thread.start()
    try:
        assert ready.wait(WAIT_S * 3)
        if failed:
            raise failed[0]
        yield begun[0]
    finally:
        stop.set()
        thread.join(WAIT_S * 3)
        structlog.reset_defaults()
    if failed:
        raise failed[0]
