"""The outline of a meeting is the region that both widened outlines hold, everywhere on earth and at every size (R16).

What a place belongs to is asked of the exact comparison: a circle of next to nothing there, and half of the separation.
"""

from __future__ import annotations

import math
from random import Random

import pytest
import shapely
from pyproj import Geod

from clearline.model.rules import RuleSet
from clearline.model.volume import Corridor, Polygon
from clearline.sky import Meeting, Prepared, describe, prepare
from tests.sky.shapes import (
    EFFORT,
    INTERSECT,
    THREES,
    Place,
    anywhere,
    circle,
    corridor,
    moved,
    polygon,
    random_outline,
    rules,
    seeded,
    shape,
    volume,
)

GEOD = Geod(ellps="WGS84")


def vast(middle: Place, radius_m: float) -> Polygon:
    return polygon(*[moved(middle, 7.0 + 10.0 * k, radius_m) for k in range(36)])


def met(a: Prepared, b: Prepared, rule_set: RuleSet) -> Meeting:
    meeting = describe(a, b, rule_set)
    assert meeting is not None
    return meeting


def on_map(place: Place, centre: Place) -> tuple[float, float]:
    """A map of its own: azimuth and distance on the ellipsoid."""
    azimuth, _, distance_m = GEOD.inv(centre[1], centre[0], place[1], place[0])
    return distance_m * math.sin(math.radians(azimuth)), distance_m * math.cos(math.radians(azimuth))


def region(meeting: Meeting, centre: Place) -> shapely.Geometry:
    rings = [shapely.Polygon([on_map((each.lat, each.lng), centre) for each in ring]) for ring in meeting.areas]
    assert all(ring.is_valid for ring in rings), "every outline is a simple ring"
    return shapely.union_all(rings)


def within(place: Place, outline: Prepared, distance_m: float) -> bool:
    return (
        distance_m >= 0.0
        and describe(shape(circle(*place, 0.01)), outline, rules(distance_m), outline=False) is not None
    )


@pytest.mark.parametrize("rule_set", [INTERSECT, rules(1_000.0), THREES], ids=["0", "1000", "threes"])
def test_a_place_is_drawn_if_and_only_if_both_hold_it(rule_set: RuleSet) -> None:
    """R16: places well within both widened outlines are drawn, places well outside either are not."""
    seed = 61_001
    seeded(seed)
    random = Random(seed)
    half_m = 0.5 * rule_set.separation_lateral_m
    counts = {True: 0, False: 0}
    for _ in range(60 * EFFORT):
        middle, size_m = anywhere(random), 10.0 ** random.uniform(2.0, 5.3)
        one = random_outline(random, middle, size_m)
        other = random_outline(random, moved(middle, random.uniform(0.0, 360.0), size_m * random.random()), size_m)
        a, b = shape(one), shape(other)
        meeting = describe(a, b, rule_set)
        if meeting is None:
            continue
        drawn = region(meeting, middle)
        # Loops of a corridor are filled, so a place outside of one may be drawn.
        looped = isinstance(one, Corridor) or isinstance(other, Corridor) or half_m > 0.0
        for _ in range(12):
            place = moved(middle, random.uniform(0.0, 360.0), size_m * 1.5 * random.random())
            slack_m = 0.015 * (size_m + half_m) + 12.0
            here = shapely.Point(on_map(place, middle))
            if _deep(place, (one, other), (a, b), half_m - slack_m):
                assert drawn.distance(here) <= 0.001 * size_m + 1.0
                counts[True] += 1
            elif not (within(place, a, half_m + slack_m) and within(place, b, half_m + slack_m)) and not looped:
                assert not drawn.covers(here)
                counts[False] += 1
    assert min(counts.values()) > 30 or half_m > 0.0
    assert counts[True] > 30


def _deep(place: Place, outlines: tuple[object, object], held: tuple[Prepared, Prepared], half_m: float) -> bool:
    """Are both within `half_m`, or, where that is negative, circles and polygons that hold the place itself?"""
    if half_m >= 0.0:
        return all(within(place, each, half_m) for each in held)
    return all(within(place, each, 0.0) for each in held) and all(isinstance(each, Polygon) for each in outlines)


def test_lens_of_two_circles() -> None:
    """R16: the area of the lens is that of the formula, to the outward part of the curve; and every way round."""
    for middle in ((0.0, 0.0), (47.0, 8.0), (-89.9, 17.0), (90.0, 0.0), (30.0, 180.0), (-30.0, -179.9999)):
        for radius_m in (50.0, 3_000.0, 80_000.0):
            a, b = shape(circle(*middle, radius_m)), shape(circle(*moved(middle, 77.0, radius_m), radius_m))
            meeting = met(a, b, INTERSECT)
            lens = radius_m**2 * (2.0 * math.pi / 3.0 - math.sqrt(0.75))
            lats, lngs = zip(*[(each.lat, each.lng) for each in meeting.area], strict=True)
            drawn = abs(GEOD.polygon_area_perimeter(lngs, lats)[0])
            assert lens * 0.99 <= drawn <= lens * 1.02 + 1.0
            assert meeting.areas == (meeting.area,)
            assert len(meeting.area) < 60


def test_polygons_meet_in_their_own_corners() -> None:
    """R16: a plain intersection of straight shapes has the corners that geometry gives it, to a centimetre."""
    one = shape(polygon((0.0, 0.0), (0.0, 0.02), (0.02, 0.02), (0.02, 0.0)))
    other = shape(polygon((0.01, 0.01), (0.01, 0.03), (0.03, 0.03), (0.03, 0.01)))
    meeting = met(one, other, INTERSECT)
    found = sorted((each.lat, each.lng) for each in meeting.area)
    for place, expected in zip(found, [(0.01, 0.01), (0.01, 0.02), (0.02, 0.01), (0.02, 0.02)], strict=True):
        assert math.dist(on_map(place, expected), (0.0, 0.0)) < 0.02


def test_two_parts_are_two_outlines_and_a_hull() -> None:
    """A bow crosses a strip twice: two outlines, and one around both."""
    strip = shape(corridor(100.0, (0.0, -0.1), (0.0, 0.1)))
    bow = shape(corridor(50.0, (-0.02, -0.05), (0.03, -0.04), (0.03, 0.04), (-0.02, 0.05)))
    meeting = met(strip, bow, INTERSECT)
    assert len(meeting.areas) == 2
    west, east = sorted(min(each.lng for each in ring) for ring in meeting.areas)
    assert abs(west + 0.0464) < 0.003
    assert abs(east - 0.0448) < 0.003
    around = shapely.Polygon([(each.lng, each.lat) for each in meeting.area]).buffer(1e-6)
    for ring in meeting.areas:
        assert around.covers(shapely.Polygon([(each.lng, each.lat) for each in ring]))


def test_what_only_touches_is_still_drawn() -> None:
    """R16: touching is closer; a place of ten metres is drawn where the two touch, or halfway between them."""
    left = shape(polygon((0.0, 0.0), (0.0, 0.05), (0.05, 0.05), (0.05, 0.0)))
    right = shape(polygon((0.0, 0.05), (0.0, 0.1), (0.05, 0.1), (0.05, 0.05)))
    meeting = met(left, right, INTERSECT)
    drawn = region(meeting, (0.025, 0.05))
    assert drawn.covers(shapely.LineString([on_map(each, (0.025, 0.05)) for each in ((0.001, 0.05), (0.049, 0.05))]))
    assert drawn.area < 5_600.0 * 25.0
    place = (47.0, 8.0)
    for rule_set, apart_m in ((INTERSECT, 0.0), (THREES, 5_556.0)):
        other = GEOD.fwd(place[1], place[0], 60.0, 1_500.0 + apart_m)
        meeting = met(shape(circle(*place, 500.0)), shape(circle(other[1], other[0], 1_000.0)), rule_set)
        between = GEOD.fwd(place[1], place[0], 60.0, 500.0 + 0.5 * apart_m)
        drawn = region(meeting, place)
        assert drawn.distance(shapely.Point(on_map((between[1], between[0]), place))) < 10.0
        assert drawn.area > 30.0


@pytest.mark.parametrize("centre", [(10.0, 20.0), (88.0, 0.0), (0.0, 179.0)])
def test_small_meets_very_large(centre: Place) -> None:
    """R16: a drone in a tenth of the earth is drawn as itself; two such shapes are drawn as a hull."""
    large = shape(vast(centre, 3_000_000.0))
    small = circle(*moved(centre, 45.0, 1_000_000.0), 500.0)
    meeting = met(large, shape(small), INTERSECT)
    assert all(
        abs(GEOD.inv(each.lng, each.lat, small.center.lng, small.center.lat)[2] - 500.0) < 5.0 for each in meeting.area
    )
    meeting = met(large, shape(vast(moved(centre, 10.0, 500_000.0), 3_000_000.0)), THREES)
    assert len(meeting.area) > 8
    assert meeting.areas == (meeting.area,)


def test_many_pairs_are_drawn_group_by_group() -> None:
    """Two notices of many volumes: all of it is drawn, with few vertices."""
    one = prepare([volume(circle(47.0, 8.0 + 0.002 * k, 200.0)) for k in range(40)])
    other = prepare([volume(circle(47.001, 8.0 + 0.002 * k, 200.0)) for k in range(40)])
    meeting = met(one, other, INTERSECT)
    assert len(meeting.pairs) > 100
    near = met(one, other, rules(1_000.0))
    assert len(near.pairs) > 256
    for each in (meeting, near):
        assert len(each.area) < 100
        drawn = region(each, (47.0, 8.04))
        assert all(drawn.covers(shapely.Point(on_map((47.0005, 8.0 + 0.002 * k), (47.0, 8.04)))) for k in range(40))


def test_meetings_far_from_each_other_have_a_part_each() -> None:
    """Notices that meet on three continents, once over the antimeridian, once where only bounds are drawn."""
    places = [(47.0, 8.0), (-17.0, 180.0), (89.99, 12.0)]
    one = prepare([*(volume(circle(*place, 400.0)) for place in places), volume(vast((0.0, -60.0), 2_500_000.0))])
    other = prepare([*(volume(circle(*place, 300.0)) for place in places), volume(vast((1.0, -61.0), 2_500_000.0))])
    meeting = met(one, other, INTERSECT)
    assert len(meeting.areas) == 4
    for place in places:
        assert any(
            all(GEOD.inv(each.lng, each.lat, place[1], place[0])[2] < 301.0 for each in ring) for ring in meeting.areas
        )
    assert len(meeting.area) > 3


def test_a_ring_of_very_many_corners_is_drawn_with_few() -> None:
    """Views hold thousands of outlines: each has at most 96 corners, outward."""
    ring = [moved((47.0, 8.0), 360.0 * k / 400, 20_000.0 * (1.0 + 0.01 * (-1) ** k)) for k in range(400)]
    one, other = shape(polygon(*ring)), shape(circle(47.1, 8.1, 90_000.0))
    for rule_set in (INTERSECT, THREES):
        meeting = met(one, other, rule_set)
        assert len(meeting.area) <= 96
        drawn = region(meeting, (47.0, 8.0)).buffer(2.0)
        assert all(drawn.covers(shapely.Point(on_map(place, (47.0, 8.0)))) for place in ring)


def test_nothing_is_drawn_that_was_not_asked_for() -> None:
    a = shape(circle(47.0, 8.0, 500.0))
    meeting = describe(a, a, INTERSECT, outline=False)
    assert meeting is not None
    assert (meeting.area, meeting.areas) == ((), ())


def test_order_and_orientation_change_nothing_but_the_corner_it_starts_from() -> None:
    """R16: the area drawn is the same whoever asks."""
    seed = 61_002
    seeded(seed)
    random = Random(seed)
    for _ in range(20):
        middle = anywhere(random)
        outlines = [random_outline(random, middle, 3_000.0) for _ in range(2)]
        a, b = (shape(outline) for outline in outlines)
        one, other = met(a, b, THREES), met(b, a, THREES)
        drawn, turned = region(one, middle), region(other, middle)
        assert drawn.symmetric_difference(turned).area <= 0.001 * drawn.area + 1.0
