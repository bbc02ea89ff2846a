"""The peer door: one operation, without token. The signature over the request is the identity (design.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from clearline.doors.http.answers import Answer
from clearline.doors.http.operation import Call, Door, Operation, Secured
from clearline.doors.http.reading import check_content_type, read_body
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.exchange import Exchange, open_exchange, seal_answer
from clearline.node.http_peers import EXCHANGE_CONTENT_TYPE

__all__ = ["PEERS"]

_log = structlog.get_logger("clearline.peer_door")
_STORE_CODES: Final = frozenset(code for code in RefusalCode if code.startswith("STORE_"))


def _check_sender(opened: Callable[[bytes], Exchange], begun: bytes) -> None:
    """Refuse a long request whose first line, which is the signed one, will not do; before the rest is taken.

    Raises:
        Refusal: as `open_exchange`.
    """
    first, ended, _ = begun.partition(b"\n")
    if not ended:
        raise Refusal(RefusalCode.OVER_LIMIT, field="head", found=f"more than {len(first)} bytes", allowed="one line")
    try:
        opened(first)
    except Refusal as refusal:
        if refusal.field != "envelopes_digest":  # the envelopes are still on their way; everything before them is right
            raise


def _for_a_peer(refusal: Refusal) -> Refusal:
    """Return what a peer is told: that our store will not write, and not where on our disk it lies."""
    if refusal.code not in _STORE_CODES:
        return refusal
    return Refusal(refusal.code, field="store", found="this node cannot write", allowed="ask again later")


async def _exchange(door: Door, call: Call) -> Answer:
    line_id: str = call.path["line_id"]
    outcome = "refused"
    try:
        check_content_type(call.headers, EXCHANGE_CONTENT_TYPE)
        agreement = door.agreements.get(line_id)
        if agreement is None:
            # Which lines this node has is nobody's business who is not on them.
            raise Refusal(RefusalCode.LINE_UNKNOWN, field="line_id", found=line_id, allowed="a line of this node")
        node = door.desk.node
        opened = partial(
            open_exchange,
            own=door.desk.party,
            agreement=agreement,
            verifier=door.verifier,
            now_ms=node.clock.now_ms(),
        )
        source = await read_body(
            call.request.receive,
            call.headers,
            bytes_max=limits.REQUEST_BYTES_MAX,
            look_early=partial(_check_sender, opened),
        )
        request = opened(source)
        answer = await node.receive(request)
        outcome = "taken" if answer.head.refused is None else "partly taken"
        if answer.head.refused is not None:
            door.metrics.refused(answer.head.refused.code)
            _log.warning(
                "exchange not taken whole", line=line_id, peer=request.head.from_party, refused=answer.head.refused
            )
        return Answer(200, seal_answer(answer, door.signer), content_type=EXCHANGE_CONTENT_TYPE)
    except Refusal as refusal:
        client = call.request.scope.get("client")
        _log.warning("exchange refused", line=line_id, client=client and client[0], refusal=str(refusal))
        raise _for_a_peer(refusal) from None
    finally:
        door.metrics.exchanged(line_id if line_id in door.agreements else "unknown", outcome)


PEERS: Final = (
    Operation(
        name="exchange",
        method="POST",
        path="/v1/lines/{line_id}/exchange",
        summary="For peers: hand over envelopes and take back what is missing (docs/spec/exchange.md).",
        perform=_exchange,
        secured=Secured.OPEN,
        raw_body=EXCHANGE_CONTENT_TYPE,
        answers={200: None},
        content_type=EXCHANGE_CONTENT_TYPE,
        refusals=(400, 403, 404, 409, 413, 429),
    ),
)
