"""From the log on disk to the state: the newest good snapshot, then every entry after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from clearline.ledger.entry import parse_entry
from clearline.line.node_state import NodeState
from clearline.line.snapshot import restore
from clearline.model import limits
from clearline.model.refusal import Refusal
from clearline.node.ports import Journal

__all__ = ["Loaded", "Progress", "load_state"]

_log = structlog.get_logger("clearline.loading")

Progress = Callable[[int, int], None]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The state after the last entry, and how much of it came out of a snapshot."""

    state: NodeState
    snapshot_size: int


async def load_state(journal: Journal, *, own: str, progress: Progress | None = None) -> Loaded:
    """Return the state after the last entry of the log.

    `progress` is told (entries applied, entries in all) after each page.

    Raises:
        Refusal: STORE_DAMAGED or STORE_UNAVAILABLE.
    """
    head = await journal.head()
    state = await _from_snapshot(journal, own=own)
    snapshot_size = state.size
    while page := await journal.read(state.size, limits.PAGE_ENTRIES_MAX):
        for stored in page:
            state.replay(parse_entry(stored.sequence, stored.body))
        if progress is not None:
            progress(state.size, head)
        await asyncio.sleep(0)
    return Loaded(state=state, snapshot_size=snapshot_size)


async def _from_snapshot(journal: Journal, *, own: str) -> NodeState:
    snapshot = await journal.latest_snapshot()
    if snapshot is None:
        return NodeState(own)
    try:
        state = restore(snapshot.body, own=own)
    except Refusal as refusal:
        _log.warning("snapshot not used", sequence=snapshot.sequence, refusal=str(refusal))
        return NodeState(own)
    if state.size != snapshot.sequence:
        _log.warning("snapshot not used", sequence=snapshot.sequence, size=state.size)
        return NodeState(own)
    return state
