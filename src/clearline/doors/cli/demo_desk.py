"""One party's API as the demo uses it, and the lines that the demo prints.

Rules
 * What the node does not answer is asked again until it does: a node that was killed is back soon. Asking twice says
   nothing twice.
 * A refusal is handed on: somebody at a console may have been quicker.
"""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar, final

import click
import httpx2
import msgspec

from clearline.model.instant import instant_text
from clearline.model.refusal import Refusal, RefusalReport, shown
from clearline.node.clock import SystemClock

__all__ = ["DemoDesk", "Teller"]

_RETRY_S: Final = 0.25
_TIMEOUT_S: Final = 15.0

T = TypeVar("T")


@final
class Teller:
    """Prints one line for each event: time (UTC), party, what."""

    def __init__(self, *, quiet: bool, width: int) -> None:
        self._quiet = quiet
        self._width = width
        self._clock = SystemClock()
        self._unread = False

    def event(self, party: str, what: str) -> None:
        """Print what a party said or what happened to it, unless quiet."""
        if not self._quiet:
            self.always(party, what)

    def always(self, party: str, what: str) -> None:
        """Print it in any case."""
        at = instant_text(self._clock.now_ms() // 1_000 * 1_000)[11:]
        self.line(f"{at}  {shown(party):<{self._width}}  {what}")

    def line(self, text: str) -> None:
        """Print a line. Where nobody reads any more (`demo | head`), the play goes on unread."""
        if self._unread:
            return
        try:
            click.echo(text)
        except BrokenPipeError:
            self._unread = True


@final
class DemoDesk:
    """A party's node, through its HTTP API. `close` when done."""

    def __init__(self, party: str, url: str, token: str) -> None:
        self.party = party
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ready(self) -> bool:
        """Say whether the node takes what is said."""
        try:
            return (await self._client.get("/readyz")).status_code == 200
        except httpx2.HTTPError:
            return False

    async def get(self, wanted: type[T], path: str, **query: str | int) -> T:
        """Return what is at `path`, as soon as the node answers.

        Raises:
            Refusal: what the node says no to.
        """
        return msgspec.json.decode(await self._asked("GET", path, params=query), type=wanted)

    async def post(self, path: str, body: object) -> bytes:
        """Say something, as soon as the node answers. Raises as `get`."""
        return await self._asked("POST", path, content=msgspec.json.encode(body))

    async def _asked(
        self, method: str, path: str, *, params: dict[str, str | int] | None = None, content: bytes | None = None
    ) -> bytes:
        headers = {"Content-Type": "application/json"}
        while True:
            try:
                response = await self._client.request(method, path, params=params, content=content, headers=headers)
            except httpx2.HTTPError:
                await asyncio.sleep(_RETRY_S)
                continue
            if response.status_code < 400:
                return response.content
            if response.status_code not in {429, 503}:
                raise _refusal(response.content)
            await asyncio.sleep(_RETRY_S)


def _refusal(body: bytes) -> Refusal:
    report = msgspec.json.decode(body, type=RefusalReport)
    return Refusal(report.code, field=report.field, found=report.found, allowed=shown(report.allowed))
