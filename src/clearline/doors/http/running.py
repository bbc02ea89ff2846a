"""A node behind its door: opened, served and stopped in order. The command `serve`, tests and tools all use this.

Rules
 * The door listens before the node is ready and says so (503, readyz): a supervisor sees the difference.
 * Stopping: streams end, requests under way are answered, the node writes what waits and keeps a snapshot, the store
   closes last.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import final

from clearline.doors.http.access import Access
from clearline.doors.http.app import http_application
from clearline.doors.http.desk import Desk
from clearline.doors.http.gate import Gate
from clearline.doors.http.metrics import Metrics
from clearline.doors.http.operation import Door
from clearline.doors.http.proofs import ProofTree
from clearline.doors.http.server import HttpServer, listening_socket
from clearline.ledger.keys import Ed25519Verifier
from clearline.model.refusal import InternalError
from clearline.node.assembly import RunningNode, assemble
from clearline.node.chance import SystemChance
from clearline.node.clock import SystemClock
from clearline.node.config import Configuration
from clearline.node.loading import Progress
from clearline.node.node import Node
from clearline.node.tokens import read_tokens

__all__ = ["ServedNode"]


@final
class ServedNode:
    """One node with its door. `open`, `start`, and `stop` in any case."""

    def __init__(self, configuration: Configuration) -> None:
        """Read the tokens; nothing is opened yet.

        Raises:
            Refusal: CONFIGURATION_INVALID.
        """
        self._configuration = configuration
        self._running: RunningNode | None = None
        self._serving: asyncio.Task[None] | None = None
        self._server: HttpServer | None = None
        https = configuration.tls_certificate is not None
        chance = SystemChance()
        self.metrics = Metrics()
        self.desk = Desk(configuration.party, store_failure=self._store_failure)
        door = Door(
            desk=self.desk,
            access=Access(
                read_tokens(configuration.tokens),
                party=configuration.party,
                secure=https or (configuration.public_url or "").startswith("https:"),
                now_ms=SystemClock().now_ms,
                secrets=chance,
            ),
            metrics=self.metrics,
            proofs=ProofTree(),
            chance=chance,
            signer=configuration.signer,
            verifier=Ed25519Verifier(),
            agreements={line.agreement.line_id: line.agreement for line in configuration.lines},
        )
        self.app: Gate = http_application(
            door, loopback=configuration.listen.loopback, public_url=configuration.public_url, https=https
        )

    def _store_failure(self) -> str | None:
        return self._running.journal.failure if self._running is not None else None

    @property
    def node(self) -> Node:
        """The node, once `open` has opened its store."""
        return self._opened().node

    def _opened(self) -> RunningNode:
        if self._running is None:
            raise InternalError("a node is opened before it is used")
        return self._running

    @property
    def url(self) -> str:
        """The address for a browser on this machine, once `open` has been called."""
        listen = self._configuration.listen
        if self._server is None:
            return listen.url
        scheme = "https" if self._configuration.tls_certificate is not None else "http"
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        return f"{scheme}://{host}:{self._server.port}"

    def open(self, opened: socket.socket | None = None) -> None:
        """Open the store, listen (on `opened`, where it is given), and answer that the node is starting.

        Raises:
            Refusal: of the store; CONFIGURATION_INVALID where the address cannot be had.
        """
        # The store first: a second node on the same directory is told that, and not that the port is taken.
        self._running = assemble(self._configuration, on_append=self.metrics.appended)
        self._server = HttpServer(self.app, opened or listening_socket(self._configuration.listen), self._configuration)
        self._serving = asyncio.create_task(self._server.serve(), name="http")

    async def start(self, progress: Progress | None = None) -> None:
        """Read the log, begin to exchange, and open the desk. Kernels are loaded by now.

        Raises:
            Refusal: of the store, AGREEMENT_DIFFERS.
        """
        running = self._opened()
        await running.start(progress)
        self.desk.open(running.node)

    async def serving_ended(self) -> None:
        """Wait until the door closes; raises what closed it, where nobody told it to."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self, on_step: Callable[[str], None] = lambda _: None) -> None:
        """Stop everything that was begun."""
        self.desk.begin_closing()
        if self._server is not None and self._serving is not None:
            on_step("finishing what is under way")
            self._server.stop()
            await self._serving
        self.desk.close()
        if self._running is not None:
            on_step("writing what waits, and a snapshot")
            await self._running.stop()
