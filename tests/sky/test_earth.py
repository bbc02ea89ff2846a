"""Nothing is missed on the true earth (design.md §4, R16): distances by pyproj on WGS84, nasty places, nasty shapes."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from clearline.sky import describe
from clearline.sky.kernel_cells import CUBE
from tests.sky.shapes import (
    EFFORT,
    INTERSECT,
    Place,
    anywhere,
    circle,
    closer,
    corridor,
    moved,
    polygon,
    ring_around,
    rules,
    seeded,
    shape,
)

SEED = 42_001
WGS84 = Geod(ellps="WGS84")
SQUARE: tuple[Place, ...] = ((0.0, 0.0), (0.0, 0.05), (0.05, 0.05), (0.05, 0.0))


def ahead(place: Place, bearing_deg: float, distance_m: float) -> Place:
    lng, lat, _ = WGS84.fwd(place[1], place[0], bearing_deg, distance_m)
    return float(lat), float(lng)


def apart_m(a: Place, b: Place) -> float:
    return float(WGS84.inv(a[1], a[0], b[1], b[0])[2])


def test_circles_are_never_too_small() -> None:
    """R16: circles that touch on WGS84 conflict, everywhere; ones 0.7 % (N/M at the equator) farther apart do not."""
    seeded(SEED)
    random = Random(SEED)
    for _ in range(400 * EFFORT):
        place, bearing = anywhere(random), random.uniform(0.0, 360.0)
        one, other = (10.0 ** random.uniform(0.0, 5.0) for _ in range(2))
        lateral_m = random.choice([0.0, 5_556.0])
        reach = one + other + lateral_m
        rule_set = rules(lateral_m)
        touching = ahead(place, bearing, reach)
        assert closer(shape(circle(*place, one)), shape(circle(*touching, other)), rule_set)
        beyond = ahead(place, bearing, reach * 1.0068 + 0.1)
        assert not closer(shape(circle(*place, one)), shape(circle(*beyond, other)), rule_set)


def test_certainty_is_true() -> None:
    """R16: where a finding says it is certain, the circles are closer than the separation by pyproj as well."""
    seeded(SEED + 1)
    random = Random(SEED + 1)
    certain = 0
    for _ in range(400 * EFFORT):
        place, radius_m = anywhere(random), 10.0 ** random.uniform(1.0, 5.0)
        other = ahead(place, random.uniform(0.0, 360.0), 2.0 * radius_m * random.uniform(0.99, 1.01))
        meeting = describe(shape(circle(*place, radius_m)), shape(circle(*other, radius_m)), INTERSECT)
        distance_m = apart_m(place, other)
        assert meeting is not None or distance_m > 2.0 * radius_m
        if meeting is not None and meeting.certain:
            certain += 1
            assert distance_m <= 2.0 * radius_m
    assert certain > 50


def test_long_edges_follow_the_geodesic() -> None:
    """R16: a circle that touches a 500 km edge as WGS84 draws it is found; a great circle would be up to 60 m off."""
    seeded(SEED + 2)
    random = Random(SEED + 2)
    for _ in range(40 * EFFORT):
        start, bearing = anywhere(random), random.uniform(0.0, 360.0)
        length_m = random.uniform(50e3, 500e3)
        end = ahead(start, bearing, length_m)
        if random.random() < 0.5:
            third = ahead(start, bearing + 60.0, length_m)
            long, side, width_m = shape(polygon(start, end, third)), -90.0, 0.0
        else:
            width_m = random.uniform(10.0, 5_000.0)
            long, side = shape(corridor(width_m, start, end)), random.choice([-90.0, 90.0])
        foot = ahead(start, bearing, length_m * random.uniform(0.05, 0.95))
        onward = WGS84.inv(foot[1], foot[0], end[1], end[0])[0]
        radius_m = 10.0 ** random.uniform(0.0, 3.0)
        touching = ahead(foot, onward + side, radius_m + width_m)
        assert closer(long, shape(circle(*touching, radius_m)))
        beyond = ahead(foot, onward + side, (radius_m + width_m) * 1.0068 + 0.1)
        assert not closer(long, shape(circle(*beyond, radius_m)))


def test_points_on_a_geodesic_edge_are_in_both_neighbours() -> None:
    """R16: two rings that share a long edge touch wherever a third one sits on that edge."""
    seeded(SEED + 3)
    random = Random(SEED + 3)
    for _ in range(30 * EFFORT):
        start, bearing = anywhere(random), random.uniform(0.0, 360.0)
        end = ahead(start, bearing, random.uniform(15e3, 500e3))
        east, west = ahead(start, bearing + 70.0, 20e3), ahead(start, bearing - 70.0, 20e3)
        left, right = shape(polygon(start, end, west)), shape(polygon(end, start, east))
        assert closer(left, right)
        share = random.uniform(0.1, 0.9)
        foot = ahead(start, bearing, share * apart_m(start, end))
        on_edge = shape(polygon(foot, ahead(foot, bearing + 120.0, 900.0), ahead(foot, bearing + 150.0, 900.0)))
        assert closer(left, on_edge)
        assert closer(right, on_edge)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_poles(pole: float) -> None:
    """R16: a ring around a pole holds the pole, whichever way it runs, and not what is beyond its edges."""
    sign = math.copysign(1.0, pole)
    ring = [(sign * 80.0, lng) for lng in (-180.0, -90.0, 0.0, 90.0)]
    for places in (ring, ring[::-1]):
        cap = shape(polygon(*places))
        assert closer(cap, shape(circle(pole, 17.0, 1.0)))
        assert closer(cap, shape(circle(sign * 89.999, -130.0, 1.0)))
        assert not closer(cap, shape(circle(sign * 79.9, 0.0, 1_000.0)))
        assert not closer(cap, shape(circle(-pole, 0.0, 1_000.0)))
    a, b = circle(pole, 10.0, 5_000.0), circle(sign * 89.91, -100.0, 5_100.0)
    assert closer(shape(a), shape(b))


def test_antimeridian() -> None:
    """R16: 180 east and 180 west are one line."""
    west = shape(polygon((10.0, 179.9), (10.0, -179.9), (10.1, -179.9), (10.1, 179.9)))
    for lng in (180.0, -180.0, 179.95, -179.95):
        assert closer(west, shape(circle(10.05, lng, 10.0)))
    assert not closer(west, shape(circle(10.05, 0.0, 10.0)))
    assert closer(shape(circle(-5.0, 179.999, 200.0)), shape(circle(-5.0, -179.999, 200.0)))
    assert closer(shape(corridor(50.0, (0.0, 179.0), (0.0, -179.0))), shape(circle(0.0, 180.0, 1.0)))


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (((0.05, 0.0), (0.05, 0.05), (0.1, 0.05), (0.1, 0.0)), True),  # a whole edge in common
        (((0.05, 0.05), (0.05, 0.1), (0.1, 0.1), (0.1, 0.05)), True),  # one corner in common
        (((0.025, 0.05), (0.03, 0.1), (0.02, 0.1)), True),  # a corner on an edge
        (((0.02, 0.02), (0.02, 0.03), (0.03, 0.03), (0.03, 0.02)), True),  # nested
        (((-0.1, -0.1), (-0.1, 0.2), (0.2, 0.2), (0.2, -0.1)), True),  # around it
        (SQUARE, True),
        (((0.02, -0.1), (0.02, 0.2), (0.03, 0.2), (0.03, -0.1)), True),  # across, no corner inside
        (((0.05001, 0.0), (0.05001, 0.05), (0.1, 0.05), (0.1, 0.0)), False),  # 1.1 m away
        (((0.0, 0.05000003), (0.0, 0.1), (0.05, 0.1), (0.05, 0.05000003)), True),  # 3.3 mm: within the tolerance
        (((0.0, 0.0500001), (0.0, 0.1), (0.05, 0.1), (0.05, 0.0500001)), False),  # 1.1 cm (F3548 GEN0500)
    ],
)
def test_touching_and_nested(other: tuple[Place, ...], *, meets: bool) -> None:
    """R16: intervals are closed, touching is a conflict; orientation and start of a ring say nothing."""
    for one in (SQUARE, SQUARE[::-1], SQUARE[2:] + SQUARE[:2]):
        for places in (other, other[::-1], other[1:] + other[:1]):
            assert closer(shape(polygon(*one)), shape(polygon(*places))) is meets


def test_touching_is_not_certain_and_overlap_is() -> None:
    """R16: a finding says whether it lies within the tolerance."""
    square = shape(polygon(*SQUARE))
    beside = describe(square, shape(polygon((0.05, 0.0), (0.05, 0.05), (0.1, 0.05), (0.1, 0.0))), INTERSECT)
    assert beside is not None
    assert not beside.certain
    assert beside.lateral_m_min == pytest.approx(0.0, abs=0.02)
    same = describe(square, square, INTERSECT)
    assert same is not None
    assert same.certain
    across = describe(square, shape(polygon((0.02, -0.1), (0.02, 0.2), (0.03, 0.2), (0.03, -0.1))), INTERSECT)
    assert across is not None
    assert across.certain


def test_corners_of_the_grid() -> None:
    """R16: shapes at the corners of the index's cubes are found from every side of the corner."""
    for part in (0.6875, 0.5, 0.09375):
        x = round(part / CUBE) * CUBE
        for share in (0.25, 0.5):
            y = math.sqrt((1.0 - x * x) * share)
            y = round(y / CUBE) * CUBE
            z = math.sqrt(1.0 - x * x - y * y)
            place = math.degrees(math.asin(z)), math.degrees(math.atan2(y, x))
            for bearing in range(0, 360, 45):
                beside = moved(place, bearing, 1.5)
                assert closer(shape(circle(*place, 1.0)), shape(circle(*beside, 1.0)))
                assert not closer(shape(circle(*place, 1.0)), shape(circle(*moved(place, bearing, 2.5), 1.0)))


@settings(max_examples=60 * EFFORT, deadline=None, derandomize=True)
@given(
    lat=st.floats(-90.0, 90.0),
    lng=st.floats(-180.0, 180.0),
    size_m=st.floats(30.0, 50_000.0),
    corners=st.integers(3, 12),
    seed=st.integers(0, 1 << 32),
)
def test_a_ring_meets_itself_and_its_parts(lat: float, lng: float, size_m: float, corners: int, seed: int) -> None:
    """R16: every ring meets itself, its reverse, a circle on each vertex, on each middle of an edge, and its centre."""
    random = Random(seed)
    ring = ring_around(random, (lat, lng), size_m, max(corners, 4))
    own = shape(polygon(*ring))
    assert closer(own, shape(polygon(*ring[::-1])))
    assert closer(own, shape(circle(lat, lng, 1.0)))
    for place, following in zip(ring, ring[1:] + ring[:1], strict=True):
        assert closer(own, shape(circle(*place, 0.01)))
        bearing = WGS84.inv(place[1], place[0], following[1], following[0])[0]
        middle = ahead(place, bearing, apart_m(place, following) / 2.0)
        assert closer(own, shape(circle(*middle, 0.01)))
