"""Zones: what may be said of one, and what is refused with its field (R30, R31)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clearline.model import limits
from clearline.model.decode import decode
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.zone import DAY_MS, Side, Weekday, Zone, ZoneKind, ZoneWindow

CORRIDOR: dict[str, Any] = {"vertices": [{"lat": 1, "lng": 1}, {"lat": 1, "lng": 2}], "half_width": {"value": 500}}
BAND = {
    "altitude_lower": {"value": 0, "reference": "W84", "units": "M"},
    "altitude_upper": {"value": 900, "reference": "AMSL", "units": "FT"},
}
CIRCLE_VOLUME = {**BAND, "outline_circle": {"center": {"lat": 1, "lng": 1}, "radius": {"value": 500}}}
LINE_VOLUME = {**BAND, "outline_corridor": CORRIDOR}
PLAIN: dict[str, Any] = {"zone_id": "ED-R 139A", "kind": "RESTRICTED", "volumes": [CIRCLE_VOLUME]}
LINE: dict[str, Any] = {
    "zone_id": "LINE",
    "kind": "DIVIDING_LINE",
    "volumes": [LINE_VOLUME],
    "depth_m": 20_000,
    "sides": [{"party": "blue", "side": "LEFT"}, {"party": "red", "side": "RIGHT"}],
}
BYTES_MAX = 1 << 20


def read(plain: dict[str, Any]) -> Zone:
    return decode(Zone, json.dumps(plain).encode(), bytes_max=BYTES_MAX)


def test_zones_are_read() -> None:
    """R30: every kind of zone, and what only one of them has."""
    for kind in ZoneKind:
        if kind is not ZoneKind.DIVIDING_LINE:
            assert read({**PLAIN, "kind": kind.value}).kind is kind
    assert read({**PLAIN, "kind": "CORRIDOR", "users": ["blue"]}).users == ("blue",)
    line = read(LINE)
    assert [(each.party, each.side) for each in line.sides] == [("blue", Side.LEFT), ("red", Side.RIGHT)]
    assert line.depth_m == 20_000.0
    windows = [{"start_ms": 0, "end_ms": 1}, {"days": ["MON", "SUN"], "daily_from_ms": 0, "daily_until_ms": DAY_MS}]
    assert read({**PLAIN, "windows": windows}).windows[1].days == (Weekday.MON, Weekday.SUN)


@pytest.mark.parametrize("zone_id", ["A", "LFR45 S2", "ED-R 139A", "x" * 64, "~!"])
def test_names(zone_id: str) -> None:
    """R30: authorities name zones with spaces, hyphens and digits."""
    assert read({**PLAIN, "zone_id": zone_id}).zone_id == zone_id


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({**PLAIN, "zone_id": ""}, RefusalCode.OUT_OF_RANGE, "zone_id"),
        ({**PLAIN, "zone_id": "x" * 65}, RefusalCode.OUT_OF_RANGE, "zone_id"),
        ({**PLAIN, "zone_id": " A"}, RefusalCode.OUT_OF_RANGE, "zone_id"),
        ({**PLAIN, "zone_id": "A\n"}, RefusalCode.OUT_OF_RANGE, "zone_id"),
        ({**PLAIN, "zone_id": "Ä"}, RefusalCode.OUT_OF_RANGE, "zone_id"),
        ({**PLAIN, "kind": "NO_FLY"}, RefusalCode.OUT_OF_RANGE, "kind"),
        ({**PLAIN, "volumes": []}, RefusalCode.OUT_OF_RANGE, "volumes"),
        ({**PLAIN, "volumes": [CIRCLE_VOLUME] * (limits.ZONE_VOLUMES_MAX + 1)}, RefusalCode.OVER_LIMIT, "volumes"),
        ({**PLAIN, "windows": [{}] * (limits.ZONE_WINDOWS_MAX + 1)}, RefusalCode.OVER_LIMIT, "windows"),
        (
            {**PLAIN, "recognised_by": ["a"] * (limits.PARTIES_PER_LINE_MAX + 1)},
            RefusalCode.OVER_LIMIT,
            "recognised_by",
        ),
        ({**PLAIN, "recognised_by": ["Blue"]}, RefusalCode.OUT_OF_RANGE, "recognised_by[0]"),
        ({**PLAIN, "users": ["blue"]}, RefusalCode.UNKNOWN_FIELD, "users"),
        ({**PLAIN, "sides": LINE["sides"]}, RefusalCode.UNKNOWN_FIELD, "sides"),
        ({**PLAIN, "depth_m": 5}, RefusalCode.UNKNOWN_FIELD, "depth_m"),
        ({**PLAIN, "permission": "blue"}, RefusalCode.UNKNOWN_FIELD, "permission"),
        ({**LINE, "volumes": [CIRCLE_VOLUME]}, RefusalCode.SHAPE_MISSING, "volumes"),
        ({**LINE, "volumes": [LINE_VOLUME, LINE_VOLUME]}, RefusalCode.SHAPE_MISSING, "volumes"),
        ({**LINE, "depth_m": None}, RefusalCode.OUT_OF_RANGE, "depth_m"),
        ({**LINE, "depth_m": 0}, RefusalCode.OUT_OF_RANGE, "depth_m"),
        ({**LINE, "depth_m": limits.RADIUS_M_MAX + 1}, RefusalCode.OUT_OF_RANGE, "depth_m"),
        ({**LINE, "sides": [LINE["sides"][0]] * 2}, RefusalCode.DUPLICATE_FIELD, "sides"),
        ({**LINE, "sides": [{"party": "blue", "side": "NORTH"}]}, RefusalCode.OUT_OF_RANGE, "sides[0].side"),
        ({**LINE, "users": ["blue"]}, RefusalCode.UNKNOWN_FIELD, "users"),
        ({**PLAIN, "windows": [{"start_ms": -1}]}, RefusalCode.OUT_OF_RANGE, "windows[0].start_ms"),
        ({**PLAIN, "windows": [{"end_ms": limits.TIME_MS_MAX + 1}]}, RefusalCode.OUT_OF_RANGE, "windows[0].end_ms"),
        ({**PLAIN, "windows": [{"start_ms": 5, "end_ms": 5}]}, RefusalCode.TIME_ORDER, "windows[0].end_ms"),
        ({**PLAIN, "windows": [{"daily_from_ms": 5}]}, RefusalCode.OUT_OF_RANGE, "windows[0].daily_until_ms"),
        ({**PLAIN, "windows": [{"daily_until_ms": 5}]}, RefusalCode.OUT_OF_RANGE, "windows[0].daily_until_ms"),
        (
            {**PLAIN, "windows": [{"daily_from_ms": 0, "daily_until_ms": DAY_MS + 1}]},
            RefusalCode.OUT_OF_RANGE,
            "windows[0].daily_until_ms",
        ),
        ({**PLAIN, "windows": [{"days": ["MONDAY"]}]}, RefusalCode.OUT_OF_RANGE, "windows[0].days[0]"),
        ({**PLAIN, "windows": [{"zone": "Europe/Paris"}]}, RefusalCode.UNKNOWN_FIELD, "windows[0].zone"),
    ],
)
def test_refusals(plain: dict[str, Any], code: RefusalCode, field: str) -> None:
    """R30: a zone that says something else than it may is refused, with the field."""
    with pytest.raises(Refusal) as caught:
        read(plain)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_windows_may_run_over_midnight() -> None:
    """R14: the end at or before the start means the next day; both ends of the day can be said."""
    night = ZoneWindow(daily_from_ms=79_200_000, daily_until_ms=14_400_000)
    assert night.daily_from_ms is not None
    assert night.daily_until_ms is not None
    assert night.daily_until_ms < night.daily_from_ms
    assert ZoneWindow(daily_from_ms=0, daily_until_ms=DAY_MS) == ZoneWindow(daily_from_ms=0, daily_until_ms=DAY_MS)
