"""The log's Merkle tree for proofs: built from the store when first asked for, kept, and grown with the log."""

from __future__ import annotations

import asyncio
from typing import final

from clearline.ledger.entry import entry_bytes
from clearline.ledger.merkle import Tree, leaf_hash
from clearline.model import limits
from clearline.model.message import TreeHead
from clearline.node.node import Node

__all__ = ["ProofTree"]


@final
class ProofTree:
    """64 bytes of memory for each entry, once it has been asked for."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._growing = asyncio.Lock()

    async def proof(self, node: Node, index: int) -> tuple[TreeHead, list[bytes]]:
        """Return a tree head that covers the durable log, and the proof that entry `index`, which exists, is in it."""
        async with self._growing:
            size = node.writer.committed
            while self._tree.size < size:
                for entry in await node.log_page(self._tree.size, limits.PAGE_ENTRIES_MAX):
                    self._tree.append(leaf_hash(entry_bytes(entry)))
            size = self._tree.size
            head = TreeHead(size=size, root=self._tree.root().hex())
            return head, self._tree.inclusion_proof(index, size)
