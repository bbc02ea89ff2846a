"""Altitudes: a value with unit and reference, as people write it (R13)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.model import limits
from clearline.model.altitude import (
    FEET_M,
    Altitude,
    AltitudeReference,
    AltitudeUnits,
    altitude_text,
    parse_altitude,
)
from clearline.model.refusal import FieldRefusal, RefusalCode

W84, AMSL, FL, QNH, AGL = AltitudeReference
M, FT, LEVEL = AltitudeUnits

metric = st.floats(limits.ALTITUDE_M_MIN, limits.ALTITUDE_M_MAX)
altitudes = st.one_of(
    st.builds(Altitude, metric, st.sampled_from([W84, AMSL, QNH, AGL]), st.just(M)),
    st.builds(
        Altitude,
        st.floats(limits.ALTITUDE_M_MIN / FEET_M, limits.ALTITUDE_M_MAX / FEET_M),
        st.sampled_from([W84, AMSL, QNH, AGL]),
        st.just(FT),
    ),
    st.builds(Altitude, st.floats(0.0, limits.FLIGHT_LEVEL_MAX), st.just(FL), st.just(LEVEL)),
)


@given(altitudes)
def test_text_round_trip(altitude: Altitude) -> None:
    """R13: reference and unit survive; the value to a millionth of its unit."""
    text = altitude_text(altitude)
    again = parse_altitude(text)
    assert (again.reference, again.units) == (altitude.reference, altitude.units)
    assert abs(again.value - altitude.value) <= 5.01e-7
    assert altitude_text(again) == text
    assert text.isascii()
    assert len(text) <= 64  # the bound of the fields that carry it


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers()))
def test_anything_else_is_refused_by_code(source: str | float) -> None:
    try:
        altitude = parse_altitude(source)
    except FieldRefusal as error:
        assert error.refusal.code is RefusalCode.OUT_OF_RANGE
        assert error.refusal.allowed
    else:
        assert math.isfinite(altitude.value_m)


@pytest.mark.parametrize(
    ("source", "value", "reference", "units"),
    [
        ("FL180", 180.0, FL, LEVEL),
        ("fl 5", 5.0, FL, LEVEL),
        ("FL005", 5.0, FL, LEVEL),
        ("FL185.5", 185.5, FL, LEVEL),
        ("3000 ft AMSL", 3000.0, AMSL, FT),
        ("3000ft amsl", 3000.0, AMSL, FT),
        ("120 m AGL", 120.0, AGL, M),
        ("500 m W84", 500.0, W84, M),
        ("-12.5 m W84", -12.5, W84, M),
        ("  2500 ft QNH ", 2500.0, QNH, FT),
        (0, 0.0, W84, M),
        (120, 120.0, W84, M),
        (-430.5, -430.5, W84, M),
    ],
)
def test_valid(source: str | float, value: float, reference: AltitudeReference, units: AltitudeUnits) -> None:
    assert parse_altitude(source) == Altitude(value, reference, units)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "high",
        "3000",  # as text it has neither unit nor reference
        "3000 ft",
        "3000 AMSL",
        "AMSL",
        "FL",
        "FL1800",
        "FL-10",
        "FL180 AMSL",
        "180 FL",
        "180 FL FL",
        "3000 km AMSL",
        "3000 ft MSL",
        "3e3 ft AMSL",
        "3,000 ft AMSL",
        "3 000 ft AMSL",
        "٣٠٠٠ ft AMSL",
        "nan m W84",
        "99999999 m W84",
        "100001 m W84",
        "-1001 m W84",
        "3000 ft AMSL\u202e",
        True,
        False,
        math.nan,
        math.inf,
        -math.inf,
        1e300,
        10**400,
        -1000.1,
    ],
)
def test_refused(source: str | float) -> None:
    with pytest.raises(FieldRefusal) as raised:
        parse_altitude(source)
    assert raised.value.refusal.code is RefusalCode.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("value", "reference", "units", "field"),
    [
        (math.nan, W84, M, "value"),
        (math.inf, W84, M, "value"),
        (-math.inf, AGL, FT, "value"),
        (math.nan, FL, LEVEL, "value"),
        (100_000.1, W84, M, "value"),
        (-1_000.1, AMSL, M, "value"),
        (328_084.0, AMSL, FT, "value"),
        (-0.1, FL, LEVEL, "value"),
        (999.1, FL, LEVEL, "value"),
        (180.0, FL, M, "units"),
        (18_000.0, FL, FT, "units"),
        (180.0, W84, LEVEL, "units"),
        (180.0, QNH, LEVEL, "units"),
    ],
)
def test_cannot_be_built(value: float, reference: AltitudeReference, units: AltitudeUnits, field: str) -> None:
    with pytest.raises(FieldRefusal) as raised:
        Altitude(value, reference, units)
    assert raised.value.refusal.code is RefusalCode.OUT_OF_RANGE
    assert raised.value.refusal.field == field


@pytest.mark.parametrize(
    ("altitude", "value_m"),
    [
        (Altitude(120.0, W84, M), 120.0),
        (Altitude(1000.0, AMSL, FT), 304.8),
        (Altitude(180.0, FL, LEVEL), 5486.4),
    ],
)
def test_value_m(altitude: Altitude, value_m: float) -> None:
    assert altitude.value_m == pytest.approx(value_m, abs=1e-9)


@pytest.mark.parametrize(
    ("altitude", "text"),
    [
        (Altitude(-0.0, W84, M), "0 m W84"),
        (Altitude(-0.0000001, W84, M), "0 m W84"),
        (Altitude(0.0, FL, LEVEL), "FL000"),
        (Altitude(-0.0, FL, LEVEL), "FL000"),
        (Altitude(5.5, FL, LEVEL), "FL005.5"),
        (Altitude(180.0, FL, LEVEL), "FL180"),
        (Altitude(1200.0, AGL, FT), "1200 ft AGL"),
        (Altitude(0.5, QNH, M), "0.5 m QNH"),
    ],
)
def test_text(altitude: Altitude, text: str) -> None:
    assert altitude_text(altitude) == text
