"""Kernel: a grid in space and time that finds, for a notice, the few volumes worth an exact comparison.

Units: space in lengths of the unit sphere (1 is 6,371 km), times in ms, heights in metres W84.

How it works
 * Space is cut into cubes of 2^-10 (6.2 km) and, on four more levels, of four times the size of the level before. Time
   is cut into spans of 2^23 ms (2.3 h) and, on four more levels, of eight times. A volume is kept on the finest levels
   where it touches at most CELLS_MAX cubes and SPANS_MAX spans, once in the *bucket* of each; one that touches too
   many cubes on every level is kept in one bucket for all, EVERYWHERE.
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

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clearline.sky.compiler import kernel
from clearline.sky.kernel_shape import POLYGON, Floats, Ints, inside, point_gap_sq

__all__ = ["BUCKETS", "COUNTERS", "FREE", "EVERYWHERE", "LEVELS", "SPAN_LEVELS", "Grid", "candidates", "copy_buckets", "grid_put", "grid_take"]

LEVELS = 5
SPAN_LEVELS = 5
EVERYWHERE = 7
CELLS_MAX = 16
CELLS_TRIED_MAX = 512
CELLS_ACROSS_MAX = 10
"""A volume more than ten cubes across is not even tried on a level: the test of each cube has its price."""
SPANS_MAX = 3
BUCKETS_PER_ROW = CELLS_MAX * SPANS_MAX
CUBE = 2.0**-10
ORIGIN = 1.5
"""Added to coordinates before they are cut, so that no index is negative; the balls of large volumes are cut off."""
SPAN_BITS = 23
CLOCK_BITS = 10
OUTWARD = 1e-9
"""Six millimetres: rounding of doubles when a cube is tested."""
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
    """What is looked for: a ball, a slab (`slab_of`), an outer band [m] and a window, all widened by the separations."""

    ball: Floats
    slab: Floats
    lower: float
    upper: float
    from_ms: int
    until_ms: int


@kernel
def ball_of(F: Floats, a: int, separation: float) -> Floats:
    """Return the ball in space around all places within `separation` [m] of a volume."""
    angle = (F[a, 4] + separation) / F[a, 5]
    return np.array([F[a, 0], F[a, 1], F[a, 2], F[a, 3] + 2.0 * math.sin(0.5 * angle)])


@kernel
def slab_of(F: Floats, K: Ints, a: int, V: Floats, separation: float) -> Floats:
    """Return (n, least, most): every place within `separation` [m] of volume a has least <= n . p <= most.

    The slab runs along the shape, from the middle of its cap to its farthest vertex: a long thin shape has a thin slab,
    and most of what lies in its ball lies beside it.
    """
    x, y, z = F[a, 0], F[a, 1], F[a, 2]
    far = K[a, 6]
    far_sq = -1.0
    for i in range(K[a, 6], K[a, 6] + K[a, 3]):
        d = (V[i, 0] - x) ** 2 + (V[i, 1] - y) ** 2 + (V[i, 2] - z) ** 2
        if d > far_sq:
            far_sq = d
            far = i
    nx = y * V[far, 2] - z * V[far, 1]
    ny = z * V[far, 0] - x * V[far, 2]
    nz = x * V[far, 1] - y * V[far, 0]
    norm = math.sqrt(nx * nx + ny * ny + nz * nz)
    # A place of the shape is q / |q|, with q a mean of vertices and cos(cap) <= |q| <= 1.
    least_length = 1.0 - 0.5 * F[a, 3] * F[a, 3]
    if norm < 1e-12 or least_length < 0.1:
        return np.array([0.0, 0.0, 0.0, -1.0, 1.0])
    nx, ny, nz = nx / norm, ny / norm, nz / norm
    least = 2.0
    most = -2.0
    for i in range(K[a, 6], K[a, 6] + K[a, 3]):
        d = nx * V[i, 0] + ny * V[i, 1] + nz * V[i, 2]
        least = min(least, d)
        most = max(most, d)
    reach = 2.0 * math.sin(0.5 * (F[a, 4] + separation) / F[a, 5])
    return np.array([nx, ny, nz, min(least, least / least_length) - reach, max(most, most / least_length) + reach])


@kernel
def _key(level: int, span_level: int, span: int, x: int, y: int, z: int) -> int:
    return ((((((level << 3) | span_level) << 20 | span) << 12 | x) << 12) | y) << 12 | z


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
    return i


@kernel
def _index(coordinate: float, level: int) -> int:
    i = np.int64(math.floor((coordinate + ORIGIN) / CUBE))
    return min(max(i, 0), 4095) >> (2 * level)


@kernel
def _cells(x: float, y: float, z: float, radius: float, level: int, out: Ints) -> int:
    """Write the cubes that hold a place of the sphere within the ball; return their number, -1 if more than `out` holds."""
    reach = radius + OUTWARD
    x0, x1 = _index(x - reach, level), _index(x + reach, level)
    y0, y1 = _index(y - reach, level), _index(y + reach, level)
    z0, z1 = _index(z - reach, level), _index(z + reach, level)
    side = CUBE * 4.0**level
    found = 0
    for i in range(x0, x1 + 1):
        low_x = i * side - ORIGIN
        near_x = max(0.0, max(low_x - x, x - low_x - side))
        least_x = max(0.0, max(low_x, -low_x - side))
        most_x = max(abs(low_x), abs(low_x + side))
        for j in range(y0, y1 + 1):
            low_y = j * side - ORIGIN
            near_y = max(0.0, max(low_y - y, y - low_y - side))
            near_xy = near_x * near_x + near_y * near_y
            if near_xy > reach * reach + OUTWARD:
                continue
            least_y = max(0.0, max(low_y, -low_y - side))
            most_y = max(abs(low_y), abs(low_y + side))
            for k in range(z0, z1 + 1):
                low_z = k * side - ORIGIN
                near_z = max(0.0, max(low_z - z, z - low_z - side))
                if near_xy + near_z * near_z > reach * reach + 1e-15:
                    continue
                least_z = max(0.0, max(low_z, -low_z - side))
                most_z = max(abs(low_z), abs(low_z + side))
                if least_x * least_x + least_y * least_y + least_z * least_z > 1.0 + OUTWARD:
                    continue
                if most_x * most_x + most_y * most_y + most_z * most_z < 1.0 - OUTWARD:
                    continue
                if found == out.shape[0]:
                    return -1
                out[found, 0] = i
                out[found, 1] = j
                out[found, 2] = k
                found += 1
    return found


@kernel
def _span_level(from_ms: int, until_ms: int) -> int:
    for level in range(SPAN_LEVELS):
        bits = SPAN_BITS + 3 * level
        if (until_ms >> bits) - (from_ms >> bits) < SPANS_MAX:
            return level
    return SPAN_LEVELS - 1


@kernel
def _touches(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, x: float, y: float, z: float, half: float, radius: float
) -> bool:
    """May a cube with middle (x, y, z) and half diagonal `half` hold a place within chord `radius` of core a?"""
    norm = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / norm, y / norm, z / norm
    # A place of the sphere in the cube is within `reach` of the middle's foot on the sphere; if the place is in the
    # shape, the foot is inside the ring, or the way between the two crosses the ring.
    reach = half + abs(1.0 - norm) + radius + OUTWARD
    limit_sq = reach * reach
    if point_gap_sq(x, y, z, V, K[a, 6], K[a, 3], B, K[a, 7], limit_sq) < limit_sq:
        return True
    return K[a, 0] == POLYGON and inside(x, y, z, V, K[a, 6], K[a, 3], F[a, 0], F[a, 1], F[a, 2], F[a, 3])


@kernel
def _keys(F: Floats, K: Ints, a: int, V: Floats, B: Floats, keys: Ints) -> tuple[int, int, int]:
    """Write the keys of all buckets of a volume; return (their number, level, span level)."""
    ball = ball_of(F, a, 0.0)
    from_ms, until_ms = K[a, 4], K[a, 5]
    span_level = _span_level(from_ms, until_ms)
    bits = SPAN_BITS + 3 * span_level
    cells = np.empty((CELLS_TRIED_MAX, 3), np.int64)
    for level in range(LEVELS):
        side = CUBE * 4.0**level
        if 2.0 * ball[3] > CELLS_ACROSS_MAX * side:
            continue
        tried = _cells(ball[0], ball[1], ball[2], ball[3], level, cells)
        found = 0
        for k in range(tried):
            x, y, z = (cells[k, 0] + 0.5) * side, (cells[k, 1] + 0.5) * side, (cells[k, 2] + 0.5) * side
            half = 0.8660254037844388 * side
            if _touches(F, K, a, V, B, x - ORIGIN, y - ORIGIN, z - ORIGIN, half, ball[3] - F[a, 3]):
                cells[found] = cells[k]
                found += 1
                if found > CELLS_MAX:
                    break
        if tried < 0 or found > CELLS_MAX:
            continue
        count = 0
        for span in range(from_ms >> bits, (until_ms >> bits) + 1):
            for k in range(found):
                keys[count] = _key(level, span_level, span, cells[k, 0], cells[k, 1], cells[k, 2])
                count += 1
        return count, level, span_level
    keys[0] = _key(EVERYWHERE, 0, 0, 0, 0, 0)
    return 1, EVERYWHERE, 0


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
    """Keep the volume of a row; return PUT, or ROOM_BUCKETS or ROOM_ENTRIES where arrays must grow (nothing is changed)."""
    H, T, Z, E, D, S, N = grid
    keys = np.empty(BUCKETS_PER_ROW, np.int64)
    count, level, span_level = _keys(F, K, row, V, B, keys)
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
    count, level, span_level = _keys(F, K, row, V, B, keys)
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
    """Append the rows of one bucket that may be met; return how many there are now (beyond the room of `out` not written)."""
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
        cubes = _cells(ball[0], ball[1], ball[2], ball[3], level, cells)
        if cubes < 0:
            # The estimate was too small. Another mark: what was found so far is found again.
            return _read_all(grid, ask, marks, slabs, -mark, out)
        for span_level in range(SPAN_LEVELS):
            if N[level, span_level] == 0:
                continue
            bits = SPAN_BITS + 3 * span_level
            for span in range(ask.from_ms >> bits, (ask.until_ms >> bits) + 1):
                for k in range(cubes):
                    b = H[_slot(H, _key(level, span_level, span, cells[k, 0], cells[k, 1], cells[k, 2])), 1]
                    if b >= 0:
                        found = _read_bucket(grid, b, ask, marks, slabs, mark, out, found)
    b = H[_slot(H, _key(EVERYWHERE, 0, 0, 0, 0, 0)), 1]
    if b >= 0:
        found = _read_bucket(grid, b, ask, marks, slabs, mark, out, found)
    return found
