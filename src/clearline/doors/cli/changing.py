"""What the commands that say something of an own notice share: which version comes next, and waiting for receipts.

Rules
 * A record of a file can be said if it has volumes, and no more than a notice takes. A flight or a zone is refused.
 * Said is not cleared: a command waits a moment for the other parties' receipts, then shows what stands.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import click

from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.told import Declared, NoticesTold, NoticeTold
from clearline.doors.cli.trouble import ExitCode
from clearline.model import limits
from clearline.model.notice import check_volume_count
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient
    from clearline.formats.record import Record

__all__ = ["check_can_be_said", "receipted", "say_change", "tell_change"]

_ROUND_S: Final = 0.1
_WAIT_S: Final = 2.0
"""For a change of one notice: a peer that is there answers in a tenth of this."""


def check_can_be_said(record: Record) -> None:
    """Refuse a record that is no notice, or more than a notice may be.

    Raises:
        Refusal: SHAPE_MISSING for a trajectory or a zone; OVER_LIMIT with the path in the model.
    """
    if record.trajectory is not None or record.zone is not None:
        raise Refusal(
            RefusalCode.SHAPE_MISSING,
            found="a zone" if record.zone is not None else "a trajectory",
            allowed="a notice: volumes, each with an outline, two heights and two times (`clearline check` compares "
            "trajectories and zones as well)",
        )
    try:
        check_volume_count(record.volumes)
    except FieldRefusal as error:
        raise error.refusal from None


def say_change(
    client: NodeClient, notices: Sequence[NoticeTold], change: str, body: Mapping[str, object]
) -> list[NoticeTold]:
    """Say a change of one own notice on every line on which it stands, each at its own next version."""
    by_version: dict[int, list[str]] = {}
    for notice in notices:
        by_version.setdefault(notice.version + 1, []).append(notice.line_id)
    path = f"/v1/notices/{quote(notices[0].notice_id)}/{change}"
    said: list[NoticeTold] = []
    for version, lines in by_version.items():
        said += client.post(Declared, path, {**body, "version": version, "lines": lines}).notices
    return said


def receipted(client: NodeClient, party: str, said: Sequence[NoticeTold], *, wait_s: float) -> list[NoticeTold]:
    """Return own notices as they stand once every receipt is there, or the time is up."""
    until = time.monotonic() + wait_s
    current = {(notice.notice_id, notice.line_id): notice for notice in said}
    while any(_is_awaited(notice) for notice in current.values()) and time.monotonic() < until:
        time.sleep(min(_ROUND_S, max(0.0, until - time.monotonic())))
        since = min(notice.changed_index for notice in current.values())
        told = client.get(NoticesTold, "/v1/notices", owner=party, since=since, limit=limits.PICTURE_NOTICES_MAX)
        for notice in told.notices:
            name = (notice.notice_id, notice.line_id)
            if name in current:
                current[name] = notice
    return list(current.values())


def _is_awaited(notice: NoticeTold) -> bool:
    return any(why.code == "RECEIPT_MISSING" for why in notice.uncleared_because)


def tell_change(client: NodeClient, said: Sequence[NoticeTold], *, as_json: bool) -> int:
    """Print an own notice as it now stands."""
    said = receipted(client, said[0].owner, said, wait_s=_WAIT_S)
    if as_json:
        print_json({"notices": plain(said)})
    else:
        from clearline.doors.cli.tables import notices_table

        click.echo(notices_table(said), nl=False)
    return ExitCode.DONE
