"""The sky: shapes on the earth, bands of altitude, windows of time, and who meets whom under a rule set.

Rules
 * Nothing here does I/O, reads a clock or draws randomness. The one exception is the cache of compiled kernels
   (`compiler.py`), which changes how soon an answer comes and never the answer.
 * Importing this package is light: numpy, numba and pyproj are loaded by the first call that needs them.

Threads: everything may be called from any thread. Any number of threads may ask one `Sky` at once; one that changes it
waits for them and has it for itself. The kernels release the interpreter lock, so threads run side by side.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from clearline.sky.finding import Finding, Meeting
from clearline.sky.rules import RULE_SETS, load_rules, rules_from_bytes

if TYPE_CHECKING:
    from clearline.sky.altitude import AltitudeBounds
    from clearline.sky.columns import Columns
    from clearline.sky.compiler import room_hash
    from clearline.sky.frames import columns_from_geodataframe
    from clearline.sky.index import Sky
    from clearline.sky.meeting import describe
    from clearline.sky.prepared import Prepared, prepare
    from clearline.sky.result import FindingTable
    from clearline.sky.trajectory import prepare_trajectory
    from clearline.sky.warm import warm_up
    from clearline.sky.zones import ZoneFinding, Zones

__all__ = [
    "RULE_SETS",
    "AltitudeBounds",
    "Columns",
    "Finding",
    "FindingTable",
    "Meeting",
    "Prepared",
    "Sky",
    "ZoneFinding",
    "Zones",
    "columns_from_geodataframe",
    "describe",
    "load_rules",
    "prepare",
    "prepare_trajectory",
    "room_hash",
    "rules_from_bytes",
    "warm_up",
]

_LATE = {
    "AltitudeBounds": "clearline.sky.altitude",
    "ZoneFinding": "clearline.sky.zones",
    "Zones": "clearline.sky.zones",
    "prepare_trajectory": "clearline.sky.trajectory",
    "Columns": "clearline.sky.columns",
    "FindingTable": "clearline.sky.result",
    "Prepared": "clearline.sky.prepared",
    "Sky": "clearline.sky.index",
    "columns_from_geodataframe": "clearline.sky.frames",
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
    if name == "warm_up":
        # Whoever asks for it waits knowingly: nobody needs to be told why.
        import_module("clearline.sky.compiler").expect_compiling()
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value
