"""A node's ports in a simulation: a skewed clock, seeded chance, cheap signatures, and a journal that can die.

Rules
 * A dead node reaches nothing: its journal and its network raise `Dead`, whatever its tasks still do.
 * An append has a moment before and a moment after it is durable; a crash can fall into either.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import uuid
from collections.abc import Sequence
from typing import final

from clearline.store.port import NewEntry, Snapshot, Store, StoredEntry, StoreIndeterminate

__all__ = ["Dead", "SimulatedChance", "SimulatedClock", "SimulatedJournal", "SimulatedSigner", "SimulatedVerifier"]

EPOCH_MS = 1_600_000_000_000
"""When simulations begin: 13 September 2020."""


class Dead(BaseException):
    """The node has been killed; nothing of it goes on."""


@final
class SimulatedClock:
    """The loop's virtual time, wrong by a fixed amount."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, skew_ms: int) -> None:
        self._loop = loop
        self.skew_ms = skew_ms

    def now_ms(self) -> int:
        """Return what this node believes to be the time."""
        return EPOCH_MS + self.skew_ms + int(self._loop.time() * 1_000)


@final
class SimulatedChance:
    """Chance that a seed repeats."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def new_id(self) -> str:
        """Return a UUID from the seeded source."""
        return str(uuid.UUID(int=self._source.getrandbits(128), version=4))

    def fraction(self) -> float:
        """Return a number from 0 up to 1."""
        return self._source.random()


def _secret(public_key: bytes) -> bytes:
    return hashlib.sha256(b"simulated" + public_key).digest()


@final
class SimulatedSigner:
    """Signs with a keyed hash: thousands of runs cannot pay for Ed25519. Worth nothing outside a simulation."""

    def __init__(self, name: str) -> None:
        self._public_key = hashlib.sha256(name.encode()).digest()

    @property
    def public_key(self) -> bytes:
        """The name that stands in agreements."""
        return self._public_key

    def sign(self, data: bytes) -> bytes:
        """Return 64 bytes that only holders of this module can make."""
        return hmac.digest(_secret(self._public_key), data, "sha512")


@final
class SimulatedVerifier:
    """Checks what `SimulatedSigner` signs."""

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        """Return True IFF the signature fits."""
        return hmac.compare_digest(hmac.digest(_secret(public_key), data, "sha512"), signature)


@final
class SimulatedJournal:
    """A journal over any store, with time passing before and after each write, and failures on request."""

    def __init__(self, store: Store, partition: str, source: random.Random) -> None:
        self._store = store
        self._partition = partition
        self._source = source
        self.dead = False
        self.cut_off_share = 0.0
        """How many appends end as indeterminate, although they may have happened."""

    async def head(self) -> int:
        """Return the number of entries."""
        self._alive()
        return self._store.head(self._partition)

    async def append(self, expected: int, entries: Sequence[NewEntry]) -> None:
        """Add entries; the node may die before or after they are durable."""
        await self._pass_time()
        cut_off = self._source.random() < self.cut_off_share
        if not cut_off or self._source.random() < 0.5:
            self._store.append(self._partition, expected, entries)
        if cut_off:
            raise StoreIndeterminate(self._partition, expected=expected, why="simulated")
        await self._pass_time()

    async def find(self, request_id: str) -> int | None:
        """Return where an entry stands."""
        self._alive()
        return self._store.find(self._partition, request_id)

    async def read(self, start: int, limit: int) -> list[StoredEntry]:
        """Return a page of entries."""
        self._alive()
        return self._store.read(self._partition, start, limit)

    async def latest_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot."""
        self._alive()
        return self._store.latest_snapshot(self._partition)

    async def save_snapshot(self, sequence: int, body: bytes) -> None:
        """Keep a snapshot."""
        self._alive()
        self._store.save_snapshot(self._partition, sequence, body)

    def _alive(self) -> None:
        if self.dead:
            raise Dead

    async def _pass_time(self) -> None:
        self._alive()
        await asyncio.sleep(self._source.random() * 0.02)
        self._alive()
