"""Kernel: the volumes of many notices in rows, each with a handle, beside the grid that finds them.

Units and records as in `kernel_meet`. A row has beside the record of its volume:

 * L[8] handle of its notice, L[9] group, L[10] row of the notice's next volume or -1 (in a free row: the next free
   one), L[11] place in its notice, L[12] 1 while it is in use, L[13] class of aircraft (0 unknown).

T is a hash table (handle or -1, first row) with open addressing; a notice without volumes has row -1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_cells import BUCKETS_PER_ROW, CELLS_MAX, slab_of
from clearline.sky.kernel_grid import OUTWARD_SINGLE, PUT, Grid, Singles, grid_put, grid_take, home_of, slot_of
from clearline.sky.kernel_meet import FLOAT_COLUMNS, INT_COLUMNS
from clearline.sky.kernel_shape import BLOCK_EDGES, Floats, Ints, dress

__all__ = [
    "BALLS",
    "CLASS",
    "DEAD",
    "FREE_ROW",
    "HANDLES",
    "ROWS",
    "ROW_COLUMNS",
    "VERTICES",
    "VOLUMES",
    "Rows",
    "add",
    "all_rows",
    "copy_handles",
    "copy_vertices",
    "drop",
    "first_free",
    "held",
    "load",
    "unpack",
]

ROW_COLUMNS = 14
CLASS = 13
HANDLES, ROWS, VERTICES, BALLS, DEAD, FREE_ROW, VOLUMES = 0, 1, 2, 3, 4, 5, 6
"""R: handles held; rows, vertices and balls handed out; vertices of removed volumes; first free row or -1; volumes."""


class Rows(NamedTuple):
    """Records G, rows L, vertices W, balls C, handles T, counters R; outward slabs for `kernel_ask`."""

    G: Floats
    L: Ints
    W: Floats
    C: Floats
    T: Ints
    R: Ints
    slabs: Singles


@kernel
def load(floats: Floats, ints: Ints, count: int) -> tuple[Floats, Ints, Floats, Floats]:
    """Unpack a `Prepared` of `count` volumes into records, rows, vertices with normals, and balls."""
    F = np.empty((count, FLOAT_COLUMNS))
    K = np.zeros((count, ROW_COLUMNS), np.int64)
    vertices = 0
    balls = 0
    for a in range(count):
        for k in range(FLOAT_COLUMNS):
            F[a, k] = floats[a * FLOAT_COLUMNS + k]
        for k in range(INT_COLUMNS):
            K[a, k] = ints[a * INT_COLUMNS + k]
        K[a, 6] = vertices
        K[a, 7] = balls
        K[a, 11] = a
        vertices += K[a, 3]
        balls += (K[a, 3] + BLOCK_EDGES - 1) // BLOCK_EDGES
    V = np.empty((vertices, 6))
    B = np.empty((balls, 4))
    U = floats[count * FLOAT_COLUMNS :].reshape((-1, 3))
    for a in range(count):
        dress(U, K[a, 6], K[a, 3], K[a, 0], V, K[a, 6], B, K[a, 7])
    return F, K, V, B


@kernel
def unpack(floats: Floats, ints: Ints, counts: Ints) -> tuple[Floats, Ints, Floats]:
    """Part the bytes of many `Prepared`, `counts` volumes each, into records (F, K) and unit vectors U."""
    total = counts.sum()
    F = np.empty((total, FLOAT_COLUMNS))
    K = np.empty((total, INT_COLUMNS), np.int64)
    U = np.empty(((floats.shape[0] - total * FLOAT_COLUMNS) // 3, 3))
    at = 0
    volume = 0
    vertex = 0
    for n in range(counts.shape[0]):
        vertices = 0
        for a in range(counts[n]):
            for k in range(FLOAT_COLUMNS):
                F[volume + a, k] = floats[at + a * FLOAT_COLUMNS + k]
            for k in range(INT_COLUMNS):
                K[volume + a, k] = ints[(volume + a) * INT_COLUMNS + k]
            vertices += K[volume + a, 3]
        at += counts[n] * FLOAT_COLUMNS
        for k in range(vertices):
            for axis in range(3):
                U[vertex + k, axis] = floats[at + 3 * k + axis]
        at += 3 * vertices
        volume += counts[n]
        vertex += vertices
    return F, K, U


@kernel
def held(T: Ints, handle: int) -> bool:
    """Tell whether a handle is held."""
    return bool(T[slot_of(T, handle), 0] >= 0)


@kernel
def first_free(T: Ints, handles: Ints, most: int) -> int:
    """Return the first place of `handles` that is below 0, above `most`, held, or there twice; else their number."""
    count = handles.shape[0]
    room = 8
    while room < 2 * count:
        room *= 2
    seen = np.full((room, 2), -1, np.int64)
    for n in range(count):
        handle = handles[n]
        if handle < 0 or handle > most or T[slot_of(T, handle), 0] >= 0:
            return n
        place = slot_of(seen, handle)
        if seen[place, 0] >= 0:
            return n
        seen[place, 0] = handle
    return count


@kernel
def copy_handles(T: Ints, fresh: Ints) -> None:
    """Move all handles into an empty table."""
    for t in range(T.shape[0]):
        if T[t, 0] >= 0:
            place = slot_of(fresh, T[t, 0])
            fresh[place, 0] = T[t, 0]
            fresh[place, 1] = T[t, 1]


@kernel
def _forget(T: Ints, t: int) -> None:
    """Empty a place of a table; those after it that probed past it move up."""
    mask = T.shape[0] - 1
    hole = t
    i = t
    while True:
        i = (i + 1) & mask
        if T[i, 0] < 0:
            break
        # It may move into the hole unless its search starts after the hole.
        if (i - home_of(T[i, 0], mask)) & mask >= (i - hole) & mask:
            T[hole, 0] = T[i, 0]
            T[hole, 1] = T[i, 1]
            hole = i
    T[hole, 0] = -1


@kernel
def add(
    F: Floats, K: Ints, U: Floats, counts: Ints, owners: Ints, P: Floats, rows: Rows, grid: Grid, done: int, place: int
) -> tuple[int, int, int]:
    """Give rows to the volumes of many notices; `counts` volumes each, `owners` (handle, group, class).

    There is room in `rows` for all, and no handle is held yet. Starts at volume `place` of notice `done` and returns
    (done, place, what the grid needs): to be called again with the first two until `done` is the number of notices.
    """
    G, L, W, C, T, R, slabs = rows
    keys = np.empty(BUCKETS_PER_ROW, np.int64)
    cells = np.empty((CELLS_MAX, 3), np.int64)
    volume = 0
    vertex = 0
    for n in range(counts.shape[0]):
        if n > done or (n == done and place == 0):
            t = slot_of(T, owners[n, 0])
            T[t, 0] = owners[n, 0]
            T[t, 1] = -1
            R[HANDLES] += 1
        for a in range(counts[n]):
            size = K[volume + a, 3]
            if n > done or (n == done and a >= place):
                row = R[FREE_ROW] if R[FREE_ROW] >= 0 else R[ROWS]
                for k in range(FLOAT_COLUMNS):
                    G[row, k] = F[volume + a, k]
                for k in range(INT_COLUMNS):
                    L[row, k] = K[volume + a, k]
                following = L[row, 10]
                L[row, 6] = R[VERTICES]
                L[row, 7] = R[BALLS]
                balls = dress(U, vertex, size, L[row, 0], W, R[VERTICES], C, R[BALLS])
                need = grid_put(grid, row, G, L, W, C, P, keys, cells)
                if need != PUT:
                    if a == 0:
                        _forget(T, slot_of(T, owners[n, 0]))
                        R[HANDLES] -= 1
                    return n, a, need
                if R[FREE_ROW] >= 0:
                    R[FREE_ROW] = following
                else:
                    R[ROWS] += 1
                nx, ny, nz, least, most = slab_of(G, L, row, W, P[0])
                slabs[row, 0] = nx
                slabs[row, 1] = ny
                slabs[row, 2] = nz
                slabs[row, 3] = least - OUTWARD_SINGLE
                slabs[row, 4] = most + OUTWARD_SINGLE
                R[VERTICES] += size
                R[BALLS] += balls
                R[VOLUMES] += 1
                t = slot_of(T, owners[n, 0])
                L[row, 8] = owners[n, 0]
                L[row, 9] = owners[n, 1]
                L[row, 10] = T[t, 1]
                L[row, 11] = a
                L[row, 12] = 1
                L[row, CLASS] = owners[n, 2]
                T[t, 1] = row
            vertex += size
        volume += counts[n]
    return counts.shape[0], 0, PUT


@kernel
def drop(handles: Ints, P: Floats, rows: Rows, grid: Grid) -> None:
    """Free the rows of notices that are held."""
    G, L, W, C, T, R, _ = rows
    keys = np.empty(BUCKETS_PER_ROW, np.int64)
    cells = np.empty((CELLS_MAX, 3), np.int64)
    for n in range(handles.shape[0]):
        t = slot_of(T, handles[n])
        row = T[t, 1]
        _forget(T, t)
        R[HANDLES] -= 1
        while row >= 0:
            following = L[row, 10]
            grid_take(grid, row, G, L, W, C, P, keys, cells)
            L[row, 12] = 0
            L[row, 10] = R[FREE_ROW]
            R[FREE_ROW] = row
            R[DEAD] += L[row, 3]
            R[VOLUMES] -= 1
            row = following


@kernel
def copy_vertices(rows: Rows, W: Floats, C: Floats) -> None:
    """Move the vertices and balls of the rows in use into new arrays, without the gaps of removed ones."""
    L, R = rows.L, rows.R
    vertices = 0
    balls = 0
    for row in range(R[ROWS]):
        if L[row, 12] == 0:
            continue
        size = L[row, 3]
        blocks = (size + BLOCK_EDGES - 1) // BLOCK_EDGES
        W[vertices : vertices + size] = rows.W[L[row, 6] : L[row, 6] + size]
        C[balls : balls + blocks] = rows.C[L[row, 7] : L[row, 7] + blocks]
        L[row, 6] = vertices
        L[row, 7] = balls
        vertices += size
        balls += blocks
    R[VERTICES] = vertices
    R[BALLS] = balls
    R[DEAD] = 0


@kernel
def all_rows(rows: Rows) -> Ints:
    """Return every row in use: what is compared when no grid is to be trusted."""
    out = np.empty(rows.R[VOLUMES], np.int64)
    found = 0
    for row in range(rows.R[ROWS]):
        if rows.L[row, 12] == 1:
            out[found] = row
            found += 1
    return out
