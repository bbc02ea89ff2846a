"""From what a party wants to say to the bytes that it signs."""

from __future__ import annotations

import msgspec

from clearline.ledger.envelope import encode_envelope, message_digest, seal
from clearline.ledger.keys import Signer
from clearline.line.chain import Chain
from clearline.line.reading import VerifiedMessage
from clearline.model import limits
from clearline.model.identity import Role
from clearline.model.message import (
    JOURNAL_TYPES,
    MESSAGE_SCHEMA,
    Body,
    Header,
    MessageType,
    Precedence,
    message_type_of,
)
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["Speaker", "draft"]


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """Who says it: the party, the role on duty, and the key."""

    party: str
    role: Role
    signer: Signer


_PRECEDENCE: dict[MessageType, Precedence] = {
    MessageType.AREA_NOTICE: Precedence.PRIORITY,
    MessageType.AREA_AMEND: Precedence.PRIORITY,
    MessageType.AREA_CANCEL: Precedence.PRIORITY,
    MessageType.CONFLICT: Precedence.IMMEDIATE,
    MessageType.RESOLUTION: Precedence.IMMEDIATE,
}
"""How soon a human must read it (R2); everything else is ROUTINE."""


def draft(*, body: Body, line_id: str, chain: Chain, speaker: Speaker, msg_id: str, sent_at_ms: int) -> VerifiedMessage:
    """Return the next message of our own chain, signed.

    Raises:
        Refusal: OVER_LIMIT where the message is larger than any receiver takes.
    """
    kind = message_type_of(body)
    header = Header(
        schema=MESSAGE_SCHEMA,
        line_id=line_id,
        from_party=speaker.party,
        from_role=speaker.role,
        sequence=chain.length + 1,
        previous=chain.head,
        msg_id=msg_id,
        sent_at_ms=sent_at_ms,
        precedence=_PRECEDENCE.get(kind, Precedence.ROUTINE),
        type=kind,
        body=msgspec.Raw(msgspec.json.encode(body)),
    )
    payload = msgspec.json.encode(header)
    bytes_max = limits.PAYLOAD_BYTES_MAX if kind in JOURNAL_TYPES else limits.MESSAGE_BYTES_MAX
    if len(payload) > bytes_max:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="volumes",
            found=f"a message of {len(payload)} bytes",
            allowed=f"at most {bytes_max} bytes",
        )
    envelope = seal(payload, speaker.signer)
    return VerifiedMessage(encoded=encode_envelope(envelope), header=header, body=body, digest=message_digest(envelope))
