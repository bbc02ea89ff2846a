"""Envelopes: one signed payload in one exact sequence of bytes (DSSE, canonical form).

Rules
 * The signature is over PAE(payload type, payload): a payload signed as one type is worthless as another.
 * There is exactly one text for an envelope: what `decode_envelope` takes, `encode_envelope` returns byte for byte. So
   no white space, no other order or spelling of fields, no other base64 of the same bytes, no field twice.
 * Exactly one signature. Its key id is not signed, therefore it must be the id of the very key that verifies it.
 * Size is checked before anything is parsed.
 * The digest of a message is SHA-256 of its PAE: it names payload and type and leaves signature and encoding out.

Source: docs/spec/envelope.md; DSSE v1.0.2 (protocol and envelope); design.md §5.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NoReturn

import msgspec

from clearline.ledger.keys import KEY_ID_PREFIX, SIGNATURE_BYTES, Signer, Verifier, key_id
from clearline.model import limits
from clearline.model.decode import decode
from clearline.model.refusal import Refusal, RefusalCode, invariant

__all__ = [
    "BUNDLE_PAYLOAD_TYPE",
    "MESSAGE_PAYLOAD_TYPE",
    "REQUEST_PAYLOAD_TYPE",
    "Envelope",
    "EnvelopeSignature",
    "decode_envelope",
    "encode_envelope",
    "message_digest",
    "pae",
    "seal",
    "verify_envelope",
]

MESSAGE_PAYLOAD_TYPE: Final = "application/vnd.clearline.message+json"
"""A message of a chain (docs/spec/messages.md)."""
REQUEST_PAYLOAD_TYPE: Final = "application/vnd.clearline.request+json"
"""A peer's signed question, outside of any chain."""
BUNDLE_PAYLOAD_TYPE: Final = "application/vnd.clearline.bundle+json"
"""The closing statement of a bundle (docs/spec/bundle.md)."""

# Nothing in this alphabet needs escaping in JSON: that keeps the canonical text a plain concatenation.
_PAYLOAD_TYPE = re.compile(r"[a-z0-9][a-z0-9.+/-]{0,126}", re.ASCII)
_KEY_ID = re.compile(re.escape(KEY_ID_PREFIX) + r"[0-9a-f]{32}", re.ASCII)
_CANONICAL: Final = "the canonical form of docs/spec/envelope.md"


class EnvelopeSignature(msgspec.Struct, frozen=True):
    """One signature: `key_id` selects the pinned key, `signature` is 64 bytes of Ed25519."""

    key_id: str
    signature: bytes


class Envelope(msgspec.Struct, frozen=True):
    """A payload, what it is, and who signed it. Decoded is not verified: see `verify_envelope`."""

    payload_type: str
    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]


class _WireSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"payload_type": "payloadType"}):
    payload_type: str
    payload: bytes
    signatures: tuple[_WireSignature]


_READER = msgspec.json.Decoder(_Wire)
_WRITER = msgspec.json.Encoder()


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding of DSSE: the bytes that are signed and hashed."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def message_digest(envelope: Envelope) -> str:
    """Return SHA-256 of the PAE in lower-case hexadecimal: the name of a message in chains and receipts."""
    return hashlib.sha256(pae(envelope.payload_type, envelope.payload)).hexdigest()


def seal(payload: bytes, signer: Signer, payload_type: str = MESSAGE_PAYLOAD_TYPE) -> Envelope:
    """Sign `payload` as `payload_type`."""
    signature = EnvelopeSignature(key_id(signer.public_key), signer.sign(pae(payload_type, payload)))
    return Envelope(payload_type, payload, (signature,))


def verify_envelope(
    envelope: Envelope, public_key: bytes, verifier: Verifier, *, payload_type: str = MESSAGE_PAYLOAD_TYPE
) -> None:
    """Check that `public_key` signed this payload as `payload_type`.

    Raises:
        Refusal: OUT_OF_RANGE for another payload type, KEY_UNKNOWN for another key's id, SIGNATURE_INVALID.
    """
    if envelope.payload_type != payload_type:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="payloadType", found=envelope.payload_type, allowed=payload_type)
    if len(envelope.signatures) != 1:
        raise Refusal(
            RefusalCode.MALFORMED, field="signatures", found=f"{len(envelope.signatures)} signatures", allowed="one"
        )
    name, signature = envelope.signatures[0].key_id, envelope.signatures[0].signature
    expected = key_id(public_key)
    if name != expected:
        raise Refusal(RefusalCode.KEY_UNKNOWN, field="signatures[0].keyid", found=name, allowed=expected)
    if not verifier.verify(public_key, signature, pae(payload_type, envelope.payload)):
        raise Refusal(
            RefusalCode.SIGNATURE_INVALID,
            field="signatures[0].sig",
            found="a signature that does not fit",
            allowed=f"one by {expected} over exactly these bytes",
        )


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the one text of an envelope.

    Raises:
        Refusal: OVER_LIMIT where it is larger than any receiver takes.
    """
    invariant(_PAYLOAD_TYPE.fullmatch(envelope.payload_type) is not None, "payload type outside its alphabet")
    invariant(len(envelope.signatures) == 1, "an envelope has exactly one signature")
    name, signature = envelope.signatures[0].key_id, envelope.signatures[0].signature
    invariant(_KEY_ID.fullmatch(name) is not None, "key id outside its alphabet")
    invariant(len(signature) == SIGNATURE_BYTES, "an Ed25519 signature has 64 bytes")
    # Fields in the order of the type, no white space, padded base64: msgspec writes the canonical form as it is.
    text = _WRITER.encode(_Wire(envelope.payload_type, envelope.payload, (_WireSignature(name, signature),)))
    if len(text) > limits.ENVELOPE_BYTES_MAX:
        raise _too_large(len(text))
    return text


def decode_envelope(source: bytes) -> Envelope:
    """Read the canonical text of an envelope; nothing is verified yet.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FIELD, DUPLICATE_FIELD, OUT_OF_RANGE.
    """
    if len(source) > limits.ENVELOPE_BYTES_MAX:
        raise _too_large(len(source))
    try:
        wire = _READER.decode(source)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        _refuse(source)
    named = wire.signatures[0]
    if _PAYLOAD_TYPE.fullmatch(wire.payload_type) is None:
        raise _out_of_range("payloadType", wire.payload_type, "a media type of at most 127 of a-z 0-9 . + / -")
    if _KEY_ID.fullmatch(named.keyid) is None:
        raise _out_of_range("signatures[0].keyid", named.keyid, "ed25519: and 32 hexadecimal digits")
    if len(named.sig) != SIGNATURE_BYTES:
        raise _out_of_range("signatures[0].sig", f"{len(named.sig)} bytes", "64 bytes")
    # One comparison stands for every rule of the canonical form, those nobody thought of included.
    if _WRITER.encode(wire) != source:
        _refuse(source)
    return Envelope(wire.payload_type, wire.payload, (EnvelopeSignature(named.keyid, named.sig),))


def _refuse(source: bytes) -> NoReturn:
    """Name what is wrong with a text already known to be refused; slow, and off the path of good envelopes."""
    decode(_Wire, source, bytes_max=limits.ENVELOPE_BYTES_MAX)
    raise Refusal(RefusalCode.MALFORMED, found="an envelope in another spelling", allowed=_CANONICAL)


def _too_large(size: int) -> Refusal:
    """The payload needs no limit of its own: base64 makes four characters of three bytes (PAYLOAD_BYTES_MAX)."""
    return Refusal(RefusalCode.OVER_LIMIT, found=f"{size} bytes", allowed=f"at most {limits.ENVELOPE_BYTES_MAX} bytes")


def _out_of_range(field: str, found: str, allowed: str) -> Refusal:
    return Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=found, allowed=allowed)
