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

from clearline.line.line_state import LineState
from clearline.line.reading import read_message
from clearline.line.records import NoticeRecord
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member
from clearline.model.message import FindingKey
from clearline.model.rules import RuleSet
from clearline.node.node import Node
from clearline.testing.simulated_network import NetworkFaults, SimulatedNetwork
from clearline.testing.simulated_node import LINE, Outcome, SimulatedNode
from clearline.testing.simulated_ports import (
    SimulatedSigner,
)
from clearline.testing.simulated_sky import slot_of
from clearline.testing.simulated_watch import Watch
from clearline.testing.virtual_loop import run_virtual

__all__ = ["Outcome", "SafetyViolation", "SimulatedNode", "Simulation", "simulate"]

QUIET_S_MAX = 600.0
"""Virtual time after which a mended line must be quiet."""


class SafetyViolation(AssertionError):
    """Something that must never happen has happened. Carries seed and virtual time."""


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
        up = [node.node for node in self.nodes.values() if node.node is not None and node.node.loaded]
        settled = not any(node.writer.settled.locked() for node in up)
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
