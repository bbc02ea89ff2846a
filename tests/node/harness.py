"""Nodes in virtual time on memory disks, wired to each other directly: for tests of the writer and of peers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from clearline.line.line_state import LineState
from clearline.model.agreement import LineAgreement
from clearline.node.exchange import Exchange, ExchangeAnswer
from clearline.node.node import Node
from clearline.node.ports import PeerUnreachable
from clearline.testing.memory_store import MemoryDisk, MemoryStore
from clearline.testing.simulated_ports import (
    SimulatedChance,
    SimulatedClock,
    SimulatedJournal,
    SimulatedSigner,
    SimulatedVerifier,
)
from tests.line.desks import LINE


class Wire:
    """Carries exchanges straight to the other node; `cut` stops it, `spoil` changes what is carried."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.cut = False
        self.carried = 0
        self.spoil: Callable[[Exchange], Exchange] = lambda request: request

    async def exchange(self, peer: str, request: Exchange) -> ExchangeAnswer:
        await asyncio.sleep(0.001)
        if self.cut or peer not in self.nodes:
            raise PeerUnreachable("cut")
        self.carried += 1
        return await self.nodes[peer].receive(self.spoil(request))


class Post:
    """One party: a disk that stays, and the node on it."""

    def __init__(self, party: str, agreed: LineAgreement, wire: Wire, *, disk: MemoryDisk | None = None) -> None:
        self.party = party
        self.disk = disk or MemoryDisk()
        self.journal = SimulatedJournal(MemoryStore(self.disk), "log", random.Random(1))
        self.wire = wire
        self.node = Node(
            own=party,
            agreements=(agreed,),
            journal=self.journal,
            clock=SimulatedClock(asyncio.get_running_loop(), skew_ms=0),
            chance=SimulatedChance(random.Random(party)),
            signer=SimulatedSigner(party),
            verifier=SimulatedVerifier(),
            transport=wire,
        )

    async def start(self) -> Post:
        await self.node.start()
        self.wire.nodes[self.party] = self.node
        return self

    def crash(self) -> None:
        self.wire.nodes.pop(self.party, None)
        self.journal.dead = True
        self.node.abandon()
        self.disk.crash()

    @property
    def line(self) -> LineState:
        return self.node.writer.state.line(LINE)


async def until(holds: Callable[[], bool], *, virtual_s: float = 300.0) -> None:
    """Let virtual time pass until something holds."""
    deadline_s = asyncio.get_running_loop().time() + virtual_s
    while not holds():
        assert asyncio.get_running_loop().time() < deadline_s, "it never came to hold"
        await asyncio.sleep(0.05)
