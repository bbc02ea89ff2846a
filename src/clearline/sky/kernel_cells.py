"""Kernel: which cubes of space and spans of time a volume touches, and the ball and the slab around it.

Units: space in lengths of the unit sphere (1 is 6,371 km), times in ms. Records as in `kernel_meet`.

Space is cut into cubes of 2^-9 (12 km) and, on four more levels, of four times the size of the level before: a cube
has 64 children. Time is cut into spans of 2^23 ms (2.3 h) and, on six more levels, of eight times; the longest is 69
years.

Volumes are kept, and asked about, widened by half of the widest separation: two volumes that are closer than it then
share a place, a height and an instant. P (lateral [m], vertical [m], time [ms]) is that half.

Property: every place on the sphere within P of a volume lies in one of its cubes, in its ball and in its slab.
"""

from __future__ import annotations

import math

from clearline.sky.compiler import inner, kernel
from clearline.sky.kernel_shape import POLYGON, Floats, Ints, inside, point_gap_sq

__all__ = [
    "BUCKETS_PER_ROW",
    "CELLS_MAX",
    "CUBE",
    "EVERYWHERE",
    "LEVELS",
    "ORIGIN",
    "OUTWARD",
    "SPAN_BITS",
    "SPAN_LEVELS",
    "ball_of",
    "cell_index",
    "cover",
    "cube_touches",
    "key_of",
    "keys_of",
    "slab_of",
    "span_level_of",
    "window_of",
]

LEVELS = 5
SPAN_LEVELS = 7
EVERYWHERE = 7
CELLS_MAX = 16
CELLS_ACROSS_MAX = 10
"""A volume more than ten cubes across is not even tried on a level: the test of each cube has its price."""
SPANS_MAX = 3
BUCKETS_PER_ROW = CELLS_MAX * SPANS_MAX
CUBE = 2.0**-9
ORIGIN = 1.5
"""Added to coordinates before they are cut, so that no index is negative; the balls of large volumes are cut off."""
SPAN_BITS = 23
OUTWARD = 1e-9
"""Six millimetres: rounding of doubles when a cube is tested."""


@inner
def ball_of(F: Floats, a: int, separation: float) -> tuple[float, float, float, float]:
    """Return the ball in space around all places within `separation` [m] of a volume."""
    angle = (F[a, 4] + separation) / F[a, 5]
    return F[a, 0], F[a, 1], F[a, 2], F[a, 3] + 2.0 * math.sin(0.5 * min(angle, math.pi))


@inner
def window_of(K: Ints, a: int, P: Floats) -> tuple[int, int]:
    """Return the window of a volume, widened; none starts before 1970."""
    widen = math.ceil(P[2])
    return max(0, K[a, 4] - widen), K[a, 5] + widen


@kernel
def slab_of(F: Floats, K: Ints, a: int, V: Floats, separation: float) -> tuple[float, float, float, float, float]:
    """Return (n, least, most): every place within `separation` [m] of volume a has least <= n . p <= most.

    The slab runs along the shape, from the middle of its cap to its farthest vertex: a long thin shape has a thin slab,
    and most of what lies in its ball lies beside it.
    """
    x, y, z = F[a, 0], F[a, 1], F[a, 2]
    far = K[a, 6]
    far_sq = -1.0
    for i in range(K[a, 6], K[a, 6] + K[a, 3]):
        d = (V[i, 0] - x) ** 2 + (V[i, 1] - y) ** 2 + (V[i, 2] - z) ** 2
        if d > far_sq:
            far_sq = d
            far = i
    nx = y * V[far, 2] - z * V[far, 1]
    ny = z * V[far, 0] - x * V[far, 2]
    nz = x * V[far, 1] - y * V[far, 0]
    norm = math.sqrt(nx * nx + ny * ny + nz * nz)
    # A place of the shape is q / |q|, with q a mean of vertices and cos(cap) <= |q| <= 1.
    least_length = 1.0 - 0.5 * F[a, 3] * F[a, 3]
    if norm < 1e-12 or least_length < 0.1:
        return 0.0, 0.0, 0.0, -1.0, 1.0
    nx, ny, nz = nx / norm, ny / norm, nz / norm
    least = 2.0
    most = -2.0
    for i in range(K[a, 6], K[a, 6] + K[a, 3]):
        d = nx * V[i, 0] + ny * V[i, 1] + nz * V[i, 2]
        least = min(least, d)
        most = max(most, d)
    reach = 2.0 * math.sin(0.5 * min(math.pi, (F[a, 4] + separation) / F[a, 5]))
    return nx, ny, nz, min(least, least / least_length) - reach, max(most, most / least_length) + reach


@inner
def key_of(level: int, span_level: int, span: int, x: int, y: int, z: int) -> int:
    """Return the key of a bucket: three and three bits of levels, twenty of the span, twelve of each coordinate."""
    return ((((((level << 3) | span_level) << 20 | span) << 12 | x) << 12) | y) << 12 | z


@inner
def cell_index(coordinate: float, level: int) -> int:
    """Return the index of the cube along one axis."""
    i = int((coordinate + ORIGIN) / CUBE)
    return min(max(i, 0), 4095) >> (2 * level)


@inner
def span_level_of(from_ms: int, until_ms: int) -> int:
    """Return the finest level on which a window touches at most SPANS_MAX spans."""
    for level in range(SPAN_LEVELS):
        bits = SPAN_BITS + 3 * level
        if (until_ms >> bits) - (from_ms >> bits) < SPANS_MAX:
            return level
    return SPAN_LEVELS - 1


@kernel
def cube_touches(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, x: float, y: float, z: float, half: float, radius: float
) -> bool:
    """May a cube with middle (x, y, z) and half diagonal `half` hold a place within chord `radius` of core a?"""
    norm = math.sqrt(x * x + y * y + z * z)
    if norm < 1e-6:
        return True
    x, y, z = x / norm, y / norm, z / norm
    # A place of the sphere in the cube is within `reach` of the middle's foot on the sphere; if the place is in the
    # shape, the foot is inside the ring, or the way between the two crosses the ring.
    reach = half + abs(1.0 - norm) + radius + OUTWARD
    limit_sq = reach * reach
    if point_gap_sq(x, y, z, V, K[a, 6], K[a, 3], B, K[a, 7], limit_sq) < limit_sq:
        return True
    return K[a, 0] == POLYGON and inside(x, y, z, V, K[a, 6], K[a, 3], F[a, 0], F[a, 1], F[a, 2], F[a, 3])


@kernel
def cover(F: Floats, K: Ints, a: int, V: Floats, B: Floats, P: Floats, level: int, cells: Ints) -> int:
    """Write the cubes of a level that a volume may touch; return their number, or -1 if `cells` cannot hold them."""
    cx, cy, cz, radius = ball_of(F, a, P[0])
    reach = radius + OUTWARD
    side = CUBE * 4.0**level
    half = 0.8660254037844388 * side
    x0, x1 = cell_index(cx - reach, level), cell_index(cx + reach, level)
    y0, y1 = cell_index(cy - reach, level), cell_index(cy + reach, level)
    z0, z1 = cell_index(cz - reach, level), cell_index(cz + reach, level)
    # A shape as small as a cube is as good as its ball.
    small = reach < 0.5 * side
    found = 0
    for i in range(x0, x1 + 1):
        mx = (i + 0.5) * side - ORIGIN
        gx = max(0.0, abs(mx - cx) - 0.5 * side)
        for j in range(y0, y1 + 1):
            my = (j + 0.5) * side - ORIGIN
            gy = max(0.0, abs(my - cy) - 0.5 * side)
            if gx * gx + gy * gy > reach * reach + 1e-15:
                continue
            for k in range(z0, z1 + 1):
                mz = (k + 0.5) * side - ORIGIN
                gz = max(0.0, abs(mz - cz) - 0.5 * side)
                if gx * gx + gy * gy + gz * gz > reach * reach + 1e-15:
                    continue
                norm = math.sqrt(mx * mx + my * my + mz * mz)
                if abs(norm - 1.0) > half + OUTWARD:
                    continue
                # The plane that cuts the cap off: the shape is on its far side, the cube may be on the near one.
                ahead = mx * cx + my * cy + mz * cz + 0.5 * side * (abs(cx) + abs(cy) + abs(cz))
                if ahead < 1.0 - 0.5 * reach * reach - OUTWARD:
                    continue
                if not small and not cube_touches(F, K, a, V, B, mx, my, mz, half, radius - F[a, 3]):
                    continue
                if found == cells.shape[0]:
                    return -1
                cells[found, 0] = i
                cells[found, 1] = j
                cells[found, 2] = k
                found += 1
    return found


@kernel
def keys_of(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, P: Floats, cells: Ints, keys: Ints
) -> tuple[int, int, int, int]:
    """Write the keys of all buckets of a volume and its cubes.

    Returns (number of keys, level, span level, number of cubes). `keys` has BUCKETS_PER_ROW places, `cells` CELLS_MAX.
    """
    _, _, _, radius = ball_of(F, a, P[0])
    from_ms, until_ms = window_of(K, a, P)
    span_level = span_level_of(from_ms, until_ms)
    bits = SPAN_BITS + 3 * span_level
    if (until_ms >> bits) - (from_ms >> bits) < SPANS_MAX:
        for level in range(LEVELS):
            if 2.0 * radius > CELLS_ACROSS_MAX * CUBE * 4.0**level:
                continue
            found = cover(F, K, a, V, B, P, level, cells)
            if found < 0:
                continue
            count = 0
            for span in range(from_ms >> bits, (until_ms >> bits) + 1):
                for k in range(found):
                    keys[count] = key_of(level, span_level, span, cells[k, 0], cells[k, 1], cells[k, 2])
                    count += 1
            return count, level, span_level, found
    keys[0] = key_of(EVERYWHERE, 0, 0, 0, 0, 0)
    return 1, EVERYWHERE, 0, 0
