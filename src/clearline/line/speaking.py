"""Who may say what, and when a thing has been said already.

Rules
 * Roles speak, not persons (R1). The watch says everything that a human may say, a planner only what concerns its own
   party's notices, an observer nothing. Receipts and findings are the node's own.
 * Saying the same thing twice is one thing said: a client that lost the answer asks again and gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearline.model.identity import Role
from clearline.model.message import (
    Activate,
    AreaAmend,
    AreaCancel,
    AreaNotice,
    Body,
    MessageType,
    Noted,
    ReadBack,
    Release,
    Resolution,
    message_type_of,
)
from clearline.model.notice import NoticeState
from clearline.model.refusal import Refusal, RefusalCode

if TYPE_CHECKING:
    from clearline.line.line_state import LineState
    from clearline.line.records import NoticeRecord

__all__ = ["MAY_SAY", "already_said", "check_role"]

_OWNERS = frozenset(
    {
        MessageType.AREA_NOTICE,
        MessageType.AREA_AMEND,
        MessageType.AREA_CANCEL,
        MessageType.ACTIVATE,
        MessageType.RELEASE,
    }
)

MAY_SAY: dict[Role, frozenset[MessageType]] = {
    Role.WATCH: _OWNERS | {MessageType.READ_BACK, MessageType.NOTED, MessageType.RESOLUTION},
    Role.PLANNER: _OWNERS,
    Role.OBSERVER: frozenset(),
    Role.NODE: frozenset({MessageType.CONFLICT, MessageType.RECEIPT}),
}


def check_role(role: Role, body: Body) -> None:
    """Refuse what a role may not say.

    Raises:
        Refusal: ROLE_FORBIDS.
    """
    kind = message_type_of(body)
    if kind not in MAY_SAY[role]:
        allowed = sorted(name for name in Role if kind in MAY_SAY[name])
        raise Refusal(
            RefusalCode.ROLE_FORBIDS,
            field="role",
            found=f"{role} says {kind}",
            allowed=" or ".join(allowed) or "the node's own journal",
        )


def already_said(line: LineState, body: Body) -> bool:
    """True where our own party has said just this, and nothing newer, about the same thing."""
    match body:
        case AreaNotice():
            record = line.notices.get((line.own, body.notice_id))
            return record is not None and record.notice == body.notice()
        case AreaAmend():
            record = line.notices.get((line.own, body.notice_id))
            return record is not None and _is_amended(record, body)
        case AreaCancel() | Release(volumes=None):
            record = line.notices.get((line.own, body.notice_id))
            return record is not None and record.ended and record.notice.version == body.version
        case Activate():
            record = line.notices.get((line.own, body.notice_id))
            return (
                record is not None
                and record.notice.version == body.version
                and record.notice.state is NoticeState.ACTIVATED
                and record.notice.volumes_version < body.version
            )
        case Noted():
            record = line.notices.get((body.owner, body.notice_id))
            noted = record.noted.get(line.own) if record is not None else None
            return noted is not None and noted.version == body.version
        case Resolution():
            finding = line.findings.get(body.finding)
            fact = finding.resolutions.get(line.own) if finding is not None else None
            return fact is not None and fact.resolution.terms == body.terms
        case ReadBack():
            record = line.notices.get((body.owner, body.notice_id))
            read = record.read_backs.get(line.own) if record is not None else None
            return read is not None and read.version == body.version and read.wrong_field is None
        case _:
            return False


def _is_amended(record: NoticeRecord, body: AreaAmend) -> bool:
    notice = record.notice
    return (
        body.version > 1
        and notice.version == body.version
        and notice.volumes_version == body.version
        and notice.volumes == body.volumes
        and notice.aircraft_class == body.aircraft_class
        and notice.priority == body.priority
    )
