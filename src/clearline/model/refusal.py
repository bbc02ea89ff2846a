"""Refusals: the expected failures, each with a code that three readers can act on.

Rules
 * A refusal goes to whoever sent the input; it names the field, what was found and what is allowed.
 * A code never changes its meaning; `docs/errors.md` says what sender, watch officer and operator do.
 * A bug is not a refusal: it raises `InternalError` and stops the worker it happened in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, final

import msgspec

__all__ = ["FieldRefusal", "InternalError", "Refusal", "RefusalCode", "RefusalReport", "invariant"]


class RefusalCode(StrEnum):
    """Every way in which Clearline says no. The table for humans is `docs/errors.md`."""

    # Reading input
    MALFORMED = "MALFORMED"
    """Not JSON, not UTF-8, not the type asked for, or a field is missing."""
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    """A field that no schema has (R7: what has no field cannot be said)."""
    DUPLICATE_FIELD = "DUPLICATE_FIELD"
    """One name twice in one object: two readers could see two messages."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    """A number, text or time outside what the field allows."""
    OVER_LIMIT = "OVER_LIMIT"
    """Larger, deeper or more than `limits.py` allows."""
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    """A file whose format is not one that Clearline reads."""
    UNREADABLE_FILE = "UNREADABLE_FILE"
    """A file that cannot be opened or read."""
    # Volumes
    RING_INVALID = "RING_INVALID"
    """Too few different vertices, a vertex twice in a row, or no inside."""
    RING_CROSSES = "RING_CROSSES"
    """Two edges of an outline meet, so inside and outside are not defined."""
    SHAPE_MISSING = "SHAPE_MISSING"
    """Not exactly one outline in a volume."""
    SHAPE_TOO_LARGE = "SHAPE_TOO_LARGE"
    """An outline or an edge that spans more of the earth than the kernel can decide exactly."""
    ALTITUDE_ORDER = "ALTITUDE_ORDER"
    """The lower limit is above the upper one, or the two are in references with no order."""
    TIME_ORDER = "TIME_ORDER"
    """The end is not after the start."""
    # Notices
    NOTICE_UNKNOWN = "NOTICE_UNKNOWN"
    NOTICE_EXISTS = "NOTICE_EXISTS"
    NOTICE_ENDED = "NOTICE_ENDED"
    VERSION_NOT_NEXT = "VERSION_NOT_NEXT"
    """The version named is not the one that follows the current one."""
    STATE_FORBIDS = "STATE_FORBIDS"
    """The notice's state does not allow this change."""
    NOT_OWNER = "NOT_OWNER"
    """Only the owner may change a notice; nobody reads back or resolves for another."""
    FINDING_UNKNOWN = "FINDING_UNKNOWN"
    READ_BACK_WRONG = "READ_BACK_WRONG"
    """A read-back differs from the notice in the field named (R5)."""
    # Envelopes, chains, peers
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    """Signed by a key that is not pinned for the party that the message names."""
    LINE_UNKNOWN = "LINE_UNKNOWN"
    PARTY_UNKNOWN = "PARTY_UNKNOWN"
    AGREEMENT_DIFFERS = "AGREEMENT_DIFFERS"
    """The two sides hold different agreements for one line (keys, parties, rules)."""
    CHAIN_GAP = "CHAIN_GAP"
    """An earlier message of the same sender is missing; it must come first."""
    CHAIN_FORK = "CHAIN_FORK"
    """The sender signed two different messages for one place of its chain."""
    MESSAGE_ID_REUSED = "MESSAGE_ID_REUSED"
    """One message id with two different contents."""
    RECEIPT_FALSE = "RECEIPT_FALSE"
    """A receipt for something that was never said, or with another hash."""
    REQUEST_EXPIRED = "REQUEST_EXPIRED"
    """A signed request whose time is too far from the receiver's clock."""
    # Doors
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    ROLE_FORBIDS = "ROLE_FORBIDS"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    OVERLOADED = "OVERLOADED"
    """More is waiting than the node may hold; try again after the time named."""
    # Store and node
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    """The disk is full, read-only, locked or broken: nothing was accepted."""
    STORE_DAMAGED = "STORE_DAMAGED"
    """What is on disk is not what was written; the node stops rather than guess."""
    STORE_ROLLED_BACK = "STORE_ROLLED_BACK"
    """The store's head is behind what this node has already shown to a peer."""
    STORE_IN_USE = "STORE_IN_USE"
    """Another process holds this store."""
    STORE_FOREIGN = "STORE_FOREIGN"
    """The file belongs to another program, or to a later version of this one."""
    CONFIGURATION_INVALID = "CONFIGURATION_INVALID"
    KERNEL_NOT_READY = "KERNEL_NOT_READY"
    STOPPING = "STOPPING"
    """The node is shutting down and takes nothing new."""
    # Bundles
    BUNDLE_BROKEN = "BUNDLE_BROKEN"
    """A record that does not prove itself; the field names the entry."""


REPORT_CHARACTERS_MAX = 4_096
"""One text of a refusal that somebody else states: it is kept, shown and logged. The longest of our own, 64 names of
lines, has 2,200."""
ReportText = Annotated[str, msgspec.Meta(max_length=REPORT_CHARACTERS_MAX)]


class RefusalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal on the wire: the same four facts in every answer, receipt and exit message."""

    code: RefusalCode
    field: ReportText = ""
    found: ReportText = ""
    allowed: ReportText = ""


@final
class Refusal(Exception):
    """An expected "no". Carries `code`, `field`, `found` and `allowed`; never a stack trace to a user."""

    def __init__(self, code: RefusalCode, *, field: str = "", found: object = "", allowed: str = "") -> None:
        self.code = code
        self.field = shown(field)  # it may hold a name that the sender made up
        self.found = shown(found)
        self.allowed = allowed
        super().__init__(code, field, self.found, allowed)

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        found = f": found {self.found}" if self.found else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{self.code}{where}{found}{allowed}"

    def report(self) -> RefusalReport:
        """Return the refusal as it goes over the wire."""
        return RefusalReport(code=self.code, field=self.field, found=self.found, allowed=self.allowed)

    def within(self, prefix: str) -> Refusal:
        """Return the same refusal with its field placed inside `prefix` (`volumes[2]` + `time_end`)."""
        joined = f"{prefix}.{self.field}" if self.field and prefix else prefix or self.field
        return Refusal(self.code, field=joined, found=self.found, allowed=self.allowed)


class FieldRefusal(ValueError):
    """Raised inside a type's own check; the decoder turns it into a `Refusal` with the full path.

    It is a `ValueError` because msgspec gives the path to the place only for those.
    """

    def __init__(self, code: RefusalCode, *, field: str = "", found: object = "", allowed: str = "") -> None:
        self.refusal = Refusal(code, field=field, found=found, allowed=allowed)
        super().__init__(str(self.refusal))


class InternalError(RuntimeError):
    """Clearline broke one of its own rules. This is a bug: please report it with the log line.

    It stops the worker it happened in and nothing else; it never reaches a party as an answer to its input.
    """


def invariant(holds: bool, why: str) -> None:  # noqa: FBT001  reads as a sentence where it is called
    """Stop with `InternalError` unless `holds`; unlike `assert`, it stays on under `python -O`."""
    if not holds:
        raise InternalError(f"invariant broken: {why}")


SHOWN_CHARACTERS_MAX = 120
"""How much of a hostile value is repeated in a refusal: enough to find it, too little to flood a log."""


def shown(value: object) -> str:
    """Return `value` as bounded text in one line, with control and direction characters made visible."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) > SHOWN_CHARACTERS_MAX:
        text = text[: SHOWN_CHARACTERS_MAX - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
