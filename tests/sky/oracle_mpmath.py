"""Distances on the unit sphere in 50 digits, by other formulas than the kernel's: the oracle that knows.

The kernel works in chords with half planes and crossing parity. Here everything is an angle: the foot of a point on a
great circle is on an arc IFF the angles to both ends add up to the arc; two arcs meet IFF one of the two crossings of
their circles is on both; a point is inside IFF the azimuths of the ring's vertices, seen from it, turn once around.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mpmath import mp, mpf

mp.dps = 50
EPSILON = mpf(10) ** -40

Vector = tuple[mpf, mpf, mpf]


def vector(values: Sequence[float]) -> Vector:
    """The exact value of three doubles, made a unit vector in 50 digits."""
    x, y, z = (mpf(float(value)) for value in values)
    return _unit((x, y, z))


def _dot(a: Vector, b: Vector) -> mpf:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _unit(a: Vector) -> Vector:
    size = mp.sqrt(_dot(a, a))
    return a[0] / size, a[1] / size, a[2] / size


def angle(a: Vector, b: Vector) -> mpf:
    across = _cross(a, b)
    return mp.atan2(mp.sqrt(_dot(across, across)), _dot(a, b))


def _on_arc(p: Vector, a: Vector, b: Vector) -> bool:
    return bool(abs(angle(a, p) + angle(p, b) - angle(a, b)) < EPSILON)


def point_to_arc(p: Vector, a: Vector, b: Vector) -> mpf:
    nearest = min(angle(p, a), angle(p, b))
    n = _unit(_cross(a, b))
    height = _dot(p, n)
    foot = (p[0] - height * n[0], p[1] - height * n[1], p[2] - height * n[2])
    if _dot(foot, foot) > EPSILON and _on_arc(_unit(foot), a, b):
        nearest = min(nearest, abs(mp.asin(height)))
    return nearest


def arcs_meet(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    line = _cross(_cross(a, b), _cross(c, d))
    if _dot(line, line) < EPSILON:
        return False
    x = _unit(line)
    other = (-x[0], -x[1], -x[2])
    return any(_on_arc(place, a, b) and _on_arc(place, c, d) for place in (x, other))


def inside(p: Vector, ring: Sequence[Vector]) -> bool:
    """Valid for rings within 90 degrees of p, as all that are near enough to matter are."""
    axis = (mpf(0), mpf(0), mpf(1)) if abs(p[2]) < mpf("0.9") else (mpf(1), mpf(0), mpf(0))
    east = _unit(_cross(axis, p))
    north = _cross(p, east)
    turned = mpf(0)
    azimuths = [mp.atan2(_dot(v, north), _dot(v, east)) for v in ring]
    for k, azimuth in enumerate(azimuths):
        step = azimuth - azimuths[k - 1]
        turned += step - 2 * mp.pi * mp.floor((step + mp.pi) / (2 * mp.pi))
    return bool(abs(turned) > mp.pi)


def shapes_apart(a: Sequence[Vector], b: Sequence[Vector], *, closed: tuple[bool, bool]) -> mpf:
    """The least angle between two points, lines or (closed) rings with their inside; 0 where they meet."""
    if closed[1] and inside(a[0], b):
        return mpf(0)
    if closed[0] and inside(b[0], a):
        return mpf(0)
    arcs_a, arcs_b = _arcs(a, closed=closed[0]), _arcs(b, closed=closed[1])
    for one in arcs_a:
        for other in arcs_b:
            if len(one) == 2 and len(other) == 2 and arcs_meet(one[0], one[1], other[0], other[1]):
                return mpf(0)
    least = min(angle(p, q) for p in a for q in b)
    for points, arcs in ((a, arcs_b), (b, arcs_a)):
        for p in points:
            least = min([least, *(point_to_arc(p, arc[0], arc[1]) for arc in arcs if len(arc) == 2)])
    return least


def _arcs(shape: Sequence[Vector], *, closed: bool) -> list[tuple[Vector, ...]]:
    if len(shape) == 1:
        return [(shape[0],)]
    pairs: list[tuple[Vector, ...]] = list(itertools.pairwise(shape))
    return [*pairs, (shape[-1], shape[0])] if closed else pairs
