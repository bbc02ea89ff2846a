"""Shapes that cannot be decided are refused, with the place named (rule 2: refuse, never guess)."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Circle, Corridor, Polygon, Volume4D
from clearline.sky import prepare
from clearline.sky.kernel_shape import unit_vectors
from tests.sky import oracle_mpmath as oracle
from tests.sky.shapes import (
    EFFORT,
    Place,
    anywhere,
    circle,
    closer,
    corridor,
    moved,
    polygon,
    ring_around,
    seeded,
    shape,
    volume,
)

Outline = Polygon | Circle | Corridor
FINE = volume(circle(0.0, 0.0, 100.0))


def refused(*volumes: Volume4D, field: str = "volumes") -> Refusal:
    with pytest.raises(Refusal) as caught:
        prepare(volumes, field=field)
    return caught.value


@pytest.mark.parametrize(
    ("ring", "code", "vertex"),
    [
        (((0, 0), (1, 1), (0, 1), (1, 0)), RefusalCode.RING_CROSSES, 2),  # bow tie
        (
            ((0, 0), (0, 0.02), (0.02, 0.02), (0.02, 0.01), (0, 0.01), (0.02, 0)),
            RefusalCode.RING_CROSSES,
            3,
        ),  # a corner on an edge
        (((0, 0), (0, 2), (1, 1), (2, 2), (2, 0), (1, 1)), RefusalCode.RING_CROSSES, 4),  # touches itself in a vertex
        (((0, 0), (0, 0.03), (0, 0.01), (0.01, 0)), RefusalCode.RING_CROSSES, 1),  # folds back on itself
        (((0, 0), (0, 1), (0, 2)), RefusalCode.RING_INVALID, None),  # no inside, on the equator
        (((0, 10), (1, 10), (2, 10)), RefusalCode.RING_INVALID, None),  # no inside, on a meridian
        (((0, 0), (0, 1), (1e-9, 1), (1, 0)), RefusalCode.RING_INVALID, 2),  # a tenth of a millimetre
        (((90, 0), (90, 120), (80, 60)), RefusalCode.RING_INVALID, 1),  # one pole with two longitudes
        (((5, 180), (5, -180), (6, 179), (6, 178)), RefusalCode.RING_INVALID, 1),  # one place on the antimeridian
        (((-60, -180), (-60, 0), (-60, 180), (-90, 180), (-90, -180)), RefusalCode.RING_INVALID, 4),
        (((0, 0), (0, 100), (10, 50)), RefusalCode.SHAPE_TOO_LARGE, 0),  # an edge of 100 degrees
        (((85, 0), (-4, 30), (-4, -30), (-4, -89), (-4, -170), (-4, 110), (-4, 89)), RefusalCode.SHAPE_TOO_LARGE, None),
    ],
)
def test_rings(ring: tuple[Place, ...], code: RefusalCode, vertex: int | None) -> None:
    """R16: rings without a definite inside are refused; the field is the whole path to the vertex."""
    refusal = refused(FINE, volume(polygon(*ring)), field="body.volumes")
    assert refusal.code is code
    assert refusal.field.startswith("body.volumes[1].volume.outline_polygon")
    if vertex is not None:
        assert refusal.field.endswith(f".vertices[{vertex}]")


@pytest.mark.parametrize(
    ("outline", "code", "field"),
    [
        (corridor(10.0, (0, 0), (0, 100)), RefusalCode.SHAPE_TOO_LARGE, "outline_corridor.vertices[0]"),
        (corridor(10.0, (0, 0), (0, 1), (1e-9, 1)), RefusalCode.RING_INVALID, "outline_corridor.vertices[2]"),
        (corridor(10.0, (0, 0), (0, 85), (0, 170)), RefusalCode.SHAPE_TOO_LARGE, "outline_corridor"),
    ],
)
def test_corridors(outline: Corridor, code: RefusalCode, field: str) -> None:
    """R16: lines are bounded as rings are; that they cross themselves is no fault."""
    refusal = refused(volume(outline))
    assert (refusal.code, refusal.field) == (code, f"volumes[0].volume.{field}")
    assert closer(shape(corridor(50.0, (0, 0), (0.1, 0.1), (0.1, 0.0), (0.0, 0.1))), shape(circle(0.05, 0.05, 1.0)))


def test_too_many_vertices_after_splitting() -> None:
    """Rule 8: long edges cannot make a notice that costs seconds to compare."""
    zigzag = [(0.5 * (k % 2) * 60.0, -60.0 + 0.2 * k) for k in range(499)]
    refusal = refused(*(volume(polygon(*zigzag, (40.0, 0.0))) for _ in range(4)))
    assert refusal.code is RefusalCode.SHAPE_TOO_LARGE
    assert str(limits.SPLIT_VERTICES_MAX) in refusal.allowed


def test_a_ring_of_many_pieces() -> None:
    """Rule 8: long edges cannot make a ring whose check takes seconds; the same as a line is fine."""
    comb = [(47.0 + 3.0 * (k % 2), 8.0 + 0.0001 * k) for k in range(498)]
    refusal = refused(volume(polygon(*comb, (46.9, 8.1), (46.9, 7.9))))
    assert (refusal.code, refusal.field) == (
        RefusalCode.SHAPE_TOO_LARGE,
        "volumes[0].volume.outline_polygon.vertices",
    )
    assert str(limits.RING_VERTICES_MAX) in refusal.allowed
    shape(corridor(10.0, *comb))


def test_the_largest_outline_is_taken() -> None:
    """R16: published airspace has outlines of 8,356 vertices."""
    comb = [(47.0 + 0.03 * (k % 2), 8.0 + 0.0001 * k) for k in range(limits.OUTLINE_VERTICES_MAX - 2)]
    shape(polygon(*comb, (46.9, 9.1), (46.9, 7.9)))
    comb[-1] = (47.015, 8.5)
    refusal = refused(volume(polygon(*comb, (46.9, 9.1), (46.9, 7.9))))
    assert refusal.code is RefusalCode.RING_CROSSES


@pytest.mark.parametrize(
    ("band", "code"),
    [
        (("FL300", "1000 ft AMSL"), RefusalCode.ALTITUDE_ORDER),
        ((20_000.0, "FL100"), RefusalCode.ALTITUDE_ORDER),
        (("99000 m AGL", 100.0), RefusalCode.ALTITUDE_ORDER),
        (("120 m AGL", 100.0), None),  # on low ground this has an order
        (("FL050", "5000 ft QNH"), None),  # in some weather so has this
    ],
)
def test_altitude_order(band: tuple[float | str, float | str], code: RefusalCode | None) -> None:
    """R13: a band is refused only where its limits are the wrong way round whatever the weather and the ground."""
    if code is None:
        assert len(prepare([volume(circle(0.0, 0.0, 10.0), band=band)])) == 1
    else:
        refusal = refused(FINE, volume(circle(0.0, 0.0, 10.0), band=band))
        assert (refusal.code, refusal.field) == (code, "volumes[1].volume.altitude_lower")


def test_rings_that_are_fine() -> None:
    """R16: nothing sound is refused: combs, a narrow gap, rings over poles and oceans, 500 corners."""
    comb = [(0.0, 0.0), *((0.01 * (k % 4 in {1, 2}), 0.001 * k) for k in range(1, 80)), (-0.01, 0.05)]
    spiral = [moved((20.0, 30.0), k * 0.72, 10_000.0) for k in range(500)]
    gap = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.5000002), (0.5, 0.5), (1.0, 0.4999998), (1.0, 0.0)]
    ocean = [
        (60.0, -179.0),
        (60.0, -130.0),
        (5.0, -90.0),
        (-50.0, -80.0),
        (-50.0, -130.0),
        (-50.0, 178.0),
        (0.0, 160.0),
    ]
    pole = [(70.0, lng) for lng in range(-180, 180, 45)]
    # Its last two edges run along meridians in pieces of one line; the first two pass the pole on either side.
    lens = [(80.0, -179.0), (80.0, 0.0), (80.0, 179.0), (90.0, 179.0)]
    for ring in (comb, spiral, gap, ocean, pole, lens):
        shape(polygon(*ring))
        shape(polygon(*ring[::-1]))


def test_rings_are_judged_as_by_fifty_digits() -> None:
    """R16: a star-shaped ring is simple; with two corners exchanged it is refused IFF two of its edges meet."""
    seed = 44_001
    seeded(seed)
    random = Random(seed)
    crossing = 0
    for _ in range(40 * EFFORT):
        ring = ring_around(random, anywhere(random), 10.0 ** random.uniform(1.0, 3.6), random.randrange(6, 12))
        shape(polygon(*ring))
        k = random.randrange(len(ring) - 3)
        ring[k], ring[k + 3] = ring[k + 3], ring[k]
        corners = [oracle.vector(row) for row in unit_vectors(*np.array(ring).T.copy()).tolist()]
        edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
        meets = any(
            oracle.arcs_meet(*edges[i], *edges[j])
            for i in range(len(edges))
            for j in range(i + 2, len(edges))
            if (i, j) != (0, len(edges) - 1)
        )
        crossing += meets
        if meets:
            refusal = refused(volume(polygon(*ring)))
            assert refusal.code is RefusalCode.RING_CROSSES
            assert 0 <= int(refusal.field.rpartition("[")[2].rstrip("]")) < len(ring)
        else:
            shape(polygon(*ring))
    assert crossing > 10


def test_radius_counts_into_the_cap() -> None:
    """Rule 8: a circle of 500 km fits anywhere, on the poles too."""
    for lat in (0.0, 45.0, 90.0, -90.0):
        assert not math.isnan(shape(circle(lat, 0.0, 500_000.0)).floats[3])
