"""A rule set: how close is too close, as versioned data that every party of a line holds alike (R16).

Rules
 * Two volumes are *closer* than the rule allows IFF their outlines are within `separation_lateral_m`, their bands
   are within `separation_vertical_m`, and their windows meet. Touching is closer (design.md §4). With 0 and 0 this
   is plain 4D intersection, as F3548 pools use it.
 * `closer_ms_max` is how long two notices may be closer in all, before the finding is a conflict; none means not at
   all. Shorter ones are kept and shown as BRIEF: nothing found is thrown away.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.refusal import FieldRefusal, RefusalCode

__all__ = ["RuleId", "RuleSet"]

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")]
SEPARATION_LATERAL_M_MAX = 100_000.0
"""Fifty-four nautical miles: beyond what any air agreement known uses (Korea 2018: 40 km)."""
SEPARATION_VERTICAL_M_MAX = 20_000.0
CLOSER_MS_MAX = 3_600_000


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One profile of separation. `separation_lateral_m` over ground, `separation_vertical_m` up, both 0 or more."""

    rule_id: RuleId
    version: Annotated[int, msgspec.Meta(ge=1, le=limits.VERSION_MAX)]
    separation_lateral_m: float
    separation_vertical_m: float
    closer_ms_max: int | None

    def __post_init__(self) -> None:
        if not 0.0 <= self.separation_lateral_m <= SEPARATION_LATERAL_M_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="separation_lateral_m",
                found=self.separation_lateral_m,
                allowed=f"0 to {SEPARATION_LATERAL_M_MAX:g} m",
            )
        if not 0.0 <= self.separation_vertical_m <= SEPARATION_VERTICAL_M_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="separation_vertical_m",
                found=self.separation_vertical_m,
                allowed=f"0 to {SEPARATION_VERTICAL_M_MAX:g} m",
            )
        if self.closer_ms_max is not None and not 0 <= self.closer_ms_max <= CLOSER_MS_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="closer_ms_max",
                found=self.closer_ms_max,
                allowed=f"none, or 0 to {CLOSER_MS_MAX} ms",
            )
