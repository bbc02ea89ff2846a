"""A rule set as the kernel takes it: one row for each pair of aircraft classes that has values of its own.

Layout: `kernel_query.Rules`. Row 0 holds the general values, row k those of `by_class[k - 1]`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from clearline.model.identity import AircraftClass
from clearline.model.refusal import invariant
from clearline.model.rules import ClassRule, RuleSet
from clearline.sky.altitude import TOLERANCE_VERTICAL_M, reference_errors_m
from clearline.sky.geodesy import TOLERANCE_LATERAL_M
from clearline.sky.kernel_query import CLASSES, RULES_HEAD
from clearline.sky.kernel_shape import Floats

__all__ = ["CLASS_CODES", "class_code", "rules_array"]

CLASS_CODES: Final[dict[AircraftClass, int]] = {
    AircraftClass.MANNED: 1,
    AircraftClass.UNMANNED: 2,
    AircraftClass.MIXED: 3,
}
"""How the kernel names a class; 0 is an unknown one, for which the general values hold."""


def class_code(aircraft_class: AircraftClass | None) -> int:
    """Return the kernel's name of a class."""
    return 0 if aircraft_class is None else CLASS_CODES[aircraft_class]


def rules_array(rules: RuleSet) -> Floats:
    """Return a rule set with all tolerances."""
    rows = [_row(rules), *(_row(each) for each in rules.by_class)]
    table = np.zeros((CLASSES, CLASSES))
    for number, each in enumerate(rules.by_class, start=1):
        one, other = (CLASS_CODES[every] for every in each.classes)
        table[one, other] = table[other, one] = number
    widest = [
        0.5 * max(row[0] + row[3] for row in rows),
        0.5 * max(row[1] + row[4] for row in rows),
        0.5 * max(row[2] for row in rows),
    ]
    invariant(len(widest) + table.size == RULES_HEAD, "the head of the rules is as the kernel reads it")
    return np.concatenate([np.array(widest), table.ravel(), np.array(rows).ravel()])


def _row(rule: RuleSet | ClassRule) -> tuple[float, ...]:
    lateral_m = rule.separation_lateral_m
    return (
        lateral_m,
        rule.separation_vertical_m,
        float(rule.separation_time_ms),
        TOLERANCE_LATERAL_M,
        TOLERANCE_VERTICAL_M,
        *reference_errors_m(lateral_m),
    )
