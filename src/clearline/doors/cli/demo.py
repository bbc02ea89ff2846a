"""`clearline demo`: two nodes, real flights, two consoles. `make run` is this, in the background.

Rules
 * The same directory again is the same two parties with the same keys and logs; only the tokens are new.
 * One demo runs in a directory. A second one says where the first one's consoles are.
 * When all flights are over it begins again with new notices, until it is stopped: a visitor finds it alive.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from clearline.doors.cli.trouble import ExitCode, NodeTrouble
from clearline.model.refusal import shown

if TYPE_CHECKING:
    from clearline.doors.cli.demo_place import DemoPlace, Running

__all__ = ["command"]

START_S: Final = 300.0
"""For a first start: on a slow machine the kernels are compiled meanwhile."""
_ROUND_S: Final = 0.1


@click.command(
    name="demo",
    epilog="Exit code: 0 stopped as asked (or, with --detach, started), 2 usage or no free port, "
    "5 a node cannot run or does not get ready.",
)
@click.option(
    "--sample",
    type=click.Choice(["calfire", "switzerland"]),
    default="calfire",
    show_default=True,
    help="Which real traffic.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 100_000),
    default=10.0,
    show_default=True,
    help="How many times as fast as it was flown.",
)
@click.option(
    "--hours",
    type=click.FloatRange(0.1, 200),
    default=6.0,
    show_default=True,
    help="How much of the sample: its busiest hours.",
)
@click.option(
    "--dir",
    "--directory",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="run/demo",
    show_default=True,
    help="Where keys, logs and tokens are kept.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_000),
    default=8701,
    show_default=True,
    help="The first console's port, the second's is the next; others where they are taken. 0: any.",
)
@click.option("--once", is_flag=True, help="End when all flights are over.")
@click.option("--quiet", is_flag=True, help="Print no line for each event.")
@click.option("--detach", is_flag=True, help="Go on in the background once both consoles answer.")
@click.option("--stop", is_flag=True, help="End the demo that runs in --dir.")
def command(
    *,
    sample: str,
    speed: float,
    hours: float,
    directory: Path,
    port: int,
    once: bool,
    quiet: bool,
    detach: bool,
    stop: bool,
) -> int:
    """Start two nodes and play real flights into them; print their consoles' addresses.

    Both parties' watches are scripted: they read back, note and resolve a part, and leave the rest to you.
    Ctrl-C or --stop ends everything.
    """
    from clearline.doors.cli.demo_place import DemoPlace
    from clearline.doors.cli.demo_run import Wanted, run_demo

    place = DemoPlace(directory)
    if stop:
        click.echo("stopped" if place.stop() else "nothing runs here")
        return ExitCode.DONE
    if detach:
        return _detached(place)
    with place.taken() as ours:
        if not ours:
            return _tell_running(place)
        wanted = Wanted(sample=sample, speed=speed, hours=hours, port=port, once=once, quiet=quiet)
        place.end_left_over()
        asyncio.run(run_demo(place, wanted))
    return ExitCode.DONE


def _tell_running(place: DemoPlace) -> int:
    """Say where the consoles are of the demo that runs here, once it is ready."""
    from clearline.doors.cli.demo_run import consoles_text

    running = _ready(place, until=time.monotonic() + START_S)
    if running is None:
        raise NodeTrouble(
            f"a demo runs in {shown(str(place.directory))} and does not get ready",
            advice=f"Look at {place.log}, or end it with `clearline demo --stop`.",
        )
    click.echo(f"A demo runs here already (process {running.pid}).")
    click.echo(consoles_text(place, running))
    return ExitCode.DONE


def _ready(place: DemoPlace, *, until: float) -> Running | None:
    while time.monotonic() < until and place.is_taken():
        running = place.running()
        if running is not None and running.ready:
            return running
        time.sleep(_ROUND_S)
    return None


def _detached(place: DemoPlace) -> int:
    """Run the same command without --detach in the background; show what it says until it is ready."""
    if place.is_taken():
        return _tell_running(place)
    place.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.end_left_over()
    arguments = [word for word in sys.argv[1:] if word != "--detach"]
    descriptor = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(  # noqa: S603  this very program
            [sys.executable, "-u", "-c", "from clearline.doors.cli.main import main; main()", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until = time.monotonic() + START_S
    with place.log.open("r", encoding="utf-8", errors="replace") as said:
        try:
            while time.monotonic() < until:
                ended = process.poll()
                running = place.running()
                click.echo(said.read(), nl=False)
                if ended is not None:
                    return ended
                if running is not None and running.ready:
                    click.echo(f"\nIt plays on in the background; what is said: tail -f {_near(place.log)}")
                    return ExitCode.DONE
                time.sleep(_ROUND_S)
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    process.terminate()
    raise NodeTrouble(f"the nodes are not ready after {START_S:.0f} s", advice=f"{place.log} says more.")


def _near(path: Path) -> str:
    """Return a path as one would type it here."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
