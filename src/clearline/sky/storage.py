"""The arrays of a `Sky`: made, grown, and made anew without gaps.

Rules
 * Growth is by a quarter or to what is needed, without a cap; memory never written is not taken from the system.
 * Nothing shrinks while in use, but tables of buckets and vertices are made anew when most of them are of the past.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clearline.sky.kernel_cells import SPAN_LEVELS
from clearline.sky.kernel_grid import (
    COUNTERS,
    ENTRY_COLUMNS,
    FREE,
    NODES,
    ROOM_BUCKETS,
    ROOM_ENTRIES,
    Grid,
    copy_buckets,
)
from clearline.sky.kernel_meet import FLOAT_COLUMNS
from clearline.sky.kernel_rows import (
    BALLS,
    DEAD,
    FREE_ROW,
    HANDLES,
    ROW_COLUMNS,
    ROWS,
    VERTICES,
    Rows,
    copy_handles,
    copy_vertices,
)
from clearline.sky.kernel_shape import BLOCK_EDGES, Ints

__all__ = ["move_together", "new_grid", "new_rows", "with_more", "with_room", "without_gaps"]

_PLACES_FIRST: Final = 512
_DEAD_MIN: Final = 8_192
"""Vertices of removed notices that are left in place: moving fewer is not worth the pause."""


def new_rows() -> Rows:
    """Return empty rows."""
    counters = np.zeros(8, dtype=np.int64)
    counters[FREE_ROW] = -1
    return Rows(
        G=np.zeros((64, FLOAT_COLUMNS)),
        L=np.zeros((64, ROW_COLUMNS), dtype=np.int64),
        W=np.zeros((512, 6)),
        C=np.zeros((128, 4)),
        T=_table(_PLACES_FIRST, 2),
        R=counters,
        slabs=np.zeros((64, 5), dtype=np.float32),
    )


def new_grid() -> Grid:
    """Return an empty grid."""
    counters = np.zeros(COUNTERS, dtype=np.int64)
    counters[FREE:] = -1
    entries = np.zeros((1024, ENTRY_COLUMNS), dtype=np.float32)
    return Grid(
        H=_table(_PLACES_FIRST, 4),
        M=_table(_PLACES_FIRST, 4),
        E=entries,
        D=entries.view(np.uint32),
        S=counters,
        N=np.zeros((8, SPAN_LEVELS, 3), dtype=np.int64),
    )


def with_room(rows: Rows, *, notices: int, volumes: int, vertices: int) -> Rows:
    """Return rows with room for so many more notices, volumes and vertices."""
    row = int(rows.R[ROWS]) + volumes
    vertex = int(rows.R[VERTICES]) + vertices
    ball = int(rows.R[BALLS]) + volumes + vertices // BLOCK_EDGES
    handles = 3 * (int(rows.R[HANDLES]) + notices) // 2
    if row <= len(rows.G) and vertex <= len(rows.W) and ball <= len(rows.C) and handles <= len(rows.T):
        return rows
    table = rows.T
    if handles > len(table):
        table = _table(handles, 2)
        copy_handles(rows.T, table)
    return rows._replace(
        G=_grown(rows.G, row),
        L=_grown(rows.L, row),
        W=_grown(rows.W, vertex),
        C=_grown(rows.C, ball),
        T=table,
        slabs=_grown(rows.slabs, row),
    )


def without_gaps(rows: Rows) -> Rows:
    """Return rows whose vertices are moved together, if most of them belong to removed notices; else the same."""
    dead, vertices = int(rows.R[DEAD]), int(rows.R[VERTICES])
    if dead < _DEAD_MIN or 2 * dead < vertices:
        return rows
    return move_together(rows)


def move_together(rows: Rows) -> Rows:
    """Return rows whose vertices have no gaps, with room for as many again."""
    live, balls = int(rows.R[VERTICES] - rows.R[DEAD]), int(rows.R[BALLS])
    fresh = np.zeros((max(512, 2 * live), 6)), np.zeros((max(128, balls), 4))
    copy_vertices(rows, *fresh)
    return rows._replace(W=fresh[0], C=fresh[1])


def with_more(grid: Grid, need: int) -> Grid:
    """Return a grid with more of what is needed (`kernel_grid`, ROOM_...); empty buckets are let go."""
    if need == ROOM_ENTRIES:
        entries = _grown(grid.E, len(grid.E) + 1)
        return grid._replace(E=entries, D=entries.view(np.uint32))
    live = int(np.count_nonzero((grid.H[:, 0] >= 0) & (grid.H[:, 2] >> 32 > 0)))
    nodes = len(grid.M) if need == ROOM_BUCKETS else 2 * int(grid.S[NODES])
    fresh = grid._replace(H=_table(2 * live, 4), M=_table(nodes, 4))
    copy_buckets(grid, fresh)
    return fresh


def _table(places_min: int, columns: int) -> Ints:
    """Return an empty hash table; its size is a power of two."""
    table = np.zeros((1 << (max(places_min, _PLACES_FIRST) - 1).bit_length(), columns), dtype=np.int64)
    table[:, 0] = -1
    return table


def _grown(array: NDArray[Any], needed: int) -> NDArray[Any]:
    """Return an array with at least `needed` rows, a quarter as many again if it grows; new rows are zero."""
    if needed <= len(array):
        return array
    fresh = np.zeros((max(needed, len(array) * 5 // 4), *array.shape[1:]), dtype=array.dtype)
    fresh[: len(array)] = array
    return fresh
