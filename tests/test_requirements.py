"""docs/requirements.md and the tests agree, and each way of disagreeing is found (style.md rule 7)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools import requirements
from tools.requirements import Row

ROOT = Path(__file__).resolve().parent.parent


def rows() -> list[Row]:
    return [Row(number=number, requirement="x", status="later", what="–", tests=()) for number in requirements.NUMBERS]


def test_document_and_tests_agree() -> None:
    text = requirements.DOCUMENT.read_text(encoding="utf-8")
    found = requirements.slips(requirements.rows_of(text), requirements.tests_by_number(ROOT / "tests"))
    assert not found, "\n" + "\n".join(found)


def test_nothing_wrong() -> None:
    good = [replace(rows()[0], status="built", tests=("a/test_x.py",)), *rows()[1:]]
    assert requirements.slips(good, {1: ("a/test_x.py",)}) == []


@pytest.mark.parametrize(
    ("change", "named", "slip"),
    [
        ({"status": "built"}, {}, "R1 is said to be built, and no test names it"),
        ({"status": "done"}, {}, "R1: status 'done'"),
        ({"tests": ("a.py",)}, {}, "R1: its tests have changed"),
        ({}, {1: ("a.py",)}, "R1: its tests have changed"),
        ({}, {41: ("a.py",)}, "R41 is no requirement; named in a.py"),
        ({}, {0: ("a.py",)}, "R0 is no requirement"),
        ({"number": 2}, {}, "rows must be R1 to R40"),
    ],
)
def test_each_disagreement_is_found(change: dict[str, object], named: dict[int, tuple[str, ...]], slip: str) -> None:
    spoiled = [replace(rows()[0], **change), *rows()[1:]]  # type: ignore[arg-type]
    assert [found for found in requirements.slips(spoiled, named) if found.startswith(slip)]


def test_numbers_are_read_from_docstrings_alone() -> None:
    """Names in code or comments do not count."""
    number = "R" + "7"
    source = (
        f'"""Module {number}."""\n# R8\nR9 = "R10"\n'
        'class TestX:\n    """R11, R12."""\n    async def test_y(self):\n        """See R13; not R/M or PR14."""\n'
    )
    assert requirements.numbers_named(source) == {7, 11, 12, 13}


def test_rewriting_touches_the_tests_only() -> None:
    text = "# Title\n\n| R1 | Said so | built | There | – |\n| other | row |\n"
    written = requirements.rewritten(text, {1: ("a/test_x.py", "b/test_y.py")})
    assert written == "# Title\n\n| R1 | Said so | built | There | `a/test_x.py`, `b/test_y.py` |\n| other | row |\n"
    assert requirements.rewritten(written, {}) == text
