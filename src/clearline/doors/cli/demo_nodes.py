"""The demo's two nodes: their directories, and their processes, which are started again when they die.

Rules
 * Keys and logs are made once and kept. Tokens are new in every run, so an old address opens nothing.
 * `node.toml` and the token files belong to the demo: it writes them at every start, with the ports of this run.
 * A node is a process of its own (`clearline serve`) in a session of its own: Ctrl-C reaches the demo alone, which
   then ends its nodes in order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from clearline.doors.cli.demo_place import RunningNode
from clearline.doors.cli.trouble import NodeTrouble
from clearline.ledger.keys import Ed25519Signer
from clearline.model.identity import Role
from clearline.model.refusal import InternalError, Refusal, RefusalCode
from clearline.node.chance import SystemChance
from clearline.node.founding import found_node
from clearline.node.tokens import TOKEN_PREFIX, Holder, token_digest, tokens_text

__all__ = ["LINE", "DemoNode", "choose_ports", "prepare_nodes"]

LINE: Final = "demo"
_HOST: Final = "127.0.0.1"
_PORT_STEP: Final = 10
_PORT_TRIES: Final = 20
_EARLY_S: Final = 10.0
"""A node that dies sooner than this after its start was not killed: it cannot run."""
_EARLY_DEATHS_MAX: Final = 3
_STOP_S: Final = 12.0
_LOG_TAIL_BYTES: Final = 4_096
_LOG_LINES_SHOWN: Final = 8
_CANNOT_RUN: Final = (2, 3, 4, 70)
"""Exit codes of `serve` that another start does not mend."""

_NODE_TOML: Final = """\
# Written by `clearline demo` at every start.
[node]
party = "{party}"
listen = "{listen}"

[[line]]
line_id = "{line}"
rules = "threes"
"""
_PARTY_TOML: Final = """
[[line.party]]
party_id = "{party}"
public_key = "{public_key}"
address = "http://{listen}"
"""


def choose_ports(port: int, count: int) -> list[int]:
    """Return `count` free ports in a row: from `port` on, or 10, 20 … further where one is taken; any for 0.

    Raises:
        Refusal: OUT_OF_RANGE where none are free.
    """
    if port == 0:
        return _any_ports(count)
    for first in range(port, min(port + _PORT_TRIES * _PORT_STEP, 65_536 - count), _PORT_STEP):
        ports = list(range(first, first + count))
        if all(_is_free(each) for each in ports):
            return ports
    raise Refusal(
        RefusalCode.OUT_OF_RANGE, field="--port", found=f"{port} and those after it are taken", allowed="a free port"
    )


def _any_ports(count: int) -> list[int]:
    opened = [socket.socket() for _ in range(count)]
    try:
        for each in opened:
            each.bind((_HOST, 0))
        return [int(each.getsockname()[1]) for each in opened]
    finally:
        for each in opened:
            each.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the node binds it: a port that only waits for late packets of its last use is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


@final
class DemoNode:
    """One node: its directory, the tokens of this run, and its process."""

    def __init__(self, party: str, directory: Path, *, port: int, public_key: str) -> None:
        chance = SystemChance()
        self.party = party
        self.directory = directory
        self.listen = f"{_HOST}:{port}"
        self.url = f"http://{self.listen}"
        self.public_key = public_key
        self.console_token = TOKEN_PREFIX + chance.new_secret()
        self.player_token = TOKEN_PREFIX + chance.new_secret()
        self.log = directory / "node.log"
        self.restarts = 0
        self.stopping = False
        self._process: asyncio.subprocess.Process | None = None

    @property
    def console(self) -> str:
        """The console's address, with a token in its fragment, which no browser sends anywhere."""
        return f"{self.url}/#token={self.console_token}"

    def running(self) -> RunningNode:
        """Return what is kept of it in `demo.json`."""
        return RunningNode(
            party=self.party,
            directory=str(self.directory),
            pid=0 if self._process is None else self._process.pid,
            console=self.console,
            restarts=self.restarts,
        )

    def write(self, others: Sequence[DemoNode]) -> None:
        """Write configuration and tokens for this run."""
        text = _NODE_TOML.format(party=self.party, listen=self.listen, line=LINE)
        text += "".join(
            _PARTY_TOML.format(party=each.party, public_key=each.public_key, listen=each.listen) for each in others
        )
        (self.directory / "node.toml").write_text(text, encoding="utf-8")
        holders = [
            Holder(name="watch", role=Role.WATCH, sha256=token_digest(self.console_token)),
            Holder(name="simulated-watch", role=Role.WATCH, sha256=token_digest(self.player_token)),
        ]
        _write_secret(self.directory / "tokens.toml", tokens_text(holders))
        _write_secret(self.directory / "token", f"{self.console_token}\n")

    # --- the process

    async def start(self) -> None:
        """Start the node's process."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from clearline.doors.cli.main import main; main()",
                "serve",
                str(self.directory),
                "--log",
                "json",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def keep(self, tell: Callable[[str], None], restarted: Callable[[], object]) -> None:
        """Start the node again whenever it dies, until it is stopped.

        Raises:
            NodeTrouble: it cannot run; what it said last is in the text.
        """
        deaths = 0
        while True:
            begun = time.monotonic()
            code = await self._running_process().wait()
            if self.stopping:
                return
            deaths = deaths + 1 if time.monotonic() - begun < _EARLY_S else 1
            if code in _CANNOT_RUN or deaths > _EARLY_DEATHS_MAX:
                raise NodeTrouble(
                    f"the node of {self.party} ended with {code}: {self.last_words()}",
                    advice=f"{self.log} says more. Without {self.directory} the next run begins anew.",
                )
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            tell(f"node died ({how}); it is started again")
            self.restarts += 1
            await self.start()
            restarted()

    def _running_process(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise InternalError("a node is started before it is watched")
        return self._process

    async def stop(self) -> None:
        """End the node: it writes what waits. One that does not end in time is killed."""
        self.stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    def last_words(self) -> str:
        """Return the last lines of the node's log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _LOG_TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return " | ".join(lines[-_LOG_LINES_SHOWN:])


def prepare_nodes(root: Path, parties: Sequence[str], ports: Sequence[int]) -> list[DemoNode]:
    """Make or reuse a node's directory for each party, all on one line, with each other's keys.

    Raises:
        Refusal: CONFIGURATION_INVALID, UNREADABLE_FILE.
    """
    nodes = [
        DemoNode(party, root / party, port=port, public_key=_public_key(root / party, party))
        for party, port in zip(parties, ports, strict=True)
    ]
    for node in nodes:
        node.write([other for other in nodes if other is not node])
        node.log.write_bytes(b"")
    return nodes


def _public_key(directory: Path, party: str) -> str:
    key = directory / "node.key"
    if key.exists():
        return Ed25519Signer.from_pem(key.read_bytes()).public_key.hex()
    return found_node(directory, party=party, listen=f"{_HOST}:0").public_key


def _write_secret(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)
