"""What a party reads at its own node: the picture, single views, the log with proofs, the whole record."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Final

import msgspec

from clearline.doors.http.answers import Answer, StreamedAnswer, answer_json
from clearline.doors.http.operation import Call, Door, Operation, Secured
from clearline.doors.http.wire import (
    Findings,
    FindingsQuery,
    LogEntry,
    LogPage,
    LogQuery,
    Notices,
    NoticesQuery,
    Picture,
    PictureQuery,
    Session,
    SessionRequest,
    Status,
)
from clearline.ledger.bundle import bundle_lines
from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.merkle import leaf_hash
from clearline.line.views import FindingView, NoticeView
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.node import Node

__all__ = ["BUNDLE_CONTENT_TYPE", "READING", "SESSIONS"]

BUNDLE_CONTENT_TYPE: Final = "application/vnd.clearline.bundle"
_EXPORT_ENTRIES: Final = 256
"""Entries put into a bundle before others get their turn: some 5 ms of hashing."""


async def _picture(door: Door, call: Call) -> Answer:
    query: PictureQuery = call.query
    return answer_json(await door.desk.picture(role=call.who().role, since=query.since))


async def _notices(door: Door, call: Call) -> Answer:
    return answer_json(await door.desk.notices(call.query))


async def _notice(door: Door, call: Call) -> Answer:
    path = call.path
    return answer_json(await door.desk.notice(path["line_id"], path["owner"], path["notice_id"]))


async def _findings(door: Door, call: Call) -> Answer:
    return answer_json(await door.desk.findings(call.query))


async def _finding(door: Door, call: Call) -> Answer:
    line_id, key = await door.desk.find_finding(call.path["finding_id"])
    return answer_json(await door.desk.finding(line_id, key))


async def _status(door: Door, call: Call) -> Answer:  # noqa: ARG001  every operation is called alike
    return answer_json(await door.desk.status())


async def _log_page(door: Door, call: Call) -> Answer:
    query: LogQuery = call.query
    node = door.desk.node
    size = node.writer.committed
    entries = await node.described(query.start, query.limit) if query.start < size else []
    return answer_json(LogPage(log_size=size, entries=tuple(entries)))


async def _log_entry(door: Door, call: Call) -> Answer:
    node = door.desk.node
    index: int = call.path["log_index"]
    if index >= node.writer.committed:
        raise Refusal(
            RefusalCode.NOT_FOUND,
            field="log_index",
            found=index,
            allowed=f"below {node.writer.committed}, the size of the log",
        )
    (entry,) = await node.log_page(index, 1)
    (described,) = await node.described(index, 1)
    head, proof = await door.proofs.proof(node, index)
    return answer_json(
        LogEntry(
            entry=described,
            envelope=msgspec.Raw(entry.envelope),
            leaf_hash=leaf_hash(entry_bytes(entry)).hex(),
            tree=head,
            proof=tuple(step.hex() for step in proof),
        )
    )


async def _export(door: Door, call: Call) -> StreamedAnswer:  # noqa: ARG001  every operation is called alike
    node = door.desk.node
    if door.exports.locked():
        raise Refusal(
            RefusalCode.OVERLOADED, found=f"{limits.EXPORTS_MAX} exports running", allowed="when one has ended"
        )
    async with node.settled() as state:
        size = state.size
        agreements = {line.line_id: line.digest for line in state.lines.values()}
    name = f"{door.desk.party}-{size}.clearline"
    return StreamedAnswer(
        _bundle(door, node, size=size, agreements=agreements),
        content_type=BUNDLE_CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _bundle(door: Door, node: Node, *, size: int, agreements: dict[str, str]) -> AsyncIterator[bytes]:
    """Feed the bundle's writer page by page: it takes one entry for each line that it gives."""
    async with door.exports:
        feed: deque[Entry] = deque()
        lines = bundle_lines(
            _taken(feed),
            party=door.desk.party,
            exported_at_ms=node.clock.now_ms(),
            size=size,
            agreements=agreements,
            signer=door.signer,
        )
        yield next(lines)
        done = 0
        while done < size:
            page = await node.log_page(done, min(_EXPORT_ENTRIES, size - done))
            feed.extend(page)
            yield b"".join(next(lines) for _ in page)
            done += len(page)
        yield b"".join(lines)


def _taken(feed: deque[Entry]) -> Iterator[Entry]:
    while feed:
        yield feed.popleft()


async def _sign_in(door: Door, call: Call) -> Answer:
    asked: SessionRequest = call.body
    caller, cookie = door.access.open_session(asked.token)
    session = Session(party=door.desk.party, name=caller.name, role=caller.role)
    return answer_json(session, headers={"Set-Cookie": cookie})


async def _who(door: Door, call: Call) -> Answer:
    caller = call.who()
    return answer_json(Session(party=door.desk.party, name=caller.name, role=caller.role))


async def _sign_out(door: Door, call: Call) -> Answer:
    return Answer(204, content_type=None, headers={"Set-Cookie": door.access.close_session(call.who())})


SESSIONS: Final = (
    Operation(
        name="signIn",
        method="POST",
        path="/v1/session",
        summary="Open a console session with a token.",
        perform=_sign_in,
        secured=Secured.OPEN,
        body=SessionRequest,
        answers={200: Session},
        refusals=(400, 401, 413),
    ),
    Operation(
        name="session",
        method="GET",
        path="/v1/session",
        summary="Who is calling.",
        perform=_who,
        secured=Secured.READS,
        answers={200: Session},
        refusals=(),
    ),
    Operation(
        name="signOut",
        method="DELETE",
        path="/v1/session",
        summary="End the console session. A token stays valid.",
        perform=_sign_out,
        secured=Secured.CHANGES,
        answers={204: None},
        refusals=(),
    ),
)

READING: Final = (
    Operation(
        name="picture",
        method="GET",
        path="/v1/picture",
        summary="Everything a desk shows; with `since`, what changed at that log index or later.",
        perform=_picture,
        secured=Secured.READS,
        query=PictureQuery,
        answers={200: Picture},
        refusals=(),
    ),
    Operation(
        name="notices",
        method="GET",
        path="/v1/notices",
        summary="Notices, the last changed first.",
        perform=_notices,
        secured=Secured.READS,
        query=NoticesQuery,
        answers={200: Notices},
        refusals=(404,),
    ),
    Operation(
        name="notice",
        method="GET",
        path="/v1/notices/{line_id}/{owner}/{notice_id}",
        summary="One notice.",
        perform=_notice,
        secured=Secured.READS,
        answers={200: NoticeView},
        refusals=(404,),
    ),
    Operation(
        name="findings",
        method="GET",
        path="/v1/findings",
        summary="Findings, the last changed first.",
        perform=_findings,
        secured=Secured.READS,
        query=FindingsQuery,
        answers={200: Findings},
        refusals=(404,),
    ),
    Operation(
        name="finding",
        method="GET",
        path="/v1/findings/{finding_id}",
        summary="One finding.",
        perform=_finding,
        secured=Secured.READS,
        answers={200: FindingView},
        refusals=(404,),
    ),
    Operation(
        name="status",
        method="GET",
        path="/v1/status",
        summary="The node and its lines.",
        perform=_status,
        secured=Secured.READS,
        answers={200: Status},
        refusals=(),
    ),
    Operation(
        name="log",
        method="GET",
        path="/v1/log",
        summary="A page of the log.",
        perform=_log_page,
        secured=Secured.READS,
        query=LogQuery,
        answers={200: LogPage},
        refusals=(),
    ),
    Operation(
        name="logEntry",
        method="GET",
        path="/v1/log/{log_index}",
        summary="One entry of the log with its envelope and the proof that it is in the tree.",
        perform=_log_entry,
        secured=Secured.READS,
        answers={200: LogEntry},
        refusals=(404,),
    ),
    Operation(
        name="export",
        method="GET",
        path="/v1/export",
        summary="The whole log as a bundle that proves itself (docs/spec/bundle.md).",
        perform=_export,
        secured=Secured.READS,
        answers={200: None},
        content_type=BUNDLE_CONTENT_TYPE,
        refusals=(429,),
    ),
)
