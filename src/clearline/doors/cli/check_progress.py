"""Bars on stderr while `clearline check` works, and what is said while kernels are compiled.

Rules
 * A bar moves only on a terminal, and only where there is enough to do that it can be read.
 * Kernels that are not compiled yet are said so in one line wherever stderr goes: a minute needs a reason.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from clearline.model.refusal import shown

__all__ = ["load_kernels", "progress"]

STEPS_MIN = 500
"""Fewer are done before a bar could be read."""

LOADING_STEPS = 100
LOADING_S_MAX = 3.0
"""Loading takes half a second; whoever waits longer is told why."""

COMPILING = "compiling the kernels: once on this machine, about a minute"


class Step(Protocol):
    """Called when something is done: one thing, or so many."""

    def __call__(self, done: float = 1.0) -> None: ...


@contextmanager
def progress(what: str, total: int, *, least: int | None = None) -> Iterator[Step]:
    """Give a function to call for each step; it moves a bar where stderr is a terminal and there is much to do."""
    if total < (STEPS_MIN if least is None else least) or not sys.stderr.isatty():
        yield _no_step
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(shown(what), total=total)
        yield lambda done=1.0: bar.advance(task, done)


def _no_step(done: float = 1.0) -> None:
    """Move no bar."""


def load_kernels() -> None:
    """Compile or load the kernels; the first run on a machine takes long enough to say why."""
    from clearline.sky import warm_up

    begun, compiled = time.monotonic(), _compiled()
    if not compiled:
        click.echo(COMPILING, err=True)
    with progress("loading the kernels", LOADING_STEPS, least=LOADING_STEPS + 1 if compiled else 0) as step:
        said = not compiled

        def heard(_name: str, done: int, total: int) -> None:
            nonlocal said
            if not said and time.monotonic() - begun > LOADING_S_MAX:
                # Another run was broken off half way: some of them are there, and some are not.
                click.echo(COMPILING, err=True)
                said = True
            if done:
                step(LOADING_STEPS / total)

        warm_up(heard)


def _compiled() -> bool:
    """Return whether an earlier run has left compiled kernels for this build."""
    from clearline.sky.compiler import cache_directory

    directory = cache_directory()
    return directory is not None and any(directory.rglob("*.nbi"))
