"""`--rules`: a rule set that comes with Clearline, or a file with one."""

from __future__ import annotations

from typing import Final

from clearline.doors.cli.source_file import read_bytes
from clearline.model.decode import decode
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.rules import RuleSet
from clearline.sky.rules import RULE_SETS, load_rules

__all__ = ["RULES_HELP", "rules_named"]

RULES_HELP: Final = f"How close is too close: {', '.join(RULE_SETS)}, or a JSON file with a rule set."

RULE_FILE_BYTES_MAX: Final = 65_536
"""A row for each pair of classes and each kind of zone is 2 KB; indented, with room to spare."""


def rules_named(name: str) -> RuleSet:
    """Return a rule set by its name, or from the file of that name.

    Raises:
        Refusal: OUT_OF_RANGE for what is neither; the codes of `decode` for a file that holds none.
    """
    if name in RULE_SETS:
        return load_rules(name)
    try:
        source = read_bytes(name, bytes_max=RULE_FILE_BYTES_MAX)
    except Refusal as refusal:
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field="--rules",
            found=f"{name} ({refusal.found})",
            allowed=f"{', '.join(RULE_SETS)}, or a file that can be read",
        ) from None
    try:
        return decode(RuleSet, source, bytes_max=RULE_FILE_BYTES_MAX)
    except Refusal as refusal:
        raise refusal.within(f"--rules {name}") from None
