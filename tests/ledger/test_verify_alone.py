"""The one-file verifier as its user meets it: a command, a file, an answer (R6)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.verdict import split
from tools import verify_alone
from tools.make_ledger_vectors import FOLDER

BUNDLE = FOLDER / "north.bundle"
KEYS = {vector["party"]: vector["public_key"] for vector in json.loads((FOLDER / "keys.json").read_bytes())["keys"]}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["verify_alone.py", *arguments])
    return verify_alone.main()


def test_it_runs_where_nothing_of_ours_can_be_imported(tmp_path: Path) -> None:
    """Isolated mode and a finder that refuses the package: what is left is Python and `cryptography`."""
    script = (
        "import runpy, sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        assert name.partition('.')[0] not in ('clearline', 'msgspec', 'tests'), name\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"sys.argv = ['verify_alone.py', {str(BUNDLE)!r}, '--key', 'north={KEYS['north']}']\n"
        f"runpy.run_path({verify_alone.__file__!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "north: 19 entries, 11 receipts proven: proves itself" in done.stdout
    assert f"south {KEYS['south']} (on the word of the bundle)" in done.stdout
    assert f"north {KEYS['north']}\n" in done.stdout


def test_a_broken_bundle_is_answered_with_its_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = split(BUNDLE.read_bytes())
    path = tmp_path / "short.bundle"
    path.write_bytes(b"".join([*lines[:6], *lines[7:]]))
    assert run(monkeypatch, str(path)) == 1
    answer = capsys.readouterr().out
    assert "entries[5]: ENTRY_MISSING: entries 5 to 5 are missing\n" in answer
    assert "BROKEN: 4 problems" in answer
    assert run(monkeypatch, str(path), "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], len(report["problems"])) == (False, 4)


def test_what_is_hostile_in_a_file_is_shown_in_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hostile.bundle"
    path.write_bytes('{"format":"\x1b[2J\u202e"}\n{}\n'.encode())
    assert run(monkeypatch, str(path)) == 1
    assert capsys.readouterr().out.isascii()


def test_a_file_that_is_not_there_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(tmp_path / "none.bundle")) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["north", "north=12", "North=" + "0" * 64, "=" + "0" * 64])
def test_a_key_in_another_form_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, str(BUNDLE), "--key", key)


def test_another_key_than_the_bundles_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(BUNDLE), "--key", f"south={KEYS['north']}") == 1
    assert "entries[0]: KEY_DIFFERS" in capsys.readouterr().out


def test_a_line_over_the_limit_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "long.bundle"
    path.write_bytes(b"x" * (3 * verify_alone.LINE_MAX) + b"\nshort\n")
    assert [len(line) for line in verify_alone.bounded_lines(path)] == [verify_alone.LINE_MAX + 1, 6]
