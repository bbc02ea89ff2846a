"""What goes back to a caller: bytes with a status, or a stream that is cut off when nobody takes it.

Rules
 * Every "no" is the JSON of `RefusalReport`, with the status of `statuses`.
 * A bug is 500 with a reference number; what happened stands in the log beside that number and nowhere else.
 * A stream waits for its reader, for a limited time; nothing is piled up for it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final, Literal, final

import msgspec
import structlog
from litestar.types import Receive, Scope, Send

from clearline.doors.http.statuses import RETRY_AFTER_S, STATUS_OF
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["JSON", "Answer", "Fault", "StreamedAnswer", "answer_json", "answer_refusal", "bug_answer"]

JSON: Final = "application/json"
_log = structlog.get_logger("clearline.http")
_REFERENCE_BYTES: Final = 6
_encode = msgspec.json.Encoder().encode


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A bug of Clearline, as a caller sees it; the same four facts as a refusal."""

    code: Literal["INTERNAL"] = "INTERNAL"
    field: str = ""
    found: str
    allowed: str = "report it with this reference; the node's log says more"


class _Head:
    """Status and headers, ready to be sent."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, content_type: str | None, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        if content_type is not None:
            self.headers.append((b"content-type", content_type.encode("latin-1")))


@final
class Answer:
    """A whole answer; an ASGI application."""

    __slots__ = ("_body", "_head")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        *,
        content_type: str | None = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._head = _Head(status, content_type, headers or {})
        self._body = body

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._head.status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        """Send it."""
        headers = self._head.headers
        if self._head.status != 204:  # RFC 9110 §8.6: no length where there can be no content
            headers = [*headers, (b"content-length", str(len(self._body)).encode("ascii"))]
        await send({"type": "http.response.start", "status": self._head.status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


@final
class StreamedAnswer:
    """An answer in parts, each sent when the one before has been taken; an ASGI application."""

    __slots__ = ("_chunks", "_head")

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._head = _Head(200, content_type, headers or {})
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        """Send parts until there are none, the reader leaves, or takes nothing for too long."""
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not sending.done():
                sending.cancel()
            with suppress(asyncio.CancelledError):
                await leaving
            with suppress(asyncio.CancelledError):
                await sending

    async def _send_all(self, send: Send) -> None:
        chunks: Any = self._chunks
        await send({"type": "http.response.start", "status": self._head.status, "headers": self._head.headers})
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    async with asyncio.timeout(limits.SEND_TIMEOUT_MS / 1_000):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            # The reader keeps the connection and takes nothing. Ending without the last part cuts it off.
            _log.info("stream cut off: its reader takes nothing")
            raise asyncio.CancelledError from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return


def answer_json(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return `value` as JSON."""
    return Answer(status, _encode(value), headers=headers)


def answer_refusal(refusal: Refusal, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a refusal with the status of its code."""
    code = refusal.code
    extra = dict(headers or {})
    if code in RETRY_AFTER_S:
        extra["Retry-After"] = str(RETRY_AFTER_S[code])
    if code is RefusalCode.NOT_AUTHENTICATED:
        extra["WWW-Authenticate"] = 'Bearer realm="clearline"'
    return answer_json(refusal.report(), status=status or STATUS_OF[code], headers=extra)


def bug_answer(error: BaseException, *, where: str) -> Answer:
    """Log a bug under a fresh reference and return what the caller may know of it."""
    reference = secrets.token_hex(_REFERENCE_BYTES)
    _log.error("internal error", reference=reference, where=where, exc_info=error)
    return answer_json(Fault(found=f"reference {reference}"), status=500)
