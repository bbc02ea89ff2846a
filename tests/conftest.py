"""What every test shares: repeatable random input, and which tests may run beside each other.

Rules
 * Hypothesis draws the same examples in every run. `HYPOTHESIS_PROFILE=explore` draws new ones; a failure prints the
   line that repeats it.
 * The files are spread over the workers whole. All console tests run on one worker, and so do all that kill nodes:
   two browsers, or two machines' worth of nodes, on two cores would measure each other.
 * Tests that kill nodes come first, for they take long; console tests last, for Playwright keeps an event loop running
   in its thread until the browser is closed, and no other loop can run beside it.
 * A test's name is short and the same in every process: compressed or binary input in a table must not be part of it.
 * Simulations are spread test by test and run without coverage: tracing every line would cost half of their seeds.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", parent=settings.get_profile("repeatable"), derandomize=False, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_ONE_WORKER = ("console", "crash")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its group for `--dist loadgroup`."""
    for item in items:
        file = item.path.relative_to(item.config.rootpath).as_posix()
        if file.startswith("tests/simulation/") or item.get_closest_marker("simulation") is not None:
            item.add_marker(pytest.mark.no_cover)
            continue
        if item.get_closest_marker("xdist_group") is not None:
            continue
        special = [name for name in _ONE_WORKER if item.get_closest_marker(name) is not None]
        item.add_marker(pytest.mark.xdist_group(name=special[0] if special else file))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("crash") is not None:
        return 0
    return 2 if item.get_closest_marker("console") is not None else 1


_ID_CHARACTERS_MAX = 60


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a row by its column where its value is no short plain text; pytest numbers the rows that are named alike."""
    if isinstance(val, bytes):
        plain = len(val) <= _ID_CHARACTERS_MAX and val.isascii() and val.decode("ascii").isprintable()
        return None if plain else argname
    if isinstance(val, str):
        return None if len(val) <= _ID_CHARACTERS_MAX else argname
    if isinstance(val, int) and abs(val) > 1 << 64:
        return argname
    return None
