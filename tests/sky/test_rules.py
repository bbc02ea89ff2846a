"""The rule sets that are shipped, and rule sets from elsewhere (R16, R29)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clearline.model.identity import AircraftClass
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.zone import ZoneKind
from clearline.sky import Sky, load_rules, prepare
from clearline.sky.rules import RULE_SET_BYTES_MAX, RULE_SETS, rules_from_bytes
from tests.sky.shapes import circle, moved, volume

FOOT_M = 0.3048
MILE_M = 1_852.0
MANNED, UNMANNED, MIXED = AircraftClass
Classes = tuple[AircraftClass | None, AircraftClass | None]


@pytest.mark.parametrize(
    ("name", "lateral_m", "vertical_m", "time_ms", "closer_ms_max"),
    [
        ("threes", 3 * MILE_M, 3_000 * FOOT_M, 0, 180_000),
        ("intersect", 0.0, 0.0, 0, None),
        ("do-365-like", 4_000 * FOOT_M, 450 * FOOT_M, 35_000, None),
        ("twenty-nm", 20 * MILE_M, 3_000 * FOOT_M, 0, None),
        ("drones-and-crewed", 3 * MILE_M, 1_000 * FOOT_M, 0, None),
    ],
)
def test_figures(name: str, lateral_m: float, vertical_m: float, time_ms: int, closer_ms_max: int | None) -> None:
    """R16: each rule set says what its source says; docs/rules.md names the sources."""
    rules = load_rules(name)
    assert (rules.rule_id, rules.version) == (name, 1)
    assert rules.separation_lateral_m == pytest.approx(lateral_m, abs=1e-9)
    assert rules.separation_vertical_m == pytest.approx(vertical_m, abs=1e-9)
    assert (rules.separation_time_ms, rules.closer_ms_max) == (time_ms, closer_ms_max)


def test_all_are_listed_here_and_loaded_once() -> None:
    """What is shipped is known by name, and nothing else is."""
    assert RULE_SETS == ("threes", "intersect", "do-365-like", "twenty-nm", "drones-and-crewed")
    assert load_rules("threes") is load_rules("threes")
    with pytest.raises(Refusal) as caught:
        load_rules("fours")
    assert (caught.value.code, caught.value.field) == (RefusalCode.OUT_OF_RANGE, "rules")
    assert caught.value.allowed == " or ".join(RULE_SETS)


@pytest.mark.parametrize(
    ("classes", "apart_m", "apart_ft", "meets"),
    [
        ((UNMANNED, UNMANNED), 49.0, 0, True),
        ((UNMANNED, UNMANNED), 51.0, 0, False),
        ((UNMANNED, UNMANNED), 0.0, 51, False),
        ((UNMANNED, MANNED), 600.0, 0, True),
        ((MANNED, UNMANNED), 600.0, 240, True),
        ((MANNED, UNMANNED), 615.0, 0, False),
        ((MANNED, UNMANNED), 0.0, 251, False),
        ((MANNED, MANNED), 5_000.0, 990, True),
        ((MANNED, MANNED), 5_600.0, 0, False),
        ((MIXED, UNMANNED), 5_000.0, 0, True),  # no row of its own: the general values, which are the largest
        ((None, UNMANNED), 5_000.0, 0, True),
        ((None, None), 5_000.0, 990, True),
    ],
)
def test_drones_and_crewed(classes: Classes, apart_m: float, apart_ft: int, *, meets: bool) -> None:
    """R29: how far two notices keep from each other depends on who flies; who is not known keeps the largest."""
    sky = Sky(load_rules("drones-and-crewed"))
    sky.add(1, prepare([volume(circle(0.0, 10.0, 100.0))]), group=1, aircraft_class=classes[0])
    place = moved((0.0, 10.0), 0.0, (200.0 + apart_m) * 6_371_008.8 / 6_335_439.0)
    low_m = 100.0 + apart_ft * FOOT_M
    other = prepare([volume(circle(*place, 100.0), band=(low_m, low_m + 50.0))])
    assert bool(sky.findings(other, exclude_group=2, aircraft_class=classes[1])) is meets


@pytest.mark.parametrize(("gap_ms", "meets"), [(35_000, True), (35_001, False)])
def test_do_365_like_counts_seconds_apart(gap_ms: int, *, meets: bool) -> None:
    """R16: one place within 35 s of another's use of it is closer than allowed."""
    sky = Sky(load_rules("do-365-like"))
    sky.add(1, prepare([volume(circle(47.0, 8.0, 100.0), window_ms=(0, 60_000))]), group=1)
    later = prepare([volume(circle(47.0, 8.0, 100.0), window_ms=(60_000 + gap_ms, 200_000))])
    assert bool(sky.findings(later, exclude_group=2)) is meets


PLAIN: dict[str, Any] = {
    "rule_id": "ours",
    "version": 4,
    "separation_lateral_m": 1_000.0,
    "separation_vertical_m": 100.0,
    "closer_ms_max": None,
}


def test_a_rule_set_of_ones_own() -> None:
    """R16: any rule set that two parties agree on can be read, however full."""
    classes = [[one.value, other.value] for n, one in enumerate(AircraftClass) for other in list(AircraftClass)[n:]]
    values = {"separation_lateral_m": 12_345.678, "separation_vertical_m": 1_234.567, "separation_time_ms": 60_000}
    full = {
        **PLAIN,
        "by_class": [{"classes": each, **values, "closer_ms_max": 1_000} for each in classes],
        "by_zone": [{"kind": each.value, **values, "closer_ms_max": 1_000} for each in ZoneKind],
    }
    source = json.dumps(full, indent=2).encode()
    assert len(source) < RULE_SET_BYTES_MAX
    rules = rules_from_bytes(source)
    assert (len(rules.by_class), len(rules.by_zone)) == (6, 5)
    assert rules_from_bytes(json.dumps(PLAIN).encode()).rule_id == "ours"


@pytest.mark.parametrize(
    ("source", "code", "field"),
    [
        (b"", RefusalCode.MALFORMED, ""),
        (b"\xff", RefusalCode.MALFORMED, ""),
        (b"[]", RefusalCode.MALFORMED, ""),
        (b"{}", RefusalCode.MALFORMED, "rule_id"),
        (b" " * (RULE_SET_BYTES_MAX + 1), RefusalCode.OVER_LIMIT, ""),
        (b'{"rule_id": "a", "rule_id": "b"' + json.dumps(PLAIN).encode()[18:], RefusalCode.DUPLICATE_FIELD, "rule_id"),
        ({"permission": 1}, RefusalCode.UNKNOWN_FIELD, "permission"),
        ({"version": 0}, RefusalCode.OUT_OF_RANGE, "version"),
        ({"version": "1"}, RefusalCode.MALFORMED, "version"),
        ({"rule_id": "Ours!"}, RefusalCode.OUT_OF_RANGE, "rule_id"),
        ({"separation_lateral_m": -1}, RefusalCode.OUT_OF_RANGE, "separation_lateral_m"),
        ({"separation_lateral_m": 100_001}, RefusalCode.OUT_OF_RANGE, "separation_lateral_m"),
        ({"separation_vertical_m": 20_001}, RefusalCode.OUT_OF_RANGE, "separation_vertical_m"),
        ({"separation_time_ms": 3_600_001}, RefusalCode.OUT_OF_RANGE, "separation_time_ms"),
        ({"closer_ms_max": -1}, RefusalCode.OUT_OF_RANGE, "closer_ms_max"),
        ({"by_zone": [{"kind": "NO_FLY"}]}, RefusalCode.OUT_OF_RANGE, "by_zone[0].kind"),
        ({"by_class": [{"classes": ["MANNED"]}]}, RefusalCode.OUT_OF_RANGE, "by_class[0].classes"),
    ],
)
def test_what_is_no_rule_set(source: bytes | dict[str, Any], code: RefusalCode, field: str) -> None:
    """R16: a rule set that is not understood whole is refused, with the field: nobody flies by half a rule."""
    with pytest.raises(Refusal) as caught:
        rules_from_bytes(source if isinstance(source, bytes) else json.dumps({**PLAIN, **source}).encode())
    assert (caught.value.code, caught.value.field) == (code, field)
