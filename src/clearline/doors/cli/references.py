"""From what people say ("3F2A91BC") to the one notice or finding that is meant.

Rules
 * A reference is the beginning of an id, 4 digits or more, upper or lower case; a whole id will do as well.
 * Where several are meant, none is taken: the refusal names them. Ended ones count only where no other one fits.
 * A finding may also be named by its two notices, with a slash between: `3F2A91BC/77E0D1A4`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from clearline.doors.cli.told import (
    FindingsTold,
    FindingTold,
    NoticesTold,
    NoticeTold,
    StatusTold,
    finding_reference,
    reference_of,
)
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["find_finding", "find_notice", "find_own_notice", "notice_path"]

_REFERENCE: Final = re.compile(r"[0-9a-f]{4}[0-9a-f-]{0,32}")
_WHOLE: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CANDIDATES_NAMED: Final = 8

T = TypeVar("T", NoticeTold, FindingTold)


def notice_path(notice: NoticeTold) -> str:
    """Return the path of a notice at the node."""
    return f"/v1/notices/{quote(notice.line_id)}/{quote(notice.owner)}/{quote(notice.notice_id)}"


def find_notice(client: NodeClient, reference: str, *, line: str | None = None) -> list[NoticeTold]:
    """Return the one notice that is meant, once for each line on which it stands.

    Raises:
        Refusal: NOTICE_UNKNOWN, or OUT_OF_RANGE where it is no reference or several are meant.
    """
    start = _read(reference, "notice")
    if _WHOLE.fullmatch(start):
        found = _by_id(client, start, line)
    else:
        told = client.get(NoticesTold, "/v1/notices", limit=limits.PICTURE_NOTICES_MAX, line=line)
        found = [notice for notice in told.notices if notice.notice_id.startswith(start)]
        if not found and told.more:
            raise _unknown(reference, f"one of the {len(told.notices)} changed last; else its whole id")
    if not found:
        raise _unknown(reference, "a notice that this node holds")
    current = [notice for notice in found if not notice.ended] or found
    names = {(notice.owner, notice.notice_id) for notice in current}
    if len(names) > 1:
        named = [f"{reference_of(notice_id)} ({shown(owner)}, {notice_id})" for owner, notice_id in sorted(names)]
        raise _ambiguous(reference, named)
    return current


def find_own_notice(client: NodeClient, reference: str) -> list[NoticeTold]:
    """Return an own notice, once for each line on which it stands.

    Raises:
        Refusal: as `find_notice`; NOT_OWNER for another party's.
    """
    found = find_notice(client, reference)
    if not found[0].own:
        raise Refusal(
            RefusalCode.NOT_OWNER,
            field=reference_of(found[0].notice_id),
            found=f"a notice of {found[0].owner}",
            allowed="an own notice",
        )
    return found


def find_finding(client: NodeClient, reference: str, *, party: str | None = None) -> FindingTold:
    """Return the one finding that is meant, one that still stands before one that is gone.

    Raises:
        Refusal: FINDING_UNKNOWN, or OUT_OF_RANGE where it is no reference or several are meant.
    """
    told = client.get(FindingsTold, "/v1/findings", limit=limits.PICTURE_FINDINGS_MAX, owner=party)
    if "/" in reference:
        one, _, other = reference.partition("/")
        found = list(_between(told.findings, _read(one, "notice"), _read(other, "notice")))
    else:
        start = _read(reference, "finding").replace("-", "")
        found = [finding for finding in told.findings if finding.finding_id.startswith(start)]
    current = [finding for finding in found if finding.state != "GONE"] or found
    if not current:
        latest = f"one of the {len(told.findings)} changed last" if told.more else "a finding that this node holds"
        raise Refusal(RefusalCode.FINDING_UNKNOWN, field="FINDING", found=reference, allowed=latest)
    if len(current) > 1:
        raise _ambiguous(
            reference,
            [
                f"{finding_reference(each.finding_id)} ({reference_of(each.key.notice_a)}/"
                f"{reference_of(each.key.notice_b)}, {shown(each.finding_id)})"
                for each in current
            ],
        )
    return current[0]


def _between(findings: Iterable[FindingTold], one: str, other: str) -> Iterable[FindingTold]:
    for finding in findings:
        a, b = finding.key.notice_a, finding.key.notice_b
        if (a.startswith(one) and b.startswith(other)) or (a.startswith(other) and b.startswith(one)):
            yield finding


def _by_id(client: NodeClient, notice_id: str, line: str | None) -> list[NoticeTold]:
    """Ask for the notice under every party of every line: this finds it however long it has been still."""
    found = []
    for each in client.get(StatusTold, "/v1/status").lines:
        if line not in {None, each.line_id}:
            continue
        for party in each.parties:
            try:
                path = f"/v1/notices/{quote(each.line_id)}/{quote(party.party_id)}/{notice_id}"
                found.append(client.get(NoticeTold, path))
            except Refusal as refusal:
                if refusal.code is not RefusalCode.NOTICE_UNKNOWN:
                    raise
    return found


def _read(reference: str, kind: str) -> str:
    start = reference.strip().lower()
    if not _REFERENCE.fullmatch(start):
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field=kind.upper(),
            found=reference,
            allowed="a reference such as 3F2A91BC: 4 or more hexadecimal digits",
        )
    return start


def _unknown(reference: str, allowed: str) -> Refusal:
    return Refusal(RefusalCode.NOTICE_UNKNOWN, field="NOTICE", found=reference, allowed=allowed)


def _ambiguous(reference: str, candidates: Sequence[str]) -> Refusal:
    named = ", ".join(candidates[:_CANDIDATES_NAMED])
    more = f" and {len(candidates) - _CANDIDATES_NAMED} more" if len(candidates) > _CANDIDATES_NAMED else ""
    return Refusal(
        RefusalCode.OUT_OF_RANGE,
        field="reference",
        found=f"{shown(reference)}, which fits {len(candidates)}",
        allowed=f"one of {named}{more}",
    )
