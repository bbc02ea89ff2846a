"""The way to peers over HTTP.

Rules
 * The peer's key is its identity: an answer counts only when it is signed for this very request. TLS (https
   addresses) is a fence against onlookers and proves nothing here.
 * Several addresses of one peer are paths (R11), tried in turn; the one that answered last is tried first.
 * Everything a peer sends is bounded: bytes, time, redirects (none). Proxies of the environment are not used.
 * A refusal that the peer states is handed on as `Refusal`; everything else that is not an answer is
   `PeerUnreachable`: nothing is known of what arrived.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

import httpx2
import msgspec
import structlog

from clearline.ledger.keys import Signer, Verifier
from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.refusal import Refusal, RefusalCode, RefusalReport
from clearline.node.exchange import Exchange, ExchangeAnswer, open_answer, seal_exchange
from clearline.node.ports import PeerUnreachable

__all__ = ["EXCHANGE_CONTENT_TYPE", "HttpPeers", "PeerRoute", "exchange_path"]

EXCHANGE_CONTENT_TYPE = "application/vnd.clearline.exchange"
_CONNECT_S = 5.0
"""A path that does not even open in this time gives the next one its turn."""

_log = structlog.get_logger("clearline.peer")


def exchange_path(line_id: str) -> str:
    """Return the path of the peer door, below a node's address."""
    return f"/v1/lines/{line_id}/exchange"


class PeerRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One line as the transport needs it."""

    agreement: LineAgreement
    addresses: dict[str, tuple[str, ...]]


@final
class HttpPeers:
    """`node.ports.PeerTransport` over HTTP/1.1. `close` when done."""

    def __init__(
        self,
        routes: Sequence[PeerRoute],
        *,
        signer: Signer,
        verifier: Verifier,
        ca_file: Path | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._routes: Mapping[str, PeerRoute] = {route.agreement.line_id: route for route in routes}
        self._signer = signer
        self._verifier = verifier
        self._preferred: dict[tuple[str, str], int] = {}
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
        self._client = httpx2.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(limits.PEER_TIMEOUT_MS / 1_000, connect=_CONNECT_S),
            limits=httpx2.Limits(max_connections=limits.LINES_MAX * 2, keepalive_expiry=limits.PULL_INTERVAL_MS / 500),
            headers={"User-Agent": "clearline", "Accept-Encoding": "identity"},
            transport=transport,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def exchange(self, peer: str, request: Exchange) -> ExchangeAnswer:
        """Hand over envelopes and bring back what is missing; see `PeerTransport`."""
        line_id = request.head.line_id
        route = self._routes[line_id]
        addresses = route.addresses.get(peer, ())
        if not addresses:
            raise PeerUnreachable(f"no address of {peer} is configured: it has to call us")
        body = seal_exchange(request, self._signer)
        first = self._preferred.get((line_id, peer), 0)
        unreachable: list[str] = []
        for step in range(len(addresses)):
            place = (first + step) % len(addresses)
            try:
                source = await self._post(addresses[place] + exchange_path(line_id), body)
                answer = self._opened(source, request, route)
            except PeerUnreachable as error:
                unreachable.append(f"{addresses[place]}: {error}")
                continue
            self._preferred[(line_id, peer)] = place
            return answer
        raise PeerUnreachable("; ".join(unreachable))

    def _opened(self, source: bytes, request: Exchange, route: PeerRoute) -> ExchangeAnswer:
        try:
            return open_answer(source, request.head, agreement=route.agreement, verifier=self._verifier)
        except Refusal as refusal:
            # Somebody else answers at this address, or the answer was changed on its way.
            raise PeerUnreachable(f"not its answer: {refusal}") from None

    async def _post(self, url: str, body: bytes) -> bytes:
        try:
            # The client's own limits are for each read; a peer that drips is cut off by the whole time.
            async with (
                asyncio.timeout(limits.PEER_TIMEOUT_MS / 1_000),
                self._client.stream(
                    "POST", url, content=body, headers={"Content-Type": EXCHANGE_CONTENT_TYPE}
                ) as response,
            ):
                source = await _bounded(response)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            raise PeerUnreachable(f"{type(error).__name__} {error}".strip()) from None
        if response.status_code == httpx2.codes.OK:
            return source
        raise _refusal(source, response.status_code)


async def _bounded(response: httpx2.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > limits.REQUEST_BYTES_MAX:
            raise PeerUnreachable(f"an answer of more than {limits.REQUEST_BYTES_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _refusal(source: bytes, status: int) -> Refusal | PeerUnreachable:
    """Read a peer's refusal. It is not signed: it slows us down and changes nothing else."""
    try:
        report = msgspec.json.decode(source, type=RefusalReport)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return PeerUnreachable(f"HTTP status {status} without a reason")
    if report.code in {RefusalCode.OVERLOADED, RefusalCode.STOPPING, RefusalCode.KERNEL_NOT_READY}:
        return PeerUnreachable(f"{report.code}: ask again later")
    return Refusal(report.code, field=report.field, found=report.found, allowed=report.allowed)
