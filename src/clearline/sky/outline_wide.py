"""The area where two very large outlines are closer than the rule allows: an outline to draw, and not to decide by.

How: places on and in each outline are sampled; those within the separation of the other outline are kept; the outline
is the convex hull of what is kept. It may be a little small at the corners and large where the true area bends. Where
the sample misses a small area altogether, a square around the nearest places stands for it.

`outline` draws the true region instead wherever one of the two fits on one map.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from clearline.model.volume import LatLngPoint
from clearline.sky.geodesy import CURVATURE_MERIDIAN_M_MIN
from clearline.sky.kernel_describe import basis, core_gaps
from clearline.sky.kernel_shape import POINT, POLYGON, Floats, Ints

__all__ = ["Loaded", "hull", "sampled"]

_SAMPLES: Final = 256
_DIRECTIONS: Final = 16
_SQUARE_HALF: Final = 50.0 / CURVATURE_MERIDIAN_M_MIN
"""Half side of the square that stands for an area too small to be sampled: 50 m, so that it can be seen."""

Loaded = tuple[Floats, Ints, Floats, Floats]
"""A notice as `kernel_query.load` unpacks it."""


def sampled(one: Loaded, i: int, other: Loaded, j: int, rule: Floats) -> tuple[LatLngPoint, ...]:
    """Return the hull of the places of volume i and volume j that are within the separation of the other."""
    found: list[Floats] = []
    nearest: list[Floats] = []
    for near, a, far, b in ((one, i, other, j), (other, j, one, i)):
        samples = _samples(near, a)
        F = far[0]
        limit = F[b, 4] / F[b, 5] + (rule[0] + rule[3]) / F[b, 5]
        gaps = core_gaps(samples, *far, b)
        found.append(samples[gaps <= 2.0 * math.sin(0.5 * limit)])
        nearest.append(samples[gaps.argmin()])
    kept = np.concatenate(found)
    if len(kept):
        return hull(kept)
    middle = (nearest[0] + nearest[1]) / np.linalg.norm(nearest[0] + nearest[1])
    return hull(_ring_around(middle, _SQUARE_HALF * math.sqrt(2.0), 4))


def _samples(shape: Loaded, a: int) -> Floats:
    """Return places on the outline of volume a, and some in it."""
    F, K, V, _ = shape
    vertices = V[K[a, 6] : K[a, 6] + K[a, 3], :3]
    radius = float(F[a, 4] / F[a, 5])
    if K[a, 0] == POINT:
        return np.concatenate([vertices, _ring_around(vertices[0], radius, 4 * _DIRECTIONS)])
    ends = np.roll(vertices, -1, axis=0)
    if K[a, 0] != POLYGON:
        vertices, ends = vertices[:-1], ends[:-1]
    pieces = max(2, _SAMPLES // len(vertices))
    parts = np.linspace(0.0, 1.0, pieces + 1)[:, None, None]
    line = (vertices[None] * (1.0 - parts) + ends[None] * parts).reshape(-1, 3)
    line /= np.linalg.norm(line, axis=1)[:, None]
    if K[a, 0] == POLYGON:
        inner = F[a, 13:16]
        return np.concatenate([line, inner[None]]) if inner.any() else line
    step = max(1, len(line) // (2 * _DIRECTIONS))
    rings = [_ring_around(place, radius, _DIRECTIONS) for place in line[::step]]
    return np.concatenate([line, *rings])


def _ring_around(middle: Floats, angle: float, count: int) -> Floats:
    _, east, north, _ = basis(middle[0], middle[1], middle[2], 1.0, 1.0)
    turns = (np.arange(count) + 0.5) * (2.0 * math.pi / count)
    across = np.cos(turns)[:, None] * east + np.sin(turns)[:, None] * north
    ring: Floats = math.cos(angle) * middle + math.sin(angle) * across
    return ring


def hull(places: Floats) -> tuple[LatLngPoint, ...]:
    """Return the convex hull, in the azimuthal equidistant map around the middle of the places."""
    middle = places.sum(axis=0)
    size = float(np.linalg.norm(middle))
    middle = middle / size if size > 1e-9 else places[0]
    _, east, north, _ = basis(middle[0], middle[1], middle[2], 1.0, 1.0)
    x, y, z = places @ east, places @ north, places @ middle
    flat = np.hypot(x, y)
    scale = np.where(flat > 0.0, np.arctan2(flat, z) / np.where(flat > 0.0, flat, 1.0), 1.0)
    points = sorted({(round(px, 12), round(py, 12)) for px, py in zip(x * scale, y * scale, strict=True)})
    corners = _half_hull(points) + _half_hull(points[::-1])
    if len(corners) < 3:
        return tuple(_lat_lng(place) for place in _ring_around(middle, _SQUARE_HALF * math.sqrt(2.0), 4))
    out: list[LatLngPoint] = []
    for px, py in corners:
        angle = math.hypot(px, py)
        across = (px * east + py * north) / angle if angle else 0.0 * east
        out.append(_lat_lng(math.cos(angle) * middle + math.sin(angle) * across))
    return tuple(out)


def _half_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return one side of the hull of sorted points, its last corner left out (monotone chain, A. M. Andrew 1979)."""
    chain: list[tuple[float, float]] = []
    for x, y in points:
        while len(chain) > 1:
            (ax, ay), (bx, by) = chain[-2], chain[-1]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0:
                break
            chain.pop()
        chain.append((x, y))
    return chain[:-1]


def _lat_lng(place: Floats) -> LatLngPoint:
    lat = math.degrees(math.atan2(place[2], math.hypot(place[0], place[1])))
    lng = math.degrees(math.atan2(place[1], place[0]))
    return LatLngPoint(max(-90.0, min(90.0, round(lat, 7))), max(-180.0, min(180.0, round(lng, 7))))
