"""One party of a simulation: a disk that lasts, a node that dies and comes back, and what it has told others.

What is checked at every restart: what the node has told anybody is still there, and the state is the very one that the
log alone gives, and that the crash interrupted.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Protocol, final

from clearline.ledger.entry import Entry, parse_entry
from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.line_state import LineState
from clearline.line.node_state import NodeState
from clearline.line.snapshot import digest_of
from clearline.model.agreement import LineAgreement
from clearline.model.message import FindingKey
from clearline.model.refusal import Refusal
from clearline.node.exchange import ExchangeAnswer
from clearline.node.node import Node
from clearline.store.port import entries_from
from clearline.testing.memory_store import MemoryDisk, MemoryStore
from clearline.testing.simulated_network import Port, SimulatedNetwork, SimulatedTransport
from clearline.testing.simulated_ports import (
    SimulatedChance,
    SimulatedClock,
    SimulatedJournal,
    SimulatedSigner,
    SimulatedVerifier,
)
from clearline.testing.simulated_sky import Slot, slot_of

__all__ = ["LINE", "Outcome", "SimulatedNode", "Terms", "World"]

LINE = "sim"
PARTITION = "log"
FULL_REPLAYS = 0.25
"""After how many restarts the whole log is replayed and compared: it costs more than all the rest of a restart."""
Terms = tuple[str | int | None, ...]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run saw: a run in which nothing happened proves nothing."""

    seed: int
    parties: int
    crashes: int = 0
    commits: int = 0
    said: int = 0
    refused: int = 0
    cleared: int = 0
    conflicts: int = 0
    resolved: int = 0
    virtual_s: float = 0.0


class World(Protocol):
    """What a simulated node needs of the run that it is part of."""

    source: random.Random
    agreement: LineAgreement
    network: SimulatedNetwork
    node_class: type[Node]
    outcome: Outcome
    cut_off_share: float
    restarts: int

    def require(self, holds: bool, what: str) -> None:  # noqa: FBT001  # as `assert` takes it
        """Fail the run unless `holds`."""
        ...

    def check_safety(self, changed: SimulatedNode) -> None:
        """State the safety property for a node that has just written."""
        ...


@final
class SimulatedNode:
    """One party: its disk, which lasts, and its node, which may die and come back."""

    def __init__(self, party: str, simulation: World, *, skew_ms: int) -> None:
        self.party = party
        self.simulation = simulation
        self.signer = SimulatedSigner(party)
        self.clock = SimulatedClock(asyncio.get_running_loop(), skew_ms=skew_ms)
        self.disk = MemoryDisk()
        self.store: MemoryStore | None = None
        self.node: Node | None = None
        self.journal: SimulatedJournal | None = None
        self.transport: SimulatedTransport | None = None
        self.shown: dict[str, int] = {}
        """The greatest chain lengths that this node has claimed towards others."""
        self.promised: dict[int, str] = {}
        """Log indexes that a command was answered with, and what was said."""
        self.cleared: dict[str, tuple[int, Slot | None]] = {}
        """Own notices that the desk has seen cleared, with the version of their volumes; it acts on these."""
        self.signed: dict[tuple[FindingKey, Terms], None] = {}
        """Resolutions that this party has durably signed, ever."""
        self._interrupted: tuple[int, str] | None = None
        """Size and digest of the state when the node was last killed between two writes."""

    async def start(self) -> None:
        """Start a node on the disk as it is, again and again where the disk refuses, as a supervisor would."""
        while True:
            try:
                await self._start()
            except Refusal:
                self.kill()
                await asyncio.sleep(1.0)
            else:
                return

    async def _start(self) -> None:
        simulation = self.simulation
        source = simulation.source
        self.store = MemoryStore(self.disk)
        self.journal = SimulatedJournal(self.store, PARTITION, source)
        self.journal.cut_off_share = simulation.cut_off_share
        self.transport = SimulatedTransport(
            simulation.network, own=self.party, agreement=simulation.agreement, signer=self.signer
        )
        node = simulation.node_class(
            own=self.party,
            agreements=(simulation.agreement,),
            journal=self.journal,
            clock=self.clock,
            chance=SimulatedChance(source),
            signer=self.signer,
            verifier=SimulatedVerifier(),
            transport=self.transport,
            observe=self._committed,
        )
        self.node = node
        await node.start()
        self._check_restart(node)
        simulation.network.open(
            Port(
                party=self.party,
                agreement=simulation.agreement,
                clock=self.clock,
                signer=self.signer,
                verifier=SimulatedVerifier(),
                receive=node.receive,
                answered=self._answered,
            )
        )

    def kill(self) -> None:
        """End the node without warning, as kill -9 or a power cut does."""
        node, journal, transport = self.node, self.journal, self.transport
        if node is None or journal is None or transport is None:
            return
        self.simulation.restarts += node.restarts
        self.simulation.network.shut(self.party)
        if node.loaded and not node.writer.settled.locked():
            self._interrupted = (node.writer.state.size, digest_of(node.writer.state))
        journal.dead = transport.dead = True
        node.abandon()
        self.disk.crash()
        self.node = self.store = None

    @property
    def line(self) -> LineState | None:
        """The durable line state, or None while down or before the line is adopted."""
        if self.node is None or not self.node.loaded:
            return None
        return self.node.writer.state.lines.get(LINE)

    def _answered(self, answer: ExchangeAnswer) -> None:
        for party, length in answer.head.have.items():
            self.shown[party] = max(self.shown.get(party, 0), length)

    def _check_restart(self, node: Node) -> None:
        state = node.writer.state
        line = state.lines.get(LINE)
        for party, length in self.shown.items():
            held = line.chains[party].length if line is not None else 0
            self.simulation.require(held >= length, f"{self.party} told of {length} of {party}, came back with {held}")
        for index in self.promised:
            self.simulation.require(
                index < state.size, f"{self.party} answered entry {index}, came back with {state.size}"
            )
        if self.simulation.source.random() < FULL_REPLAYS:
            self.simulation.require(
                digest_of(self.replayed()) == digest_of(state),
                f"{self.party}: snapshot and tail differ from a full replay",
            )
        # Where the node had nothing to say while starting, it is also the state that the crash interrupted.
        if self._interrupted is not None and self._interrupted[0] == state.size:
            self.simulation.require(
                self._interrupted[1] == digest_of(state), f"{self.party}: the state after the restart is another one"
            )

    def durable_entries(self) -> list[Entry]:
        """Return everything in the durable log."""
        store = self.store or MemoryStore(self.disk)
        found = [parse_entry(one.sequence, one.body) for one in entries_from(store, PARTITION, 0)]
        if store is not self.store:
            store.close()
        return found

    def replayed(self) -> NodeState:
        """Return the state that the durable log alone gives."""
        state = NodeState(self.party)
        for entry in self.durable_entries():
            state.replay(entry)
        return state

    def _committed(self, node: Node) -> None:
        if node is not self.node:
            return
        self.simulation.outcome.commits += 1
        line = node.writer.state.lines.get(LINE)
        if line is None:
            return
        self.cleared = {
            record.notice.notice_id: (record.notice.volumes_version, slot_of(record.notice))
            for record in line.notices.values()
            if record.owner == self.party and notice_status(line, record) is NoticeStatus.CLEARED
        }
        for finding in line.findings.values():
            fact = finding.resolutions.get(self.party)
            if fact is not None:
                self.signed[(finding.key, fact.resolution.terms)] = None
        self.simulation.check_safety(self)
