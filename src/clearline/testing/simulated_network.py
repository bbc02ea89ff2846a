"""A network that loses, doubles, delays and reorders exchanges, and that can be cut in parts.

Rules
 * A request whose asker has given up may still arrive, later, twice, or after newer ones.
 * Bytes travel, not objects: both ends seal and open as real doors do.
 * A cut holds in both directions; `one_way` walls stop requests in one direction, whose answers to others still pass.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import final

from clearline.ledger.keys import Signer, Verifier
from clearline.model.agreement import LineAgreement
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.exchange import (
    Exchange,
    ExchangeAnswer,
    open_answer,
    open_exchange,
    seal_answer,
    seal_exchange,
)
from clearline.node.ports import PeerUnreachable
from clearline.testing.simulated_ports import Dead, SimulatedClock, SimulatedVerifier

__all__ = ["NetworkFaults", "Port", "SimulatedNetwork", "SimulatedTransport"]

ASKER_TIMEOUT_S = 2.0
"""When an asker gives up. Shorter than the slowest delivery, so that late ones exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFaults:
    """How bad the network is: shares from 0 to 1, delays in seconds."""

    lost: float = 0.0
    doubled: float = 0.0
    delay_s_max: float = 0.05
    late: float = 0.0
    late_s_max: float = 20.0


@dataclass(slots=True, kw_only=True)
class Port:
    """Where a node can be reached, for as long as it lives."""

    party: str
    agreement: LineAgreement
    clock: SimulatedClock
    signer: Signer
    verifier: Verifier
    receive: Callable[[Exchange], Awaitable[ExchangeAnswer]]
    answered: Callable[[ExchangeAnswer], None]
    """Told to the simulator: what a node has claimed to hold."""


@final
class SimulatedNetwork:
    """All nodes' ports, and what lies between them."""

    def __init__(self, faults: NetworkFaults, source: random.Random) -> None:
        self.faults = faults
        self._source = source
        self._ports: dict[str, Port] = {}
        self._sides: dict[str, int] = {}
        self.walls: dict[tuple[str, str], None] = {}
        self._under_way: dict[asyncio.Task[None], None] = {}

    def open(self, port: Port) -> None:
        """Make a node reachable."""
        self._ports[port.party] = port

    def shut(self, party: str) -> None:
        """Make a node unreachable: it is down."""
        self._ports.pop(party, None)

    def cut(self, sides: dict[str, int]) -> None:
        """Let only parties of the same side reach each other; an empty table mends everything."""
        self._sides = sides

    def heal(self) -> None:
        """Mend everything: no cut, no wall, no fault."""
        self._sides = {}
        self.walls = {}
        self.faults = NetworkFaults()

    async def carry(self, asker: str, to: str, request: bytes) -> bytes:
        """Carry one exchange.

        Raises:
            PeerUnreachable: after a while, whatever happened to the request.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | Refusal] = loop.create_future()
        copies = 2 if self._chance(self.faults.doubled) else 1
        for _ in range(copies):
            if not self._chance(self.faults.lost):
                task = loop.create_task(self._deliver(asker, to, request, answer, self._delay_s()))
                self._under_way[task] = None
                task.add_done_callback(lambda done: self._under_way.pop(done, None))
        try:
            async with asyncio.timeout(ASKER_TIMEOUT_S):
                outcome = await answer
        except TimeoutError:
            raise PeerUnreachable(f"no answer from {to}") from None
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _deliver(
        self, asker: str, to: str, request: bytes, answer: asyncio.Future[bytes | Refusal], delay_s: float
    ) -> None:
        await asyncio.sleep(delay_s)
        port = self._ports.get(to)
        if port is None or not self._reachable(asker, to):
            return
        outcome = await _serve(port, request)
        if self._ports.get(to) is not port:
            return  # It died meanwhile; what its tasks still did reaches nobody.
        if outcome is None or self._chance(self.faults.lost):
            return
        await asyncio.sleep(self._delay_s())
        if not answer.done() and self._sides.get(asker) == self._sides.get(to):
            answer.set_result(outcome)

    def _reachable(self, asker: str, to: str) -> bool:
        return self._sides.get(asker) == self._sides.get(to) and (asker, to) not in self.walls

    def _chance(self, share: float) -> bool:
        return share > 0.0 and self._source.random() < share

    def _delay_s(self) -> float:
        late = self._chance(self.faults.late)
        return self._source.random() * (self.faults.late_s_max if late else self.faults.delay_s_max)


async def _serve(port: Port, source: bytes) -> bytes | Refusal | None:
    """Do what a real door does with a request; None where the node died over it."""
    try:
        request = open_exchange(
            source,
            own=port.party,
            agreement=port.agreement,
            verifier=port.verifier,
            now_ms=port.clock.now_ms(),
        )
        answer = await port.receive(request)
    except Refusal as refusal:
        return refusal
    except (Dead, asyncio.CancelledError):
        return None
    port.answered(answer)
    return seal_answer(answer, port.signer)


@final
class SimulatedTransport:
    """One node's way out."""

    def __init__(self, network: SimulatedNetwork, *, own: str, agreement: LineAgreement, signer: Signer) -> None:
        self._network = network
        self._own = own
        self._agreement = agreement
        self._signer = signer
        self.dead = False

    async def exchange(self, peer: str, request: Exchange) -> ExchangeAnswer:
        """Carry an exchange over the simulated network."""
        if self.dead:
            raise Dead
        try:
            source = await self._network.carry(self._own, peer, seal_exchange(request, self._signer))
        except Refusal as refusal:
            if refusal.code in {RefusalCode.STOPPING, RefusalCode.STORE_UNAVAILABLE, RefusalCode.OVERLOADED}:
                raise PeerUnreachable(str(refusal)) from None
            raise
        return open_answer(source, request.head, agreement=self._agreement, verifier=SimulatedVerifier())
