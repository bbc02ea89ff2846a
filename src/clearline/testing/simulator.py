"""Several nodes, a bad network, crashes and wrong clocks, from one seed (design.md §3).

What is stated and checked at every durable write, at every restart and at the end:

 * Safety: no two conflicting notices are both cleared, each at its owner's node, unless both owners have signed the
   same resolution. What conflicts is known to the simulator from how it made the notices, not from `sky`.
 * Durability: what a node has told anybody (an answer to a command, a chain length to a peer) survives any crash.
 * Replay: a restart gives the very state that the crash interrupted.
 * Once: no message stands twice in a log.
 * Liveness and convergence, after everything is mended: every notice has its receipts, every finding is at both
   owners, all nodes hold the same chains, and exactly the true conflicts are found.

A failure raises `SafetyViolation` with seed and virtual time; the same seed repeats it.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import final

from clearline.ledger.entry import Entry, parse_entry
from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.line_state import LineState
from clearline.line.node_state import NodeState
from clearline.line.reading import read_message
from clearline.line.records import NoticeRecord
from clearline.line.snapshot import digest_of
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member
from clearline.model.message import FindingKey
from clearline.model.refusal import Refusal
from clearline.model.rules import RuleSet
from clearline.node.exchange import ExchangeAnswer
from clearline.node.node import Node
from clearline.store.port import entries_from
from clearline.testing.memory_store import MemoryDisk, MemoryStore
from clearline.testing.simulated_network import NetworkFaults, Port, SimulatedNetwork, SimulatedTransport
from clearline.testing.simulated_ports import (
    SimulatedChance,
    SimulatedClock,
    SimulatedJournal,
    SimulatedSigner,
    SimulatedVerifier,
)
from clearline.testing.simulated_sky import Slot, slot_of
from clearline.testing.simulated_watch import Watch
from clearline.testing.virtual_loop import run_virtual

__all__ = ["Outcome", "SafetyViolation", "SimulatedNode", "Simulation", "simulate"]

LINE = "sim"
PARTITION = "log"
Terms = tuple[str | int | None, ...]
QUIET_S_MAX = 600.0
"""Virtual time after which a mended line must be quiet."""


class SafetyViolation(AssertionError):
    """Something that must never happen has happened. Carries seed and virtual time."""


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


@final
class SimulatedNode:
    """One party: its disk, which lasts, and its node, which may die and come back."""

    def __init__(self, party: str, simulation: Simulation, *, skew_ms: int) -> None:
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
        if not node.writer.settled.locked():
            self._interrupted = (node.writer.state.size, digest_of(node.writer.state))
        journal.dead = transport.dead = True
        node.abandon()
        self.disk.crash()
        self.node = self.store = None

    @property
    def line(self) -> LineState | None:
        """The durable line state, or None while down or before the line is adopted."""
        return self.node.writer.state.lines.get(LINE) if self.node is not None else None

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
        self.simulation.require(
            digest_of(self.replayed()) == digest_of(state), f"{self.party}: snapshot and tail differ from a full replay"
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


@dataclass(slots=True)
class _Plan:
    """What goes wrong in a run, drawn from its seed."""

    parties: int
    duration_s: float
    skew_ms_max: int
    crash_every_s: float
    cut_every_s: float
    faults: NetworkFaults
    cut_off_share: float
    skews: list[int] = field(default_factory=list)


def _plan(source: random.Random) -> _Plan:
    calm = source.random() < 0.1
    return _Plan(
        parties=source.choice((2, 2, 2, 3, 3, 4)),
        duration_s=source.uniform(15.0, 45.0),
        skew_ms_max=0 if calm else 300_000,
        crash_every_s=source.choice((4.0, 10.0, 30.0)),
        cut_every_s=source.choice((6.0, 15.0, 60.0)),
        cut_off_share=0.0 if source.random() < 0.7 else 0.05,
        faults=NetworkFaults()
        if calm
        else NetworkFaults(
            lost=source.choice((0.0, 0.05, 0.3)),
            doubled=source.choice((0.0, 0.1, 0.4)),
            delay_s_max=source.choice((0.02, 0.2, 1.5)),
            late=source.choice((0.0, 0.05, 0.2)),
        ),
    )


@final
class Simulation:
    """One run. `simulate` makes and runs it."""

    def __init__(self, seed: int, node_class: type[Node] = Node) -> None:
        self.seed = seed
        self.node_class = node_class
        self.source = random.Random(seed)
        self.plan = _plan(self.source)
        self.cut_off_share = self.plan.cut_off_share
        self.outcome = Outcome(seed=seed, parties=self.plan.parties)
        self.network = SimulatedNetwork(self.plan.faults, self.source)
        names = ["east", "north", "south", "west"][: self.plan.parties]
        self.agreement = LineAgreement(
            schema=AGREEMENT_SCHEMA,
            line_id=LINE,
            members=tuple(
                Member(party_id=name, public_key=SimulatedSigner(name).public_key.hex()) for name in sorted(names)
            ),
            rules=RuleSet(
                rule_id="threes",
                version=1,
                separation_lateral_m=5_556.0,
                separation_vertical_m=914.4,
                closer_ms_max=None,
            ),
        )
        self.nodes: dict[str, SimulatedNode] = {}
        self.violation: SafetyViolation | None = None
        self.restarts = 0
        """Workers of nodes that broke and were started again: none ever should."""

    def require(self, holds: bool, what: str) -> None:  # noqa: FBT001  # as `assert` takes it
        """Fail the run with everything that is needed to repeat it."""
        if holds:
            return
        now_s = asyncio.get_running_loop().time()
        violation = SafetyViolation(f"seed {self.seed}, {now_s:.3f} s: {what}")
        # Most checks run inside the node's own workers, which survive any exception: so it is kept as well.
        self.violation = self.violation or violation
        raise violation

    async def run(self) -> Outcome:
        """Let the parties work while things go wrong, then mend everything and look at what they hold."""
        for name in self.agreement.parties:
            skew = self.source.randint(-self.plan.skew_ms_max, self.plan.skew_ms_max)
            self.nodes[name] = SimulatedNode(name, self, skew_ms=skew)
            await self.nodes[name].start()
        async with asyncio.TaskGroup() as group:
            for node in self.nodes.values():
                group.create_task(Watch(node, self.source).work(self.plan.duration_s))
            group.create_task(self._crash_nodes())
            group.create_task(self._cut_network())
        await self._mend()
        await self._become_quiet()
        self._check_end()
        for node in self.nodes.values():
            node.kill()
        self.outcome.virtual_s = asyncio.get_running_loop().time()
        return self.outcome

    # --- what goes wrong

    def _time_left_s(self) -> float:
        return self.plan.duration_s - asyncio.get_running_loop().time()

    async def _crash_nodes(self) -> None:
        while True:
            await asyncio.sleep(self.source.expovariate(1.0 / self.plan.crash_every_s))
            if self._time_left_s() <= 0.0:
                return
            node = self.nodes[self.source.choice(self.agreement.parties)]
            if node.node is None:
                continue
            if self.source.random() < 0.3:
                await self._keep_snapshot(node)
            node.kill()
            self.outcome.crashes += 1
            await asyncio.sleep(self.source.choice((0.0, 0.5, 5.0)))
            await node.start()

    async def _keep_snapshot(self, node: SimulatedNode) -> None:
        if node.node is not None:
            await node.node.save_snapshot()

    async def _cut_network(self) -> None:
        while True:
            await asyncio.sleep(self.source.expovariate(1.0 / self.plan.cut_every_s))
            if self._time_left_s() <= 0.0:
                return
            if self.source.random() < 0.3:
                pair = self.source.sample(self.agreement.parties, 2)
                self.network.walls[(pair[0], pair[1])] = None
            else:
                self.network.cut({name: self.source.randint(0, 1) for name in self.agreement.parties})
            await asyncio.sleep(self.source.uniform(1.0, 15.0))
            self.network.cut({})
            self.network.walls = {}

    async def _mend(self) -> None:
        self.network.heal()
        self.cut_off_share = 0.0
        for node in self.nodes.values():
            if node.node is None:
                await node.start()
            if node.journal is not None:
                node.journal.cut_off_share = 0.0

    async def _become_quiet(self) -> None:
        deadline_s = asyncio.get_running_loop().time() + QUIET_S_MAX
        while not self._is_quiet():
            self.require(asyncio.get_running_loop().time() < deadline_s, f"not quiet: {self._unquiet()}")
            await asyncio.sleep(1.0)

    def _is_quiet(self) -> bool:
        lines = [node.line for node in self.nodes.values()]
        if any(line is None for line in lines):
            return False
        held = [line for line in lines if line is not None]
        lengths = [{party: chain.length for party, chain in line.chains.items()} for line in held]
        settled = all(not node.node.writer.settled.locked() for node in self.nodes.values() if node.node is not None)
        return (
            settled
            and all(one == lengths[0] for one in lengths)
            and not any(line.awaited or line.owed or line.untold for line in held)
        )

    def _unquiet(self) -> str:
        return "; ".join(
            f"{name} chains { {party: chain.length for party, chain in node.line.chains.items()} }"
            f" awaited {list(node.line.awaited)[:5]} owed {len(node.line.owed)} untold {len(node.line.untold)}"
            for name, node in self.nodes.items()
            if node.line is not None
        )

    # --- what must hold

    def check_safety(self, changed: SimulatedNode) -> None:
        """State the safety property for the node that has just written, against all others."""
        for other in self.nodes.values():
            if other is changed:
                continue
            for one_id, (one_version, one_slot) in changed.cleared.items():
                for other_id, (other_version, other_slot) in other.cleared.items():
                    if one_slot is None or other_slot is None or not one_slot.conflicts(other_slot):
                        continue
                    key = _key((changed.party, one_id, one_version), (other.party, other_id, other_version))
                    self.require(
                        self._signed_by_both(key),
                        f"conflict {one_slot}, {other_slot}: both cleared, {key}",
                    )

    def _signed_by_both(self, key: FindingKey) -> bool:
        one, other = (self.nodes[owner].signed for owner in (key.owner_a, key.owner_b))
        return any((key, terms) in other for signed_key, terms in one if signed_key == key)

    def _check_end(self) -> None:
        lines = {name: node.line for name, node in self.nodes.items()}
        pictures = {}
        for name, line in lines.items():
            if line is None:
                raise SafetyViolation(f"seed {self.seed}: {name} has no line at the end")
            digests = [read_message(entry.envelope).digest for entry in self.nodes[name].durable_entries()]
            self.require(len(digests) == len(set(digests)), f"{name} holds a message twice")
            pictures[name] = self._current_findings(line)
            self._check_found(name, line)
            self._check_acknowledged(name, line)
        first = next(iter(pictures))
        for name, picture in pictures.items():
            self.require(picture == pictures[first], f"{name} and {first} hold different findings")
        self.outcome.conflicts = len(pictures[first])
        self.outcome.resolved = sum(resolved for _, resolved in pictures[first].values())
        self.outcome.cleared = sum(len(node.cleared) for node in self.nodes.values())

    def _current_findings(self, line: LineState) -> dict[FindingKey, tuple[str, bool]]:
        return {
            key: (finding.severity.value, finding.resolved)
            for key, finding in line.findings.items()
            if not line.is_gone(key) and finding.reports
        }

    def _check_found(self, name: str, line: LineState) -> None:
        current = [record for record in line.notices.values() if not record.ended]
        for place, one in enumerate(current):
            for other in current[:place]:
                if one.owner == other.owner:
                    continue
                key = _key(_named(one), _named(other))
                found = key in line.findings and bool(line.findings[key].reports)
                slots = slot_of(one.notice), slot_of(other.notice)
                true = slots[0] is not None and slots[1] is not None and slots[0].conflicts(slots[1])
                self.require(found == true, f"{name}: {key} is a conflict: {true}, was found: {found}")

    def _check_acknowledged(self, name: str, line: LineState) -> None:
        for record in line.notices.values():
            if record.owner != name or record.ended:
                continue
            for party in line.others:
                receipt = record.receipts.get(party)
                self.require(
                    receipt is not None and receipt.version == record.notice.version,
                    f"{name} {record.notice.notice_id[:8]} has no receipt of {party} when all is quiet",
                )


def _named(record: NoticeRecord) -> tuple[str, str, int]:
    return record.owner, record.notice.notice_id, record.notice.volumes_version


def _key(one: tuple[str, str, int], other: tuple[str, str, int]) -> FindingKey:
    first, second = sorted((one, other))
    return FindingKey(
        owner_a=first[0],
        notice_a=first[1],
        volumes_version_a=first[2],
        owner_b=second[0],
        notice_b=second[1],
        volumes_version_b=second[2],
    )


def simulate(seed: int, node_class: type[Node] = Node) -> Outcome:
    """Run one seed; raises `SafetyViolation` where anything that must hold does not."""

    async def main() -> Outcome:
        simulation = Simulation(seed, node_class)
        try:
            outcome = await simulation.run()
        finally:
            if simulation.violation is not None:
                raise simulation.violation
        restarts = simulation.restarts
        if restarts:
            raise SafetyViolation(f"seed {seed}: {restarts} workers broke: a bug in the node, see its log")
        return outcome

    try:
        return run_virtual(main())
    except ExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
