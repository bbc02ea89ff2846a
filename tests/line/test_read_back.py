"""What a reader repeats, and when it counts as right (R5, R13)."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.line.read_back import read_back_fields, wrong_field
from clearline.model.altitude import parse_altitude
from clearline.model.volume import (
    Corridor,
    LatLngPoint,
    Polygon,
    Radius,
    Volume3D,
    Volume4D,
    time_at,
)
from clearline.testing.simulated_ports import EPOCH_MS
from tests.line.desks import volume


def outline(*places: tuple[float, float], half_width_m: float | None = None) -> Volume4D:
    vertices = tuple(LatLngPoint(lat, lng) for lat, lng in places)
    return Volume4D(
        volume=Volume3D(
            outline_polygon=Polygon(vertices) if half_width_m is None else None,
            outline_corridor=Corridor(vertices, Radius(half_width_m)) if half_width_m is not None else None,
            altitude_lower=parse_altitude("FL090"),
            altitude_upper=parse_altitude("FL120"),
        ),
        time_start=time_at(EPOCH_MS),
        time_end=time_at(EPOCH_MS + 1),
    )


def box(*volumes: Volume4D) -> tuple[float, float, float, float]:
    fields = read_back_fields(volumes)
    return fields.south, fields.west, fields.north, fields.east


def test_a_polygon_gives_its_own_box_to_the_hundredth_outward() -> None:
    assert box(outline((10.001, 20.0), (10.5, 20.999), (10.2, 20.3))) == (10.0, 20.0, 10.5, 21.0)


def test_a_box_over_the_antimeridian_has_its_west_east_of_its_east() -> None:
    south, west, north, east = box(outline((-17.0, 179.5), (-17.5, -179.5), (-16.5, 180.0)))
    assert (south, north) == (-17.5, -16.5)
    assert (west, east) == (179.5, -179.5)


@pytest.mark.parametrize("lat", [89.99, -89.99])
def test_around_a_pole_all_longitudes_are_in_the_box(lat: float) -> None:
    _, west, _, east = box(volume(lat, 0.0, radius_m=50_000.0))
    assert (west, east) == (-180.0, 180.0)


def test_circles_all_around_the_earth_leave_no_gap() -> None:
    _, west, _, east = box(*(volume(80.0, lng, radius_m=500_000.0) for lng in range(-180, 180, 40)))
    assert (west, east) == (-180.0, 180.0)


def test_a_corridor_is_widened_by_its_half_width() -> None:
    south, west, north, east = box(outline((45.0, 7.0), (45.5, 7.0), half_width_m=2_000.0))
    assert south <= 45.0 - 2_000.0 / 111_200.0
    assert north >= 45.5 + 2_000.0 / 111_200.0
    reach = math.degrees(2_000.0 / (6_378_137.0 * math.cos(math.radians(45.5))))
    assert west <= 7.0 - reach
    assert east >= 7.0 + reach


def test_limits_in_several_references_are_all_named() -> None:
    fields = read_back_fields(
        [volume(lower="500 m W84", upper="800 m W84"), outline((1.0, 1.0), (1.0, 2.0), (2.0, 2.0))]
    )
    assert fields.lower == "FL090 / 500 m W84"
    assert fields.upper == "FL120 / 800 m W84"


@given(
    st.lists(st.tuples(st.floats(-85.0, 85.0), st.floats(-180.0, 180.0)), min_size=3, max_size=12, unique=True).filter(
        lambda places: all(a != b for a, b in zip(places, [*places[1:], places[0]], strict=True))
    )
)
def test_every_vertex_lies_in_the_box(places: list[tuple[float, float]]) -> None:
    south, west, north, east = box(outline(*places))
    for lat, lng in places:
        assert south <= lat <= north
        # Turning a longitude by 180 degrees and back costs the last bits of a double.
        from_west, to_east = lng >= west - 1e-9, lng <= east + 1e-9
        assert (from_west and to_east if west <= east else from_west or to_east) or abs(lng) > 180.0 - 1e-9


WRONG = [
    ("south", {"south": 9.5}),
    ("west", {"west": 19.9}),
    ("north", {"north": 10.5}),
    ("east", {"east": -160.0}),
    ("lower", {"lower": "500 ft W84"}),
    ("lower", {"lower": "five hundred"}),
    ("upper", {"upper": "800 m AMSL"}),
    ("from_time", {"from_time": "2020-09-13T12:26:41Z"}),
    ("until_time", {"until_time": "soon"}),
]


@pytest.mark.parametrize(("field", "said"), WRONG)
def test_each_field_must_be_right(field: str, said: dict[str, object]) -> None:
    right = read_back_fields([volume()])
    assert wrong_field(right, msgspec.structs.replace(right, **said)) == field


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"lower": "500.0 m w84"},
        {"from_time": "2020-09-13T14:26:40+02:00"},
        {"south": 9.98 + 0.005},
    ],
)
def test_the_same_thing_in_other_words_is_right(said: dict[str, object]) -> None:
    right = read_back_fields([volume()])
    assert wrong_field(right, msgspec.structs.replace(right, **said)) is None


def test_a_longitude_is_the_same_from_either_side() -> None:
    right = msgspec.structs.replace(read_back_fields([volume()]), west=180.0)
    assert wrong_field(right, msgspec.structs.replace(right, west=-180.0)) is None
