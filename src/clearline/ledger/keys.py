"""Keys: who signed, and how strictly a signature is read.

Rules
 * A signature is Ed25519 (RFC 8032, pure, no context) by the `cryptography` package; nothing is our own arithmetic
   except the check of a public key before it is pinned.
 * Verification is the equation without cofactor: `R` equals `S·B - k·A` byte for byte, with `S` below the group order.
   So one key and one message cannot get a second valid signature out of the first.
 * A public key is refused unless it is the one canonical encoding of a point on the curve that is not of small order:
   under a key of small order, signatures can be made that fit almost any message.
 * A key id is the name of the algorithm, a colon, and half of the SHA-256 of the key. It selects a pinned key and
   proves nothing. Another algorithm (ML-DSA) gets another name in front of the colon; its keys and signatures then
   have that algorithm's lengths, and no old key id changes.

Source: docs/spec/envelope.md; RFC 8032 §5.1; design.md §5.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, Protocol, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from clearline.model.refusal import Refusal, RefusalCode

__all__ = [
    "KEY_ID_PREFIX",
    "PUBLIC_KEY_BYTES",
    "SEED_BYTES",
    "SIGNATURE_BYTES",
    "Ed25519Signer",
    "Ed25519Verifier",
    "Signer",
    "Verifier",
    "check_public_key",
    "key_id",
]

KEY_ID_PREFIX: Final = "ed25519:"
PUBLIC_KEY_BYTES: Final = 32
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_KEYS_CACHED_MAX: Final = 2_048
"""Loaded keys kept: more than all members of all lines a node may have (64 lines of 16 parties)."""

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_1: Final = pow(2, (_P - 1) // 4, _P)


class Signer(Protocol):
    """A private key that can sign, wherever it is kept."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that verify what this signs."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data`."""


class Verifier(Protocol):
    """Checks signatures. A port, so that a simulation may count or replace it."""

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        """Return whether `signature` is `public_key`'s over `data`. Never raises for hostile input."""


@lru_cache(maxsize=_KEYS_CACHED_MAX)
def key_id(public_key: bytes) -> str:
    """Return the id of an Ed25519 key: `ed25519:` and the first 32 hexadecimal digits of its SHA-256."""
    return KEY_ID_PREFIX + hashlib.sha256(public_key).hexdigest()[:32]


def check_public_key(public_key: bytes) -> None:
    """Refuse a key that must not be pinned.

    Raises:
        Refusal: OUT_OF_RANGE for a wrong length, a non-canonical encoding, no point of the curve, or a small order.
    """
    why = _fault(public_key)
    if why is not None:
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field="public_key",
            found=f"{public_key.hex()} ({why})",
            allowed="the canonical encoding of an Ed25519 point that is not of small order",
        )


@final
class Ed25519Signer:
    """A private key in memory. Randomness comes from outside: the node draws the seed."""

    __slots__ = ("_key", "_public_key")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public_key = key.public_key().public_bytes_raw()

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Signer:
        """Return the signer of a 32-byte seed (RFC 8032 calls it the private key).

        Raises:
            Refusal: OUT_OF_RANGE for another length.
        """
        if len(seed) != SEED_BYTES:
            raise Refusal(RefusalCode.OUT_OF_RANGE, field="seed", found=f"{len(seed)} bytes", allowed="32 bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> Ed25519Signer:
        """Read an unencrypted PKCS #8 key, as `openssl genpkey -algorithm ed25519` writes it.

        Raises:
            Refusal: MALFORMED for anything else; the key itself is never repeated in it.
        """
        refusal = Refusal(
            RefusalCode.MALFORMED,
            field="key",
            found="something else",
            allowed="an unencrypted Ed25519 key in PEM (PKCS #8)",
        )
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError):
            raise refusal from None
        if not isinstance(key, Ed25519PrivateKey):
            raise refusal
        return cls(key)

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS #8 PEM. The caller guards it."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that verify what this signs."""
        return self._public_key

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of signature over `data`."""
        return self._key.sign(data)

    def __repr__(self) -> str:
        return f"Ed25519Signer({key_id(self._public_key)})"


@final
class Ed25519Verifier:
    """Verifies with OpenSSL, behind the check of the key. Loaded keys are kept, within a limit."""

    __slots__ = ()

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        """Return whether `signature` is `public_key`'s over `data`; False for a key that must not be pinned."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        key = _loaded(public_key)
        if key is None:
            return False
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@lru_cache(maxsize=_KEYS_CACHED_MAX)
def _loaded(public_key: bytes) -> Ed25519PublicKey | None:
    if _fault(public_key) is not None:
        return None
    return Ed25519PublicKey.from_public_bytes(public_key)


def _fault(public_key: bytes) -> str | None:
    """Say why a key must not be used, or None. Arithmetic on public values only, so its timing tells nothing."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        return f"{len(public_key)} bytes"
    number = int.from_bytes(public_key, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return "not the canonical encoding"  # RFC 8032 §5.1.3 step 1
    x = _x_of(y)
    if x is None:
        return "not on the curve"
    if x == 0 and sign:
        return "not the canonical encoding"  # RFC 8032 §5.1.3 step 4
    return "small order" if _times_eight_is_neutral(x, y) else None


def _x_of(y: int) -> int | None:
    """Solve -x² + y² = 1 + d·x²·y² for x (RFC 8032 §5.1.3 steps 2 and 3); the sign is of no matter here."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P != 0:
        x = x * _SQRT_MINUS_1 % _P
    return x if (x * x - square) % _P == 0 else None


def _times_eight_is_neutral(x: int, y: int) -> bool:
    for _ in range(3):
        # Doubling in affine coordinates; the curve's law is complete, so no denominator is ever 0.
        product = _D * x * x * y * y % _P
        x, y = (
            2 * x * y * pow(1 + product, -1, _P) % _P,
            (y * y + x * x) * pow(1 - product, -1, _P) % _P,
        )
    return (x, y) == (0, 1)
