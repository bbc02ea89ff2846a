"""The simulated watch: a script that sits at a desk, reads back, notes, and signs ways out of findings.

Rules
 * Everything it prints is marked "(simulated watch)": no human has read anything.
 * It takes its time as a human would, and leaves a part undone, so that the page shows every status and a visitor
   finds work. What it does about a notice or a finding is drawn from its id: the same in every run of these ids.
 * Terms that a visitor signs at one console are signed by the simulated watch of the other side.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import itertools
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, final

import msgspec

from clearline.doors.cli.demo_desk import DemoDesk, Teller
from clearline.doors.cli.references import notice_path
from clearline.doors.cli.tables import terms_text, window_text
from clearline.doors.cli.told import (
    FindingTold,
    NoticeTold,
    PictureTold,
    finding_reference,
    reference_of,
)
from clearline.model.refusal import Refusal, shown

__all__ = ["Signed", "SimulatedWatch"]

_ROUND_S: Final = 0.7
_DELAY_S: Final = (3.0, 9.0)
"""How long it thinks at 10 times the speed of the flights; longer when they are slower, shorter when faster."""
_DELAY_FACTOR_MAX: Final = 8.0
_SPEED_USUAL: Final = 10.0
_MARK: Final = "(simulated watch)"
_FREQUENCY_KHZ: Final = 122_925

_Work = Callable[[], Awaitable[None]]


@final
class Signed:
    """What both simulated watches know together: findings told, and those that they began to resolve themselves."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.begun: set[str] = set()


def _draw(*words: object) -> float:
    """Return a number from 0 up to 100 that these words always give."""
    digest = hashlib.sha256("\n".join(str(word) for word in words).encode()).digest()
    return int.from_bytes(digest[:4], "big") / (1 << 32) * 100.0


@final
class SimulatedWatch:
    """One party's simulated watch."""

    def __init__(self, desk: DemoDesk, signed: Signed, tell: Teller, *, speed: float) -> None:
        self._desk = desk
        self._signed = signed
        self._tell = tell
        self._factor = min(_SPEED_USUAL / speed, _DELAY_FACTOR_MAX)
        self._planned: set[tuple[str, object]] = set()
        self._work: list[tuple[float, int, _Work]] = []
        self._number = itertools.count()

    async def run(self) -> None:
        """Watch until cancelled."""
        since = 0
        while True:
            picture = await self._desk.get(PictureTold, "/v1/picture", since=since)
            since = picture.log_size
            for notice in picture.notices:
                self._see_notice(notice)
            for finding in picture.findings:
                self._see_finding(finding)
            now = time.monotonic()
            while self._work and self._work[0][0] <= now:
                _, _, work = heapq.heappop(self._work)
                try:
                    await work()
                except Refusal as refusal:
                    self._say(f"leaves something: {refusal}")
            await asyncio.sleep(min(_ROUND_S, max(0.1, _ROUND_S * self._factor)))

    def _plan(self, name: tuple[str, object], work: _Work, *, times: float = 1.0) -> None:
        """Do something once, after a while."""
        if name in self._planned:
            return
        self._planned.add(name)
        shortest, longest = _DELAY_S
        delay_s = (shortest + (longest - shortest) * _draw("delay", *name) / 100) * self._factor * times
        heapq.heappush(self._work, (time.monotonic() + delay_s, next(self._number), work))

    def _say(self, what: str) -> None:
        self._tell.event(self._desk.party, f"{what}  {_MARK}")

    # --- notices

    def _see_notice(self, notice: NoticeTold) -> None:
        if notice.own or notice.ended or notice.read_back_fields is None:
            return
        draw = _draw(notice.notice_id, "read")
        name = (notice.notice_id, notice.version)
        if draw < 62:
            self._plan(("right", name), partial(self._read_back, notice, right=True))
        elif draw < 72:
            self._plan(("wrong", name), partial(self._read_back, notice, right=False))
            if draw < 68:
                self._plan(("right", name), partial(self._read_back, notice, right=True), times=3.0)

    async def _read_back(self, seen: NoticeTold, *, right: bool) -> None:
        notice = await self._desk.get(NoticeTold, notice_path(seen))
        fields = notice.read_back_fields
        own = self._own_read_back(notice)
        if notice.version != seen.version or fields is None or own == "OK":
            return
        said = fields if right else msgspec.structs.replace(fields, upper=_misheard(fields.upper))
        await self._desk.post(f"{notice_path(notice)}/read-back", {"version": notice.version, "fields": said})
        reference = reference_of(notice.notice_id)
        if not right:
            self._say(f"reads back {reference} wrongly: upper {shown(said.upper)}")
            return
        self._say(f"reads back {reference} of {shown(notice.owner)}")
        if _draw(notice.notice_id, "noted") < 75:
            self._plan(("noted", (notice.notice_id, notice.version)), partial(self._noted, notice), times=0.3)

    def _own_read_back(self, notice: NoticeTold) -> str:
        return next((each.read_back for each in notice.acknowledgements if each.party == self._desk.party), "")

    async def _noted(self, seen: NoticeTold) -> None:
        notice = await self._desk.get(NoticeTold, notice_path(seen))
        if notice.version == seen.version and not notice.ended:
            await self._desk.post(f"{notice_path(notice)}/noted", {"version": notice.version})
            self._say(f"notes {reference_of(notice.notice_id)}")

    # --- findings

    def _see_finding(self, finding: FindingTold) -> None:
        if finding.state != "OPEN" or self._desk.party not in {finding.key.owner_a, finding.key.owner_b}:
            return
        if finding.finding_id not in self._signed.told:
            self._signed.told.add(finding.finding_id)
            self._tell.event("conflict", _finding_text(finding))
        signers = {each.party for each in finding.resolutions}
        if self._desk.party in signers:
            return
        draw = _draw(finding.finding_id, "sign")
        begins = self._desk.party == (finding.key.owner_a if int(draw) % 2 else finding.key.owner_b)
        if signers:
            # What nobody of ours began, a visitor has signed: he gets his answer.
            if draw < 50 or finding.finding_id not in self._signed.begun:
                self._plan(("same", finding.finding_id), partial(self._sign_same, finding))
        elif draw < 65 and begins:
            self._plan(("begin", finding.finding_id), partial(self._sign_first, finding))

    async def _sign_first(self, seen: FindingTold) -> None:
        finding = await self._desk.get(FindingTold, f"/v1/findings/{seen.finding_id}")
        if finding.state != "OPEN" or finding.resolutions:
            return
        self._signed.begun.add(finding.finding_id)
        terms: dict[str, str | int] = {"code": "LATERAL_SPLIT"}
        draw = _draw(finding.finding_id, "terms")
        if draw < 50:
            terms = {"code": "TIME_SEQUENCE", "first_party": finding.key.owner_a}
        elif draw < 80:
            terms = {"code": "CREWS_IN_CONTACT", "frequency_khz": _FREQUENCY_KHZ}
        await self._sign(finding, terms)

    async def _sign_same(self, seen: FindingTold) -> None:
        finding = await self._desk.get(FindingTold, f"/v1/findings/{seen.finding_id}")
        theirs = [each for each in finding.resolutions if each.party != self._desk.party]
        if finding.state == "OPEN" and theirs:
            await self._sign(finding, theirs[0].terms)

    async def _sign(self, finding: FindingTold, terms: dict[str, str | int]) -> None:
        await self._desk.post(f"/v1/findings/{finding.finding_id}/resolution", terms)
        self._say(f"signs {terms_text(terms)} for finding {finding_reference(finding.finding_id)}")


def _misheard(limit: str) -> str:
    """Return a limit with its first digit heard as the next one."""
    return re.sub(r"\d", lambda found: str((int(found.group()) + 1) % 10), limit, count=1)


def _finding_text(finding: FindingTold) -> str:
    key = finding.key
    first, *others = (finding.band_text or "").split("; ")
    band = f"{shown(first)}{' …' if others else ''}"
    return (
        f"{finding_reference(finding.finding_id)}: {shown(key.owner_a)} {reference_of(key.notice_a)} and "
        f"{shown(key.owner_b)} {reference_of(key.notice_b)}, {band}, "
        f"{window_text(finding.from_ms, finding.until_ms)}"
    )
