"""Altitudes are compared by interval; what cannot be held apart conflicts (R13)."""

from __future__ import annotations

import pytest

from clearline.model.altitude import parse_altitude
from clearline.model.rules import RuleSet
from clearline.sky import Meeting, describe, prepare
from clearline.sky.altitude import GEOID_M, height_w84_m, pressure_altitude_m
from tests.sky.shapes import INTERSECT, THREES, circle, rules, volume

Band = tuple[float | str, float | str]


def meet(one: Band, other: Band, rule_set: RuleSet = INTERSECT) -> Meeting | None:
    a, b = (prepare([volume(circle(47.0, 8.0, 500.0), band=band)]) for band in (one, other))
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
        ((0, 500), ("580 m AMSL", "900 m AMSL"), True, False, None),  # the geoid may be 107 m below
        ((0, 500), ("608 m AMSL", "900 m AMSL"), False, None, None),
        ((0, 500), ("300 m AMSL", "900 m AMSL"), True, True, None),
        (("FL100", "FL120"), (1_590, 1_600), True, False, None),
        (("FL100", "FL120"), (1_500, 1_580), False, None, None),
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
