"""Kernel: when are two that move in straight lines closer than a cylinder?

Units: any one unit of length [d] and of time [t]. Axes: x and y over ground, z up.

Symbols
 * s [d] and v [d/t]: relative position at time 0 and relative velocity; sx, sy, sz and vx, vy, vz are their parts.
 * D [d] radius over ground, H [d] half height of the cylinder; t0, t1 [t] the span of time asked about.
 * A result (t_in, t_out) is a closed interval; empty IFF t_in > t_out, and then it is (infinity, -infinity).

Property of `cylinder_window`: a time t in [t0, t1] is in the result IFF |s + v t| over ground is at most D and the
height |sz + vz t| at most H. Rounding goes outward: what touches in exact arithmetic is never left out, and what is
added is some 1e-15 of the lengths concerned, all of them below 1e150.

Source: design.md §4; closed form as in every proof of conflict detection by state (CD2D), stable form of the roots.
"""

from __future__ import annotations

import math

from clearline.sky.compiler import inner, kernel

__all__ = ["cylinder_window", "disc_window", "half_window", "slab_window"]

ROUNDING = 2.0**-50
"""Four units in the last place: more than the few operations of a closed form can lose."""
STANDING = 1e-200
"""Below this square of a speed nothing moves, and its digits are no longer whole."""


@inner
def half_window(g: float, h: float, t0: float, t1: float) -> tuple[float, float]:
    """Return the t in [t0, t1] with g + h t <= 0."""
    if h == 0.0:
        return (t0, t1) if g <= 0.0 else (math.inf, -math.inf)
    root = -g / h
    slack = ROUNDING * abs(root)
    if h > 0.0:
        t1 = min(t1, root + slack)
    else:
        t0 = max(t0, root - slack)
    return (t0, t1) if t0 <= t1 else (math.inf, -math.inf)


@inner
def slab_window(g: float, h: float, reach: float, t0: float, t1: float) -> tuple[float, float]:
    """Return the t in [t0, t1] with |g + h t| <= reach."""
    t0, t1 = half_window(g - reach, h, t0, t1)
    return half_window(-g - reach, -h, t0, t1)


@inner
def disc_window(
    ss: float, sv: float, vv: float, cross: float, reach: float, t0: float, t1: float
) -> tuple[float, float]:
    """Return the t in [t0, t1] with |s + v t| <= reach, from s.s, s.v, v.v and |s x v|, in two or three dimensions.

    |s x v| is given for itself: what is left of s.s and (s.v)^2 after their difference is taken are not its digits.
    """
    if vv < STANDING:
        return (t0, t1) if ss <= reach * reach else (math.inf, -math.inf)
    speed = math.sqrt(vv)
    miss = abs(cross) / speed
    if miss > reach:
        return math.inf, -math.inf
    middle = -sv / vv
    half = math.sqrt((reach - miss) * (reach + miss)) / speed
    slack = ROUNDING * (abs(middle) + half)
    t0 = max(t0, middle - half - slack)
    t1 = min(t1, middle + half + slack)
    return (t0, t1) if t0 <= t1 else (math.inf, -math.inf)


@kernel
def cylinder_window(
    sx: float, sy: float, sz: float, vx: float, vy: float, vz: float, D: float, H: float, t0: float, t1: float
) -> tuple[float, float]:
    """Return when two are within D over ground and H in height; see the property above."""
    if not t0 <= t1:
        return math.inf, -math.inf
    tall = H + ROUNDING * (abs(sz) + H)
    t0, t1 = slab_window(sz, vz, tall, t0, t1)
    if t0 > t1:
        return math.inf, -math.inf
    ss = sx * sx + sy * sy
    wide = D + ROUNDING * (math.sqrt(ss) + D)
    return disc_window(ss, sx * vx + sy * vy, vx * vx + vy * vy, sx * vy - sy * vx, wide, t0, t1)
