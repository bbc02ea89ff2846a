"""Kernel: are two volumes closer than a rule set allows?

Units: chords and unit vectors as in `kernel_shape`; lengths and heights in metres; times in ms, closed intervals.

A volume is a *core* (point, line, ring with its inside) with a radius r around it, two limits of altitude and a window.
Its record:

 * F[0:3] centre and F[3] chord of a cap around the core; F[4] r [m]; F[5] m, F[6] n [m per radian]: M at the lowest and
   N at the highest latitude in reach (`geodesy`); F[7:9] lower and F[9:11] upper limit as (lowest, highest) height W84;
   F[11], F[12] lower and upper limit in their own references [m]; F[13:16] a place well inside a ring, or zeros.
 * K[0] kind; K[1], K[2] references of lower and upper limit; K[3] number of vertices; K[4], K[5] window; K[6], K[7]
   where its vertices and balls start.

Property: `closeness` is not APART IF the windows meet, the vertical gap is at most `vertical` and the true WGS84
distance is at most `lateral` (no conflict is missed). It is SURE only if all three hold whatever the errors are.

 * Lateral: what the sphere leaves in doubt, `kernel_ellipsoid` decides, up to 150 km of radii and separation. On the
   sphere: a path of true length r_a + r_b + s has an image of at most r_a/m_a + r_b/m_b + s/max(m_a, m_b) radians,
   since it leaves each core within that core's reach; to that comes the tolerance. With n and min for m and max, and
   the tolerance taken off, closeness is certain.
 * Vertical: the gap between an upper and a lower limit is at least the larger, and at most the smaller, of what their
   heights W84 and, in one reference, their direct difference allow. `errors[reference]` is how wrong the latter may be.

Source: design.md §4; practice.md R13, R16.
"""

from __future__ import annotations

import math

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_ellipsoid import REACH_M, core_distance
from clearline.sky.kernel_shape import (
    BLOCK_EDGES,
    IN_LINE,
    POINT,
    POLYGON,
    Floats,
    Ints,
    edges_near,
    element_gap_sq,
    inside,
    point_gap_sq,
)

__all__ = [
    "APART",
    "CLOSER",
    "FLOAT_COLUMNS",
    "INT_COLUMNS",
    "RULE_COLUMNS",
    "SURE",
    "closeness",
    "common_window",
    "lateral_gap",
    "lateral_limit",
    "sure_limit",
    "vertical_gap",
]

APART, CLOSER, SURE = 0, 1, 2
FLOAT_COLUMNS = 16
INT_COLUMNS = 6
"""What a record holds before it has a place among others; K[6:8] belong to the place."""
RULE_COLUMNS = 10
"""One rule: [0] lateral, [1] vertical separation [m], [2] time [ms], [3] lateral, [4] vertical tolerance [m], [5:10]
errors by reference [m]."""


@inner
def lateral_limit(F: Floats, a: int, G: Floats, b: int, lateral: float, tolerance: float) -> float:
    """Return the chord between the cores at or below which the two may be within `lateral` [m]."""
    angle = F[a, 4] / F[a, 5] + G[b, 4] / G[b, 5] + (lateral + tolerance) / max(F[a, 5], G[b, 5])
    return 2.0 * math.sin(0.5 * angle)


@inner
def sure_limit(F: Floats, a: int, G: Floats, b: int, lateral: float, tolerance: float) -> float:
    """Return the chord at or below which the two are certainly within `lateral`; negative where none is."""
    angle = F[a, 4] / F[a, 6] + G[b, 4] / G[b, 6] + (lateral - tolerance) / min(F[a, 6], G[b, 6])
    return 2.0 * math.sin(0.5 * angle)


@inner
def vertical_gap(F: Floats, K: Ints, a: int, G: Floats, L: Ints, b: int, errors: Floats) -> tuple[float, float]:
    """Return bounds (least, most) of the vertical gap between two bands; at or below 0 they share a height."""
    up = G[b, 7] - F[a, 10]
    up_most = G[b, 8] - F[a, 9]
    if K[a, 2] == L[b, 1]:
        error = errors[K[a, 2]]
        up = max(up, G[b, 11] - F[a, 12] - error)
        up_most = min(up_most, G[b, 11] - F[a, 12] + error)
    down = F[a, 7] - G[b, 10]
    down_most = F[a, 8] - G[b, 9]
    if L[b, 2] == K[a, 1]:
        error = errors[K[a, 1]]
        down = max(down, F[a, 11] - G[b, 12] - error)
        down_most = min(down_most, F[a, 11] - G[b, 12] + error)
    return max(up, down), max(up_most, down_most)


@kernel
def _edges_against(
    V: Floats,
    v: int,
    count: int,
    first: int,
    last: int,
    W: Floats,
    w: int,
    other: int,
    w_first: int,
    w_last: int,
    bx: float,
    by: float,
    bz: float,
    radius: float,
    best_sq: float,
) -> float:
    """Return the least squared chord from elements [first, last) of V to vertices [w_first, w_last) of W; 0 if crossed.

    The vertices and their edges lie in the ball (bx, by, bz, radius).
    """
    best = math.sqrt(best_sq)
    for i in range(v + first, v + last):
        nx, ny, nz = V[i, 3], V[i, 4], V[i, 5]
        # Distance of the ball's centre from the plane of the edge.
        if abs(nx * bx + ny * by + nz * bz) > radius + best:
            continue
        j = i + 1 if i + 1 < v + count else v
        s = nx * W[w + w_first, 0] + ny * W[w + w_first, 1] + nz * W[w + w_first, 2]
        for k in range(w + w_first, w + w_last):
            m = k + 1 if k + 1 < w + other else w
            t = nx * W[m, 0] + ny * W[m, 1] + nz * W[m, 2]
            if abs(s) <= best:
                gap_sq = element_gap_sq(W[k, 0], W[k, 1], W[k, 2], V, i, j, s)
                if gap_sq < best_sq:
                    best_sq = gap_sq
                    best = math.sqrt(best_sq)
            if (s > 0.0) != (t > 0.0) and max(abs(s), abs(t)) > IN_LINE:
                # k-m crosses the plane of i-j; they meet IFF i-j crosses the plane of k-m, on this side of the earth.
                p = W[k, 3] * V[i, 0] + W[k, 4] * V[i, 1] + W[k, 5] * V[i, 2]
                q = W[k, 3] * V[j, 0] + W[k, 4] * V[j, 1] + W[k, 5] * V[j, 2]
                if (p > 0.0) != (q > 0.0) and (t > 0.0) == (p > 0.0) and edges_near(V, i, j, W, k, m):
                    return 0.0
            s = t
    return best_sq


@kernel
def _boundary_gap_sq(
    V: Floats,
    v: int,
    count: int,
    B: Floats,
    b: int,
    W: Floats,
    w: int,
    other: int,
    C: Floats,
    c: int,
    best_sq: float,
    stop_sq: float,
) -> float:
    """Return the least squared chord between two boundaries, at most `best_sq`; one up to `stop_sq` will do."""
    for i in range((count + BLOCK_EDGES - 1) // BLOCK_EDGES):
        first = i * BLOCK_EDGES
        last = min(first + BLOCK_EDGES, count)
        for k in range((other + BLOCK_EDGES - 1) // BLOCK_EDGES):
            reach = B[b + i, 3] + C[c + k, 3] + math.sqrt(best_sq)
            dx = B[b + i, 0] - C[c + k, 0]
            dy = B[b + i, 1] - C[c + k, 1]
            dz = B[b + i, 2] - C[c + k, 2]
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            w_first = k * BLOCK_EDGES
            w_last = min(w_first + BLOCK_EDGES, other)
            best_sq = _edges_against(
                V, v, count, first, last, W, w, other, w_first, w_last,
                C[c + k, 0], C[c + k, 1], C[c + k, 2], C[c + k, 3], best_sq,
            )  # fmt: skip
            if best_sq <= stop_sq:
                return best_sq
            best_sq = _edges_against(
                W, w, other, w_first, w_last, V, v, count, first, last,
                B[b + i, 0], B[b + i, 1], B[b + i, 2], B[b + i, 3], best_sq,
            )  # fmt: skip
            if best_sq <= stop_sq:
                return best_sq
    return best_sq


@inner
def lateral_gap(
    F: Floats,
    K: Ints,
    a: int,
    V: Floats,
    B: Floats,
    G: Floats,
    L: Ints,
    b: int,
    W: Floats,
    C: Floats,
    limit: float,
    stop: float,
) -> float:
    """Return the least chord between two cores, 0 where they share a place, infinity where it is more than `limit`.

    A result at or below `stop` may be larger than the least.
    """
    reach = F[a, 3] + G[b, 3] + limit
    dx, dy, dz = F[a, 0] - G[b, 0], F[a, 1] - G[b, 1], F[a, 2] - G[b, 2]
    apart_sq = dx * dx + dy * dy + dz * dz
    if apart_sq > reach * reach * (1.0 + 1e-12):
        return math.inf
    kind, other = K[a, 0], L[b, 0]
    v, w = K[a, 6], L[b, 6]
    if kind == POINT and other == POINT:
        gap_sq = (V[v, 0] - W[w, 0]) ** 2 + (V[v, 1] - W[w, 1]) ** 2 + (V[v, 2] - W[w, 2]) ** 2
        return math.sqrt(gap_sq) if gap_sq <= limit * limit else math.inf
    if other == POLYGON and inside(V[v, 0], V[v, 1], V[v, 2], W, w, L[b, 3], G[b, 0], G[b, 1], G[b, 2], G[b, 3]):
        return 0.0
    if kind == POLYGON and inside(W[w, 0], W[w, 1], W[w, 2], V, v, K[a, 3], F[a, 0], F[a, 1], F[a, 2], F[a, 3]):
        return 0.0
    limit_sq = limit * limit * (1.0 + 1e-15) + 1e-300
    gap_sq = _boundary_gap_sq(V, v, K[a, 3], B, K[a, 7], W, w, L[b, 3], C, L[b, 7], limit_sq, stop * stop)
    return math.sqrt(gap_sq) if gap_sq < limit_sq else math.inf


@inner
def _holds(x: float, y: float, z: float, F: Floats, K: Ints, a: int, V: Floats, B: Floats, apart: float) -> bool:
    """Is a place inside ring a, and farther than `apart` from its edges?"""
    if x == 0.0 and y == 0.0 and z == 0.0:
        return False
    if not inside(x, y, z, V, K[a, 6], K[a, 3], F[a, 0], F[a, 1], F[a, 2], F[a, 3]):
        return False
    limit_sq = apart * apart
    return bool(point_gap_sq(x, y, z, V, K[a, 6], K[a, 3], B, K[a, 7], limit_sq) >= limit_sq)


@kernel
def _cross_deeply(
    V: Floats, v: int, count: int, B: Floats, b: int, W: Floats, w: int, other: int, C: Floats, c: int, apart: float
) -> bool:
    """Do two edges cross so that all four ends are more than `apart` beyond the other?"""
    for i in range((count + BLOCK_EDGES - 1) // BLOCK_EDGES):
        for k in range((other + BLOCK_EDGES - 1) // BLOCK_EDGES):
            reach = B[b + i, 3] + C[c + k, 3]
            dx = B[b + i, 0] - C[c + k, 0]
            dy = B[b + i, 1] - C[c + k, 1]
            dz = B[b + i, 2] - C[c + k, 2]
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            for e in range(v + i * BLOCK_EDGES, v + min((i + 1) * BLOCK_EDGES, count)):
                f = e + 1 if e + 1 < v + count else v
                for g in range(w + k * BLOCK_EDGES, w + min((k + 1) * BLOCK_EDGES, other)):
                    h = g + 1 if g + 1 < w + other else w
                    s = V[e, 3] * W[g, 0] + V[e, 4] * W[g, 1] + V[e, 5] * W[g, 2]
                    t = V[e, 3] * W[h, 0] + V[e, 4] * W[h, 1] + V[e, 5] * W[h, 2]
                    if (s > 0.0) == (t > 0.0) or min(abs(s), abs(t)) <= apart:
                        continue
                    p = W[g, 3] * V[e, 0] + W[g, 4] * V[e, 1] + W[g, 5] * V[e, 2]
                    q = W[g, 3] * V[f, 0] + W[g, 4] * V[f, 1] + W[g, 5] * V[f, 2]
                    if (p > 0.0) != (q > 0.0) and min(abs(p), abs(q)) > apart and (t > 0.0) == (p > 0.0):
                        return True
    return False


@inner
def _overlap_surely(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats, apart: float
) -> bool:
    """Do two rings without radius overlap by more than the tolerance? True is proved; False may be wrong."""
    if K[a, 0] != POLYGON or L[b, 0] != POLYGON:
        return False
    if _holds(F[a, 13], F[a, 14], F[a, 15], G, L, b, W, C, apart):
        return True
    if _holds(G[b, 13], G[b, 14], G[b, 15], F, K, a, V, B, apart):
        return True
    return _cross_deeply(V, K[a, 6], K[a, 3], B, K[a, 7], W, L[b, 6], L[b, 3], C, L[b, 7], apart)


@inner
def common_window(K: Ints, a: int, L: Ints, b: int, time_ms: int) -> tuple[int, int, bool]:
    """Return the window that two volumes share, or the gap between theirs if that is at most `time_ms`, and whether."""
    later = max(K[a, 4], L[b, 4])
    earlier = min(K[a, 5], L[b, 5])
    return min(later, earlier), max(later, earlier), later - earlier <= time_ms


@inner
def closeness(
    F: Floats,
    K: Ints,
    a: int,
    V: Floats,
    B: Floats,
    G: Floats,
    L: Ints,
    b: int,
    W: Floats,
    C: Floats,
    rule: Floats,
) -> tuple[int, int, int]:
    """Compare volume a of (F, K, V, B) with volume b of (G, L, W, C), neither of them moving; see `RULE_COLUMNS`.

    Returns (APART, CLOSER or SURE, from, until). Touching is closer.
    """
    from_ms, until_ms, together = common_window(K, a, L, b, int(rule[2]))
    if not together:
        return APART, 0, 0
    vertical, tolerance_lateral, tolerance_vertical = rule[1], rule[3], rule[4]
    least, most = vertical_gap(F, K, a, G, L, b, rule[5:10])
    if least > vertical + tolerance_vertical:
        return APART, 0, 0
    limit = lateral_limit(F, a, G, b, rule[0], tolerance_lateral)
    sure = sure_limit(F, a, G, b, rule[0], tolerance_lateral)
    gap = lateral_gap(F, K, a, V, B, G, L, b, W, C, limit, max(sure, 0.0))
    if gap > limit:
        return APART, 0, 0
    total = F[a, 4] + G[b, 4] + rule[0]
    surely = gap <= sure
    if not surely and 0.0 < total <= REACH_M:
        # In doubt on the sphere: the ellipsoid decides.
        distance = core_distance(K, a, V, B, L, b, W, C, limit) if gap > 0.0 else 0.0
        if distance > total + tolerance_lateral:
            return APART, 0, 0
        surely = distance <= total - tolerance_lateral
    if most > vertical - tolerance_vertical:
        return CLOSER, from_ms, until_ms
    if surely:
        return SURE, from_ms, until_ms
    # A chord of the tolerance on the smallest sphere is the largest.
    apart = tolerance_lateral / min(F[a, 5], G[b, 5])
    if sure <= 0.0 and _overlap_surely(F, K, a, V, B, G, L, b, W, C, apart):
        return SURE, from_ms, until_ms
    return CLOSER, from_ms, until_ms
