"""`Sky`: many notices' volumes under one rule set, and what a notice meets among them.

Rules
 * An answer is a function of the rule set, what is asked about and what is held; not of the order of `add`.
 * Nothing is missed: every step before the exact comparison rounds outward (design.md §4).
 * Handles are the caller's, whole numbers from 0, each held once. Misuse is a bug of the caller: `InternalError`.
 * Arrays grow without a cap and are made anew without gaps when half of their vertices belong to removed notices.

Threads: any number may ask at once; one that adds or removes waits for those and has the sky for itself (`guard`). The
kernels release the interpreter lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike

from clearline.model.identity import AircraftClass
from clearline.model.refusal import invariant
from clearline.model.rules import RuleSet
from clearline.sky.columns import Columns
from clearline.sky.finding import Finding, severity_of
from clearline.sky.guard import Guard
from clearline.sky.kernel_grid import PUT
from clearline.sky.kernel_pairs import buckets_in_place, compare_pairs, join_buckets, join_long, long_rows
from clearline.sky.kernel_query import find, find_many
from clearline.sky.kernel_rows import HANDLES, VOLUMES, add, drop, first_free, held, unpack
from clearline.sky.kernel_shape import Floats, Ints
from clearline.sky.prepared import Prepared
from clearline.sky.result import FindingTable, pair_table, query_table
from clearline.sky.rule_table import class_code, rules_array
from clearline.sky.storage import new_grid, new_rows, with_more, with_room, without_gaps

__all__ = ["Sky"]

_HANDLE_MAX: Final = (1 << 62) - 1
_BATCH: Final = 4_096
"""Notices in one call of the kernel: the copy of their shapes stays below 2 MB for common ones."""
_PARTS: Final = 16
"""Pieces of work for `pairs`, so that no thread waits long for the last."""

Item = tuple[int, Prepared, int] | tuple[int, Prepared, int, AircraftClass | None]
"""A notice to hold: handle, volumes, group, and its class where one is known."""
InTurn = Callable[[Callable[[int], Ints], range], Iterable[Ints]]
"""How to do pieces of work: `map` for one after the other, `ThreadPoolExecutor(2).map` for two at a time."""


@final
class Sky:
    """A dynamic index of notices under one rule set."""

    __slots__ = ("_grid", "_guard", "_reach", "_rows", "_rules", "rules")

    def __init__(self, rules: RuleSet) -> None:
        self.rules: Final = rules
        self._rules = rules_array(rules)
        self._reach = self._rules[:3].copy()
        self._rows = new_rows()
        self._grid = new_grid()
        self._guard = Guard()

    def __len__(self) -> int:
        return int(self._rows.R[HANDLES])

    def __contains__(self, handle: object) -> bool:
        if not isinstance(handle, int) or not 0 <= handle <= _HANDLE_MAX:
            return False
        self._guard.read_in()
        try:
            return bool(held(self._rows.T, handle))
        finally:
            self._guard.read_out()

    @property
    def volumes(self) -> int:
        """How many volumes are held, over all notices."""
        return int(self._rows.R[VOLUMES])

    @property
    def bytes_held(self) -> int:
        """Bytes of all arrays, room not yet used included."""
        grid = (self._grid.H, self._grid.M, self._grid.E, self._grid.S, self._grid.N)  # D is E
        return sum(array.nbytes for array in (*self._rows, *grid))

    # --- changes

    def reserve(self, *, notices: int, volumes: int, vertices: int) -> None:
        """Make room for so many more before they come: fewer copies, and less memory while a large sky is filled.

        `vertices` after long edges are split (`Columns.vectors`). Room that is not used is not taken from the system.
        """
        self._guard.write_in()
        try:
            self._rows = with_room(self._rows, notices=notices, volumes=volumes, vertices=vertices)
        finally:
            self._guard.write_out()

    def add(self, handle: int, prepared: Prepared, *, group: int, aircraft_class: AircraftClass | None = None) -> None:
        """Hold a notice. `group` is what `findings` can leave out: the owner."""
        self.add_many([(handle, prepared, group, aircraft_class)])

    def add_many(self, items: Iterable[Item]) -> None:
        """Hold many notices (handle, prepared, group) or (handle, prepared, group, class): the fast way to fill."""
        source = iter(items)
        while batch := list(itertools.islice(source, _BATCH)):
            owners = np.array(
                [(each[0], each[2], class_code(each[3]) if len(each) == 4 else 0) for each in batch], dtype=np.int64
            )
            counts = np.array([len(each[1]) for each in batch], dtype=np.int64)
            self._add(*_unpacked([each[1] for each in batch], counts), counts, owners)

    def add_columns(
        self,
        columns: Columns,
        handles: ArrayLike,
        *,
        groups: ArrayLike = 0,
        classes: Sequence[AircraftClass | None] | AircraftClass | None = None,
    ) -> None:
        """Hold many volumes, each as a notice of its own with the handle, group and class at its place."""
        count = len(columns)
        owners = np.empty((count, 3), dtype=np.int64)
        owners[:, 0], owners[:, 1], owners[:, 2] = handles, groups, _codes(classes)
        self._add(columns.records, columns.ints, columns.vectors, np.ones(count, dtype=np.int64), owners)

    def replace(
        self, handle: int, prepared: Prepared, *, group: int, aircraft_class: AircraftClass | None = None
    ) -> None:
        """Hold a notice in place of the one with the same handle, in one step: no asker sees neither or both."""
        counts = np.array([len(prepared)], dtype=np.int64)
        owners = np.array([(handle, group, class_code(aircraft_class))], dtype=np.int64)
        unpacked = _unpacked([prepared], counts)
        self._guard.write_in()
        try:
            self._drop(owners[:, 0])
            self._put(*unpacked, counts, owners)
        finally:
            self._guard.write_out()

    def remove(self, handle: int) -> None:
        """Forget a notice."""
        self.remove_many([handle])

    def remove_many(self, handles: ArrayLike) -> None:
        """Forget many notices."""
        self._guard.write_in()
        try:
            self._drop(np.atleast_1d(np.asarray(handles, dtype=np.int64)))
        finally:
            self._guard.write_out()

    def _add(self, F: Floats, K: Ints, U: Floats, counts: Ints, owners: Ints) -> None:
        self._guard.write_in()
        try:
            self._put(F, K, U, counts, owners)
        finally:
            self._guard.write_out()

    def _put(self, F: Floats, K: Ints, U: Floats, counts: Ints, owners: Ints) -> None:
        handles = np.ascontiguousarray(owners[:, 0])
        wrong = first_free(self._rows.T, handles, _HANDLE_MAX)
        invariant(wrong == len(handles), f"handle {handles[min(wrong, len(handles) - 1)]} is from 0 to 2^62, and free")
        self._rows = with_room(self._rows, notices=len(handles), volumes=len(F), vertices=len(U))
        done = place = 0
        while done < len(handles):
            done, place, need = add(F, K, U, counts, owners, self._reach, self._rows, self._grid, done, place)
            if need != PUT:
                self._grid = with_more(self._grid, need)

    def _drop(self, handles: Ints) -> None:
        for handle in handles.tolist():
            invariant(handle >= 0 and bool(held(self._rows.T, handle)), f"handle {handle} is held")
        invariant(len(set(handles.tolist())) == len(handles), "no handle is removed twice")
        drop(handles, self._reach, self._rows, self._grid)
        self._rows = without_gaps(self._rows)

    # --- questions

    def findings(
        self, prepared: Prepared, *, exclude_group: int | None = None, aircraft_class: AircraftClass | None = None
    ) -> list[Finding]:
        """Return what a notice meets: one finding for each other handle, sorted by handle."""
        return self._findings(prepared, exclude_group, aircraft_class, whole=0)

    def findings_without_grid(
        self, prepared: Prepared, *, exclude_group: int | None = None, aircraft_class: AircraftClass | None = None
    ) -> list[Finding]:
        """Return the same as `findings`, from an exact comparison with every volume: slow, for tests and audits."""
        return self._findings(prepared, exclude_group, aircraft_class, whole=1)

    def findings_of(
        self,
        columns: Columns,
        *,
        exclude_groups: ArrayLike | None = None,
        classes: Sequence[AircraftClass | None] | AircraftClass | None = None,
        whole: bool = False,
    ) -> FindingTable:
        """Return what each of many volumes meets, each as a notice of its own, sorted by (its place, handle).

        `exclude_groups`: one group for all, or one for each; below 0 leaves nothing out. `whole`: without the grid.
        """
        count = len(columns)
        groups = np.full(count, -1, dtype=np.int64)
        if exclude_groups is not None:
            groups[:] = exclude_groups
        codes = np.empty(count, dtype=np.int64)
        codes[:] = _codes(classes)
        self._guard.read_in()
        try:
            found = find_many(
                columns.records, columns.ints, columns.vectors, columns.first, groups, codes, self._rows, self._grid,
                self._rules, 0, count, int(whole),
            )  # fmt: skip
        finally:
            self._guard.read_out()
        return query_table(found, self.rules)

    def pairs(self, *, within_groups: bool = True, in_turn: InTurn = map) -> FindingTable:
        """Return every two notices that are closer than the rules allow, once, sorted by (handle, handle).

        `within_groups`: also those of one group. `in_turn`: how pieces of work are done, see `InTurn`.
        """
        self._guard.read_in()
        try:
            rows, grid = self._rows, self._grid
            buckets = buckets_in_place(grid)
            buckets.sort()
            ends = np.linspace(0, len(buckets), _PARTS + 1).astype(np.int64).tolist()
            asking = np.unique(long_rows(grid))
            parts = list(in_turn(lambda n: join_buckets(grid, rows, buckets[ends[n] : ends[n + 1]]), range(_PARTS)))
            near = _once(np.concatenate([*parts, join_long(grid, rows, asking, self._rules)]))
            cuts = np.linspace(0, len(near), _PARTS + 1).astype(np.int64).tolist()
            hits = in_turn(
                lambda n: compare_pairs(near[cuts[n] : cuts[n + 1]], rows, self._rules, int(within_groups)),
                range(_PARTS),
            )
            return pair_table(np.concatenate(list(hits)), self.rules)
        finally:
            self._guard.read_out()

    def _findings(
        self, prepared: Prepared, exclude_group: int | None, aircraft_class: AircraftClass | None, *, whole: int
    ) -> list[Finding]:
        exclude, group = (0, 0) if exclude_group is None else (1, exclude_group)
        asked = np.array((exclude, group, whole, class_code(aircraft_class)), dtype=np.int64)
        self._guard.read_in()
        try:
            table, pairs = find(
                prepared.floats, prepared.ints, len(prepared), self._rows, self._grid, asked, self._rules
            )
        finally:
            self._guard.read_out()
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


def _unpacked(prepared: list[Prepared], counts: Ints) -> tuple[Floats, Ints, Floats]:
    floats = np.frombuffer(b"".join([each.packed[0] for each in prepared]), dtype=np.float64)
    ints = np.frombuffer(b"".join([each.packed[1] for each in prepared]), dtype=np.int64)
    F, K, U = unpack(floats, ints, counts)
    return F, K, U


def _once(pairs: Ints) -> Ints:
    """Return sorted pairs, each once."""
    pairs.sort()
    return pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])] if len(pairs) else pairs


def _codes(classes: Sequence[AircraftClass | None] | AircraftClass | None) -> int | list[int]:
    if classes is None or isinstance(classes, AircraftClass):
        return class_code(classes)
    return [class_code(each) for each in classes]
