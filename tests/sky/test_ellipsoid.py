"""Distances on the ellipsoid, and that a centimetre decides: F3548 GEN0500 for circles, corridors and rings (R16)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from clearline.sky import Columns, Prepared, Sky
from clearline.sky.kernel_ellipsoid import REACH_M, _edge_distance, core_distance, place_distance
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import Floats, unit_vectors
from tests.sky.forms import BAND, WGS84, WINDOW_MS, Form, ahead, draw_fan, draw_star, go_on, place_between
from tests.sky.judge import EDGE_M, ELLIPSOID_M_MAX, LENGTH_M, failures_of, judge
from tests.sky.nasty import make_case
from tests.sky.oracle_digits import digits_distance_m
from tests.sky.oracle_ellipsoid import core_distances_m, cores_of
from tests.sky.shapes import EFFORT, Place, anywhere, circle, corridor, polygon, rules, seeded, shape

SEED = 48_001
LENGTH_FOUND_M: Final = 2.5e-6
"""What is found of `place_distance`, of the 1 mm that is claimed."""
EDGE_M_MAX: Final = 5_000.0
SEPARATIONS_M: Final = (0.0, 50.0, 1_852.0, 5_556.0, 20_000.0, 60_000.0)
GEN0500_M: Final = 0.01
TOUCH_M: Final = 2e-6
"""Closer than that, two places written as doubles are not known to be."""


def _places(generator: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Places on all of the earth; half are near or on a pole, the equator or the antimeridian."""
    lat = np.degrees(np.arcsin(generator.uniform(-1.0, 1.0, count)))
    lng = generator.uniform(-180.0, 180.0, count)
    kind = generator.integers(0, 10, count)
    sign = generator.choice([-1.0, 1.0], count)
    lat = np.where(kind == 0, sign * (90.0 - 10.0 ** generator.uniform(-9.0, 0.3, count)), lat)
    lat = np.where(kind == 1, sign * 90.0, lat)
    lat = np.where(kind == 2, sign * 10.0 ** generator.uniform(-9.0, 0.0, count), lat)
    lat = np.where(kind == 3, generator.uniform(-90.0, 90.0, count), lat)
    lng = np.where(kind == 4, sign * (180.0 - 10.0 ** generator.uniform(-9.0, 0.3, count)), lng)
    return lat, lng


def _azimuths(generator: np.random.Generator, count: int) -> Floats:
    """All directions, one in four along an axis or nearly."""
    azimuth = generator.uniform(0.0, 360.0, count)
    axis = generator.choice([0.0, 90.0, 180.0, 270.0], count) + generator.choice([0.0, 1e-9, 1e-3], count)
    return np.where(generator.integers(0, 4, count) == 0, axis, azimuth)


@pytest.mark.parametrize("farthest", [False, True])
def test_place_distance_against_geographiclib(farthest: bool) -> None:
    """R16: the length between two places is right to 1 mm up to REACH_M: 2 um are found, at the farthest."""
    seeded(SEED)
    generator = np.random.default_rng(SEED)
    count = 100_000 * EFFORT
    lat, lng = _places(generator, count)
    length_m = 10.0 ** generator.uniform(-3.0, math.log10(REACH_M), count)
    if farthest:
        length_m = np.full(count, REACH_M)
    there_lng, there_lat, _ = WGS84.fwd(lng, lat, _azimuths(generator, count), length_m)
    _, _, exact_m = WGS84.inv(lng, lat, there_lng, there_lat)
    here = unit_vectors(lat, lng).tolist()
    there = unit_vectors(np.asarray(there_lat), np.asarray(there_lng)).tolist()
    error_m = [place_distance(*a, *b) - m for a, b, m in zip(here, there, exact_m, strict=True)]
    back_m = [place_distance(*b, *a) - m for a, b, m in zip(here, there, exact_m, strict=True)]
    assert ELLIPSOID_M_MAX == REACH_M
    assert max(map(abs, error_m + back_m)) < LENGTH_FOUND_M < LENGTH_M


def test_place_distance_of_one_place_and_at_poles() -> None:
    """R16: nothing divides by nothing: one place, the two poles' own axes, and a way over the pole."""
    pole = (0.0, 0.0, 1.0)
    assert place_distance(*pole, *pole) == 0.0
    assert place_distance(1.0, 0.0, 0.0, 1.0, 0.0, 0.0) == 0.0
    for sign in (-1.0, 1.0):
        lat, lng = np.array([sign * 89.5, sign * 89.7, sign * 90.0]), np.array([20.0, -160.0, 77.0])
        one, other, top = unit_vectors(lat, lng).tolist()
        assert place_distance(*one, *other) == pytest.approx(WGS84.inv(20.0, lat[0], -160.0, lat[1])[2], abs=1e-5)
        assert place_distance(*one, *top) == pytest.approx(WGS84.inv(20.0, lat[0], 0.0, sign * 90.0)[2], abs=1e-5)


def _sampled_m(lat: Floats, lng: Floats, start: tuple[Floats, Floats], azimuth: Floats, length_m: Floats) -> Floats:
    """Return the least distance from places to geodesic edges: 65 places on each, and thrice more about the nearest."""
    low, high = np.zeros(len(lat)), length_m.copy()
    best_m = np.full(len(lat), np.inf)
    steps = np.linspace(0.0, 1.0, 65)
    for _ in range(4):
        along = low[:, None] + (high - low)[:, None] * steps
        from_lat, from_lng, toward = (np.repeat(each, 65) for each in (*start, azimuth))
        on_lng, on_lat, _ = WGS84.fwd(from_lng, from_lat, toward, along.ravel())
        _, _, apart = WGS84.inv(on_lng, on_lat, np.repeat(lng, 65), np.repeat(lat, 65))
        apart_m = np.asarray(apart).reshape(along.shape)
        best_m = np.minimum(best_m, apart_m.min(axis=1))
        nearest = apart_m.argmin(axis=1)
        rows = np.arange(len(lat))
        low, high = along[rows, np.maximum(nearest - 1, 0)], along[rows, np.minimum(nearest + 1, 64)]
    return best_m


def test_edge_distance_against_dense_sampling() -> None:
    """R16: place and edge, up to 5 km long and 150 km away: wrong by what the edge departs from its geodesic."""
    seeded(SEED + 1)
    generator = np.random.default_rng(SEED + 1)
    count = 2_000 * EFFORT
    lat, lng = _places(generator, count)
    azimuth = _azimuths(generator, count)
    length_m = np.where(generator.integers(0, 2, count) == 0, EDGE_M_MAX, 10.0 ** generator.uniform(0.0, 3.69, count))
    end_lng, end_lat, _ = WGS84.fwd(lng, lat, azimuth, length_m)
    # The place lies off some spot of the edge, or off its line drawn on, at any angle.
    spot_lng, spot_lat, _ = WGS84.fwd(lng, lat, azimuth, length_m * generator.uniform(-0.5, 1.5, count))
    turn = np.where(generator.integers(0, 2, count) == 0, 90.0, generator.uniform(0.0, 360.0, count))
    off_m = 10.0 ** generator.uniform(-2.0, math.log10(REACH_M), count)
    at_lng, at_lat, _ = WGS84.fwd(spot_lng, spot_lat, azimuth + turn, off_m)
    exact_m = _sampled_m(np.asarray(at_lat), np.asarray(at_lng), (lat, lng), azimuth, length_m)
    start, end = unit_vectors(lat, lng), unit_vectors(np.asarray(end_lat), np.asarray(end_lng))
    place = unit_vectors(np.asarray(at_lat), np.asarray(at_lng))
    worst_m = 0.0
    for k in range(count):
        edge = np.zeros((2, 6))
        edge[0, :3], edge[1, :3] = start[k], end[k]
        x, y, z = place[k].tolist()
        found_m = _edge_distance(x, y, z, edge, 0, 1)
        worst_m = max(worst_m, abs(found_m - exact_m[k]))
        assert abs(found_m - exact_m[k]) < EDGE_M + LENGTH_FOUND_M, (k, found_m, exact_m[k])
    assert worst_m > 0.5 * EDGE_M, "the hard edges are among them"


def _core_of(form: Form) -> Prepared:
    if form.kind == "circle":
        return shape(circle(*form.places[0], 1.0))
    return shape(corridor(1.0, *form.places) if form.kind == "corridor" else polygon(*form.places))


def _apart_m(a: Prepared, b: Prepared, limit_m: float) -> float:
    _, k, v, ball = load(a.floats, a.ints, 1)
    _, m, w, other = load(b.floats, b.ints, 1)
    limit = 2.0 * math.sin(0.5 * limit_m / 6_335_439.0)
    return float(core_distance(k, 0, v, ball, m, 0, w, other, limit))


def test_core_distance_against_geodesics() -> None:
    """R16: two cores of any kinds, up to 150 km apart, edges split: within what two edges depart."""
    seeded(SEED + 2)
    random = Random(SEED + 2)
    pairs: list[tuple[Form, Form]] = []
    while len(pairs) < 600 * EFFORT:
        place, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 4.7)
        one = _draw(random, place, size_m)
        tip = ahead(place, random.uniform(0.0, 360.0), size_m + 10.0 ** random.uniform(0.0, 5.1))
        pairs.append((one, _draw(random, tip, 10.0 ** random.uniform(1.0, 4.7))))
    exact_m = core_distances_m(cores_of([a for a, _ in pairs]), cores_of([b for _, b in pairs]))
    measured = 0
    for (a, b), m in zip(pairs, exact_m.tolist(), strict=True):
        if not 0.1 < m < REACH_M:
            continue
        measured += 1
        here, there = _core_of(a), _core_of(b)
        found_m = _apart_m(here, there, 1.01 * m + 1.0)
        assert abs(found_m - m) < 2.0 * EDGE_M + LENGTH_FOUND_M, (a, b, m, found_m)
        assert _apart_m(there, here, 1.01 * m + 1.0) == pytest.approx(found_m, abs=1e-6)
        assert _apart_m(here, there, 0.9 * m) >= 0.9 * m, "nothing is said of what is beyond the limit"
    assert measured > 300 * EFFORT


def _draw(random: Random, centre: Place, size_m: float) -> Form:
    """A core: a place, a line or a ring."""
    kind = random.random()
    if kind < 0.3:
        return Form("circle", (centre,))
    if kind < 0.6:
        places = [centre]
        for _ in range(random.randrange(1, 4)):
            places.append(ahead(places[-1], random.uniform(0.0, 360.0), size_m * random.uniform(0.2, 1.0)))
        return Form("corridor", tuple(places))
    return draw_star(random, centre, size_m)


def _leave(random: Random, form: Form) -> tuple[Place, float]:
    """Return a place on the core and a bearing that leaves it at a right angle, on either side."""
    if form.kind == "circle":
        return form.places[0], random.choice([random.uniform(0.0, 360.0), 0.0, 90.0, 180.0, 270.0])
    links = len(form.places) - (form.kind == "corridor")
    i = random.randrange(links)
    share = random.choice([0.5, random.uniform(0.0, 1.0)])
    place, bearing = place_between(form.places[i], form.places[(i + 1) % len(form.places)], share)
    return place, bearing + random.choice([-90.0, 90.0])


def _radius_m(random: Random, form: Form, most_m: float) -> float:
    """10 m to 70 km; a ring has a buffer in one of two cases."""
    if form.kind == "polygon" and random.random() < 0.5:
        return 0.0
    return round(10.0 ** random.uniform(1.0, math.log10(most_m)), 3)


def _close_pair(random: Random, lateral_m: float) -> tuple[Form, Form]:
    """Two shapes whose boundaries are within centimetres of `lateral_m`, at some place of the first."""
    centre = anywhere(random)
    one = _draw(random, centre, 10.0 ** random.uniform(1.0, 4.9))
    one = Form(one.kind, one.places, _radius_m(random, one, 70_000.0))
    site, bearing = _leave(random, one)
    other = _draw(random, (0.0, 0.0), 1.0)
    rest_m = min(70_000.0, REACH_M - 1.0 - lateral_m - one.radius_m)
    radius_m = _radius_m(random, other, rest_m)
    gap_m = random.choice([0.0, random.uniform(-0.01, 0.02), random.uniform(-0.2, 0.2)])
    tip, onward = go_on(site, bearing, one.radius_m + lateral_m + radius_m + gap_m)
    return one, Form(other.kind, _from_tip(random, other.kind, tip, onward), radius_m)


def _from_tip(random: Random, kind: str, tip: Place, onward: float) -> tuple[Place, ...]:
    """Return places of a core that begins in a tip, or whose edge stands across the bearing there."""
    size_m = 10.0 ** random.uniform(1.0, 4.9)
    if kind == "circle":
        return (tip,)
    left = ahead(tip, onward - 90.0, size_m * random.uniform(0.1, 1.0))
    right = ahead(tip, onward + 90.0, size_m * random.uniform(0.1, 1.0))
    across = random.random() < 0.5
    if kind == "corridor":
        return (left, right) if across else (tip, ahead(tip, onward + random.uniform(-60.0, 60.0), size_m))
    if across:
        return (left, right, ahead(tip, onward + 30.0, 1.5 * size_m), ahead(tip, onward - 30.0, 1.5 * size_m))
    return draw_fan(random, tip, onward, size_m).places


def _columns(forms: Sequence[Form]) -> Columns:
    kinds = {"circle": 0, "corridor": 1, "polygon": 2}
    return Columns.from_arrays(
        [lat for form in forms for lat, _ in form.places],
        [lng for form in forms for _, lng in form.places],
        np.concatenate([[0], np.cumsum([len(form.places) for form in forms])]),
        kind=[kinds[form.kind] for form in forms],
        radius_m=[form.radius_m for form in forms],
        lower_m=BAND[0],
        upper_m=BAND[1],
        start_ms=WINDOW_MS[0],
        end_ms=WINDOW_MS[1],
        errors="collect",
    )


Bools = NDArray[np.bool_]


def _answers(a: Columns, b: Columns, lateral_m: float) -> tuple[Bools, Bools]:
    """Return for each pair whether it is found and whether that is certain; both must say the same of the other."""
    count = len(a)
    out: list[tuple[Bools, Bools]] = []
    for asked, held in ((a, b), (b, a)):
        sky = Sky(rules(lateral_m))
        sky.add_columns(held, np.arange(count))
        table = sky.findings_of(asked)
        own = table.query == table.handle
        found, certain = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        found[table.query[own]] = True
        certain[table.query[own]] = table.certain[own]
        out.append((found, certain))
    assert (out[0][0] == out[1][0]).all(), "who asks makes no difference"
    assert (out[0][1] == out[1][1]).all(), "nor to how sure it is"
    return out[0]


@pytest.mark.parametrize("lateral_m", SEPARATIONS_M)
def test_a_centimetre_both_ways(lateral_m: float) -> None:
    """R16, F3548 GEN0500: found IF within radii and separation, and not if more than 1 cm beyond; certain is true."""
    seed = SEED + 3 + int(lateral_m)
    seeded(seed)
    random = Random(seed)
    drawn = [_close_pair(random, lateral_m) for _ in range(500 * EFFORT)]
    a, b = _columns([one for one, _ in drawn]), _columns([other for _, other in drawn])
    both = np.intersect1d(a.places, b.places)
    assert len(both) > 0.9 * len(drawn), "few are refused: needles, and rings that touch themselves"
    pairs = [drawn[k] for k in both.tolist()]
    found, certain = _answers(a.taken(np.isin(a.places, both)), b.taken(np.isin(b.places, both)), lateral_m)
    core_m = core_distances_m(cores_of([one for one, _ in pairs]), cores_of([other for _, other in pairs]))
    beyond_m = core_m - np.array([one.radius_m + other.radius_m + lateral_m for one, other in pairs])
    for k, pair in enumerate(pairs):
        assert found[k] or beyond_m[k] > TOUCH_M, ("missed", lateral_m, beyond_m[k], pair)
        assert not found[k] or beyond_m[k] <= GEN0500_M, ("too far", lateral_m, beyond_m[k], pair)
        assert not certain[k] or beyond_m[k] <= TOUCH_M, ("not certain", lateral_m, beyond_m[k], pair)
    assert (found & (beyond_m > -1.0)).sum() > 80 * EFFORT
    assert (~found & (beyond_m < 1.0)).sum() > 80 * EFFORT
    for k in random.sample(np.flatnonzero(np.abs(beyond_m) < 0.05).tolist(), 2):
        assert digits_distance_m(*pairs[k]) == pytest.approx(core_m[k], abs=1e-6)


@pytest.mark.parametrize("category", ["circles", "gap", "pole-edge", "antimeridian", "long-edge"])
def test_the_judge_agrees(category: str) -> None:
    """R16, F3548 GEN0500: generated pairs with centimetres between them, before the other oracles too."""
    seeded(SEED + 9)
    cases = [make_case(category, number, seed=SEED + 9) for number in range(60 * EFFORT)]
    assert failures_of([judge(cases)]) == []


@pytest.mark.parametrize("azimuth", [0.0, 45.0, 90.0, 200.0, 270.0])
def test_at_the_equator_a_circle_is_no_wider_than_it_is(azimuth: float) -> None:
    """R16: east of a circle of 50 km at the equator the sphere alone would find what is up to 330 m farther."""
    sky = Sky(rules(10_000.0))
    sky.add(1, shape(circle(0.0, 0.0, 50_000.0)), group=1)
    for gap_m, expected in ((-0.001, True), (0.011, False), (1.0, False), (300.0, False)):
        there = ahead((0.0, 0.0), azimuth, 90_000.0 + gap_m)
        assert bool(sky.findings(shape(circle(*there, 30_000.0)))) is expected, gap_m
