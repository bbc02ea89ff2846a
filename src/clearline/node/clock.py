"""The system's clock: the only place of the product that reads the time of day (R14)."""

from __future__ import annotations

import time
from typing import final

__all__ = ["SystemClock"]

_NS_PER_MS = 1_000_000


@final
class SystemClock:
    """UTC as the machine believes it to be."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""
        return time.time_ns() // _NS_PER_MS
