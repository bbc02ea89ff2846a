"""The gate alone: every answer is guarded, and what breaks behind it is told without a trace."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from clearline.doors.http.gate import SECURITY_HEADERS, Gate, loopback_names
from tests.http.parties import run


def asked(app: Any, *, https: bool = False, hosts: frozenset[str] | None = None, **more: Any) -> httpx2.Response:
    """Ask an application behind a gate; counted bugs come back as a header."""
    bugs: list[None] = []

    async def story() -> httpx2.Response:
        gate = Gate(app, allowed=lambda _: "GET", hosts=hosts, https=https, on_bug=lambda: bugs.append(None))
        whole: Any = gate
        transport = httpx2.ASGITransport(app=whole, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://node.example") as client:
            return await client.get("/", **more)

    response = run(story())
    response.headers["bugs"] = str(len(bugs))
    return response


async def fine(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"no-cache")]})
    await send({"type": "http.response.body", "body": b"fine"})


async def broken(scope: Any, receive: Any, send: Any) -> None:
    raise ZeroDivisionError("secret detail")


async def half(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ZeroDivisionError("secret detail")


def test_headers_are_added_where_the_answer_has_none_of_its_own() -> None:
    answer = asked(fine)
    assert answer.headers["cache-control"] == "no-cache"
    for name in SECURITY_HEADERS.keys() - {"cache-control"}:
        assert answer.headers[name] == SECURITY_HEADERS[name]
    assert "strict-transport-security" not in answer.headers
    assert "strict-transport-security" in asked(fine, https=True).headers


def test_what_breaks_is_500_with_a_reference() -> None:
    answer = asked(broken)
    assert (answer.status_code, answer.json()["code"], answer.headers["bugs"]) == (500, "INTERNAL", "1")
    assert "secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_half_an_answer_is_not_made_whole() -> None:
    """The connection breaks: no reader takes it for all there was."""
    assert asked(half).headers["bugs"] == "1"


@pytest.mark.parametrize(
    ("public_url", "known"),
    [(None, False), ("https://node.example", True), ("https://NODE.example:8443/x", True), ("https://other", False)],
)
def test_a_public_name_is_answered_to(public_url: str | None, known: bool) -> None:
    names = loopback_names(public_url)
    assert (asked(fine, hosts=names).status_code == 200) is known
    assert asked(fine, hosts=names, headers={"Host": "[::1]:80"}).status_code == 200


def test_heads_that_are_too_long_are_refused() -> None:
    answer = asked(fine, headers={"X": "x" * 20_000})
    assert (answer.status_code, answer.json()["field"]) == (413, "headers")
