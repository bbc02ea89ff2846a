"""Keys: RFC 8032 vectors, and everything that a lax reader of Ed25519 would let through."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clearline.ledger.keys import (
    Ed25519Signer,
    Ed25519Verifier,
    Signer,
    Verifier,
    check_public_key,
    key_id,
)
from clearline.model.refusal import Refusal, RefusalCode
from tools.verify_alone import EIGHTH, SMALL_ORDER_Y

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 §7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


def encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


SMALL_ORDER = [encoded(y, sign) for y in sorted(SMALL_ORDER_Y) for sign in (0, 1)]
NOT_CANONICAL = [encoded(y, sign) for y in range(P, 2**255) for sign in (0, 1)]


@pytest.mark.parametrize("secret, public, message, signature", RFC_8032)
def test_signs_and_verifies_as_the_rfc(secret: str, public: str, message: str, signature: str) -> None:
    signer: Signer = Ed25519Signer.from_seed(bytes.fromhex(secret))
    verifier: Verifier = Ed25519Verifier()
    assert signer.public_key.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    assert verifier.verify(signer.public_key, bytes.fromhex(signature), bytes.fromhex(message))
    check_public_key(signer.public_key)


@pytest.mark.parametrize("public_key", SMALL_ORDER + NOT_CANONICAL)
def test_a_key_that_fits_any_message_is_refused(public_key: bytes) -> None:
    """With A of small order and R = S·B, the equation holds for one message in eight at least."""
    with pytest.raises(Refusal) as refused:
        check_public_key(public_key)
    assert refused.value.code is RefusalCode.OUT_OF_RANGE
    assert "not on the curve" not in refused.value.found
    forged = encoded(1) + bytes(32)
    verifier = Ed25519Verifier()
    assert not any(verifier.verify(public_key, forged, bytes([n])) for n in range(64))


def test_openssl_alone_would_take_such_a_forgery() -> None:
    """Why the check exists: under the neutral key, R = neutral and S = 0 sign everything."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    Ed25519PublicKey.from_public_bytes(encoded(1)).verify(encoded(1) + bytes(32), b"anything")
    assert not Ed25519Verifier().verify(encoded(1), encoded(1) + bytes(32), b"anything")


def test_the_table_of_the_stand_alone_verifier_is_the_whole_torsion() -> None:
    """y of order 8 doubles to y = 0, order 4; that to y = -1, order 2; and that to the neutral point."""
    d = -121665 * pow(121666, -1, P) % P
    for y in (EIGHTH, P - EIGHTH):
        x_squared = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
        doubled_y = (y * y + x_squared) * pow(1 - d * x_squared * y * y, -1, P) % P
        assert doubled_y == 0
        assert pow(x_squared, (P - 1) // 2, P) == 1  # x exists: it is a point of the curve
    assert {0, 1, P - 1, EIGHTH, P - EIGHTH} == SMALL_ORDER_Y


@pytest.mark.parametrize("y", [2, 7, 8])
def test_no_point_of_the_curve_is_refused(y: int) -> None:
    with pytest.raises(Refusal) as refused:
        check_public_key(encoded(y))
    assert "not on the curve" in refused.value.found
    assert not Ed25519Verifier().verify(encoded(y), bytes(64), b"")


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(Refusal):
        check_public_key(bytes(length))
    assert not Ed25519Verifier().verify(bytes(length), bytes(64), b"")
    with pytest.raises(Refusal) as refused:
        Ed25519Signer.from_seed(bytes(length))
    assert refused.value.code is RefusalCode.OUT_OF_RANGE


def test_the_other_spelling_of_s_is_refused() -> None:
    """S + L satisfies the equation as well; taking it would give everybody a second signature (RFC 8032 §5.1.7)."""
    signer = Ed25519Signer.from_seed(bytes(32))
    signature = signer.sign(b"said")
    s = int.from_bytes(signature[32:], "little")
    other = signature[:32] + (s + ORDER).to_bytes(32, "little")
    assert Ed25519Verifier().verify(signer.public_key, signature, b"said")
    assert not Ed25519Verifier().verify(signer.public_key, other, b"said")


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_has_64_bytes(length: int) -> None:
    signer = Ed25519Signer.from_seed(bytes(32))
    assert not Ed25519Verifier().verify(signer.public_key, (signer.sign(b"") * 2)[:length], b"")


def test_a_key_id_is_the_algorithm_and_half_a_hash() -> None:
    public_key = Ed25519Signer.from_seed(bytes(32)).public_key
    assert key_id(public_key) == "ed25519:" + hashlib.sha256(public_key).hexdigest()[:32]


def test_pem_goes_round_and_the_key_is_never_shown() -> None:
    signer = Ed25519Signer.from_seed(bytes(range(32)))
    again = Ed25519Signer.from_pem(signer.to_pem())
    assert again.public_key == signer.public_key
    assert repr(signer) == f"Ed25519Signer({key_id(signer.public_key)})"


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_another_pem_is_refused(pem: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        Ed25519Signer.from_pem(pem)
    assert refused.value.code is RefusalCode.MALFORMED


def test_an_encrypted_pem_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    with pytest.raises(Refusal):
        Ed25519Signer.from_pem(pem)
