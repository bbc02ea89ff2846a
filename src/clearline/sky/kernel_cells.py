"""Kernel: which cubes of space and spans of time a volume touches, and the ball and the slab around it.

Units: space in lengths of the unit sphere (1 is 6,371 km), times in ms. Records as in `kernel_meet`.

Space is cut into cubes of 2^-10 (6.2 km) and, on four more levels, of four times the size of the level before. Time is
cut into spans of 2^23 ms (2.3 h) and, on four more levels, of eight times.

Property: every place on the sphere that belongs to a volume lies in one of its cubes, in its ball and in its slab.
"""

from __future__ import annotations

import math

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_shape import POLYGON, Floats, Ints, inside, point_gap_sq

__all__ = [
    "BUCKETS_PER_ROW",
    "CUBE",
    "EVERYWHERE",
    "LEVELS",
    "ORIGIN",
    "OUTWARD",
    "SPAN_BITS",
    "SPAN_LEVELS",
    "ball_of",
    "cells_of",
    "key_of",
    "keys_of",
    "slab_of",
]

LEVELS = 5
SPAN_LEVELS = 5
EVERYWHERE = 7
CELLS_MAX = 16
CELLS_TRIED_MAX = 512
CELLS_ACROSS_MAX = 10
"""A volume more than ten cubes across is not even tried on a level: the test of each cube has its price."""
SPANS_MAX = 3
BUCKETS_PER_ROW = CELLS_MAX * SPANS_MAX
CUBE = 2.0**-10
ORIGIN = 1.5
"""Added to coordinates before they are cut, so that no index is negative; the balls of large volumes are cut off."""
SPAN_BITS = 23
OUTWARD = 1e-9
"""Six millimetres: rounding of doubles when a cube is tested."""


@kernel
def ball_of(F: Floats, a: int, separation: float) -> Floats:
    """Return the ball in space around all places within `separation` [m] of a volume."""
    angle = (F[a, 4] + separation) / F[a, 5]
    return np.array([F[a, 0], F[a, 1], F[a, 2], F[a, 3] + 2.0 * math.sin(0.5 * angle)])


@kernel
def slab_of(F: Floats, K: Ints, a: int, V: Floats, separation: float) -> Floats:
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
        return np.array([0.0, 0.0, 0.0, -1.0, 1.0])
    nx, ny, nz = nx / norm, ny / norm, nz / norm
    least = 2.0
    most = -2.0
    for i in range(K[a, 6], K[a, 6] + K[a, 3]):
        d = nx * V[i, 0] + ny * V[i, 1] + nz * V[i, 2]
        least = min(least, d)
        most = max(most, d)
    reach = 2.0 * math.sin(0.5 * (F[a, 4] + separation) / F[a, 5])
    return np.array([nx, ny, nz, min(least, least / least_length) - reach, max(most, most / least_length) + reach])


@kernel
def key_of(level: int, span_level: int, span: int, x: int, y: int, z: int) -> int:
    """Return the key of a bucket: three and three bits of levels, twenty of the span, twelve of each coordinate."""
    return ((((((level << 3) | span_level) << 20 | span) << 12 | x) << 12) | y) << 12 | z


@kernel
def _index(coordinate: float, level: int) -> int:
    i = int((coordinate + ORIGIN) / CUBE)
    return min(max(i, 0), 4095) >> (2 * level)


@kernel
def cells_of(x: float, y: float, z: float, radius: float, level: int, out: Ints) -> int:
    """Write the cubes with a place of the sphere within the ball; return their number, -1 if `out` cannot hold them."""
    reach = radius + OUTWARD
    x0, x1 = _index(x - reach, level), _index(x + reach, level)
    y0, y1 = _index(y - reach, level), _index(y + reach, level)
    z0, z1 = _index(z - reach, level), _index(z + reach, level)
    side = CUBE * 4.0**level
    found = 0
    for i in range(x0, x1 + 1):
        low_x = i * side - ORIGIN
        near_x = max(0.0, max(low_x - x, x - low_x - side))
        least_x = max(0.0, max(low_x, -low_x - side))
        most_x = max(abs(low_x), abs(low_x + side))
        for j in range(y0, y1 + 1):
            low_y = j * side - ORIGIN
            near_y = max(0.0, max(low_y - y, y - low_y - side))
            near_xy = near_x * near_x + near_y * near_y
            if near_xy > reach * reach + OUTWARD:
                continue
            least_y = max(0.0, max(low_y, -low_y - side))
            most_y = max(abs(low_y), abs(low_y + side))
            for k in range(z0, z1 + 1):
                low_z = k * side - ORIGIN
                near_z = max(0.0, max(low_z - z, z - low_z - side))
                if near_xy + near_z * near_z > reach * reach + 1e-15:
                    continue
                least_z = max(0.0, max(low_z, -low_z - side))
                most_z = max(abs(low_z), abs(low_z + side))
                if least_x * least_x + least_y * least_y + least_z * least_z > 1.0 + OUTWARD:
                    continue
                if most_x * most_x + most_y * most_y + most_z * most_z < 1.0 - OUTWARD:
                    continue
                if found == out.shape[0]:
                    return -1
                out[found, 0] = i
                out[found, 1] = j
                out[found, 2] = k
                found += 1
    return found


@kernel
def _span_level(from_ms: int, until_ms: int) -> int:
    for level in range(SPAN_LEVELS):
        bits = SPAN_BITS + 3 * level
        if (until_ms >> bits) - (from_ms >> bits) < SPANS_MAX:
            return level
    return SPAN_LEVELS - 1


@kernel
def _touches(
    F: Floats, K: Ints, a: int, V: Floats, B: Floats, x: float, y: float, z: float, half: float, radius: float
) -> bool:
    """May a cube with middle (x, y, z) and half diagonal `half` hold a place within chord `radius` of core a?"""
    norm = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / norm, y / norm, z / norm
    # A place of the sphere in the cube is within `reach` of the middle's foot on the sphere; if the place is in the
    # shape, the foot is inside the ring, or the way between the two crosses the ring.
    reach = half + abs(1.0 - norm) + radius + OUTWARD
    limit_sq = reach * reach
    if point_gap_sq(x, y, z, V, K[a, 6], K[a, 3], B, K[a, 7], limit_sq) < limit_sq:
        return True
    return K[a, 0] == POLYGON and inside(x, y, z, V, K[a, 6], K[a, 3], F[a, 0], F[a, 1], F[a, 2], F[a, 3])


@kernel
def keys_of(F: Floats, K: Ints, a: int, V: Floats, B: Floats, keys: Ints) -> tuple[int, int, int]:
    """Write the keys of all buckets of a volume; return (their number, level, span level)."""
    ball = ball_of(F, a, 0.0)
    from_ms, until_ms = K[a, 4], K[a, 5]
    span_level = _span_level(from_ms, until_ms)
    bits = SPAN_BITS + 3 * span_level
    cells = np.empty((CELLS_TRIED_MAX, 3), np.int64)
    for level in range(LEVELS):
        side = CUBE * 4.0**level
        if 2.0 * ball[3] > CELLS_ACROSS_MAX * side:
            continue
        tried = cells_of(ball[0], ball[1], ball[2], ball[3], level, cells)
        found = 0
        for k in range(tried):
            x, y, z = (cells[k, 0] + 0.5) * side, (cells[k, 1] + 0.5) * side, (cells[k, 2] + 0.5) * side
            half = 0.8660254037844388 * side
            if _touches(F, K, a, V, B, x - ORIGIN, y - ORIGIN, z - ORIGIN, half, ball[3] - F[a, 3]):
                cells[found] = cells[k]
                found += 1
                if found > CELLS_MAX:
                    break
        if tried < 0 or found > CELLS_MAX:
            continue
        count = 0
        for span in range(from_ms >> bits, (until_ms >> bits) + 1):
            for k in range(found):
                keys[count] = key_of(level, span_level, span, cells[k, 0], cells[k, 1], cells[k, 2])
                count += 1
        return count, level, span_level
    keys[0] = key_of(EVERYWHERE, 0, 0, 0, 0, 0)
    return 1, EVERYWHERE, 0
