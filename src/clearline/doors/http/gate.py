"""What every request passes before the routes: the host it names, and the headers that every answer carries.

Rules
 * A node that listens on loopback answers only to names of loopback (and its public name): another site's page that
   got its own name resolved to 127.0.0.1 reaches nothing.
 * Every answer forbids framing, sniffing and caching; what serves the console sets its own.
 * What breaks here or below is told under a reference, never as a trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, final
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from clearline.doors.http.answers import Answer, answer_refusal, bug_answer
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["SECURITY_HEADERS", "Gate", "loopback_names", "refused_path"]

SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_ENCODED: Final = [(name.encode("ascii"), value.encode("ascii")) for name, value in SECURITY_HEADERS.items()]
_HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")


def loopback_names(public_url: str | None) -> frozenset[str]:
    """Return the host names that a node on loopback answers to."""
    names = {"localhost", "127.0.0.1", "::1"}
    if public_url is not None:
        names.add((urlsplit(public_url).hostname or "").lower())
    return frozenset(names)


@final
class Gate:
    """The outermost ASGI application. `hosts` is None where any name will do."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Callable[[str], str | None],
        hosts: Collection[str] | None,
        https: bool,
        on_bug: Callable[[], None],
    ) -> None:
        self._app = app
        self._allowed = allowed
        self._hosts = hosts
        self._on_bug = on_bug
        self._headers = [*_ENCODED, _HTTPS_ONLY] if https else _ENCODED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = False
        body = _Body(receive, expected=any(name == b"expect" for name, _ in scope["headers"]))

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= HTTPStatus.BAD_REQUEST:
                    await body.drain()
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in self._headers if one[0] not in present)]
            await send(message)

        try:
            refusal = self._refusal(scope, method=str(scope["method"]))
            app = self._app if refusal is None else _refused(refusal)
            await app(scope, body.receive, send_guarded)
        except Exception as error:
            self._on_bug()
            answer = bug_answer(error, where="gate")
            if started:
                raise  # Half an answer is out: only closing the connection tells that it is not whole.
            await answer(scope, body.receive, send_guarded)

    def _refusal(self, scope: Scope, *, method: str) -> Refusal | None:
        # The connection bounds a head that comes in parts; this bounds one that came at once.
        head_bytes = len(scope["raw_path"]) + sum(len(name) + len(value) for name, value in scope["headers"])
        if head_bytes > limits.HEAD_BYTES_MAX:
            return Refusal(
                RefusalCode.OVER_LIMIT,
                field="headers",
                found=f"{head_bytes} bytes",
                allowed=f"at most {limits.HEAD_BYTES_MAX} bytes",
            )
        if method == "OPTIONS":
            # Other sites' pages ask this way whether they may call us (CORS): they may not.
            return refused_path(scope["path"], method, self._allowed(scope["path"]))
        if self._hosts is None:
            return None
        given = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if _host_name(given) in self._hosts:
            return None
        return Refusal(
            RefusalCode.NOT_FOUND, field="Host", found=given, allowed="the name under which the node listens"
        )


def refused_path(path: str, method: str, allowed: str | None) -> Refusal:
    """Return the refusal of a path that is not there, or has not this method but `allowed`."""
    if allowed is None:
        return Refusal(RefusalCode.NOT_FOUND, field="path", found=path, allowed="a path of /schema/openapi.json")
    return Refusal(RefusalCode.METHOD_NOT_ALLOWED, field="method", found=method, allowed=allowed)


def _refused(refusal: Refusal) -> Answer:
    headers = {"Allow": refusal.allowed} if refusal.code is RefusalCode.METHOD_NOT_ALLOWED else None
    return answer_refusal(refusal, headers=headers)


@final
class _Body:
    """A request's body on its way to whoever reads it; knows how much of it nobody has read."""

    def __init__(self, receive: Receive, *, expected: bool) -> None:
        self._receive = receive
        self._open = not expected  # `Expect: 100-continue`: the body comes only when it is asked for

    async def receive(self) -> Any:
        """Hand on a part."""
        message = await self._receive()
        self._open = bool(message.get("more_body", False))
        return message

    async def drain(self) -> None:
        """Take some of what is left, so that closing on it does not wipe out the answer (RFC 9112 §9.6)."""
        left = limits.DRAIN_BYTES_MAX
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.DRAIN_TIMEOUT_MS / 1_000):
                while self._open and left > 0:
                    left -= len((await self.receive()).get("body", b""))


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()
