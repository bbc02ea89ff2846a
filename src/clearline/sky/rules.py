"""The rule sets that come with Clearline, as data (R16). A line may agree on any other; these are the named ones."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from clearline.model.decode import decode
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.rules import RuleSet

__all__ = ["RULE_SETS", "load_rules"]

RULE_SETS: Final = ("threes", "intersect")
"""`threes`: 3 NM, 3,000 ft, 3 min (practice.md R16). `intersect`: plain 4D intersection, as F3548 pools use it."""

RULE_SET_BYTES_MAX: Final = 4_096


@cache
def load_rules(name: str) -> RuleSet:
    """Return a rule set by name.

    Raises:
        Refusal: OUT_OF_RANGE for a name that is not in `RULE_SETS`.
    """
    if name not in RULE_SETS:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="rules", found=name, allowed=" or ".join(RULE_SETS))
    source = files("clearline.sky").joinpath("data", f"{name}.json").read_bytes()
    return decode(RuleSet, source, bytes_max=RULE_SET_BYTES_MAX)
