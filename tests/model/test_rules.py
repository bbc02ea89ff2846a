"""Rule sets: rows for classes and zones, one for each, within their bounds (R16, R29, R30)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from clearline.model.identity import AircraftClass
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.rules import (
    CLOSER_MS_MAX,
    SEPARATION_LATERAL_M_MAX,
    SEPARATION_TIME_MS_MAX,
    SEPARATION_VERTICAL_M_MAX,
    ClassRule,
    RuleSet,
    ZoneRule,
)
from clearline.model.zone import ZoneKind

VALUES: dict[str, Any] = {"separation_lateral_m": 1.0, "separation_vertical_m": 1.0}
MANNED, UNMANNED, MIXED = AircraftClass


def rule_set(**more: Any) -> RuleSet:
    return RuleSet(rule_id="test", version=1, **{**VALUES, "closer_ms_max": None, **more})


def test_rows_of_every_pair_and_kind() -> None:
    """R29, R30: a row for each pair of classes, in either order, and for each kind of zone."""
    pairs = [
        (MANNED, MANNED),
        (UNMANNED, MANNED),
        (MANNED, MIXED),
        (UNMANNED, UNMANNED),
        (MIXED, UNMANNED),
        (MIXED, MIXED),
    ]
    rules = rule_set(
        by_class=tuple(ClassRule(classes=pair, **VALUES) for pair in pairs),
        by_zone=tuple(ZoneRule(kind=kind, **VALUES) for kind in ZoneKind),
    )
    assert (len(rules.by_class), len(rules.by_zone)) == (6, 5)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        (
            {"by_class": (ClassRule(classes=(MANNED, MIXED), **VALUES), ClassRule(classes=(MIXED, MANNED), **VALUES))},
            "by_class",
        ),
        ({"by_class": (ClassRule(classes=(MIXED, MIXED), **VALUES),) * 2}, "by_class"),
        ({"by_zone": (ZoneRule(kind=ZoneKind.CORRIDOR, **VALUES),) * 2}, "by_zone"),
    ],
)
def test_one_row_for_each(more: dict[str, Any], field: str) -> None:
    """R16: two rows for one pair would be two rules."""
    with pytest.raises(FieldRefusal) as caught:
        rule_set(**more)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (RefusalCode.DUPLICATE_FIELD, field)


BOUNDS = [
    ("separation_lateral_m", SEPARATION_LATERAL_M_MAX),
    ("separation_vertical_m", SEPARATION_VERTICAL_M_MAX),
    ("separation_time_ms", SEPARATION_TIME_MS_MAX),
    ("closer_ms_max", CLOSER_MS_MAX),
]


@pytest.mark.parametrize(("field", "most"), BOUNDS)
@pytest.mark.parametrize("kind", [RuleSet, ClassRule, ZoneRule])
def test_bounds_of_every_figure(kind: type[RuleSet | ClassRule | ZoneRule], field: str, most: float) -> None:
    """R16: from 0 to the most, in the general values and in every row; not a number is no figure."""
    own: dict[type, dict[str, Any]] = {
        RuleSet: {"rule_id": "test", "version": 1, "closer_ms_max": None},
        ClassRule: {"classes": (MANNED, MANNED)},
        ZoneRule: {"kind": ZoneKind.RESTRICTED},
    }
    for right in (0, most):
        assert getattr(kind(**{**VALUES, **own[kind], field: right}), field) == right
    wrongs = [-1, most + 1] + ([math.nan, math.inf] if field.endswith("_m") else [])
    for wrong in wrongs:
        with pytest.raises(FieldRefusal) as caught:
            kind(**{**VALUES, **own[kind], field: wrong})
        assert (caught.value.refusal.code, caught.value.refusal.field) == (RefusalCode.OUT_OF_RANGE, field)
