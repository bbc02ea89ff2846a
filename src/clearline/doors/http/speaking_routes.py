"""What a party says through its own node: notices and their changes, read-backs, resolutions.

No rule stands here: a request becomes a message body, `node.say` takes or refuses it, and the answer is the view of
what then is. On several lines the same thing is said on each; where one refuses, the others keep what they took, and
asking again says only what is missing.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from clearline.doors.http.answers import Answer, answer_json
from clearline.doors.http.operation import Call, Door, Operation, Secured
from clearline.doors.http.wire import (
    ActivateRequest,
    AmendRequest,
    CancelRequest,
    DeclareRequest,
    NotedRequest,
    NoticeViews,
    ReadBackRequest,
    ReleaseRequest,
    ResolutionRequest,
)
from clearline.line.records import NoticeRecord
from clearline.line.speaking import check_role
from clearline.line.views import FindingView, NoticeView
from clearline.model.message import (
    Activate,
    AreaAmend,
    AreaCancel,
    AreaNotice,
    Body,
    Noted,
    ReadBack,
    Release,
    Resolution,
)
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

__all__ = ["SPEAKING"]

T = TypeVar("T")
_REQUEST_NAMES: Final = uuid.UUID("5f0a3c1e-9d52-4b7e-8a61-2c94e7d0b3f6")
"""Name space in which a `request_id` becomes the id of the notice that it declares."""


def _built(make: Callable[[], T]) -> T:
    try:
        return make()
    except FieldRefusal as error:
        raise error.refusal from None


async def _say_on_all(door: Door, call: Call, bodies: Sequence[tuple[str, Body]]) -> bool:
    """Say each body on its line, all at once; return whether anything was new."""
    role = call.who().role
    for _, body in bodies:
        check_role(role, body)
    node = door.desk.node
    outcomes = await asyncio.gather(
        *(node.say(line_id, body, role) for line_id, body in bodies), return_exceptions=True
    )
    new = False
    for (line_id, _), outcome in zip(bodies, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise outcome.within(f"lines[{line_id}]") if len(bodies) > 1 else outcome
        if isinstance(outcome, BaseException):
            raise outcome
        new = new or outcome.log_index is not None
    return new


async def _declare(door: Door, call: Call) -> Answer:
    asked: DeclareRequest = call.body
    notice_id = asked.notice_id or (
        str(uuid.uuid5(_REQUEST_NAMES, f"{door.desk.party} {asked.request_id}"))
        if asked.request_id is not None
        else door.chance.new_id()
    )
    area = _built(
        lambda: AreaNotice(
            notice_id=notice_id,
            aircraft_class=asked.aircraft_class,
            priority=asked.priority,
            volumes=asked.volumes,
        )
    )
    lines = await _lines(door, asked.lines)
    new = await _say_on_all(door, call, [(line_id, area) for line_id in lines])
    return await _told(door, notice_id, lines, status=201 if new else 200)


async def _lines(door: Door, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    async with door.desk.node.settled() as state:
        names = tuple(state.lines) if wanted is None else tuple(dict.fromkeys(wanted))
        for name in names:
            state.line(name)
    if not names:
        raise Refusal(RefusalCode.LINE_UNKNOWN, field="lines", found="no line", allowed="a node with at least one line")
    return names


async def _change(
    door: Door, call: Call, lines: tuple[str, ...] | None, body_for: Callable[[NoticeRecord], Body]
) -> Answer:
    """Say a change on every line (of `lines`) on which the own notice stands."""
    notice_id: str = call.path["notice_id"]
    names = await _lines(door, lines)
    async with door.desk.node.settled() as state:
        records = {name: state.line(name).notices.get((door.desk.party, notice_id)) for name in names}
        bodies = [(name, _built(partial(body_for, record))) for name, record in records.items() if record is not None]
    if not bodies:
        raise Refusal(
            RefusalCode.NOTICE_UNKNOWN, field="notice_id", found=notice_id, allowed="an own notice on these lines"
        )
    await _say_on_all(door, call, bodies)
    return await _told(door, notice_id, [name for name, _ in bodies], status=200)


async def _told(door: Door, notice_id: str, lines: Sequence[str], *, status: int) -> Answer:
    return answer_json(NoticeViews(notices=await door.desk.own_notice(notice_id, lines)), status=status)


async def _amend(door: Door, call: Call) -> Answer:
    asked: AmendRequest = call.body

    def body_for(record: NoticeRecord) -> Body:
        return AreaAmend(
            notice_id=record.notice.notice_id,
            version=asked.version,
            aircraft_class=asked.aircraft_class or record.notice.aircraft_class,
            priority=record.notice.priority if asked.priority is None else asked.priority,
            volumes=asked.volumes,
            reason=asked.reason,
        )

    return await _change(door, call, asked.lines, body_for)


async def _cancel(door: Door, call: Call) -> Answer:
    asked: CancelRequest = call.body
    return await _change(
        door,
        call,
        asked.lines,
        lambda record: AreaCancel(notice_id=record.notice.notice_id, version=asked.version, reason=asked.reason),
    )


async def _activate(door: Door, call: Call) -> Answer:
    asked: ActivateRequest = call.body
    return await _change(
        door, call, asked.lines, lambda record: Activate(notice_id=record.notice.notice_id, version=asked.version)
    )


async def _release(door: Door, call: Call) -> Answer:
    asked: ReleaseRequest = call.body
    return await _change(
        door,
        call,
        asked.lines,
        lambda record: Release(notice_id=record.notice.notice_id, version=asked.version, volumes=asked.volumes),
    )


async def _read_back(door: Door, call: Call) -> Answer:
    asked: ReadBackRequest = call.body
    path = call.path
    body = ReadBack(owner=path["owner"], notice_id=path["notice_id"], version=asked.version, fields=asked.fields)
    await _say_on_all(door, call, [(path["line_id"], body)])
    return answer_json(await door.desk.notice(path["line_id"], path["owner"], path["notice_id"]))


async def _noted(door: Door, call: Call) -> Answer:
    asked: NotedRequest = call.body
    path = call.path
    body = Noted(owner=path["owner"], notice_id=path["notice_id"], version=asked.version)
    await _say_on_all(door, call, [(path["line_id"], body)])
    return answer_json(await door.desk.notice(path["line_id"], path["owner"], path["notice_id"]))


async def _resolve(door: Door, call: Call) -> Answer:
    asked: ResolutionRequest = call.body
    line_id, key = await door.desk.find_finding(call.path["finding_id"])
    body = _built(
        lambda: Resolution(
            finding=key,
            code=asked.code,
            first_party=asked.first_party,
            level=asked.level,
            above_party=asked.above_party,
            frequency_khz=asked.frequency_khz,
        )
    )
    await _say_on_all(door, call, [(line_id, body)])
    return answer_json(await door.desk.finding(line_id, key))


_OWN = "/v1/notices/{notice_id}"
_ANY = "/v1/notices/{line_id}/{owner}/{notice_id}"
_REFUSALS = (400, 404, 409, 413, 429)

SPEAKING: Final = (
    Operation(
        name="declare",
        method="POST",
        path="/v1/notices",
        summary="Declare a notice. The same notice_id or request_id again is the same notice: 200 instead of 201.",
        perform=_declare,
        secured=Secured.CHANGES,
        body=DeclareRequest,
        answers={200: NoticeViews, 201: NoticeViews},
        refusals=_REFUSALS,
    ),
    *(
        Operation(
            name=name,
            method="POST",
            path=f"{_OWN}/{name}",
            summary=summary,
            perform=perform,
            secured=Secured.CHANGES,
            body=body,
            answers={200: NoticeViews},
            refusals=_REFUSALS,
        )
        for name, body, perform, summary in (
            ("amend", AmendRequest, _amend, "Give an own notice new volumes."),
            ("cancel", CancelRequest, _cancel, "End an own notice before or instead of its use."),
            ("activate", ActivateRequest, _activate, "Say that use begins."),
            ("release", ReleaseRequest, _release, "Say that use is over, of all volumes or of some."),
        )
    ),
    Operation(
        name="readBack",
        method="POST",
        path=f"{_ANY}/read-back",
        summary="Repeat another party's notice. Whether it was right is computed by both sides.",
        perform=_read_back,
        secured=Secured.CHANGES,
        body=ReadBackRequest,
        answers={200: NoticeView},
        refusals=_REFUSALS,
    ),
    Operation(
        name="noted",
        method="POST",
        path=f"{_ANY}/noted",
        summary="Say that a notice, rightly read back, is understood. It is no permission.",
        perform=_noted,
        secured=Secured.CHANGES,
        body=NotedRequest,
        answers={200: NoticeView},
        refusals=_REFUSALS,
    ),
    Operation(
        name="resolve",
        method="POST",
        path="/v1/findings/{finding_id}/resolution",
        summary="Sign terms under which two notices stay apart. They bind when the other owner has signed the same.",
        perform=_resolve,
        secured=Secured.CHANGES,
        body=ResolutionRequest,
        answers={200: FindingView},
        refusals=_REFUSALS,
    ),
)
