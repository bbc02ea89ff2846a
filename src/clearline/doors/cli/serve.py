"""`clearline serve`: run a node until it is told to stop.

Exit codes: 0 stopped as asked, 3 the configuration is wrong, 4 the store cannot be used (in use, damaged, rolled back,
full), 70 a bug.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from clearline.doors.cli.trouble import ExitCode, tell_refusal
from clearline.model.refusal import Refusal, RefusalCode

if TYPE_CHECKING:
    from clearline.doors.http.running import ServedNode

__all__ = ["command"]

_STORE_CODES: Final = frozenset(
    {
        RefusalCode.STORE_UNAVAILABLE,
        RefusalCode.STORE_DAMAGED,
        RefusalCode.STORE_ROLLED_BACK,
        RefusalCode.STORE_IN_USE,
        RefusalCode.STORE_FOREIGN,
    }
)
_PROGRESS_ENTRIES: Final = 10_000
_COLLECT_AFTER: Final = (20_000, 20, 50)
"""Thresholds of the garbage collector: requests leave few cycles, and a full collection looks at everything held."""


@click.command("serve")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--log", "form", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True)
def command(directory: Path, form: str) -> int:
    """Run the node in DIRECTORY until SIGTERM or Ctrl-C.

    Exit codes: 0 stopped as asked, 3 configuration, 4 store, 70 a bug.
    """
    from clearline.doors.cli.log_output import set_up_logging

    set_up_logging(form)
    try:
        return _serve(directory)
    except Refusal as refusal:
        tell_refusal(refusal)
        return ExitCode.STORE if refusal.code in _STORE_CODES else ExitCode.CONFIGURATION


def _serve(directory: Path) -> int:
    from clearline.doors.http.running import ServedNode
    from clearline.node.config import read_configuration

    configuration = read_configuration(directory)
    click.echo(f"Clearline node of {configuration.party}", err=True)
    asyncio.run(_run(ServedNode(configuration)))
    return ExitCode.DONE


async def _run(served: ServedNode) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        served.open()
        starting = asyncio.create_task(_start(served))
        stopped = asyncio.create_task(_told_to_stop(served, stopping))
        await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            # What the log has left in memory stays: looking through it again and again would hold up the loop.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_COLLECT_AFTER)
            _tell_ready(served)
            await stopped
        else:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        stopped.cancel()
    finally:
        await served.stop(lambda step: click.echo(f"  {step} …", err=True))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    click.echo("stopped", err=True)
    # The process ends; collecting the compiled kernels one by one would only make it end later.
    gc.freeze()


async def _told_to_stop(served: ServedNode, stopping: asyncio.Event) -> None:
    """Wait for a signal; a door that closes by itself ends the node as well, with its reason."""
    signalled = asyncio.create_task(stopping.wait())
    closed = asyncio.create_task(served.serving_ended())
    await asyncio.wait((signalled, closed), return_when=asyncio.FIRST_COMPLETED)
    for waiting in (signalled, closed):
        if not waiting.done():
            waiting.cancel()
    if closed.done() and not closed.cancelled():
        closed.result()


async def _start(served: ServedNode) -> None:
    from clearline.sky import warm_up

    # In a thread: whoever asks meanwhile is told that the node is starting.
    await asyncio.to_thread(warm_up, _told_kernels)
    await served.start(_told_progress)


def _told_kernels(name: str, done: int, total: int) -> None:
    click.echo(f"  kernels {done}/{total} {name}", err=True)


def _told_progress(done: int, total: int) -> None:
    if done == total or done % _PROGRESS_ENTRIES == 0:
        click.echo(f"  log {done:,} of {total:,} entries", err=True)


def _tell_ready(served: ServedNode) -> None:
    halted = served.node.writer.halted
    if halted is not None:
        click.echo(f"!! HALTED: {halted}\n!! It can be read, and writes nothing until this is mended.", err=True)
    click.echo(f"console  {served.url}/", err=True)
