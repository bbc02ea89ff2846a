"""Altitudes are compared by interval; what cannot be held apart conflicts (R13)."""

from __future__ import annotations

import math

import pytest

from clearline.model.altitude import parse_altitude
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.rules import RuleSet
from clearline.sky import Meeting, describe, prepare
from clearline.sky.altitude import GEOID_M, WORLDWIDE, AltitudeBounds, check_order, height_w84_m, pressure_altitude_m
from tests.sky.shapes import INTERSECT, THREES, circle, rules, volume

Band = tuple[float | str, float | str]

SUMMER = AltitudeBounds.of_weather(qnh_hpa=(1005.0, 1020.0), isa_degrees=(-5.0, 15.0), ground_amsl_m=(200.0, 900.0))
"""What a planner of one day reads off his charts."""


def meet(one: Band, other: Band, rule_set: RuleSet = INTERSECT, bounds: AltitudeBounds = WORLDWIDE) -> Meeting | None:
    a, b = (prepare([volume(circle(47.0, 8.0, 500.0), band=band)], bounds=bounds) for band in (one, other))
    meeting, turned = describe(a, b, rule_set), describe(b, a, rule_set)
    assert (meeting is None) == (turned is None)
    if meeting is not None and turned is not None:
        assert meeting.certain == turned.certain
        assert meeting.vertical_m_min == turned.vertical_m_min
    return meeting


@pytest.mark.parametrize(
    ("text", "lowest_m", "highest_m"),
    [
        ("500 m W84", 500.0, 500.0),
        ("1000 ft W84", 304.8, 304.8),
        ("500 m AMSL", 393.0, 586.0),
        ("100 m AGL", -457.0, 9_036.0),
    ],
)
def test_heights_of_references(text: str, lowest_m: float, highest_m: float) -> None:
    """R13: W84 is exact; the sea is within the geoid's bounds; the ground is between Dead Sea and Everest."""
    lowest, highest = height_w84_m(parse_altitude(text))
    assert lowest == pytest.approx(lowest_m)
    assert highest == pytest.approx(highest_m)


@pytest.mark.parametrize(
    ("level", "lowest_m", "highest_m"),
    [
        # Heights above mean sea level that such levels have had: deep polar winters, tropical summers, lows, highs.
        ("FL050", 850.0, 1_800.0),
        ("FL100", 2_300.0, 3_350.0),
        ("FL180", 4_500.0, 6_050.0),
        ("FL300", 7_900.0, 9_850.0),
        ("FL390", 10_400.0, 12_700.0),
    ],
)
def test_levels_hold_the_weather_of_the_earth(level: str, lowest_m: float, highest_m: float) -> None:
    """R13: a flight level's interval holds every height that such a pressure has had in recorded weather."""
    lowest, highest = height_w84_m(parse_altitude(level))
    assert lowest <= lowest_m + GEOID_M[0]
    assert highest >= highest_m + GEOID_M[1]


@pytest.mark.parametrize(
    ("pressure_hpa", "height_m"), [(1013.25, 0.0), (898.746, 1_000.0), (540.199, 5_000.0), (264.363, 10_000.0)]
)
def test_standard_atmosphere(pressure_hpa: float, height_m: float) -> None:
    """R13: pressure altitude is that of ICAO Doc 7488."""
    assert pressure_altitude_m(pressure_hpa) == pytest.approx(height_m, abs=0.5)


@pytest.mark.parametrize(
    ("one", "other", "meets", "certain", "gap_m"),
    [
        # like with like
        ((0, 100), (100, 200), True, False, 0.0),  # touching
        ((0, 100), (99, 200), True, True, 0.0),
        ((0, 100), (100.02, 200), False, None, None),
        (("0 ft W84", "500 ft W84"), (152.4, 200), True, False, 0.0),  # one height in two units
        (("0 ft AMSL", "500 ft AMSL"), ("499 ft AMSL", "900 ft AMSL"), True, True, 0.0),
        (("0 ft AMSL", "500 ft AMSL"), ("501 ft AMSL", "900 ft AMSL"), False, None, None),
        (("FL100", "FL120"), ("FL120", "FL140"), True, False, 0.0),
        (("FL100", "FL119"), ("FL120", "FL140"), False, None, None),
        (("1000 ft QNH", "2000 ft QNH"), ("2290 ft QNH", "3000 ft QNH"), True, False, 0.0),  # settings 10 hPa apart
        (("1000 ft QNH", "2000 ft QNH"), ("2300 ft QNH", "3000 ft QNH"), False, None, None),
        (("1000 ft QNH", "2000 ft QNH"), ("1500 ft QNH", "3000 ft QNH"), True, True, 0.0),
        (("0 m AGL", "120 m AGL"), ("121 m AGL", "200 m AGL"), False, None, None),
        (("0 m AGL", "120 m AGL"), ("110 m AGL", "200 m AGL"), True, True, 0.0),
        # one with another
        ((0, 500), ("450 m AMSL", "900 m AMSL"), True, False, None),  # here the sea is 33 to 66 m above the ellipsoid
        ((0, 500), ("468 m AMSL", "900 m AMSL"), False, None, None),
        ((0, 500), ("433 m AMSL", "900 m AMSL"), True, True, None),
        ((0, 500), ("300 m AMSL", "900 m AMSL"), True, True, None),
        (("FL100", "FL120"), (1_730, 1_740), True, False, None),
        (("FL100", "FL120"), (1_640, 1_720), False, None, None),
        (("FL100", "FL120"), ("0 m AGL", "120 m AGL"), True, False, None),
        (("FL400", "FL420"), ("0 m AGL", "120 m AGL"), True, False, None),  # Everest: only bounds on ground are known
        (("FL600", "FL650"), ("0 m AGL", "120 m AGL"), False, None, None),
        (("1000 ft QNH", "2000 ft QNH"), ("FL070", "FL080"), False, None, None),
        (("1000 ft QNH", "2000 ft QNH"), ("FL040", "FL080"), True, False, None),
        # two references in one band
        (("0 m AGL", "2000 ft AMSL"), (8_000, 9_000), False, None, None),
        (("0 m AGL", "2000 ft AMSL"), ("2100 ft AMSL", "3000 ft AMSL"), False, None, None),
        (("0 m AGL", "2000 ft AMSL"), ("1900 ft AMSL", "3000 ft AMSL"), True, False, None),
        (("1000 ft AMSL", "FL100"), ("FL110", "FL200"), False, None, None),
        (("1000 ft AMSL", "FL100"), ("0 ft AMSL", "900 ft AMSL"), False, None, None),
    ],
)
def test_bands(one: Band, other: Band, *, meets: bool, certain: bool | None, gap_m: float | None) -> None:
    """R13: the table of references: what is apart, what meets, what is certain, and when a gap can be told."""
    meeting = meet(one, other)
    assert (meeting is not None) is meets
    if meeting is not None:
        assert meeting.certain is certain
        assert meeting.vertical_m_min == gap_m


def test_ground_is_common_only_in_common_places() -> None:
    """R13: with a separation over ground, two heights above ground may stand on different ground: not comparable."""
    low, high = ("0 m AGL", "120 m AGL"), ("2000 m AGL", "2100 m AGL")
    assert meet(low, high) is None
    meeting = meet(low, high, rules(lateral_m=100.0))
    assert meeting is not None
    assert not meeting.certain
    assert meeting.vertical_m_min is None


def test_separation_is_counted_in_the_common_reference() -> None:
    """R16: 3,000 ft between levels is thirty levels, and touching is closer."""
    meeting = meet(("FL100", "FL120"), ("FL150", "FL160"), THREES)
    assert meeting is not None
    assert meeting.vertical_m_min == pytest.approx(914.4)
    assert meet(("FL100", "FL120"), ("FL151", "FL160"), THREES) is None


def test_what_a_view_shows() -> None:
    """R13: the band concerned, as bounds in W84 and as its owners said it."""
    meeting = meet((100, 300), (250, 400))
    assert meeting is not None
    assert (meeting.band_lower_w84_m, meeting.band_upper_w84_m) == (250.0, 300.0)
    assert meeting.band_text == "100 m W84 to 300 m W84 / 250 m W84 to 400 m W84"
    apart = meet((100, 300), (500, 600), rules(vertical_m=200.0))
    assert apart is not None
    assert (apart.band_lower_w84_m, apart.band_upper_w84_m) == (300.0, 500.0)
    levels = meet(("FL100", "FL120"), ("FL100", "FL120"))
    assert levels is not None
    assert levels.band_text == "FL100 to FL120"
    assert levels.band_lower_w84_m < 3_048.0 < levels.band_upper_w84_m


@pytest.mark.parametrize(
    ("one", "other", "worldwide", "summer"),
    [
        # whether they meet, and whether that is certain
        (("FL100", "FL120"), ("0 m AGL", "120 m AGL"), False, None),
        (("FL100", "FL120"), ("0 m AGL", "2500 m AGL"), False, False),
        (("FL100", "FL120"), (2_000, 2_900), False, None),
        (("FL100", "FL120"), (3_100, 3_200), False, False),
        (("FL100", "FL200"), (3_600, 3_700), False, True),
        (("1000 ft QNH", "2000 ft QNH"), (850, 880), False, None),
        (("1000 ft QNH", "2000 ft QNH"), ("FL040", "FL080"), False, None),
        (("0 m AGL", "120 m AGL"), (1_300, 1_400), False, None),
        (("0 m AGL", "120 m AGL"), (900, 1_000), False, False),
        # one reference: what both sides see needs no bounds
        (("FL100", "FL120"), ("FL115", "FL140"), True, True),
    ],
)
def test_stated_bounds_leave_fewer_doubts(
    one: Band, other: Band, *, worldwide: bool | None, summer: bool | None
) -> None:
    """R13: whoever knows the day's weather and ground gets fewer conflicts that are not certain, and loses none."""
    for bounds, certain in ((WORLDWIDE, worldwide), (SUMMER, summer)):
        meeting = meet(one, other, bounds=bounds)
        assert (meeting is not None) is (certain is not None)
        if meeting is not None:
            assert meeting.certain is certain


@pytest.mark.parametrize("text", ["FL050", "FL180", "FL410", "3000 ft QNH", "300 m AGL", "500 m AMSL", "500 m W84"])
def test_narrower_bounds_give_narrower_heights(text: str) -> None:
    """R13: an interval under stated bounds lies in the worldwide one."""
    wide = height_w84_m(parse_altitude(text))
    place = height_w84_m(parse_altitude(text), geoid_m=(33.0, 66.0))
    narrow = height_w84_m(parse_altitude(text), geoid_m=(33.0, 66.0), bounds=SUMMER)
    assert wide[0] <= place[0] <= narrow[0] <= narrow[1] <= place[1] <= wide[1]
    stated = AltitudeBounds(geoid_m=(40.0, 41.0))
    assert height_w84_m(parse_altitude("500 m AMSL"), geoid_m=(33.0, 66.0), bounds=stated) == (540.0, 541.0)


@pytest.mark.parametrize("kelvin", [-30.0, -5.0, 0.0, 15.0, 30.0])
@pytest.mark.parametrize("sea_hpa", [960.0, 1013.25, 1045.0])
@pytest.mark.parametrize("level", [10.0, 100.0, 180.0, 300.0, 390.0, 450.0])
def test_levels_by_the_hydrostatic_equation(kelvin: float, sea_hpa: float, level: float) -> None:
    """R13: the interval holds the height of a level that is found by adding up the air from the sea, layer by layer."""
    bounds = AltitudeBounds.of_weather(qnh_hpa=(sea_hpa, sea_hpa), isa_degrees=(kelvin, kelvin))
    height_m, pressure, level_m = 0.0, sea_hpa, level * 30.48
    pressure_at_level = (
        1013.25 * (1.0 - 0.0065 * level_m / 288.15) ** 5.25588
        if level_m < 11_000.0
        else 226.32 * math.exp(-(level_m - 11_000.0) / 6_341.62)
    )
    step_m = 1.0 if pressure > pressure_at_level else -1.0
    while (pressure - pressure_at_level) * step_m > 0.0:
        standard_m = (
            (288.15 / 0.0065) * (1.0 - (pressure / 1013.25) ** 0.190263)
            if pressure > 226.32
            else 11_000.0 + 6_341.62 * math.log(226.32 / pressure)
        )
        air_k = max(216.65, 288.15 - 0.0065 * standard_m) + kelvin
        pressure *= math.exp(-step_m * 9.80665 / (287.05 * air_k))
        height_m += step_m
    lowest, highest = height_w84_m(parse_altitude(f"FL{level:03.0f}"), geoid_m=(0.0, 0.0), bounds=bounds)
    assert lowest - 1.0 <= height_m <= highest + 1.0


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("sea_level_hpa", (1020.0, 1005.0)),
        ("sea_level_hpa", (10.0, 1005.0)),
        ("thickness_ratio", (0.9, math.nan)),
        ("qnh_apart_m", -1.0),
        ("ground_amsl_m", (0.0, 30_000.0)),
        ("geoid_m", (50.0, 40.0)),
    ],
)
def test_bounds_that_are_none(field: str, found: object) -> None:
    """Bounds in the wrong order, off the earth or not a number are refused, with the field."""
    with pytest.raises(FieldRefusal) as caught:
        AltitudeBounds(**{field: found})  # type: ignore[arg-type]
    assert (caught.value.refusal.code, caught.value.refusal.field) == (RefusalCode.OUT_OF_RANGE, field)


@pytest.mark.parametrize(
    "weather",
    [
        {"qnh_hpa": (1020.0, 1005.0), "isa_degrees": (0.0, 0.0)},
        {"qnh_hpa": (1005.0, 1020.0), "isa_degrees": (15.0, -5.0)},
    ],
)
def test_weather_that_is_none(weather: dict[str, tuple[float, float]]) -> None:
    """A forecast's bounds are refused alike."""
    with pytest.raises(FieldRefusal) as caught:
        AltitudeBounds.of_weather(**weather)
    assert caught.value.refusal.code is RefusalCode.OUT_OF_RANGE


def test_a_band_upside_down_is_refused_where_that_is_known() -> None:
    """R13: an upper limit that is surely below the lower one is refused; how surely depends on the place."""
    with pytest.raises(Refusal) as caught:
        check_order(parse_altitude("2000 m AMSL"), parse_altitude("1800 m W84"))
    assert caught.value.code is RefusalCode.ALTITUDE_ORDER
    check_order(parse_altitude("1000 m AMSL"), parse_altitude("900 m W84"))  # right in the south of India
    indian = volume(circle(4.75, 78.75, 500.0), band=("1000 m AMSL", "900 m W84"))
    assert len(prepare([indian])) == 1
    with pytest.raises(Refusal) as caught:
        prepare([volume(circle(47.0, 8.0, 500.0), band=("1000 m AMSL", "900 m W84"))])
    assert (caught.value.code, caught.value.field) == (RefusalCode.ALTITUDE_ORDER, "volumes[0].volume.altitude_lower")
