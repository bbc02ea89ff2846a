"""docs/tutorial.md, word for word: its shell blocks are run in order, and what it says they print is compared.

Two machines become two directories and two ports of one. Placeholders in capitals become what `init` has printed. A
line of a `text` block must be printed by the `sh` block before it, in order; `…` in it stands for what differs from run
to run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from clearline.doors.cli.demo_nodes import choose_ports

pytestmark = pytest.mark.crash

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVE = re.compile(r"clearline serve (\w+)\n")
PRINTED = re.compile(r"^  (WATCH|PLANNER|OBSERVER) +(\S+)$|^public_key = \"(\w+)\"$", re.MULTILINE)
ADDRESSES = ("192.0.2.10:8701", "192.0.2.20:8701")
WAIT_S = 60.0


class Machine:
    """One machine that plays both: runs blocks, keeps nodes running, and knows what the placeholders mean."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = choose_ports(0, 2)
        self.meant = {address: f"127.0.0.1:{port}" for address, port in zip(ADDRESSES, self.ports, strict=True)}
        self.nodes: list[subprocess.Popen[bytes]] = []
        shutil.copytree(ROOT / "examples", directory / "examples")
        scripts = directory / "bin"
        scripts.mkdir()
        command = scripts / "clearline"
        command.write_text(f"#!{sys.executable}\nfrom clearline.doors.cli.main import main\nmain()\n", encoding="utf-8")
        command.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}", "COLUMNS": "200"}

    def put(self, text: str) -> str:
        for name, value in self.meant.items():
            text = text.replace(name, value)
        return text

    def run(self, block: str) -> str:
        served = SERVE.fullmatch(block)
        if served is not None:
            return self.serve(served.group(1))
        self.wait_until_delivered()
        ran = subprocess.run(
            ["bash", "-c", self.put(block)],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert not ran.stderr, ran.stderr
        founded = re.match(r"clearline init (\w+)", block)
        if founded is not None:
            party = founded.group(1).upper()
            for role, token, key in PRINTED.findall(ran.stdout):
                self.meant[f"{party}-{role}-TOKEN" if role else f"{party}-PUBLIC-KEY"] = token or key
        return ran.stdout

    def serve(self, name: str) -> str:
        log = (self.directory / f"{name}.log").open("wb")
        with log:
            node = subprocess.Popen(
                [sys.executable, "-c", "from clearline.doors.cli.main import main; main()", "serve", name],
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )
        self.nodes.append(node)
        return ""

    def wait_until_delivered(self) -> None:
        """Wait until each running node hears the others and has delivered what it said: people are slower than this."""
        until = time.monotonic() + WAIT_S
        waiting = list(range(len(self.nodes)))
        while waiting:
            assert time.monotonic() < until, "the nodes do not hear each other"
            waiting = [place for place in waiting if not self.settled(place)]

    def settled(self, place: int) -> bool:
        name = ("north", "south")[place]
        headers = {"Authorization": f"Bearer {self.meant[f'{name.upper()}-WATCH-TOKEN']}"}
        try:
            answer = httpx2.get(
                f"http://127.0.0.1:{self.ports[place]}/v1/status", headers=headers, trust_env=False, timeout=WAIT_S
            )
        except httpx2.ConnectError:
            return False
        if answer.status_code != 200:
            return False
        parties = [party for line in answer.json()["lines"] for party in line["parties"]]
        # While only one node runs there is nobody to hear it.
        alone = len(self.nodes) < len(ADDRESSES)
        return alone or all(party["link"] == "OPEN" and party["undelivered"] == 0 for party in parties)

    def stop(self) -> list[int]:
        for node in self.nodes:
            node.send_signal(signal.SIGINT)
        return [node.wait(WAIT_S) for node in self.nodes]


def missing(said: str, printed: str) -> str | None:
    """Return the first line that was said and not printed (in this order), or None."""
    lines = iter(" ".join(line.split()) for line in printed.splitlines())
    for line in said.splitlines():
        words = " ".join(line.split())
        wanted = re.compile(re.escape(words).replace("…", ".*"))
        if words and not any(wanted.match(one) for one in lines):
            return line
    return None


def test_the_tutorial_is_true(tmp_path: Path) -> None:
    """Issue 2: a line between two machines, set up by hand, following the tutorial word for word."""
    blocks = BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    assert len(blocks) > 20
    machine = Machine(tmp_path)
    printed = ""
    try:
        for kind, content in blocks:
            if kind == "sh":
                printed = machine.run(content)
                continue
            line = missing(machine.put(content), printed)
            assert line is None, f"the tutorial says\n{line}\nand this was printed:\n{printed}"
    finally:
        codes = machine.stop()
    assert codes == [0, 0]


def test_a_line_that_is_not_printed_is_found() -> None:
    assert missing("a  b\nc …", "x\na b\nc 12") is None
    assert missing("c …\na b", "a b\nc 12") == "a b"
    assert missing("a c", "a b") == "a c"
