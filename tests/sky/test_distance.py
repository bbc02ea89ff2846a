"""The exact kernel against oracles that share nothing with it (design.md §4): mpmath at 50 digits, and S2."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import spherely

from clearline.sky import Prepared
from clearline.sky.kernel_meet import lateral_gap
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import POLYGON
from tests.sky import oracle_mpmath as oracle
from tests.sky.shapes import EFFORT, Place, anywhere, moved, polygon, random_outline, ring_around, seeded, shape

SEED = 41_001
S2_R_M = 6_371_010.0


def gap_rad(a: Prepared, b: Prepared, limit_rad: float = 1.0) -> float:
    """The kernel's angle between two cores."""
    f, k, v, ball = load(a.floats, a.ints, 1)
    g, m, w, other_ball = load(b.floats, b.ints, 1)
    chord = lateral_gap(f, k, 0, v, ball, g, m, 0, w, other_ball, 2.0 * math.sin(limit_rad / 2.0), 0.0)
    return 2.0 * math.asin(chord / 2.0) if chord < 2.0 else math.inf


def exact_rad(a: Prepared, b: Prepared) -> float:
    vectors = []
    for prepared in (a, b):
        _, _, vertices, _ = load(prepared.floats, prepared.ints, 1)
        vectors.append([oracle.vector(row) for row in vertices[:, :3].tolist()])
    closed = (int(a.ints[0]) == POLYGON, int(b.ints[0]) == POLYGON)
    return float(oracle.shapes_apart(vectors[0], vectors[1], closed=closed))


def test_gap_against_fifty_digits() -> None:
    """R16: the distance that decides is right to 1e-13 rad (0.6 um), for all kinds and everywhere on earth."""
    seeded(SEED)
    random = Random(SEED)
    overlaps = 0
    for _ in range(120 * EFFORT):
        place = anywhere(random)
        size_m = 10.0 ** random.uniform(0.5, 3.7)
        a = shape(random_outline(random, place, size_m))
        b = shape(random_outline(random, moved(place, random.uniform(0, 360), size_m * random.uniform(0, 3)), size_m))
        expected, found = exact_rad(a, b), gap_rad(a, b)
        assert abs(found - expected) < 1e-13 + 1e-9 * expected, (place, size_m, found, expected)
        assert gap_rad(b, a) == found or abs(gap_rad(b, a) - found) < 1e-15
        overlaps += expected == 0.0
    assert overlaps > 10


def test_slivers_against_fifty_digits() -> None:
    """R16: rings of centimetres in width and kilometres in length are decided as exactly as round ones."""
    seeded(SEED + 1)
    random = Random(SEED + 1)
    for _ in range(40 * EFFORT):
        place = anywhere(random)
        bearing, length_m = random.uniform(0, 360), 10.0 ** random.uniform(2, 3.9)
        slivers = []
        for turn in (0.0, random.uniform(0.0, 180.0)):
            start = moved(place, random.uniform(0, 360), length_m * random.uniform(0.0, 0.5))
            end = moved(start, bearing + turn, length_m)
            slivers.append(
                shape(polygon(start, end, moved(end, bearing + turn + 90.0, 10.0 ** random.uniform(-1.5, 1))))
            )
        expected, found = exact_rad(slivers[0], slivers[1]), gap_rad(slivers[0], slivers[1])
        assert abs(found - expected) < 2e-12 + 1e-9 * expected


def test_gap_against_s2() -> None:
    """R16: the same decision as Google's S2 on many small and middling rings, both where they overlap and where not."""
    seeded(SEED + 2)
    random = Random(SEED + 2)
    shapes: list[Prepared] = []
    places: list[list[Place]] = []
    for _ in range(30):
        middle = anywhere(random)
        for _ in range(12):
            start = moved(middle, random.uniform(0.0, 360.0), random.uniform(0.0, 8_000.0))
            ring = ring_around(random, start, random.uniform(200.0, 4_000.0), random.randrange(4, 12))
            shapes.append(shape(polygon(*ring)))
            places.append(ring)
    overlaps = 0
    # S2 takes vertices one way round; its inside is then the smaller side too.
    others = np.array([spherely.create_polygon(shell=[(lng, lat) for lat, lng in ring]) for ring in places])
    for k, one in enumerate(shapes):
        for n in range(k - k % 12, k - k % 12 + 12):
            metres = float(spherely.distance(others[k], others[n]))
            found = gap_rad(one, shapes[n]) * S2_R_M
            assert abs(found - metres) < 1e-3 + 1e-9 * metres, (k, n, found, metres)
            overlaps += metres == 0.0
    assert overlaps > 500
