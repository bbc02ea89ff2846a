"""One connection: heads that come too slowly or too long, and connections that are too many, end it.

Rules
 * uvicorn does not bound the time of a request's head; this does, in front of its own protocol, and bounds its bytes
   and the number of connections as well. Only complete heads come through to the application.
 * Head and body of an answer leave in one write: a write is a system call, a packet, and a wake-up of the reader.
"""

from __future__ import annotations

import asyncio
from typing import Any, final

from uvicorn.protocols.http.h11_impl import H11Protocol

from clearline.model import limits

__all__ = ["BoundedConnection"]


@final
class _OneWrite:
    """A transport that gathers what is written within one turn of the loop."""

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write at the end of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Write what is gathered, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            self._transport.write(b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedConnection(H11Protocol):
    """uvicorn's HTTP/1.1 connection, with bounds on what comes before a request is complete."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(_OneWrite(transport, self.loop))  # type: ignore[arg-type]  # what uvicorn uses of one
        if len(self.connections) > limits.CONNECTIONS_MAX:
            transport.abort()
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand bytes on; count and time them while no request is complete."""
        super().data_received(data)
        if self._in_request():
            self._stop_timer()
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > limits.HEAD_BYTES_MAX:
            self.transport.abort()
        elif self._head_timer is None:
            self._start_timer()

    def on_response_complete(self) -> None:
        """Start anew for the next request of this connection."""
        self._head_bytes = 0
        super().on_response_complete()

    def _in_request(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(limits.HEAD_TIMEOUT_MS / 1_000, self._late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._head_timer = None
        if not self._in_request():
            self.transport.abort()
