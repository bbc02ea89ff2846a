"""The OpenAPI document is true: generated requests, good and bad, are answered as it says, and never by accident.

The node runs on a loop of its own thread; the requests come over loopback. The examples are the same in every run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings, strategies
from schemathesis.specs.openapi.checks import positive_data_acceptance

from clearline.doors.http.app import OPERATIONS, SCHEMA_PATH
from clearline.doors.http.openapi import openapi_document
from clearline.node.http_peers import EXCHANGE_CONTENT_TYPE
from tests.http.parties import WAIT_S, Desk, alone, run

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi_document(OPERATIONS)))
CONFIG = schemathesis.Config.from_dict(
    # What schemathesis expects of bad data, and 413 for what is too much of it.
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 413, 429]}}}
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
ENDLESS = "/v1/events"
"""A good request for it is never answered to the end; tests/http/test_events.py has it."""
EXAMPLES = 12
Case = schemathesis.Case[Any]

schemathesis.openapi.media_type(EXCHANGE_CONTENT_TYPE, strategies.binary(max_size=2_000))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Run a node beside the tests."""
    ready: list[Desk] = []
    up, down = threading.Event(), threading.Event()

    async def stay() -> None:
        async with alone(tmp_path_factory.mktemp("schema")) as desk:
            ready.append(desk)
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=lambda: asyncio.run(stay()), name="node")
    thread.start()
    try:
        assert up.wait(WAIT_S)
        yield ready[0]
    finally:
        down.set()
        thread.join(WAIT_S)


@SCHEMA.exclude(path=ENDLESS).parametrize()
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_requests_are_answered_as_described(case: Case, desk: Desk) -> None:
    """Everything that schemathesis checks, but one thing: a schema says the form, and cannot say that a ring must not
    cross itself or that an end comes after its start; so not all that has the form is taken."""
    case.call_and_validate(
        base_url=desk.url,
        headers={"Authorization": f"Bearer {desk.tokens['WATCH']}"},
        excluded_checks=[positive_data_acceptance],
    )


def test_the_node_stands_after_all_of_it(desk: Desk) -> None:
    assert desk.served.node.restarts == 0
    assert desk.served.metrics.bugs._value.get() == 0
    assert desk.served.desk.why_not_ready() == ""


def test_the_document_is_served_and_whole(tmp_path: Path) -> None:
    """Each route is described, with every refusal that it can have, and every reference leads somewhere."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            assert (await client.get(SCHEMA_PATH)).json() == DOCUMENT

    run(story())
    assert {(one.path, one.method.lower()) for one in OPERATIONS} == {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    text = msgspec.json.encode(DOCUMENT).decode()
    for name in DOCUMENT["components"]["schemas"]:
        assert text.count(f'"#/components/schemas/{name}"') >= 1, name
    assert "\\\\Z" not in text
