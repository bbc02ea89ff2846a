"""One operation of the API: what it takes, who may ask, what it answers, and how a request becomes a call of it.

Rules
 * Order: who calls, then path and query, then the body; nobody without a token learns what a body should look like.
 * An operation returns an answer or raises a `Refusal`; anything else is a bug, told under a reference number.
 * The same table makes the routes and the OpenAPI document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

import msgspec
import structlog
from litestar import Request
from litestar.types import ASGIApp

from clearline.doors.http.access import Access, Caller
from clearline.doors.http.answers import Answer, StreamedAnswer, answer_refusal, bug_answer
from clearline.doors.http.desk import Desk
from clearline.doors.http.metrics import Metrics
from clearline.doors.http.proofs import ProofTree
from clearline.doors.http.reading import read_json, read_path, read_query
from clearline.doors.http.wire import FindingId, LogIndex, NoQuery
from clearline.ledger.keys import Signer, Verifier
from clearline.model import limits
from clearline.model.agreement import LineAgreement
from clearline.model.identity import LineId, NoticeId, PartyId
from clearline.model.refusal import Refusal
from clearline.node.ports import Chance

__all__ = ["PATH_TYPES", "Call", "Door", "Operation", "Secured", "handler_of"]

_log = structlog.get_logger("clearline.http")

PATH_TYPES: Final[dict[str, Any]] = {
    "line_id": LineId,
    "owner": PartyId,
    "notice_id": NoticeId,
    "finding_id": FindingId,
    "log_index": LogIndex,
}
"""Every name that stands in a path, and what it may be."""


class Secured(Enum):
    """Who may call an operation."""

    OPEN = "OPEN"
    """Anybody; what it tells is harmless, or proves itself (the peer door)."""
    READS = "READS"
    """Any token or session."""
    CHANGES = "CHANGES"
    """Any token, or a session with the console's header; what a role may say is in `line.speaking`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What operations work with."""

    desk: Desk
    access: Access
    metrics: Metrics
    proofs: ProofTree
    chance: Chance
    signer: Signer
    verifier: Verifier
    agreements: Mapping[str, LineAgreement]
    exports: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(limits.EXPORTS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read. `caller` is None only where the operation is open to anybody."""

    request: Request[Any, Any, Any]
    headers: dict[str, str]
    caller: Caller | None
    path: Mapping[str, Any]
    query: Any
    body: Any

    def who(self) -> Caller:
        """Return the caller of an operation that is not open to anybody."""
        if self.caller is None:
            raise TypeError("an open operation has no caller")
        return self.caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One line of the API's table."""

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    """As OpenAPI writes it: `/v1/log/{log_index}`."""
    summary: str
    perform: Callable[[Door, Call], Awaitable[Answer | StreamedAnswer]]
    secured: Secured
    answers: Mapping[int, Any]
    """Status to the type of the JSON; None for no body."""
    refusals: tuple[int, ...]
    """Statuses of refusals, besides those that every operation can have."""
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    content_type: str = "application/json"
    """Of the answer; other kinds than JSON have no schema."""
    raw_body: str | None = None
    """The content type of a body that the operation reads itself."""
    header_parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path_names(self) -> tuple[str, ...]:
        """The names in the path, in order."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


async def _called(operation: Operation, door: Door, request: Request[Any, Any, Any]) -> Answer | StreamedAnswer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.scope["headers"]}
    caller: Caller | None = None
    if operation.secured is not Secured.OPEN:
        caller = door.access.caller(headers, changes=operation.secured is Secured.CHANGES)
    path = {
        name: read_path(PATH_TYPES[name], str(request.path_params[name]), field=name) for name in operation.path_names
    }
    query = read_query(operation.query, request.scope["query_string"])
    body = None if operation.body is None else await read_json(operation.body, request.receive, headers)
    return await operation.perform(
        door, Call(request=request, headers=headers, caller=caller, path=path, query=query, body=body)
    )


def handler_of(operation: Operation, door: Door) -> Callable[[Request[Any, Any, Any]], Awaitable[ASGIApp]]:
    """Return the function that Litestar calls for an operation."""

    async def handle(request: Request[Any, Any, Any]) -> ASGIApp:
        try:
            return await _called(operation, door, request)
        except Refusal as refusal:
            door.metrics.refused(refusal.code)
            _log.info("refused", operation=operation.name, refusal=str(refusal))
            return answer_refusal(refusal)
        except Exception as error:  # noqa: BLE001  any bug: told under a reference, and the door stays open
            door.metrics.bugs.inc()
            return bug_answer(error, where=operation.name)

    return handle
