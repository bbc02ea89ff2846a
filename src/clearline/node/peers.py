"""The outbox and inbox of one line: one task for each peer.

Rules
 * What is owed to a peer is its missing part of the chains, and nothing but the log remembers it: a task that starts
   anew asks the peer what it has.
 * A failed exchange is tried again after a growing, spread wait; success brings it back to the shortest.
 * With nothing to send, the peer is asked all the same every few seconds: it may be unable to call us.
 * Exchanges follow each other without a wait only while they bring something forward: a peer that says for ever that
   more is missing does not keep us busy.
 * How a link is observed (R10) is measured here and decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import final

import structlog

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalReport
from clearline.node.exchange import Exchange, ExchangeAnswer
from clearline.node.ports import Chance, PeerTransport, PeerUnreachable

__all__ = ["Link", "PeerTask"]

_log = structlog.get_logger("clearline.peer")


@final
class Link:
    """What this node has observed of one peer on one line. Lost at a restart, and measured anew."""

    def __init__(self, line_id: str, peer: str) -> None:
        self.line_id = line_id
        self.peer = peer
        self.known_length = 0
        """How much of our own chain the peer has, as far as we know; its next word corrects it."""
        self.heard_at_ms: int | None = None
        self.failures = 0
        self.refused: RefusalReport | None = None
        """Why the peer last refused us; None since it last did not."""
        self.clock_ahead_ms: int | None = None
        self._asked_at_ms = -1
        self.wake = asyncio.Event()

    def heard(self, *, own_length: int, now_ms: int, peer_clock_ms: int) -> None:
        """Note that the peer spoke, and what it has of our chain."""
        self.known_length = own_length
        self.heard_at_ms = now_ms
        self.clock_ahead_ms = peer_clock_ms - now_ms

    def asked(self, *, own_length: int, now_ms: int, sent_at_ms: int) -> None:
        """Note that the peer asked, and what it has of our chain once it holds our answer.

        A request that is not later than the last one, by the peer's clock, may be a copy of an old one that somebody
        else sends: it is answered, and shows nothing of the peer.
        """
        if sent_at_ms > self._asked_at_ms:
            self._asked_at_ms = sent_at_ms
            self.heard(own_length=own_length, now_ms=now_ms, peer_clock_ms=sent_at_ms)


@final
class PeerTask:
    """Keeps one peer supplied."""

    def __init__(
        self,
        link: Link,
        *,
        transport: PeerTransport,
        chance: Chance,
        prepare: Callable[[Link], Awaitable[Exchange]],
        accept: Callable[[Link, ExchangeAnswer], Awaitable[bool]],
        has_more: Callable[[Link], bool],
    ) -> None:
        self._link = link
        self._transport = transport
        self._chance = chance
        self._prepare = prepare
        self._accept = accept
        self._has_more = has_more

    async def run(self) -> None:
        """Exchange for ever."""
        furthest = fruitless = 0
        while True:
            self._link.wake.clear()
            more = await self._once()
            fruitless = 0 if more or self._link.known_length > furthest else fruitless + 1
            furthest = max(furthest, self._link.known_length)
            if self._link.failures:
                await asyncio.sleep(self._retry_s())
            elif not more and (fruitless >= limits.FRUITLESS_EXCHANGES_MAX or not self._has_more(self._link)):
                await self._wait()
                furthest, fruitless = self._link.known_length, 0

    async def _once(self) -> bool:
        link = self._link
        try:
            request = await self._prepare(link)
            answer = await self._transport.exchange(link.peer, request)
            more = await self._accept(link, answer)
        except PeerUnreachable as error:
            link.failures += 1
            _log.info("peer unreachable", line=link.line_id, peer=link.peer, failures=link.failures, why=str(error))
            return False
        except Refusal as refusal:
            link.failures += 1
            link.refused = refusal.report()
            _log.warning("exchange refused", line=link.line_id, peer=link.peer, refusal=str(refusal))
            return False
        link.failures = 1 if answer.head.refused is not None else 0
        link.refused = answer.head.refused
        return more

    def _retry_s(self) -> float:
        wait_ms = min(limits.RETRY_MS_MAX, limits.RETRY_MS_FIRST << min(self._link.failures - 1, 16))
        return wait_ms * (0.5 + 0.5 * self._chance.fraction()) / 1_000

    async def _wait(self) -> None:
        interval_s = limits.PULL_INTERVAL_MS * (0.75 + 0.5 * self._chance.fraction()) / 1_000
        try:
            async with asyncio.timeout(interval_s):
                await self._link.wake.wait()
        except TimeoutError:
            return  # Nothing to send: ask what the peer has for us.
