"""What is told of one pair: the rule, the nearest place and height, and of moving pieces what they fly at one time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Geod

from clearline.model.rules import RuleSet
from clearline.sky import Prepared, Sky, describe, prepare
from clearline.sky.kernel_describe import cut, meetings
from clearline.sky.kernel_meet import FLOAT_COLUMNS
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import MOVING, Floats, Ints
from clearline.sky.outline import areas_of
from clearline.sky.rule_table import rules_array
from tests.sky.shapes import INTERSECT, THREES, Place, circle, corridor, rules, shape, volume

GEOD = Geod(ellps="WGS84")
Loaded = tuple[Floats, Ints, Floats, Floats]


def piece(start: Place, end: Place, window_ms: tuple[int, int], bands: tuple[float, float, float, float]) -> Loaded:
    """A moving piece as `load` unpacks it: lower and upper limit at its start, and at its end."""
    band = (min(bands[0], bands[2]), max(bands[1], bands[3]))
    made = prepare([volume(corridor(10.0, start, end), band=band, window_ms=window_ms)])
    floats, ints = made.floats.copy(), made.ints.copy()
    ints[0] = MOVING
    floats[11:15] = bands
    assert len(floats) == FLOAT_COLUMNS + 6
    loaded: Loaded = load(floats, ints, 1)
    return loaded


def told(one: Loaded, other: Loaded, rule_set: RuleSet) -> tuple[list[float], Ints, Floats]:
    """The gaps of a pair that is closer, its hit, and the rules as the kernel takes them."""
    packed = rules_array(rule_set)
    hits, gaps = meetings(*one, *other, np.zeros(2, dtype=np.int64), packed)
    assert len(hits) == 1
    return gaps[0].tolist(), hits, packed


def still(outline_radius_m: float, place: Place, band: tuple[float, float]) -> Loaded:
    made = prepare([volume(circle(*place, outline_radius_m), band=band)])
    loaded: Loaded = load(made.floats, made.ints, 1)
    return loaded


def test_a_meeting_names_rule_and_version() -> None:
    a = shape(circle(47.0, 8.0, 500.0))
    for rule_set in (INTERSECT, THREES):
        meeting = describe(a, a, rule_set)
        assert meeting is not None
        assert (meeting.rule_id, meeting.rule_version) == (rule_set.rule_id, rule_set.version)


def test_all_pairs_in_time_are_found_and_in_order() -> None:
    """Volumes are looked at by time: every pair that shares a window is there, sorted, whatever their order."""
    windows = [(k * 7_919 % 1_000, k * 7_919 % 1_000 + 10 * (k % 5)) for k in range(60)]
    a = prepare([volume(circle(47.0, 8.0, 10.0), window_ms=(s, e + 1)) for s, e in windows])
    b = prepare([volume(circle(47.0, 8.0, 10.0), window_ms=(s, e + 1)) for s, e in windows[::-1]])
    for time_ms in (0, 37):
        rule_set = RuleSet(
            rule_id="test",
            version=3,
            separation_lateral_m=0.0,
            separation_vertical_m=0.0,
            separation_time_ms=time_ms,
            closer_ms_max=None,
        )
        meeting = describe(a, b, rule_set, outline=False)
        assert meeting is not None
        expected = [
            (i, j)
            for i, (s, e) in enumerate(windows)
            for j, (t, f) in enumerate(windows[::-1])
            if s <= f + 1 + time_ms and t <= e + 1 + time_ms
        ]
        assert list(meeting.pairs) == expected
        sky = Sky(rule_set)
        sky.add(0, b, group=0)
        (finding,) = sky.findings(a)
        assert finding.pairs == meeting.pairs
        assert (finding.from_ms, finding.until_ms, finding.closer_ms) == (
            meeting.from_ms,
            meeting.until_ms,
            meeting.closer_ms,
        )


def test_a_cut_piece_is_where_it_is_flown() -> None:
    _, row, vertices, _ = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (0.0, 100.0, 0.0, 100.0))
    ends = cut(row, 0, vertices, 150_000, 900_000)
    lngs = np.degrees(np.arctan2(ends[:, 1], ends[:, 0]))
    assert lngs.tolist() == pytest.approx([8.015, 8.06], abs=1e-7)
    assert np.linalg.norm(ends, axis=1).tolist() == pytest.approx([1.0, 1.0])


def test_two_that_fly_the_same_way_in_turn_are_as_far_as_they_are_at_one_time() -> None:
    """Swept, the two lie over each other; at one instant the second is always 1 km behind the first."""
    step = GEOD.fwd(8.0, 47.0, 90.0, 1_000.0)[0] - 8.0
    one = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (100.0, 200.0, 400.0, 500.0))
    other = piece((47.0, 8.0 + step), (47.0, 8.06 + step), (0, 600_000), (450.0, 550.0, 150.0, 250.0))
    (lateral_m, vertical_m, lower_m, upper_m), _, _ = told(one, other, rules(2_000.0, 500.0))
    assert 970.0 <= lateral_m <= 980.0  # 1 km less two radii, and never more than that
    assert vertical_m == 0.0  # one climbs through the other's height
    assert (lower_m, upper_m) == (150.0, 500.0)
    late = RuleSet(
        rule_id="test",
        version=1,
        separation_lateral_m=2_000.0,
        separation_vertical_m=500.0,
        separation_time_ms=1_000,
        closer_ms_max=None,
    )
    assert told(one, other, late)[0][0] == 0.0  # not at one time any more: what they sweep counts


def test_bands_that_pass_each_other_are_nearest_where_they_cross() -> None:
    """Least over time of the larger of two lines: at the crossing, between the ends."""
    one = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (0.0, 10.0, 1_000.0, 1_010.0))
    other = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (2_000.0, 2_010.0, 1_200.0, 1_210.0))
    (_, vertical_m, lower_m, upper_m), _, _ = told(one, other, rules(100.0, 2_500.0))
    assert vertical_m == pytest.approx(190.0)
    assert lower_m <= 1_200.0 <= upper_m


def test_a_piece_that_passes_a_circle_is_drawn_and_told_as_flown_within_the_window() -> None:
    """R16: distance and outline are those of the part that is flown while the two are closer."""
    mover = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (0.0, 100.0, 300.0, 400.0))
    for lng, window in ((8.03, (0, 600_000)), (8.055, (500_000, 600_000))):
        circle_there = still(300.0, (47.0, lng), (0.0, 500.0))
        packed = rules_array(INTERSECT)
        hits, gaps = meetings(*mover, *circle_there, np.zeros(2, dtype=np.int64), packed)
        hits[0, 4:6] = window
        assert gaps[0, 0] == 0.0
        area, areas = areas_of(mover, circle_there, hits, packed)
        assert areas == (area,)
        for each in area:
            assert GEOD.inv(each.lng, each.lat, lng, 47.0)[2] < 303.0
            assert abs(each.lat - 47.0) * 111_200.0 < 11.0
        turned, _ = areas_of(circle_there, mover, hits[:, [0, 2, 1, 3, 4, 5, 6]], packed)
        assert len(turned) == len(area)


def test_distance_from_a_moving_piece_is_never_more_than_the_true_one() -> None:
    """A circle 2 km beside the way, and one abeam of its end: by pyproj, less radii."""
    mover = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (0.0, 100.0, 0.0, 100.0))
    for azimuth, apart_m in ((0.0, 2_000.0), (60.0, 3_000.0)):
        lng, lat, _ = GEOD.fwd(8.06, 47.0, azimuth, apart_m)
        beside = still(500.0, (lat, lng), (0.0, 500.0))
        for one, other in ((mover, beside), (beside, mover)):
            (lateral_m, vertical_m, _, _), _, _ = told(one, other, rules(5_000.0))
            true_m = apart_m - 510.0
            assert true_m * 0.993 - 5.0 <= lateral_m <= true_m
            assert vertical_m == 0.0


def test_a_moving_band_is_compared_only_in_its_own_reference() -> None:
    """R13: heights above ground, or in two references, have no gap that can be told."""
    one = piece((47.0, 8.0), (47.0, 8.06), (0, 600_000), (0.0, 100.0, 0.0, 100.0))
    other = still(500.0, (47.0, 8.03), (0.0, 50.0))
    other[1][0, 1:3] = 1
    assert math.isnan(told(one, other, INTERSECT)[0][1])


def test_a_piece_that_stands_still_is_a_circle() -> None:
    """A hover: both ends in one place, flown at no speed."""
    hover = piece((47.0, 8.0), (47.0, 8.00001), (0, 600_000), (0.0, 100.0, 0.0, 100.0))
    hover[2][1] = hover[2][0]
    hover[2][:, 3:6] = 0.0
    other = still(300.0, (47.0, 8.004), (0.0, 500.0))
    (lateral_m, *_), hits, packed = told(hover, other, INTERSECT)
    assert lateral_m == 0.0
    area, _ = areas_of(hover, other, hits, packed)
    assert max(GEOD.inv(each.lng, each.lat, 8.0, 47.0)[2] for each in area) < 10.1


def test_a_notice_without_volumes_meets_nothing() -> None:
    empty: Prepared = prepare([])
    assert describe(empty, shape(circle(1.0, 1.0, 1.0)), THREES) is None
