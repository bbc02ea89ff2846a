"""Kernel: is a ring simple, and where is its inside?

Units and symbols: as in `kernel_shape`. `apart` is the chord below which two places count as one.

Property: `ring_fault` answers (RING_SIMPLE, ...) IFF no two neighbouring vertices are within `apart`, no edge folds
back on its neighbour, and no two other edges come within `apart` of each other. O(n^2) with whole blocks left out.
"""

from __future__ import annotations

from clearline.sky.compiler import kernel
from clearline.sky.kernel_shape import BLOCK_EDGES, IN_LINE, Floats, edges_near, element_gap_sq, inside, point_gap_sq

__all__ = ["RING_CROSSING", "RING_REPEATS", "RING_SIMPLE", "RING_SPIKE", "first_repeat", "interior_point", "ring_fault"]

RING_SIMPLE, RING_REPEATS, RING_SPIKE, RING_CROSSING = 0, 1, 2, 3
INTERIOR_TRIES = 16


@kernel
def first_repeat(V: Floats, count: int, links: int, apart: float) -> int:
    """Return the first vertex that is within `apart` of the one before it (0: of the last one), or -1."""
    for i in range(links):
        j = (i + 1) % count
        if (V[i, 0] - V[j, 0]) ** 2 + (V[i, 1] - V[j, 1]) ** 2 + (V[i, 2] - V[j, 2]) ** 2 <= apart * apart:
            return j
    return -1


@kernel
def _edge_gap_within(V: Floats, i: int, j: int, k: int, limit_sq: float) -> bool:
    """Is vertex k within the limit of edge i-j, both ends included?"""
    s = V[i, 3] * V[k, 0] + V[i, 4] * V[k, 1] + V[i, 5] * V[k, 2]
    if s * s > limit_sq:
        return False
    if element_gap_sq(V[k, 0], V[k, 1], V[k, 2], V, i, j, s) <= limit_sq:
        return True
    return (V[k, 0] - V[j, 0]) ** 2 + (V[k, 1] - V[j, 1]) ** 2 + (V[k, 2] - V[j, 2]) ** 2 <= limit_sq


@kernel
def _edges_touch(V: Floats, i: int, j: int, k: int, m: int, apart: float) -> bool:
    """Do edges i-j and k-m cross, or come within `apart`?"""
    s = V[i, 3] * V[k, 0] + V[i, 4] * V[k, 1] + V[i, 5] * V[k, 2]
    t = V[i, 3] * V[m, 0] + V[i, 4] * V[m, 1] + V[i, 5] * V[m, 2]
    if (s > apart and t > apart) or (s < -apart and t < -apart):
        return False
    u = V[k, 3] * V[i, 0] + V[k, 4] * V[i, 1] + V[k, 5] * V[i, 2]
    w = V[k, 3] * V[j, 0] + V[k, 4] * V[j, 1] + V[k, 5] * V[j, 2]
    if (u > apart and w > apart) or (u < -apart and w < -apart):
        return False
    limit_sq = apart * apart
    if _edge_gap_within(V, i, j, k, limit_sq) or _edge_gap_within(V, i, j, m, limit_sq):
        return True
    if _edge_gap_within(V, k, m, i, limit_sq) or _edge_gap_within(V, k, m, j, limit_sq):
        return True
    if (s > 0.0) == (t > 0.0) or max(abs(s), abs(t)) <= IN_LINE:
        return False
    return (u > 0.0) != (w > 0.0) and (t > 0.0) == (u > 0.0) and edges_near(V, i, j, V, k, m)


@kernel
def ring_fault(V: Floats, B: Floats, count: int, apart: float) -> tuple[int, int]:
    """Return what is wrong with the ring V[0:count], and the vertex where the later of the two parts starts."""
    repeat = first_repeat(V, count, count, apart)
    if repeat >= 0:
        return RING_REPEATS, repeat
    limit_sq = apart * apart
    for i in range(count):
        j = (i + 1) % count
        k = (i + 2) % count
        if _edge_gap_within(V, i, j, k, limit_sq) or _edge_gap_within(V, j, k, i, limit_sq):
            return RING_SPIKE, j
    blocks = (count + BLOCK_EDGES - 1) // BLOCK_EDGES
    for a in range(blocks):
        for b in range(a, blocks):
            reach = B[a, 3] + B[b, 3] + apart
            if (B[a, 0] - B[b, 0]) ** 2 + (B[a, 1] - B[b, 1]) ** 2 + (B[a, 2] - B[b, 2]) ** 2 > reach * reach:
                continue
            for i in range(a * BLOCK_EDGES, min((a + 1) * BLOCK_EDGES, count)):
                x, y, z = V[i, 3], V[i, 4], V[i, 5]
                first = max(i + 2, b * BLOCK_EDGES)
                t = x * V[first % count, 0] + y * V[first % count, 1] + z * V[first % count, 2]
                for k in range(first, min((b + 1) * BLOCK_EDGES, count)):
                    s = t
                    m = k + 1 if k + 1 < count else 0
                    t = x * V[m, 0] + y * V[m, 1] + z * V[m, 2]
                    # Nearly all edges lie on one side of another; this is where the time of a large ring goes.
                    if (s > apart and t > apart) or (s < -apart and t < -apart) or m == i:
                        continue
                    if _edges_touch(V, i, i + 1, k, m, apart):
                        return RING_CROSSING, k
    return RING_SIMPLE, 0


@kernel
def interior_point(
    V: Floats, B: Floats, count: int, cx: float, cy: float, cz: float, reach: float
) -> tuple[float, float, float, float]:
    """Return a place well inside the ring and its chord from the ring: the best of some; chord 0 where none was found.

    Tried are the centre of the cap and the middles of triangles of neighbours: one ear at least has its middle inside.
    """
    best_x = best_y = best_z = best_sq = 0.0
    step = max(1, count // INTERIOR_TRIES)
    for k in range(-1, count, step):
        if k < 0:
            x, y, z = cx, cy, cz
        else:
            i = (k + 1) % count
            j = (k + 2) % count
            x = V[k, 0] + V[i, 0] + V[j, 0]
            y = V[k, 1] + V[i, 1] + V[j, 1]
            z = V[k, 2] + V[i, 2] + V[j, 2]
        norm = (x * x + y * y + z * z) ** 0.5
        if norm == 0.0:
            continue
        x /= norm
        y /= norm
        z /= norm
        if inside(x, y, z, V, 0, count, cx, cy, cz, reach):
            gap_sq = point_gap_sq(x, y, z, V, 0, count, B, 0, 4.0)
            if gap_sq > best_sq:
                best_x, best_y, best_z, best_sq = x, y, z, gap_sq
    return best_x, best_y, best_z, best_sq**0.5
