"""The files of the console: what the wheel carries is what it says, and the policy can be kept. No browser needed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from clearline.doors.console import CONSOLE_FILES, CONSOLE_HEADERS, CONSOLE_ROOT

SCRIPTS = sorted((CONSOLE_ROOT / "js").glob("*.js"))
STYLES = sorted((CONSOLE_ROOT / "css").glob("*.css"))
VENDORED = CONSOLE_ROOT / "vendor" / "maplibre-gl"


def test_vendored_files_have_the_sums_that_are_written_down() -> None:
    sums = re.findall(r"^\| `(\S+)` \| `([0-9a-f]{64})` \|$", (VENDORED / "README.md").read_text(), re.MULTILINE)
    assert {name for name, _ in sums} == {path.name for path in VENDORED.iterdir()} - {"README.md"}
    for name, digest in sums:
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == digest, name


def test_every_file_is_served_with_a_type_and_nothing_else_is() -> None:
    served = {file.location for file in CONSOLE_FILES.values()}
    unserved = {path for path in CONSOLE_ROOT.rglob("*") if path.is_file()} - served
    assert {path.name for path in unserved} == {"README.md"}
    assert CONSOLE_FILES["/"] == CONSOLE_FILES["/index.html"]
    assert all(name.startswith("/") and ".." not in name for name in CONSOLE_FILES)
    assert CONSOLE_FILES["/vendor/maplibre-gl/maplibre-gl.mjs"].content_type.startswith("text/javascript")


def test_policy_allows_nothing_inline_evaluated_or_foreign() -> None:
    policy = CONSOLE_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


def test_wheel_stays_small() -> None:
    assert sum(path.stat().st_size for path in CONSOLE_ROOT.rglob("*") if path.is_file()) < 6_000_000


def test_page_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    page = (CONSOLE_ROOT / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_makes_no_markup_from_text_and_keeps_nothing(path: Path) -> None:
    text = path.read_text()
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|sessionStorage"
    assert re.findall(words, text) == []
    assert text.startswith("//"), "says first what it is"
    assert text.count("\n") <= 400


def test_every_text_is_in_the_catalogue_and_every_entry_is_used() -> None:
    catalogue = (CONSOLE_ROOT / "js" / "strings.js").read_text()
    names = set(re.findall(r"^  '([\w.-]+)': ", catalogue, re.MULTILINE))
    code = "\n".join(path.read_text() for path in SCRIPTS if path.name != "strings.js")
    plain = set(re.findall(r"\bt\('([\w-]+)'", code))
    for name in plain:
        assert name in names or f"{name}.other" in names, name
    quoted = set(re.findall(r"['`]([a-z][\w-]*)(?:\$\{|['`])", code))
    prefixes = {name.rstrip("-") for name in quoted}
    for name in names:
        base = name.removesuffix(".one").removesuffix(".other")
        parts = base.split("-")
        known = base in quoted or any("-".join(parts[:i]) in prefixes for i in range(1, len(parts)))
        assert known, f"{name} is not used"


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_use_logical_sides_only(path: Path) -> None:
    sides = (
        r"(?<![\w-])(?:margin|padding|border)-(?:left|right)|(?<![\w-])(?:left|right)\s*:|text-align:\s*(?:left|right)"
    )
    assert re.findall(sides, path.read_text()) == []
