"""Who may do what: tokens and roles, console sessions, the header beside the cookie, and the host name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from clearline.doors.http.app import OPERATIONS
from clearline.doors.http.operation import Operation, Secured
from clearline.model import limits
from tests.http.parties import LINE, Desk, alone, declaration, desks, run

ID = "00000000-0000-4000-8000-000000000001"


def filled(operation: Operation) -> str:
    """Return the path of an operation with values that name nothing."""
    values = {"line_id": LINE, "owner": "north", "notice_id": ID, "finding_id": "0" * 16, "log_index": "0"}
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def test_every_operation_but_the_open_ones_needs_a_token(tmp_path: Path) -> None:
    """Each one, without token, with an unknown one and with another scheme: 401, and the same answer in all."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            for operation in OPERATIONS:
                for headers in (
                    {},
                    {"Authorization": "Bearer clearline-wrong"},
                    {"Authorization": "Basic bm9ydGg6eA=="},
                ):
                    answer = await client.request(operation.method, filled(operation), headers=headers, content=b"{}")
                    refused = answer.status_code == 401 and answer.json()["code"] == "NOT_AUTHENTICATED"
                    assert refused is (operation.secured is not Secured.OPEN), (operation.name, answer.text)
                    if refused:
                        assert answer.headers["www-authenticate"].startswith("Bearer")

    run(story())


SAYS = [
    ("/v1/notices", declaration()),
    (f"/v1/notices/{ID}/amend", {"version": 2, "volumes": declaration()["volumes"]}),
    (f"/v1/notices/{ID}/cancel", {"version": 3}),
]
HEARS: list[tuple[str, dict[str, Any] | None]] = [
    (f"/v1/notices/{LINE}/south/{ID}/read-back", None),
    (f"/v1/notices/{LINE}/south/{ID}/noted", {"version": 1}),
]
FIELDS = {
    "south": 1.0,
    "west": 1.0,
    "north": 2.0,
    "east": 2.0,
    "lower": "FL100",
    "upper": "FL200",
    "from_time": "2030-01-01T10:00:00Z",
    "until_time": "2030-01-01T11:00:00Z",
}


@pytest.mark.parametrize(
    ("role", "says", "hears"), [("WATCH", True, True), ("PLANNER", True, False), ("OBSERVER", False, False)]
)
def test_roles_say_what_they_may(tmp_path: Path, *, role: str, says: bool, hears: bool) -> None:
    """R1: the watch says everything, a planner only what is about its own notices, an observer nothing."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(role) as client, desk.client() as watch:
            await watch.post("/v1/notices", json=declaration(notice_id=ID))
            for path, body in SAYS:
                answer = await client.post(path, json=body)
                assert (answer.status_code == 403) is not says, answer.text
                if not says:
                    assert answer.json()["code"] == "ROLE_FORBIDS"
            for path, heard in HEARS:
                answer = await client.post(path, json=heard or {"version": 1, "fields": FIELDS})
                assert answer.json()["code"] == ("NOTICE_UNKNOWN" if hears else "ROLE_FORBIDS")
            assert (await client.get("/v1/picture")).json()["role"] == role

    run(story())


async def signed_in(desk: Desk, client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/v1/session", json={"token": desk.tokens["WATCH"]})


def test_a_session_reads_and_with_the_header_changes(tmp_path: Path) -> None:
    """A cookie alone changes nothing: another site's page could send it, but not the header."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            answer = await signed_in(desk, client)
            assert answer.json() == {"party": "north", "name": "watch", "role": "WATCH"}
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("clearline-north=")
            assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
            assert desk.tokens["WATCH"] not in cookie
            assert (await client.get("/v1/session")).json()["role"] == "WATCH"
            assert (await client.get("/v1/picture")).status_code == 200
            bare = await client.post("/v1/notices", json=declaration())
            assert (bare.status_code, bare.json()["field"]) == (403, "Clearline-Console")
            header = {"Clearline-Console": "1"}
            assert (await client.post("/v1/notices", json=declaration(), headers=header)).status_code == 201
            assert (await client.delete("/v1/session")).status_code == 403
            out = await client.delete("/v1/session", headers=header)
            assert (out.status_code, out.content) == (204, b"")
            assert "Max-Age=0" in out.headers["set-cookie"]
            again = await client.get("/v1/picture", headers={"Cookie": cookie.split(";")[0]})
            assert again.status_code == 401

    run(story())


def test_a_session_ends_by_itself_and_the_oldest_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(limits, "SESSIONS_MAX", 1)
        async with alone(tmp_path) as desk, desk.client(None) as first, desk.client(None) as second:
            await signed_in(desk, first)
            assert (await first.get("/v1/session")).status_code == 200
            monkeypatch.setattr(limits, "SESSION_MS_MAX", -1)
            await signed_in(desk, second)
            assert (await first.get("/v1/session")).status_code == 401
            late = await second.get("/v1/session", headers={"Cookie": "clearline-north=unknown"})
            assert late.json()["found"] == "a session that has ended"
            assert (await second.get("/v1/session")).status_code == 401

    run(story())


def test_sessions_of_two_nodes_on_one_machine_are_apart(tmp_path: Path) -> None:
    """Cookies know no ports: each party's has its own name."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south), north.client(None) as browser:
            await signed_in(north, browser)
            answer = await browser.post(f"{south.url}/v1/session", json={"token": south.tokens["OBSERVER"]})
            assert answer.status_code == 200
            assert (await browser.get(f"{north.url}/v1/session")).json()["party"] == "north"
            assert (await browser.get(f"{south.url}/v1/session")).json()["party"] == "south"

    run(story())


def test_a_wrong_token_opens_no_session(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            answer = await client.post("/v1/session", json={"token": "clearline-no"})
            assert (answer.status_code, answer.json()["field"]) == (401, "token")
            assert "set-cookie" not in answer.headers
            form = await client.post("/v1/session", data={"token": desk.tokens["WATCH"]})
            assert (form.status_code, form.json()["field"]) == (400, "Content-Type")

    run(story())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("LOCALHOST.:80", 200),
        ("[::1]:8701", 200),
        ("evil.example", 404),
        ("127.0.0.1.evil.example", 404),
        ("localhost@evil.example", 404),
        ("", 404),
    ],
)
def test_on_loopback_only_loopback_names_are_answered(tmp_path: Path, host: str, status: int) -> None:
    """DNS rebinding: a page whose own name was made to lead to 127.0.0.1 reaches nothing."""

    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            assert (await client.get("/healthz", headers={"Host": host})).status_code == status

    run(story())
