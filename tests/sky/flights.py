"""Trajectories for the tests of the sky, written shortly, seeded random ones, and a bare comparison by the kernel."""

from __future__ import annotations

from random import Random

import numba
import numpy as np

from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.rules import RuleSet
from clearline.model.trajectory import Trajectory, TrajectoryPoint
from clearline.model.volume import LatLngPoint
from clearline.sky import Prepared
from clearline.sky.kernel_meet import APART
from clearline.sky.kernel_moving import moving_closeness
from clearline.sky.kernel_query import MOVING_M
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import Floats, Ints
from clearline.sky.rule_table import _row
from clearline.sky.trajectory import prepare_trajectory
from tests.sky.oracle_tracks import WGS84, Flight, Place

UNITS = {AltitudeReference.FL: AltitudeUnits.FL}


@numba.njit
def _compare(fa: Floats, ia: Ints, na: int, fb: Floats, ib: Ints, nb: int, rule: Floats) -> Ints:
    one, other = load(fa, ia, na), load(fb, ib, nb)
    out = np.zeros((na * nb, 5), np.int64)
    for a in range(na):
        for b in range(nb):
            close, from_ms, until_ms = moving_closeness(
                one[0], one[1], a, one[2], one[3], other[0], other[1], b, other[2], other[3],
                rule[0], rule[1], int(rule[2]), rule[5:10], rule[3], rule[4],
            )  # fmt: skip
            out[a * nb + b] = a, b, close, from_ms, until_ms
    return out


def pieces_closer(a: Prepared, b: Prepared, rules: RuleSet) -> list[tuple[int, int, int, int, int]]:
    """Return (piece of a, piece of b, closeness, from, until) of all pairs that are closer; both ways agree."""
    rule = np.array(_row(rules))
    rule[3] += MOVING_M
    rows = _compare(a.floats, a.ints, len(a), b.floats, b.ints, len(b), rule)
    turned = _compare(b.floats, b.ints, len(b), a.floats, a.ints, len(a), rule)
    turned = turned.reshape(len(b), len(a), 5).swapaxes(0, 1).reshape(-1, 5)[:, [1, 0, 2, 3, 4]]
    assert (rows == turned).all(), "the two directions differ"
    return [tuple(row) for row in rows[rows[:, 2] != APART].tolist()]


def trajectory(
    flight: Flight,
    *,
    lateral_m: float = 0.0,
    vertical_m: float = 0.0,
    reference: AltitudeReference = AltitudeReference.W84,
) -> Trajectory:
    """The heights of the flight are in metres, those of a flight by FL in hundreds of feet."""
    return Trajectory(
        points=tuple(
            TrajectoryPoint(
                LatLngPoint(lat, lng), Altitude(height, reference, UNITS.get(reference, AltitudeUnits.M)), at_ms
            )
            for lat, lng, height, at_ms in flight.points
        ),
        buffer_lateral_m=lateral_m,
        buffer_vertical_m=vertical_m,
    )


def moving(flight: Flight, *, lateral_m: float = 0.0, vertical_m: float = 0.0) -> Prepared:
    return prepare_trajectory(trajectory(flight, lateral_m=lateral_m, vertical_m=vertical_m))


def ahead(place: Place, bearing_deg: float, distance_m: float) -> Place:
    """Go along the geodesic; longitudes stay within what the model takes."""
    lng, lat, _ = WGS84.fwd(place[1], place[0], bearing_deg, distance_m)
    return float(lat), max(-180.0, min(180.0, float(lng)))


def straight(
    place: Place, bearing_deg: float, length_m: float, window_ms: tuple[int, int], heights_m: tuple[float, float]
) -> Flight:
    end = ahead(place, bearing_deg, length_m)
    return Flight(((*place, heights_m[0], window_ms[0]), (*end, heights_m[1], window_ms[1])))


def through(
    random: Random, place: Place, *, at_ms: int, speed_m_s: float, height_m: float, climb_m_s: float = 0.0
) -> Flight:
    """One to three legs; the flight is near `place` and `height_m` at about `at_ms`."""
    bearing = random.uniform(0.0, 360.0)
    before_ms = random.randrange(500, 60_000)
    start = ahead(place, bearing + 180.0, speed_m_s * before_ms / 1000.0)
    points = [(*start, height_m - climb_m_s * before_ms / 1000.0, at_ms - before_ms)]
    if random.random() < 0.4:
        points.append((*place, height_m, at_ms))
        bearing += random.choice([0.0, 1e-3, 30.0, 90.0, 180.0])
    for _ in range(random.randrange(1, 3)):
        lat, lng, height, then_ms = points[-1]
        leg_ms = random.randrange(1, 90_000)
        end = ahead((lat, lng), bearing, speed_m_s * leg_ms / 1000.0)
        points.append((*end, height + climb_m_s * leg_ms / 1000.0, then_ms + leg_ms))
        bearing += random.uniform(-120.0, 120.0)
    return Flight(tuple(points))


def speed(random: Random) -> float:
    """From hovering to faster than sound, m/s."""
    return random.choice([0.0, 1e-6, 0.01, 10.0 ** random.uniform(0.0, 3.0), random.uniform(20.0, 300.0)])


def grazing(random: Random, reach_m: float) -> float:
    """A distance at, just below, just above or near one that decides."""
    kind = random.randrange(5)
    if kind == 0:
        return reach_m
    if kind == 1:
        return max(0.0, reach_m + random.choice([-1.0, 1.0]) * 10.0 ** random.uniform(-3.0, 0.0))
    if kind == 2:
        return reach_m * random.uniform(0.99, 1.01)
    return reach_m * random.uniform(0.0, 1.5)
