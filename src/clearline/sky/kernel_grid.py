"""Kernel: a grid in space and time that finds, for a notice, the few volumes worth an exact comparison.

Units: space in lengths of the unit sphere (1 is 6,371 km), times in ms, heights in metres W84.

How it works
 * A volume is kept on the finest levels of cubes and spans (`kernel_cells`) where it touches only a few of them, once
   in the *bucket* of each; one that touches too many cubes on every level is kept in one bucket for all, EVERYWHERE.
 * A bucket is a run of entries: a ball around the volume, its outer band, its window in units of 1.024 s, its row. It
   knows the band around all its entries, so that a notice high up does not read through the drones below.
 * A question looks into every bucket its own cubes and spans name, on every level in use; or goes through all buckets
   where that is less work. `marks` keeps a row that is met twice from being compared twice.

Property: every volume of which some place on the sphere, some instant and some height of its outer band lie within the
ball, the window and the band asked about is found. All rounding is outward.

Symbols
 * H[h] (key, bucket or -1) is a hash table with open addressing; T[b] (first entry, entries, room, key), Z[b] the band.
 * E[e] (x, y, z, radius, lower, upper) in single precision; D[e] (from, until, row).
 * S holds the counters named below. N[level, span level] counts entries, so that empty levels cost nothing.

Source: design.md §4; the prototype's figures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clearline.sky.compiler import kernel
from clearline.sky.kernel_cells import (
    BUCKETS_PER_ROW,
    CUBE,
    EVERYWHERE,
    LEVELS,
    ORIGIN,
    OUTWARD,
    SPAN_BITS,
    SPAN_LEVELS,
    ball_of,
    cells_of,
    key_of,
    keys_of,
)
from clearline.sky.kernel_shape import Floats, Ints

__all__ = [
    "BUCKETS",
    "COUNTERS",
    "FREE",
    "Grid",
    "candidates",
    "copy_buckets",
    "grid_put",
    "grid_take",
]

CLOCK_BITS = 10
"""Windows are kept in units of 1.024 s, each end cut off alike: if two windows meet, so do these."""
OUTWARD_SINGLE = 1e-6
"""Six metres: rounding of two centres and a radius to single precision."""
OUTWARD_HEIGHT_M = 0.05
"""Rounding of heights up to 100 km to single precision, twice."""

LOOKS_PER_BUCKET = 4.0
"""Finding one bucket by its key costs as much as going past so many in the table."""

COUNTERS = 48
BUCKETS, ENTRIES, SLOTS = 0, 1, 2
"""S[BUCKETS] buckets, S[ENTRIES] entries handed out, S[SLOTS] places of H in use."""
FREE = 8
"""S[FREE + k] is the first free run of 2^(k+1) entries, or -1; D[run, 2] is the next."""
NO_RUN = 0xFFFFFFFF

PUT, ROOM_BUCKETS, ROOM_ENTRIES = 0, 1, 2


Singles = NDArray[np.float32]


class Grid(NamedTuple):
    """The arrays of one grid (see Symbols)."""

    H: Ints
    T: Ints
    Z: Floats
    E: Singles
    D: NDArray[np.uint32]
    S: Ints
    N: Ints


class Ask(NamedTuple):
    """What is looked for: ball, slab (`slab_of`), outer band [m] and window, all widened by the separations."""

    ball: Floats
    slab: Floats
    lower: float
    upper: float
    from_ms: int
    until_ms: int


@kernel
def _slot(H: Ints, key: int) -> int:
    """Return where `key` is in the table, or the empty place where it would be."""
    mask = H.shape[0] - 1
    mixed = np.uint64(key)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    i = np.int64(mixed & np.uint64(mask))
    while H[i, 1] >= 0 and H[i, 0] != key:
        i = (i + 1) & mask
    return int(i)


@kernel
def _class_of(room: int) -> int:
    size = 0
    while (2 << size) < room:
        size += 1
    return size


@kernel
def _widen(grid: Grid, b: int) -> None:
    """Give a full bucket twice the room, from the free runs or from the end."""
    _, T, _, E, D, S, _ = grid
    first, count, room = T[b, 0], T[b, 1], T[b, 2]
    wanted = 2 if room == 0 else 2 * room
    size = _class_of(wanted)
    run = S[FREE + size]
    if run >= 0:
        following = np.int64(D[run, 2])
        S[FREE + size] = -1 if following == NO_RUN else following
    else:
        run = S[ENTRIES]
        S[ENTRIES] += wanted
    for k in range(count):
        E[run + k] = E[first + k]
        D[run + k] = D[first + k]
    if room > 0:
        _release(grid, first, room)
    T[b, 0] = run
    T[b, 2] = wanted


@kernel
def _release(grid: Grid, run: int, room: int) -> None:
    D, S = grid.D, grid.S
    size = _class_of(room)
    D[run, 2] = NO_RUN if S[FREE + size] < 0 else S[FREE + size]
    S[FREE + size] = run


@kernel
def grid_put(grid: Grid, row: int, F: Floats, K: Ints, V: Floats, B: Floats) -> int:
    """Keep the volume of a row; return PUT, or what must grow first: ROOM_BUCKETS, ROOM_ENTRIES (nothing is done)."""
    H, T, Z, E, D, S, N = grid
    keys = np.empty(BUCKETS_PER_ROW, np.int64)
    count, level, span_level = keys_of(F, K, row, V, B, keys)
    ball = ball_of(F, row, 0.0)
    lower, upper = F[row, 7], F[row, 10]
    if S[BUCKETS] + count > T.shape[0] or 2 * (S[SLOTS] + count) > H.shape[0]:
        return ROOM_BUCKETS
    wanted = 0
    for k in range(count):
        b = H[_slot(H, keys[k]), 1]
        if b < 0:
            wanted += 2
        elif T[b, 1] == T[b, 2]:
            wanted += 2 * T[b, 2]
    if S[ENTRIES] + wanted > E.shape[0]:
        return ROOM_ENTRIES
    for k in range(count):
        h = _slot(H, keys[k])
        b = H[h, 1]
        if b < 0:
            b = S[BUCKETS]
            S[BUCKETS] += 1
            S[SLOTS] += 1
            H[h, 0] = keys[k]
            H[h, 1] = b
            T[b, 0] = T[b, 1] = T[b, 2] = 0
            T[b, 3] = keys[k]
        if T[b, 1] == T[b, 2]:
            _widen(grid, b)
        e = T[b, 0] + T[b, 1]
        if T[b, 1] == 0:
            Z[b, 0] = lower
            Z[b, 1] = upper
        Z[b, 0] = min(Z[b, 0], lower)
        Z[b, 1] = max(Z[b, 1], upper)
        T[b, 1] += 1
        for n in range(4):
            E[e, n] = ball[n]
        E[e, 4] = lower
        E[e, 5] = upper
        D[e, 0] = K[row, 4] >> CLOCK_BITS
        D[e, 1] = K[row, 5] >> CLOCK_BITS
        D[e, 2] = row
        N[level, span_level] += 1
    return PUT


@kernel
def grid_take(grid: Grid, row: int, F: Floats, K: Ints, V: Floats, B: Floats) -> None:
    """Forget the volume of a row: the same arrays give the same buckets as when it was put."""
    H, T, _, E, D, _, N = grid
    keys = np.empty(BUCKETS_PER_ROW, np.int64)
    count, level, span_level = keys_of(F, K, row, V, B, keys)
    for k in range(count):
        b = H[_slot(H, keys[k]), 1]
        first = T[b, 0]
        last = first + T[b, 1] - 1
        for e in range(first, last + 1):
            if D[e, 2] == row:
                E[e] = E[last]
                D[e] = D[last]
                T[b, 1] -= 1
                N[level, span_level] -= 1
                break


@kernel
def copy_buckets(grid: Grid, fresh: Grid) -> None:
    """Move the buckets that hold something into larger tables `fresh` (same E, D, S, N); let the empty ones go."""
    H, T, Z = fresh.H, fresh.T, fresh.Z
    S = grid.S
    kept = 0
    for b in range(S[BUCKETS]):
        if grid.T[b, 1] == 0:
            if grid.T[b, 2] > 0:
                _release(grid, grid.T[b, 0], grid.T[b, 2])
            continue
        T[kept] = grid.T[b]
        Z[kept] = grid.Z[b]
        h = _slot(H, T[kept, 3])
        H[h, 0] = T[kept, 3]
        H[h, 1] = kept
        kept += 1
    S[BUCKETS] = kept
    S[SLOTS] = kept


@kernel
def _read_bucket(grid: Grid, b: int, ask: Ask, marks: Ints, slabs: Singles, mark: int, out: Ints, found: int) -> int:
    """Append the rows of one bucket that may be met; return how many there are, also those `out` cannot hold."""
    _, T, Z, E, D, _, _ = grid
    ball, slab, lower, upper, start, end = ask
    if T[b, 1] == 0 or Z[b, 0] > upper or Z[b, 1] < lower:
        return found
    x, y, z, radius = ball[0], ball[1], ball[2], ball[3] + OUTWARD_SINGLE
    nx, ny, nz, least, most = slab[0], slab[1], slab[2], slab[3] - OUTWARD_SINGLE, slab[4] + OUTWARD_SINGLE
    first, last = start >> CLOCK_BITS, end >> CLOCK_BITS
    for e in range(T[b, 0], T[b, 0] + T[b, 1]):
        if D[e, 0] > last or D[e, 1] < first or E[e, 4] > upper or E[e, 5] < lower:
            continue
        dx = E[e, 0] - x
        dy = E[e, 1] - y
        dz = E[e, 2] - z
        reach = E[e, 3] + radius
        if dx * dx + dy * dy + dz * dz > reach * reach:
            continue
        # Its ball against the slab asked for, then its slab against the ball asked for.
        beside = nx * E[e, 0] + ny * E[e, 1] + nz * E[e, 2]
        if beside + E[e, 3] < least or beside - E[e, 3] > most:
            continue
        row = np.int64(D[e, 2])
        beside = slabs[row, 0] * x + slabs[row, 1] * y + slabs[row, 2] * z
        if beside + radius < slabs[row, 3] or beside - radius > slabs[row, 4]:
            continue
        if marks[row] != mark:
            marks[row] = mark
            if found < out.shape[0]:
                out[found] = row
            found += 1
    return found


@kernel
def _bucket_near(key: int, ball: Floats, from_ms: int, until_ms: int) -> bool:
    """May a bucket hold something within the ball and the window?"""
    level = key >> 59
    if level == EVERYWHERE:
        return True
    bits = SPAN_BITS + 3 * ((key >> 56) & 7)
    span = (key >> 36) & 0xFFFFF
    if span < from_ms >> bits or span > until_ms >> bits:
        return False
    side = CUBE * 4.0**level
    apart_sq = 0.0
    for axis in range(3):
        low = ((key >> (24 - 12 * axis)) & 4095) * side - ORIGIN
        apart = max(0.0, max(low - ball[axis], ball[axis] - low - side))
        apart_sq += apart * apart
    reach = ball[3] + OUTWARD
    return apart_sq <= reach * reach + 1e-15


@kernel
def _looks(grid: Grid, ask: Ask) -> float:
    """Estimate how many buckets the cubes and spans of a question name on the levels in use."""
    looks = 1.0
    for level in range(LEVELS):
        cubes = 2.0 * (2.0 * ask.ball[3] / (CUBE * 4.0**level) + 1.5) ** 2
        for span_level in range(SPAN_LEVELS):
            if grid.N[level, span_level] > 0:
                bits = SPAN_BITS + 3 * span_level
                looks += cubes * ((ask.until_ms >> bits) - (ask.from_ms >> bits) + 1)
    return looks


@kernel
def _read_all(grid: Grid, ask: Ask, marks: Ints, slabs: Singles, mark: int, out: Ints) -> int:
    """`candidates` by going through all buckets."""
    found = 0
    for b in range(grid.S[BUCKETS]):
        if grid.T[b, 1] > 0 and _bucket_near(grid.T[b, 3], ask.ball, ask.from_ms, ask.until_ms):
            found = _read_bucket(grid, b, ask, marks, slabs, mark, out, found)
    return found


@kernel
def candidates(grid: Grid, ask: Ask, marks: Ints, slabs: Singles, mark: int, out: Ints) -> int:
    """Write the rows that may meet what is asked for; return their number, which may be more than `out` holds.

    `mark` is a number above 0 that was not used before. What is asked for is already widened by the separations.
    """
    H, N, ball = grid.H, grid.N, ask.ball
    looks = _looks(grid, ask)
    if LOOKS_PER_BUCKET * looks > grid.S[BUCKETS]:
        return _read_all(grid, ask, marks, slabs, mark, out)
    cells = np.empty((np.int64(looks) + 64, 3), np.int64)
    found = 0
    for level in range(LEVELS):
        in_use = False
        for span_level in range(SPAN_LEVELS):
            in_use = in_use or N[level, span_level] > 0
        if not in_use:
            continue
        cubes = cells_of(ball[0], ball[1], ball[2], ball[3], level, cells)
        if cubes < 0:
            # The estimate was too small. Another mark: what was found so far is found again.
            return _read_all(grid, ask, marks, slabs, -mark, out)
        for span_level in range(SPAN_LEVELS):
            if N[level, span_level] == 0:
                continue
            bits = SPAN_BITS + 3 * span_level
            for span in range(ask.from_ms >> bits, (ask.until_ms >> bits) + 1):
                for k in range(cubes):
                    b = H[_slot(H, key_of(level, span_level, span, cells[k, 0], cells[k, 1], cells[k, 2])), 1]
                    if b >= 0:
                        found = _read_bucket(grid, b, ask, marks, slabs, mark, out, found)
    b = H[_slot(H, key_of(EVERYWHERE, 0, 0, 0, 0, 0)), 1]
    if b >= 0:
        found = _read_bucket(grid, b, ask, marks, slabs, mark, out, found)
    return found
