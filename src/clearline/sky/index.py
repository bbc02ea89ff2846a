"""`Sky`: many notices' volumes under one rule set, and what a notice meets among them.

Rules
 * `findings` is a function of the rule set, the notice asked about and what is held; not of the order of `add`.
 * Nothing is missed: every step before the exact comparison rounds outward (design.md §4).
 * Handles are the caller's, whole numbers from 0, each held once. Misuse is a bug of the caller: `InternalError`.
 * Arrays grow without a cap and are made anew without gaps when half of their vertices belong to removed notices.

Threads: one thread at a time (`findings` marks rows too). The kernels release the interpreter lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final, final

import numpy as np

from clearline.model.identity import AircraftClass
from clearline.model.refusal import invariant
from clearline.model.rules import RuleSet
from clearline.sky.finding import Finding, severity_of
from clearline.sky.kernel_grid import ROOM_BUCKETS
from clearline.sky.kernel_meet import FLOAT_COLUMNS
from clearline.sky.kernel_query import add, find, remove
from clearline.sky.prepared import Prepared
from clearline.sky.rule_table import class_code, rules_array
from clearline.sky.storage import more_buckets, more_entries, new_grid, new_rows, with_room, without_gaps

__all__ = ["Sky"]

_HANDLE_MAX: Final = (1 << 62) - 1
_BATCH: Final = 4_096
"""Notices in one call of the kernel: the copy of their shapes stays below 2 MB for common ones."""

Item = tuple[int, Prepared, int] | tuple[int, Prepared, int, AircraftClass | None]
"""A notice to hold: handle, volumes, group, and its class where one is known."""


@final
class Sky:
    """A dynamic index of notices under one rule set."""

    __slots__ = ("_grid", "_heads", "_rows", "_rules", "rules")

    def __init__(self, rules: RuleSet) -> None:
        self.rules: Final = rules
        self._rules = rules_array(rules)
        self._heads: dict[int, int] = {}
        """First row of each handle; -1 for a notice without volumes."""
        self._rows = new_rows()
        self._grid = new_grid()

    def __len__(self) -> int:
        return len(self._heads)

    def __contains__(self, handle: object) -> bool:
        return handle in self._heads

    @property
    def bytes_held(self) -> int:
        """Bytes of all arrays, room not yet used included."""
        return sum(array.nbytes for array in (*self._rows, *self._grid))

    def add(self, handle: int, prepared: Prepared, *, group: int, aircraft_class: AircraftClass | None = None) -> None:
        """Hold a notice. `group` is what `findings` can leave out: the owner."""
        self.add_many([(handle, prepared, group, aircraft_class)])

    def add_many(self, items: Iterable[Item]) -> None:
        """Hold many notices (handle, prepared, group) or (handle, prepared, group, class): the fast way to fill."""
        source = iter(items)
        while batch := list(itertools.islice(source, _BATCH)):
            fresh: set[int] = set()
            for handle, *_ in batch:
                invariant(0 <= handle <= _HANDLE_MAX, f"handle {handle} is from 0 to 2^62")
                invariant(handle not in self._heads and handle not in fresh, f"handle {handle} is not held yet")
                fresh.add(handle)
            self._add_batch(batch)

    def _add_batch(self, batch: list[Item]) -> None:
        packed = [prepared.packed for _, prepared, *_ in batch]
        floats = np.frombuffer(b"".join([floats for floats, _ in packed]), dtype=np.float64)
        ints = np.frombuffer(b"".join([ints for _, ints in packed]), dtype=np.int64)
        counts = np.array([len(prepared) for _, prepared, *_ in batch], dtype=np.int64)
        owners = np.array(
            [(each[0], each[2], class_code(each[3]) if len(each) == 4 else 0) for each in batch], dtype=np.int64
        )
        heads = np.full(len(batch), -1, dtype=np.int64)
        volumes = int(counts.sum())
        self._rows = with_room(self._rows, volumes=volumes, vertices=(len(floats) - volumes * FLOAT_COLUMNS) // 3)
        done = place = 0
        while True:
            done, place, need = add(floats, ints, counts, owners, self._rows, self._grid, done, place, heads)
            if done == len(batch):
                break
            self._grid = more_buckets(self._grid) if need == ROOM_BUCKETS else more_entries(self._grid)
        for (handle, *_), head in zip(batch, heads.tolist(), strict=True):
            self._heads[handle] = head

    def remove(self, handle: int) -> None:
        """Forget a notice."""
        invariant(handle in self._heads, f"handle {handle} is held")
        remove(self._heads.pop(handle), self._rows, self._grid)
        self._rows = without_gaps(self._rows)

    def findings(
        self, prepared: Prepared, *, exclude_group: int | None, aircraft_class: AircraftClass | None = None
    ) -> list[Finding]:
        """Return what a notice meets: one finding for each other handle, sorted by handle."""
        return self._findings(prepared, exclude_group, aircraft_class, whole=0)

    def findings_without_grid(
        self, prepared: Prepared, *, exclude_group: int | None, aircraft_class: AircraftClass | None = None
    ) -> list[Finding]:
        """Return the same as `findings`, from an exact comparison with every volume: slow, for tests and audits."""
        return self._findings(prepared, exclude_group, aircraft_class, whole=1)

    def _findings(
        self, prepared: Prepared, exclude_group: int | None, aircraft_class: AircraftClass | None, *, whole: int
    ) -> list[Finding]:
        exclude, group = (0, 0) if exclude_group is None else (1, exclude_group)
        asked = np.array((exclude, group, whole, class_code(aircraft_class)), dtype=np.int64)
        table, pairs = find(prepared.floats, prepared.ints, len(prepared), self._rows, self._grid, asked, self._rules)
        if not len(table):
            return []
        places = list(map(tuple, pairs.tolist()))
        rules = self.rules
        return [
            Finding(
                handle,
                severity_of(closer_ms, rules, number),
                from_ms,
                until_ms,
                closer_ms,
                certain == 1,
                tuple(places[first : first + count]),
            )
            for handle, from_ms, until_ms, closer_ms, certain, first, count, number in table.tolist()
        ]
