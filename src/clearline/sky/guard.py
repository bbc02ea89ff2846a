"""Who may touch the arrays of a `Sky`: any number of readers, or one writer.

Kernels release the interpreter lock, so threads really run side by side; without this a reader could follow a bucket
that a writer is moving. A waiting writer is served before readers that come after it.
"""

from __future__ import annotations

from threading import Condition, Lock
from typing import final

__all__ = ["Guard"]


@final
class Guard:
    """`read_in`/`read_out` and `write_in`/`write_out`, each pair around `try … finally`. Not re-entrant."""

    __slots__ = ("_door", "_idle", "_readers")

    def __init__(self) -> None:
        self._door = Lock()
        self._idle = Condition(Lock())
        self._readers = 0

    def read_in(self) -> None:
        """Wait for the writer, if there is one, and keep the next one out."""
        with self._door, self._idle:
            self._readers += 1

    def read_out(self) -> None:
        """Let a writer in, if this was the last reader."""
        with self._idle:
            self._readers -= 1
            if self._readers == 0:
                self._idle.notify()

    def write_in(self) -> None:
        """Keep new readers out and wait until those inside have gone."""
        self._door.acquire()
        with self._idle:
            while self._readers:
                self._idle.wait()

    def write_out(self) -> None:
        """Let others in."""
        self._door.release()
