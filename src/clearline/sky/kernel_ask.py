"""Kernel: which rows of a grid may meet what is asked for.

Units and symbols: as in `kernel_grid` and `kernel_cells`. Nothing is written but the answer: threads may ask at once.

Property: every volume of which some place on the sphere, some instant and some height of its outer band lie within the
shape, the window and the band asked about, each widened, is found. All rounding is outward.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_cells import (
    CUBE,
    EVERYWHERE,
    LEVELS,
    ORIGIN,
    OUTWARD,
    SPAN_BITS,
    SPAN_LEVELS,
    ball_of,
    cell_index,
    cube_touches,
    key_of,
    slab_of,
    window_of,
)
from clearline.sky.kernel_grid import (
    CLOCK_BITS,
    OUTWARD_HEIGHT_M,
    OUTWARD_SINGLE,
    Grid,
    Singles,
    band_lower,
    band_upper,
    node_key,
    slot_of,
)
from clearline.sky.kernel_shape import Floats, Ints

__all__ = ["FEW", "STACK", "Ask", "ask_of", "candidates"]

FEW = 24
"""Up to so many rows, one found twice is seen at once; beyond, the caller sorts."""
SPANS_READ_MAX = 256
"""A window over more spans than this (25 days of a busy sky) is quicker found by reading all buckets in order."""
STACK = 27 + 64 * LEVELS
"""Cubes that wait: the whole earth in the coarsest ones, and all children of one on each level."""


class Ask(NamedTuple):
    """What is looked for, widened: ball, slab, outer band [m], window."""

    x: float
    y: float
    z: float
    radius: float
    nx: float
    ny: float
    nz: float
    least: float
    most: float
    lower: float
    upper: float
    from_ms: int
    until_ms: int


@kernel
def ask_of(F: Floats, K: Ints, a: int, V: Floats, P: Floats) -> Ask:
    """Return where to look for what may meet volume a, both widened by P."""
    x, y, z, radius = ball_of(F, a, P[0])
    nx, ny, nz, least, most = slab_of(F, K, a, V, P[0])
    from_ms, until_ms = window_of(K, a, P)
    widen = P[1] + OUTWARD_HEIGHT_M
    return Ask(x, y, z, radius, nx, ny, nz, least, most, F[a, 7] - widen, F[a, 10] + widen, from_ms, until_ms)


@inner
def _read_bucket(grid: Grid, h: int, span: int, bits: int, ask: Ask, slabs: Singles, out: Ints, found: int) -> int:
    """Append the rows of one bucket that may be met; return how many there are, also those `out` cannot hold."""
    H, _, E, D, _, _ = grid
    count = H[h, 2] >> 32
    if count == 0 or band_lower(H[h, 3]) > ask.upper or band_upper(H[h, 3]) < ask.lower:
        return found
    x, y, z, radius = ask.x, ask.y, ask.z, ask.radius + OUTWARD_SINGLE
    first, last = ask.from_ms >> CLOCK_BITS, ask.until_ms >> CLOCK_BITS
    for e in range(H[h, 1], H[h, 1] + count):
        if D[e, 6] > last or D[e, 7] < first or E[e, 4] > ask.upper or E[e, 5] < ask.lower:
            continue
        # Of all spans that both windows share, the first is the one that counts.
        if bits > 0 and max(int(np.int64(D[e, 6])) << CLOCK_BITS, ask.from_ms) >> bits != span:
            continue
        dx = E[e, 0] - x
        dy = E[e, 1] - y
        dz = E[e, 2] - z
        reach = E[e, 3] + radius
        if dx * dx + dy * dy + dz * dz > reach * reach:
            continue
        # Its ball against the slab asked for, then its slab against the ball asked for.
        beside = ask.nx * E[e, 0] + ask.ny * E[e, 1] + ask.nz * E[e, 2]
        if beside + E[e, 3] < ask.least - OUTWARD_SINGLE or beside - E[e, 3] > ask.most + OUTWARD_SINGLE:
            continue
        row = np.int64(D[e, 8])
        beside = slabs[row, 0] * x + slabs[row, 1] * y + slabs[row, 2] * z
        if beside + radius < slabs[row, 3] or beside - radius > slabs[row, 4]:
            continue
        if found <= FEW:
            twice = False
            for n in range(found):
                twice = twice or out[n] == row
            if twice:
                continue
        if found < out.shape[0]:
            out[found] = row
        found += 1
    return found


@inner
def _read_cell(grid: Grid, level: int, x: int, y: int, z: int, ask: Ask, slabs: Singles, out: Ints, found: int) -> int:
    """Read the buckets of one cube, over all spans asked about."""
    H, N = grid.H, grid.N
    for span_level in range(SPAN_LEVELS):
        if N[level, span_level, 0] == 0:
            continue
        bits = SPAN_BITS + 3 * span_level
        first = max(ask.from_ms >> bits, N[level, span_level, 1])
        last = min(ask.until_ms >> bits, N[level, span_level, 2])
        for span in range(first, last + 1):
            h = slot_of(H, key_of(level, span_level, span, x, y, z))
            if H[h, 0] >= 0:
                found = _read_bucket(grid, h, span, bits, ask, slabs, out, found)
    return found


@inner
def _may_hold(F: Floats, K: Ints, a: int, V: Floats, B: Floats, ask: Ask, level: int, x: int, y: int, z: int) -> bool:
    """May the volume asked about, widened, have a place in a cube?"""
    side = CUBE * 4.0**level
    half = 0.5 * side
    mx, my, mz = (x + 0.5) * side - ORIGIN, (y + 0.5) * side - ORIGIN, (z + 0.5) * side - ORIGIN
    gx, gy, gz = max(0.0, abs(mx - ask.x) - half), max(0.0, abs(my - ask.y) - half), max(0.0, abs(mz - ask.z) - half)
    reach = ask.radius + OUTWARD
    if gx * gx + gy * gy + gz * gz > reach * reach + 1e-15:
        return False
    ahead = mx * ask.x + my * ask.y + mz * ask.z + half * (abs(ask.x) + abs(ask.y) + abs(ask.z))
    if ahead < 1.0 - 0.5 * reach * reach - OUTWARD:
        return False
    if ask.radius < side:
        return True
    beside = ask.nx * mx + ask.ny * my + ask.nz * mz
    width = half * (abs(ask.nx) + abs(ask.ny) + abs(ask.nz)) + OUTWARD
    if beside + width < ask.least or beside - width > ask.most:
        return False
    if ask.most - ask.least < 0.5 * side:
        return True  # thin: a cube that its slab and its ball touch is seldom one that it does not
    return cube_touches(F, K, a, V, B, mx, my, mz, 0.8660254037844388 * side, ask.radius - F[a, 3])


@kernel
def _spans_asked(grid: Grid, ask: Ask) -> int:
    """Return how many spans one cube has on the busiest level, within the window asked about."""
    N = grid.N
    most = 0
    for level in range(LEVELS):
        spans = 0
        for span_level in range(SPAN_LEVELS):
            if N[level, span_level, 0] > 0:
                bits = SPAN_BITS + 3 * span_level
                first = max(ask.from_ms >> bits, N[level, span_level, 1])
                spans += max(0, min(ask.until_ms >> bits, N[level, span_level, 2]) - first + 1)
        most = max(most, spans)
    return most


@kernel
def _read_all(grid: Grid, ask: Ask, slabs: Singles, out: Ints) -> int:
    """Read every bucket that is near enough in time, one after the other."""
    H = grid.H
    found = 0
    for h in range(H.shape[0]):
        key = H[h, 0]
        if key < 0 or H[h, 2] >> 32 == 0:
            continue
        if key >> 59 == EVERYWHERE:
            found = _read_bucket(grid, h, 0, 0, ask, slabs, out, found)
            continue
        bits = SPAN_BITS + 3 * ((key >> 56) & 7)
        span = (key >> 36) & 0xFFFFF
        if ask.from_ms >> bits <= span <= ask.until_ms >> bits:
            found = _read_bucket(grid, h, span, bits, ask, slabs, out, found)
    return found


@kernel
def candidates(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, ask: Ask, grid: Grid, slabs: Singles, stack: Ints, out: Ints
) -> int:
    """Write the rows that may meet volume a; return their number, which may be more than `out` holds.

    Up to FEW rows are all different; among more, some may stand there twice. `stack` has STACK places.
    """
    H, M = grid.H, grid.M
    if _spans_asked(grid, ask) > SPANS_READ_MAX:
        return _read_all(grid, ask, slabs, out)
    found = 0
    h = slot_of(H, key_of(EVERYWHERE, 0, 0, 0, 0, 0))
    if H[h, 0] >= 0:
        found = _read_bucket(grid, h, 0, 0, ask, slabs, out, found)
    top = 0
    reach = ask.radius + OUTWARD
    for x in range(cell_index(ask.x - reach, LEVELS), cell_index(ask.x + reach, LEVELS) + 1):
        for y in range(cell_index(ask.y - reach, LEVELS), cell_index(ask.y + reach, LEVELS) + 1):
            for z in range(cell_index(ask.z - reach, LEVELS), cell_index(ask.z + reach, LEVELS) + 1):
                stack[top] = node_key(LEVELS, x, y, z)
                top += 1
    while top > 0:
        top -= 1
        cell = stack[top]
        level, x, y, z = cell >> 36, (cell >> 24) & 4095, (cell >> 12) & 4095, cell & 4095
        if level == 0:
            found = _read_cell(grid, level, x, y, z, ask, slabs, out, found)
            continue
        m = slot_of(M, cell)
        if M[m, 0] < 0:
            continue
        if band_lower(M[m, 2]) <= ask.upper and band_upper(M[m, 2]) >= ask.lower:
            found = _read_cell(grid, level, x, y, z, ask, slabs, out, found)
        if band_lower(M[m, 3]) > ask.upper or band_upper(M[m, 3]) < ask.lower:
            continue
        children = M[m, 1]
        below = level - 1
        x0 = max(4 * x, cell_index(ask.x - reach, below))
        x1 = min(4 * x + 3, cell_index(ask.x + reach, below))
        y0 = max(4 * y, cell_index(ask.y - reach, below))
        y1 = min(4 * y + 3, cell_index(ask.y + reach, below))
        z0 = max(4 * z, cell_index(ask.z - reach, below))
        z1 = min(4 * z + 3, cell_index(ask.z + reach, below))
        for i in range(x0, x1 + 1):
            for j in range(y0, y1 + 1):
                for k in range(z0, z1 + 1):
                    if (children >> (((i & 3) << 4) | ((j & 3) << 2) | (k & 3))) & 1 == 0:
                        continue
                    if _may_hold(F, K, a, V, B, ask, below, i, j, k):
                        stack[top] = node_key(below, i, j, k)
                        top += 1
    return found
