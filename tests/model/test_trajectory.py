"""Trajectories: places, heights and instants in order, with buffers; and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clearline.model import limits
from clearline.model.decode import decode
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.trajectory import Trajectory


def point(at_ms: int, value: float = 100.0, reference: str = "W84", units: str = "M") -> dict[str, Any]:
    altitude = {"value": value, "reference": reference, "units": units}
    return {"place": {"lat": 47.0, "lng": 8.0}, "altitude": altitude, "at_ms": at_ms}


PLAIN: dict[str, Any] = {"points": [point(0), point(1_000), point(2_000)]}


def read(plain: dict[str, Any]) -> Trajectory:
    return decode(Trajectory, json.dumps(plain).encode(), bytes_max=32 << 20)


def test_trajectories_are_read() -> None:
    """design.md §4: points in order of time, in one reference; units may differ; buffers are 0 if not said."""
    plain = read(PLAIN)
    assert [each.at_ms for each in plain.points] == [0, 1_000, 2_000]
    assert (plain.buffer_lateral_m, plain.buffer_vertical_m) == (0.0, 0.0)
    mixed = read({"points": [point(0, 100, "AMSL"), point(1, 300, "AMSL", "FT")], "buffer_lateral_m": 50})
    assert mixed.points[1].altitude.value_m == pytest.approx(91.44)
    assert mixed.buffer_lateral_m == 50.0


def test_the_longest() -> None:
    """Fourteen hours at one a second are taken, and one point more is not."""
    points = [point(1_000 * n) for n in range(limits.TRAJECTORY_POINTS_MAX + 1)]
    assert len(read({"points": points[1:]}).points) == limits.TRAJECTORY_POINTS_MAX
    with pytest.raises(Refusal) as caught:
        read({"points": points})
    assert (caught.value.code, caught.value.field) == (RefusalCode.OVER_LIMIT, "points")


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({"points": []}, RefusalCode.RING_INVALID, "points"),
        ({"points": [point(0)]}, RefusalCode.RING_INVALID, "points"),
        ({"points": [point(0), point(0)]}, RefusalCode.TIME_ORDER, "points[1].at_ms"),
        ({"points": [point(0), point(5), point(4)]}, RefusalCode.TIME_ORDER, "points[2].at_ms"),
        ({"points": [point(-1), point(0)]}, RefusalCode.OUT_OF_RANGE, "points[0].at_ms"),
        ({"points": [point(0), point(limits.TIME_MS_MAX + 1)]}, RefusalCode.OUT_OF_RANGE, "points[1].at_ms"),
        (
            {"points": [point(0), point(1, reference="AMSL")]},
            RefusalCode.ALTITUDE_ORDER,
            "points[1].altitude.reference",
        ),
        ({**PLAIN, "buffer_lateral_m": -1}, RefusalCode.OUT_OF_RANGE, "buffer_lateral_m"),
        ({**PLAIN, "buffer_lateral_m": limits.RADIUS_M_MAX + 1}, RefusalCode.OUT_OF_RANGE, "buffer_lateral_m"),
        ({**PLAIN, "buffer_vertical_m": -1}, RefusalCode.OUT_OF_RANGE, "buffer_vertical_m"),
        ({**PLAIN, "buffer_vertical_m": limits.ALTITUDE_M_MAX + 1}, RefusalCode.OUT_OF_RANGE, "buffer_vertical_m"),
        ({**PLAIN, "callsign": "X"}, RefusalCode.UNKNOWN_FIELD, "callsign"),
        ({"points": [{**point(0), "speed": 3}, point(1)]}, RefusalCode.UNKNOWN_FIELD, "points[0].speed"),
    ],
)
def test_refusals(plain: dict[str, Any], code: RefusalCode, field: str) -> None:
    """A trajectory that is none is refused, with the point."""
    with pytest.raises(Refusal) as caught:
        read(plain)
    assert (caught.value.code, caught.value.field) == (code, field)
