"""The rooms keep their arrows, and the pure ones stay pure (docs/design.md "Rooms and arrows", style.md rule 1).

Rules
 * A room imports only the rooms that `ROOMS_SEEN` names, wherever in the file the import stands.
 * A pure room does no I/O, reads no clock, draws no randomness: `IMPURE` says what that means in Python.
 * A room depends only on the packages that `PACKAGES` names.
 * The clock is read in one place of the product.
 * Whatever is excepted stands in a table with its reason; a row that is not needed any more fails.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "clearline"

ROOMS_SEEN: dict[str, set[str]] = {
    "model": set(),
    "sky": {"model"},
    "ledger": {"model"},
    "line": {"model", "sky", "ledger"},
    # docs/design.md would allow the store all to its left; it must not know what an entry means.
    "store": {"model"},
    # Formats make volumes and decide no conflict.
    "formats": {"model"},
    "node": {"model", "sky", "ledger", "line", "store", "formats"},
    "doors": {"model", "sky", "ledger", "line", "store", "formats", "node"},
    "testing": {"model", "sky", "ledger", "line", "store", "formats", "node"},
}
"""Which rooms each may import, itself apart. Nothing imports `testing`; `testing` does not import doors."""

DATA_FOLDERS = {"samples"}
"""Folders of the package that hold data and no code."""

PURE = ("model", "sky", "ledger", "line")

IMPURE_MODULES: dict[str, str] = {
    "asyncio": "waiting is the shell's",
    "concurrent": "threads are the shell's",
    "fcntl": "I/O",
    "glob": "I/O",
    "http": "I/O",
    "importlib.resources": "reads files of the package",
    "io": "I/O",
    "logging": "I/O: the node logs what the core returns",
    "multiprocessing": "processes are the shell's",
    "os": "the machine",
    "pathlib": "I/O",
    "random": "randomness",
    "secrets": "randomness",
    "select": "I/O",
    "shutil": "I/O",
    "signal": "the machine",
    "socket": "I/O",
    "sqlite3": "I/O",
    "ssl": "I/O",
    "structlog": "I/O: the node logs what the core returns",
    "subprocess": "the machine",
    "tempfile": "I/O",
    "threading": "threads are the shell's",
    "time": "the clock",
    "urllib": "I/O",
    "uuid": "makes ids from clock and randomness",
    "zoneinfo": "reads files, and there is no zone but UTC (R14)",
}
IMPURE_CALLS: dict[str, str] = {
    "open": "I/O",
    "print": "I/O",
    "input": "I/O",
    "breakpoint": "I/O",
    "__import__": "hides an import",
    "import_module": "hides an import",
    "now": "the clock",
    "today": "the clock",
    "utcnow": "the clock",
    "generate": "randomness: keys are made in the node",
    "default_rng": "randomness",
    "urandom": "randomness",
}
"""Names that a pure room must not call, plain or as a method."""
IMPURE_PARTS: dict[str, str] = {"random": "numpy.random", "stdin": "I/O", "stdout": "I/O", "stderr": "I/O"}
"""Attributes that a pure room must not reach for."""

ALLOWED_IMPURE: dict[tuple[str, str], str] = {
    ("sky/__init__.py", "import_module"): "own modules, late: a user of the types does not wait for numba",
    ("sky/compiler.py", "os"): "the cache of compiled kernels changes how soon an answer comes, never the answer",
    ("sky/compiler.py", "pathlib"): "same",
    ("sky/guard.py", "threading"): "a lock keeps the arrays whole while several threads ask; it starts no thread",
    ("sky/geoid.py", "importlib.resources"): "the geoid's table shipped as data; its hash is in the source",
    ("sky/rules.py", "importlib.resources"): "the rule sets shipped as data; the bytes are part of the release",
}
"""(file, what) -> why this file of a pure room may. Only shipped data and compiled kernels can stand here."""

PACKAGES: dict[str, set[str]] = {
    "model": {"msgspec"},
    "sky": {"geopandas", "llvmlite", "msgspec", "numba", "numpy", "pandas", "pyproj", "shapely"},
    "ledger": {"cryptography", "msgspec"},
    "line": {"msgspec"},
    "store": {"msgspec", "numpy"},
    "formats": {"msgspec", "numpy", "pyproj"},
    "node": {"cryptography", "httpx2", "msgspec", "prometheus_client", "structlog"},
    "doors": {
        "click",
        "httpx2",
        "litestar",
        "msgspec",
        "numpy",  # the report of `check` places a hundred thousand corners on its map
        "prometheus_client",
        "rich",
        "structlog",
        "uvicorn",
    },
    "testing": {"apsw", "cryptography", "hypothesis", "msgspec", "numpy", "pytest", "structlog"},
}
"""Third-party packages by room: few in the core, so that a rival can audit it (design.md, goal 2)."""

CLOCK_CALLS = {"time.time", "time.time_ns", "datetime.now", "datetime.datetime.now", "datetime.today", "date.today"}
CLOCK_READERS: dict[str, str] = {
    "node/clock.py": "the clock port: everything else is given an instant",
}
"""Files of the product that may read the time of day. Measuring a duration (monotonic, perf_counter) is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file: `path` below the package, with slashes."""

    path: str
    tree: ast.Module

    @property
    def room(self) -> str:
        first, _, rest = self.path.partition("/")
        return first if rest else ""


def module(path: str, source: str) -> Module:
    return Module(path=path, tree=ast.parse(source, filename=path))


def modules() -> list[Module]:
    files = sorted(SOURCE.rglob("*.py"))
    return [module(file.relative_to(SOURCE).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def imports(one: Module) -> Iterator[tuple[str, int]]:
    """Yield every imported module with its line, relative ones made absolute, function-level ones included."""
    package = ["clearline", *one.path.split("/")[:-1]]
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{origin}.{alias.name}", node.lineno


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def wrong_arrows(one: Module) -> list[str]:
    slips = []
    for name, line in imports(one):
        parts = name.split(".")
        if parts[0] != "clearline" or not one.room:
            continue
        room = parts[1] if len(parts) > 1 else ""
        known = room in ROOMS_SEEN
        if known and room != one.room and room not in ROOMS_SEEN[one.room]:
            slips.append(f"{one.path}:{line}: {one.room} must not import {name}")
    return slips


def impurities(one: Module) -> list[tuple[str, str]]:
    """Return (what, message) for everything in a module of a pure room that touches the world."""
    found: list[tuple[str, str]] = []
    for name, line in imports(one):
        for banned, why in IMPURE_MODULES.items():
            if name == banned or name.startswith(f"{banned}."):
                found.append((banned, f"{one.path}:{line}: imports {name}: {why}"))
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Call):
            called = dotted(node.func).rsplit(".", maxsplit=1)[-1]
            if called in IMPURE_CALLS:
                found.append((called, f"{one.path}:{node.lineno}: calls {called}: {IMPURE_CALLS[called]}"))
        elif isinstance(node, ast.Attribute) and node.attr in IMPURE_PARTS:
            found.append((node.attr, f"{one.path}:{node.lineno}: uses {node.attr}: {IMPURE_PARTS[node.attr]}"))
    return found


def foreign_packages(one: Module) -> list[str]:
    slips = []
    for name, line in imports(one):
        package = name.split(".")[0]
        if package == "clearline" or package in sys.stdlib_module_names:
            continue
        if package not in PACKAGES.get(one.room, set()):
            slips.append(f"{one.path}:{line}: {one.room or 'the package root'} must not depend on {package}")
    return slips


def clock_readings(one: Module) -> list[str]:
    if one.path in CLOCK_READERS:
        return []
    imported_time = {name for name, _ in imports(one)} & {"time.time", "time.time_ns"}
    slips = [f"{one.path}: imports {name}" for name in sorted(imported_time)]
    calls = [node for node in ast.walk(one.tree) if isinstance(node, ast.Call) and dotted(node.func) in CLOCK_CALLS]
    return slips + [f"{one.path}:{call.lineno}: reads the clock with {dotted(call.func)}" for call in calls]


# --- the tree ----------------------------------------------------------------------------------------------------


def test_every_folder_is_a_room_with_arrows() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - DATA_FOLDERS <= set(ROOMS_SEEN), "a new room needs its arrows here and in docs/design.md"
    assert not [one.path for one in modules() if one.room in DATA_FOLDERS and not one.path.endswith("__init__.py")]


def test_arrows_have_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(ROOMS_SEEN):
        ready = {room for room, seen in ROOMS_SEEN.items() if seen <= done} - done
        assert ready, f"a circle among {sorted(set(ROOMS_SEEN) - done)}"
        done |= ready


def test_rooms_keep_their_arrows() -> None:
    slips = [slip for one in modules() for slip in wrong_arrows(one)]
    assert not slips, "\n" + "\n".join(slips)


def test_pure_rooms_stay_pure() -> None:
    """What a rule decides depends on the log alone, so that every replay decides alike (R14)."""
    slips = [
        message
        for one in modules()
        if one.room in PURE
        for what, message in impurities(one)
        if (one.path, what) not in ALLOWED_IMPURE
    ]
    assert not slips, "\n" + "\n".join(slips)


def test_exceptions_are_needed() -> None:
    used = {(one.path, what) for one in modules() if one.room in PURE for what, _ in impurities(one)}
    assert set(ALLOWED_IMPURE) <= used


def test_rooms_depend_on_few_packages() -> None:
    slips = [slip for one in modules() for slip in foreign_packages(one)]
    assert not slips, "\n" + "\n".join(slips)


def test_one_place_reads_the_clock() -> None:
    slips = [slip for one in modules() for slip in clock_readings(one)]
    assert not slips, "\n" + "\n".join(slips)


# --- each check can fail -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/notice.py", "from clearline.sky import kernel"),
        ("model/notice.py", "import clearline.line.state"),
        ("sky/index.py", "from clearline.ledger.merkle import root_of"),
        ("sky/index.py", "def f():\n    from clearline.line import state"),
        ("ledger/entry.py", "from clearline import sky"),
        ("line/state.py", "from ..store import port"),
        ("line/state.py", "from .. import node"),
        ("store/sqlite.py", "from clearline.line.state import State"),
        ("store/sqlite.py", "if TYPE_CHECKING:\n    from clearline.node import Node"),
        ("formats/geojson.py", "from clearline.sky import prepare"),
        ("node/loop.py", "from clearline.doors.http import app"),
        ("node/loop.py", "from clearline.testing import Simulator"),
        ("doors/cli/main.py", "from clearline.testing import Simulator"),
        ("testing/simulator.py", "from clearline.doors.cli.main import main"),
    ],
)
def test_a_wrong_arrow_is_found(path: str, source: str) -> None:
    assert len(wrong_arrows(module(path, source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("line/state.py", "from clearline.model import limits\nfrom clearline.sky import Sky"),
        ("line/state.py", "from . import duties\nfrom .duties import due"),
        ("doors/cli/main.py", "from clearline import __version__\nfrom clearline.node import Node"),
        ("testing/simulator.py", "from clearline.node import Node"),
        ("model/notice.py", "import msgspec, re"),
    ],
)
def test_a_right_arrow_passes(path: str, source: str) -> None:
    assert wrong_arrows(module(path, source)) == []


@pytest.mark.parametrize(
    ("what", "source"),
    [
        ("time", "import time"),
        ("time", "from time import monotonic"),
        ("os", "import os.path"),
        ("random", "def f():\n    import random"),
        ("secrets", "from secrets import token_bytes"),
        ("importlib.resources", "from importlib import resources"),
        ("importlib.resources", "import importlib.resources as data"),
        ("pathlib", "from pathlib import Path"),
        ("asyncio", "import asyncio"),
        ("sqlite3", "import sqlite3"),
        ("uuid", "from uuid import uuid4"),
        ("open", "with open('x') as file: pass"),
        ("print", "print('x')"),
        ("now", "from datetime import datetime, UTC\nx = datetime.now(UTC)"),
        ("today", "import datetime\nx = datetime.date.today()"),
        ("generate", "key = Ed25519PrivateKey.generate()"),
        ("random", "x = np.random.rand(3)"),
        ("default_rng", "x = default_rng(1)"),
        ("import_module", "import importlib\nx = importlib.import_module('ti' + 'me')"),
        ("__import__", "__import__('socket')"),
        ("stdout", "import sys\nsys.stdout.flush()"),
    ],
)
def test_an_impurity_is_found(what: str, source: str) -> None:
    assert what in {found for found, _ in impurities(module("line/state.py", source))}


def test_pure_code_passes() -> None:
    source = (
        "import hashlib, math, re\nfrom datetime import datetime, timedelta\nx = datetime(2026, 1, 1)\ny = reopen(x)"
    )
    assert impurities(module("line/state.py", source)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/notice.py", "import numpy"),
        ("line/state.py", "import httpx2"),
        ("store/sqlite.py", "import litestar"),
        ("__init__.py", "import msgspec"),
        ("sky/index.py", "from scipy.spatial import KDTree"),
    ],
)
def test_a_foreign_package_is_found(path: str, source: str) -> None:
    assert len(foreign_packages(module(path, source))) == 1


@pytest.mark.parametrize(
    "source",
    ["import time\nx = time.time()", "from time import time_ns", "x = datetime.now(UTC)", "x = time.time_ns()"],
)
def test_a_second_clock_is_found(source: str) -> None:
    assert len(clock_readings(module("node/peers.py", source))) == 1
    assert clock_readings(module("node/clock.py", source)) == []
    assert clock_readings(module("node/peers.py", "import time\nx = time.monotonic() - time.perf_counter()")) == []
