"""The sky: shapes on the earth, bands of altitude, windows of time, and who meets whom under a rule set.

Rules
 * Nothing here does I/O, reads a clock or draws randomness. The one exception is the cache of compiled kernels
   (`compiler.py`), which changes how soon an answer comes and never the answer.
 * Importing this package is light: numpy, numba and pyproj are loaded by the first call that needs them.

Threads: `prepare`, `describe` and `load_rules` may run in any thread. One `Sky` is used by one thread at a time;
different ones are independent. The kernels release the interpreter lock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from clearline.sky.finding import Finding, Meeting
from clearline.sky.rules import load_rules

if TYPE_CHECKING:
    from clearline.sky.compiler import room_hash
    from clearline.sky.index import Sky
    from clearline.sky.meeting import describe
    from clearline.sky.prepared import Prepared, prepare
    from clearline.sky.warm import warm_up

__all__ = ["Finding", "Meeting", "Prepared", "Sky", "describe", "load_rules", "prepare", "room_hash", "warm_up"]

_LATE = {
    "Prepared": "clearline.sky.prepared",
    "Sky": "clearline.sky.index",
    "describe": "clearline.sky.meeting",
    "prepare": "clearline.sky.prepared",
    "room_hash": "clearline.sky.compiler",
    "warm_up": "clearline.sky.warm",
}
"""Names whose modules load numpy and numba (0.4 s): fetched on first use, so that a user of the types does not pay."""


def __getattr__(name: str) -> object:
    module = _LATE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value
