"""Rings with arcs are never smaller than what they stand for, and hardly larger."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from clearline.formats.arc import (
    MARGIN_M,
    STEPS_DEGREES,
    Arc,
    arc_between,
    arc_of_bearings,
    excess_of,
    ring_of,
    without_repeats,
)
from clearline.model.volume import LatLngPoint

GEOD = Geod(ellps="WGS84")

centres = st.builds(LatLngPoint, st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
"""Poles and the antimeridian among them."""
radii = st.one_of(st.floats(50.0, 30_000.0), st.floats(30_000.0, 300_000.0))
bearings = st.floats(0.0, 359.99)
sweeps = st.floats(3.0, 340.0)
steps = st.sampled_from(STEPS_DEGREES)


def at(centre: LatLngPoint, bearing_deg: float, distance_m: float) -> LatLngPoint:
    lng, lat, _ = GEOD.fwd(centre.lng, centre.lat, bearing_deg, distance_m)
    return LatLngPoint(lat, lng)


def polar(centre: LatLngPoint, place: LatLngPoint) -> tuple[float, float]:
    """Bearing and distance from the centre."""
    bearing, _, distance = GEOD.inv(centre.lng, centre.lat, place.lng, place.lat)
    return bearing % 360.0, distance


def along(a: LatLngPoint, b: LatLngPoint, count: int = 9) -> list[LatLngPoint]:
    """Places of the geodesic from `a` to `b`, both ends among them."""
    between = [LatLngPoint(lat, lng) for lng, lat in GEOD.npts(a.lng, a.lat, b.lng, b.lat, count)]
    return [a, *between, b]


def radius_at(arc: Arc, bearing_deg: float) -> float | None:
    """The arc's radius in one direction, None outside its sweep: the definition, written down once more."""
    sense = 1.0 if arc.sweep_deg > 0.0 else -1.0
    turned = ((bearing_deg - arc.first_bearing_deg) * sense) % 360.0
    if turned > abs(arc.sweep_deg):
        return None
    share = turned / abs(arc.sweep_deg)
    return arc.first_radius_m + (arc.last_radius_m - arc.first_radius_m) * share


def sector(
    centre: LatLngPoint, first_deg: float, sweep_deg: float, first_m: float, last_m: float
) -> tuple[Arc, list[LatLngPoint | Arc]]:
    """A slice of a cake: the arc, then back to the centre."""
    first, last = at(centre, first_deg, first_m), at(centre, first_deg + sweep_deg, last_m)
    arc = arc_between(centre, first, last, sense=1 if sweep_deg > 0.0 else -1)
    return arc, [arc, centre]


@settings(max_examples=150, deadline=None)
@given(centres, bearings, sweeps, radii, st.floats(0.97, 1.03), st.sampled_from([1, -1]), steps)
def test_an_arc_around_the_zone_is_outside_the_true_one(
    centre: LatLngPoint, first_deg: float, sweep: float, radius: float, differ: float, sense: int, step: float
) -> None:
    """Every place of every edge over the arc is at least as far out as the arc there: the sector is inside."""
    arc, parts = sector(centre, first_deg, sense * sweep, radius, radius * differ)
    assert arc.sweep_deg == pytest.approx(sense * sweep, abs=1e-6)
    ring = ring_of(parts, step_deg=step)
    assert ring[0] == arc.first
    assert arc.last in ring
    over_arc = ring[: ring.index(arc.last) + 1]
    farthest = 0.0
    for a, b in itertools.pairwise(over_arc):
        for place in along(a, b):
            bearing, distance = polar(centre, place)
            true_m = radius_at(arc, bearing)
            if true_m is not None:
                assert distance >= true_m - 1e-3 - 1e-9 * true_m, (bearing, distance, true_m)
                farthest = max(farthest, distance / true_m)
    # And it says how much larger it may be, apart from what two different radii add between steps.
    drift = abs(differ - 1.0) * 2.0 * step / min(abs(arc.sweep_deg), 360.0)
    assert farthest <= 1.0 + excess_of(step) + drift + 2.0 * MARGIN_M / radius + 1e-5


@settings(max_examples=100, deadline=None)
@given(centres, bearings, st.floats(3.0, 170.0), st.floats(200.0, 50_000.0), st.sampled_from([1, -1]), steps)
def test_an_arc_that_bites_into_the_zone_bites_no_deeper(
    centre: LatLngPoint, first_deg: float, sweep: float, radius: float, sense: int, step: float
) -> None:
    """The zone is on the far side of the arc: no edge over it is farther from the centre than the arc."""
    first, last = at(centre, first_deg, radius), at(centre, first_deg + sense * sweep, radius)
    arc = arc_between(centre, first, last, sense=sense)
    outside = [at(centre, first_deg + sense * sweep * (1.0 - k / 8.0), 2.5 * radius) for k in range(9)]
    ring = ring_of([arc, *outside], step_deg=step)
    over_arc = ring[: ring.index(arc.last) + 1]
    for a, b in itertools.pairwise(over_arc):
        assert all(polar(centre, place)[1] <= radius * (1.0 + 1e-9) + 1e-3 for place in along(a, b))


@given(centres, st.floats(50.0, 100_000.0), st.sampled_from([1, -1]))
@settings(max_examples=40, deadline=None)
def test_a_whole_circle_between_others_is_a_ring(centre: LatLngPoint, radius: float, sense: int) -> None:
    arc = arc_of_bearings(centre, radius, 20.0, 20.0, sense=sense)
    assert arc.is_whole
    ring = ring_of([arc], step_deg=5.0)
    assert len(ring) == 73
    assert min(polar(centre, place)[1] for place in ring) >= radius - 1e-3


def test_bearings_and_points_make_the_same_arc() -> None:
    """DA and DB are two ways to say one thing."""
    centre = LatLngPoint(47.0, 8.0)
    by_bearings = arc_of_bearings(centre, 10_000.0, 300.0, 40.0, sense=1)
    by_points = arc_between(centre, by_bearings.first, by_bearings.last, sense=1)
    assert by_bearings.sweep_deg == pytest.approx(100.0)
    assert by_points.sweep_deg == pytest.approx(100.0, abs=1e-6)
    assert arc_of_bearings(centre, 10_000.0, 300.0, 40.0, sense=-1).sweep_deg == pytest.approx(-260.0)
    assert arc_of_bearings(centre, 10_000.0, 0.0, 360.0 % 360.0, sense=1).is_whole


def test_the_error_is_the_one_stated() -> None:
    """One part in a thousand at 5 degrees, 3.5 % at the coarsest step."""
    assert excess_of(5.0) == pytest.approx(1.0 / math.cos(math.radians(2.5)) - 1.0, abs=4e-5)
    assert excess_of(5.0) < 0.001
    assert excess_of(STEPS_DEGREES[-1]) < 0.0355


def test_repeats_are_left_out_across_the_end_too() -> None:
    a, b, c = LatLngPoint(1.0, 1.0), LatLngPoint(1.0, 2.0), LatLngPoint(2.0, 2.0)
    near = LatLngPoint(1.0 + 5e-9, 2.0)
    assert without_repeats([a, a, b, near, c, a, a]) == [a, b, c]
    assert without_repeats([a, a]) == [a]
    assert without_repeats([]) == []
