"""A node for the console's tests: the console's part of the HTTP API over scripted data, and nothing behind it.

Rules
 * It serves the page exactly as the product does: `CONSOLE_FILES` with `CONSOLE_HEADERS`.
 * Everything that changes gets a log index and goes out as an event, as in a real node.
 * It judges a read-back with the product's own `wrong_field`; it signs and proves nothing.

Use by hand: `python -m tests.console.fake_node 8765`, then open the address it prints.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, MediaType, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.response import Stream

from clearline.doors.console import CONSOLE_FILES, CONSOLE_HEADERS
from clearline.line.read_back import wrong_field
from clearline.model.message import ReadBackFields
from tests.console import scene
from tests.console.scene import OWN, PEER, View

TOKEN = "watch-token-of-the-fixture"
COOKIE = "clearline-session"
STATUS_S = 2.0
STATES_AFTER = {"activate": "Activated", "release": "Ended", "cancel": "Ended"}


class Refused(Exception):
    """A coded refusal with its status."""

    def __init__(self, status: int, code: str, *, field: str = "", found: str = "", allowed: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.report = {"code": code, "field": field, "found": found, "allowed": allowed}


class _Server(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, config: uvicorn.Config, started_event: threading.Event) -> None:
        super().__init__(config)
        self._started_event = started_event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started_event.set()


class FakeNode:
    """The scripted state and the server thread. Methods may be called from the test's thread."""

    def __init__(
        self, *, role: str = "WATCH", flights: tuple[scene.Flight, ...] | list[scene.Flight] = scene.FLIGHTS
    ) -> None:
        self.role = role
        self.clock_offset_ms = 0
        self.is_silent = False
        self.halted: View | None = None
        self.store_failure: str | None = None
        self.requests: list[str] = []
        self.bodies: list[tuple[str, Any]] = []
        self.notices: dict[str, View] = {}
        self.findings: dict[str, View] = {}
        self.entries: list[View] = []
        self.lines = [scene.line_view(self.now_ms())]
        self.streams: set[asyncio.Queue[tuple[str, View] | None]] = set()
        self.port = _free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        for flight in flights:
            self.add_notice(flight)

    # --- the scripted state

    def now_ms(self) -> int:
        """Return the fixture's time: the machine's, shifted by `clock_offset_ms`."""
        return time.time_ns() // 1_000_000 + self.clock_offset_ms

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def add_notice(self, flight: scene.Flight) -> View:
        """Declare a notice and tell of it."""
        view = scene.notice_view(flight, self.now_ms(), len(self.entries))
        self.put_notice(view, "AREA_NOTICE")
        return view

    def put_notice(self, view: View, kind: str, *, by: str = "") -> None:
        """Record an entry that changes a notice."""
        view["changed_index"] = len(self.entries)
        self.notices[view["notice_id"]] = view
        self._entry(kind, by or view["owner"], notices=[view["notice_id"]])

    def add_finding(self, own: View, received: View) -> View:
        """Find that two notices are too close: the own one is no longer cleared."""
        view = scene.finding_view(own, received, self.now_ms(), len(self.entries))
        own["status"] = "CONFLICT"
        own["uncleared_because"] = [{"code": "FINDING_OPEN", "party": PEER, "finding_id": view["finding_id"]}]
        own["changed_index"] = len(self.entries)
        self.put_finding(view, "CONFLICT", by=PEER)
        return view

    def put_finding(self, view: View, kind: str, *, by: str) -> None:
        """Record an entry that changes a finding."""
        view["changed_index"] = len(self.entries)
        self.findings[view["finding_id"]] = view
        self._entry(kind, by, notices=[view["key"]["notice_a"], view["key"]["notice_b"]], findings=[view["finding_id"]])

    def notice(self, owner: str, place: int) -> View:
        """Return the n-th notice of a party."""
        return [view for view in self.notices.values() if view["owner"] == owner][place]

    def _entry(self, kind: str, party: str, *, notices: list[str], findings: list[str] | None = None) -> None:
        view: View = {
            "log_index": len(self.entries),
            "received_at_ms": self.now_ms(),
            "line_id": scene.LINE,
            "from_party": party,
            "own": party == OWN,
            "type": kind,
            "sequence": len(self.entries) + 1,
            "digest": f"{len(self.entries):064x}",
            "notice_ids": notices,
            "finding_ids": findings or [],
            "rejected": None,
        }
        self.entries.append(view)
        self.tell("entry", view)

    def tell(self, event: str, view: View) -> None:
        """Send an event to every open stream."""
        if self._loop is None:
            return
        for stream in list(self.streams):
            self._loop.call_soon_threadsafe(stream.put_nowait, (event, view))

    def status(self) -> View:
        """Return the node and its lines."""
        return {
            "party": OWN,
            "now_ms": self.now_ms(),
            "log_size": len(self.entries),
            "halted": self.halted,
            "store_failure": self.store_failure,
            "lines": self.lines,
        }

    def picture(self, since: int) -> View:
        """Return the picture, or what changed since."""
        return {
            "party": OWN,
            "role": self.role,
            "now_ms": self.now_ms(),
            "log_size": len(self.entries),
            "halted": self.halted,
            "lines": self.lines,
            "notices_more": False,
            "findings_more": False,
            "notices": [view for view in self.notices.values() if view["changed_index"] >= since],
            "findings": [view for view in self.findings.values() if view["changed_index"] >= since],
        }

    # --- what the officer does

    def read_back(self, view: View, body: View) -> None:
        """Judge a read-back as the product does; a wrong one is recorded too."""
        said = msgspec.convert(body["fields"], ReadBackFields)
        wrong = wrong_field(msgspec.convert(view["read_back_fields"], ReadBackFields), said)
        mine = view["acknowledgements"][0]
        mine.update(read_back="WRONG" if wrong else "OK", read_back_at_ms=self.now_ms(), wrong_field=wrong)
        self.put_notice(view, "READ_BACK", by=OWN)

    def noted(self, view: View) -> None:
        """Take a NOTED."""
        view["acknowledgements"][0]["noted_at_ms"] = self.now_ms()
        self.put_notice(view, "NOTED", by=OWN)

    def change(self, view: View, verb: str, version: int) -> None:
        """Activate, release or cancel an own notice."""
        if version != view["version"] + 1:
            raise Refused(
                409, "VERSION_NOT_NEXT", field="version", found=str(version), allowed=str(view["version"] + 1)
            )
        view.update(version=version, state=STATES_AFTER[verb])
        if view["state"] == "Ended":
            view.update(status="ENDED", uncleared_because=[])
        self.put_notice(view, verb.upper())

    def sign(self, view: View, party: str, terms: View) -> None:
        """Add one party's signature; the same terms by both resolve the finding."""
        names = ("code", "first_party", "level", "above_party", "frequency_khz")
        signed = {name: terms.get(name) for name in names}
        others = [item for item in view["resolutions"] if item["party"] != party]
        mine = {"party": party, **signed, "signed_at_ms": self.now_ms(), "log_index": len(self.entries)}
        view["resolutions"] = [*others, mine]
        if any(all(item[name] == signed[name] for name in names) for item in others):
            view["state"] = "RESOLVED"
            own = self.notices[view["key"]["notice_a"]]
            own.update(status="CLEARED", uncleared_because=[], changed_index=len(self.entries))
        self.put_finding(view, "RESOLUTION", by=party)

    # --- the server

    def start(self) -> None:
        """Serve in a thread; return when requests are answered."""
        config = uvicorn.Config(
            _app(self),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            timeout_graceful_shutdown=0,
            lifespan="off",
        )
        started = threading.Event()
        self._server = _Server(config, started)

        async def serve(server: uvicorn.Server) -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(self._server),), daemon=True)
        self._thread.start()
        if not started.wait(20):
            raise RuntimeError("the fixture node did not start")

    def stop(self) -> None:
        """Go away, as a node does whose machine loses power: open streams break."""
        if self._server is None or self._thread is None or self._loop is None:
            return
        self._server.should_exit = True
        self._server.force_exit = True
        for stream in list(self.streams):
            self._loop.call_soon_threadsafe(stream.put_nowait, None)
        self._thread.join(20)
        self._server = self._thread = self._loop = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _node(state: State, request: Request[Any, Any, Any], *, free: bool = False) -> FakeNode:
    node: FakeNode = state.node
    node.requests.append(f"{request.method} {request.url.path}")
    if not free and request.cookies.get(COOKIE) != TOKEN:
        raise Refused(401, "NOT_AUTHENTICATED")
    if request.method != "GET" and request.headers.get("clearline-console") != "1":
        raise Refused(403, "ROLE_FORBIDS", field="Clearline-Console")
    return node


def _refused(_: Request[Any, Any, Any], refused: Refused) -> Response[View]:
    return Response(refused.report, status_code=refused.status)


def _own(node: FakeNode, notice_id: str) -> View:
    if notice_id not in node.notices:
        raise Refused(404, "NOTICE_UNKNOWN", field="notice_id", found=notice_id)
    return node.notices[notice_id]


@get(["/", "/{path:path}"], media_type=MediaType.HTML, sync_to_thread=False)
def page(path: str = "/") -> Response[bytes]:
    """Serve the console as the product does."""
    file = CONSOLE_FILES.get(path or "/")
    if file is None:
        raise NotFoundException
    return Response(file.location.read_bytes(), media_type=file.content_type, headers=dict(CONSOLE_HEADERS))


@post("/v1/session", status_code=200)
async def session(request: Request[Any, Any, Any], state: State) -> Response[View]:
    """Open a session by cookie."""
    _node(state, request, free=True)
    if (await request.json()).get("token") != TOKEN:
        raise Refused(401, "NOT_AUTHENTICATED", field="token")
    response: Response[View] = Response({})
    response.set_cookie(COOKIE, TOKEN, httponly=True, samesite="strict")
    return response


@delete("/v1/session")
async def sign_out(request: Request[Any, Any, Any], state: State) -> Response[None]:
    """End the session."""
    _node(state, request)
    response: Response[None] = Response(None, status_code=204)
    response.delete_cookie(COOKIE)
    return response


@get("/v1/picture")
async def picture(request: Request[Any, Any, Any], state: State, since: int = 0) -> View:
    """Return the picture."""
    return _node(state, request).picture(since)


@get("/v1/log")
async def log(request: Request[Any, Any, Any], state: State, limit: int = 100) -> View:
    """Return a page of the log."""
    start = int(request.query_params.get("from", 0))
    return {"entries": _node(state, request).entries[start : start + limit]}


@get("/v1/events")
async def events(request: Request[Any, Any, Any], state: State) -> Stream:
    """Stream what comes, after what was missed since `Last-Event-ID`."""
    node = _node(state, request)
    missed = int(request.headers.get("last-event-id", len(node.entries) - 1)) + 1
    queue: asyncio.Queue[tuple[str, View] | None] = asyncio.Queue()
    node.streams.add(queue)

    async def lines() -> AsyncIterator[str]:
        try:
            yield "retry: 200\n\n"
            for entry in node.entries[missed:]:
                yield _event("entry", entry)
            yield _event("status", node.status())
            while True:
                try:
                    item = await asyncio.wait_for(queue.get(), STATUS_S)
                except TimeoutError:
                    item = ("status", node.status())
                if item is None:
                    return
                if not node.is_silent:
                    yield _event(*item)
        finally:
            node.streams.discard(queue)

    return Stream(lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _event(name: str, view: View) -> str:
    number = f"id: {view['log_index']}\n" if "log_index" in view else ""
    return f"{number}event: {name}\ndata: {json.dumps(view)}\n\n"


@post("/v1/notices/{line:str}/{owner:str}/{notice_id:str}/{verb:str}", status_code=200)
async def on_received(request: Request[Any, Any, Any], state: State, notice_id: str, verb: str) -> View:
    """Take a read-back or NOTED."""
    node = _node(state, request)
    body = await request.json()
    node.bodies.append((verb, body))
    view = _own(node, notice_id)
    if body.get("version") != view["version"]:
        raise Refused(409, "VERSION_NOT_NEXT", field="version", found=str(body.get("version")))
    if verb == "read-back":
        node.read_back(view, body)
    else:
        node.noted(view)
    return view


@post("/v1/notices/{notice_id:str}/{verb:str}", status_code=200)
async def on_own(request: Request[Any, Any, Any], state: State, notice_id: str, verb: str) -> View:
    """Change an own notice."""
    node = _node(state, request)
    body = await request.json()
    node.bodies.append((verb, body))
    view = _own(node, notice_id)
    node.change(view, verb, body.get("version"))
    return view


@post("/v1/findings/{finding_id:str}/resolution", status_code=200)
async def on_finding(request: Request[Any, Any, Any], state: State, finding_id: str) -> View:
    """Take the own signature under terms."""
    node = _node(state, request)
    body = await request.json()
    node.bodies.append(("resolution", body))
    view = node.findings[finding_id]
    node.sign(view, OWN, body)
    return view


def _app(node: FakeNode) -> Litestar:
    return Litestar(
        [page, session, sign_out, picture, log, events, on_received, on_own, on_finding],
        state=State({"node": node}),
        exception_handlers={Refused: _refused},
        openapi_config=None,
    )


def main(arguments: list[str]) -> int:
    """Serve the scene until interrupted; `many` as second argument adds 3,000 notices."""
    flights = [*scene.FLIGHTS, *(scene.many_flights(3_000, 1) if "many" in arguments else [])]
    node = FakeNode(flights=flights)
    node.port = int(arguments[0]) if arguments else node.port
    node.add_finding(node.notice(OWN, 0), node.notice(PEER, 0))
    node.start()
    sys.stdout.write(f"{node.url}#token={TOKEN}\n")
    sys.stdout.flush()
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
