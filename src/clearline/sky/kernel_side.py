"""Kernel: does a volume reach over a dividing line, within a depth of it?

Units and symbols: as in `kernel_shape` and `kernel_meet`. The line is dressed as a corridor's is: vertices with normals
E[0:n], balls D. It is the published line, whose edges are [first, last), with both ends drawn on along their geodesics
as far as the depth. Left is the side of E[i, 3:6], as one goes along. `wrong` is +1 where left is the wrong side, -1
where right is.

Property: `side_verdict` is not APART IF some place of the volume is on the wrong side and truly within the depth of the
published line, for lines that do not come within the depth of themselves again. It is SURE only if there is one
whatever the errors are. A volume that has the whole published line inside is for the buffer around it to find.

Why it is enough to look at some places of the core: where neither core nor radius touches the line as drawn on, a part
of the volume on the wrong side has its place nearest to the published line on the core's edges, at an end of an edge
or at the foot of a vertex of the line. Source: practice.md R31.
"""

from __future__ import annotations

import math

from clearline.sky.compiler import kernel
from clearline.sky.kernel_meet import APART, CLOSER, SURE, lateral_limit, sure_limit
from clearline.sky.kernel_shape import BLOCK_EDGES, POINT, POLYGON, Floats, Ints

__all__ = ["nearest_on_line", "side_verdict"]


@kernel
def _side_at_vertex(px: float, py: float, pz: float, E: Floats, i: int, edges: int) -> int:
    """Return the side by the sum of the normals of the edges that meet at vertex i; 0 where they cancel out."""
    nx = ny = nz = 0.0
    if i > 0:
        nx, ny, nz = E[i - 1, 3], E[i - 1, 4], E[i - 1, 5]
    if i < edges:
        nx, ny, nz = nx + E[i, 3], ny + E[i, 4], nz + E[i, 5]
    if nx * nx + ny * ny + nz * nz < 1e-6:
        return 0
    # The normals are at right angles to the vertex: what is left of p is its way from there.
    across = nx * (px - E[i, 0]) + ny * (py - E[i, 1]) + nz * (pz - E[i, 2])
    return 0 if across == 0.0 else (1 if across > 0.0 else -1)


@kernel
def nearest_on_line(
    px: float, py: float, pz: float, E: Floats, D: Floats, edges: int, first: int, last: int
) -> tuple[float, int]:
    """Return the least squared chord from p to edges [first, last) of the line, and the side there: 1 is left."""
    best_sq = 5.0
    side = 0
    for block in range(first // BLOCK_EDGES, (last - 1) // BLOCK_EDGES + 1):
        reach = D[block, 3] + math.sqrt(best_sq)
        if (px - D[block, 0]) ** 2 + (py - D[block, 1]) ** 2 + (pz - D[block, 2]) ** 2 > reach * reach:
            continue
        for i in range(max(first, block * BLOCK_EDGES), min(last, (block + 1) * BLOCK_EDGES)):
            j = i + 1
            ax, ay, az = E[i, 0], E[i, 1], E[i, 2]
            bx, by, bz = E[j, 0], E[j, 1], E[j, 2]
            nx, ny, nz = E[i, 3], E[i, 4], E[i, 5]
            along = (ny * az - nz * ay) * px + (nz * ax - nx * az) * py + (nx * ay - ny * ax) * pz
            back = (by * nz - bz * ny) * px + (bz * nx - bx * nz) * py + (bx * ny - by * nx) * pz
            if along > 0.0 and back > 0.0:
                s = nx * px + ny * py + nz * pz
                gap_sq = 2.0 * s * s / (1.0 + math.sqrt(max(0.0, 1.0 - s * s)))
                if gap_sq < best_sq:
                    best_sq = gap_sq
                    side = 0 if s == 0.0 else (1 if s > 0.0 else -1)
                continue
            gap_sq = (px - ax) ** 2 + (py - ay) ** 2 + (pz - az) ** 2
            if gap_sq < best_sq:
                best_sq = gap_sq
                side = _side_at_vertex(px, py, pz, E, i, edges)
            gap_sq = (px - bx) ** 2 + (py - by) ** 2 + (pz - bz) ** 2
            if gap_sq < best_sq:
                best_sq = gap_sq
                side = _side_at_vertex(px, py, pz, E, j, edges)
    return best_sq, side


@kernel
def _judge(
    px: float,
    py: float,
    pz: float,
    E: Floats,
    D: Floats,
    edges: int,
    first: int,
    last: int,
    wrong: int,
    limits: tuple[float, float, float, float, float],
) -> int:
    """Judge one place of a core. `limits`, as chords: depth, depth for certain, touch, touch for certain, tolerance."""
    depth_sq, _ = nearest_on_line(px, py, pz, E, D, edges, first, last)
    if depth_sq > limits[0] * limits[0]:
        return APART
    gap_sq, side = nearest_on_line(px, py, pz, E, D, edges, 0, edges)
    if side == wrong:
        if limits[1] > 0.0 and depth_sq <= limits[1] * limits[1] and gap_sq > limits[4] * limits[4]:
            return SURE
        return CLOSER
    if side == 0 or gap_sq <= limits[2] * limits[2]:
        # Across the published line itself there is a place within any depth; across what was drawn on, perhaps.
        if limits[3] > 0.0 and gap_sq <= limits[3] * limits[3] and depth_sq <= gap_sq:
            return SURE
        return CLOSER
    return APART


@kernel
def _edge_verdict(
    V: Floats,
    i: int,
    j: int,
    E: Floats,
    D: Floats,
    edges: int,
    first: int,
    last: int,
    wrong: int,
    limits: tuple[float, float, float, float, float],
) -> int:
    """Judge edge i-j of a core: does it cross the line, and how do the feet of the line's vertices stand?"""
    ax, ay, az = V[i, 0], V[i, 1], V[i, 2]
    bx, by, bz = V[j, 0], V[j, 1], V[j, 2]
    nx, ny, nz = V[i, 3], V[i, 4], V[i, 5]
    mx, my, mz = 0.5 * (ax + bx), 0.5 * (ay + by), 0.5 * (az + bz)
    half = 0.51 * math.sqrt((ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2)
    verdict = APART
    for block in range((edges + BLOCK_EDGES) // BLOCK_EDGES):
        reach = D[block, 3] + half + limits[0]
        if (mx - D[block, 0]) ** 2 + (my - D[block, 1]) ** 2 + (mz - D[block, 2]) ** 2 > reach * reach:
            continue
        for k in range(block * BLOCK_EDGES, min(edges + 1, (block + 1) * BLOCK_EDGES)):
            qx, qy, qz = E[k, 0], E[k, 1], E[k, 2]
            p = nx * qx + ny * qy + nz * qz
            if k < edges:
                s = E[k, 3] * ax + E[k, 4] * ay + E[k, 5] * az
                t = E[k, 3] * bx + E[k, 4] * by + E[k, 5] * bz
                if (s > 0.0) != (t > 0.0):
                    q = nx * E[k + 1, 0] + ny * E[k + 1, 1] + nz * E[k + 1, 2]
                    if (p > 0.0) != (q > 0.0) and (t > 0.0) == (p > 0.0):
                        verdict = max(verdict, CLOSER)
            if abs(p) > limits[0]:
                continue
            along = (ny * az - nz * ay) * qx + (nz * ax - nx * az) * qy + (nx * ay - ny * ax) * qz
            back = (by * nz - bz * ny) * qx + (bz * nx - bx * nz) * qy + (bx * ny - by * nx) * qz
            if along > 0.0 and back > 0.0:
                fx, fy, fz = qx - p * nx, qy - p * ny, qz - p * nz
                norm = math.sqrt(fx * fx + fy * fy + fz * fz)
                if norm > 0.0:
                    found = _judge(fx / norm, fy / norm, fz / norm, E, D, edges, first, last, wrong, limits)
                    verdict = max(verdict, found)
                    if verdict == SURE:
                        return verdict
    return verdict


@kernel
def side_verdict(
    F: Floats,
    K: Ints,
    a: int,
    V: Floats,
    G: Floats,
    E: Floats,
    D: Floats,
    edges: int,
    first: int,
    last: int,
    wrong: int,
    tolerance: float,
) -> int:
    """Return APART, CLOSER or SURE for volume a; G[0] is the line's record, with the depth as its radius."""
    touch = (F[a, 4] + tolerance) / F[a, 5]
    touch_sure = (F[a, 4] - tolerance) / F[a, 6]
    chords = (
        lateral_limit(F, a, G, 0, 0.0, tolerance),
        sure_limit(F, a, G, 0, 0.0, tolerance),
        2.0 * math.sin(0.5 * touch),
        2.0 * math.sin(0.5 * touch_sure),
        tolerance / F[a, 5],
    )
    v, count = K[a, 6], K[a, 3]
    links = count - 1
    if K[a, 0] == POINT:
        links = 0
    elif K[a, 0] == POLYGON:
        links = count
    verdict = APART
    for k in range(count):
        i = v + k
        verdict = max(verdict, _judge(V[i, 0], V[i, 1], V[i, 2], E, D, edges, first, last, wrong, chords))
        if verdict != SURE and k < links:
            j = i + 1 if k + 1 < count else v
            verdict = max(verdict, _edge_verdict(V, i, j, E, D, edges, first, last, wrong, chords))
        if verdict == SURE:
            break
    return verdict
