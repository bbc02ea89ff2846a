"""A line between two real nodes on loopback, for the one test that puts the page on the product itself."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.console.fake_node import _free_port

READY_LINES_MAX = 500
STOP_S = 30


def _clearline(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from clearline.doors.cli.main import main; main()", *arguments]


@dataclass
class RealNode:
    """One node of the line: its directory, address and tokens."""

    party: str
    directory: Path
    port: int
    public_key: str
    tokens: dict[str, str]
    process: subprocess.Popen[str] | None = None
    log: IO[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, body: Any = None, *, role: str = "WATCH") -> Any:
        """Make one request; return the answer's JSON."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def is_ready(self) -> bool:
        """Say whether the node takes what is said."""
        try:
            with urllib.request.urlopen(self.url + "readyz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def start(self) -> None:
        self.log = (self.directory / "node.log").open("a", encoding="utf-8")
        command = _clearline("serve", str(self.directory), "--log", "json")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, text=True)
        while not self.is_ready():
            try:
                code = self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"{self.party} ended with {code}: {(self.directory / 'node.log').read_text()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_S)
            self.process = None
        if self.log is not None:
            self.log.close()


def _made(root: Path, party: str) -> RealNode:
    port = _free_port()
    directory = root / party
    done = subprocess.run(
        _clearline("init", str(directory), "--party", party, "--listen", f"127.0.0.1:{port}", "--json"),
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    return RealNode(party, directory, port, told["public_key"], told["tokens"])


@contextmanager
def real_line(root: Path) -> Iterator[tuple[RealNode, RealNode]]:
    """Run two nodes that share the line `demo` under `threes`."""
    ridge, valley = _made(root, "ridge"), _made(root, "valley")
    for node, other in ((ridge, valley), (valley, ridge)):
        with (node.directory / "node.toml").open("a", encoding="utf-8") as config:
            config.write(
                f'\n[[line]]\nline_id = "demo"\nrules = "threes"\n\n[[line.party]]\nparty_id = "{other.party}"\n'
                f'public_key = "{other.public_key}"\naddress = "http://127.0.0.1:{other.port}"\n'
            )
    try:
        ridge.start()
        valley.start()
        yield ridge, valley
    finally:
        ridge.stop()
        valley.stop()
