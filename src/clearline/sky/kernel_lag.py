"""Kernel: two moving pieces, compared at all instants that are at most so far apart.

Units and symbols as in `kernel_piece`; lengths as seen along the middle between the pieces, on the unit sphere.

Symbols
 * y and z in [-1, 1] run evenly through the window of piece a and that of piece b.
 * s + A y - B z: where a is, seen from b, a being at y and b at z.
 * A row (g, p, q) of `planes`: what is asked for has g + p y + q z <= 0.

Property of `lag_window`: it is the least box of y and z around all pairs (y, z) in the square with
|s + A y - B z| <= reach on the near side of every plane; empty (y_in > y_out) IFF there is none. Rounding goes outward.

Such pairs are a convex set: a convex polygon P and an ellipse (or a strip) Q. Its extremes are where edges of P enter
or leave Q, corners of P in Q, or extremes of Q in P. For y these have z at the foot of the perpendicular on B.
"""

from __future__ import annotations

import math

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_cylinder import disc_window
from clearline.sky.kernel_meet import APART, CLOSER, SURE
from clearline.sky.kernel_piece import Seen, limits_at, seen_along, way_of, whole_ms
from clearline.sky.kernel_shape import Floats, Ints

__all__ = ["lag_closeness", "lag_window"]

ROUNDING = 1e-12
"""How far outside the polygon a place still counts as in it: some nanoseconds of a window."""


@kernel
def _cut(corners: Floats, count: int, g: float, p: float, q: float, out: Floats) -> int:
    """Write the part of a convex polygon with g + p y + q z <= 0; return its number of corners."""
    found = 0
    for k in range(count):
        y, z = corners[k, 0], corners[k, 1]
        n = k + 1 if k + 1 < count else 0
        here = g + p * y + q * z
        there = g + p * corners[n, 0] + q * corners[n, 1]
        if here <= 0.0:
            out[found, 0], out[found, 1] = y, z
            found += 1
        if (here < 0.0 < there) or (there < 0.0 < here):
            share = here / (here - there)
            out[found, 0] = y + share * (corners[n, 0] - y)
            out[found, 1] = z + share * (corners[n, 1] - z)
            found += 1
    return found


@kernel
def _within(planes: Floats, y: float, z: float) -> bool:
    """Is (y, z) in the square and on the near side of every plane, but for rounding?"""
    if max(abs(y), abs(z)) > 1.0 + ROUNDING:
        return False
    for k in range(planes.shape[0]):
        g, p, q = planes[k, 0], planes[k, 1], planes[k, 2]
        if g + p * y + q * z > ROUNDING * (abs(g) + abs(p) + abs(q)):
            return False
    return True


@kernel
def _grown(box: tuple[float, float, float, float], y: float, z: float) -> tuple[float, float, float, float]:
    y, z = min(max(y, -1.0), 1.0), min(max(z, -1.0), 1.0)
    return min(box[0], y), max(box[1], y), min(box[2], z), max(box[3], z)


@kernel
def _extremes(
    seen: Seen, reach: float, planes: Floats, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Grow the box by the extremes of Q that lie in P."""
    sx, sy, ax, ay, bx, by, _, _ = seen
    turn = ax * by - ay * bx
    if turn == 0.0:
        return box
    aa, bb = ax * ax + ay * ay, bx * bx + by * by
    for sign in (-1.0, 1.0):
        # Least and largest y: |(s + A y) x B| = reach |B|, and z is the foot.
        y = (sign * reach * math.sqrt(bb) - (sx * by - sy * bx)) / turn
        z = ((sx + ax * y) * bx + (sy + ay * y) * by) / bb
        if _within(planes, y, z):
            box = _grown(box, y, z)
        # Least and largest z, alike: (s - B z) x A.
        z = (sign * reach * math.sqrt(aa) - (sx * ay - sy * ax)) / turn
        y = -((sx - bx * z) * ax + (sy - by * z) * ay) / aa
        if _within(planes, y, z):
            box = _grown(box, y, z)
    return box


@kernel
def lag_window(seen: Seen, reach: float, planes: Floats) -> tuple[float, float, float, float]:
    """Return (y_in, y_out, z_in, z_out); see the property above."""
    box = (math.inf, -math.inf, math.inf, -math.inf)
    if reach < 0.0:
        return box
    corners = np.empty((4 + planes.shape[0], 2))
    spare = np.empty((4 + planes.shape[0], 2))
    corners[0, 0], corners[0, 1], corners[1, 0], corners[1, 1] = -1.0, -1.0, 1.0, -1.0
    corners[2, 0], corners[2, 1], corners[3, 0], corners[3, 1] = 1.0, 1.0, -1.0, 1.0
    count = 4
    for k in range(planes.shape[0]):
        count = _cut(corners, count, planes[k, 0], planes[k, 1], planes[k, 2], spare)
        corners, spare = spare, corners
    sx, sy, ax, ay, bx, by, _, _ = seen
    for k in range(count):
        n = k + 1 if k + 1 < count else 0
        y, z = corners[k, 0], corners[k, 1]
        dy, dz = corners[n, 0] - y, corners[n, 1] - z
        px, py = sx + ax * y - bx * z, sy + ay * y - by * z
        vx, vy = ax * dy - bx * dz, ay * dy - by * dz
        t0, t1 = disc_window(
            px * px + py * py, px * vx + py * vy, vx * vx + vy * vy, px * vy - py * vx, reach, 0.0, 1.0
        )
        if t0 <= t1:
            box = _grown(box, y + t0 * dy, z + t0 * dz)
            box = _grown(box, y + t1 * dy, z + t1 * dz)
    return _extremes(seen, reach, planes, box) if count > 0 else box


@kernel
def _lag_planes(
    F: Floats, K: Ints, a: int, G: Floats, L: Ints, b: int, errors: Floats, time_ms: int, windows: Ints, most: float,
    sure: int,
) -> tuple[Floats, bool]:  # fmt: skip
    """Return what time and height ask for as planes of `kernel_lag`, and whether it can be had at all.

    With `sure` 1 the gap is surely at most `most`, otherwise it may be.
    """
    planes = np.zeros((4, 3))
    a0, a1, b0, b1 = windows[0], windows[1], windows[2], windows[3]
    middle = 0.5 * (a0 - b0) + 0.5 * (a1 - b1)
    planes[0] = middle - time_ms, 0.5 * (a1 - a0), -0.5 * (b1 - b0)
    planes[1] = -middle - time_ms, -0.5 * (a1 - a0), 0.5 * (b1 - b0)
    lower_a, upper_a = limits_at(F, K, a, a0)
    lower_b, upper_b = limits_at(G, L, b, b0)
    last_lower_a, last_upper_a = limits_at(F, K, a, a1)
    last_lower_b, last_upper_b = limits_at(G, L, b, b1)
    for k in range(2):
        if k == 0:
            same, code = K[a, 2] == L[b, 1], K[a, 2]
            outer = G[b, 8] - F[a, 9] if sure else G[b, 7] - F[a, 10]
            g = 0.5 * (lower_b + last_lower_b) - 0.5 * (upper_a + last_upper_a)
            p, q = -0.5 * (last_upper_a - upper_a), 0.5 * (last_lower_b - lower_b)
        else:
            same, code = K[a, 1] == L[b, 2], K[a, 1]
            outer = F[a, 8] - G[b, 9] if sure else F[a, 7] - G[b, 10]
            g = 0.5 * (lower_a + last_lower_a) - 0.5 * (upper_b + last_upper_b)
            p, q = 0.5 * (last_lower_a - lower_a), -0.5 * (last_upper_b - upper_b)
        known = same and errors[code] < math.inf
        if outer > most and (sure == 0 or not known):
            return planes, False
        if known and not (sure == 1 and outer <= most):
            planes[2 + k] = g + (errors[code] if sure else -errors[code]) - most, p, q
    return planes, True


@kernel
def lag_closeness(
    F: Floats, K: Ints, a: int, V: Floats, G: Floats, L: Ints, b: int, W: Floats,
    limit: float, sure: float, most: float, surely: float, time_ms: int, errors: Floats,
) -> tuple[int, int, int]:  # fmt: skip
    """Compare two pieces at all instants at most `time_ms` apart. The window holds the instants of both."""
    windows = np.array((
        max(K[a, 4], L[b, 4] - time_ms), min(K[a, 5], L[b, 5] + time_ms),
        max(L[b, 4], K[a, 4] - time_ms), min(L[b, 5], K[a, 5] + time_ms),
    ))  # fmt: skip
    planes, possible = _lag_planes(F, K, a, G, L, b, errors, time_ms, windows, most, 0)
    if not possible:
        return APART, 0, 0
    seen = seen_along(way_of(K, a, V, windows[0], windows[1]), way_of(L, b, W, windows[2], windows[3]))
    y0, y1, z0, z1 = lag_window(seen, limit + seen.slack, planes)
    if y0 > y1:
        return APART, 0, 0
    a_from, a_until = whole_ms(windows[0], windows[1], y0, y1)
    b_from, b_until = whole_ms(windows[2], windows[3], z0, z1)
    planes, possible = _lag_planes(F, K, a, G, L, b, errors, time_ms, windows, surely, 1)
    if possible:
        y0, y1, _, _ = lag_window(seen, sure / seen.stretch - seen.slack, planes)
        possible = y0 <= y1
    return (SURE if possible else CLOSER), min(a_from, b_from), max(a_until, b_until)
