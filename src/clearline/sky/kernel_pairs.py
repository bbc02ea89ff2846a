"""Kernel: all pairs of volumes held that are closer than a rule set allows.

Units, records and symbols as in `kernel_grid` and `kernel_rows`. Nothing is written but the answer.

How it works
 * Two volumes that are closer share a cube and a span at the coarser of their levels, since each is kept widened by
   half of the separation. So each bucket is joined with itself and with the buckets above it.
 * Volumes that are kept EVERYWHERE, or on spans too long to go through all shorter ones (more than JOIN_SPAN_LEVELS),
   are asked about one by one.
 * A pair that meets in several cubes is written several times and made one by sorting; rows go with the pair in one
   number, the smaller row above.
"""

from __future__ import annotations

import numpy as np

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_ask import FEW, STACK
from clearline.sky.kernel_cells import EVERYWHERE, LEVELS, SPAN_BITS, key_of
from clearline.sky.kernel_grid import BUCKETS, CLOCK_BITS, OUTWARD_SINGLE, Grid, band_lower, band_upper, slot_of
from clearline.sky.kernel_meet import APART
from clearline.sky.kernel_query import Rules, compare, near_rows, rule_of
from clearline.sky.kernel_rows import Rows
from clearline.sky.kernel_shape import Ints

__all__ = ["PAIR_COLUMNS", "buckets_in_place", "compare_pairs", "join_buckets", "join_long", "long_rows"]

JOIN_SPAN_LEVELS = 2
PLACE_BITS = 27
"""Room for 134 million places in the table of buckets beside 36 bits of a cube."""
PAIR_COLUMNS = 8
_LOW = 0xFFFFFFFF


@inner
def _pair(a: int, b: int) -> int:
    return (min(a, b) << 32) | max(a, b)


@kernel
def _more(out: Ints) -> Ints:
    more = np.empty(2 * out.shape[0], np.int64)
    more[: out.shape[0]] = out
    return more


@inner
def _join(grid: Grid, h: int, other: int, span: int, bits: int, rows: Rows, out: Ints, found: int) -> tuple[Ints, int]:
    """Append the pairs of two buckets (one of them with itself) whose entries may meet.

    Of all spans that two windows share, the first is the one that counts: `span` of 2^bits ms, the shorter of the two.
    """
    H, _, E, D, _, _ = grid
    same = h == other
    first, last = H[other, 1], H[other, 1] + (H[other, 2] >> 32)
    slabs = rows.slabs
    L = rows.L
    for p in range(H[h, 1], H[h, 1] + (H[h, 2] >> 32)):
        x, y, z, radius, lower, upper = (
            E[p, 0],
            E[p, 1],
            E[p, 2],
            E[p, 3] + np.float32(OUTWARD_SINGLE),
            E[p, 4],
            E[p, 5],
        )
        start, end, a = D[p, 6], D[p, 7], int(np.int64(D[p, 8]))
        for q in range(p + 1 if same else first, last):
            if D[q, 6] > end or D[q, 7] < start or E[q, 4] > upper or E[q, 5] < lower:
                continue
            dx = E[q, 0] - x
            dy = E[q, 1] - y
            dz = E[q, 2] - z
            reach = E[q, 3] + radius
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            if (np.int64(max(start, D[q, 6])) << CLOCK_BITS) >> bits != span:
                continue
            b = int(np.int64(D[q, 8]))
            if L[a, 8] == L[b, 8]:
                continue
            # Each ball against the other's slab: long thin shapes miss most of what is in their ball.
            beside = slabs[a, 0] * E[q, 0] + slabs[a, 1] * E[q, 1] + slabs[a, 2] * E[q, 2]
            if beside + E[q, 3] < slabs[a, 3] or beside - E[q, 3] > slabs[a, 4]:
                continue
            beside = slabs[b, 0] * x + slabs[b, 1] * y + slabs[b, 2] * z
            if beside + radius < slabs[b, 3] or beside - radius > slabs[b, 4]:
                continue
            if found == out.shape[0]:
                out = _more(out)
            out[found] = _pair(a, b)
            found += 1
    return out, found


@inner
def _bands_meet(H: Ints, h: int, other: int) -> bool:
    return band_lower(H[h, 3]) <= band_upper(H[other, 3]) and band_lower(H[other, 3]) <= band_upper(H[h, 3])


@kernel
def buckets_in_place(grid: Grid) -> Ints:
    """Return (cube, place in the table) of each bucket to join, in one number: sorted, neighbours in space follow."""
    H = grid.H
    out = np.empty(grid.S[BUCKETS], np.int64)
    found = 0
    for h in range(H.shape[0]):
        key = H[h, 0]
        if key < 0 or H[h, 2] >> 32 == 0:
            continue
        level = key >> 59
        if level == EVERYWHERE or (key >> 56) & 7 >= JOIN_SPAN_LEVELS:
            continue
        x, y, z = (key >> 24) & 4095, (key >> 12) & 4095, key & 4095
        out[found] = (((x << 2 * level) << 12 | (y << 2 * level)) << 12 | (z << 2 * level)) << PLACE_BITS | h
        found += 1
    return out[:found]


@kernel
def join_buckets(grid: Grid, rows: Rows, buckets: Ints) -> Ints:
    """Return the pairs, some of them twice, that the buckets given have with themselves and with those above them."""
    H, N = grid.H, grid.N
    out = np.empty(4096, np.int64)
    found = 0
    for each in buckets:
        h = each & ((1 << PLACE_BITS) - 1)
        key = H[h, 0]
        level, span_level, span = key >> 59, (key >> 56) & 7, (key >> 36) & 0xFFFFF
        x, y, z = (key >> 24) & 4095, (key >> 12) & 4095, key & 4095
        bits = SPAN_BITS + 3 * span_level
        if H[h, 2] >> 32 > 1:
            out, found = _join(grid, h, h, span, bits, rows, out, found)
        for above in range(level, LEVELS):
            shift = 2 * (above - level)
            for other_level in range(JOIN_SPAN_LEVELS):
                if N[above, other_level, 0] == 0 or (above == level and other_level <= span_level):
                    continue
                coarser = 3 * (other_level - span_level)
                low = span >> coarser if coarser >= 0 else span << -coarser
                high = low if coarser >= 0 else low + (1 << -coarser) - 1
                finest = SPAN_BITS + 3 * min(span_level, other_level)
                for other_span in range(low, high + 1):
                    o = slot_of(H, key_of(above, other_level, other_span, x >> shift, y >> shift, z >> shift))
                    if H[o, 0] >= 0 and H[o, 2] >> 32 > 0 and _bands_meet(H, h, o):
                        out, found = _join(grid, h, o, span if coarser >= 0 else other_span, finest, rows, out, found)
    return out[:found]


@kernel
def long_rows(grid: Grid) -> Ints:
    """Return the rows that `join_buckets` passes over, some of them twice."""
    H, _, _, D, _, _ = grid
    out = np.empty(64, np.int64)
    found = 0
    for h in range(H.shape[0]):
        key = H[h, 0]
        if key < 0 or (key >> 59 != EVERYWHERE and (key >> 56) & 7 < JOIN_SPAN_LEVELS):
            continue
        for e in range(H[h, 1], H[h, 1] + (H[h, 2] >> 32)):
            if found == out.shape[0]:
                out = _more(out)
            out[found] = D[e, 8]
            found += 1
    return out[:found]


@kernel
def join_long(grid: Grid, rows: Rows, asking: Ints, rules: Rules) -> Ints:
    """Return the pairs, some of them twice, of the rows `asking` with all others."""
    G, L, W, C, _, _, _ = rows
    stack = np.empty(STACK, np.int64)
    near = np.empty(4 * FEW, np.int64)
    out = np.empty(1024, np.int64)
    found = 0
    for a in asking:
        near, count = near_rows(G, L, a, W, C, rows, grid, rules, stack, near)
        for n in range(count):
            b = near[n]
            if L[a, 8] == L[b, 8]:
                continue
            if found == out.shape[0]:
                out = _more(out)
            out[found] = _pair(a, b)
            found += 1
    return out[:found]


@kernel
def compare_pairs(pairs: Ints, rows: Rows, rules: Rules, one_group: int) -> Ints:
    """Return (handle, handle, i, j, closeness, from, until, rule) of each pair that is closer, the lower handle first.

    With `one_group` 0 pairs of one group are left out.
    """
    G, L, W, C, _, _, _ = rows
    out = np.empty((pairs.shape[0], PAIR_COLUMNS), np.int64)
    found = 0
    for n in range(pairs.shape[0]):
        a, b = pairs[n] >> 32, pairs[n] & _LOW
        if L[a, 8] > L[b, 8]:
            a, b = b, a
        if not one_group and L[a, 9] == L[b, 9]:
            continue
        close, from_ms, until_ms = compare(G, L, a, W, C, G, L, b, W, C, rules)
        if close == APART:
            continue
        out[found, 0] = L[a, 8]
        out[found, 1] = L[b, 8]
        out[found, 2] = L[a, 11]
        out[found, 3] = L[b, 11]
        out[found, 4] = close
        out[found, 5] = from_ms
        out[found, 6] = until_ms
        out[found, 7] = rule_of(L, a, L, b, rules)
        found += 1
    return out[:found]
