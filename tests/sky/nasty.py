"""Generated pairs of volumes that are hard to decide, each made by name and number: `make_case("sliver", 7, seed=1)`.

Rules
 * A case is a function of (category, number, seed): one that fails is repeated by saying the three, or from its JSON.
 * Separations come from a short list, so that many cases share one rule set.

Source: design.md §4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from clearline.sky.kernel_cells import CUBE, SPAN_BITS
from tests.sky.forms import (
    DAY_MS,
    LATEST_MS,
    SEPARATIONS_M,
    WINDOW_MS,
    Case,
    Form,
    Limit,
    ahead,
    bare_case,
    bearing_of,
    draw_fan,
    draw_form,
    draw_gap_m,
    draw_pair,
    draw_star,
    go_on,
    length_m_of,
    place_between,
)
from tests.sky.oracle_air import GEOID_KNOWN
from tests.sky.shapes import Place, anywhere, moved, ring_around

__all__ = ["CATEGORIES", "make_case", "share_out"]

SLOT_MS: Final = 1_000_000
SLOTS: Final = 2_000_000


def _pole_vertex(random: Random) -> Case:
    pole, size_m = random.choice([-90.0, 90.0]), 10.0 ** random.uniform(1.0, 4.7)
    tip = (pole, random.uniform(-180.0, 180.0))
    ring = draw_fan(random, tip, random.uniform(0.0, 360.0), size_m)
    centre = moved(ring.places[1], bearing_of(ring.places[1], ring.places[-1]), size_m * 0.01)
    if random.random() < 0.4:
        other = draw_fan(random, (pole, random.uniform(-180.0, 180.0)), random.uniform(0.0, 360.0), size_m)
        return bare_case(ring, other)
    return draw_pair(random, ring, centre, size_m)


def _pole_ring(random: Random) -> Case:
    sign, corners = random.choice([-1.0, 1.0]), random.randrange(4, 12)
    reach = 10.0 ** random.uniform(-3.0, 1.0)
    start = random.uniform(-180.0, 180.0)
    places = []
    for k in range(corners):
        lng = (start + (k + random.uniform(-0.3, 0.3)) * 360.0 / corners + 180.0) % 360.0 - 180.0
        places.append((sign * (90.0 - reach * random.uniform(0.5, 1.0)), lng))
    ring = Form("polygon", tuple(places))
    if random.random() < 0.3:
        near = (sign * (90.0 - abs(random.gauss(0.0, reach))), random.uniform(-180.0, 180.0))
        return bare_case(ring, draw_form(random, near, reach * 10_000.0))
    return draw_pair(random, ring, (sign * 90.0, 0.0), reach * 20_000.0)


def _pole_edge(random: Random) -> Case:
    sign, lng = random.choice([-1.0, 1.0]), random.uniform(-180.0, 0.0)
    reach = 10.0 ** random.uniform(-4.0, 0.5)
    ends = ((sign * (90.0 - reach * random.uniform(0.3, 1.0)), lng), (sign * (90.0 - reach), lng + 180.0))
    if random.random() < 0.5:
        line = Form("corridor", ends, reach * random.uniform(10.0, 10_000.0))
        return draw_pair(random, line, ends[0], reach * 30_000.0)
    side = lng + random.choice([60.0, 90.0, 120.0])
    ring = Form("polygon", (*ends, (sign * (90.0 - reach * 0.8), side)))
    return draw_pair(random, ring, (sign * (90.0 - reach * 0.2), side), reach * 30_000.0)


def _antimeridian(random: Random) -> Case:
    size_m = 10.0 ** random.uniform(1.0, 5.0)
    lat = random.uniform(-80.0, 80.0)
    centre = moved((lat, random.choice([-180.0, 180.0])), random.uniform(0.0, 360.0), size_m * random.random())
    if random.random() < 0.3:
        return bare_case(draw_form(random, centre, size_m), draw_form(random, (lat, 180.0), size_m))
    return draw_pair(random, draw_form(random, centre, size_m), centre, size_m)


def _sliver_ring(random: Random, start: Place, bearing: float) -> Form:
    length_m, width_m = 10.0 ** random.uniform(2.0, 4.6), 10.0 ** random.uniform(-2.6, -0.5)
    end, onward = go_on(start, bearing, length_m)
    third = ahead(end, onward + 90.0, width_m)
    if random.random() < 0.5:
        return Form("polygon", (start, end, third))
    return Form("polygon", (start, end, third, ahead(start, bearing + 90.0, width_m)))


def _sliver(random: Random) -> Case:
    start, bearing = anywhere(random), random.uniform(0.0, 360.0)
    ring = _sliver_ring(random, start, bearing)
    kind = random.random()
    if kind < 0.3:  # two slivers that cross, or run beside each other
        length_m = length_m_of(ring.places[0], ring.places[1])
        on, onward = place_between(ring.places[0], ring.places[1], random.random())
        begin = ahead(on, onward + 90.0, draw_gap_m(random))
        turn = random.choice([0.0, 1e-4, 90.0, random.uniform(0.0, 180.0)])
        other = _sliver_ring(random, ahead(begin, onward + turn, -0.3 * length_m), onward + turn)
        return bare_case(ring, other)
    return draw_pair(random, ring, ahead(ring.places[1], bearing_of(ring.places[1], ring.places[2]), 0.001), 1_000.0)


def _touch_vertex(random: Random) -> Case:
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 5.0)
    ring = draw_star(random, centre, size_m)
    corner = random.choice(ring.places)
    bearing = place_between(centre, corner, 1.0)[1]
    if random.random() < 0.2:
        radius_m = 10.0 ** random.uniform(-3.0, 2.0)
        return bare_case(ring, Form("circle", (ahead(corner, bearing, radius_m),), radius_m))
    return bare_case(ring, draw_fan(random, corner, bearing, size_m))


def _touch_edge(random: Random) -> Case:
    start, bearing = anywhere(random), random.uniform(0.0, 360.0)
    length_m = 10.0 ** random.uniform(1.0, 5.7)
    end, onward = go_on(start, bearing, length_m)
    left = Form("polygon", (start, end, ahead(end, onward - 100.0, length_m)))
    if random.random() < 0.5:  # the whole edge in common
        return bare_case(left, Form("polygon", (end, start, ahead(start, bearing + 80.0, length_m))))
    shares = sorted(random.uniform(0.0, 1.0) for _ in range(2))
    (one, _), (other, there) = (place_between(start, end, share) for share in shares)
    return bare_case(left, Form("polygon", (other, one, ahead(other, there + 90.0, length_m * 0.3))))


def _touch_vertex_on_edge(random: Random) -> Case:
    start, bearing = anywhere(random), random.uniform(0.0, 360.0)
    length_m = 10.0 ** random.uniform(1.0, 5.7)
    end, onward = go_on(start, bearing, length_m)
    on, there = place_between(start, end, random.random())
    away = there + 90.0
    if random.random() < 0.7:
        ring = Form("polygon", (start, end, ahead(end, onward - 100.0, length_m)))
        return bare_case(ring, draw_fan(random, on, away, length_m * random.uniform(0.01, 0.5)))
    width_m = length_m * random.uniform(0.001, 0.1)
    tip, away = go_on(on, away, width_m)
    return bare_case(Form("corridor", (start, end), width_m), draw_fan(random, tip, away, length_m * 0.3))


def _in_line(random: Random) -> Case:
    """Edges of both shapes on one geodesic, one behind the other: tiles of a grid, legs of a route."""
    gap_m = abs(draw_gap_m(random)) if random.random() < 0.5 else 10.0 ** random.uniform(-2.0, 4.0)
    length_m, other_m = (10.0 ** random.uniform(-2.0, 5.0) for _ in range(2))
    if random.random() < 0.6:  # on meridians, written with the same longitudes
        lat, lng = random.uniform(-70.0, 70.0), random.uniform(-180.0, 179.0)
        wide = min(lng + 10.0 ** random.uniform(-4.0, -1.0), 180.0)
        top = ahead((lat, lng), 0.0, length_m)[0]
        bottom = ahead((top, lng), 0.0, gap_m)[0]
        high = ahead((bottom, lng), 0.0, other_m)[0]
        one = Form("polygon", ((lat, lng), (lat, wide), (top, wide), (top, lng)))
        return bare_case(one, Form("polygon", ((bottom, lng), (bottom, wide), (high, wide), (high, lng))))
    start, bearing = anywhere(random), random.uniform(0.0, 360.0)
    end, onward = go_on(start, bearing, length_m)
    second, there = go_on(start, bearing, length_m + gap_m)
    last = ahead(start, bearing, length_m + gap_m + other_m)
    if random.random() < 0.3:
        return bare_case(Form("corridor", (start, end), 0.01), Form("corridor", (second, last), 0.01))
    sides = random.choice([90.0, -90.0]), random.choice([90.0, -90.0])
    first = Form("polygon", (start, end, ahead(end, onward + sides[0], length_m)))
    return bare_case(first, Form("polygon", (second, last, ahead(second, there + sides[1], other_m))))


def _gap(random: Random) -> Case:
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 4.0)
    return draw_pair(random, draw_form(random, centre, size_m), centre, size_m)


def _long(random: Random, least_m: float, most_m: float) -> Case:
    start, bearing = anywhere(random), random.uniform(0.0, 360.0)
    length_m = random.uniform(least_m, most_m)
    end, onward = go_on(start, bearing, length_m)
    if random.random() < 0.4:
        form, centre = Form("corridor", (start, end), random.choice([0.1, 50.0, 5_000.0, 50_000.0])), start
    else:
        third = ahead(end, onward - random.uniform(80.0, 120.0), length_m * random.uniform(0.3, 1.0))
        form = Form("polygon", (start, end, third))
        centre = place_between(place_between(start, end, 0.5)[0], third, 0.3)[0]
    return draw_pair(random, form, centre, 10.0 ** random.uniform(1.0, 5.0))


def _long_edge(random: Random) -> Case:
    return _long(random, 100e3, 500e3)


def _longest_edge(random: Random) -> Case:
    return _long(random, 500e3, 5_000e3)


def _cube_corner(random: Random) -> Case:
    """The sphere beside a corner of an index cube of some level, and a window that ends where a span ends."""
    side = CUBE * 4.0 ** random.randrange(4)
    while True:
        x, y = (round(random.uniform(-0.8, 0.8) / side) * side for _ in range(2))
        if x * x + y * y < 0.95:
            break
    z = random.choice([-1.0, 1.0]) * (1.0 - x * x - y * y) ** 0.5
    axes = [x, y, z]
    random.shuffle(axes)
    x, y, z = axes
    centre = moved(_place_of(x, y, z), random.uniform(0.0, 360.0), random.choice([0.0, 1e-3, 1.0, 1_000.0]))
    size_m = 10.0 ** random.uniform(-1.0, 4.3)
    case = draw_pair(random, draw_form(random, centre, size_m), centre, size_m)
    span_ms = 1 << (SPAN_BITS + 3 * random.randrange(3))
    edge_ms = random.randrange(1, LATEST_MS // span_ms) * span_ms
    before_ms, after_ms = (random.choice([0, 1, 1_000]) for _ in range(2))
    return replace(
        case, window_a=(edge_ms - before_ms - 1_000, edge_ms), window_b=(edge_ms, edge_ms + after_ms + 60_000)
    )


def _place_of(x: float, y: float, z: float) -> Place:
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _nested(random: Random) -> Case:
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 5.5)
    outer = draw_star(random, centre, size_m)
    inner = draw_form(random, centre, size_m * 10.0 ** random.uniform(-5.0, -0.7))
    return bare_case(outer, inner) if random.random() < 0.5 else bare_case(inner, outer)


def _bay(random: Random) -> Case:
    """A ring like a C, and a shape in the bay: inside its hull and not inside."""
    centre, size_m = anywhere(random), 10.0 ** random.uniform(2.0, 5.0)
    mouth = random.uniform(5.0, 40.0)
    turn = random.uniform(0.0, 360.0)
    bearings = [turn + mouth + (360.0 - 2.0 * mouth) * k / 8.0 for k in range(9)]
    outer = [moved(centre, bearing, size_m) for bearing in bearings]
    inner = [moved(centre, bearing, size_m * 0.6) for bearing in reversed(bearings)]
    ring = Form("polygon", (*outer, *inner))
    lateral_m = random.choice(SEPARATIONS_M)
    kind = random.random()
    if kind < 0.3:
        return bare_case(ring, draw_form(random, centre, size_m * random.uniform(0.1, 0.3)), lateral_m=lateral_m)
    on = place_between(inner[3], inner[4], random.random())[0]
    if kind < 0.6:  # into the bay from near one of its walls
        tip, onward = go_on(on, bearing_of(on, centre), draw_gap_m(random))
        return bare_case(ring, draw_fan(random, tip, onward, size_m * 0.2))
    return draw_pair(random, ring, moved(centre, turn + 180.0, size_m * 0.8), size_m)


def _empty(random: Random) -> Case:
    place = anywhere(random)
    form = draw_form(random, place, 10.0 ** random.uniform(0.0, 5.0))
    kind = random.random()
    if kind < 0.3:
        return bare_case(None, form)
    if kind < 0.4:
        return bare_case(None, None)
    lng = place[1] - 180.0 if place[1] > 0.0 else place[1] + 180.0
    other = draw_form(random, (-place[0], lng), 10.0 ** random.uniform(0.0, 5.0))
    return bare_case(form, other, lateral_m=random.choice(SEPARATIONS_M))


def _hemisphere(random: Random) -> Case:
    """Rings of thousands of kilometres, up to the cap that is allowed, and beyond it."""
    centre = anywhere(random)
    reach, corners, turn = random.choice([30.0, 50.0, 65.0, 74.0, 84.0, 89.0]), random.randrange(6, 9), random.random()
    ring = tuple(moved(centre, (k + turn) * 360.0 / corners, reach * 111_195.0) for k in range(corners))
    form = Form("polygon", ring)
    if reach > 80.0:
        return bare_case(form, Form("circle", (centre,), 1_000.0), refused=True)
    kind = random.random()
    if kind < 0.2:
        return bare_case(form, Form("circle", (moved(centre, turn * 360.0, reach * 60_000.0),), 100.0))
    if kind < 0.3:
        return bare_case(form, Form("circle", (moved(centre, turn * 360.0, 110.0 * 111_195.0),), 100.0))
    return draw_pair(random, form, centre, 10.0 ** random.uniform(1.0, 4.0))


def _circles(random: Random) -> Case:
    one, other = (10.0 ** random.uniform(-3.0, 5.69) for _ in range(2))
    place, lateral_m = anywhere(random), random.choice(SEPARATIONS_M)
    beside = ahead(place, random.uniform(0.0, 360.0), one + other + lateral_m + draw_gap_m(random))
    return bare_case(Form("circle", (place,), one), Form("circle", (beside,), other), lateral_m=lateral_m)


def _near_equal(random: Random) -> Case:
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 5.5)
    form = draw_form(random, centre, size_m)
    shift_m, bearing = random.choice([0.0, 1e-6, 1e-3, 0.01, 1.0]), random.uniform(0.0, 360.0)
    places = list(form.places)
    kind = random.random()
    if kind < 0.4:
        places = [moved(place, bearing, shift_m) for place in places]
    elif kind < 0.7 and form.kind == "polygon":
        start = random.randrange(len(places))
        places = places[start:] + places[:start]
        if random.random() < 0.5:
            places.reverse()
    else:
        places = [moved(place, random.uniform(0.0, 360.0), shift_m) for place in places]
    return bare_case(form, Form(form.kind, tuple(places), form.radius_m))


def _crossing_ring(random: Random) -> Case:
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 5.5)
    turn, kind = random.uniform(0.0, 360.0), random.random()
    if kind < 0.4:  # a bow tie
        ring = [moved(centre, turn + bearing, size_m) for bearing in (0.0, 180.0, 90.0, 270.0)]
    elif kind < 0.7:  # a pentagram
        ring = [moved(centre, turn + bearing, size_m) for bearing in (0.0, 144.0, 288.0, 72.0, 216.0)]
    else:  # out along an edge and back on it; on longer edges the middle may be more than a millimetre off
        ring = ring_around(random, centre, min(size_m, 1_000.0), random.randrange(5, 9))
        ring.insert(2, place_between(ring[0], ring[1], 0.5)[0])
    return bare_case(Form("polygon", tuple(ring)), Form("circle", (centre,), size_m), refused=True)


def _collinear(random: Random) -> Case:
    """Edges cut by more vertices on their geodesics: nothing may change."""
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.5, 5.0)
    ring = draw_star(random, centre, size_m, random.randrange(4, 8))
    places: list[Place] = []
    for place, following in zip(ring.places, (*ring.places[1:], ring.places[0]), strict=True):
        places.append(place)
        shares = sorted(random.uniform(0.05, 0.95) for _ in range(random.randrange(3)))
        places += [place_between(place, following, share)[0] for share in shares]
    return draw_pair(random, Form("polygon", tuple(places)), centre, size_m)


def _duplicated(random: Random) -> Case:
    centre, size_m = anywhere(random), 10.0 ** random.uniform(1.0, 5.0)
    ring = list(draw_star(random, centre, size_m).places)
    k = random.randrange(len(ring) - 1)
    ring.insert(k + 1, moved(ring[k], random.uniform(0.0, 360.0), random.choice([0.0, 1e-6, 5e-4])))
    return bare_case(Form("polygon", tuple(ring)), Form("circle", (centre,), size_m), refused=True)


REFERENCES: Final = ("m W84", "m AMSL", "m QNH", "m AGL", "FL")


def _limits(random: Random, lower_m: float, upper_m: float) -> tuple[Limit, Limit]:
    """Two limits near these heights, each in a reference of its own."""
    said: list[Limit] = []
    for value_m in (lower_m, upper_m):
        unit = random.choice(REFERENCES)
        said.append(f"FL{min(999, round(value_m / 30.48)):03d}" if unit == "FL" else f"{value_m:.3f} {unit}")
    return said[0], said[1]


def _altitude(random: Random) -> Case:
    place = random.choice(sorted(GEOID_KNOWN))
    form, other = Form("circle", (place,), 100.0), Form("circle", (place,), 50.0)
    vertical_m = random.choice([0.0, 0.0, 914.4])
    lateral_m = random.choice([0.0, 5_556.0])
    if random.random() < 0.4:  # one reference, touching bands
        unit = random.choice(REFERENCES[:4])
        lower_m, thick_m = random.choice([0.0, 152.4, 3_000.0]), random.choice([0.0, 30.48, 500.0])
        above_m = lower_m + thick_m + vertical_m + random.choice([-1.0, -0.02, 0.0, 0.005, 0.02, 1.0, 95.0])
        bands: list[tuple[Limit, Limit]] = [
            (f"{lower_m:.3f} {unit}", f"{lower_m + thick_m:.3f} {unit}"),
            (f"{above_m:.3f} {unit}", f"{above_m + 100.0:.3f} {unit}"),
        ]
    else:
        low, high = sorted(10.0 ** random.uniform(1.0, 4.2) for _ in range(2))
        above = high * random.uniform(0.5, 1.8)
        one, two = sorted((above, above + random.choice([0.0, 10.0, 1_000.0])))
        bands = [_limits(random, low, max(high, low * 2.0 + 400.0)), _limits(random, one, two * 2.0 + 400.0)]
    random.shuffle(bands)
    case = bare_case(form, other, lateral_m=lateral_m)
    return replace(case, vertical_m=vertical_m, band_a=bands[0], band_b=bands[1])


def _window(random: Random) -> Case:
    place = anywhere(random)
    form, other = Form("circle", (place,), 100.0), draw_form(random, place, 1_000.0)
    time_ms = random.choice([0, 0, 1, 180_000])
    length_ms = random.choice([1, 1_000, 3_600_000, DAY_MS, 366 * DAY_MS])
    start_ms = random.choice([
        0, 1, random.randrange(DAY_MS), 1_800_000_000_000 + random.randrange(DAY_MS), LATEST_MS - 3 * length_ms - DAY_MS
    ])  # fmt: skip
    end_ms = min(start_ms + length_ms, LATEST_MS)
    next_ms = end_ms + time_ms + random.choice([-1_000, -1, 0, 1, 2, 1_000, DAY_MS])
    next_ms = min(max(next_ms, 0), LATEST_MS - 1)
    windows = [(start_ms, end_ms), (next_ms, min(next_ms + random.choice([1, 60_000, DAY_MS]), LATEST_MS))]
    random.shuffle(windows)
    return replace(bare_case(form, other), time_ms=time_ms, window_a=windows[0], window_b=windows[1])


def _random(random: Random) -> Case:
    place, size_m = anywhere(random), 10.0 ** random.uniform(0.5, 5.3)
    beside = moved(place, random.uniform(0.0, 360.0), size_m * random.uniform(0.0, 3.0))
    lateral_m = random.choice(SEPARATIONS_M)
    return bare_case(draw_form(random, place, size_m), draw_form(random, beside, size_m), lateral_m=lateral_m)


CATEGORIES: Final[dict[str, tuple[float, Callable[[Random], Case]]]] = {
    "pole-vertex": (4.0, _pole_vertex),
    "pole-ring": (4.0, _pole_ring),
    "pole-edge": (4.0, _pole_edge),
    "antimeridian": (6.0, _antimeridian),
    "sliver": (6.0, _sliver),
    "touch-vertex": (5.0, _touch_vertex),
    "touch-edge": (5.0, _touch_edge),
    "touch-vertex-on-edge": (5.0, _touch_vertex_on_edge),
    "in-line": (6.0, _in_line),
    "gap": (12.0, _gap),
    "long-edge": (6.0, _long_edge),
    "longest-edge": (2.0, _longest_edge),
    "cube-corner": (6.0, _cube_corner),
    "nested": (4.0, _nested),
    "bay": (4.0, _bay),
    "empty": (2.0, _empty),
    "hemisphere": (0.5, _hemisphere),
    "circles": (6.0, _circles),
    "near-equal": (4.0, _near_equal),
    "crossing-ring": (2.0, _crossing_ring),
    "collinear": (4.0, _collinear),
    "duplicated-vertex": (1.5, _duplicated),
    "altitude": (4.0, _altitude),
    "window": (4.0, _window),
    "random": (4.0, _random),
}
"""Weight in a mixed run, and the maker."""


def make_case(category: str, number: int, *, seed: int) -> Case:
    """Return case `number` of a category."""
    random = Random(f"{category}/{number}/{seed}")
    case = replace(CATEGORIES[category][1](random), category=category, number=number, seed=seed)
    if case.window_a != WINDOW_MS or case.window_b != WINDOW_MS:
        return case
    # Each case has a time of its own, so that thousands of them can be held by one index and meet only their own.
    start_ms = WINDOW_MS[0] + (number % SLOTS) * SLOT_MS
    return replace(case, window_a=(start_ms, start_ms + 600_000), window_b=(start_ms + 60_000, start_ms + 660_000))


def share_out(count: int, categories: Sequence[str] = ()) -> dict[str, int]:
    """Return how many cases of each category make up `count`, by weight; at least one of each."""
    names = list(categories) or list(CATEGORIES)
    whole = sum(CATEGORIES[name][0] for name in names)
    return {name: max(1, round(count * CATEGORIES[name][0] / whole)) for name in names}
