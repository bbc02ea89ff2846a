"""What a node needs from outside: time, chance, a log, and a way to its peers. Simulations give their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clearline.node.exchange import Exchange, ExchangeAnswer
from clearline.store.port import NewEntry, Snapshot, StoredEntry

__all__ = ["Chance", "Clock", "Journal", "PeerTransport", "PeerUnreachable"]


class Clock(Protocol):
    """UTC as this node believes it to be. Waiting is the event loop's business, not the clock's."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""
        ...


class Chance(Protocol):
    """The only source of randomness."""

    def new_id(self) -> str:
        """Return a fresh UUID in lower case."""
        ...

    def fraction(self) -> float:
        """Return a number from 0 up to 1, to spread retries."""
        ...


class Journal(Protocol):
    """One node's log: `store.port.Store` for one partition, without blocking the loop."""

    async def head(self) -> int:
        """Return the number of entries."""
        ...

    async def append(self, expected: int, entries: Sequence[NewEntry]) -> None:
        """Add entries durably at `expected`; raises as `Store.append`."""
        ...

    async def find(self, request_id: str) -> int | None:
        """Return where the entry with this request id stands, or None."""
        ...

    async def read(self, start: int, limit: int) -> list[StoredEntry]:
        """Return a page of entries; an empty one is the end."""
        ...

    async def latest_snapshot(self) -> Snapshot | None:
        """Return the newest good snapshot, or None."""
        ...

    async def save_snapshot(self, sequence: int, body: bytes) -> None:
        """Keep a snapshot."""
        ...


class PeerUnreachable(Exception):  # not an error: the line is down, which the loop is made for
    """The peer did not answer, or not in time, or with something that is not an answer."""


class PeerTransport(Protocol):
    """The way to one peer."""

    async def exchange(self, peer: str, request: Exchange) -> ExchangeAnswer:
        """Hand over envelopes and bring back what is missing.

        Raises:
            PeerUnreachable: nothing is known of what arrived; ask again.
            Refusal: the peer refused the request as a whole.
        """
        ...
