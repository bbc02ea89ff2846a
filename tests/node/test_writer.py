"""The writer and the peers under faults of the disk, of peers and of ourselves (design.md §1, §8; R6, R12)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import msgspec
import pytest

from clearline.ledger.entry import parse_entry
from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.drafting import Speaker, draft
from clearline.line.line_state import LineState
from clearline.line.reading import read_message
from clearline.line.snapshot import digest_of
from clearline.model import limits
from clearline.model.identity import Role
from clearline.model.message import AreaNotice, Evidence
from clearline.model.refusal import InternalError, Refusal, RefusalCode
from clearline.node.exchange import Exchange
from clearline.node.loading import load_state
from clearline.store.port import StoredEntry
from clearline.testing.memory_store import DiskFault
from clearline.testing.simulated_ports import SimulatedSigner
from clearline.testing.virtual_loop import run_virtual
from tests.line.desks import LINE, agreement, amended, fresh_id, notice, volume
from tests.node.harness import Post, Wire, until

AGREED = agreement("north", "south")


def run(scene: Coroutine[object, object, None]) -> None:
    run_virtual(scene)


async def pair(wire: Wire | None = None) -> tuple[Post, Post, Wire]:
    wire = wire or Wire()
    return await Post("north", AGREED, wire).start(), await Post("south", AGREED, wire).start(), wire


def status(post: Post, body: AreaNotice) -> NoticeStatus:
    return notice_status(post.line, post.line.notices[(post.party, body.notice_id)])


async def refused(coroutine: Coroutine[object, object, object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await coroutine
    return caught.value


def test_a_notice_is_cleared_by_the_receipt_that_comes_back_in_the_same_exchange() -> None:
    async def scene() -> None:
        north, south, wire = await pair()
        await until(lambda: wire.carried >= 2)
        before, body = wire.carried, notice()
        await north.node.say(LINE, body, Role.WATCH)
        await until(lambda: status(north, body) is NoticeStatus.CLEARED)
        assert wire.carried - before <= 2
        assert south.line.notices.keys() == {("north", body.notice_id)}

    run(scene())


@pytest.mark.parametrize("fault", [DiskFault.FULL, DiskFault.CUT_LOST])
def test_what_the_disk_did_not_take_was_not_said(fault: DiskFault) -> None:
    """A full disk or a lost write: the speaker is told, the state is as before, and later it works again."""

    async def scene() -> None:
        north, south, _ = await pair()
        await asyncio.sleep(1.0)
        digest = digest_of(north.node.writer.state)
        north.disk.fail_next(fault)
        body = notice()
        refusal = await refused(north.node.say(LINE, body, Role.WATCH))
        assert refusal.code is RefusalCode.STORE_UNAVAILABLE
        assert digest_of(north.node.writer.state) == digest
        refusal = await refused(north.node.say(LINE, body, Role.WATCH))
        assert refusal.code is RefusalCode.STORE_UNAVAILABLE, "nothing is tried for a while"
        await asyncio.sleep(limits.STORE_RETRY_MS / 1_000 + 0.1)
        await north.node.say(LINE, body, Role.WATCH)
        await until(lambda: status(north, body) is NoticeStatus.CLEARED)
        assert south.line.chains["north"].length == north.line.chains["north"].length

    run(scene())


def test_while_the_log_cannot_be_read_again_nobody_sees_what_is_not_durable() -> None:
    """A write fails and so does reading the log: nothing half made is shown, and all goes on when the disk is back."""

    async def scene() -> None:
        north, south, _ = await pair()
        await asyncio.sleep(1.0)
        digest, size = digest_of(north.node.writer.state), north.node.writer.committed
        read, broken = north.journal.read, Refusal(RefusalCode.STORE_UNAVAILABLE, found="simulated")

        async def unreadable(start: int, limit: int) -> list[StoredEntry]:
            raise broken

        north.journal.read = unreadable  # type: ignore[method-assign]  # a disk that answers nothing for a while
        north.disk.fail_next(DiskFault.FULL)
        body = notice()
        assert (await refused(north.node.say(LINE, body, Role.WATCH))).code is RefusalCode.STORE_UNAVAILABLE
        assert north.node.writer.committed == size
        with pytest.raises(Refusal, match="STORE_UNAVAILABLE"):
            async with north.node.settled():
                pass
        await asyncio.sleep(limits.STORE_RETRY_MS / 1_000 + 0.1)
        assert (await refused(north.node.say(LINE, body, Role.WATCH))).code is RefusalCode.STORE_UNAVAILABLE
        north.journal.read = read  # type: ignore[method-assign]
        await asyncio.sleep(limits.STORE_RETRY_MS / 1_000 + 0.1)
        assert north.node.writer.halted is None
        await north.node.say(LINE, body, Role.WATCH)
        await until(lambda: status(north, body) is NoticeStatus.CLEARED)
        async with north.node.settled() as state:
            assert digest_of(state) != digest
        assert south.line.chains["north"].length == north.line.chains["north"].length

    run(scene())


def test_a_write_whose_answer_was_lost_is_looked_for_and_not_done_twice() -> None:
    async def scene() -> None:
        north, _, _ = await pair()
        north.disk.fail_next(DiskFault.CUT_KEPT)
        body = notice()
        said = await north.node.say(LINE, body, Role.WATCH)
        assert said.log_index is not None
        again = await north.node.say(LINE, body, Role.WATCH)
        assert again.log_index is None
        await until(lambda: status(north, body) is NoticeStatus.CLEARED)

    run(scene())


def test_what_cannot_be_said_is_refused_and_leaves_nothing_behind() -> None:
    async def scene() -> None:
        north, _, _ = await pair()
        body = notice()
        await north.node.say(LINE, body, Role.WATCH)
        size = north.node.writer.committed
        bad = (
            (RefusalCode.NOTICE_EXISTS, notice(volume(lat=5.0), notice_id=body.notice_id), Role.WATCH, LINE),
            (RefusalCode.VERSION_NOT_NEXT, amended(body, volume(), version=1), Role.WATCH, LINE),
            (RefusalCode.ROLE_FORBIDS, notice(), Role.OBSERVER, LINE),
            (RefusalCode.LINE_UNKNOWN, notice(), Role.WATCH, "no-line"),
        )
        for code, said, role, line_id in bad:
            refusal = await refused(north.node.say(line_id, said, role))
            assert refusal.code is code
        await asyncio.sleep(0.5)
        assert north.node.writer.committed <= size + 1, "only the receipt of the first may have come"

    run(scene())


def test_a_node_that_is_still_reading_its_log_says_so() -> None:
    async def scene() -> None:
        north = Post("north", AGREED, Wire())
        assert not north.node.loaded
        assert (await refused(north.node.say(LINE, notice(), Role.WATCH))).code is RefusalCode.KERNEL_NOT_READY
        await north.start()
        assert north.node.loaded

    run(scene())


def test_a_restart_goes_on_where_the_log_ends() -> None:
    async def scene() -> None:
        north, south, wire = await pair()
        wire.cut = True
        body = notice()
        await north.node.say(LINE, body, Role.WATCH)
        digest = digest_of(north.node.writer.state)
        north.crash()
        back = Post("north", AGREED, wire, disk=north.disk)
        loaded = await load_state(back.journal, own="north")
        assert digest_of(loaded.state) == digest
        await back.start()
        wire.cut = False
        await until(lambda: status(back, body) is NoticeStatus.CLEARED)
        assert south.line.chains["north"].length >= 1

    run(scene())


def test_a_clean_stop_keeps_a_snapshot_that_is_used() -> None:
    async def scene() -> None:
        north, _, wire = await pair()
        await north.node.say(LINE, notice(), Role.WATCH)
        await asyncio.sleep(2.0)
        digest, size = digest_of(north.node.writer.state), north.node.writer.committed
        await north.node.stop()
        refusal = await refused(north.node.say(LINE, notice(), Role.WATCH))
        assert refusal.code is RefusalCode.STOPPING
        snapshot = await north.journal.latest_snapshot()
        assert snapshot is not None
        assert snapshot.sequence == size
        north.crash()
        back = Post("north", AGREED, wire, disk=north.disk)
        loaded = await load_state(back.journal, own="north")
        assert loaded.snapshot_size == size
        assert digest_of(loaded.state) == digest
        back.disk.crash()
        north.disk.damage_snapshot("log")
        again = Post("north", AGREED, wire, disk=north.disk)
        loaded = await load_state(again.journal, own="north")
        assert loaded.snapshot_size == 0
        assert digest_of(loaded.state) == digest

    run(scene())


def test_a_store_that_lost_its_end_is_recognised_from_a_peer_and_stops_writing() -> None:
    """Design.md §8: a rolled-back store is a fail-stop; going on would fork our own chain."""

    async def scene() -> None:
        north, south, wire = await pair()
        for _ in range(3):
            await north.node.say(LINE, notice(), Role.WATCH)
        await until(lambda: south.line.chains["north"].length >= 3)
        north.crash()
        north.disk.roll_back("log", 2)
        back = await Post("north", AGREED, wire, disk=north.disk).start()
        await until(lambda: back.node.writer.halted is not None)
        refusal = await refused(back.node.say(LINE, notice(), Role.WATCH))
        assert refusal.code is RefusalCode.STORE_ROLLED_BACK

    run(scene())


def test_a_party_that_contradicts_itself_leaves_proof_once() -> None:
    """Equal place, other bytes: refused with CHAIN_FORK, and the other envelope is kept in the journal."""

    async def scene() -> None:
        north, south, _ = await pair()
        await south.node.say(LINE, notice(), Role.WATCH)
        await until(lambda: north.line.chains["south"].length >= 1)
        other = draft(
            body=notice(),
            line_id=LINE,
            chain=LineState(AGREED, own="south").chains["south"],
            speaker=Speaker(party="south", role=Role.WATCH, signer=SimulatedSigner("south")),
            msg_id=fresh_id(),
            sent_at_ms=north.node.clock.now_ms(),
        )
        request = Exchange(head=await head_of(south, north), envelopes=(other.encoded,))
        for _ in range(3):
            answer = await north.node.receive(request)
            assert answer.head.refused is not None
            assert answer.head.refused.code is RefusalCode.CHAIN_FORK
        assert north.line.forks == {"south": 1}
        stored = await north.journal.read(0, 100)
        bodies = [read_message(parse_entry(one.sequence, one.body).envelope).body for one in stored]
        proofs = [body for body in bodies if isinstance(body, Evidence)]
        assert [proof.envelope.encode() for proof in proofs] == [other.encoded]

    run(scene())


async def head_of(asker: Post, to: Post):  # type: ignore[no-untyped-def]  # the head of a real request
    link = asker.node.links[(LINE, to.party)]
    return (await asker.node._prepare(link)).head


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda encoded: encoded[:-2], RefusalCode.MALFORMED),
        (lambda encoded: encoded.replace(b'"sig":"', b'"sig":"A', 1), RefusalCode.MALFORMED),
        (lambda _: b"", RefusalCode.MALFORMED),
    ],
)
def test_a_spoiled_envelope_is_refused_and_comes_whole_the_next_time(spoil: object, code: RefusalCode) -> None:
    async def scene() -> None:
        north, south, wire = await pair()
        assert callable(spoil)
        spoiled: list[int] = []

        def once(request: Exchange) -> Exchange:
            if spoiled or not request.envelopes:
                return request
            spoiled.append(1)
            return msgspec.structs.replace(request, envelopes=(spoil(request.envelopes[0]), *request.envelopes[1:]))

        wire.spoil = once
        body = notice()
        await north.node.say(LINE, body, Role.WATCH)
        await until(lambda: bool(spoiled))
        await until(lambda: status(north, body) is NoticeStatus.CLEARED)
        assert south.line.rejections == {}
        assert code in RefusalCode

    run(scene())


def test_two_sides_with_different_agreements_say_so() -> None:
    """R16: other keys or rules are noticed at the first word."""

    async def scene() -> None:
        wire = Wire()
        other = msgspec.structs.replace(
            AGREED, rules=msgspec.structs.replace(AGREED.rules, separation_lateral_m=9_260.0)
        )
        north = await Post("north", AGREED, wire).start()
        await Post("south", other, wire).start()
        link = north.node.links[(LINE, "south")]
        await until(lambda: link.refused is not None)
        assert link.refused is not None
        assert link.refused.code is RefusalCode.AGREEMENT_DIFFERS

    run(scene())


def test_an_agreement_may_not_change_under_a_line() -> None:
    async def scene() -> None:
        wire = Wire()
        north = await Post("north", AGREED, wire).start()
        north.crash()
        other = msgspec.structs.replace(
            AGREED, rules=msgspec.structs.replace(AGREED.rules, separation_lateral_m=9_260.0)
        )
        refusal = await refused(Post("north", other, wire, disk=north.disk).start())
        assert refusal.code is RefusalCode.AGREEMENT_DIFFERS

    run(scene())


def test_a_queue_that_is_full_says_so_at_once() -> None:
    async def scene() -> None:
        north, _, _ = await pair()
        asked = [
            asyncio.create_task(north.node.say(LINE, notice(), Role.WATCH))
            for _ in range(limits.COMMANDS_QUEUED_MAX + limits.BATCH_REQUESTS_MAX + 10)
        ]
        done = await asyncio.gather(*asked, return_exceptions=True)
        codes = {one.code for one in done if isinstance(one, Refusal)}
        assert codes == {RefusalCode.OVERLOADED}

    run(scene())


def test_a_bug_costs_its_batch_and_not_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Style.md rule 10: stop that worker, keep the line up; nothing half done stays in the state."""

    async def scene() -> None:
        north, _, _ = await pair()
        await asyncio.sleep(1.0)
        digest = digest_of(north.node.writer.state)
        whole = LineState._take_notice

        def broken(self: LineState, *arguments: object) -> None:
            whole(self, *arguments)  # type: ignore[arg-type]  # handed through
            raise ZeroDivisionError

        monkeypatch.setattr(LineState, "_take_notice", broken)
        with pytest.raises(InternalError):
            await north.node.say(LINE, notice(), Role.WATCH)
        monkeypatch.undo()
        assert digest_of(north.node.writer.state) == digest
        await asyncio.sleep(limits.STORE_RETRY_MS / 1_000 + 0.1)
        await north.node.say(LINE, notice(), Role.WATCH)

    run(scene())


def test_a_second_writer_on_the_store_stops_the_first() -> None:
    async def scene() -> None:
        north, _, _ = await pair()
        await asyncio.sleep(0.5)
        rows = north.disk.partition("log").rows
        rows.append(rows[-1])
        refusal = await refused(north.node.say(LINE, notice(), Role.WATCH))
        assert refusal.code is RefusalCode.STORE_IN_USE
        assert north.node.writer.halted is not None

    run(scene())
