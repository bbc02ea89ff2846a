"""Instants: UTC in whole milliseconds, read as strictly as they are written (R14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.model import limits
from clearline.model.instant import instant_text, parse_instant, parse_instant_up
from clearline.model.refusal import FieldRefusal, RefusalCode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001  hypothesis wants naive bounds; the zone is drawn
    max_value=datetime(2099, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(MOMENTS)
def test_reads_what_the_standard_library_writes(moment: datetime) -> None:
    """R14: any offset is turned into UTC; the datetime module is the independent reader."""
    exact_us = (moment - EPOCH) // timedelta(microseconds=1)
    assert parse_instant(moment.isoformat()) == exact_us // 1000
    assert parse_instant_up(moment.isoformat()) == -(-exact_us // 1000)


@given(st.integers(limits.TIME_MS_MIN, limits.TIME_MS_MAX))
def test_text_round_trip(instant_ms: int) -> None:
    text = instant_text(instant_ms)
    assert text.endswith("Z")
    assert parse_instant(text) == parse_instant_up(text) == instant_ms
    assert datetime.fromisoformat(text) == EPOCH + timedelta(milliseconds=instant_ms)


@given(st.text(alphabet="0123456789-:.TtZz+ ", max_size=40))
def test_takes_only_what_the_standard_library_takes(text: str) -> None:
    """What is read here and there gives the same instant; what is refused here says so and nothing else."""
    try:
        instant_ms = parse_instant(text)
    except FieldRefusal as error:
        assert error.refusal.code is RefusalCode.OUT_OF_RANGE
        return
    moment = datetime.fromisoformat(text.upper())
    assert (moment - EPOCH) // timedelta(milliseconds=1) == instant_ms


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T00:00:00.1239Z", 123),
        ("1970-01-01T00:00:00.123000000Z", 123),
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
        ("2100-01-01T00:00:00Z", limits.TIME_MS_MAX),
    ],
)
def test_valid(text: str, instant_ms: int) -> None:
    assert parse_instant(text) == instant_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22",
        "2026-11-22T14:30:00",  # no zone: refused, never guessed
        "2026-11-22 14:30:00Z",
        "2026-11-22T14:30Z",
        "2026-11-22T14:30:00 Z",
        "2026-11-22T14:30:00Z ",
        "2026-11-22T14:30:00Z\n",
        "2026-11-22T14:30:00z+00:00",
        "2026-11-22T14:30:00+0100",
        "2026-11-22T14:30:00+24:00",
        "2026-11-22T14:30:00+01:60",
        "2026-11-22T24:00:00Z",
        "2026-11-22T14:60:00Z",
        "2016-12-31T23:59:60Z",  # a leap second: no clock here has them
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1969-12-31T23:59:59.999Z",
        "2100-01-01T00:00:00.001Z",
        "2026-11-22T14:30:00.Z",
        "2026-11-22T14:30:00.0123456789Z",
        "+2026-11-22T14:30:00Z",
        "٢٠٢٦-11-22T14:30:00Z",
        "２０２６-11-22T14:30:00Z",
        "1795271400",
    ],
)
def test_refused(text: str) -> None:
    for read in (parse_instant, parse_instant_up):
        with pytest.raises(FieldRefusal) as raised:
            read(text)
        assert raised.value.refusal.code is RefusalCode.OUT_OF_RANGE
        assert "RFC 3339" in raised.value.refusal.allowed


def test_rounding_up_stays_within_the_limit() -> None:
    """The end of a window must not leave the years that every other field allows."""
    assert parse_instant("2100-01-01T00:00:00.0001Z") == limits.TIME_MS_MAX
    with pytest.raises(FieldRefusal):
        parse_instant_up("2100-01-01T00:00:00.0001Z")


@pytest.mark.parametrize(
    ("text", "up_ms"),
    [
        ("1970-01-01T00:00:00.0000Z", 0),
        ("1970-01-01T00:00:00.0001Z", 1),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.999999999Z", 1000),
        ("1970-01-01T00:00:00.12Z", 120),
    ],
)
def test_rounds_up(text: str, up_ms: int) -> None:
    assert parse_instant_up(text) == up_ms
