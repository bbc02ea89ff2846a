"""Kernel: the volumes of many notices in rows, and which of them are closer to a notice than a rule set allows.

Units and records as in `kernel_meet`. A row has beside the record of its volume:

 * L[8] handle of its notice, L[9] group, L[10] row of the notice's next volume or -1 (in a free row: the next free
   one), L[11] place in its notice, L[12] 1 while it is in use, L[13] class of aircraft (0 unknown).

Rules
 * The answer is a function of what is held, not of the order in which it came: pairs are sorted by (handle, i, j).
 * Windows are closed. `closer_ms` is the measure of their union, so pairs of volumes that overlap count once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_cells import ball_of, slab_of
from clearline.sky.kernel_grid import (
    OUTWARD_HEIGHT_M,
    OUTWARD_SINGLE,
    PUT,
    Ask,
    Grid,
    Singles,
    candidates,
    grid_put,
    grid_take,
)
from clearline.sky.kernel_meet import (
    APART,
    FLOAT_COLUMNS,
    INT_COLUMNS,
    RULE_COLUMNS,
    SURE,
    closeness,
    lateral_gap,
    lateral_limit,
    vertical_gap,
)
from clearline.sky.kernel_shape import BLOCK_EDGES, POLYGON, Floats, Ints, dress, inside, point_gap_sq

__all__ = [
    "BALLS",
    "DEAD",
    "FREE_ROW",
    "ROWS",
    "ROW_COLUMNS",
    "VERTICES",
    "Rows",
    "Rules",
    "add",
    "all_rows",
    "copy_vertices",
    "core_gaps",
    "find",
    "load",
    "meetings",
    "merge",
    "remove",
]

ROW_COLUMNS = 14
HIT_COLUMNS = 7
CLASSES = 4
RULES_HEAD = 3 + CLASSES * CLASSES

ROWS, VERTICES, BALLS, DEAD, FREE_ROW, MARK, VOLUMES = 0, 1, 2, 3, 4, 5, 6
"""R: rows, vertices and balls handed out; vertices of removed volumes; first free row or -1; last mark; volumes."""

Rules = Floats
"""A rule set as the kernel takes it: [0] lateral, [1] vertical, [2] time separation that the widest rule has, tolerance
included; [3:19] the number of the rule for each pair of classes; from RULES_HEAD on the rules, RULE_COLUMNS each."""


class Rows(NamedTuple):
    """Records G, rows L, vertices W, balls C, counters R; marks and outward slabs for `kernel_grid`."""

    G: Floats
    L: Ints
    W: Floats
    C: Floats
    R: Ints
    marks: Ints
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
def add(
    floats: Floats, ints: Ints, counts: Ints, owners: Ints, rows: Rows, grid: Grid, done: int, place: int, heads: Ints
) -> tuple[int, int, int]:
    """Give rows to the volumes of many notices; `counts` volumes each, `owners` (handle, group, class).

    There is room in `rows` for all. Starts at volume `place` of notice `done`, and returns (done, place, what the grid
    needs): to be called again with the first two until `done` is the number of notices. heads[n] becomes the first row.
    """
    G, L, W, C, R, _, slabs = rows
    at_float = 0
    at_int = 0
    for n in range(counts.shape[0]):
        count = counts[n]
        U = floats[at_float + count * FLOAT_COLUMNS :]
        u = 0
        for a in range(count):
            size = ints[at_int + a * INT_COLUMNS + 3]
            if n > done or (n == done and a >= place):
                row = R[FREE_ROW] if R[FREE_ROW] >= 0 else R[ROWS]
                for k in range(FLOAT_COLUMNS):
                    G[row, k] = floats[at_float + a * FLOAT_COLUMNS + k]
                for k in range(INT_COLUMNS):
                    L[row, k] = ints[at_int + a * INT_COLUMNS + k]
                L[row, 6] = R[VERTICES]
                L[row, 7] = R[BALLS]
                points = U[u * 3 : (u + size) * 3].reshape((-1, 3))
                balls = dress(points, 0, size, L[row, 0], W, R[VERTICES], C, R[BALLS])
                need = grid_put(grid, row, G, L, W, C)
                if need != PUT:
                    return n, a, need
                if R[FREE_ROW] >= 0:
                    R[FREE_ROW] = L[row, 10]
                else:
                    R[ROWS] += 1
                slab = slab_of(G, L, row, W, 0.0)
                for k in range(5):
                    slabs[row, k] = slab[k]
                slabs[row, 3] -= OUTWARD_SINGLE
                slabs[row, 4] += OUTWARD_SINGLE
                R[VERTICES] += size
                R[BALLS] += balls
                R[VOLUMES] += 1
                L[row, 8] = owners[n, 0]
                L[row, 9] = owners[n, 1]
                L[row, 10] = heads[n]
                L[row, 11] = a
                L[row, 12] = 1
                L[row, 13] = owners[n, 2]
                heads[n] = row
            u += size
        at_float += count * FLOAT_COLUMNS + 3 * u
        at_int += count * INT_COLUMNS
    return counts.shape[0], 0, PUT


@kernel
def remove(head: int, rows: Rows, grid: Grid) -> None:
    """Free the rows of one notice, from its first row on."""
    G, L, W, C, R, _, _ = rows
    row = head
    while row >= 0:
        following = L[row, 10]
        grid_take(grid, row, G, L, W, C)
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
def _union_ms(starts: Ints, ends: Ints) -> int:
    """Return the measure of the union of closed windows [ms]."""
    order = np.argsort(starts, kind="mergesort")
    total = 0
    until = starts[order[0]]
    for k in order:
        if ends[k] > until:
            total += ends[k] - max(until, starts[k])
            until = ends[k]
    return total


@kernel
def merge(hits: Ints, count: int) -> tuple[Ints, Ints]:
    """Turn hits (handle, i, j, closeness, from, until, rule) into findings and their pairs.

    Findings: (handle, from, until, closer_ms, certain, first pair, number of pairs, rule), sorted by handle.
    """
    order = np.argsort(hits[:count, 1] * 65_536 + hits[:count, 2], kind="mergesort")
    order = order[np.argsort(hits[:count, 0][order], kind="mergesort")]
    pairs = np.empty((count, 2), np.int64)
    starts = np.empty(count, np.int64)
    ends = np.empty(count, np.int64)
    findings = np.empty((count, 8), np.int64)
    found = 0
    for n in range(count):
        k = order[n]
        pairs[n, 0] = hits[k, 1]
        pairs[n, 1] = hits[k, 2]
        starts[n] = hits[k, 4]
        ends[n] = hits[k, 5]
        sure = 1 if hits[k, 3] == SURE else 0
        if n == 0 or findings[found - 1, 0] != hits[k, 0]:
            findings[found, 0] = hits[k, 0]
            findings[found, 1] = starts[n]
            findings[found, 2] = ends[n]
            findings[found, 3] = 0
            findings[found, 4] = sure
            findings[found, 5] = n
            findings[found, 6] = 1
            findings[found, 7] = hits[k, 6]
            found += 1
        else:
            findings[found - 1, 1] = min(findings[found - 1, 1], starts[n])
            findings[found - 1, 2] = max(findings[found - 1, 2], ends[n])
            findings[found - 1, 4] = max(findings[found - 1, 4], sure)
            findings[found - 1, 6] += 1
    for f in range(found):
        first = findings[f, 5]
        last = first + findings[f, 6]
        one = last == first + 1
        findings[f, 3] = ends[first] - starts[first] if one else _union_ms(starts[first:last], ends[first:last])
    return findings[:found], pairs


@kernel
def rule_of(K: Ints, a: int, L: Ints, b: int, rules: Rules) -> int:
    """Return the number of the rule that two classes of aircraft have; 0 is the general one."""
    return int(rules[3 + CLASSES * K[a, 13] + L[b, 13]])


@kernel
def compare(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats, rules: Rules
) -> tuple[int, int, int]:
    """Compare two volumes under the rule of their classes; see `closeness`."""
    at = RULES_HEAD + RULE_COLUMNS * rule_of(K, a, L, b, rules)
    return closeness(F, K, a, V, B, G, L, b, W, C, rules[at : at + RULE_COLUMNS])


@kernel
def all_rows(rows: Rows) -> Ints:
    """Return every row in use: what `find` compares when it is told to trust no grid."""
    out = np.empty(rows.R[VOLUMES], np.int64)
    found = 0
    for row in range(rows.R[ROWS]):
        if rows.L[row, 12] == 1:
            out[found] = row
            found += 1
    return out


@kernel
def _rows_near(F: Floats, K: Ints, a: int, V: Floats, rows: Rows, grid: Grid, rules: Rules) -> Ints:
    """Return the rows that the grid cannot rule out for volume a."""
    separation = rules[0]
    widen = rules[1] + OUTWARD_HEIGHT_M
    time_ms = int(rules[2])
    ask = Ask(
        ball_of(F, a, separation),
        slab_of(F, K, a, V, separation),
        F[a, 7] - widen,
        F[a, 10] + widen,
        K[a, 4] - time_ms,
        K[a, 5] + time_ms,
    )
    out = np.empty(256, np.int64)
    while True:
        rows.R[MARK] += 1
        found = candidates(grid, ask, rows.marks, rows.slabs, rows.R[MARK], out)
        if found <= out.shape[0]:
            return out[:found]
        out = np.empty(found, np.int64)


@kernel
def find(
    floats: Floats, ints: Ints, count: int, rows: Rows, grid: Grid, asked: Ints, rules: Rules
) -> tuple[Ints, Ints]:
    """Return `merge` of the hits of a notice.

    asked: [0] 1 to leave out [1] a group, [2] 1 to compare without the grid, [3] class of aircraft.
    """
    exclude, group, whole = asked[0], asked[1], asked[2]
    F, K, V, B = load(floats, ints, count)
    K[:, 13] = asked[3]
    G, L, W, C, _, _, _ = rows
    hits = np.empty((64, HIT_COLUMNS), np.int64)
    found = 0
    for a in range(count):
        near = all_rows(rows) if whole else _rows_near(F, K, a, V, rows, grid, rules)
        for b in near:
            if exclude and L[b, 9] == group:
                continue
            close, from_ms, until_ms = compare(F, K, a, V, B, G, L, b, W, C, rules)
            if close == APART:
                continue
            if found == hits.shape[0]:
                more = np.empty((2 * found, HIT_COLUMNS), np.int64)
                more[:found] = hits
                hits = more
            hits[found, 0] = L[b, 8]
            hits[found, 1] = a
            hits[found, 2] = L[b, 11]
            hits[found, 3] = close
            hits[found, 4] = from_ms
            hits[found, 5] = until_ms
            hits[found, 6] = rule_of(K, a, L, b, rules)
            found += 1
    return merge(hits, found)


@kernel
def meetings(
    floats: Floats,
    ints: Ints,
    count: int,
    others: Floats,
    other_ints: Ints,
    other_count: int,
    classes: Ints,
    rules: Rules,
) -> tuple[Ints, Floats]:
    """Compare all volumes of two notices; return their hits as in `merge`, and of each the (lateral, vertical) gap [m].

    The lateral distance is the least that the true one can be; the vertical gap is the least in the reference compared.
    """
    F, K, V, B = load(floats, ints, count)
    G, L, W, C = load(others, other_ints, other_count)
    K[:, 13] = classes[0]
    L[:, 13] = classes[1]
    hits = np.empty((count * other_count, HIT_COLUMNS), np.int64)
    gaps = np.empty((count * other_count, 2))
    found = 0
    for a in range(count):
        for b in range(other_count):
            close, from_ms, until_ms = compare(F, K, a, V, B, G, L, b, W, C, rules)
            if close == APART:
                continue
            hits[found, 0] = 0
            hits[found, 1] = a
            hits[found, 2] = b
            hits[found, 3] = close
            hits[found, 4] = from_ms
            hits[found, 5] = until_ms
            hits[found, 6] = rule_of(K, a, L, b, rules)
            at = RULES_HEAD + RULE_COLUMNS * hits[found, 6]
            limit = lateral_limit(F, a, G, b, rules[at], rules[at + 3])
            chord = lateral_gap(F, K, a, V, B, G, L, b, W, C, limit, 0.0)
            angle = 2.0 * math.asin(min(1.0, 0.5 * chord)) - F[a, 4] / F[a, 5] - G[b, 4] / G[b, 5]
            gaps[found, 0] = max(0.0, angle * max(F[a, 5], G[b, 5]))
            least, _ = vertical_gap(F, K, a, G, L, b, rules[at + 5 : at + 10])
            gaps[found, 1] = max(0.0, least)
            found += 1
    return hits[:found], gaps[:found]


@kernel
def core_gaps(places: Floats, G: Floats, L: Ints, W: Floats, C: Floats, b: int) -> Floats:
    """Return the chord from each place to core b, 0 inside a ring: for drawing."""
    out = np.empty(places.shape[0])
    for k in range(places.shape[0]):
        x, y, z = places[k, 0], places[k, 1], places[k, 2]
        gap_sq = point_gap_sq(x, y, z, W, L[b, 6], L[b, 3], C, L[b, 7], 4.0)
        within = L[b, 0] == POLYGON and inside(x, y, z, W, L[b, 6], L[b, 3], G[b, 0], G[b, 1], G[b, 2], G[b, 3])
        out[k] = 0.0 if within else math.sqrt(gap_sq)
    return out
