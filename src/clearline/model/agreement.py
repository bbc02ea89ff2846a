"""The agreement of a line: who is on it, with which keys, under which rules.

Rules
 * All parties hold the same agreement, byte for byte. Its hash stands in the first message of every chain, so two
   parties with different keys or rules notice it at the first word and not at the first conflict.
 * Addresses and timers of delivery are a node's own business and are not part of it.

Source: design.md §2 (Line), §5; practice.md R16; docs/spec/envelope.md.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from clearline.model import limits
from clearline.model.identity import LineId, PartyId
from clearline.model.refusal import FieldRefusal, RefusalCode
from clearline.model.rules import RuleSet

__all__ = ["AGREEMENT_SCHEMA", "LineAgreement", "Member", "agreement_bytes", "agreement_digest"]

AGREEMENT_SCHEMA = "clearline/agreement/1"


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A party and its public key: 32 bytes of Ed25519 in lower-case hexadecimal."""

    party_id: PartyId
    public_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class LineAgreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every party of a line has agreed. Members are sorted by party id; ids and keys differ."""

    schema: str
    line_id: LineId
    members: tuple[Member, ...]
    rules: RuleSet

    def __post_init__(self) -> None:
        if self.schema != AGREEMENT_SCHEMA:
            raise FieldRefusal(RefusalCode.OUT_OF_RANGE, field="schema", found=self.schema, allowed=AGREEMENT_SCHEMA)
        if self.line_id == "journal":
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE, field="line_id", found=self.line_id, allowed="any name but the journal's"
            )
        count = len(self.members)
        if not 2 <= count <= limits.PARTIES_PER_LINE_MAX:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="members",
                found=f"{count} parties",
                allowed=f"2 to {limits.PARTIES_PER_LINE_MAX}",
            )
        names = [member.party_id for member in self.members]
        if names != sorted(set(names)) or len({member.public_key for member in self.members}) != count:
            raise FieldRefusal(
                RefusalCode.OUT_OF_RANGE,
                field="members",
                found=", ".join(names),
                allowed="different parties with different keys, sorted by party_id",
            )

    @property
    def parties(self) -> tuple[str, ...]:
        """The ids of all members, sorted."""
        return tuple(member.party_id for member in self.members)

    def public_key(self, party_id: str) -> bytes | None:
        """Return the pinned Ed25519 key of a member, or None where it is no member."""
        for member in self.members:
            if member.party_id == party_id:
                return bytes.fromhex(member.public_key)
        return None


def agreement_bytes(agreement: LineAgreement) -> bytes:
    """Return the exact bytes that are hashed: compact JSON, fields in the order of the type."""
    return msgspec.json.encode(agreement)


def agreement_digest(agreement: LineAgreement) -> str:
    """Return SHA-256 of `agreement_bytes` in hexadecimal: the `previous` of each chain's first message."""
    return hashlib.sha256(agreement_bytes(agreement)).hexdigest()
