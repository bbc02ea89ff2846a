"""Reading back what the log holds: envelopes for peers, entries for pages and event streams."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import final

from clearline.ledger.entry import Entry, parse_entry
from clearline.model import limits
from clearline.model.refusal import InternalError
from clearline.node.ports import Journal

__all__ = ["LogReader", "Missing"]


@final
class Missing:
    """Envelopes to hand over, and how long our own chain is at the receiver once it has taken them."""

    def __init__(self, envelopes: tuple[bytes, ...], own_length: int) -> None:
        self.envelopes = envelopes
        self.own_length = own_length


@final
class LogReader:
    """Entries by index, the last ones from memory."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._recent: OrderedDict[int, Entry] = OrderedDict()

    def remember(self, entry: Entry) -> None:
        """Keep an entry that has just become durable: it is about to be sent."""
        self._recent[entry.index] = entry
        while len(self._recent) > limits.RECENT_ENTRIES_MAX:
            self._recent.popitem(last=False)

    def forget(self) -> None:
        """Drop everything remembered."""
        self._recent.clear()

    async def page(self, start: int, limit: int) -> list[Entry]:
        """Return entries from `start` in order; at least one if there is one."""
        entries: list[Entry] = []
        for index in range(start, start + limit):
            entry = self._recent.get(index)
            if entry is None:
                break
            entries.append(entry)
        if entries:
            return entries
        stored = await self._journal.read(start, min(limit, limits.PAGE_ENTRIES_MAX))
        return [parse_entry(one.sequence, one.body) for one in stored]

    async def at(self, indexes: Sequence[int]) -> list[Entry]:
        """Return the entries at these indexes, which exist, in the order asked."""
        found: dict[int, Entry] = {}
        for index in sorted(indexes):
            if index not in found:
                wanted = max(indexes) - index + 1
                for entry in await self.page(index, min(wanted, limits.DELIVERY_ENVELOPES_MAX * 2)):
                    found[entry.index] = entry
        missing = [index for index in indexes if index not in found]
        if missing:
            raise InternalError(f"the log has no entry {missing[0]}")
        return [found[index] for index in indexes]

    async def missing(self, wanted: Sequence[tuple[str, int, int]], *, own: str) -> Missing:
        """Return the envelopes at (party, sequence, log index), as many of the first ones as one exchange holds."""
        entries = await self.at([index for _, _, index in wanted])
        envelopes: list[bytes] = []
        own_length = size = 0
        for (party, sequence, _), entry in zip(wanted, entries, strict=True):
            size += len(entry.envelope)
            if envelopes and size > limits.DELIVERY_BYTES_MAX:
                break
            envelopes.append(entry.envelope)
            if party == own:
                own_length = sequence
        return Missing(tuple(envelopes), own_length)
