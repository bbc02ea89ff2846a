"""A zone: a standing or temporary volume with a rule about who flies there (R30, R31).

Kinds
 * RESTRICTED: entry needs somebody's consent, or is forbidden. KEEP_CLEAR: a danger; keep the separation of the rule.
 * CORRIDOR: kept free for the parties named in `users`; all others keep clear of it.
 * DIVIDING_LINE: a line with a buffer; each party named in `sides` stays on its side, within `depth_m` of the line.
 * ADVISORY: to be known and no conflict (flight information, radio and transponder areas, gliding sectors).

Rules
 * A zone grants and forbids nothing by itself (R8): it is what a notice is compared with, and the finding says so.
 * `recognised_by` names the parties that recognise the zone; none named: everybody. A finding is made for every notice
   that meets the zone and says whether its owner recognises the zone, so nothing is hidden.
 * Without windows a zone is always active. A daily window is in UTC and may run over midnight.

Times in ms since 1970, times of day in ms since midnight UTC. Source: practice.md R30, R31, §4.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.identity import PartyId
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.volume import Volume3D

__all__ = ["DAY_MS", "Side", "Weekday", "Zone", "ZoneId", "ZoneKind", "ZoneSide", "ZoneWindow"]

DAY_MS = 86_400_000

ZoneId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[!-~](?:[ -~]{0,62}[!-~])?\Z")]
"""The name under which authorities publish it: printable ASCII, such as `ED-R 139A` or `LFR45 S2`."""


class ZoneKind(StrEnum):
    """What meeting the zone means; see the head of this module."""

    RESTRICTED = "RESTRICTED"
    KEEP_CLEAR = "KEEP_CLEAR"
    CORRIDOR = "CORRIDOR"
    DIVIDING_LINE = "DIVIDING_LINE"
    ADVISORY = "ADVISORY"


class Weekday(StrEnum):
    """Days of the week, in UTC."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


class Side(StrEnum):
    """Of a dividing line, as one goes from its first vertex to its last."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class ZoneSide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The side on which a party stays."""

    party: PartyId
    side: Side


class ZoneWindow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """When a zone is active: from `start_ms` to `end_ms` (none: without end), both included.

    With `days` only on those days; with `daily_from_ms` and `daily_until_ms` only between these times of day (the end
    at or before the start: until then on the next day; the days are those on which it starts).
    """

    start_ms: int | None = None
    end_ms: int | None = None
    days: tuple[Weekday, ...] = ()
    daily_from_ms: int | None = None
    daily_until_ms: int | None = None

    def __post_init__(self) -> None:
        for field, found in (("start_ms", self.start_ms), ("end_ms", self.end_ms)):
            if found is not None and not limits.TIME_MS_MIN <= found <= limits.TIME_MS_MAX:
                raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed="1970 to 2100, in ms")
        if self.start_ms is not None and self.end_ms is not None and not self.start_ms < self.end_ms:
            raise FieldRefusal(
                RefusalCode.TIME_ORDER, field="end_ms", found=self.end_ms, allowed=f"after start_ms {self.start_ms}"
            )
        if (self.daily_from_ms is None) != (self.daily_until_ms is None):
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE, field="daily_until_ms", found=self.daily_until_ms, allowed="both or neither"
            )
        for field, found in (("daily_from_ms", self.daily_from_ms), ("daily_until_ms", self.daily_until_ms)):
            if found is not None and not 0 <= found <= DAY_MS:
                raise FieldRefusal(
                    RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed=f"0 to {DAY_MS} ms after midnight"
                )


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One zone. A dividing line has one volume, a corridor whose centre line is the line."""

    zone_id: ZoneId
    kind: ZoneKind
    volumes: tuple[Volume3D, ...]
    windows: tuple[ZoneWindow, ...] = ()
    recognised_by: tuple[PartyId, ...] = ()
    users: tuple[PartyId, ...] = ()
    """CORRIDOR only: for whom it is kept free."""
    sides: tuple[ZoneSide, ...] = ()
    """DIVIDING_LINE only."""
    depth_m: float | None = None
    """DIVIDING_LINE only: how far from the line its sides reach."""

    def __post_init__(self) -> None:
        _check_count("volumes", len(self.volumes), 1, limits.ZONE_VOLUMES_MAX)
        _check_count("windows", len(self.windows), 0, limits.ZONE_WINDOWS_MAX)
        _check_count("recognised_by", len(self.recognised_by), 0, limits.PARTIES_PER_LINE_MAX)
        _check_count("users", len(self.users), 0, limits.PARTIES_PER_LINE_MAX)
        _check_count("sides", len(self.sides), 0, limits.PARTIES_PER_LINE_MAX)
        if self.users and self.kind is not ZoneKind.CORRIDOR:
            raise _only("users", ZoneKind.CORRIDOR, self.kind)
        if self.kind is ZoneKind.DIVIDING_LINE:
            self._check_line()
        elif self.sides or self.depth_m is not None:
            raise _only("sides" if self.sides else "depth_m", ZoneKind.DIVIDING_LINE, self.kind)

    def _check_line(self) -> None:
        if len(self.volumes) != 1 or self.volumes[0].outline_corridor is None:
            raise FieldRefusal(
                RefusalCode.SHAPE_MISSING, field="volumes", found="another shape", allowed="one outline_corridor"
            )
        if self.depth_m is None or not 0.0 < self.depth_m <= limits.RADIUS_M_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="depth_m",
                found=self.depth_m,
                allowed=f"more than 0, at most {limits.RADIUS_M_MAX:g} m",
            )
        parties = [each.party for each in self.sides]
        if len(set(parties)) != len(parties):
            raise FieldRefusal(
                RefusalCode.DUPLICATE_FIELD, field="sides", found="a party twice", allowed="one side for each party"
            )


def _check_count(field: str, count: int, least: int, most: int) -> None:
    if not least <= count <= most:
        code = RefusalCode.OVER_LIMIT if count > most else RefusalCode.OUT_OF_RANGE
        raise FieldRefusal(code, field=field, found=f"{count}", allowed=f"{least} to {most}")


def _only(field: str, kind: ZoneKind, found: ZoneKind) -> FieldRefusal:
    return FieldRefusal(RefusalCode.UNKNOWN_FIELD, field=field, found=f"in a zone {found}", allowed=f"in {kind} only")
