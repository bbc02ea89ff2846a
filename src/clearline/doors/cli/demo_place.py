"""The demo's directory: who runs there, where its consoles are, and how another process stops it.

Rules
 * Whoever plays holds a lock on `demo.lock`; the lock ends with its process, however that ends.
 * `demo.json` says what runs. It holds tokens, so that only its owner may read it, and it is gone when the demo is.
 * A node whose player was killed is known by its process id and its own command line together; only then is it ended.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, final

import msgspec

from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["DemoPlace", "PlayedBefore", "Running", "RunningNode"]

STOP_S: Final = 30.0
"""How long a demo may take to end: two nodes write what waits, each with a bound of its own."""
_ROUND_S: Final = 0.05
_LOCK_S: Final = 0.15
"""Whoever only looks whether the place is taken holds the lock for a moment: that is no demo."""
_STATE_BYTES_MAX: Final = 1 << 20


class RunningNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node of a running demo. `console` is its address with a token of this run."""

    party: str
    directory: str
    pid: int
    console: str
    restarts: int = 0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What runs. `ready` once both nodes take what is said; `failed` says why it ended by itself, if so."""

    pid: int
    sample: str
    speed: float
    ready: bool
    nodes: tuple[RunningNode, ...]
    failed: str = ""


class PlayedBefore(msgspec.Struct, frozen=True, kw_only=True):
    """Which run was begun last: notices of a run that was cut off are known by it."""

    sample: str
    hours: float
    run: str


@final
class DemoPlace:
    """One directory in which a demo runs or has run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "demo.log"
        self._lock = self.directory / "demo.lock"
        self._state = self.directory / "demo.json"

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Take the place for this process; False where another one has it."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _until(partial(_lock, descriptor), within_s=_LOCK_S)
        finally:
            os.close(descriptor)

    def is_taken(self) -> bool:
        """Say whether a demo runs here."""
        if not self._lock.exists():
            return False
        with self.taken() as ours:
            return not ours

    # --- what runs

    def running(self) -> Running | None:
        """Return what was last said to run here."""
        try:
            with self._state.open("rb") as file:
                return msgspec.json.decode(file.read(_STATE_BYTES_MAX), type=Running)
        except (OSError, msgspec.DecodeError):
            return None

    def tell(self, running: Running) -> None:
        """Say what runs here, for `demo --stop` and a second `demo`."""
        _replace(self._state, msgspec.json.encode(running))

    def forget(self) -> None:
        """Nothing runs here any more."""
        self._state.unlink(missing_ok=True)

    def played_before(self, sample: str) -> PlayedBefore | None:
        """Return which run of a sample was begun last."""
        try:
            return msgspec.json.decode(self._played(sample).read_bytes(), type=PlayedBefore)
        except (OSError, msgspec.DecodeError):
            return None

    def begin_run(self, played: PlayedBefore) -> None:
        """Keep which run begins."""
        _replace(self._played(played.sample), msgspec.json.encode(played))

    def _played(self, sample: str) -> Path:
        return self.directory / f"played-{sample}.json"

    # --- ending it

    def stop(self) -> bool:
        """End what runs here and wait until it has; False where nothing ran.

        Raises:
            Refusal: STOPPING where it does not end.
        """
        was_taken = self.is_taken()
        if was_taken and not _until(self._has_stopped):
            raise Refusal(RefusalCode.STOPPING, field="demo", found="it goes on", allowed="its end within 30 s")
        return self.end_left_over() or was_taken

    def _has_stopped(self) -> bool:
        """Ask whoever has the place to end, and say whether it has."""
        running = self.running()
        if running is not None and self.is_taken():
            with suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGTERM)
        return not self.is_taken()

    def end_left_over(self) -> bool:
        """End nodes whose player was killed; return whether there were any. The place is not taken by another."""
        running = self.running()
        left = [node for node in running.nodes if _is_node(node)] if running is not None else []
        for node in left:
            with suppress(ProcessLookupError):
                os.kill(node.pid, signal.SIGTERM)
        for node in left:
            if not _until(partial(_has_ended, node)):
                os.kill(node.pid, signal.SIGKILL)
        self.forget()
        return bool(left)


def _is_node(node: RunningNode) -> bool:
    """Say whether the process of that number is still this node, and not another one that got the number."""
    try:
        words = Path(f"/proc/{node.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in words and os.fsencode(node.directory) in words


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _has_ended(node: RunningNode) -> bool:
    return not _is_node(node)


def _until(holds: Callable[[], bool], *, within_s: float = STOP_S) -> bool:
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(_ROUND_S)
    return True


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)
