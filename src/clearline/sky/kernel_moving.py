"""Kernel: is a moving piece closer to a volume, or to another piece, than a rule set allows, and when?

Units: places and chords as in `kernel_shape`, lengths in metres, times in ms, closed intervals.

Pieces, y, M, H and h: see `kernel_piece`. [w0, w1] is the window that both share.

Property: the window returned holds every instant of [w0, w1] at which the vertical gap is at most `vertical` and the
true WGS84 distance at most `lateral`; APART only if there is none. SURE only if there is an instant at which both hold
whatever the errors are. The window is the hull of such instants, where they are not one interval (a ring that is left
and entered again), widened by what the tolerances are worth, and rounded outward to whole ms.

 * Against a volume that stands, all is exact on the sphere: p = M + H y is within angle L of a place c IFF
   |p x c| <= sin(L) |p|, and within L of an edge's great circle IFF |n . p| <= sin(L) |p|, with cos(h) <= |p| <= 1.
 * Two pieces are compared as they are seen along the middle between them.
 * `time_ms`: a volume that stands holds its window and `time_ms` before and after, and the window returned has times of
   the piece; two pieces are compared at all instants at most `time_ms` apart, and it has those of both (`kernel_lag`).

Source: design.md §4 ("buffered trajectory"); practice.md R13, R16; docs/adr/0009-moving-segments.md.
"""

from __future__ import annotations

import math

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_cylinder import disc_window, half_window, slab_window
from clearline.sky.kernel_lag import lag_closeness
from clearline.sky.kernel_meet import APART, CLOSER, SURE, lateral_limit, sure_limit
from clearline.sky.kernel_piece import Seen, Way, place_on, seen_along, vertical_window, way_of, whole_ms
from clearline.sky.kernel_shape import BLOCK_EDGES, MOVING, POLYGON, Floats, Ints, inside, point_gap_sq

__all__ = ["moving_closeness"]

PLACES_TRIED = 9
"""Instants at which certainty is looked for inside a ring."""


@inner
def _place_window(way: Way, cx: float, cy: float, cz: float, reach: float, y0: float, y1: float) -> tuple[float, float]:
    """Return when |p x c| <= reach."""
    mx, my, mz, hx, hy, hz = way
    # M x c = (M - c) x c keeps its digits where the two are near.
    dx, dy, dz = mx - cx, my - cy, mz - cz
    sx, sy, sz = dy * cz - dz * cy, dz * cx - dx * cz, dx * cy - dy * cx
    vx, vy, vz = hy * cz - hz * cy, hz * cx - hx * cz, hx * cy - hy * cx
    # (M x c) x (H x c) is c times (M x H) . c, and M x H = (M - c) x H + c x H, the latter square to c.
    cross = (dy * hz - dz * hy) * cx + (dz * hx - dx * hz) * cy + (dx * hy - dy * hx) * cz
    return disc_window(
        sx * sx + sy * sy + sz * sz, sx * vx + sy * vy + sz * vz, vx * vx + vy * vy + vz * vz, cross, reach, y0, y1
    )


@inner
def _side_window(way: Way, V: Floats, i: int, j: int, reach: float, y0: float, y1: float) -> tuple[float, float]:
    """Return when p is beside the edge from vertex i to j, and |n . p| <= reach."""
    nx, ny, nz = V[i, 3], V[i, 4], V[i, 5]
    if nx == 0.0 and ny == 0.0 and nz == 0.0:
        return math.inf, -math.inf
    mx, my, mz, hx, hy, hz = way
    y0, y1 = slab_window(nx * mx + ny * my + nz * mz, nx * hx + ny * hy + nz * hz, reach, y0, y1)
    if y0 > y1:
        return y0, y1
    ax, ay, az = V[i, 0], V[i, 1], V[i, 2]
    ex, ey, ez = ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax
    y0, y1 = half_window(-(ex * mx + ey * my + ez * mz), -(ex * hx + ey * hy + ez * hz), y0, y1)
    ax, ay, az = V[j, 0], V[j, 1], V[j, 2]
    ex, ey, ez = ay * nz - az * ny, az * nx - ax * nz, ax * ny - ay * nx
    return half_window(-(ex * mx + ey * my + ez * mz), -(ex * hx + ey * hy + ez * hz), y0, y1)


@inner
def _inside_at(way: Way, y: float, G: Floats, L: Ints, b: int, W: Floats) -> bool:
    x, v, z = place_on(way, y)
    return bool(inside(x, v, z, W, L[b, 6], L[b, 3], G[b, 0], G[b, 1], G[b, 2], G[b, 3]))


@kernel
def _core_window(
    way: Way, L: Ints, b: int, W: Floats, C: Floats, chord: float, y0: float, y1: float, stop: int
) -> tuple[float, float]:
    """Return the hull of when a piece is within `chord` of the boundary of core b; with `stop` 1 any part of it."""
    mx, my, mz, hx, hy, hz = way
    h = math.sqrt(hx * hx + hy * hy + hz * hz)
    sine = chord * math.sqrt(1.0 - 0.25 * chord * chord)
    first, last = math.inf, -math.inf
    w, count = L[b, 6], L[b, 3]
    edges = count if L[b, 0] == POLYGON else count - 1
    for k in range((count + BLOCK_EDGES - 1) // BLOCK_EDGES):
        c = L[b, 7] + k
        reach = C[c, 3] + h + chord
        if (mx - C[c, 0]) ** 2 + (my - C[c, 1]) ** 2 + (mz - C[c, 2]) ** 2 > reach * reach * (1.0 + 1e-12):
            continue
        for e in range(k * BLOCK_EDGES, min((k + 1) * BLOCK_EDGES, count)):
            i = w + e
            if abs(W[i, 3] * mx + W[i, 4] * my + W[i, 5] * mz) > sine + h:
                continue
            t0, t1 = _place_window(way, W[i, 0], W[i, 1], W[i, 2], sine, y0, y1)
            first, last = min(first, t0), max(last, t1)
            if e < edges:
                t0, t1 = _side_window(way, W, i, i + 1 if e + 1 < count else w, sine, y0, y1)
                first, last = min(first, t0), max(last, t1)
            if first <= last and (stop == 1 or (first <= y0 and last >= y1)):
                return first, last
    return first, last


@kernel
def _surely_in(
    way: Way, G: Floats, L: Ints, b: int, W: Floats, C: Floats, sure: float, apart: float, s0: float, s1: float
) -> bool:
    """Is a piece, at an instant in [s0, s1], within chord `sure` of core b, or in a ring farther than `apart`?"""
    if sure > 0.0:
        hh = way[3] * way[3] + way[4] * way[4] + way[5] * way[5]
        first, last = _core_window(way, L, b, W, C, sure * (1.0 - hh), s0, s1, 1)
        if first <= last:
            return True
    if L[b, 0] == POLYGON:
        apart_sq = apart * apart
        for k in range(PLACES_TRIED):
            y = s0 + (s1 - s0) * k / (PLACES_TRIED - 1)
            if _inside_at(way, y, G, L, b, W):
                px, py, pz = place_on(way, y)
                if point_gap_sq(px, py, pz, W, L[b, 6], L[b, 3], C, L[b, 7], apart_sq) >= apart_sq:
                    return True
    return False


@inner
def _seen_window(seen: Seen, reach: float, y0: float, y1: float) -> tuple[float, float]:
    """Return when two pieces that move together in time are within `reach` as seen."""
    if reach < 0.0 or y0 > y1:
        return math.inf, -math.inf
    sx, sy, vx, vy = seen.sx, seen.sy, seen.ax - seen.bx, seen.ay - seen.by
    return disc_window(sx * sx + sy * sy, sx * vx + sy * vy, vx * vx + vy * vy, sx * vy - sy * vx, reach, y0, y1)


@inner
def _near(F: Floats, a: int, G: Floats, b: int, chord: float) -> bool:
    """May two cores be within a chord of each other, by their caps?"""
    reach = F[a, 3] + G[b, 3] + chord
    dx, dy, dz = F[a, 0] - G[b, 0], F[a, 1] - G[b, 1], F[a, 2] - G[b, 2]
    return bool(dx * dx + dy * dy + dz * dz <= reach * reach * (1.0 + 1e-12))


@kernel
def _against_still(
    F: Floats, K: Ints, a: int, V: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats,
    limit: float, sure: float, most: float, surely: float, time_ms: int, errors: Floats, apart: float,
) -> tuple[int, int, int]:  # fmt: skip
    """Compare piece a with volume b, which stands. The window holds times of the piece."""
    w0, w1 = max(K[a, 4], L[b, 4] - time_ms), min(K[a, 5], L[b, 5] + time_ms)
    if w0 > w1:
        return APART, 0, 0
    y0, y1, s0, s1 = vertical_window(F, K, a, G, L, b, errors, w0, w1, most, surely)
    if y0 > y1:
        return APART, 0, 0
    way = way_of(K, a, V, w0, w1)
    first, last = _core_window(way, L, b, W, C, limit, y0, y1, 0)
    if L[b, 0] == POLYGON and not (first <= y0 and last >= y1):
        if _inside_at(way, y0, G, L, b, W):
            first, last = y0, max(last, y0)
        if _inside_at(way, y1, G, L, b, W):
            first, last = min(first, y1), y1
    if first > last:
        return APART, 0, 0
    from_ms, until_ms = whole_ms(w0, w1, first, last)
    if s0 <= s1 and _surely_in(way, G, L, b, W, C, sure, apart, s0, s1):
        return SURE, from_ms, until_ms
    return CLOSER, from_ms, until_ms


@inner
def _both_moving(
    F: Floats, K: Ints, a: int, V: Floats, G: Floats, L: Ints, b: int, W: Floats,
    limit: float, sure: float, most: float, surely: float, errors: Floats,
) -> tuple[int, int, int]:  # fmt: skip
    """Compare two pieces, each at the same instant."""
    w0, w1 = max(K[a, 4], L[b, 4]), min(K[a, 5], L[b, 5])
    y0, y1, s0, s1 = vertical_window(F, K, a, G, L, b, errors, w0, w1, most, surely)
    if y0 > y1:
        return APART, 0, 0
    seen = seen_along(way_of(K, a, V, w0, w1), way_of(L, b, W, w0, w1))
    first, last = _seen_window(seen, limit + seen.slack, y0, y1)
    if first > last:
        return APART, 0, 0
    from_ms, until_ms = whole_ms(w0, w1, first, last)
    s0, s1 = _seen_window(seen, sure / seen.stretch - seen.slack, s0, s1)
    return (SURE if s0 <= s1 else CLOSER), from_ms, until_ms


@inner
def _before(K: Ints, a: int, V: Floats, L: Ints, b: int, W: Floats) -> bool:
    """Put two pieces in an order that does not depend on which was asked for: both ways give the same digits."""
    if K[a, 4] != L[b, 4]:
        return bool(K[a, 4] < L[b, 4])
    for k in range(2):
        for n in range(3):
            one, other = V[K[a, 6] + k, n], W[L[b, 6] + k, n]
            if one != other:
                return bool(one < other)
    return False


@kernel
def moving_closeness(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, G: Floats, L: Ints, b: int, W: Floats, C: Floats,
    lateral: float, vertical: float, time_ms: int, errors: Floats, tolerance_lateral: float, tolerance_vertical: float,
) -> tuple[int, int, int]:  # fmt: skip
    """Compare volume a of (F, K, V, B) with volume b of (G, L, W, C), one of which is moving at least.

    Returns (APART, CLOSER or SURE, from, until); see the property above. Touching is closer.
    """
    if max(K[a, 4], L[b, 4]) - min(K[a, 5], L[b, 5]) > time_ms:
        return APART, 0, 0
    limit = lateral_limit(F, a, G, b, lateral, tolerance_lateral)
    if not _near(F, a, G, b, limit):
        return APART, 0, 0
    sure = sure_limit(F, a, G, b, lateral, tolerance_lateral)
    most, surely = vertical + tolerance_vertical, vertical - tolerance_vertical
    # A chord of the tolerance on the smallest sphere is the largest.
    apart = tolerance_lateral / min(F[a, 5], G[b, 5])
    if K[a, 0] != MOVING:
        return _against_still(G, L, b, W, F, K, a, V, B, limit, sure, most, surely, time_ms, errors, apart)
    if L[b, 0] != MOVING:
        return _against_still(F, K, a, V, G, L, b, W, C, limit, sure, most, surely, time_ms, errors, apart)
    if time_ms == 0:
        return _both_moving(F, K, a, V, G, L, b, W, limit, sure, most, surely, errors)
    if _before(L, b, W, K, a, V):
        return lag_closeness(G, L, b, W, F, K, a, V, limit, sure, most, surely, time_ms, errors)
    return lag_closeness(F, K, a, V, G, L, b, W, limit, sure, most, surely, time_ms, errors)
