"""Kernels are loaded before the first node starts, as `clearline serve` does it."""

from __future__ import annotations

import pytest

from clearline.sky import warm_up


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    warm_up()
