"""From an envelope's bytes to a message: the header must be readable, the body may be anything.

Rules
 * A message without a readable header has no place in a chain and is refused.
 * A message with a readable header but a body that cannot be taken keeps its place; `body` is then the refusal.
 * `VerifiedMessage` exists only where the signature fits the key that the line's agreement pins for its sender,
   or where it comes out of this node's own log (which took it only after that check).
"""

from __future__ import annotations

from typing import final

import msgspec

from clearline.ledger.envelope import MESSAGE_PAYLOAD_TYPE, Envelope, decode_envelope, message_digest, verify_envelope
from clearline.ledger.keys import Verifier
from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.decode import decode_repeating, refusal_of_repeated, repeated_fields
from clearline.model.message import BODY_TYPES, JOURNAL_TYPES, Body, Header, MessageType
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["Message", "VerifiedMessage", "from_own_log", "read_message", "verified"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as read, not yet believed."""

    encoded: bytes
    envelope: Envelope
    header: Header
    body: Body | Refusal
    digest: str


@final
class VerifiedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose sender is proved. Made by `verified` and `from_own_log` only."""

    encoded: bytes
    header: Header
    body: Body | Refusal
    digest: str


def read_message(encoded: bytes) -> Message:
    """Read an envelope and what it says.

    Raises:
        Refusal: from `decode_envelope`, or for a header that cannot be read, or over a limit.
    """
    envelope = decode_envelope(encoded)
    if envelope.payload_type != MESSAGE_PAYLOAD_TYPE:
        raise Refusal(
            RefusalCode.MALFORMED, field="payloadType", found=envelope.payload_type, allowed=MESSAGE_PAYLOAD_TYPE
        )
    header = decode_repeating(Header, envelope.payload, bytes_max=limits.PAYLOAD_BYTES_MAX)
    repeated = repeated_fields(envelope.payload)
    if repeated and repeated[-1].outermost:
        raise refusal_of_repeated(repeated[-1])
    body = refusal_of_repeated(repeated[0]).within("body") if repeated else _read_body(header)
    return Message(encoded=encoded, envelope=envelope, header=header, body=body, digest=message_digest(envelope))


def _read_body(header: Header) -> Body | Refusal:
    wanted = BODY_TYPES[header.type]
    try:
        return decode_repeating(wanted, bytes(header.body), bytes_max=limits.PAYLOAD_BYTES_MAX)
    except Refusal as refusal:
        return refusal.within("body")


def verified(message: Message, agreement: LineAgreement, verifier: Verifier) -> VerifiedMessage:
    """Check the signature against the key pinned for the party that the message names.

    Raises:
        Refusal: PARTY_UNKNOWN, KEY_UNKNOWN, SIGNATURE_INVALID; MALFORMED for a journal message of somebody else.
    """
    header = message.header
    key = agreement.public_key(header.from_party)
    if key is None:
        raise Refusal(
            RefusalCode.PARTY_UNKNOWN,
            field="from_party",
            found=header.from_party,
            allowed=", ".join(agreement.parties),
        )
    if header.type in JOURNAL_TYPES:
        raise Refusal(RefusalCode.MALFORMED, field="type", found=header.type, allowed=_line_types())
    if len(message.envelope.payload) > limits.MESSAGE_BYTES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="payload",
            found=f"{len(message.envelope.payload)} bytes",
            allowed=f"at most {limits.MESSAGE_BYTES_MAX} bytes",
        )
    verify_envelope(message.envelope, key, verifier)
    return _as_verified(message)


def from_own_log(message: Message) -> VerifiedMessage:
    """Trust a message that this node's own log holds."""
    return _as_verified(message)


def _as_verified(message: Message) -> VerifiedMessage:
    return VerifiedMessage(encoded=message.encoded, header=message.header, body=message.body, digest=message.digest)


def _line_types() -> str:
    return ", ".join(name for name in MessageType if name not in JOURNAL_TYPES)
