"""Kernel: how far apart two cores are on the ellipsoid, for pairs that the sphere leaves in doubt.

Units: metres; unit vectors of geodetic latitude and longitude as in `kernel_shape`.

The sphere of the kernel says of a distance only that it lies between two that differ by up to 0.7 %, since a radian is
worth M metres along a meridian and N across. A circle of 5 km would be found 35 m too wide. Here the distance is that
of the true places: with the straight line d between two places on the ellipsoid and the radius of curvature r along it,
a geodesic has d (1 + d^2 / 24 r^2 + 3 d^4 / 640 r^4); 1/r = cos^2 / M + sin^2 / N of its azimuth (Euler). Up to
`REACH_M` this is right to 1 mm (tests/sky/test_ellipsoid.py).

Property: the least distance between two boundaries is that of a vertex of one and an edge of the other, or 0 where
they cross or one holds the other; only pairs whose chord is at most `limit` are looked at.

Source: W. Torge, Geodesy, on normal sections; design.md §4; ASTM F3548-21 GEN0500.
"""

from __future__ import annotations

import math

from clearline.sky.compiler import kernel
from clearline.sky.kernel_shape import BLOCK_EDGES, Floats, Ints

__all__ = ["REACH_M", "core_distance", "place_distance"]

REACH_M = 150_000.0
SEMI_MAJOR_M = 6_378_137.0
ECCENTRICITY_SQUARED = 0.006694379990141317


@kernel
def _on_ellipsoid(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return the place with this direction of the plumb line [m]."""
    n = SEMI_MAJOR_M / math.sqrt(1.0 - ECCENTRICITY_SQUARED * z * z)
    return n * x, n * y, n * (1.0 - ECCENTRICITY_SQUARED) * z


@kernel
def place_distance(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    """Return the length of the geodesic between two places, up to REACH_M apart."""
    px, py, pz = _on_ellipsoid(ax, ay, az)
    qx, qy, qz = _on_ellipsoid(bx, by, bz)
    dx, dy, dz = qx - px, qy - py, qz - pz
    d = math.sqrt(dx * dx + dy * dy + dz * dz)
    mx, my, mz = ax + bx, ay + by, az + bz
    norm_sq = mx * mx + my * my + mz * mz
    across_sq = mx * mx + my * my
    east = 0.0
    if across_sq > 0.0 and d > 0.0:
        east = (dy * mx - dx * my) / (d * math.sqrt(across_sq))
    w = 1.0 - ECCENTRICITY_SQUARED * mz * mz / norm_sq
    n = SEMI_MAJOR_M / math.sqrt(w)
    m = n * (1.0 - ECCENTRICITY_SQUARED) / w
    bend = (1.0 - east * east) / m + east * east / n
    part = d * d * bend * bend
    return d * (1.0 + part / 24.0 + 3.0 * part * part / 640.0)


@kernel
def _edge_distance(px: float, py: float, pz: float, V: Floats, i: int, j: int) -> float:
    """Return the distance from a place to the edge from vertex i to j, which is a few kilometres long at most."""
    ax, ay, az = V[i, 0], V[i, 1], V[i, 2]
    ux, uy, uz = V[j, 0] - ax, V[j, 1] - ay, V[j, 2] - az
    # Along and across the plumb line the ellipsoid is flatter: where on the edge the nearest place is, metres decide.
    fx, fy, fz = _on_ellipsoid(ax, ay, az)
    gx, gy, gz = _on_ellipsoid(V[j, 0], V[j, 1], V[j, 2])
    qx, qy, qz = _on_ellipsoid(px, py, pz)
    gx, gy, gz = gx - fx, gy - fy, gz - fz
    length_sq = gx * gx + gy * gy + gz * gz
    part = 0.0
    if length_sq > 0.0:
        part = ((qx - fx) * gx + (qy - fy) * gy + (qz - fz) * gz) / length_sq
        part = min(1.0, max(0.0, part))
    x, y, z = ax + part * ux, ay + part * uy, az + part * uz
    norm = math.sqrt(x * x + y * y + z * z)
    return place_distance(px, py, pz, x / norm, y / norm, z / norm)


@kernel
def _vertices_to_edges(
    V: Floats, v: int, count: int, B: Floats, b: int, W: Floats, w: int, other: int, C: Floats, c: int, limit: float
) -> float:
    """Return the least distance from vertices of V to elements of W, infinity where no chord is within `limit`."""
    best = math.inf
    for i in range((count + BLOCK_EDGES - 1) // BLOCK_EDGES):
        for k in range((other + BLOCK_EDGES - 1) // BLOCK_EDGES):
            reach = B[b + i, 3] + C[c + k, 3] + limit
            dx = B[b + i, 0] - C[c + k, 0]
            dy = B[b + i, 1] - C[c + k, 1]
            dz = B[b + i, 2] - C[c + k, 2]
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            for e in range(v + i * BLOCK_EDGES, v + min((i + 1) * BLOCK_EDGES, count)):
                x, y, z = V[e, 0], V[e, 1], V[e, 2]
                for g in range(w + k * BLOCK_EDGES, w + min((k + 1) * BLOCK_EDGES, other)):
                    if abs(W[g, 3] * x + W[g, 4] * y + W[g, 5] * z) > limit:
                        continue
                    h = g + 1 if g + 1 < w + other else w
                    point = W[g, 3] == 0.0 and W[g, 4] == 0.0 and W[g, 5] == 0.0
                    best = min(best, _edge_distance(x, y, z, W, g, g if point else h))
    return best


@kernel
def core_distance(K: Ints, a: int, V: Floats, B: Floats, L: Ints, b: int, W: Floats, C: Floats, limit: float) -> float:
    """Return the least distance [m] between two cores that do not overlap and are within chord `limit`."""
    one = _vertices_to_edges(V, K[a, 6], K[a, 3], B, K[a, 7], W, L[b, 6], L[b, 3], C, L[b, 7], limit)
    other = _vertices_to_edges(W, L[b, 6], L[b, 3], C, L[b, 7], V, K[a, 6], K[a, 3], B, K[a, 7], limit)
    return min(one, other)
