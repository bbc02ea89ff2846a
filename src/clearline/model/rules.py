"""A rule set: how close is too close, as versioned data that every party of a line holds alike (R16).

Rules
 * Two volumes are *closer* than the rule allows IFF their outlines are within `separation_lateral_m`, their bands
   are within `separation_vertical_m`, and their windows meet. Touching is closer (design.md §4). With 0 and 0 this
   is plain 4D intersection, as F3548 pools use it.
 * `closer_ms_max` is how long two notices may be closer in all, before the finding is a conflict; none means not at
   all. Shorter ones are kept and shown as BRIEF: nothing found is thrown away.
 * `separation_time_ms` widens every window before windows are compared.
 * `by_class` has other values for a pair of aircraft classes, `by_zone` for a notice and a zone of a kind (R29, R30).
   Where a pair has no row of its own, the general values hold; a notice of unknown class has none.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.identity import AircraftClass
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.zone import ZoneKind

__all__ = ["ClassRule", "RuleId", "RuleSet", "ZoneRule"]

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")]
SEPARATION_LATERAL_M_MAX = 100_000.0
"""Fifty-four nautical miles: beyond what any air agreement known uses (Korea 2018: 40 km)."""
SEPARATION_VERTICAL_M_MAX = 20_000.0
CLOSER_MS_MAX = 3_600_000
SEPARATION_TIME_MS_MAX = 3_600_000
"""One hour: beyond it two flights share no airspace in any sense."""


class ClassRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Separations between two classes of aircraft, in either order."""

    classes: tuple[AircraftClass, AircraftClass]
    separation_lateral_m: float
    separation_vertical_m: float
    separation_time_ms: int = 0
    closer_ms_max: int | None = None

    def __post_init__(self) -> None:
        _check(self.separation_lateral_m, self.separation_vertical_m, self.separation_time_ms, self.closer_ms_max)


class ZoneRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Separations between a notice and a zone of a kind. Without a row: 0, 0 and 0, plain intersection."""

    kind: ZoneKind
    separation_lateral_m: float
    separation_vertical_m: float
    separation_time_ms: int = 0
    closer_ms_max: int | None = None

    def __post_init__(self) -> None:
        _check(self.separation_lateral_m, self.separation_vertical_m, self.separation_time_ms, self.closer_ms_max)


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One profile of separation. `separation_lateral_m` over ground, `separation_vertical_m` up, both 0 or more."""

    rule_id: RuleId
    version: Annotated[int, msgspec.Meta(ge=1, le=limits.VERSION_MAX)]
    separation_lateral_m: float
    separation_vertical_m: float
    closer_ms_max: int | None
    separation_time_ms: int = 0
    by_class: tuple[ClassRule, ...] = ()
    by_zone: tuple[ZoneRule, ...] = ()

    def __post_init__(self) -> None:
        _check(self.separation_lateral_m, self.separation_vertical_m, self.separation_time_ms, self.closer_ms_max)
        pairs = [frozenset(each.classes) for each in self.by_class]
        if len(set(pairs)) != len(pairs):
            raise FieldRefusal(
                RefusalCode.DUPLICATE_FIELD, field="by_class", found="a pair twice", allowed="one row for each pair"
            )
        kinds = [each.kind for each in self.by_zone]
        if len(set(kinds)) != len(kinds):
            raise FieldRefusal(
                RefusalCode.DUPLICATE_FIELD, field="by_zone", found="a kind twice", allowed="one row for each kind"
            )


def _check(lateral_m: float, vertical_m: float, time_ms: int, closer_ms_max: int | None) -> None:
    if not 0.0 <= lateral_m <= SEPARATION_LATERAL_M_MAX:
        raise FieldRefusal(
            RefusalCode.OUT_OF_RANGE,
            field="separation_lateral_m",
            found=lateral_m,
            allowed=f"0 to {SEPARATION_LATERAL_M_MAX:g} m",
        )
    if not 0.0 <= vertical_m <= SEPARATION_VERTICAL_M_MAX:
        raise FieldRefusal(
            RefusalCode.OUT_OF_RANGE,
            field="separation_vertical_m",
            found=vertical_m,
            allowed=f"0 to {SEPARATION_VERTICAL_M_MAX:g} m",
        )
    if closer_ms_max is not None and not 0 <= closer_ms_max <= CLOSER_MS_MAX:
        raise FieldRefusal(
            RefusalCode.OUT_OF_RANGE,
            field="closer_ms_max",
            found=closer_ms_max,
            allowed=f"none, or 0 to {CLOSER_MS_MAX} ms",
        )
    if not 0 <= time_ms <= SEPARATION_TIME_MS_MAX:
        raise FieldRefusal(
            RefusalCode.OUT_OF_RANGE,
            field="separation_time_ms",
            found=time_ms,
            allowed=f"0 to {SEPARATION_TIME_MS_MAX} ms",
        )
