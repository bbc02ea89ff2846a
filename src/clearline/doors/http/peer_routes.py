"""The peer door: one operation, without token. The signature over the request is the identity (design.md §5)."""

from __future__ import annotations

from typing import Final

import structlog

from clearline.doors.http.answers import Answer
from clearline.doors.http.operation import Call, Door, Operation, Secured
from clearline.doors.http.reading import check_content_type, read_body
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.node.exchange import open_exchange, seal_answer
from clearline.node.http_peers import EXCHANGE_CONTENT_TYPE

__all__ = ["PEERS"]

_log = structlog.get_logger("clearline.peer_door")


async def _exchange(door: Door, call: Call) -> Answer:
    line_id: str = call.path["line_id"]
    outcome = "refused"
    try:
        check_content_type(call.headers, EXCHANGE_CONTENT_TYPE)
        source = await read_body(call.request.receive, call.headers, bytes_max=limits.REQUEST_BYTES_MAX)
        agreement = door.agreements.get(line_id)
        if agreement is None:
            # Which lines this node has is nobody's business who is not on them.
            raise Refusal(RefusalCode.LINE_UNKNOWN, field="line_id", found=line_id, allowed="a line of this node")
        node = door.desk.node
        request = open_exchange(
            source,
            own=door.desk.party,
            agreement=agreement,
            verifier=door.verifier,
            now_ms=node.clock.now_ms(),
        )
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
        raise
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
