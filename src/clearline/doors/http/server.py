"""The listening socket and what serves it. Signals are the command's business, not the server's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from uvicorn import Config, Server

from clearline.doors.http.connection import BoundedConnection
from clearline.doors.http.gate import Gate
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.config import Configuration, Listen

__all__ = ["HttpServer", "listening_socket"]

_KEEP_ALIVE_S = 30
_DRAIN_S = 5
"""How long requests that are under way may take when the node stops."""
_BACKLOG = 512


def listening_socket(listen: Listen) -> socket.socket:
    """Return a socket that listens.

    Raises:
        Refusal: CONFIGURATION_INVALID where the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    # With the protocol named: asyncio turns Nagle's delay (40 ms an answer) off only for sockets that say they are TCP.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((listen.host, listen.port))
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise Refusal(
            RefusalCode.CONFIGURATION_INVALID,
            field="node.listen",
            found=f"{listen.host}:{listen.port}: {error.strerror}",
            allowed="an address of this machine that is free",
        ) from None
    opened.setblocking(False)  # noqa: FBT003  the standard library's signature
    return opened


class _QuietServer(Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@final
class HttpServer:
    """Serves one application on one socket until told to stop."""

    def __init__(self, app: Gate, opened: socket.socket, configuration: Configuration) -> None:
        """Make ready to serve; the socket is closed where that fails.

        Raises:
            Refusal: CONFIGURATION_INVALID for a certificate or key that cannot be used.
        """
        self._socket = opened
        certificate, key = configuration.tls_certificate, configuration.tls_key
        config = Config(
            app,
            loop="asyncio",
            http=BoundedConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_DRAIN_S,
            h11_max_incomplete_event_size=limits.HEAD_BYTES_MAX,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            config.load()
        except OSError as error:  # ssl.SSLError is one
            opened.close()
            raise Refusal(
                RefusalCode.CONFIGURATION_INVALID,
                field="node.tls_certificate",
                found=f"{type(error).__name__} {error.strerror}",
                allowed="a certificate and its key, in PEM",
            ) from None
        self._server = _QuietServer(config)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    async def serve(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Accept nothing new; `serve` returns once what is under way has ended."""
        self._server.should_exit = True
