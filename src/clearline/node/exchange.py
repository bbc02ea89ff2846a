"""One exchange between two nodes: what the other lacks goes there, what we lack comes back.

Rules
 * Either side may ask; so a node behind a one-way wall sends and receives all the same (design.md §5).
 * `have` says how long each chain is at the speaker; the answer brings what goes beyond, the asker's own chain
   included: a node that lost the end of its log learns of it from its peers.
 * The first line of a request or answer is signed by the node that makes it and names the digest of the lines that
   follow, which are canonical envelopes. Repeating an exchange is harmless.

Wire text: docs/spec/exchange.md.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from clearline.ledger.envelope import decode_envelope, encode_envelope, seal, verify_envelope
from clearline.ledger.keys import Signer, Verifier
from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.decode import decode
from clearline.model.identity import Digest, LineId, MessageId, PartyId
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport

__all__ = [
    "ANSWER_PAYLOAD_TYPE",
    "EXCHANGE_PAYLOAD_TYPE",
    "AnswerHead",
    "Exchange",
    "ExchangeAnswer",
    "ExchangeHead",
    "open_answer",
    "open_exchange",
    "seal_answer",
    "seal_exchange",
]

EXCHANGE_PAYLOAD_TYPE = "application/vnd.clearline.exchange+json"
ANSWER_PAYLOAD_TYPE = "application/vnd.clearline.exchange-answer+json"

Milliseconds = Annotated[int, msgspec.Meta(ge=limits.TIME_MS_MIN, le=limits.TIME_MS_MAX)]
Length = Annotated[int, msgspec.Meta(ge=0, le=limits.SEQUENCE_MAX)]


class ExchangeHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who asks whom, on which line, and what the asker has."""

    line_id: LineId
    from_party: PartyId
    to_party: PartyId
    exchange_id: MessageId
    agreement: Digest
    """Digest of the line's agreement as the asker holds it."""
    sent_at_ms: Milliseconds
    have: dict[PartyId, Length]


class AnswerHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the answerer durably has after the exchange; `refused` says why it took no more of what was sent."""

    exchange_id: MessageId
    from_party: PartyId
    answered_at_ms: Milliseconds
    have: dict[PartyId, Length]
    refused: RefusalReport | None


class _SignedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    head: msgspec.Raw
    envelopes: Annotated[int, msgspec.Meta(ge=0, le=limits.DELIVERY_ENVELOPES_MAX)]
    envelopes_digest: Digest


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request: `envelopes` are the asker's own messages that the other may lack, in the order of the chain."""

    head: ExchangeHead
    envelopes: tuple[bytes, ...]


class ExchangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: `envelopes` are messages of any party of the line that the asker lacks, each chain in order."""

    head: AnswerHead
    envelopes: tuple[bytes, ...]


def seal_exchange(request: Exchange, signer: Signer) -> bytes:
    """Return the bytes of a request, signed."""
    return _seal(msgspec.json.encode(request.head), request.envelopes, signer, EXCHANGE_PAYLOAD_TYPE)


def seal_answer(answer: ExchangeAnswer, signer: Signer) -> bytes:
    """Return the bytes of an answer, signed."""
    return _seal(msgspec.json.encode(answer.head), answer.envelopes, signer, ANSWER_PAYLOAD_TYPE)


def open_exchange(source: bytes, *, own: str, agreement: LineAgreement, verifier: Verifier, now_ms: int) -> Exchange:
    """Read a request and check that a party of the line made it, for us, and lately.

    Raises:
        Refusal: MALFORMED and the like, LINE_UNKNOWN, PARTY_UNKNOWN, KEY_UNKNOWN, SIGNATURE_INVALID,
            REQUEST_EXPIRED.
    """
    first, envelopes = _split(source)
    envelope = decode_envelope(first)
    signed = decode(_SignedHead, envelope.payload, bytes_max=limits.PAYLOAD_BYTES_MAX)
    head = decode(ExchangeHead, bytes(signed.head), bytes_max=limits.PAYLOAD_BYTES_MAX)
    if head.line_id != agreement.line_id:
        raise Refusal(RefusalCode.LINE_UNKNOWN, field="line_id", found=head.line_id, allowed=agreement.line_id)
    if head.to_party != own or head.from_party == own:
        raise Refusal(
            RefusalCode.PARTY_UNKNOWN,
            field="to_party",
            found=f"from {head.from_party} to {head.to_party}",
            allowed=f"from another party to {own}",
        )
    verify_envelope(envelope, _key(agreement, head.from_party), verifier, payload_type=EXCHANGE_PAYLOAD_TYPE)
    _check_envelopes(signed, envelopes)
    if abs(now_ms - head.sent_at_ms) > limits.REQUEST_AGE_MS_MAX:
        raise Refusal(
            RefusalCode.REQUEST_EXPIRED,
            field="sent_at_ms",
            found=head.sent_at_ms,
            allowed=f"within {limits.REQUEST_AGE_MS_MAX} ms of {now_ms}",
        )
    return Exchange(head=head, envelopes=envelopes)


def open_answer(
    source: bytes, request: ExchangeHead, *, agreement: LineAgreement, verifier: Verifier
) -> ExchangeAnswer:
    """Read an answer and check that the party asked made it, to this very request.

    Raises:
        Refusal: MALFORMED and the like, KEY_UNKNOWN, SIGNATURE_INVALID.
    """
    first, envelopes = _split(source)
    envelope = decode_envelope(first)
    verify_envelope(envelope, _key(agreement, request.to_party), verifier, payload_type=ANSWER_PAYLOAD_TYPE)
    signed = decode(_SignedHead, envelope.payload, bytes_max=limits.PAYLOAD_BYTES_MAX)
    head = decode(AnswerHead, bytes(signed.head), bytes_max=limits.PAYLOAD_BYTES_MAX)
    _check_envelopes(signed, envelopes)
    if head.exchange_id != request.exchange_id or head.from_party != request.to_party:
        raise Refusal(RefusalCode.MALFORMED, field="exchange_id", found=head.exchange_id, allowed=request.exchange_id)
    return ExchangeAnswer(head=head, envelopes=envelopes)


def _seal(head: bytes, envelopes: tuple[bytes, ...], signer: Signer, payload_type: str) -> bytes:
    signed = _SignedHead(head=msgspec.Raw(head), envelopes=len(envelopes), envelopes_digest=_digest(envelopes))
    first = encode_envelope(seal(msgspec.json.encode(signed), signer, payload_type))
    return b"\n".join((first, *envelopes))


def _split(source: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    if len(source) > limits.REQUEST_BYTES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {limits.REQUEST_BYTES_MAX} bytes"
        )
    if source.count(b"\n") > limits.DELIVERY_ENVELOPES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="envelopes",
            found="more lines",
            allowed=f"at most {limits.DELIVERY_ENVELOPES_MAX}",
        )
    first, *envelopes = source.split(b"\n")
    return first, tuple(envelopes)


def _digest(envelopes: tuple[bytes, ...]) -> str:
    return hashlib.sha256(b"\n".join(envelopes)).hexdigest()


def _check_envelopes(signed: _SignedHead, envelopes: tuple[bytes, ...]) -> None:
    if signed.envelopes != len(envelopes) or signed.envelopes_digest != _digest(envelopes):
        raise Refusal(
            RefusalCode.SIGNATURE_INVALID,
            field="envelopes_digest",
            found=f"{len(envelopes)} envelopes with digest {_digest(envelopes)}",
            allowed=f"{signed.envelopes} envelopes with digest {signed.envelopes_digest}",
        )


def _key(agreement: LineAgreement, party: str) -> bytes:
    key = agreement.public_key(party)
    if key is None:
        raise Refusal(RefusalCode.PARTY_UNKNOWN, field="from_party", found=party, allowed=", ".join(agreement.parties))
    return key
