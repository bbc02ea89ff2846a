"""Randomness from the operating system: ids, the spread of retries, secrets."""

from __future__ import annotations

import secrets
import uuid
from typing import final

__all__ = ["SystemChance"]

_FRACTION_BITS = 53
_SECRET_BYTES = 32


@final
class SystemChance:
    """The operating system's source, which no seed repeats."""

    def new_id(self) -> str:
        """Return a fresh UUID in lower case."""
        return str(uuid.uuid4())

    def fraction(self) -> float:
        """Return a number from 0 up to 1."""
        return secrets.randbits(_FRACTION_BITS) / (1 << _FRACTION_BITS)

    def new_secret(self) -> str:
        """Return 256 bits as text that fits into a header or a cookie."""
        return secrets.token_urlsafe(_SECRET_BYTES)
