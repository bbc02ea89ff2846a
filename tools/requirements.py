"""Which requirement is built, and which tests name it: `docs/requirements.md`, kept true.

Rules
 * Each of R1 to R40 has one row: requirement, status (built, partly, later), what there is, and the tests.
 * A test names a requirement by its number in a docstring of the test, its class or its module.
 * What is built is named by a test. A number that no requirement has is refused.
 * The column of tests is written by this tool: `python tools/requirements.py --write`. The others are for people.

Without `--write` it prints what is wrong and ends with 1 where there is anything. Source: style.md rule 7.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "requirements.md"
NUMBERS = range(1, 41)
STATUSES = ("built", "partly", "later")

_ROW = re.compile(r"^\| R(\d+) \| (.*?) \| (\w+) \| (.*?) \| (.*?) \|$")
_NAMED = re.compile(r"\bR(\d{1,3})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement. `tests` are files, relative to the folder of tests."""

    number: int
    requirement: str
    status: str
    what: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        listed = ", ".join(f"`{name}`" for name in self.tests) or "–"
        return f"| R{self.number} | {self.requirement} | {self.status} | {self.what} | {listed} |"


def rows_of(text: str) -> list[Row]:
    """Read the rows of the document."""
    rows = []
    for line in text.splitlines():
        if match := _ROW.match(line):
            number, requirement, status, what, tests = match.groups()
            listed = tuple(re.findall(r"`([^`]+)`", tests))
            rows.append(Row(number=int(number), requirement=requirement, status=status, what=what, tests=listed))
    return rows


def numbers_named(source: str) -> set[int]:
    """Return the requirements that the docstrings of one test module name."""
    numbers: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            numbers |= {int(number) for number in _NAMED.findall(docstring)}
    return numbers


def tests_by_number(folder: Path) -> dict[int, tuple[str, ...]]:
    """Return for each number that a test module names, the modules, sorted."""
    named: dict[int, set[str]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        for number in numbers_named(file.read_text(encoding="utf-8")):
            named.setdefault(number, set()).add(file.relative_to(folder).as_posix())
    return {number: tuple(sorted(files)) for number, files in named.items()}


def slips(rows: list[Row], named: dict[int, tuple[str, ...]]) -> list[str]:
    """Return what does not hold between the document and the tests."""
    found = []
    numbers = [row.number for row in rows]
    if numbers != list(NUMBERS):
        found.append(f"rows must be R1 to R{NUMBERS[-1]}, each once and in order; found {numbers}")
    found += [
        f"R{number} is no requirement; named in {', '.join(named[number])}"
        for number in sorted(set(named) - set(NUMBERS))
    ]
    for row in rows:
        if row.status not in STATUSES:
            found.append(f"R{row.number}: status {row.status!r}; allowed: {', '.join(STATUSES)}")
        if row.status == "built" and row.number not in named:
            found.append(f"R{row.number} is said to be built, and no test names it")
        if row.tests != named.get(row.number, ()):
            found.append(f"R{row.number}: its tests have changed; run `python tools/requirements.py --write`")
    return found


def rewritten(text: str, named: dict[int, tuple[str, ...]]) -> str:
    """Return the document with its column of tests made anew."""
    fresh = {row.number: str(replace(row, tests=named.get(row.number, ()))) for row in rows_of(text)}
    lines = []
    for line in text.splitlines():
        match = _ROW.match(line)
        lines.append(fresh[int(match.group(1))] if match else line)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Check, or write with `--write`."""
    named = tests_by_number(ROOT / "tests")
    text = DOCUMENT.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        text = rewritten(text, named)
        DOCUMENT.write_text(text, encoding="utf-8")
    found = slips(rows_of(text), named)
    print("\n".join(found) or "requirements and tests agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
