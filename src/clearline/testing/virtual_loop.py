"""An event loop whose time is virtual: it jumps to the next thing to do, and nothing ever waits.

Rules
 * The same coroutines with the same seed run in the same order, on any machine.
 * A loop with nothing left to do, while something is still awaited, is a deadlock and raises.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, final

__all__ = ["Deadlock", "VirtualLoop", "run_virtual"]

T = TypeVar("T")


class Deadlock(RuntimeError):
    """Every task waits, and no time is set at which one would go on."""


class _JumpingSelector(selectors.SelectSelector):
    """Hands the time it was asked to wait to the clock, instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("every task waits for another")
        if timeout > 0:
            self.now_s += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return super().get_map()


@final
class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop without real files, sockets or time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds since the loop began."""
        return self._jumping.now_s


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
