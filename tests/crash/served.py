"""Two real nodes as processes on loopback, each on its own directory: for tests that kill them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

COMMAND = str(Path(sys.executable).with_name("clearline"))
READY_S_MAX = 120.0
"""A node that is not ready by then has failed; how long it took is printed by the benchmark, not judged here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clearline(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([COMMAND, *arguments], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Served:
    """One node process that may be killed and started again."""

    def __init__(self, directory: Path, party: str) -> None:
        self.party = party
        self.port = free_port()
        self.directory = directory / party
        self.made = clearline(
            "init", str(self.directory), "--party", party, "--listen", f"127.0.0.1:{self.port}", "--json"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {self.made['tokens']['WATCH']}"},
            timeout=10.0,
            trust_env=False,
        )
        self.log = self.directory / "node.log"

    def join(self, other: Served, rules: str = "intersect") -> None:
        """Write the line to the other party into the configuration."""
        with (self.directory / "node.toml").open("a", encoding="utf-8") as file:
            file.write(
                f'\n[[line]]\nline_id = "crash"\nrules = "{rules}"\n\n[[line.party]]\nparty_id = "{other.party}"\n'
                f'public_key = "{other.made["public_key"]}"\naddress = "http://127.0.0.1:{other.port}"\n'
            )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, "serve", str(self.directory)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """Ask it to stop, as an operator does; return its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process = None
        return code

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.client.get(path, params=params)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def entries(self) -> list[dict[str, Any]]:
        """Return the whole log, page by page."""
        found: list[dict[str, Any]] = []
        while page := self.get("/v1/log", **{"from": len(found), "limit": 1_000})["entries"]:
            found.extend(page)
        return found


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = READY_S_MAX) -> None:
    """Ask again until it holds; the pause yields the core to the nodes and decides nothing."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came to hold: {what}")
        os.sched_yield()
        signal.sigtimedwait([], 0.02)
