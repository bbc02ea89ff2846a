"""What ruff and mypy do not see: sizes, words, leftovers and addresses, checked on every tracked file.

Rules
 * A module has at most 400 lines, a test module 600; tables named in `TABLES` are excepted, each with its reason.
 * A function has at most 70 lines.
 * No name, field or key says what Clearline refuses to know (R7). Prose may: "no field exists for it" has to be said.
 * Nothing is left for later in a comment; nothing is swallowed; no test sleeps, skips or is expected to fail.
 * No naive time. No module named after what is left over. No path of a machine, no address of a package registry.

Use: `python tools/tidy.py` prints each slip as `path:line: rule: what` and ends with 1 where there is any.
`tests/test_tidy.py` runs it and shows for each rule that it can fail. Source: style.md rules 8, 14, 15, 16, 20.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MODULE_LINES_MAX = 400
TEST_MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

TABLES = {
    "tools/verify_alone.py": "one file by its purpose: it is handed to a party alone, and read from top to bottom",
    "src/clearline/model/message.py": "the catalogue: one type a message, and a table of them",
}
"""Modules that may be longer than the limit, and why. A type or a row a line is easier to audit in one place."""

VENDORED = ("src/clearline/doors/console/static/vendor/",)
"""Other people's files, kept as they came."""

VIRTUAL_TIME = "run_virtual"
"""A test module that uses this loop sleeps in the simulator's time: an hour passes in no time."""

LEFT_OVER_NAMES = frozenset({"utils", "util", "helpers", "helper", "misc", "common", "stuff"})

REFUSED_WORDS = frozenset(
    "target targets targeted targeting strike strikes striker striking engage engages engaged engaging engagement "
    "weapon weapons weaponry mission missions munition munitions sensor sensors sortie sorties".split()
)
"""R7 and design.md §11: what has no name here cannot be asked for, stored or leaked."""
REFUSED_PAIRS = frozenset({("unit", "id"), ("unit", "ids"), ("unit", "name"), ("unit", "identity"), ("unit", "type")})
"""`units` of measure are wanted; which unit flies is not."""

# The words are put together here, so that this file does not find itself.
_LEFT_FOR_LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
_MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.~/-])/(?:work|root|farm|home/[a-z]+|Users/[A-Za-z]+)/[A-Za-z0-9.]")
_REGISTRY = re.compile(
    r"\b(?:"
    + "|".join(("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "art" + "ifactory"))
    + r")|--(?:extra-)?index-url[= ]\S|https?://\S*/simple\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SQL_TABLE = re.compile(r"\bCREATE\s+(?:TEMP\s+)?(?:TABLE|INDEX|VIEW)\b", re.IGNORECASE)
_SCRIPT_NAME = re.compile(r"\b(?:const|let|var|function|class)\s+([A-Za-z_$][\w$]*)|[{,]\s*\"?([A-Za-z_][\w]*)\"?\s*:")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Slip:
    """One place to mend."""

    path: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"


def refused_word_in(name: str) -> str | None:
    """Return the refused word in an identifier, by whole words of snake_case and camelCase, or None."""
    words = [found.group().lower() for found in _WORD.finditer(name)]
    for word in words:
        if word in REFUSED_WORDS:
            return word
    for pair in itertools.pairwise(words):
        if pair in REFUSED_PAIRS:
            return " ".join(pair)
    return None


def check(path: str, text: str) -> list[Slip]:
    """Return every slip in one file; `path` is relative to the root, with slashes."""
    slips = list(_addresses(path, text))
    if not path.startswith(VENDORED):
        slips += _left_for_later(path, text)
        if path.endswith(".py"):
            slips += _python(path, text)
        elif path.endswith((".json", ".geojson")) and path.startswith("src/"):
            slips += _json_keys(path, text)
        elif path.endswith((".js", ".mjs")):
            slips += _script_names(path, text)
    return sorted(slips)


def _addresses(path: str, text: str) -> Iterator[Slip]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := _MACHINE_PATH.search(line):
            yield Slip(path=path, line=number, rule="machine path", what=found.group().strip())
        if found := _REGISTRY.search(line):
            yield Slip(path=path, line=number, rule="registry address", what=found.group())


def _left_for_later(path: str, text: str) -> Iterator[Slip]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := _LEFT_FOR_LATER.search(line):
            yield Slip(path=path, line=number, rule="left for later", what=found.group())


def _python(path: str, text: str) -> Iterator[Slip]:
    is_test = path.startswith("tests/")
    lines_max = TEST_MODULE_LINES_MAX if is_test else MODULE_LINES_MAX
    line_count = text.count("\n")
    if line_count > lines_max and path not in TABLES:
        yield Slip(path=path, line=1, rule="long module", what=f"{line_count} lines, at most {lines_max}")
    for part in PurePosixPath(path).with_suffix("").parts:
        if part.lower().strip("_") in LEFT_OVER_NAMES:
            yield Slip(path=path, line=1, rule="module name", what=f"{part!r} says nothing about what it holds")
    tree = ast.parse(text, filename=path)
    source = text.splitlines()
    for node in ast.walk(tree):
        yield from _sizes(path, node)
        yield from _handlers(path, node, source)
        yield from _times(path, node)
        if is_test:
            yield from _test_habits(path, node, virtual=VIRTUAL_TIME in text)
        for name, line in _names_made(node):
            if word := refused_word_in(name):
                yield Slip(path=path, line=line, rule="refused word", what=f"{word!r} in {name!r}")


def _sizes(path: str, node: ast.AST) -> Iterator[Slip]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        count = (node.end_lineno or node.lineno) - node.lineno + 1
        if count > FUNCTION_LINES_MAX:
            what = f"{node.name}: {count} lines, at most {FUNCTION_LINES_MAX}"
            yield Slip(path=path, line=node.lineno, rule="long function", what=what)


def _handlers(path: str, node: ast.AST, source: list[str]) -> Iterator[Slip]:
    if not isinstance(node, ast.ExceptHandler):
        return
    if node.type is None:
        yield Slip(path=path, line=node.lineno, rule="bare except", what="names nothing")
    elif isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}:
        raises = any(isinstance(inner, ast.Raise) for statement in node.body for inner in ast.walk(statement))
        reason = re.search(r"noqa: BLE001\s+\S", source[node.lineno - 1])
        if not raises and not reason:
            what = f"except {node.type.id} swallows; raise again, or give a reason after `noqa: BLE001`"
            yield Slip(path=path, line=node.lineno, rule="bare except", what=what)


def _times(path: str, node: ast.AST) -> Iterator[Slip]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    name, given = node.func.attr, len(node.args) + len(node.keywords)
    naive = name in {"utcnow", "utcfromtimestamp"}
    if name in {"now", "fromtimestamp"} and _dotted(node.func.value).split(".")[-1] == "datetime":
        naive = given < (1 if name == "now" else 2)
    if naive:
        yield Slip(path=path, line=node.lineno, rule="naive time", what=f"{name} without a zone")


def _test_habits(path: str, node: ast.AST, *, virtual: bool) -> Iterator[Slip]:
    if isinstance(node, ast.Attribute):
        dotted = _dotted(node)
        if re.fullmatch(r"(pytest\.)?mark\.(skip|skipif|xfail)|pytest\.(skip|xfail|importorskip)", dotted):
            yield Slip(path=path, line=node.lineno, rule="test not run", what=dotted)
    if isinstance(node, ast.Call):
        dotted = _dotted(node.func)
        first = node.args[0] if node.args else None
        seconds = first.value if isinstance(first, ast.Constant) and isinstance(first.value, int | float) else 0
        waits = dotted in {"asyncio.sleep", "anyio.sleep"} and seconds >= 1 and not virtual
        if waits or dotted == "time.sleep":
            yield Slip(path=path, line=node.lineno, rule="test sleeps", what=dotted)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _names_made(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield what a node names: definitions, arguments, assigned names and attributes, keys, enum values, columns.

    Names that are only used belong to whoever made them (`Thread(target=…)` is the standard library's).
    """
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, node.lineno
            if isinstance(node, ast.ClassDef):
                yield from _class_texts(node)
        case ast.arg(arg=name):
            yield name, node.lineno
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name, node.lineno
        case ast.alias(asname=str(name)):
            yield name, node.lineno
        case ast.Dict(keys=keys):
            for key in keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and _IDENTIFIER.fullmatch(key.value):
                    yield key.value, key.lineno
        case ast.Subscript(slice=ast.Constant(value=str(name))) if _IDENTIFIER.fullmatch(name):
            yield name, node.lineno
        case ast.Constant(value=str(text)) if _SQL_TABLE.search(text):
            for name in _IDENTIFIER.findall(text):
                yield name, node.lineno


def _class_texts(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            value = statement.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and _IDENTIFIER.fullmatch(value.value):
                yield value.value, value.lineno


def _json_keys(path: str, text: str) -> Iterator[Slip]:
    names: set[str] = set()

    def keep(members: list[tuple[str, object]]) -> None:
        names.update(name for name, _ in members)

    try:
        json.loads(text, object_pairs_hook=keep)
    except ValueError as error:
        yield Slip(path=path, line=1, rule="broken JSON", what=str(error))
    for name in sorted(names):
        if word := refused_word_in(name):
            yield Slip(path=path, line=1, rule="refused word", what=f"{word!r} in key {name!r}")


def _script_names(path: str, text: str) -> Iterator[Slip]:
    for number, line in enumerate(text.splitlines(), 1):
        for found in _SCRIPT_NAME.finditer(line):
            name = found.group(1) or found.group(2)
            if word := refused_word_in(name):
                yield Slip(path=path, line=number, rule="refused word", what=f"{word!r} in {name!r}")


def tracked_files(root: Path) -> list[str]:
    """Return every file that git tracks or would track, with slashes, relative to `root`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


def check_tree(root: Path) -> list[Slip]:
    """Return every slip in every tracked text file under `root`."""
    slips: list[Slip] = []
    for name in tracked_files(root):
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures, fonts, compressed samples
        slips += check(name, text)
    return slips


def main() -> int:
    """Print every slip of this tree."""
    slips = check_tree(Path(__file__).resolve().parent.parent)
    for slip in slips:
        print(slip)
    print(f"{len(slips)} slips")
    return 1 if slips else 0


if __name__ == "__main__":
    sys.exit(main())
