"""Real nodes behind real doors on loopback, for tests: directories, keys, tokens, ports, and waiting without sleep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from clearline.doors.http.running import ServedNode
from clearline.doors.http.server import listening_socket
from clearline.line.clearance import NoticeStatus, notice_status
from clearline.line.node_state import NodeState
from clearline.node.config import Listen, read_configuration
from clearline.node.founding import Founded, found_node, party_block

T = TypeVar("T")
LINE = "demo"
WAIT_S = 20.0
"""Longer than any wait that ends by itself: a test that hangs fails with the place where it waits."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one test's coroutine."""
    return asyncio.run(work)


def volume(
    lat: float = 46.5,
    lng: float = 7.5,
    *,
    radius_m: float = 2_000.0,
    lower_m: float = 500.0,
    upper_m: float = 900.0,
    hour: int = 10,
) -> dict[str, Any]:
    """Return the JSON of a circle on 2030-01-01."""
    return {
        "volume": {
            "outline_circle": {"center": {"lat": lat, "lng": lng}, "radius": {"value": radius_m, "units": "M"}},
            "altitude_lower": {"value": lower_m, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": upper_m, "reference": "W84", "units": "M"},
        },
        "time_start": {"value": f"2030-01-01T{hour:02d}:00:00Z", "format": "RFC3339"},
        "time_end": {"value": f"2030-01-01T{hour + 1:02d}:00:00Z", "format": "RFC3339"},
    }


def declaration(*volumes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the JSON of a declaration."""
    return {"aircraft_class": "UNMANNED", "priority": 10, "volumes": list(volumes) or [volume()], **more}


@dataclass
class Desk:
    """One party's running node, and a client for each of its roles."""

    party: str
    directory: Path
    served: ServedNode
    tokens: dict[str, str]
    url: str

    def client(self, role: str | None = "WATCH", **more: Any) -> httpx2.AsyncClient:
        """Return a client with the token of `role`, or without one."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role is not None else {}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=WAIT_S, **more)

    async def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at `path`, as the watch sees it."""
        async with self.client() as client:
            response = await client.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Any, *, status: int = 200) -> Any:
        """Post as the watch; the answer has `status`."""
        async with self.client() as client:
            response = await client.post(path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    async def declare(self, *volumes: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Declare a notice and return its view on the one line."""
        answer = await self.post("/v1/notices", declaration(*volumes, **more), status=201)
        view: dict[str, Any] = answer["notices"][0]
        return view

    async def until(self, holds: Callable[[NodeState], bool]) -> None:
        """Wait until the durable state is as wanted; woken by the log, never by time."""
        node = self.served.node
        async with asyncio.timeout(WAIT_S):
            while True:
                async with node.settled() as state:
                    if holds(state):
                        return
                    size = state.size
                await node.wait_beyond(size)

    async def until_status(self, notice_id: str, status: NoticeStatus, *, owner: str | None = None) -> None:
        """Wait until a notice has a status."""

        def holds(state: NodeState) -> bool:
            line = state.line(LINE)
            record = line.notices.get((owner or self.party, notice_id))
            return record is not None and notice_status(line, record) is status

        await self.until(holds)


def join(*, lines: Sequence[str], parties: Sequence[tuple[Founded, str]]) -> None:
    """Write the lines between parties into each one's node.toml."""
    for founded, _ in parties:
        text = ""
        for line_id in lines:
            text += f'\n[[line]]\nline_id = "{line_id}"\nrules = "threes"\n'
            text += "".join(
                f"\n{party_block(other, address=address)}" for other, address in parties if other is not founded
            )
        path = Path(founded.directory) / "node.toml"
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@asynccontextmanager
async def served(directory: Path, tokens: dict[str, str], opened: Any = None) -> AsyncIterator[Desk]:
    """Run the node of a directory."""
    node = ServedNode(read_configuration(directory))
    try:
        node.open(opened)
        await node.start()
        yield Desk(party=node.desk.party, directory=directory, served=node, tokens=tokens, url=node.url)
    finally:
        await node.stop()


@asynccontextmanager
async def desks(root: Path, *names: str, lines: Sequence[str] = (LINE,)) -> AsyncIterator[list[Desk]]:
    """Run one new node for each name, all on the same lines."""
    sockets = [listening_socket(Listen("127.0.0.1", 0)) for _ in names]
    ports = [opened.getsockname()[1] for opened in sockets]
    founded = [
        found_node(root / name, party=name, listen=f"127.0.0.1:{port}") for name, port in zip(names, ports, strict=True)
    ]
    join(lines=lines, parties=[(one, f"http://{one.listen}") for one in founded])
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(served(root / one.party, one.tokens, opened))
            for one, opened in zip(founded, sockets, strict=True)
        ]


@asynccontextmanager
async def alone(root: Path, name: str = "north", *, peer: str = "south") -> AsyncIterator[Desk]:
    """Run one node whose only peer does not exist (nobody listens on port 9 of loopback)."""
    opened = listening_socket(Listen("127.0.0.1", 0))
    founded = found_node(root / name, party=name, listen=f"127.0.0.1:{opened.getsockname()[1]}")
    absent = found_node(root / peer, party=peer, listen="127.0.0.1:9")
    join(lines=[LINE], parties=[(founded, ""), (absent, "http://127.0.0.1:9")])
    async with served(root / name, founded.tokens, opened) as desk:
        yield desk
