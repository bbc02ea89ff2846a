"""`clearline init` and `clearline serve` as processes: what they print, how they end, and with which code."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from clearline.doors.cli.main import main; main()"]
WAIT_S = 90
"""A first start compiles the kernels."""


def clearline(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=WAIT_S, check=False)


def init(directory: Path, *more: str) -> dict[str, Any]:
    """Make a node that takes any free port."""
    done = clearline("init", str(directory), "--party", "north", "--listen", "127.0.0.1:0", "--json", *more)
    assert done.returncode == 0, done.stderr
    founded: dict[str, Any] = json.loads(done.stdout)
    return founded


@contextmanager
def serving(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `serve` until it has said where its console is; kill it at the end whatever happened."""
    process = subprocess.Popen(
        [*COMMAND, "serve", str(directory), "--log", "json"], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process, line_with(process, "console").split()[1]
    finally:
        process.kill()
        process.wait(WAIT_S)
        assert process.stderr is not None
        process.stderr.close()


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """Read what the process says until a line begins with `word`."""
    assert process.stderr is not None
    said: list[str] = []
    ends = time.monotonic() + WAIT_S
    with selectors.DefaultSelector() as ready:
        ready.register(process.stderr, selectors.EVENT_READ)
        while time.monotonic() < ends and ready.select(ends - time.monotonic()):
            line = process.stderr.readline()
            if not line or line.startswith(word):
                return line
            said.append(line)
    pytest.fail(f"never said {word!r}: {said}")


def test_init_prints_the_tokens_once_and_the_block_for_the_other_side(tmp_path: Path) -> None:
    done = clearline("init", str(tmp_path / "n"), "--party", "north", "--address", "https://north.example")
    assert done.returncode == 0
    assert done.stdout.count("clearline-") == 3
    assert all(role in done.stdout for role in ("WATCH", "PLANNER", "OBSERVER"))
    assert '[[line.party]]\nparty_id = "north"\npublic_key = "' in done.stdout
    assert 'address = "https://north.example"' in done.stdout
    again = clearline("init", str(tmp_path / "n"), "--party", "north")
    assert again.returncode == 2
    assert "nothing is overwritten" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    """It says where it is, answers there, ends with 0, and gives the store back."""
    init(tmp_path / "n")
    with serving(tmp_path / "n") as (process, console):
        with urllib.request.urlopen(f"{console}readyz", timeout=WAIT_S) as answer:
            assert json.load(answer) == {"ready": True, "why": ""}
        assert oct((tmp_path / "n" / "data").stat().st_mode & 0o777) == "0o700"
        os.kill(process.pid, number)
        assert process.wait(WAIT_S) == 0
    with serving(tmp_path / "n") as (process, _):
        process.terminate()
        assert process.wait(WAIT_S) == 0


def test_a_second_node_on_one_directory_says_so(tmp_path: Path) -> None:
    init(tmp_path / "n")
    with serving(tmp_path / "n"):
        second = clearline("serve", str(tmp_path / "n"))
        assert second.returncode == 4
        assert "STORE_IN_USE" in second.stderr
        assert "Traceback" not in second.stderr


def test_a_node_that_was_killed_starts_again(tmp_path: Path) -> None:
    founded = init(tmp_path / "n")
    with serving(tmp_path / "n") as (process, console):
        process.kill()
        assert process.wait(WAIT_S) == -signal.SIGKILL
    with serving(tmp_path / "n") as (_, console):
        request = urllib.request.Request(
            f"{console}v1/status", headers={"Authorization": f"Bearer {founded['tokens']['OBSERVER']}"}
        )
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            assert json.load(answer)["party"] == "north"


def broken(directory: Path, what: str) -> int:
    """Break a node's directory; return the exit code that follows."""
    match what:
        case "configuration":
            (directory / "node.toml").write_text("[node]\n", encoding="utf-8")
            return 3
        case "key":
            (directory / "node.key").chmod(0o644)
            return 3
        case "tokens":
            (directory / "tokens.toml").unlink()
            return 3
        case "address":
            path = directory / "node.toml"
            path.write_text(path.read_text(encoding="utf-8").replace("127.0.0.1:0", "192.0.2.1:1"), encoding="utf-8")
            return 3
        case _:
            (directory / "data" / "log.sqlite").write_bytes(b"not a database " * 400)
            return 4


@pytest.mark.parametrize("what", ["configuration", "key", "tokens", "address", "store"])
def test_what_cannot_start_says_why_and_with_which_code(tmp_path: Path, what: str) -> None:
    init(tmp_path / "n")
    code = broken(tmp_path / "n", what)
    done = clearline("serve", str(tmp_path / "n"))
    assert (done.returncode, "error: " in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
