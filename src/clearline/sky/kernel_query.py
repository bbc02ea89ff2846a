"""Kernel: many volumes in one place, and which of them are closer to a notice than a rule set allows.

Units and records as in `kernel_meet`. The columns that a volume has beside its record once it has a row:

 * I[8] handle of its notice, I[9] group, I[10] row of the notice's next volume or -1, I[11] place in its notice,
   I[12] 1 while it is in use, I[13] where the grid keeps it (`kernel_grid`).

Rules
 * The answer is a function of what is held, not of the order in which it came: pairs are sorted by (handle, i, j).
 * Windows are closed. `closer_ms` is the measure of their union, so pairs of volumes that overlap count once.
"""

from __future__ import annotations

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_meet import (
    APART,
    FLOAT_COLUMNS,
    INT_COLUMNS,
    SURE,
    closeness,
    lateral_gap,
    lateral_limit,
    vertical_gap,
)
from clearline.sky.kernel_shape import BLOCK_EDGES, Floats, Ints, dress

__all__ = ["ROW_COLUMNS", "Rules", "find", "load", "meetings", "merge"]

ROW_COLUMNS = 14
HIT_COLUMNS = 6

Rules = Floats
"""[0] lateral, [1] vertical separation, [2] lateral, [3] vertical tolerance [m], [4:9] errors by reference [m]."""


@kernel
def load(floats: Floats, ints: Ints, count: int) -> tuple[Floats, Ints, Floats, Floats]:
    """Unpack a `Prepared` of `count` volumes into records, rows, vertices with normals, and balls."""
    F = np.empty((count, FLOAT_COLUMNS))
    I = np.zeros((count, ROW_COLUMNS), np.int64)
    vertices = 0
    balls = 0
    for a in range(count):
        for k in range(FLOAT_COLUMNS):
            F[a, k] = floats[a * FLOAT_COLUMNS + k]
        for k in range(INT_COLUMNS):
            I[a, k] = ints[a * INT_COLUMNS + k]
        I[a, 6] = vertices
        I[a, 7] = balls
        I[a, 11] = a
        vertices += I[a, 3]
        balls += (I[a, 3] + BLOCK_EDGES - 1) // BLOCK_EDGES
    V = np.empty((vertices, 6))
    B = np.empty((balls, 4))
    U = floats[count * FLOAT_COLUMNS :].reshape((-1, 3))
    for a in range(count):
        dress(U, I[a, 6], I[a, 3], I[a, 0], V, I[a, 6], B, I[a, 7])
    return F, I, V, B


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
    """Turn hits (handle, i, j, closeness, from, until) into findings and their pairs.

    Findings: (handle, from, until, closer_ms, certain, first pair, number of pairs), sorted by handle.
    """
    order = np.argsort(hits[:count, 1] * 65_536 + hits[:count, 2], kind="mergesort")
    order = order[np.argsort(hits[:count, 0][order], kind="mergesort")]
    pairs = np.empty((count, 2), np.int64)
    starts = np.empty(count, np.int64)
    ends = np.empty(count, np.int64)
    findings = np.empty((count, 7), np.int64)
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
            found += 1
        else:
            findings[found - 1, 1] = min(findings[found - 1, 1], starts[n])
            findings[found - 1, 2] = max(findings[found - 1, 2], ends[n])
            findings[found - 1, 4] = max(findings[found - 1, 4], sure)
            findings[found - 1, 6] += 1
    for f in range(found):
        first = findings[f, 5]
        last = first + findings[f, 6]
        findings[f, 3] = (
            ends[first] - starts[first] if last == first + 1 else _union_ms(starts[first:last], ends[first:last])
        )
    return findings[:found], pairs


@kernel
def compare(
    F: Floats, I: Ints, a: int, V: Floats, B: Floats, G: Floats, J: Ints, b: int, W: Floats, C: Floats, rules: Rules
) -> int:
    """`closeness` under rules in one array."""
    return closeness(F, I, a, V, B, G, J, b, W, C, rules[0], rules[1], rules[4:9], rules[2], rules[3])


@kernel
def find(
    floats: Floats,
    ints: Ints,
    count: int,
    G: Floats,
    J: Ints,
    W: Floats,
    C: Floats,
    rows: int,
    exclude: bool,
    group: int,
    rules: Rules,
) -> tuple[Ints, Ints]:
    """Return `merge` of all hits of a prepared notice among rows [0, rows), those of `group` left out if `exclude`."""
    F, I, V, B = load(floats, ints, count)
    hits = np.empty((64, HIT_COLUMNS), np.int64)
    found = 0
    for a in range(count):
        for b in range(rows):
            if J[b, 12] == 0 or (exclude and J[b, 9] == group):
                continue
            close = compare(F, I, a, V, B, G, J, b, W, C, rules)
            if close == APART:
                continue
            if found == hits.shape[0]:
                more = np.empty((2 * found, HIT_COLUMNS), np.int64)
                more[:found] = hits
                hits = more
            hits[found, 0] = J[b, 8]
            hits[found, 1] = a
            hits[found, 2] = J[b, 11]
            hits[found, 3] = close
            hits[found, 4] = max(I[a, 4], J[b, 4])
            hits[found, 5] = min(I[a, 5], J[b, 5])
            found += 1
    return merge(hits, found)


@kernel
def meetings(
    floats: Floats, ints: Ints, count: int, others: Floats, other_ints: Ints, other_count: int, rules: Rules
) -> tuple[Ints, Floats]:
    """Compare all volumes of two notices; return their hits as in `merge`, and for each its (lateral [m], vertical gap [m]).

    The lateral distance is the least that the true one can be; the vertical gap is the least in the reference compared.
    """
    F, I, V, B = load(floats, ints, count)
    G, J, W, C = load(others, other_ints, other_count)
    hits = np.empty((count * other_count, HIT_COLUMNS), np.int64)
    gaps = np.empty((count * other_count, 2))
    found = 0
    for a in range(count):
        for b in range(other_count):
            close = compare(F, I, a, V, B, G, J, b, W, C, rules)
            if close == APART:
                continue
            hits[found, 0] = 0
            hits[found, 1] = a
            hits[found, 2] = b
            hits[found, 3] = close
            hits[found, 4] = max(I[a, 4], J[b, 4])
            hits[found, 5] = min(I[a, 5], J[b, 5])
            limit = lateral_limit(F, a, G, b, rules[0], rules[2])
            chord = lateral_gap(F, I, a, V, B, G, J, b, W, C, limit, 0.0)
            angle = 2.0 * np.arcsin(min(1.0, 0.5 * chord)) - F[a, 4] / F[a, 5] - G[b, 4] / G[b, 5]
            gaps[found, 0] = max(0.0, angle * max(F[a, 5], G[b, 5]))
            least, _ = vertical_gap(F, I, a, G, J, b, rules[4:9])
            gaps[found, 1] = max(0.0, least)
            found += 1
    return hits[:found], gaps[:found]
