"""Envelopes: one text, one signature, and nothing that anybody else can change."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.ledger.envelope import (
    BUNDLE_PAYLOAD_TYPE,
    MESSAGE_PAYLOAD_TYPE,
    REQUEST_PAYLOAD_TYPE,
    Envelope,
    EnvelopeSignature,
    decode_envelope,
    encode_envelope,
    message_digest,
    pae,
    seal,
    verify_envelope,
)
from clearline.ledger.keys import Ed25519Signer, Ed25519Verifier, key_id
from clearline.model import limits
from clearline.model.refusal import InternalError, Refusal, RefusalCode

SIGNER = Ed25519Signer.from_seed(b"a party's seed, nobody's in fact")
OTHER = Ed25519Signer.from_seed(bytes(32))
VERIFIER = Ed25519Verifier()
PAYLOAD = b'{"said":"here"}'
TEXT = encode_envelope(seal(PAYLOAD, SIGNER))
SIG = base64.b64encode(seal(PAYLOAD, SIGNER).signatures[0].signature).decode()


def variant(**changes: object) -> bytes:
    """The good envelope as JSON with other members."""
    whole = json.loads(TEXT)
    whole.update(changes)
    return json.dumps(whole, separators=(",", ":")).encode()


def signature(**changes: object) -> list[dict[str, object]]:
    return [{**json.loads(TEXT)["signatures"][0], **changes}]


def code_of(source: bytes) -> RefusalCode:
    with pytest.raises(Refusal) as refused:
        decode_envelope(source)
    return refused.value.code


def test_pae_is_that_of_the_dsse_specification() -> None:
    """The example of protocol.md, DSSE v1.0.2."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.binary(max_size=300), st.sampled_from([MESSAGE_PAYLOAD_TYPE, REQUEST_PAYLOAD_TYPE, BUNDLE_PAYLOAD_TYPE]))
def test_what_is_written_is_read_and_verified(payload: bytes, payload_type: str) -> None:
    envelope = seal(payload, SIGNER, payload_type)
    text = encode_envelope(envelope)
    assert decode_envelope(text) == envelope
    assert json.loads(text)["payload"] == base64.b64encode(payload).decode()
    verify_envelope(envelope, SIGNER.public_key, VERIFIER, payload_type=payload_type)


def test_every_flipped_bit_is_refused_or_unverified() -> None:
    """No byte of the text is free: not the white space, not the key id, not the padding of the base64."""
    for place in range(len(TEXT)):
        for bit in range(8):
            changed = bytearray(TEXT)
            changed[place] ^= 1 << bit
            with pytest.raises(Refusal):
                verify_envelope(decode_envelope(bytes(changed)), SIGNER.public_key, VERIFIER)


def test_every_truncation_is_refused() -> None:
    for length in range(len(TEXT)):
        with pytest.raises(Refusal):
            decode_envelope(TEXT[:length])


@pytest.mark.parametrize(
    "source, code",
    [
        (b" " + TEXT, RefusalCode.MALFORMED),
        (TEXT + b"\n", RefusalCode.MALFORMED),
        (TEXT.replace(b'":"', b'": "', 1), RefusalCode.MALFORMED),
        (TEXT.replace(b"/vnd", b"\\/vnd"), RefusalCode.MALFORMED),
        (TEXT.replace(b"payloadType", b"payload\\u0054ype"), RefusalCode.MALFORMED),
        (b"\xef\xbb\xbf" + TEXT, RefusalCode.MALFORMED),
        (TEXT.decode().encode("utf-16"), RefusalCode.MALFORMED),
        (json.dumps(dict(reversed(json.loads(TEXT).items())), separators=(",", ":")).encode(), RefusalCode.MALFORMED),
        (TEXT[:-1] + b',"payload":"AAAA"}', RefusalCode.DUPLICATE_FIELD),
        (TEXT[:-1] + b',"more":1}', RefusalCode.UNKNOWN_FIELD),
        (variant(signatures=signature(alg="none")), RefusalCode.UNKNOWN_FIELD),
        (variant(signatures=[]), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature() * 2), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(keyid="")), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(keyid="ed25519:" + "A" * 32)), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(keyid="mldsa65:" + "a" * 32)), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(keyid=key_id(SIGNER.public_key) + "\n")), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(sig="")), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(sig=SIG[:-4])), RefusalCode.OUT_OF_RANGE),
        (variant(signatures=signature(sig=SIG.rstrip("="))), RefusalCode.MALFORMED),
        (variant(payload="eyJzYWlkIjoiaGVyZSJ9\n"), RefusalCode.MALFORMED),
        (variant(payload="eyJzYWlkIjoi_GVyZSJ9"), RefusalCode.MALFORMED),
        (variant(payload="YQ"), RefusalCode.MALFORMED),
        (variant(payload="YR=="), RefusalCode.MALFORMED),
        (variant(payload="YQ==YQ=="), RefusalCode.MALFORMED),
        (variant(payload="Zażółć"), RefusalCode.MALFORMED),
        (variant(payload=None), RefusalCode.MALFORMED),
        (variant(payloadType=""), RefusalCode.OUT_OF_RANGE),
        (variant(payloadType="a" * 128), RefusalCode.OUT_OF_RANGE),
        (variant(payloadType='a"b'), RefusalCode.OUT_OF_RANGE),
        (variant(payloadType="Application/json"), RefusalCode.OUT_OF_RANGE),
        (b"", RefusalCode.MALFORMED),
        (b"null", RefusalCode.MALFORMED),
        (b"[" * 5_000, RefusalCode.OVER_LIMIT),
        (b'{"payload":' * 5_000, RefusalCode.OVER_LIMIT),
        (b'{"payloadType":"a","payload":"\xff","signatures":[]}', RefusalCode.MALFORMED),
    ],
)
def test_another_text_is_refused(source: bytes, code: RefusalCode) -> None:
    assert code_of(source) is code


def test_the_bits_that_base64_ignores_are_not_ignored() -> None:
    """The last character of 64 bytes in base64 has four idle bits: sixteen texts of one signature, one lawful."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = TEXT.index(b'=="}]}') - 1
    lawful = [c for c in alphabet if _decodes(TEXT[:place] + bytes([c]) + TEXT[place + 1 :])]
    assert len(lawful) == 4  # four values of the two bits that count, each with idle bits 0


def _decodes(source: bytes) -> bool:
    try:
        decode_envelope(source)
    except Refusal:
        return False
    return True


def test_sizes_are_checked_on_both_sides() -> None:
    overhead = len(encode_envelope(seal(b"", SIGNER)))
    largest = seal(bytes((limits.ENVELOPE_BYTES_MAX - overhead) // 4 * 3), SIGNER)
    assert decode_envelope(encode_envelope(largest)) == largest
    over = seal(largest.payload + b"\0", SIGNER)
    assert encode_envelope(seal(bytes(limits.PAYLOAD_BYTES_MAX), SIGNER, "a" * 127))
    with pytest.raises(Refusal) as refused:
        encode_envelope(over)
    assert refused.value.code is RefusalCode.OVER_LIMIT
    assert code_of(b"[" * (limits.ENVELOPE_BYTES_MAX + 1)) is RefusalCode.OVER_LIMIT


def test_nobody_else_can_put_his_name_on_it() -> None:
    """The key id is not signed, so it must fit the key that verifies."""
    envelope = seal(PAYLOAD, SIGNER)
    renamed = Envelope(
        envelope.payload_type,
        envelope.payload,
        (EnvelopeSignature(key_id(OTHER.public_key), envelope.signatures[0].signature),),
    )
    for candidate, key, code in (
        (renamed, SIGNER.public_key, RefusalCode.KEY_UNKNOWN),
        (renamed, OTHER.public_key, RefusalCode.SIGNATURE_INVALID),
        (envelope, OTHER.public_key, RefusalCode.KEY_UNKNOWN),
    ):
        with pytest.raises(Refusal) as refused:
            verify_envelope(candidate, key, VERIFIER)
        assert refused.value.code is code


def test_a_signature_under_one_type_is_worthless_under_another() -> None:
    request = seal(PAYLOAD, SIGNER, REQUEST_PAYLOAD_TYPE)
    with pytest.raises(Refusal) as refused:
        verify_envelope(request, SIGNER.public_key, VERIFIER)
    assert (refused.value.code, refused.value.field) == (RefusalCode.OUT_OF_RANGE, "payloadType")
    relabelled = msgspec.structs.replace(request, payload_type=MESSAGE_PAYLOAD_TYPE)
    with pytest.raises(Refusal) as refused:
        verify_envelope(relabelled, SIGNER.public_key, VERIFIER)
    assert refused.value.code is RefusalCode.SIGNATURE_INVALID


def test_a_moved_border_between_type_and_payload_changes_what_is_signed() -> None:
    assert pae("ab", b"c") != pae("a", b"bc")
    assert pae("a", b" 1 b") != pae("a 4  1 b"[:1], b"b")


def test_the_digest_leaves_the_signature_out() -> None:
    """Two keys, one text: one digest. A chain's place is taken by what is said."""
    assert message_digest(seal(PAYLOAD, SIGNER)) == message_digest(seal(PAYLOAD, OTHER))
    assert message_digest(seal(PAYLOAD, SIGNER)) != message_digest(seal(PAYLOAD, SIGNER, REQUEST_PAYLOAD_TYPE))


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope("UPPER", b"", seal(b"", SIGNER).signatures),
        Envelope(MESSAGE_PAYLOAD_TYPE, b"", ()),
        Envelope(MESSAGE_PAYLOAD_TYPE, b"", (EnvelopeSignature("me", bytes(64)),)),
        Envelope(MESSAGE_PAYLOAD_TYPE, b"", (EnvelopeSignature(key_id(bytes(32)), bytes(63)),)),
    ],
)
def test_an_envelope_that_nobody_could_read_is_never_written(envelope: Envelope) -> None:
    with pytest.raises(InternalError):
        encode_envelope(envelope)


def test_an_envelope_without_signature_is_not_verified() -> None:
    with pytest.raises(Refusal) as refused:
        verify_envelope(Envelope(MESSAGE_PAYLOAD_TYPE, b"", ()), SIGNER.public_key, VERIFIER)
    assert refused.value.code is RefusalCode.MALFORMED
