"""What the commands that say something of an own notice share: which version comes next, and waiting for receipts.

Rules
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

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["receipted", "say_change", "tell_change"]

_ROUND_S: Final = 0.1
_WAIT_S: Final = 2.0
"""For a change of one notice: a peer that is there answers in a tenth of this."""


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
