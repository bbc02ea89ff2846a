"""The writer: the one task that adds to the log.

Rules
 * It takes whatever is waiting as one batch: checks each against the state, adds what the node owes in return, appends
   all of it in one durable write, and only then answers anybody (design.md §1).
 * Between the first change of the state and the durable write nobody reads the state: `settled` is held.
 * If the write fails, the state is thrown away and read again from the log. If it is not known whether it happened,
   the log is asked. Nothing is answered on a guess. Until the log can be read, nobody reads the state either.
 * A bug while a batch is worked out costs that batch: the state is read again, the line stays up.
 * A node that is shown its own later messages by a peer has lost the end of its log: it stops writing for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import final

import msgspec
import structlog

from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.keys import Signer
from clearline.line.chain import Chain, Placement
from clearline.line.drafting import Speaker, draft
from clearline.line.duties import next_duty
from clearline.line.examine import ExaminedNotice
from clearline.line.line_state import LineState
from clearline.line.node_state import Applied, NodeState
from clearline.line.reading import VerifiedMessage
from clearline.line.speaking import already_said, check_role
from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.identity import Role
from clearline.model.message import JOURNAL_LINE, Body, Evidence, LineAdopted
from clearline.model.refusal import InternalError, Refusal, RefusalCode, RefusalReport
from clearline.node.ports import Chance, Clock, Journal
from clearline.store.port import NewEntry, StoreConflict, StoreDuplicate, StoreIndeterminate

__all__ = ["Said", "Taken", "Writer"]

_log = structlog.get_logger("clearline.writer")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Our own message is in the log; `log_index` is None where it had been said before."""

    line_id: str
    log_index: int | None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of another party's messages: how long its chain is now, and why no more was taken."""

    length: int
    refused: RefusalReport | None


class _Batch:
    """Entries that are worked out but not yet durable."""

    def __init__(self, state: NodeState, *, now_ms: int) -> None:
        self.state = state
        self.now_ms = now_ms
        self.start = state.size
        self.entries: list[Entry] = []
        self.stored: list[NewEntry] = []
        self.applied: list[Applied] = []

    @property
    def full(self) -> bool:
        return len(self.entries) >= limits.BATCH_ENTRIES_MAX - limits.BATCH_ENTRIES_SPARE

    def add(self, message: VerifiedMessage, examined: ExaminedNotice | None = None) -> Applied:
        entry = Entry(self.state.size, self.now_ms, message.encoded)
        applied = self.state.apply(entry, message, examined)
        self.entries.append(entry)
        self.stored.append(NewEntry(message.digest, entry_bytes(entry)))
        self.applied.append(applied)
        return applied


class _Request:
    """One thing asked of the writer, and where its answer goes."""

    def __init__(self, perform: Callable[[_Batch], object]) -> None:
        self.perform = perform
        self.answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: object) -> None:
        if self.answer.done():
            return  # The asker has gone; what it asked for stands in the log all the same.
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


@final
class Writer:
    """Adds to one node's log. `run` is its task; `say` and `take` are for everybody else."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        chance: Chance,
        signer: Signer,
        state: NodeState,
        reload_state: Callable[[], Awaitable[NodeState]],
        on_committed: Callable[[Sequence[Applied], Sequence[Entry]], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._chance = chance
        self._signer = signer
        self._reload_state = reload_state
        self._on_committed = on_committed
        self._queue: asyncio.Queue[_Request] = asyncio.Queue(limits.COMMANDS_QUEUED_MAX)
        self.state = state
        self.settled = asyncio.Lock()
        self.committed = state.size
        """How many entries are durable; what lies beyond must not leave the node."""
        self.halted: Refusal | None = None
        self._stopping = False
        self._owing = False
        """The last batch had no room for all that is owed: go on without waiting."""
        self.unread: Refusal | None = None
        """Why the state could not be read again after a failed write; it holds what is not durable."""
        self._closed_until_s = 0.0
        """After a failed write: the loop's time until which nothing is tried."""

    # --- what others ask

    async def say(self, line_id: str, body: Body, role: Role) -> Said:
        """Say something as our own party.

        Raises:
            Refusal: why it cannot be said; nothing is in the log then.
        """
        outcome = await self._ask(lambda batch: self._perform_say(batch, line_id, body, role))
        if not isinstance(outcome, Said):
            raise InternalError(f"say was answered with {type(outcome).__name__}")
        return outcome

    async def take(self, line_id: str, party: str, messages: Sequence[VerifiedMessage]) -> Taken:
        """Take messages of another party, in the order given.

        Raises:
            Refusal: LINE_UNKNOWN, or the node cannot write at all. A refused message is told in `Taken.refused`.
        """
        outcome = await self._ask(lambda batch: self._perform_take(batch, line_id, party, messages))
        if not isinstance(outcome, Taken):
            raise InternalError(f"take was answered with {type(outcome).__name__}")
        return outcome

    async def adopt(self, agreement: LineAgreement) -> None:
        """Put a line's agreement into the journal.

        Raises:
            Refusal: AGREEMENT_DIFFERS where the log holds another one under this name.
        """
        await self._ask(lambda batch: self._perform_adopt(batch, agreement))

    async def perform_duties(self) -> None:
        """Say what is owed, where a crash came between taking and answering."""
        await self._ask(lambda _: None)

    def stop(self) -> None:
        """Refuse everything from now on; what is already waiting is still written."""
        self._stopping = True

    def halt(self, refusal: Refusal) -> None:
        """Stop writing for good: the log on disk is not the one that this node has shown to others."""
        if self.halted is None:
            _log.critical("halted", refusal=str(refusal))
            self.halted = refusal

    async def drained(self) -> None:
        """Wait until everything that was asked has been answered."""
        await self._queue.join()

    async def _ask(self, perform: Callable[[_Batch], object]) -> object:
        self._refuse_when_closed()
        request = _Request(perform)
        try:
            self._queue.put_nowait(request)
        except asyncio.QueueFull:
            raise Refusal(
                RefusalCode.OVERLOADED, found=f"{limits.COMMANDS_QUEUED_MAX} waiting", allowed="try again in 1 s"
            ) from None
        return await request.answer

    def _refuse_when_closed(self) -> None:
        if self.halted is not None:
            raise self.halted
        if self._stopping:
            raise Refusal(RefusalCode.STOPPING, found="the node is shutting down", allowed="try again when it is back")
        if asyncio.get_running_loop().time() < self._closed_until_s:
            raise Refusal(
                RefusalCode.STORE_UNAVAILABLE, found="the last write failed", allowed="try again in some seconds"
            )

    # --- the loop

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            requests = [] if self._owing else [await self._queue.get()]
            while len(requests) < limits.BATCH_REQUESTS_MAX and not self._queue.empty():
                requests.append(self._queue.get_nowait())
            try:
                await self._write(requests)
            finally:
                for request in requests:
                    # Only where `_write` was cut off is anything still open here.
                    request.settle(Refusal(RefusalCode.STOPPING, found="cut off", allowed="ask again"))
                    self._queue.task_done()

    async def _write(self, requests: list[_Request]) -> None:
        async with self.settled:
            if self.unread is not None and self.halted is None:
                await self._start_again()
            batch = _Batch(self.state, now_ms=self._log_time_ms())
            outcomes: list[object] = []
            failure: Exception | None = self.halted or self.unread
            if failure is None:
                try:
                    outcomes = [self._outcome(batch, request) for request in requests]
                    self._perform_duties(batch)
                    if batch.entries:
                        await self._append(batch)
                except (Refusal, InternalError) as error:
                    failure = error
                except Exception as error:  # noqa: BLE001  # any bug: the batch is lost, the line stays up
                    _log.exception("batch failed", requests=len(requests))
                    failure = InternalError(f"{type(error).__name__}: {error}")
                if failure is not None:
                    await self._start_again()
            if self.unread is None:
                self.committed = self.state.size
        if failure is None and batch.applied:
            self._on_committed(batch.applied, batch.entries)
        for place, request in enumerate(requests):
            request.settle(failure if failure is not None else outcomes[place])

    def _log_time_ms(self) -> int:
        """Return the time of the next entries. A clock that was set back a little waits; one set back far is told."""
        now_ms, last_ms = self._clock.now_ms(), self.state.last_at_ms
        back_ms = last_ms - now_ms
        if 0 < back_ms <= limits.CLOCK_BACK_MS_MAX:
            return last_ms
        if back_ms > 0:
            _log.error("the clock went back", back_ms=back_ms)
        return now_ms

    def _outcome(self, batch: _Batch, request: _Request) -> object:
        if batch.full:
            return Refusal(RefusalCode.OVERLOADED, found="the batch is full", allowed="ask again")
        try:
            return request.perform(batch)
        except Refusal as refusal:
            return refusal

    async def _append(self, batch: _Batch) -> None:
        try:
            await self._journal.append(batch.start, batch.stored)
        except StoreIndeterminate:
            if not await self._was_appended(batch):
                raise Refusal(
                    RefusalCode.STORE_UNAVAILABLE, found="the write was cut off", allowed="ask again"
                ) from None
        except (StoreConflict, StoreDuplicate) as error:
            refusal = Refusal(
                RefusalCode.STORE_IN_USE, field="store", found=str(error), allowed="one node for one store"
            )
            self.halt(refusal)
            raise refusal from error

    async def _was_appended(self, batch: _Batch) -> bool:
        return await self._journal.find(batch.stored[-1].request_id) is not None

    async def _start_again(self) -> None:
        self._owing = False
        self._closed_until_s = asyncio.get_running_loop().time() + limits.STORE_RETRY_MS / 1_000
        try:
            self.state = await self._reload_state()
        except Refusal as refusal:
            self.unread = refusal
            if refusal.code is not RefusalCode.STORE_UNAVAILABLE:
                self.halt(refusal)
        else:
            self.unread = None

    # --- what is done inside a batch

    def _perform_say(self, batch: _Batch, line_id: str, body: Body, role: Role) -> Said:
        line = batch.state.line(line_id)
        check_role(role, body)
        if already_said(line, body):
            return Said(line_id=line_id, log_index=None)
        examined = line.examine(line.own, body)
        applied = self._say(batch, line, body, role, examined)
        return Said(line_id=line_id, log_index=applied.log_index)

    def _say(
        self, batch: _Batch, line: LineState, body: Body, role: Role, examined: ExaminedNotice | None = None
    ) -> Applied:
        applied = batch.add(self._draft(batch, line.line_id, line.chains[line.own], body, role), examined)
        if applied.rejected is not None:
            raise InternalError(f"our own message was rejected: {applied.rejected}")
        return applied

    def _draft(self, batch: _Batch, line_id: str, chain: Chain, body: Body, role: Role) -> VerifiedMessage:
        return draft(
            body=body,
            line_id=line_id,
            chain=chain,
            speaker=Speaker(party=batch.state.own, role=role, signer=self._signer),
            msg_id=self._chance.new_id(),
            sent_at_ms=batch.now_ms,
        )

    def _journal_message(self, batch: _Batch, body: Body) -> None:
        batch.add(self._draft(batch, JOURNAL_LINE, batch.state.journal, body, Role.NODE))

    def _perform_adopt(self, batch: _Batch, agreement: LineAgreement) -> None:
        held = batch.state.lines.get(agreement.line_id)
        if held is not None and held.agreement != agreement:
            raise Refusal(
                RefusalCode.AGREEMENT_DIFFERS,
                field=f"line.{agreement.line_id}",
                found="another agreement than the log holds",
                allowed="the agreement under which the line was begun, or a new line_id",
            )
        if held is None:
            if len(batch.state.lines) >= limits.LINES_MAX:
                raise Refusal(
                    RefusalCode.OVER_LIMIT, field="line", found="one more line", allowed=f"at most {limits.LINES_MAX}"
                )
            self._journal_message(batch, LineAdopted(agreement=agreement))

    def _perform_take(self, batch: _Batch, line_id: str, party: str, messages: Sequence[VerifiedMessage]) -> Taken:
        line = batch.state.line(line_id)
        chain = line.chains[party]
        refused: RefusalReport | None = None
        for message in messages:
            if batch.full:
                break  # The sender sees how far we came, and sends the rest again.
            try:
                if chain.place(message.header, message.digest) is Placement.NEXT:
                    batch.add(message)
            except Refusal as refusal:
                refused = refusal.report()
                self._keep_evidence(batch, line, message, refusal)
                break
        return Taken(length=chain.length, refused=refused)

    def _keep_evidence(self, batch: _Batch, line: LineState, message: VerifiedMessage, refusal: Refusal) -> None:
        """Keep the first proof that a party contradicted itself; more of the same proves no more."""
        party = message.header.from_party
        if refusal.code is not RefusalCode.CHAIN_FORK or party in line.forks or party == line.own:
            return
        _log.critical("a party contradicted itself", line=line.line_id, party=party, refusal=str(refusal))
        self._journal_message(
            batch,
            Evidence(
                code=refusal.code,
                about_line=line.line_id,
                about_party=party,
                sequence=message.header.sequence,
                envelope=message.encoded.decode("ascii"),
            ),
        )

    def _perform_duties(self, batch: _Batch) -> None:
        self._owing = False
        for line in batch.state.lines.values():
            while (body := next_duty(line, batch.state.tree_head())) is not None:
                if len(batch.entries) >= limits.BATCH_ENTRIES_MAX:
                    self._owing = True
                    return
                self._say(batch, line, body, Role.NODE, line.examine(line.own, body))
