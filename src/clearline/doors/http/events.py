"""The event stream: the log as it grows, and the state of the lines (server-sent events).

Rules
 * The id of an `entry` event is its log index; `Last-Event-ID` goes on after it. The log is the only buffer: nothing
   is lost, doubled or piled up, however long a reader was away.
 * A `status` event comes about every EVENT_STATUS_MS, and sooner after entries; it shows that the stream lives.
 * A reader that takes nothing is cut off (answers.py); a session that ends, ends its streams.

Source: WHATWG HTML §9.2 (server-sent events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import msgspec

from clearline.doors.http.answers import StreamedAnswer
from clearline.doors.http.operation import Call, Door, Operation, Secured
from clearline.doors.http.reading import read_path
from clearline.doors.http.wire import EventsQuery, LogIndex
from clearline.line.views import EntryView
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.node import Node

__all__ = ["EVENTS", "EVENT_STREAM"]

EVENT_STREAM: Final = "text/event-stream"
_BEGIN: Final = b": clearline\nretry: 1000\n\n"
_LAST_EVENT_ID: Final = "last-event-id"
_encode = msgspec.json.Encoder().encode


async def _events(door: Door, call: Call) -> StreamedAnswer:
    node = door.desk.node
    if door.metrics.open_streams >= limits.EVENT_STREAMS_MAX:
        raise Refusal(
            RefusalCode.OVERLOADED,
            found=f"{limits.EVENT_STREAMS_MAX} event streams",
            allowed="when one has ended",
        )
    start = _first_wanted(call, size=node.writer.committed)
    return StreamedAnswer(
        _stream(door, call, node, start), content_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"}
    )


def _first_wanted(call: Call, *, size: int) -> int:
    query: EventsQuery = call.query
    last = call.headers.get(_LAST_EVENT_ID, "")
    if last:
        start, field = read_path(LogIndex, last, field="Last-Event-ID") + 1, "Last-Event-ID"
    else:
        start, field = size if query.start is None else query.start, "from"
    if start > size:
        raise Refusal(
            RefusalCode.OUT_OF_RANGE, field=field, found=start, allowed=f"at most {size}: the log has no more entries"
        )
    return start


async def _stream(door: Door, call: Call, node: Node, start: int) -> AsyncIterator[bytes]:
    with door.metrics.stream():
        now_s = asyncio.get_running_loop().time
        yield _BEGIN + await _status_event(door)
        told_s = now_s()
        while not door.desk.closing.is_set() and door.access.still_valid(call.who()):
            size = node.writer.committed
            entries = await node.described(start, limits.EVENT_ENTRIES) if start < size else []
            if entries:
                start = entries[-1].log_index + 1
                yield b"".join(map(_entry_event, entries))
            else:
                await _wait(door, node, size)
            # After entries as well, so that a page sees what they changed; but not after each of many.
            if now_s() - told_s >= (limits.EVENT_STATUS_MS_MIN if entries else limits.EVENT_STATUS_MS) / 1_000:
                yield await _status_event(door)
                told_s = now_s()


async def _wait(door: Door, node: Node, size: int) -> None:
    """Wait until the log has more than `size` entries, the node closes, or it is time to tell the status."""
    grown = asyncio.ensure_future(node.wait_beyond(size))
    closed = asyncio.ensure_future(door.desk.closing.wait())
    try:
        await asyncio.wait((grown, closed), timeout=limits.EVENT_STATUS_MS / 1_000, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiting in (grown, closed):
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting


def _entry_event(view: EntryView) -> bytes:
    return b"id: %d\nevent: entry\ndata: %b\n\n" % (view.log_index, _encode(view))


async def _status_event(door: Door) -> bytes:
    # No id: the place to resume from is that of the last entry.
    return b"event: status\ndata: %b\n\n" % _encode(await door.desk.status())


EVENTS: Final = (
    Operation(
        name="events",
        method="GET",
        path="/v1/events",
        summary="Server-sent events: `entry` (id = log index) and `status`. `Last-Event-ID` resumes.",
        perform=_events,
        secured=Secured.READS,
        query=EventsQuery,
        answers={200: None},
        content_type=EVENT_STREAM,
        refusals=(429,),
        header_parameters={"Last-Event-ID": LogIndex},
    ),
)
