"""Kernel: a moving piece: where it is, how high, and how two of them are seen from between.

Units: places and chords as in `kernel_shape`, lengths in metres, times in ms, closed intervals.

A *piece* is at most 5 km of a trajectory (`trajectory.py`). Its record is that of `kernel_meet` with

 * K[0] = MOVING; two vertices, where it is at K[4] and at K[5]; both are one place while it hovers;
 * F[7:11] the hull of its heights W84 over the piece; F[11], F[12] lower and upper limit at K[4], F[13], F[14] those at
   K[5], in their own reference [m]. Between the two they change evenly.

Symbols
 * [w0, w1] a window within [K[4], K[5]]; y in [-1, 1] runs through it evenly.
 * M + H y, made a unit vector, is where the piece is: M and H are half the sum and half the difference of the places at
   w0 and w1; h = |H| is 4e-4 or less, so that cos(h) <= |M + H y| <= 1. This departs from even motion on the great
   circle by less than h^3 / 8, some 1e-11 [rad].
 * Pi: what is left of a place seen along c, the direction of the middle between two pieces. A length seen so is never
   longer than the chord, and a chord is longer by the factor sqrt(1 + k^2) at most, k being the farthest that either
   is seen from c (of places at 1 from the centre of the earth the deeper one is the one farther from c).
   Pi (M + H y) runs evenly, and the piece is within |Pi (M + H y)| h^2 / 2 of it: below 2 mm at 50 km.

Source: design.md §4 ("buffered trajectory"); practice.md R13; docs/adr/0009-moving-segments.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from clearline.sky.compiler import inner
from clearline.sky.kernel_cylinder import half_window
from clearline.sky.kernel_shape import MOVING, Floats, Ints

__all__ = ["Seen", "Way", "limits_at", "place_at", "place_on", "seen_along", "vertical_window", "way_of", "whole_ms"]

Way = tuple[float, float, float, float, float, float]
"""M and H."""


class Seen(NamedTuple):
    """Two pieces as seen along the middle between them.

    s; half the way of a and of b in their windows; by how much a length may be off for the bend of the two ways, and by
    what factor a chord is longer at most.
    """

    sx: float
    sy: float
    ax: float
    ay: float
    bx: float
    by: float
    slack: float
    stretch: float


@inner
def place_at(K: Ints, a: int, V: Floats, at_ms: float) -> tuple[float, float, float]:
    """Return where piece a is, as a unit vector."""
    v = K[a, 6]
    share = (at_ms - K[a, 4]) / (K[a, 5] - K[a, 4])
    x = V[v, 0] + share * (V[v + 1, 0] - V[v, 0])
    y = V[v, 1] + share * (V[v + 1, 1] - V[v, 1])
    z = V[v, 2] + share * (V[v + 1, 2] - V[v, 2])
    norm = math.sqrt(x * x + y * y + z * z)
    return x / norm, y / norm, z / norm


@inner
def limits_at(F: Floats, K: Ints, a: int, at_ms: float) -> tuple[float, float]:
    """Return the lower and upper limit of volume a at an instant, in their own references."""
    if K[a, 0] != MOVING:
        return F[a, 11], F[a, 12]
    share = (at_ms - K[a, 4]) / (K[a, 5] - K[a, 4])
    return F[a, 11] + share * (F[a, 13] - F[a, 11]), F[a, 12] + share * (F[a, 14] - F[a, 12])


@inner
def way_of(K: Ints, a: int, V: Floats, w0: int, w1: int) -> Way:
    """Return M and H of piece a over [w0, w1]."""
    x0, y0, z0 = place_at(K, a, V, w0)
    x1, y1, z1 = place_at(K, a, V, w1)
    return (
        0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.5 * (z0 + z1),
        0.5 * (x1 - x0), 0.5 * (y1 - y0), 0.5 * (z1 - z0),
    )  # fmt: skip


@inner
def place_on(way: Way, y: float) -> tuple[float, float, float]:
    """Return M + H y as a unit vector."""
    px, py, pz = way[0] + way[3] * y, way[1] + way[4] * y, way[2] + way[5] * y
    norm = math.sqrt(px * px + py * py + pz * pz)
    return px / norm, py / norm, pz / norm


@inner
def _gap_window(
    outer: float, first: float, last: float, error: float, allowed: float, y0: float, y1: float
) -> tuple[float, float]:
    """Return when both the gap by W84 `outer` and that of the own reference, less its error, are allowed."""
    if outer > allowed:
        return math.inf, -math.inf
    if error == math.inf:
        return y0, y1
    return half_window(0.5 * (first + last) - error - allowed, 0.5 * (last - first), y0, y1)


@inner
def _sure_gap_window(
    outer: float, first: float, last: float, error: float, allowed: float, y0: float, y1: float
) -> tuple[float, float]:
    """Return when the gap by W84 `outer`, or that of the own reference with its error, is allowed."""
    if outer <= allowed:
        return y0, y1
    if error == math.inf:
        return math.inf, -math.inf
    return half_window(0.5 * (first + last) + error - allowed, 0.5 * (last - first), y0, y1)


@inner
def vertical_window(
    F: Floats, K: Ints, a: int, G: Floats, L: Ints, b: int, errors: Floats, w0: int, w1: int, most: float, sure: float
) -> tuple[float, float, float, float]:
    """Return when the gap of two bands may be at most `most`, and when it is surely at most `sure`: two y windows."""
    lower_a, upper_a = limits_at(F, K, a, w0)
    lower_b, upper_b = limits_at(G, L, b, w0)
    last_lower_a, last_upper_a = limits_at(F, K, a, w1)
    last_lower_b, last_upper_b = limits_at(G, L, b, w1)
    error = errors[K[a, 2]] if K[a, 2] == L[b, 1] else math.inf
    up, last_up = lower_b - upper_a, last_lower_b - last_upper_a
    y0, y1 = _gap_window(G[b, 7] - F[a, 10], up, last_up, error, most, -1.0, 1.0)
    s0, s1 = _sure_gap_window(G[b, 8] - F[a, 9], up, last_up, error, sure, -1.0, 1.0)
    error = errors[K[a, 1]] if L[b, 2] == K[a, 1] else math.inf
    down, last_down = lower_a - upper_b, last_lower_a - last_upper_b
    y0, y1 = _gap_window(F[a, 7] - G[b, 10], down, last_down, error, most, y0, y1)
    s0, s1 = _sure_gap_window(F[a, 8] - G[b, 9], down, last_down, error, sure, s0, s1)
    return y0, y1, s0, s1


@inner
def seen_along(one: Way, other: Way) -> Seen:
    """Return two pieces as seen along the middle between them; see `Seen`."""
    cx, cy, cz = one[0] + other[0], one[1] + other[1], one[2] + other[2]
    norm = math.sqrt(cx * cx + cy * cy + cz * cz)
    cx, cy, cz = cx / norm, cy / norm, cz / norm
    # Two directions across c, the first away from the axis that is nearest to c.
    if abs(cz) < 0.9:
        size = math.sqrt(cx * cx + cy * cy)
        ex, ey, ez = -cy / size, cx / size, 0.0
    else:
        size = math.sqrt(cy * cy + cz * cz)
        ex, ey, ez = 0.0, -cz / size, cy / size
    fx, fy, fz = cy * ez - cz * ey, cz * ex - cx * ez, cx * ey - cy * ex
    dx, dy, dz = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    slack = widest = 0.0
    for x, y, z, hx, hy, hz in (one, other):
        h = math.sqrt(hx * hx + hy * hy + hz * hz)
        off = math.sqrt((ex * x + ey * y + ez * z) ** 2 + (fx * x + fy * y + fz * z) ** 2) + h
        slack += 0.5 * h * h * off + 1e-15
        widest = max(widest, off)
    return Seen(
        ex * dx + ey * dy + ez * dz, fx * dx + fy * dy + fz * dz,
        ex * one[3] + ey * one[4] + ez * one[5], fx * one[3] + fy * one[4] + fz * one[5],
        ex * other[3] + ey * other[4] + ez * other[5], fx * other[3] + fy * other[4] + fz * other[5],
        slack, 1.0 + widest * widest,
    )  # fmt: skip


@inner
def whole_ms(w0: int, w1: int, y0: float, y1: float) -> tuple[int, int]:
    """Return the whole ms of [w0, w1] around [y0, y1]."""
    half = 0.5 * (w1 - w0)
    from_ms = w0 + math.floor(half * (y0 + 1.0))
    until_ms = w0 + math.ceil(half * (y1 + 1.0))
    return max(w0, from_ms), min(w1, until_ms)
