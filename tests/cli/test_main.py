"""The group of commands: fast help, late imports, exit codes for usage and bugs."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time

import click
import pytest

from clearline.doors.cli import main as cli_main
from clearline.doors.cli.main import COMMANDS, Entry, main
from clearline.model.refusal import InternalError, Refusal, RefusalCode

HEAVY = ("numba", "numpy", "pyproj", "rich", "litestar", "httpx2", "cryptography", "structlog", "clearline.sky")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["clearline", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return int(caught.value.code)


def test_help_loads_nothing_heavy() -> None:
    listing = f"import sys; from clearline.doors.cli.main import group; print([m for m in {HEAVY} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_help_answers_in_less_than_300_ms() -> None:
    """The best of five: other tests run beside this one."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        shown = subprocess.run(
            [sys.executable, "-c", "from clearline.doors.cli.main import main; main()", "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        times.append(time.perf_counter() - begun)
        assert "check" in shown.stdout
    assert min(times) < 0.3, times


def test_each_command_of_the_table_exists_with_help_and_summary() -> None:
    for name, entry in COMMANDS.items():
        command = importlib.import_module(entry.module).command
        assert isinstance(command, click.Command)
        assert command.name == name
        assert command.help
        assert entry.summary.endswith(".")


def test_usage_errors_are_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "chek") == 2
    assert run(monkeypatch, "check") == 2
    assert run(monkeypatch, "check", "--colour", "x") == 2
    assert "No such command 'chek'" in capsys.readouterr().err


def test_version_and_help_are_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert run(monkeypatch, "--help") == 0
    assert COMMANDS["check"].summary in capsys.readouterr().out
    assert run(monkeypatch, "check", "--help") == 0
    assert "Exit code" in capsys.readouterr().out


@pytest.mark.parametrize(
    "error, code, text",
    [
        (Refusal(RefusalCode.STORE_IN_USE, field="store", found="x"), 2, "STORE_IN_USE"),
        (InternalError("invariant broken: y"), 70, "report"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (click.Abort(), 130, "Interrupted"),
    ],
)
def test_what_a_command_raises_becomes_words_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    text: str,
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli_main.group, "get_command", lambda ctx, name: click.Command("break", callback=fail))
    assert run(monkeypatch, "break") == code
    assert text in capsys.readouterr().err


def test_a_table_row_without_a_command_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "odd", Entry("tests.cli.odd_module", "Odd."))
    monkeypatch.setitem(sys.modules, "tests.cli.odd_module", type(sys)("odd_module"))
    monkeypatch.setattr(sys.modules["tests.cli.odd_module"], "command", 5, raising=False)
    assert run(monkeypatch, "odd") == 70
