"""What operators and machines ask: does it live, is it ready, how does it fare, what can it do."""

from __future__ import annotations

from typing import Final

from clearline.doors.http.answers import Answer, answer_json
from clearline.doors.http.metrics import METRICS_CONTENT_TYPE, PeerMeasure
from clearline.doors.http.operation import Call, Door, Operation, Secured
from clearline.doors.http.wire import Health, Readiness
from clearline.line.views import LinkState

__all__ = ["UPKEEP"]


async def _healthz(door: Door, call: Call) -> Answer:  # noqa: ARG001  every operation is called alike
    return answer_json(Health())


async def _readyz(door: Door, call: Call) -> Answer:  # noqa: ARG001  every operation is called alike
    why = door.desk.why_not_ready()
    return answer_json(Readiness(ready=not why, why=why), status=503 if why else 200)


async def _metrics(door: Door, call: Call) -> Answer:  # noqa: ARG001  every operation is called alike
    metrics = door.metrics
    metrics.ready.set(0 if door.desk.why_not_ready() else 1)
    node = door.desk.node
    metrics.log_size.set(node.writer.committed)
    metrics.restarts.set(node.restarts)
    metrics.set_sky(await door.desk.measure())
    for line in (await door.desk.status()).lines:
        for party in line.parties:
            link = node.links.get((line.line_id, party.party_id))
            if link is not None:
                metrics.set_peer(
                    PeerMeasure(
                        line_id=line.line_id,
                        peer=party.party_id,
                        undelivered=party.undelivered,
                        failures=link.failures,
                        open=party.link is LinkState.OPEN,
                    )
                )
    return Answer(200, metrics.text(), content_type=METRICS_CONTENT_TYPE)


UPKEEP: Final = (
    Operation(
        name="healthz",
        method="GET",
        path="/healthz",
        summary="The process answers.",
        perform=_healthz,
        secured=Secured.OPEN,
        answers={200: Health},
        refusals=(),
    ),
    Operation(
        name="readyz",
        method="GET",
        path="/readyz",
        summary="200 while the node takes what is said; else 503 with LOADING, HALTED, STORE_FAILING or STOPPING.",
        perform=_readyz,
        secured=Secured.OPEN,
        answers={200: Readiness, 503: Readiness},
        refusals=(),
    ),
    Operation(
        name="metrics",
        method="GET",
        path="/metrics",
        summary="Measures for Prometheus; needs a token.",
        perform=_metrics,
        secured=Secured.READS,
        answers={200: None},
        content_type=METRICS_CONTENT_TYPE,
        refusals=(),
    ),
)
