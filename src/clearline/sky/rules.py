"""The rule sets that come with Clearline, as data (R16). A line may agree on any other; these are the named ones.

Where each figure comes from, and what a rule set cannot express, stands in docs/rules.md.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from clearline.model.decode import decode
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.rules import RuleSet

__all__ = ["RULE_SETS", "load_rules", "rules_from_bytes"]

RULE_SETS: Final = ("threes", "intersect", "do-365-like", "twenty-nm", "drones-and-crewed")
"""`threes`: 3 NM, 3,000 ft, 3 min (practice.md R16). `intersect`: plain 4D intersection, as F3548 pools use it.
`do-365-like`: 4,000 ft, 450 ft, 35 s, after RTCA DO-365. `twenty-nm`: 20 NM and 3,000 ft. `drones-and-crewed`: values
by class of aircraft, and margins around danger areas."""

RULE_SET_BYTES_MAX: Final = 4_096
"""A rule set with a row for each pair of classes and each kind of zone has some 1,800."""


@cache
def load_rules(name: str) -> RuleSet:
    """Return a rule set by name.

    Raises:
        Refusal: OUT_OF_RANGE for a name that is not in `RULE_SETS`.
    """
    if name not in RULE_SETS:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="rules", found=name, allowed=" or ".join(RULE_SETS))
    return rules_from_bytes(files("clearline.sky").joinpath("data", f"{name}.json").read_bytes())


def rules_from_bytes(source: bytes) -> RuleSet:
    """Return the rule set that a file holds, in JSON.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FIELD, DUPLICATE_FIELD or OUT_OF_RANGE, with the field.
    """
    return decode(RuleSet, source, bytes_max=RULE_SET_BYTES_MAX)
