"""Moving pieces under a separation in time, in references that differ, and with certainty inside rings."""

from __future__ import annotations

from random import Random

import msgspec
import numpy as np
import pytest

from clearline.model.altitude import AltitudeReference
from clearline.sky import prepare
from clearline.sky.kernel_meet import CLOSER, SURE
from clearline.sky.trajectory import prepare_trajectory
from tests.sky.flights import ahead, grazing, moving, pieces_closer, speed, straight, through, trajectory
from tests.sky.oracle_tracks import Flight, apart_m
from tests.sky.shapes import EFFORT, anywhere, circle, corridor, polygon, rules, seeded, volume

SEED = 49_001
ALOFT = AltitudeReference


def test_two_flights_at_different_instants() -> None:
    """R16: whatever two instants at most the time apart the flights are closer at, the window holds both."""
    seeded(SEED)
    random = Random(SEED)
    closer = apart = sure = 0
    for _ in range(240 * EFFORT):
        place, time_ms = anywhere(random), random.choice([1, 1_000, 30_000])
        rule = msgspec.structs.replace(
            rules(random.choice([0.0, 50.0, 5_556.0]), random.choice([0.0, 30.0, 300.0])), separation_time_ms=time_ms
        )
        reach_m = 20.0 + rule.separation_lateral_m
        speeds, climbs = [speed(random), speed(random)], [random.choice([0.0, 5.0, -20.0]) for _ in range(2)]
        one = through(random, place, at_ms=300_000, speed_m_s=speeds[0], height_m=5e3, climb_m_s=climbs[0])
        passing = ahead(place, random.uniform(0.0, 360.0), grazing(random, reach_m))
        then_ms = 300_000 + random.choice([0, time_ms, -time_ms, 2 * time_ms, random.randrange(-60_000, 60_000)])
        height_m = 5e3 + random.choice([0.0, rule.separation_vertical_m, 400.0])
        other = through(random, passing, at_ms=then_ms, speed_m_s=speeds[1], height_m=height_m, climb_m_s=climbs[1])
        rows = pieces_closer(moving(one, lateral_m=10.0), moving(other, lateral_m=10.0), rule)
        a_ms, b_ms = np.linspace(*one.window_ms, 101), np.linspace(*other.window_ms, 101)
        lat, lng, height = one.at(a_ms)
        lat_b, lng_b, height_b = other.at(b_ms)
        near = np.abs(a_ms[:, None] - b_ms[None, :]) <= time_ms
        near &= np.abs(height[:, None] - height_b[None, :]) <= rule.separation_vertical_m
        pairs = np.argwhere(near)
        lateral_m = apart_m(lat[pairs[:, 0]], lng[pairs[:, 0]], lat_b[pairs[:, 1]], lng_b[pairs[:, 1]])
        for i, j in pairs[lateral_m <= reach_m]:
            instants = a_ms[i], b_ms[j]
            assert any(row[3] <= min(instants) and max(instants) <= row[4] for row in rows), "missed"
        closer, apart = closer + bool(rows), apart + (not rows)
        sure += any(row[2] == SURE for row in rows)
        if rows:
            # Wider by a step of the grid and the tolerances, the grid finds the pair too.
            step_ms = max(a_ms[1] - a_ms[0], b_ms[1] - b_ms[0])
            drift_m = step_ms / 1000.0 * (sum(speeds) + abs(climbs[0]) + abs(climbs[1]))
            near = np.abs(a_ms[:, None] - b_ms[None, :]) <= time_ms + 2.0 * step_ms
            near &= np.abs(height[:, None] - height_b[None, :]) <= rule.separation_vertical_m + drift_m + 0.03
            pairs = np.argwhere(near)
            lateral_m = apart_m(lat[pairs[:, 0]], lng[pairs[:, 0]], lat_b[pairs[:, 1]], lng_b[pairs[:, 1]])
            assert (lateral_m <= reach_m * 1.0068 + 0.1 + drift_m).any()
    assert min(closer, apart, sure) > 30, (closer, apart, sure)


@pytest.mark.parametrize(("gap_ms", "met"), [(0, True), (29_999, True), (30_000, True), (30_001, False)])
def test_time_apart_from_what_stands(gap_ms: int, met: bool) -> None:
    """A volume holds its place for the separation in time before and after its window, and no longer."""
    rule = msgspec.structs.replace(rules(), separation_time_ms=30_000)
    area = prepare([volume(circle(0.0, 0.0, 5_000.0), window_ms=(100_000, 200_000))])
    hovering = straight((0.0, 0.0), 0.0, 0.0, (200_000 + gap_ms, 300_000), (50.0, 50.0))
    rows = pieces_closer(moving(hovering), area, rule)
    assert [row[2:] for row in rows] == ([(SURE, 200_000 + gap_ms, 230_000)] if met else [])


def test_time_apart_one_behind_the_other() -> None:
    """Two on one route, one 20 s behind: they meet under 30 s and under no time they do not."""
    ahead_of = straight((46.0, 7.0), 30.0, 40_000.0, (0, 200_000), (100.0, 100.0))
    behind = straight((46.0, 7.0), 30.0, 40_000.0, (20_000, 220_000), (100.0, 100.0))
    rule = rules(10.0)
    assert not pieces_closer(moving(ahead_of), moving(behind), rule)
    assert not pieces_closer(moving(ahead_of), moving(behind), msgspec.structs.replace(rule, separation_time_ms=19_000))
    rows = pieces_closer(moving(ahead_of), moving(behind), msgspec.structs.replace(rule, separation_time_ms=21_000))
    assert min(row[3] for row in rows) == 0
    assert max(row[4] for row in rows) == 220_000


@pytest.mark.parametrize(
    ("reference", "band", "climb_to_m", "expected"),
    [
        # One reference: the climb is timed. 100 m to 1,100 m in 100 s enters 600 m after 50 s.
        (ALOFT.AMSL, ("600 m AMSL", "700 m AMSL"), 1_100.0, (SURE, 49_999, 60_002)),
        (ALOFT.QNH, ("600 m QNH", "700 m QNH"), 1_100.0, (CLOSER, 40_998, 69_002)),
        (ALOFT.AGL, ("600 m AGL", "700 m AGL"), 1_100.0, (SURE, 49_999, 60_002)),
        # Others by their hull over the piece: nothing is timed, and nothing is certain.
        (ALOFT.AMSL, ("600 m W84", "700 m W84"), 1_100.0, (CLOSER, 0, 100_000)),
        (ALOFT.W84, ("FL010", "FL020"), 1_100.0, (CLOSER, 0, 100_000)),
        # And where no bounds bring them together, they are apart.
        (ALOFT.AMSL, ("2000 m W84", "2500 m W84"), 1_100.0, None),
        (ALOFT.W84, ("FL200", "FL210"), 1_100.0, None),
    ],
)
def test_bands_while_climbing(
    reference: AltitudeReference, band: tuple[str, str], climb_to_m: float, expected: tuple[int, int, int] | None
) -> None:
    """R13: in one reference the climb decides when; in two, the bounds of the whole piece decide whether."""
    flight = straight((10.0, 10.0), 45.0, 1_000.0, (0, 100_000), (100.0, climb_to_m))
    path = prepare_trajectory(trajectory(flight, reference=reference))
    area = prepare([volume(circle(10.0, 10.0, 5_000.0), band=band)])
    rows = pieces_closer(path, area, rules())
    assert [row[2:] for row in rows] == ([] if expected is None else [expected])


def test_agl_with_a_separation_says_nothing() -> None:
    """R13: two heights above ground are compared over one ground only; with a separation they are not."""
    flight = straight((10.0, 10.0), 45.0, 1_000.0, (0, 100_000), (100.0, 100.0))
    path = prepare_trajectory(trajectory(flight, reference=ALOFT.AGL))
    area = prepare([volume(circle(10.0, 10.0, 500.0), band=("900 m AGL", "1000 m AGL"))])
    assert pieces_closer(path, area, rules()) == []
    assert pieces_closer(path, area, rules(100.0))[0][2] == CLOSER


def test_hovering_in_a_ring_is_certain() -> None:
    """No buffer, no separation: certain in the middle of a ring, not on its edge, and nothing beyond."""
    ring = prepare([volume(polygon((0.0, 0.0), (0.0, 0.01), (0.01, 0.01), (0.01, 0.0)))])
    for lat, expected in ((0.005, [SURE]), (0.0, [CLOSER]), (-1e-6, [])):
        hovering = straight((lat, 0.005), 0.0, 0.0, (0, 100_000), (50.0, 50.0))
        assert [row[2] for row in pieces_closer(moving(hovering), ring, rules())] == expected


def test_ring_left_and_entered_again() -> None:
    """A ring with a bay: the window is the hull of both stays, as the kernel says of itself."""
    outer = [(0.01, 0.03), (0.0, 0.03), (0.0, 0.0), (0.01, 0.0)]
    bay = polygon(*outer, (0.01, 0.01), (0.002, 0.01), (0.002, 0.02), (0.01, 0.02))
    flight = Flight(((0.005, -0.005, 50.0, 0), (0.005, 0.035, 50.0, 40_000)))
    rows = pieces_closer(moving(flight), prepare([volume(bay)]), rules())
    assert len(rows) == 1
    close, from_ms, until_ms = rows[0][2:]
    assert close == SURE
    assert 4_990 <= from_ms <= 5_000
    assert 35_000 <= until_ms <= 35_010


def test_width_of_a_corridor_and_both_buffers_add_up() -> None:
    """Beside a corridor at its half width and the buffer: closer; a metre more, and the factor N/M: apart."""
    line = prepare([volume(corridor(100.0, (50.0, 8.0), (50.0, 8.05)))])
    for off_m, met in ((150.0, True), (152.1, False)):
        start = ahead((50.0, 8.0), 0.0, off_m)
        flight = straight(start, 90.0, 3_000.0, (0, 100_000), (50.0, 50.0))
        assert bool(pieces_closer(moving(flight, lateral_m=50.0), line, rules())) == met
