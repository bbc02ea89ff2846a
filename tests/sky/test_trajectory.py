"""Trajectories are cut so that a piece is what the kernel takes it for, and refused where they cannot be flown."""

from __future__ import annotations

import math
import time
from random import Random

import numpy as np
import pytest

from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.trajectory import Trajectory, TrajectoryPoint
from clearline.model.volume import LatLngPoint
from clearline.sky import Prepared
from clearline.sky.altitude import REFERENCE_CODES, WORLDWIDE, AltitudeBounds, height_w84_m
from clearline.sky.geoid import geoid_of_record_m
from clearline.sky.kernel_meet import FLOAT_COLUMNS, INT_COLUMNS
from clearline.sky.kernel_shape import MOVING, Ints, unit_vectors
from clearline.sky.trajectory import prepare_trajectory
from tests.sky.flights import straight, trajectory
from tests.sky.oracle_tracks import Flight, Floats
from tests.sky.shapes import EFFORT, anywhere, seeded

SEED = 48_001
R_M = 6_399_600.0
"""The largest radius of curvature: an angle on the sphere is no more metres than this."""
PIECE_APART_M = 0.0051
"""5.0 mm at 5 km; what it was measured to be, and what two pieces may be wrong is twice this, below 2 cm."""


def records(prepared: Prepared) -> tuple[Floats, Ints, Floats]:
    count = len(prepared)
    floats = prepared.floats
    return (
        floats[: count * FLOAT_COLUMNS].reshape(count, FLOAT_COLUMNS),
        prepared.ints.reshape(count, INT_COLUMNS),
        floats[count * FLOAT_COLUMNS :].reshape(count, 2, 3),
    )


def test_pieces_are_where_the_flight_is() -> None:
    """Within a piece, even motion from vertex to vertex is right to 5 mm, anywhere and at any speed."""
    seeded(SEED)
    random = Random(SEED)
    shares = np.linspace(0.0, 1.0, 9)
    worst_m = 0.0
    for _ in range(500 * EFFORT):
        place, bearing = anywhere(random), random.uniform(0.0, 360.0)
        length_m = random.choice([0.0, 1e-6, 10.0, 4_949.0, 4_951.0, 10.0 ** random.uniform(3.0, 6.5)])
        duration_ms = max(1, int(length_m / random.choice([0.1, 9.0, 250.0, 19_000.0]) * 1000.0)) + 1
        start_ms = random.randrange(10**12)
        flight = straight(place, bearing, length_m, (start_ms, start_ms + duration_ms), (500.0, 9_500.0))
        prepared = prepare_trajectory(trajectory(flight))
        floats, ints, vertices = records(prepared)
        assert ints[0, 4] == start_ms
        assert ints[-1, 5] == start_ms + duration_ms
        assert (ints[1:, 4] == ints[:-1, 5]).all()
        for k in {0, len(ints) // 2, len(ints) - 1}:
            at_ms = ints[k, 4] + shares * (ints[k, 5] - ints[k, 4])
            lat, lng, height = flight.at(at_ms)
            there = unit_vectors(lat, lng)
            a, b = vertices[k]
            assert np.linalg.norm(b - a) * R_M <= limits.PIECE_M_MAX * 1.01
            here = a + shares[:, None] * (b - a)
            here /= np.linalg.norm(here, axis=1)[:, None]
            worst_m = max(worst_m, float(np.linalg.norm(here - there, axis=1).max()) * R_M)
            assert floats[k, 11] + shares * (floats[k, 13] - floats[k, 11]) == pytest.approx(height, abs=1e-6)
            assert (np.linalg.norm(here - floats[k, 0:3], axis=1) <= floats[k, 3]).all()
    assert 0.003 < worst_m < PIECE_APART_M, worst_m


FORECAST = AltitudeBounds.of_weather(qnh_hpa=(1005.0, 1020.0), isa_degrees=(-5.0, 15.0), ground_amsl_m=(0.0, 900.0))


@pytest.mark.parametrize("bounds", [WORLDWIDE, FORECAST, AltitudeBounds(geoid_m=(40.0, 50.0))])
@pytest.mark.parametrize("reference", list(AltitudeReference))
def test_heights_are_those_of_the_altitudes(reference: AltitudeReference, bounds: AltitudeBounds) -> None:
    """R13: the hull of a piece holds the heights W84 of all altitudes that it passes; its band says them."""
    units = AltitudeUnits.FL if reference is AltitudeReference.FL else AltitudeUnits.M
    unit_m = 30.48 if reference is AltitudeReference.FL else 1.0
    path = Trajectory(
        points=tuple(
            TrajectoryPoint(LatLngPoint(10.0, 0.01 * k), Altitude(value, reference, units), 10_000 * k)
            for k, value in enumerate((100.0, 20.0, 20.0, 300.0))
        ),
        buffer_vertical_m=50.0,
    )
    prepared = prepare_trajectory(path, bounds=bounds)
    floats, ints, _ = records(prepared)
    assert (ints[:, 0] == MOVING).all()
    assert (ints[:, 1:3] == REFERENCE_CODES[reference]).all()
    assert (ints[:, 3] == 2).all()
    for k, (start, end) in enumerate([(100.0, 20.0), (20.0, 20.0), (20.0, 300.0)]):
        for share in (0.0, 0.3, 1.0):
            value_m = (start + share * (end - start)) * unit_m
            for off_m, columns in ((-50.0, (7, 8)), (50.0, (9, 10))):
                said = Altitude((value_m + off_m) / unit_m, reference, units)
                bound = height_w84_m(said, geoid_m=geoid_of_record_m(floats, k), bounds=bounds)
                assert floats[k, columns[0]] <= bound[0] + 1e-6
                assert bound[1] <= floats[k, columns[1]] + 1e-6
                if start == end:
                    assert floats[k, columns[0] : columns[1] + 1] == pytest.approx(bound)
        assert floats[k, 11:15] == pytest.approx(
            [start * unit_m - 50.0, start * unit_m + 50.0, end * unit_m - 50.0, end * unit_m + 50.0]
        )
        lower, upper = prepared.bands[k]
        assert lower.value_m == pytest.approx(min(start, end) * unit_m - 50.0, abs=1e-4)
        assert upper.value_m == pytest.approx(max(start, end) * unit_m + 50.0, abs=1e-4)
        assert (lower.reference, lower.units) == (reference, units)


def test_bands_are_cut_to_what_can_be_said() -> None:
    """FL 0 with a buffer begins below; what is said begins at 0, and what is compared does not."""
    points = tuple(
        TrajectoryPoint(LatLngPoint(0.0, 0.0), Altitude(0.0, AltitudeReference.FL, AltitudeUnits.FL), at_ms)
        for at_ms in (0, 1000)
    )
    prepared = prepare_trajectory(Trajectory(points=points, buffer_vertical_m=100.0))
    assert prepared.bands[0][0].value == 0.0
    assert records(prepared)[0][0, 11] == -100.0
    feet = Altitude(limits.ALTITUDE_M_MAX / 0.3048 - 0.001, AltitudeReference.W84, AltitudeUnits.FT)
    high = tuple(TrajectoryPoint(LatLngPoint(0.0, 0.0), feet, at_ms) for at_ms in (0, 1000))
    prepared = prepare_trajectory(Trajectory(points=high, buffer_vertical_m=100.0))
    assert prepared.bands[0][1].value_m <= limits.ALTITUDE_M_MAX
    assert prepared.bands[0][1].value_m == pytest.approx(limits.ALTITUDE_M_MAX)


def flown(*points: tuple[float, float, int]) -> Trajectory:
    return trajectory(Flight(tuple((lat, lng, 100.0, at_ms) for lat, lng, at_ms in points)))


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        (
            flown((0.0, 0.0, 0), (0.0, 1.0, 600_000), (0.0, 92.0, 90_000_000)),
            RefusalCode.SHAPE_TOO_LARGE,
            "plan.points[1]",
        ),
        (flown((0.0, 0.0, 0), (0.0, 180.0, 90_000_000)), RefusalCode.SHAPE_TOO_LARGE, "plan.points[0]"),
        (flown((0.0, 0.0, 0), (0.0, 0.1, 1000), (0.0, 0.3, 2000)), RefusalCode.OUT_OF_RANGE, "plan.points[1]"),
        (flown((0.0, 0.0, 0), (0.0, 0.0, 367 * 86_400_000)), RefusalCode.OVER_LIMIT, "plan.points[0]"),
        (
            flown(*((0.0, 80.0 * (k % 2), 10_000_000 * k) for k in range(40))),
            RefusalCode.OVER_LIMIT,
            "plan.points",
        ),
    ],
)
def test_what_cannot_be_flown_is_refused(path: Trajectory, code: RefusalCode, field: str) -> None:
    """Legs too long, too fast, too slow, and too many: the point where the leg starts is named."""
    with pytest.raises(Refusal) as caught:
        prepare_trajectory(path, field="plan")
    assert (caught.value.code, caught.value.field) == (code, field)


def test_trajectory_is_a_value() -> None:
    """The same trajectory prepares to the same bytes; places that are one place prepare to one."""
    path = flown(
        (0.0, 180.0, 0),
        (0.0, -180.0, 1000),
        (45.0, -180.0, 90_000_000),
        (90.0, 5.0, 180_000_000),
        (90.0, 77.0, 180_001_000),
    )
    one = prepare_trajectory(path)
    assert one == prepare_trajectory(path)
    vertices = records(one)[2]
    assert np.abs(vertices[0, 0] - vertices[0, 1]).max() < 1e-15
    assert np.abs(vertices[-1, 0] - vertices[-1, 1]).max() < 1e-15


def test_many_points_take_little_time() -> None:
    """10,000 points in well below a second (measured 0.05 s; ten times that is allowed here)."""
    random = Random(SEED + 1)
    path = flown(*((46.0 + 1e-4 * k, 7.0 + 0.01 * random.random(), 1000 * k) for k in range(10_000)))
    prepare_trajectory(path)
    before = time.process_time()
    assert len(prepare_trajectory(path)) == 9_999
    assert time.process_time() - before < 0.5
    assert math.isfinite(float(records(prepare_trajectory(path))[0].sum()))
