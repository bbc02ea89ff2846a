"""Kernel: which volumes held are closer to those asked about than a rule set allows.

Units and records as in `kernel_meet`, rows as in `kernel_rows`. Nothing is written but the answer.

Rules
 * The answer is a function of what is held, not of the order in which it came: pairs are sorted by (handle, i, j).
 * Windows are closed. `closer_ms` is the measure of their union, so pairs of volumes that overlap count once.
"""

from __future__ import annotations

import numpy as np

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_ask import FEW, STACK, ask_of, candidates
from clearline.sky.kernel_grid import Grid
from clearline.sky.kernel_meet import (
    APART,
    FLOAT_COLUMNS,
    INT_COLUMNS,
    RULE_COLUMNS,
    SURE,
    closeness,
)
from clearline.sky.kernel_moving import moving_closeness
from clearline.sky.kernel_rows import CLASS, ROW_COLUMNS, Rows, all_rows, load
from clearline.sky.kernel_shape import BLOCK_EDGES, MOVING, Floats, Ints, dress

__all__ = [
    "CLASSES",
    "FINDING_COLUMNS",
    "MOVING_M",
    "RULES_HEAD",
    "Rules",
    "compare",
    "find",
    "find_many",
    "merge",
    "near_rows",
    "rule_of",
]

HIT_COLUMNS = 7
FINDING_COLUMNS = 8
CLASSES = 4
MOVING_M = 0.015
"""Added to the lateral tolerance where something moves: a piece departs from its flight by up to 5 mm (ADR 0009)."""
RULES_HEAD = 3 + CLASSES * CLASSES

Rules = Floats
"""A rule set as the kernel takes it: [0:3] half of the lateral, vertical and time separation of its widest rules,
tolerances included; [3:19] the number of the rule for each pair of classes; from RULES_HEAD on the rules, RULE_COLUMNS
each."""


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


@inner
def rule_of(K: Ints, a: int, L: Ints, b: int, rules: Rules) -> int:
    """Return the number of the rule that two classes of aircraft have; 0 is the general one."""
    return int(rules[3 + CLASSES * K[a, 13] + L[b, 13]])


@kernel
def compare(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats, rules: Rules
) -> tuple[int, int, int]:
    """Compare two volumes under the rule of their classes; see `closeness` and `moving_closeness`."""
    at = RULES_HEAD + RULE_COLUMNS * rule_of(K, a, L, b, rules)
    if K[a, 0] == MOVING or L[b, 0] == MOVING:
        return moving_closeness(
            F, K, a, V, B, G, L, b, W, C,
            rules[at], rules[at + 1], int(rules[at + 2]), rules[at + 5 : at + 10],
            rules[at + 3] + MOVING_M, rules[at + 4],
        )  # fmt: skip
    return closeness(F, K, a, V, B, G, L, b, W, C, rules[at : at + RULE_COLUMNS])


@kernel
def near_rows(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, rows: Rows, grid: Grid, rules: Rules, stack: Ints, out: Ints
) -> tuple[Ints, int]:
    """Return (rows, how many): those that the grid cannot rule out for volume a, each once; `out` if it is enough."""
    ask = ask_of(F, K, a, V, rules[0:3])
    while True:
        found = candidates(F, K, a, V, B, ask, grid, rows.slabs, stack, out)
        if found <= out.shape[0]:
            break
        out = np.empty(found, np.int64)
    if found <= FEW:
        return out, found
    out[:found].sort()
    kept = 1
    for n in range(1, found):
        if out[n] != out[kept - 1]:
            out[kept] = out[n]
            kept += 1
    return out, kept


@kernel
def _more(hits: Ints) -> Ints:
    more = np.empty((2 * hits.shape[0], hits.shape[1]), np.int64)
    more[: hits.shape[0]] = hits
    return more


@kernel
def _hits_of(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, near: Ints, count: int, rows: Rows, rules: Rules,
    exclude: int, group: int, hits: Ints, found: int,
) -> tuple[Ints, int]:  # fmt: skip
    """Compare volume a with `count` rows; append a hit (see `merge`) for each that is closer."""
    G, L, W, C, _, _, _ = rows
    for n in range(count):
        b = near[n]
        if exclude and L[b, 9] == group:
            continue
        close, from_ms, until_ms = compare(F, K, a, V, B, G, L, b, W, C, rules)
        if close == APART:
            continue
        if found == hits.shape[0]:
            hits = _more(hits)
        hits[found, 0] = L[b, 8]
        hits[found, 1] = K[a, 11]
        hits[found, 2] = L[b, 11]
        hits[found, 3] = close
        hits[found, 4] = from_ms
        hits[found, 5] = until_ms
        hits[found, 6] = rule_of(K, a, L, b, rules)
        found += 1
    return hits, found


@kernel
def find(
    floats: Floats, ints: Ints, count: int, rows: Rows, grid: Grid, asked: Ints, rules: Rules
) -> tuple[Ints, Ints]:
    """Return `merge` of the hits of a notice.

    asked: [0] 1 to leave out [1] a group, [2] 1 to compare without the grid, [3] class of aircraft.
    """
    F, K, V, B = load(floats, ints, count)
    K[:, CLASS] = asked[3]
    hits = np.empty((16, HIT_COLUMNS), np.int64)
    out = np.empty(4 * FEW, np.int64)
    stack = np.empty(STACK, np.int64)
    found = 0
    for a in range(count):
        if asked[2]:
            near = all_rows(rows)
            number = near.shape[0]
        else:
            near, number = near_rows(F, K, a, V, B, rows, grid, rules, stack, out)
        hits, found = _hits_of(F, K, a, V, B, near, number, rows, rules, asked[0], asked[1], hits, found)
    return merge(hits, found)


@kernel
def find_many(
    F: Floats, K: Ints, U: Floats, first: Ints, groups: Ints, classes: Ints, rows: Rows, grid: Grid, rules: Rules,
    start: int, stop: int, whole: int,
) -> Ints:  # fmt: skip
    """Return the findings of volumes [start, stop), each a notice of its own: (volume, columns of `merge`).

    first[n] is the first vertex of volume n in U. A group below 0 leaves nothing out.
    """
    found = np.empty((1024, FINDING_COLUMNS + 1), np.int64)
    total = 0
    hits = np.empty((64, HIT_COLUMNS), np.int64)
    out = np.empty(4 * FEW, np.int64)
    stack = np.empty(STACK, np.int64)
    one = np.empty((1, FLOAT_COLUMNS))
    row = np.zeros((1, ROW_COLUMNS), np.int64)
    V = np.empty((256, 6))
    B = np.empty((256 // BLOCK_EDGES, 4))
    for n in range(start, stop):
        one[0] = F[n]
        row[0, :INT_COLUMNS] = K[n, :INT_COLUMNS]
        row[0, CLASS] = classes[n]
        size = K[n, 3]
        if size > V.shape[0]:
            V = np.empty((2 * size, 6))
            B = np.empty((2 * size // BLOCK_EDGES + 1, 4))
        dress(U, first[n], size, K[n, 0], V, 0, B, 0)
        if whole:
            near = all_rows(rows)
            number = near.shape[0]
        else:
            near, number = near_rows(one, row, 0, V, B, rows, grid, rules, stack, out)
        exclude = 1 if groups[n] >= 0 else 0
        hits, count = _hits_of(one, row, 0, V, B, near, number, rows, rules, exclude, groups[n], hits, 0)
        if count == 0:
            continue
        findings, _ = merge(hits, count)
        while total + findings.shape[0] > found.shape[0]:
            found = _more(found)
        for k in range(findings.shape[0]):
            found[total, 0] = n
            for c in range(FINDING_COLUMNS):
                found[total, c + 1] = findings[k, c]
            total += 1
    return found[:total]
