"""A node: one party's log, its lines and its peers, put together.

Rules
 * Starting is reading the log; nothing that matters was anywhere else.
 * A line is begun by adopting its agreement into the journal, and held to it from then on.
 * What leaves the node (answers, events, views) is durable: it is read only while no write is under way.
 * A worker that breaks is started again and counted; the others go on (style.md rule 10).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import final

import structlog

from clearline.ledger.entry import Entry
from clearline.ledger.keys import Signer, Verifier
from clearline.line.line_state import LineState
from clearline.line.node_state import Applied, NodeState
from clearline.line.reading import VerifiedMessage, from_own_log, read_message, verified
from clearline.line.snapshot import snapshot_bytes
from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.identity import Role
from clearline.model.message import Body
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport
from clearline.node.exchange import AnswerHead, Exchange, ExchangeAnswer, ExchangeHead
from clearline.node.loading import Progress, load_state
from clearline.node.peers import Link, PeerTask
from clearline.node.ports import Chance, Clock, Journal, PeerTransport
from clearline.node.reading_log import LogReader, Missing
from clearline.node.writer import Said, Writer

__all__ = ["Node"]

_log = structlog.get_logger("clearline.node")
RESTART_S = 1.0
"""Wait before a broken worker starts again: a fault that repeats must not fill the log."""


@final
class Node:
    """One party's node. `start`, then `say`, `receive` and views; `stop` when done."""

    def __init__(
        self,
        *,
        own: str,
        agreements: Sequence[LineAgreement],
        journal: Journal,
        clock: Clock,
        chance: Chance,
        signer: Signer,
        verifier: Verifier,
        transport: PeerTransport,
        observe: Callable[[Node], None] | None = None,
    ) -> None:
        """`observe` is told after every durable write, when the state is settled: for measuring and for simulations."""
        self.own = own
        self._agreements = tuple(agreements)
        self._journal = journal
        self.clock = clock
        self._chance = chance
        self._signer = signer
        self._verifier = verifier
        self._transport = transport
        self._observe = observe
        self._reader = LogReader(journal)
        self._recent: deque[Applied] = deque(maxlen=limits.RECENT_ENTRIES_MAX)
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._snapshot_size = 0
        self.links: dict[tuple[str, str], Link] = {}
        self.restarts = 0
        """How often a worker had to be started again: each is a bug to report."""
        self._writer: Writer | None = None

    @property
    def loaded(self) -> bool:
        """True once the log has been read: from then on there is a state."""
        return self._writer is not None

    @property
    def writer(self) -> Writer:
        """The one that adds to the log.

        Raises:
            Refusal: KERNEL_NOT_READY while the log is being read.
        """
        if self._writer is None:
            raise Refusal(
                RefusalCode.KERNEL_NOT_READY, found="the node is starting", allowed="try again when it is ready"
            )
        return self._writer

    # --- life

    async def start(self, progress: Progress | None = None) -> None:
        """Read the log, adopt the lines, say what is owed, and begin to exchange.

        Raises:
            Refusal: of the store, AGREEMENT_DIFFERS.
        """
        loaded = await load_state(self._journal, own=self.own, progress=progress)
        self._snapshot_size = loaded.snapshot_size
        self._writer = Writer(
            journal=self._journal,
            clock=self.clock,
            chance=self._chance,
            signer=self._signer,
            state=loaded.state,
            reload_state=self._reload,
            on_committed=self._committed,
        )
        self._supervise("writer", self.writer.run)
        for agreement in self._agreements:
            await self.writer.adopt(agreement)
        await self.writer.perform_duties()
        self._supervise("snapshots", self._keep_snapshots)
        for agreement in self._agreements:
            for peer in agreement.parties:
                if peer != self.own:
                    self._begin_link(agreement.line_id, peer)

    async def stop(self) -> None:
        """Take nothing new, write what is waiting, keep a snapshot, end all tasks."""
        self.writer.stop()
        for task in self._tasks[1:]:
            task.cancel()
        await self.writer.drained()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.writer.halted is None and self.writer.unread is None and self.writer.state.size > self._snapshot_size:
            await self.save_snapshot()

    def _begin_link(self, line_id: str, peer: str) -> None:
        link = Link(line_id, peer)
        self.links[(line_id, peer)] = link
        task = PeerTask(
            link,
            transport=self._transport,
            chance=self._chance,
            prepare=self._prepare,
            accept=self._accept,
            has_more=self._has_more,
        )
        self._supervise(f"peer {line_id} {peer}", task.run)

    def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def watched() -> None:
            while True:
                try:
                    await work()
                except Exception:  # noqa: BLE001  # any bug: said loudly, counted, and only this worker starts again
                    self.restarts += 1
                    _log.exception("worker broke", worker=name)
                    await asyncio.sleep(RESTART_S)

        self._tasks.append(asyncio.create_task(watched(), name=name))

    async def _reload(self) -> NodeState:
        self._reader.forget()
        return (await load_state(self._journal, own=self.own)).state

    def _committed(self, applied: Sequence[Applied], entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._reader.remember(entry)
        self._recent.extend(applied)
        self._changed.set()
        self._changed = asyncio.Event()
        if self._observe is not None:
            self._observe(self)
        spoken = {one.line_id for one in applied if one.own}
        for link in self.links.values():
            if link.line_id in spoken:
                link.wake.set()

    async def _keep_snapshots(self) -> None:
        """Keep one when much has been added and nobody is waiting; at the latest after very much."""
        while True:
            before = self.writer.committed
            await asyncio.sleep(limits.SNAPSHOT_IDLE_MS / 1_000)
            added = self.writer.committed - self._snapshot_size
            idle = self.writer.committed == before
            if added >= (limits.SNAPSHOT_ENTRIES if idle else limits.SNAPSHOT_ENTRIES_LATEST):
                await self.save_snapshot()

    def abandon(self) -> None:
        """End all tasks at once and leave everything as it is, as a crash does."""
        for task in self._tasks:
            task.cancel()

    async def save_snapshot(self) -> None:
        """Keep the state as it is now, to start faster from."""
        async with self.settled() as state:
            size, body = state.size, snapshot_bytes(state)
        try:
            await self._journal.save_snapshot(size, body)
        except Refusal as refusal:
            _log.warning("snapshot not kept", refusal=str(refusal))  # It saves time only; the log has everything.
            return
        self._snapshot_size = size

    # --- speaking

    async def say(self, line_id: str, body: Body, role: Role) -> Said:
        """Say something on a line as our own party; it is durable when this returns.

        Raises:
            Refusal: why not.
        """
        return await self.writer.say(line_id, body, role)

    # --- reading

    @asynccontextmanager
    async def settled(self) -> AsyncIterator[NodeState]:
        """Give the state while everything in it is durable. Hold it shortly: the writer waits.

        Raises:
            Refusal: STORE_UNAVAILABLE or STORE_DAMAGED while the log cannot be read again after a failed write.
        """
        async with self.writer.settled:
            if self.writer.unread is not None:
                raise self.writer.unread
            yield self.writer.state

    async def log_page(self, start: int, limit: int) -> list[Entry]:
        """Return durable entries from `start`."""
        room = self.writer.committed - start
        return await self._reader.page(start, min(limit, room)) if room > 0 and start >= 0 else []

    async def described(self, start: int, limit: int) -> list[Applied]:
        """Return what durable entries from `start` were about, without their bytes."""
        if self._recent and self._recent[0].log_index <= start:
            skip = start - self._recent[0].log_index
            return [self._recent[place] for place in range(skip, min(skip + limit, len(self._recent)))]
        entries = await self.log_page(start, limit)
        return [self.writer.state.describe(entry, from_own_log(read_message(entry.envelope))) for entry in entries]

    async def wait_beyond(self, size: int) -> int:
        """Wait until the log has more than `size` durable entries; return how many it has."""
        while self.writer.committed <= size:
            await self._changed.wait()
        return self.writer.committed

    # --- peers

    async def receive(self, request: Exchange) -> ExchangeAnswer:
        """Answer a peer's exchange, whose signature and addressee the door has checked.

        Raises:
            Refusal: LINE_UNKNOWN, AGREEMENT_DIFFERS, or the node cannot write.
        """
        head = request.head
        line = self.writer.state.line(head.line_id)
        if head.agreement != line.digest:
            raise Refusal(RefusalCode.AGREEMENT_DIFFERS, field="agreement", found=head.agreement, allowed=line.digest)
        refused = await self._take(line, request.envelopes)
        link = self.links.get((head.line_id, head.from_party))
        have, missing = await self._missing(head.line_id, head.have, asker=head.from_party)
        if link is not None:
            # What we answer with counts as told: if the answer is lost, the peer asks again and says so.
            told = max(head.have.get(self.own, 0), missing.own_length)
            link.asked(own_length=told, now_ms=self.clock.now_ms(), sent_at_ms=head.sent_at_ms)
        return ExchangeAnswer(
            head=AnswerHead(
                exchange_id=head.exchange_id,
                from_party=self.own,
                answered_at_ms=self.clock.now_ms(),
                have=have,
                refused=refused,
            ),
            envelopes=missing.envelopes,
        )

    async def _prepare(self, link: Link) -> Exchange:
        have, missing = await self._missing(link.line_id, None, own_from=link.known_length)
        line = self.writer.state.line(link.line_id)
        return Exchange(
            head=ExchangeHead(
                line_id=link.line_id,
                from_party=self.own,
                to_party=link.peer,
                exchange_id=self._chance.new_id(),
                agreement=line.digest,
                sent_at_ms=self.clock.now_ms(),
                have=have,
            ),
            envelopes=missing.envelopes,
        )

    async def _accept(self, link: Link, answer: ExchangeAnswer) -> bool:
        line = self.writer.state.line(link.line_id)
        link.heard(
            own_length=answer.head.have.get(self.own, 0),
            now_ms=self.clock.now_ms(),
            peer_clock_ms=answer.head.answered_at_ms,
        )
        if not answer.envelopes:
            return False
        held_before = _held_of_others(line)
        refused = await self._take(line, answer.envelopes)
        if refused is not None:
            _log.warning("answer not taken", line=link.line_id, peer=link.peer, refusal=refused)
            return False
        line = self.writer.state.line(link.line_id)  # A failed write would have put a new state in place.
        return _held_of_others(line) > held_before and any(
            line.chains[party].length < length
            for party, length in answer.head.have.items()
            if party != self.own and party in line.chains
        )

    def _has_more(self, link: Link) -> bool:
        line = self.writer.state.lines.get(link.line_id)
        return line is not None and line.chains[self.own].length > link.known_length

    async def _take(self, line: LineState, envelopes: Sequence[bytes]) -> RefusalReport | None:
        """Take envelopes of one or more chains; return why one was not taken, if so."""
        by_party: dict[str, list[VerifiedMessage]] = {}
        refused: RefusalReport | None = None
        for encoded in envelopes:
            try:
                message = self._verified(line, encoded)
            except Refusal as refusal:
                refused = refusal.report()
                break
            by_party.setdefault(message.header.from_party, []).append(message)
        for message in by_party.pop(self.own, []):
            await self._check_own_past(line.line_id, message)
        for party, messages in by_party.items():
            taken = await self.writer.take(line.line_id, party, messages)
            refused = refused or taken.refused
        return refused

    def _verified(self, line: LineState, encoded: bytes) -> VerifiedMessage:
        message = read_message(encoded)
        if message.header.line_id != line.line_id:
            raise Refusal(RefusalCode.LINE_UNKNOWN, field="line_id", found=message.header.line_id, allowed=line.line_id)
        return verified(message, line.agreement, self._verifier)

    async def _check_own_past(self, line_id: str, message: VerifiedMessage) -> None:
        """A peer shows a message that we signed. If our log has not got it, the log is not the one we had."""
        async with self.settled() as state:
            chain = state.line(line_id).chains[self.own]
            sequence = message.header.sequence
            known = sequence <= chain.length and chain.digest(sequence) == message.digest
        if not known:
            self.writer.halt(
                Refusal(
                    RefusalCode.STORE_ROLLED_BACK,
                    field=f"line.{line_id}",
                    found=f"own message {sequence} is not in the log, which has {chain.length}",
                    allowed="the log as it was when this message was signed",
                )
            )

    async def _missing(
        self, line_id: str, theirs: dict[str, int] | None, *, own_from: int = 0, asker: str = ""
    ) -> tuple[dict[str, int], Missing]:
        """Return how long our chains are, and the messages beyond `theirs` (or our own beyond `own_from`).

        First what the asker has lost of its own, then what only we must hand over: a third party that floods its chain,
        or has forked it so that the asker can take none of it, does not crowd them out.
        """
        async with self.settled() as state:
            chains = state.line(line_id).chains
            have = {party: chain.length for party, chain in chains.items()}
            wanted: list[tuple[str, int, int]] = []
            for party in sorted(chains, key=lambda name: (name != asker, name != self.own)):
                chain = chains[party]
                if theirs is None and party != self.own:
                    continue
                start = own_from if theirs is None else theirs.get(party, 0)
                room = limits.DELIVERY_ENVELOPES_MAX - len(wanted)
                last = min(chain.length, start + room)
                wanted.extend((party, place, chain.log_index(place)) for place in range(start + 1, last + 1))
        return have, await self._reader.missing(wanted, own=self.own)


def _held_of_others(line: LineState) -> int:
    return sum(line.chains[party].length for party in line.others)
