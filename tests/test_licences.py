"""No package that a user installs with Clearline has a licence that would bind the user's own work."""

from __future__ import annotations

import pytest

from tools import licences


def test_every_runtime_package_may_be_used() -> None:
    table = licences.licences()
    assert {"cryptography", "litestar", "numpy"} <= {one.package.lower() for one in table}
    assert not [f"{one.package}: {one.refused}" for one in table if one.refused]


def test_test_packages_are_not_looked_at() -> None:
    """What only tests use is not given to anybody."""
    assert not {"pytest", "hypothesis", "spherely"} & {one.package.lower() for one in licences.licences()}


@pytest.mark.parametrize(
    "text",
    [
        "GPL-3.0-only",
        "GNU General Public License v3 (GPLv3)",
        "AGPL-3.0-or-later",
        "GNU Affero General Public License v3",
        "GPL-2.0-or-later AND MIT",
        "MIT; GPL-3.0",
        "LGPL-3.0-only",  # weak, and read before it is taken
        "SSPL-1.0",
        "BUSL-1.1",
        "Proprietary",
        "Other/Proprietary License",
        "UNKNOWN",
        "",
        "  ",
    ],
)
def test_refused(text: str) -> None:
    assert licences.refused_parts(text)


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "MIT License",
        "BSD-3-Clause",
        "Apache-2.0 OR GPL-3.0-only",  # one may choose
        "(MIT OR Apache-2.0) AND BSD-3-Clause",
        "BSD-2-Clause AND Apache-2.0 WITH LLVM-exception",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "Apache Software License",
    ],
)
def test_allowed(text: str) -> None:
    assert licences.refused_parts(text) == ()
