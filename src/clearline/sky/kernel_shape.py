"""Kernel: shapes on the unit sphere, and the distance from a point to a shape.

Units: places are unit vectors, x to (0, 0), y to (0, 90 E), z to the north pole. Distances are *chords*, the straight
line between two unit vectors: chord = 2 sin(angle / 2). They grow with the angle, need no trigonometry, and obey the
triangle inequality in space.

Symbols
 * V[i, 0:3] vertex i; V[i, 3:6] unit normal n of the edge from vertex i to the next, a x b / |a x b|; zero where there
   is no edge (the last vertex of a line, and a point). "Element i" is vertex i with that edge, its far end left out:
   the next element holds it.
 * B[k, 0:4] centre and radius of a ball in space around BLOCK_EDGES elements: two blocks whose balls are farther apart
   than the distance asked for need no closer look.
 * An edge is shorter than a quarter of the earth; after `prepare` it is about 5 km or less.

Property: `inside` is true IFF the point is on the smaller side of the ring, for points more than 1e-9 from the ring.
The side of the ring does not depend on its orientation. Source: design.md §4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clearline.sky.compiler import kernel

__all__ = [
    "BLOCK_EDGES",
    "CORRIDOR",
    "IN_LINE",
    "MOVING",
    "POINT",
    "POLYGON",
    "Floats",
    "Ints",
    "bounding_ball",
    "dress",
    "edges_near",
    "element_gap_sq",
    "inside",
    "point_gap_sq",
    "unit_vectors",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The layout below is shared by the kernel modules; the cache directory's name covers all of them (compiler.py).
POINT, CORRIDOR, POLYGON, MOVING = 0, 1, 2, 3
BLOCK_EDGES = 8
IN_LINE = 1e-12
"""Six micrometres: an edge whose ends are both so near to another's great circle lies in it, and which side its ends
are on is rounding. Whether two edges in one line meet is told by the distance of their ends."""
BALL_STEPS = 48
"""Steps of the search for a small ball; the radius is then within a few per cent of the least, and always enough."""


@kernel
def unit_vectors(lat: Floats, lng: Floats) -> Floats:
    """Return the unit vectors of geodetic latitudes and longitudes in degrees."""
    count = lat.shape[0]
    out = np.empty((count, 3))
    radian = math.pi / 180.0
    for i in range(count):
        across = math.cos(lat[i] * radian)
        out[i, 0] = across * math.cos(lng[i] * radian)
        out[i, 1] = across * math.sin(lng[i] * radian)
        out[i, 2] = math.sin(lat[i] * radian)
    return out


@kernel
def dress(U: Floats, u: int, count: int, kind: int, V: Floats, v: int, B: Floats, b: int) -> int:
    """Write vertices U[u:u+count] with edge normals to V[v:] and their balls to B[b:]; return the number of balls."""
    edges = count if kind == POLYGON else count - 1
    for k in range(count):
        i = u + k
        j = u if k + 1 == count else i + 1
        V[v + k, 0] = U[i, 0]
        V[v + k, 1] = U[i, 1]
        V[v + k, 2] = U[i, 2]
        V[v + k, 3] = 0.0
        V[v + k, 4] = 0.0
        V[v + k, 5] = 0.0
        if k < edges:
            # (a + b) x (b - a) = 2 a x b, without the loss of digits that a x b has for short edges.
            dx = U[j, 0] - U[i, 0]
            dy = U[j, 1] - U[i, 1]
            dz = U[j, 2] - U[i, 2]
            sx = U[j, 0] + U[i, 0]
            sy = U[j, 1] + U[i, 1]
            sz = U[j, 2] + U[i, 2]
            nx = sy * dz - sz * dy
            ny = sz * dx - sx * dz
            nz = sx * dy - sy * dx
            norm = math.sqrt(nx * nx + ny * ny + nz * nz)
            if norm > 0.0:
                V[v + k, 3] = nx / norm
                V[v + k, 4] = ny / norm
                V[v + k, 5] = nz / norm
    blocks = (count + BLOCK_EDGES - 1) // BLOCK_EDGES
    for k in range(blocks):
        first = k * BLOCK_EDGES
        _ball_of_block(V, v, count, edges, first, min(first + BLOCK_EDGES, count), B, b + k)
    return blocks


@kernel
def _ball_of_block(V: Floats, v: int, count: int, edges: int, first: int, last: int, B: Floats, b: int) -> None:
    """Ball around elements [first, last) with the far ends of their edges and the bulge of the arcs."""
    ends = last - first + (1 if last <= edges else 0)
    x = y = z = 0.0
    for k in range(ends):
        i = v + (first + k) % count
        x += V[i, 0]
        y += V[i, 1]
        z += V[i, 2]
    x /= ends
    y /= ends
    z /= ends
    radius_sq = 0.0
    length_sq = 0.0
    for k in range(ends):
        i = v + (first + k) % count
        radius_sq = max(radius_sq, (V[i, 0] - x) ** 2 + (V[i, 1] - y) ** 2 + (V[i, 2] - z) ** 2)
        if k + 1 < ends:
            j = v + (first + k + 1) % count
            length_sq = max(length_sq, (V[i, 0] - V[j, 0]) ** 2 + (V[i, 1] - V[j, 1]) ** 2 + (V[i, 2] - V[j, 2]) ** 2)
    B[b, 0] = x
    B[b, 1] = y
    B[b, 2] = z
    # An arc of up to 90 degrees stands off its chord by at most 0.147 chord^2.
    B[b, 3] = math.sqrt(radius_sq) + 0.15 * length_sq + 1e-15


@kernel
def bounding_ball(U: Floats) -> tuple[float, float, float, float]:
    """Return a unit vector and the chord from it that holds all vertices: a small cap around the shape.

    Badoiu and Clarkson (2003): move towards the farthest vertex by ever smaller steps; the best centre seen is kept.
    """
    count = U.shape[0]
    x = y = z = 0.0
    for i in range(count):
        x += U[i, 0]
        y += U[i, 1]
        z += U[i, 2]
    if x * x + y * y + z * z < 1e-12:
        x, y, z = U[0, 0], U[0, 1], U[0, 2]
    best_x = best_y = best_z = 0.0
    best_sq = 9.0
    for step in range(1 if count == 1 else BALL_STEPS):
        norm = math.sqrt(x * x + y * y + z * z)
        x /= norm
        y /= norm
        z /= norm
        far = 0
        far_sq = -1.0
        for i in range(count):
            d = (U[i, 0] - x) ** 2 + (U[i, 1] - y) ** 2 + (U[i, 2] - z) ** 2
            if d > far_sq:
                far_sq = d
                far = i
        if far_sq < best_sq:
            best_sq = far_sq
            best_x, best_y, best_z = x, y, z
        x += (U[far, 0] - x) / (step + 2)
        y += (U[far, 1] - y) / (step + 2)
        z += (U[far, 2] - z) / (step + 2)
        if x * x + y * y + z * z < 1e-12:
            break
    return best_x, best_y, best_z, math.sqrt(best_sq) + 1e-12


@kernel
def inside(
    px: float, py: float, pz: float, V: Floats, v: int, count: int, cx: float, cy: float, cz: float, reach: float
) -> bool:
    """Is p on the smaller side of ring V[v:v+count], which lies within chord `reach` (under 90 degrees) of c?

    The half great circle from p to -p crosses the ring an odd number of times IFF p and -p are on different sides;
    -p is outside, because p is within 90 degrees of c.
    """
    if (px - cx) ** 2 + (py - cy) ** 2 + (pz - cz) ** 2 > reach * reach * (1.0 + 1e-12) + 1e-24:
        return False
    # e and f span the plane across p; the half circle runs through e.
    if abs(pz) < 0.9:
        ex, ey, ez = -py, px, 0.0
    else:
        ex, ey, ez = 0.0, -pz, py
    fx = py * ez - pz * ey
    fy = pz * ex - px * ez
    fz = px * ey - py * ex
    j = v + count - 1
    x0 = V[j, 0] * ex + V[j, 1] * ey + V[j, 2] * ez
    y0 = V[j, 0] * fx + V[j, 1] * fy + V[j, 2] * fz
    odd = False
    for i in range(v, v + count):
        x1 = V[i, 0] * ex + V[i, 1] * ey + V[i, 2] * ez
        y1 = V[i, 0] * fx + V[i, 1] * fy + V[i, 2] * fz
        if (y0 > 0.0) != (y1 > 0.0) and ((x0 * y1 - x1 * y0) > 0.0) == (y1 > 0.0):
            odd = not odd
        x0 = x1
        y0 = y1
    return odd


@kernel
def element_gap_sq(px: float, py: float, pz: float, V: Floats, i: int, j: int, s: float) -> float:
    """Return the squared chord from p to element i, whose edge ends at vertex j; s is n . p."""
    ax, ay, az = V[i, 0], V[i, 1], V[i, 2]
    nx, ny, nz = V[i, 3], V[i, 4], V[i, 5]
    gap_sq = (px - ax) ** 2 + (py - ay) ** 2 + (pz - az) ** 2
    if nx == 0.0 and ny == 0.0 and nz == 0.0:
        return gap_sq
    # p is beside the arc IFF (n x a) . p >= 0 and (b x n) . p >= 0.
    if (ny * az - nz * ay) * px + (nz * ax - nx * az) * py + (nx * ay - ny * ax) * pz >= 0.0:
        bx, by, bz = V[j, 0], V[j, 1], V[j, 2]
        if (by * nz - bz * ny) * px + (bz * nx - bx * nz) * py + (bx * ny - by * nx) * pz >= 0.0:
            # sin(angle) = |s|, so chord^2 = 2 (1 - cos(angle)) = 2 s^2 / (1 + sqrt(1 - s^2)).
            beside_sq = 2.0 * s * s / (1.0 + math.sqrt(max(0.0, 1.0 - s * s)))
            return min(gap_sq, beside_sq)
    return gap_sq


@kernel
def edges_near(V: Floats, i: int, j: int, W: Floats, k: int, m: int) -> bool:
    """May edges i-j and k-m share a place? They lie in the balls that have their chords as diameters.

    Four signs that say "crossed" prove it only where the edges are near: those of edges on one great circle are noise.
    """
    dx = V[i, 0] + V[j, 0] - W[k, 0] - W[m, 0]
    dy = V[i, 1] + V[j, 1] - W[k, 1] - W[m, 1]
    dz = V[i, 2] + V[j, 2] - W[k, 2] - W[m, 2]
    one = math.sqrt((V[i, 0] - V[j, 0]) ** 2 + (V[i, 1] - V[j, 1]) ** 2 + (V[i, 2] - V[j, 2]) ** 2)
    other = math.sqrt((W[k, 0] - W[m, 0]) ** 2 + (W[k, 1] - W[m, 1]) ** 2 + (W[k, 2] - W[m, 2]) ** 2)
    reach = one + other + 1e-14
    return dx * dx + dy * dy + dz * dz <= reach * reach


@kernel
def point_gap_sq(
    px: float, py: float, pz: float, V: Floats, v: int, count: int, B: Floats, b: int, limit_sq: float
) -> float:
    """Return the least squared chord from p to the elements V[v:v+count], or `limit_sq` where none is nearer."""
    best_sq = limit_sq
    best = math.sqrt(best_sq)
    for k in range((count + BLOCK_EDGES - 1) // BLOCK_EDGES):
        reach = B[b + k, 3] + best
        if (px - B[b + k, 0]) ** 2 + (py - B[b + k, 1]) ** 2 + (pz - B[b + k, 2]) ** 2 > reach * reach:
            continue
        for i in range(v + k * BLOCK_EDGES, v + min((k + 1) * BLOCK_EDGES, count)):
            s = V[i, 3] * px + V[i, 4] * py + V[i, 5] * pz
            if abs(s) > best:
                continue
            gap_sq = element_gap_sq(px, py, pz, V, i, i + 1 if i + 1 < v + count else v, s)
            if gap_sq < best_sq:
                best_sq = gap_sq
                best = math.sqrt(best_sq)
    return best_sq
