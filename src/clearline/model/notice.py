"""A notice: a declared use of airspace, in versions, with the states of ASTM F3548-21.

Rules
 * A notice asks no permission (R8) and says where, how high, when and which class of aircraft; never who or why (R7).
 * Every change is a new version, one higher than the last, made by the owner.
 * `volumes_version` is the version that last changed the volumes: findings and resolutions bind to it, so that
   activating a notice does not undo what two parties have signed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.identity import AircraftClass, NoticeId
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.volume import Volume4D

__all__ = ["Notice", "NoticeState", "Priority", "Version"]

Version = Annotated[int, msgspec.Meta(ge=1, le=limits.VERSION_MAX)]
Priority = Annotated[int, msgspec.Meta(ge=0, le=limits.PRIORITY_MAX)]


class NoticeState(StrEnum):
    """F3548 operational intent states, kept as they are (design.md §2)."""

    ACCEPTED = "Accepted"
    ACTIVATED = "Activated"
    NONCONFORMING = "Nonconforming"
    CONTINGENT = "Contingent"
    ENDED = "Ended"


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of a notice, as its owner declared it. An ended one has no volumes."""

    notice_id: NoticeId
    version: Version
    volumes_version: Version
    state: NoticeState
    aircraft_class: AircraftClass
    priority: Priority
    volumes: tuple[Volume4D, ...]

    def __post_init__(self) -> None:
        check_volume_count(self.volumes, state=self.state)
        if not 1 <= self.volumes_version <= self.version:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="volumes_version",
                found=self.volumes_version,
                allowed=f"1 to version {self.version}",
            )


def check_volume_count(volumes: tuple[Volume4D, ...], *, state: NoticeState = NoticeState.ACCEPTED) -> None:
    """Refuse a notice with no volume (unless ended), with too many, or with too many vertices."""
    count_min = 0 if state is NoticeState.ENDED else 1
    if not count_min <= len(volumes) <= limits.VOLUMES_MAX:
        code = RefusalCode.OVER_LIMIT if len(volumes) > limits.VOLUMES_MAX else RefusalCode.OUT_OF_RANGE
        raise FieldRefusal(
            code,
            field="volumes",
            found=f"{len(volumes)} volumes",
            allowed=f"{count_min} to {limits.VOLUMES_MAX}",
        )
    vertices = 0
    for index, volume in enumerate(volumes):
        count = volume.volume.vertex_count
        if count > limits.VERTICES_MAX:
            shape = "outline_polygon" if volume.volume.outline_polygon is not None else "outline_corridor"
            raise FieldRefusal(
                RefusalCode.OVER_LIMIT,
                field=f"volumes[{index}].volume.{shape}.vertices",
                found=f"{count} vertices",
                allowed=f"at most {limits.VERTICES_MAX} in a volume of a notice",
            )
        vertices += count
    if vertices > limits.VERTICES_PER_NOTICE_MAX:
        raise FieldRefusal(
            RefusalCode.OVER_LIMIT,
            field="volumes",
            found=f"{vertices} vertices in all",
            allowed=f"at most {limits.VERTICES_PER_NOTICE_MAX}",
        )
