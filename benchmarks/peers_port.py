"""What every peer in `sky_peers` offers, so that all are measured by the same code.

A peer either yields candidates, which `peers_exact` decides, or decides itself on a plane or a sphere of its own
(`decides`): then its answer is compared with the exact one, and what it misses is counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from benchmarks.peers_exact import Held, Mask
from benchmarks.sky_workload import Ints, SkyArrays

PairsOf = Callable[[int, int], tuple[Ints, Ints]]


class Peer(ABC):
    """One engine, held in this process or behind it."""

    name: str
    how: str
    """What is used of it, in a line."""
    decides = False
    """Its own answer counts; nothing of ours comes after."""
    rebuilds = False
    """It cannot change: an insert or delete is a new load."""

    def __init__(self, held: Held, asked: Held) -> None:
        self.held, self.asked = held, asked

    @abstractmethod
    def load(self) -> None:
        """Take all that is held, in one go."""

    @abstractmethod
    def ask(self, question: int) -> Ints:
        """Return what may meet a question."""

    @abstractmethod
    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        """Return pairs (a, b), a < b, of what may meet, for each a of [start, stop)."""

    def ask_all(self) -> tuple[Ints, Ints] | None:
        """Return (question, volume) of all that may meet, by the library's call for many; None where it has none."""
        return None

    def insert(self, question: int) -> None:
        """Hold a question too, under the number that follows those of what is held."""

    def delete(self, number: int) -> None:
        """Forget a volume."""

    def bytes_beside(self) -> int:
        """Return the bytes it holds outside this process."""
        return 0

    def judge(self, first: SkyArrays, second: SkyArrays) -> Mask:
        """Tell of each k, by its own means alone, whether outline k of the one meets outline k of the other."""
        raise NotImplementedError(self.name)

    def close(self) -> None:
        """Let go of what it has outside this process."""

    def version(self) -> str:
        """Return which release this is."""
        return ""


def overlapping(peer: Peer, question: int, near: Ints) -> Ints:
    """Return those whose heights and times meet those of a question: for an index on a map alone."""
    low, high = peer.held.boxes.low[near], peer.held.boxes.high[near]
    of_low, of_high = peer.asked.boxes.low[question], peer.asked.boxes.high[question]
    keep = (low[:, 4] <= of_high[4]) & (high[:, 4] >= of_low[4]) & (low[:, 3] <= of_high[3]) & (high[:, 3] >= of_low[3])
    return near[keep]


def overlapping_pairs(asking: Held, a: Ints, held: Held, b: Ints) -> tuple[Ints, Ints]:
    """Return those pairs (volume of `asking`, volume of `held`) whose heights and times meet."""
    of_low, of_high = asking.boxes.low, asking.boxes.high
    low, high = held.boxes.low, held.boxes.high
    for axis in (4, 3):
        keep = (of_low[a, axis] <= high[b, axis]) & (of_high[a, axis] >= low[b, axis])
        a, b = a[keep], b[keep]
    return a, b


def once(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Return pairs sorted, each once."""
    both = np.unique(a * (1 << 32) + b)
    return both >> 32, both & ((1 << 32) - 1)
