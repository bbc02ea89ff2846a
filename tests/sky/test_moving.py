"""Moving pieces against volumes and against each other: nothing is missed on the true earth (design.md §4, R16)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from clearline.model.rules import RuleSet
from clearline.sky import Prepared, prepare
from clearline.sky.kernel_meet import SURE
from tests.sky.flights import ahead, grazing, moving, pieces_closer, speed, straight, through
from tests.sky.oracle_tracks import Flight, Floats, Outline, apart_m, samples
from tests.sky.shapes import (
    EFFORT,
    anywhere,
    circle,
    corridor,
    moved,
    polygon,
    ring_around,
    rules,
    seeded,
    volume,
)

SEED = 46_001
WIDER = 1.0068
"""N/M at the equator: by this much the sphere of the kernel may count a separation too wide."""
SPARE_M = 0.1
SPARE_VERTICAL_M = 0.021

Distance = Callable[[Floats], tuple[Floats, Floats]]
"""Lateral distance between what has a buffer, and vertical gap between the bands, at instants."""


class Tally:
    """How many cases of each kind there were: a test that meets only one kind proves little."""

    def __init__(self) -> None:
        self.closer = self.apart = self.sure = 0

    def judge(
        self, rows: list[tuple[int, int, int, int, int]], distance: Distance, window: tuple[int, int], rule: RuleSet,
        reach_m: float, speed_m_s: float,
    ) -> None:  # fmt: skip
        """Hold the kernel's answer against the oracle's samples; `reach_m` is separation and buffers together."""

        def excess(times: Floats) -> Floats:
            lateral, vertical = distance(times)
            return np.maximum(lateral - reach_m, vertical - rule.separation_vertical_m)

        found = [row[3:5] for row in rows]
        times, values = samples(excess, *window) if window[0] <= window[1] else (np.array([]), np.array([]))
        hits = times[values <= 0.0]
        # Nothing is missed, and every instant at which the two are closer is within a window.
        for at_ms in hits:
            assert any(from_ms <= at_ms <= until_ms for from_ms, until_ms in found), f"missed at {at_ms}"
        if not rows:
            self.apart += 1
            return
        self.closer += 1
        if any(row[2] == SURE for row in rows):
            self.sure += 1
            assert len(hits), "certain, and never closer by the samples"
        # The windows end where the two are closer by the tolerances at most.
        ends = np.array([end for row in rows for end in row[3:5]], dtype=np.float64)
        lateral, vertical = distance(ends)
        drift_m = 0.002 * speed_m_s
        assert (lateral <= reach_m * WIDER + SPARE_M + drift_m).all()
        assert (vertical <= rule.separation_vertical_m + SPARE_VERTICAL_M + drift_m).all()

    def enough(self, count: int) -> None:
        assert min(self.closer, self.apart) > count // 8, vars(self)
        assert self.sure > count // 12, vars(self)


def against(flight: Flight, outline: Callable[[Floats, Floats], Floats], band_m: tuple[float, float]) -> Distance:
    """Distances of a flight from what stands."""

    def distance(times: Floats) -> tuple[Floats, Floats]:
        lat, lng, height = flight.at(times)
        return outline(lat, lng), np.maximum(band_m[0] - height, height - band_m[1])

    return distance


def between(one: Flight, other: Flight) -> Distance:
    def distance(times: Floats) -> tuple[Floats, Floats]:
        lat, lng, height = one.at(times)
        lat_b, lng_b, height_b = other.at(times)
        return apart_m(lat, lng, lat_b, lng_b), np.abs(height - height_b)

    return distance


def common(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])


def separations(random: Random) -> RuleSet:
    return rules(random.choice([0.0, 0.0, 50.0, 5_556.0, 37_040.0]), random.choice([0.0, 30.0, 914.4]))


def still(outline: object, band_m: tuple[float, float], window_ms: tuple[int, int]) -> Prepared:
    return prepare([volume(outline, band=band_m, window_ms=window_ms)])  # type: ignore[arg-type]


def test_against_circles() -> None:
    """R16: a flight past, through and into circles, at exactly the separation and near it."""
    seeded(SEED)
    random = Random(SEED)
    tally = Tally()
    count = 700 * EFFORT
    for _ in range(count):
        centre, rule = anywhere(random), separations(random)
        radius_m, buffer_m = 10.0 ** random.uniform(0.0, 4.5), random.choice([0.0, 10.0, 300.0])
        reach_m = radius_m + buffer_m + rule.separation_lateral_m
        speed_m_s, climb_m_s = speed(random), random.choice([0.0, 5.0, -20.0])
        passing = ahead(centre, random.uniform(0.0, 360.0), grazing(random, reach_m))
        flight = through(
            random, passing, at_ms=300_000, speed_m_s=speed_m_s, height_m=random.uniform(4e3, 9e3), climb_m_s=climb_m_s
        )
        height_m = flight.points[0][2] + random.choice([0.0, 100.0, 3_000.0])
        band_m = (height_m - 200.0, height_m + 100.0)
        window_ms = (random.randrange(200_000, 320_000), 400_000)
        rows = pieces_closer(
            moving(flight, lateral_m=buffer_m), still(circle(*centre, radius_m), band_m, window_ms), rule
        )
        there = np.array([centre[0]]), np.array([centre[1]])
        distance = against(flight, lambda lat, lng, there=there: apart_m(lat, lng, *there), band_m)  # type: ignore[misc]
        tally.judge(rows, distance, common(flight.window_ms, window_ms), rule, reach_m, speed_m_s + abs(climb_m_s))
    tally.enough(count)


def test_against_corridors_and_rings() -> None:
    """R16: flights along, across and beside edges and vertices; rings with and without a separation."""
    seeded(SEED + 1)
    random = Random(SEED + 1)
    tally = Tally()
    count = 400 * EFFORT
    for _ in range(count):
        place, size_m, rule = anywhere(random), 10.0 ** random.uniform(1.5, 4.3), separations(random)
        buffer_m = random.choice([0.0, 10.0, 300.0])
        if random.random() < 0.4:
            places = [moved(place, random.uniform(0.0, 360.0), size_m * random.random()) for _ in range(3)]
            width_m, closed = size_m * random.uniform(0.01, 0.2), False
            outline: object = corridor(width_m, *places)
        else:
            places, width_m, closed = ring_around(random, place, size_m, random.randrange(3, 9)), 0.0, True
            outline = polygon(*places)
        reach_m = width_m + buffer_m + rule.separation_lateral_m
        speed_m_s = speed(random)
        vertex = random.choice(places)
        passing = random.choice([vertex, place, ahead(vertex, random.uniform(0.0, 360.0), grazing(random, reach_m))])
        flight = through(random, passing, at_ms=300_000, speed_m_s=speed_m_s, height_m=500.0)
        window_ms = (random.randrange(200_000, 320_000), 400_000)
        rows = pieces_closer(moving(flight, lateral_m=buffer_m), still(outline, (400.0, 600.0), window_ms), rule)
        distance = against(flight, Outline(places, closed=closed).apart_m, (400.0, 600.0))
        tally.judge(rows, distance, common(flight.window_ms, window_ms), rule, reach_m, speed_m_s)
    tally.enough(count)


def test_two_flights() -> None:
    """R16: head on, overtaking, crossing, parallel, hovering, at exactly the separation and at other heights."""
    seeded(SEED + 2)
    random = Random(SEED + 2)
    tally = Tally()
    count = 1_000 * EFFORT
    for _ in range(count):
        place, rule = anywhere(random), separations(random)
        buffers_m = [random.choice([0.0, 10.0, 300.0]) for _ in range(2)]
        reach_m = sum(buffers_m) + rule.separation_lateral_m
        speeds = [speed(random), speed(random)]
        climbs = [random.choice([0.0, 0.0, 5.0, -20.0]) for _ in range(2)]
        height_m = 5_000.0
        one = through(random, place, at_ms=300_000, speed_m_s=speeds[0], height_m=height_m, climb_m_s=climbs[0])
        passing = ahead(place, random.uniform(0.0, 360.0), grazing(random, reach_m))
        height_m += random.choice([0.0, 0.0, rule.separation_vertical_m, -rule.separation_vertical_m, 2_000.0])
        at_ms = 300_000 + random.choice([0, 0, 1, 500, 20_000])
        other = through(random, passing, at_ms=at_ms, speed_m_s=speeds[1], height_m=height_m, climb_m_s=climbs[1])
        rows = pieces_closer(moving(one, lateral_m=buffers_m[0]), moving(other, lateral_m=buffers_m[1]), rule)
        fastest = sum(speeds) + abs(climbs[0]) + abs(climbs[1])
        tally.judge(rows, between(one, other), common(one.window_ms, other.window_ms), rule, reach_m, fastest)
    tally.enough(count)


def test_head_on_and_overtaking() -> None:
    """Two flights on one line: the window is that of the arithmetic, wider by no more than 2 ms and the tolerances."""
    seeded(SEED + 3)
    random = Random(SEED + 3)
    for _ in range(200 * EFFORT):
        place, bearing = anywhere(random), random.uniform(0.0, 360.0)
        if abs(place[0]) > 80.0:
            continue
        length_m, turned = random.uniform(1e3, 30e3), random.random() < 0.5
        one = straight(place, bearing, length_m, (0, 200_000), (100.0, 100.0))
        end = (one.points[1][0], one.points[1][1])
        slow = straight(place, bearing, 0.3 * length_m, (0, 200_000), (100.0, 100.0))
        other = Flight(((*end, 100.0, 0), (*place, 100.0, 200_000))) if turned else slow
        gap_m = 0.01 * length_m
        rows = pieces_closer(moving(one), moving(other), rules(gap_m))
        from_ms, until_ms = min(row[3] for row in rows), max(row[4] for row in rows)
        half_ms = gap_m / (2.0 * length_m) * 200_000
        spare_ms = 2.0 + 0.0068 * half_ms + 0.03 / length_m * 200_000
        if turned:
            assert 100_000 - half_ms - spare_ms <= from_ms <= 100_000 - half_ms
            assert 100_000 + half_ms <= until_ms <= 100_000 + half_ms + spare_ms
        else:
            assert from_ms == 0
            ends_ms = gap_m / (0.7 * length_m) * 200_000
            assert ends_ms <= until_ms <= ends_ms + 2.0 + 0.0068 * ends_ms + 0.1 / length_m * 200_000
