"""Names of parties, lines, notices and messages: short, plain ASCII, safe in a path, a log and a table."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

__all__ = ["AircraftClass", "Digest", "LineId", "MessageId", "NoticeId", "PartyId", "Role", "notice_reference"]

_NAME = r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z"
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"

PartyId = Annotated[str, msgspec.Meta(pattern=_NAME)]
"""An organisation on a line: 1 to 32 of a-z, 0-9 and inner hyphens."""
LineId = Annotated[str, msgspec.Meta(pattern=_NAME)]
"""A line, in the same alphabet."""
NoticeId = Annotated[str, msgspec.Meta(pattern=_UUID)]
"""A UUID in lower case, made by the owner."""
MessageId = Annotated[str, msgspec.Meta(pattern=_UUID)]
"""A UUID in lower case, made by the sender before sending (design.md §5)."""
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""SHA-256 in lower-case hexadecimal."""


class AircraftClass(StrEnum):
    """What kind of aircraft a notice covers, as far as separation needs it (R29). Nothing finer exists (R7)."""

    MANNED = "MANNED"
    UNMANNED = "UNMANNED"
    MIXED = "MIXED"


class Role(StrEnum):
    """Who speaks for a party: a role, never a person (R1)."""

    WATCH = "WATCH"
    """On duty at the desk: declares, reads back, resolves."""
    PLANNER = "PLANNER"
    """Declares and changes notices, also from programs."""
    OBSERVER = "OBSERVER"
    """Reads everything, changes nothing."""
    NODE = "NODE"
    """The software itself: receipts and findings."""


def notice_reference(notice_id: str) -> str:
    """Return the short form that people say and read: the first eight digits, upper case."""
    return notice_id[:8].upper()
