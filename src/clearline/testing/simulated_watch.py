"""A watch officer in a simulation: declares, changes, reads back, resolves, and asks again if nothing is answered."""

from __future__ import annotations

import asyncio
import random
from typing import final

from clearline.line.line_state import LineState
from clearline.line.records import NoticeRecord
from clearline.model.identity import AircraftClass, Role
from clearline.model.message import (
    Activate,
    AreaAmend,
    AreaCancel,
    AreaNotice,
    Body,
    Noted,
    ReadBack,
    ReasonCode,
    Release,
    Resolution,
    ResolutionCode,
)
from clearline.model.notice import NoticeState
from clearline.model.refusal import Refusal
from clearline.testing.simulated_node import LINE, SimulatedNode
from clearline.testing.simulated_ports import Dead, SimulatedChance
from clearline.testing.simulated_sky import random_slot, volume_in

__all__ = ["Watch"]

ANSWER_S_MAX = 5.0
"""When a client gives up waiting for its node."""


@final
class Watch:
    """One desk. It acts on what its node shows, at random."""

    def __init__(self, desk: SimulatedNode, source: random.Random) -> None:
        self._desk = desk
        self._source = source
        self._chance = SimulatedChance(source)

    async def work(self, duration_s: float) -> None:
        """Say something every now and then until the time is over."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._source.expovariate(1.0 / 2.0))
            if loop.time() > duration_s:
                return
            line = self._desk.line
            if line is None:
                continue
            body = self._something(line)
            if body is not None:
                await self._say(body)
                if self._source.random() < 0.1:
                    await self._say(body)  # A client that lost the answer asks again.

    async def _say(self, body: Body) -> None:
        node, outcome = self._desk.node, self._desk.simulation.outcome
        if node is None:
            return
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                said = await node.say(LINE, body, Role.WATCH)
        except (Refusal, TimeoutError, Dead):
            outcome.refused += 1
            return
        if node is not self._desk.node:
            return  # The answer came out of a node that has been killed: nobody saw it.
        outcome.said += 1
        if said.log_index is not None:
            self._desk.promised[said.log_index] = type(body).__name__

    def _something(self, line: LineState) -> Body | None:
        own = [record for record in line.notices.values() if record.owner == line.own and not record.ended]
        others = [record for record in line.notices.values() if record.owner != line.own and not record.ended]
        draw = self._source.random()
        if draw < 0.40 or not own:
            return self._declare()
        if draw < 0.55:
            return self._change(self._source.choice(own))
        if draw < 0.70 and others:
            return self._read(line, self._source.choice(others))
        return self._resolve(line)

    def _declare(self) -> AreaNotice:
        return AreaNotice(
            notice_id=self._chance.new_id(),
            aircraft_class=self._source.choice(list(AircraftClass)),
            priority=0,
            volumes=tuple(volume_in(cell) for cell in sorted(random_slot(self._source).cells)),
        )

    def _change(self, record: NoticeRecord) -> Body:
        notice = record.notice
        version = notice.version + 1
        draw = self._source.random()
        if draw < 0.4:
            return AreaAmend(
                notice_id=notice.notice_id,
                version=version,
                aircraft_class=notice.aircraft_class,
                priority=notice.priority,
                volumes=tuple(volume_in(cell) for cell in sorted(random_slot(self._source).cells)),
                reason=ReasonCode.CHANGE_OF_PLAN,
            )
        if draw < 0.7 and notice.state is NoticeState.ACCEPTED:
            return Activate(notice_id=notice.notice_id, version=version)
        if draw < 0.8 and len(notice.volumes) > 1:
            return Release(notice_id=notice.notice_id, version=version, volumes=(0,))
        if draw < 0.9:
            return Release(notice_id=notice.notice_id, version=version)
        return AreaCancel(notice_id=notice.notice_id, version=version, reason=ReasonCode.COMPLETED)

    def _read(self, line: LineState, record: NoticeRecord) -> Body:
        version = record.notice.version
        read = record.read_backs.get(line.own)
        if read is not None and read.version == version and read.wrong_field is None:
            return Noted(owner=record.owner, notice_id=record.notice.notice_id, version=version)
        return ReadBack(
            owner=record.owner,
            notice_id=record.notice.notice_id,
            version=version,
            fields=record.fields[version],
        )

    def _resolve(self, line: LineState) -> Resolution | None:
        mine = [
            finding
            for finding in line.findings.values()
            if line.own in (finding.key.owner_a, finding.key.owner_b) and not line.is_gone(finding.key)
        ]
        if not mine:
            return None
        unresolved = [finding for finding in mine if not finding.resolved]
        finding = self._source.choice(unresolved if unresolved and self._source.random() < 0.8 else mine)
        proposed = [fact.resolution for party, fact in finding.resolutions.items() if party != line.own]
        if proposed and self._source.random() < 0.8:
            return proposed[0]
        key = finding.key
        return Resolution(
            finding=key,
            code=ResolutionCode.TIME_SEQUENCE,
            first_party=self._source.choice((key.owner_a, key.owner_b)),
        )
