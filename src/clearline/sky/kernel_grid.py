"""Kernel: a grid in space and time that finds, for a volume, the few others worth an exact comparison.

Units: space in lengths of the unit sphere (1 is 6,371 km), times in ms, heights in metres W84.

How it works
 * A volume is kept on the finest levels of cubes and spans (`kernel_cells`) where it touches only a few of them, once
   in the *bucket* of each; one that touches too many on every level is kept in one bucket for all, EVERYWHERE.
 * A bucket is a run of entries: a ball around the volume, its outer band, its window in units of 1.024 s, its row. It
   knows the band around all its entries, so that a question high up does not read through the drones below.
 * *Nodes* form a tree of the cubes in use: each knows in 64 bits which of its children hold something, themselves or
   further below, the band around its own entries and the band around all below. A question goes down from the coarsest
   cubes into those in use that it touches: a long corridor over an empty sea, or high above a city's drones, costs
   nothing. Bits are set and bands widened at once; both are made tight when the tables are made anew.
 * `grid_put` and `grid_take` write; `kernel_ask` only reads, so any number of threads may ask at once.

Symbols
 * H[h] (key or -1, first entry, entries << 32 | room, band): hash table of buckets with open addressing.
 * M[m] (key or -1, children, own band, band below): hash table of nodes.
 * E[e] (x, y, z, radius, lower, upper, from, until, row): ENTRY_COLUMNS numbers of 32 bits; D is the same memory
   read as whole numbers: E holds the first six, D the last three.
 * S holds the counters named below. N[level, span level] (entries, least, greatest span): empty levels
   cost nothing.

Property: all rounding is outward: no entry is smaller than its volume. Source: design.md §4; the prototype's figures.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_cells import CELLS_MAX, EVERYWHERE, LEVELS, SPAN_BITS, ball_of, keys_of, window_of
from clearline.sky.kernel_shape import Floats, Ints

__all__ = [
    "BUCKETS",
    "CLOCK_BITS",
    "COUNTERS",
    "ENTRY_COLUMNS",
    "FREE",
    "NODES",
    "OUTWARD_HEIGHT_M",
    "OUTWARD_SINGLE",
    "PUT",
    "ROOM_BUCKETS",
    "ROOM_ENTRIES",
    "ROOM_NODES",
    "Grid",
    "Singles",
    "Words",
    "band_lower",
    "band_upper",
    "copy_buckets",
    "grid_put",
    "grid_take",
    "home_of",
    "node_key",
    "slot_of",
]

CLOCK_BITS = 10
"""Windows are kept in units of 1.024 s, each end cut off alike: if two windows meet, so do these."""
OUTWARD_SINGLE = 1e-6
"""Six metres: rounding of two centres and a radius to single precision."""
OUTWARD_HEIGHT_M = 0.05
"""Rounding of heights up to 100 km to single precision, twice."""
ENTRY_COLUMNS = 9

COUNTERS = 48
BUCKETS, ENTRIES, NODES = 0, 1, 2
"""S[BUCKETS] places of H in use, S[ENTRIES] entries handed out, S[NODES] places of M in use."""
FREE = 8
"""S[FREE + k] is the first free run of 2^k entries, or -1; D[run, 8] is the next."""
NO_RUN = 0xFFFFFFFF
NO_BAND = (1_000_000 << 32) | (-1_000_000 & 0xFFFFFFFF)
"""From a thousand kilometres up to as many down: the band of nothing."""

PUT, ROOM_BUCKETS, ROOM_ENTRIES, ROOM_NODES = 0, 1, 2, 3
_LOW = 0xFFFFFFFF

Singles = NDArray[np.float32]
Words = NDArray[np.uint32]


class Grid(NamedTuple):
    """The arrays of one grid (see Symbols)."""

    H: Ints
    M: Ints
    E: Singles
    D: Words
    S: Ints
    N: Ints


@inner
def home_of(key: int, mask: int) -> int:
    """Return the place in a table of mask + 1 places where the search for a key starts."""
    mixed = np.uint64(key)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return int(np.int64(mixed & np.uint64(mask)))


@inner
def slot_of(H: Ints, key: int) -> int:
    """Return where `key` is in a table, or the empty place where it would be."""
    mask = H.shape[0] - 1
    i = home_of(key, mask)
    while H[i, 0] >= 0 and H[i, 0] != key:
        i = (i + 1) & mask
    return i


@inner
def band_lower(band: int) -> int:
    """Return the least height of a bucket [m], as packed in H[h, 3]."""
    return band >> 32


@inner
def band_upper(band: int) -> int:
    """Return the greatest height of a bucket [m]."""
    return ((band & _LOW) ^ 0x80000000) - 0x80000000


@inner
def _band(lower: int, upper: int) -> int:
    return (lower << 32) | (upper & _LOW)


@kernel
def _class_of(room: int) -> int:
    size = 0
    while (1 << size) < room:
        size += 1
    return size


@kernel
def _release(grid: Grid, run: int, room: int) -> None:
    size = _class_of(room)
    grid.D[run, 8] = NO_RUN if grid.S[FREE + size] < 0 else grid.S[FREE + size]
    grid.S[FREE + size] = run


@kernel
def _widen(grid: Grid, h: int) -> None:
    """Give a full bucket twice the room, from the free runs or from the end."""
    H, _, E, D, S, _ = grid
    first, count, room = H[h, 1], H[h, 2] >> 32, H[h, 2] & _LOW
    wanted = 1 if room == 0 else 2 * room
    size = _class_of(wanted)
    run = S[FREE + size]
    if run >= 0:
        following = np.int64(D[run, 8])
        S[FREE + size] = -1 if following == NO_RUN else following
    else:
        run = S[ENTRIES]
        S[ENTRIES] += wanted
    for k in range(count):
        for n in range(6):
            E[run + k, n] = E[first + k, n]
        for n in range(6, 9):
            D[run + k, n] = D[first + k, n]
    if room > 0:
        _release(grid, first, room)
    H[h, 1] = run
    H[h, 2] = (count << 32) | wanted


@inner
def node_key(level: int, x: int, y: int, z: int) -> int:
    """Return the key of a node."""
    return ((level << 12 | x) << 12 | y) << 12 | z


@inner
def _node(M: Ints, S: Ints, level: int, x: int, y: int, z: int) -> int:
    """Return the place of a node, made if need be."""
    key = node_key(level, x, y, z)
    m = slot_of(M, key)
    if M[m, 0] < 0:
        M[m, 0] = key
        M[m, 1] = 0
        M[m, 2] = NO_BAND
        M[m, 3] = NO_BAND
        S[NODES] += 1
    return m


@inner
def _wider(band: int, lower: int, upper: int) -> int:
    return _band(min(band_lower(band), lower), max(band_upper(band), upper))


@kernel
def _mark_cell(grid: Grid, level: int, x: int, y: int, z: int, lower: int, upper: int) -> None:
    """Tell a cube and all its ancestors that it holds something in this band."""
    M, S = grid.M, grid.S
    if level > 0:
        m = _node(M, S, level, x, y, z)
        M[m, 2] = _wider(M[m, 2], lower, upper)
    for above in range(level + 1, LEVELS + 1):
        bit = np.int64(1) << (((x & 3) << 4) | ((y & 3) << 2) | (z & 3))
        x, y, z = x >> 2, y >> 2, z >> 2
        m = _node(M, S, above, x, y, z)
        if M[m, 1] & bit and band_lower(M[m, 3]) <= lower and band_upper(M[m, 3]) >= upper:
            return
        M[m, 1] |= bit
        M[m, 3] = _wider(M[m, 3], lower, upper)


@kernel
def _room_needed(grid: Grid, keys: Ints, count: int) -> int:
    H, M, E, _, S, _ = grid
    if 4 * (S[BUCKETS] + count) > 3 * H.shape[0]:
        return ROOM_BUCKETS
    if 4 * (S[NODES] + CELLS_MAX * (LEVELS + 1)) > 3 * M.shape[0]:
        return ROOM_NODES
    wanted = 0
    for k in range(count):
        h = slot_of(H, keys[k])
        if H[h, 0] < 0:
            wanted += 1
        elif H[h, 2] >> 32 == H[h, 2] & _LOW:
            wanted += 2 * (H[h, 2] & _LOW)
    return ROOM_ENTRIES if S[ENTRIES] + wanted > E.shape[0] else PUT


@inner
def _use_spans(N: Ints, level: int, span_level: int, from_ms: int, until_ms: int) -> None:
    bits = SPAN_BITS + 3 * span_level
    least, most = from_ms >> bits, until_ms >> bits
    if N[level, span_level, 0] == 0:
        N[level, span_level, 1] = least
        N[level, span_level, 2] = most
    N[level, span_level, 1] = min(N[level, span_level, 1], least)
    N[level, span_level, 2] = max(N[level, span_level, 2], most)


@kernel
def grid_put(grid: Grid, row: int, F: Floats, K: Ints, V: Floats, B: Floats, P: Floats, keys: Ints, cells: Ints) -> int:
    """Keep the volume of a row; return PUT, or what must grow first, ROOM_... (nothing is done)."""
    H, _, E, D, S, N = grid
    count, level, span_level, cubes = keys_of(F, K, row, V, B, P, cells, keys)
    need = _room_needed(grid, keys, count)
    if need != PUT:
        return need
    x, y, z, radius = ball_of(F, row, P[0])
    from_ms, until_ms = window_of(K, row, P)
    lower, upper = F[row, 7] - P[1] - OUTWARD_HEIGHT_M, F[row, 10] + P[1] + OUTWARD_HEIGHT_M
    floor, ceiling = math.floor(lower), math.ceil(upper)
    _use_spans(N, level, span_level, from_ms, until_ms)
    for k in range(count):
        h = slot_of(H, keys[k])
        if H[h, 0] < 0:
            S[BUCKETS] += 1
            H[h, 0] = keys[k]
            H[h, 1] = 0
            H[h, 2] = 0
        if H[h, 2] >> 32 == H[h, 2] & _LOW:
            _widen(grid, h)
        held = H[h, 2] >> 32
        if held == 0:
            H[h, 3] = _band(floor, ceiling)
        else:
            H[h, 3] = _band(min(band_lower(H[h, 3]), floor), max(band_upper(H[h, 3]), ceiling))
        e = H[h, 1] + held
        H[h, 2] += 1 << 32
        E[e, 0] = x
        E[e, 1] = y
        E[e, 2] = z
        E[e, 3] = radius
        E[e, 4] = lower
        E[e, 5] = upper
        D[e, 6] = from_ms >> CLOCK_BITS
        D[e, 7] = until_ms >> CLOCK_BITS
        D[e, 8] = row
        N[level, span_level, 0] += 1
    for k in range(cubes):
        _mark_cell(grid, level, cells[k, 0], cells[k, 1], cells[k, 2], floor, ceiling)
    return PUT


@kernel
def grid_take(
    grid: Grid, row: int, F: Floats, K: Ints, V: Floats, B: Floats, P: Floats, keys: Ints, cells: Ints
) -> None:
    """Forget the volume of a row: the same arrays give the same buckets as when it was put."""
    H, _, E, D, _, N = grid
    count, level, span_level, _ = keys_of(F, K, row, V, B, P, cells, keys)
    for k in range(count):
        h = slot_of(H, keys[k])
        first = H[h, 1]
        last = first + (H[h, 2] >> 32) - 1
        for e in range(first, last + 1):
            if D[e, 8] == row:
                for n in range(6):
                    E[e, n] = E[last, n]
                for n in range(6, 9):
                    D[e, n] = D[last, n]
                H[h, 2] -= 1 << 32
                N[level, span_level, 0] -= 1
                break


@kernel
def copy_buckets(grid: Grid, fresh: Grid) -> None:
    """Move the buckets that hold something into empty tables `fresh` (same E, D, S, N); let the empty ones go.

    Nodes are made anew as well: only of buckets that hold something.
    """
    H, S = grid.H, grid.S
    S[BUCKETS] = 0
    S[NODES] = 0
    for h in range(H.shape[0]):
        if H[h, 0] < 0:
            continue
        if H[h, 2] >> 32 == 0:
            if H[h, 2] & _LOW:
                _release(grid, H[h, 1], H[h, 2] & _LOW)
            continue
        key = H[h, 0]
        place = slot_of(fresh.H, key)
        for n in range(4):
            fresh.H[place, n] = H[h, n]
        S[BUCKETS] += 1
        if key >> 59 != EVERYWHERE:
            lower, upper = band_lower(H[h, 3]), band_upper(H[h, 3])
            _mark_cell(fresh, key >> 59, (key >> 24) & 4095, (key >> 12) & 4095, key & 4095, lower, upper)
