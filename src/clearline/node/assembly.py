"""A node out of its configuration: store, journal, transport and node, opened in order and closed in reverse.

Rules
 * What cannot be opened refuses with its reason, and nothing stays locked.
 * Stopping: take nothing new, write what waits, keep a snapshot, close the store last.
"""

from __future__ import annotations

import gc
from typing import final

from clearline.ledger.keys import Ed25519Verifier
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.chance import SystemChance
from clearline.node.clock import SystemClock
from clearline.node.config import Configuration
from clearline.node.http_peers import HttpPeers, PeerRoute
from clearline.node.loading import Progress
from clearline.node.node import Node
from clearline.node.store_journal import AppendObserver, StoreJournal
from clearline.store.sqlite import SqliteStore

__all__ = ["RunningNode", "assemble"]

_STORE_FILE = "log.sqlite"


@final
class RunningNode:
    """A node with what it stands on. `start`, then use `node`; `stop` when done, whether or not it started."""

    def __init__(self, node: Node, *, journal: StoreJournal, store: SqliteStore, peers: HttpPeers) -> None:
        self.node = node
        self.journal = journal
        self._store = store
        self._peers = peers
        self._started = False

    async def start(self, progress: Progress | None = None) -> None:
        """Read the log and begin.

        Raises:
            Refusal: of the store, AGREEMENT_DIFFERS.
        """
        # Loading makes millions of objects and no cycles: the collector would look at all of them again and again,
        # now and at every full collection later.
        gc.disable()
        try:
            await self.node.start(progress)
        finally:
            gc.freeze()
            gc.enable()
        self._started = True

    async def stop(self) -> None:
        """Stop the node and close everything."""
        try:
            if self._started:
                await self.node.stop()
        finally:
            await self._peers.close()
            self.journal.close()
            self._store.close()


def assemble(configuration: Configuration, *, on_append: AppendObserver | None = None) -> RunningNode:
    """Open the store and put a node together. Needs a running event loop.

    Raises:
        Refusal: STORE_IN_USE, STORE_DAMAGED, STORE_UNAVAILABLE, STORE_FOREIGN, CONFIGURATION_INVALID.
    """
    verifier = Ed25519Verifier()
    peers = HttpPeers(
        [PeerRoute(agreement=line.agreement, addresses=line.addresses) for line in configuration.lines],
        signer=configuration.signer,
        verifier=verifier,
        ca_file=configuration.ca_file,
    )
    try:
        configuration.data.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Refusal(
            RefusalCode.STORE_UNAVAILABLE,
            field="node.data",
            found=f"{configuration.data.name}: {error.strerror}",
            allowed="a directory that can be written",
        ) from None
    store = SqliteStore.open(configuration.data / _STORE_FILE)
    journal = StoreJournal(store) if on_append is None else StoreJournal(store, on_append=on_append)
    node = Node(
        own=configuration.party,
        agreements=[line.agreement for line in configuration.lines],
        journal=journal,
        clock=SystemClock(),
        chance=SystemChance(),
        signer=configuration.signer,
        verifier=verifier,
        transport=peers,
    )
    return RunningNode(node, journal=journal, store=store, peers=peers)
