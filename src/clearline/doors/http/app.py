"""The HTTP application: the table of operations on Litestar's routes, behind the gate."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from clearline.doors.console import CONSOLE_FILES
from clearline.doors.http.answers import JSON, Answer
from clearline.doors.http.console_files import console_file
from clearline.doors.http.events import EVENTS
from clearline.doors.http.gate import Gate, loopback_names, refused_path
from clearline.doors.http.openapi import openapi_document
from clearline.doors.http.operation import Door, Operation, Secured, handler_of
from clearline.doors.http.peer_routes import PEERS
from clearline.doors.http.reading_routes import READING, SESSIONS
from clearline.doors.http.speaking_routes import SPEAKING
from clearline.doors.http.statuses import STATUS_OF
from clearline.doors.http.upkeep_routes import UPKEEP
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["OPERATIONS", "SCHEMA_PATH", "allowed_methods", "http_application"]

SCHEMA_PATH: Final = "/schema/openapi.json"


async def _schema(door: Door, call: Any) -> Answer:  # noqa: ARG001  every operation is called alike
    return Answer(200, _document())


_SCHEMA: Final = Operation(
    name="schema",
    method="GET",
    path=SCHEMA_PATH,
    summary="This document.",
    perform=_schema,
    secured=Secured.OPEN,
    answers={200: dict[str, Any]},
    refusals=(),
)

OPERATIONS: Final = (*SPEAKING, *READING, *SESSIONS, *EVENTS, *PEERS, *UPKEEP, _SCHEMA)
"""The whole API."""

_METHODS: Final = {
    **dict.fromkeys(CONSOLE_FILES, "GET"),
    **{
        path: ", ".join(sorted({one.method for one in OPERATIONS if one.path == path}))
        for path in {one.path for one in OPERATIONS}
    },
}


def allowed_methods(path: str) -> str | None:
    """Return the methods that a path has, or None where there is no such path."""
    given = path.rstrip("/").split("/") if path != "/" else ["", ""]
    for known, methods in _METHODS.items():
        parts = known.split("/")
        if len(parts) == len(given) and all(
            part.startswith("{") or part == said for part, said in zip(parts, given, strict=True)
        ):
            return methods
    return None


def _document() -> bytes:
    return msgspec.json.encode(openapi_document(OPERATIONS))


def http_application(door: Door, *, loopback: bool, public_url: str | None, https: bool) -> Gate:
    """Return the ASGI application of one node."""
    litestar = Litestar(
        route_handlers=[*(_route(operation, door) for operation in OPERATIONS), _console()],
        openapi_config=None,
        exception_handlers={HTTPException: _refused_by_route},
        logging_config=None,
        # Bodies are read, within their limits, by the operations themselves.
        request_max_body_size=None,
        debug=False,
        pdb_on_exception=False,
    )
    hosts = loopback_names(public_url) if loopback else None
    return Gate(litestar, allowed=allowed_methods, hosts=hosts, https=https, on_bug=door.metrics.bugs.inc)


def _route(operation: Operation, door: Door) -> HTTPRouteHandler:
    path = operation.path
    for name in operation.path_names:
        path = path.replace(f"{{{name}}}", f"{{{name}:str}}")
    return HTTPRouteHandler(path, http_method=operation.method, name=operation.name, status_code=200)(
        handler_of(operation, door)
    )


def _console() -> HTTPRouteHandler:
    return HTTPRouteHandler(list(CONSOLE_FILES), http_method="GET", name="console")(console_file)


def _refused_by_route(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Say in our words what Litestar refuses by itself: paths and methods that do not exist."""
    method, path = str(request.scope["method"]), str(request.scope["path"])
    if error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        refusal = refused_path(path, method, allowed_methods(path))
    else:
        refusal = Refusal(RefusalCode.MALFORMED, field="request", found=error.detail, allowed="a request as described")
    headers = {"Allow": refusal.allowed} if refusal.code is RefusalCode.METHOD_NOT_ALLOWED else {}
    return Response(
        msgspec.json.encode(refusal.report()), media_type=JSON, status_code=STATUS_OF[refusal.code], headers=headers
    )
