"""A run of the demo from its start to its end: nodes, play, simulated watches, and order when it is stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from clearline.doors.cli.demo_desk import DemoDesk, Teller
from clearline.doors.cli.demo_nodes import DemoNode, choose_ports, prepare_nodes
from clearline.doors.cli.demo_place import DemoPlace, PlayedBefore, Running
from clearline.doors.cli.demo_play import Pace, Player, lead_ms
from clearline.doors.cli.demo_watch import Signed, SimulatedWatch
from clearline.doors.cli.trouble import NodeTrouble
from clearline.formats.scenario import Scenario, load_scenario
from clearline.node.clock import SystemClock

__all__ = ["Wanted", "consoles_text", "run_demo"]

_HOUR_MS: Final = 3_600_000
_READY_S: Final = 280.0
_ROUND_S: Final = 0.1
_BETWEEN_S: Final = 8.0
"""Between two runs: the page shows that all is over before it begins anew."""
_NAME: Final = "demo"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for."""

    sample: str
    speed: float
    hours: float
    port: int
    once: bool
    quiet: bool


def consoles_text(place: DemoPlace, running: Running) -> str:
    """Return where the consoles are, and what to do there."""
    width = max(len(node.party) for node in running.nodes)
    here = _near(place.directory)
    lines = ["", *(f"  {node.party:<{width}}  {node.console}" for node in running.nodes), ""]
    lines += [
        "Open both. Each is one party's desk. Read back what the simulated watch has left, sign a way out of a",
        "finding: the other side's simulated watch answers. An address signs in with a token of this run: keep it.",
        f"Command line: {_program()} notices --dir {_near(Path(running.nodes[0].directory))}",
        f"To stop it:   make stop, or {_program()} demo --stop --dir {here}",
    ]
    return "\n".join(lines)


def _near(path: Path) -> str:
    """Return a path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _program() -> str:
    """Return how `clearline` is called here: by its name where the shell finds this one, else by its path."""
    installed = Path(sys.executable).with_name("clearline")
    found = shutil.which("clearline")
    if not installed.exists() or (found is not None and Path(found) == installed):
        return "clearline"
    return _near(installed)


async def run_demo(place: DemoPlace, wanted: Wanted) -> None:
    """Run the demo in a place that is taken, until it is stopped, is over, or a node cannot run.

    Raises:
        NodeTrouble: a node cannot run.
        Refusal: no free port; a directory that cannot be used.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    stopped = asyncio.create_task(stopping.wait())
    running = asyncio.create_task(_run(place, wanted))
    try:
        await asyncio.wait((stopped, running), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stopped, running):
            task.cancel()
        outcome = (await asyncio.gather(stopped, running, return_exceptions=True))[1]
        place.forget()
    if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
        raise outcome


async def _run(place: DemoPlace, wanted: Wanted) -> None:
    place.tell(Running(pid=os.getpid(), sample=wanted.sample, speed=wanted.speed, ready=False, nodes=()))
    tell = Teller(quiet=wanted.quiet, width=8)
    tell.line(f"reading the flights of {wanted.sample} …")
    scenario = await asyncio.to_thread(_scenario, wanted.sample, wanted.hours)
    ports = choose_ports(wanted.port, len(scenario.parties))
    if wanted.port and ports[0] != wanted.port:
        tell.line(f"port {wanted.port} or the one after it is taken: using {ports[0]} and {ports[-1]}")
    run = _Run(place, wanted, scenario, prepare_nodes(place.directory, scenario.parties, ports), tell)
    try:
        await run.go()
    finally:
        await run.stop()


def _scenario(sample: str, hours: float) -> Scenario:
    return load_scenario(sample).busiest(round(hours * _HOUR_MS))


@final
class _Run:
    """What belongs to one run."""

    def __init__(
        self, place: DemoPlace, wanted: Wanted, scenario: Scenario, nodes: Sequence[DemoNode], tell: Teller
    ) -> None:
        self._place = place
        self._wanted = wanted
        self._scenario = scenario
        self._nodes = nodes
        self._desks = [DemoDesk(node.party, node.url, node.player_token) for node in nodes]
        self._tell = tell
        self._ready = False

    async def go(self) -> None:
        """Start the nodes, keep them running, and play."""
        self._tell.line(f"starting the nodes of {' and '.join(node.party for node in self._nodes)} …")
        for node in self._nodes:
            await node.start()
        self._say()
        tasks = [asyncio.create_task(self._keep(node)) for node in self._nodes]
        tasks.append(asyncio.create_task(self._play()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """End the nodes."""
        self._tell.line("stopping the nodes …")
        await asyncio.gather(*(node.stop() for node in self._nodes))
        await asyncio.gather(*(desk.close() for desk in self._desks))
        self._tell.line("stopped")

    def _say(self) -> Running:
        running = Running(
            pid=os.getpid(),
            sample=self._wanted.sample,
            speed=self._wanted.speed,
            ready=self._ready,
            nodes=tuple(node.running() for node in self._nodes),
        )
        self._place.tell(running)
        return running

    async def _keep(self, node: DemoNode) -> None:
        await node.keep(lambda what: self._tell.always(node.party, what), self._say)

    # --- getting ready

    async def _until_ready(self) -> None:
        begun = time.monotonic()
        await asyncio.gather(
            *(self._until_one_ready(node, desk, begun) for node, desk in zip(self._nodes, self._desks, strict=True))
        )
        self._ready = True

    async def _until_one_ready(self, node: DemoNode, desk: DemoDesk, begun: float) -> None:
        shown_bytes = 0
        while not await desk.ready():
            shown_bytes = self._tell_progress(node, shown_bytes)
            if time.monotonic() - begun > _READY_S:
                raise NodeTrouble(
                    f"the node of {node.party} is not ready: {node.last_words()}", advice=f"{node.log} says more."
                )
            await asyncio.sleep(_ROUND_S)
        self._tell.line(f"  {node.party} is ready after {time.monotonic() - begun:.1f} s")

    def _tell_progress(self, node: DemoNode, start: int) -> int:
        """Print what the node says of kernels and log while it starts; return up to where it was read."""
        with node.log.open("rb") as file:
            file.seek(start)
            source = file.read()
        whole = source.rfind(b"\n") + 1
        for line in source[:whole].decode("utf-8", "replace").splitlines():
            if line.startswith(("  kernels", "  log")):
                self._tell.line(f"  {node.party}: {line.strip()}")
        return start + whole

    # --- playing

    async def _play(self) -> None:
        await self._until_ready()
        wanted, scenario = self._wanted, self._scenario
        self._tell.line(
            f"\n{scenario.title}: {len(scenario.flights)} notices, {wanted.speed:g} times as fast as flown."
        )
        player = Player(self._desks, self._tell)
        before = self._place.played_before(wanted.sample)
        if before is not None:
            cut_off = await asyncio.to_thread(_scenario, before.sample, before.hours)
            await player.end_left_over(flight.notice_id for flight in cut_off.reissued(before.run).flights)
        self._tell.line(consoles_text(self._place, self._say()) + "\n")
        signed = Signed()
        watches = [
            asyncio.create_task(SimulatedWatch(desk, signed, self._tell, speed=wanted.speed).run())
            for desk in self._desks
        ]
        playing = asyncio.create_task(self._play_runs(player))
        try:
            done, _ = await asyncio.wait((playing, *watches), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (playing, *watches):
                task.cancel()
            await asyncio.gather(playing, *watches, return_exceptions=True)

    async def _play_runs(self, player: Player) -> None:
        wanted = self._wanted
        while True:
            now_ms = SystemClock().now_ms()
            run = str(now_ms)
            self._place.begin_run(PlayedBefore(sample=wanted.sample, hours=wanted.hours, run=run))
            scenario = self._scenario.shift_to(now_ms - lead_ms(self._scenario)).reissued(run)
            await player.play(scenario, Pace(now_ms, wanted.speed))
            if wanted.once:
                self._tell.event(_NAME, "all flights are over")
                return
            self._tell.event(_NAME, "all flights are over; they begin again")
            await asyncio.sleep(_BETWEEN_S)
