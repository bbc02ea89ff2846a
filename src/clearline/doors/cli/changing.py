"""What the commands that change an own notice share: which version comes next, on which lines, and what to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.told import Declared, NoticeTold
from clearline.doors.cli.trouble import ExitCode

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["say_change", "tell_change"]


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


def tell_change(said: Sequence[NoticeTold], *, as_json: bool) -> int:
    """Print an own notice as it now stands."""
    if as_json:
        print_json({"notices": plain(said)})
    else:
        from clearline.doors.cli.tables import notices_table

        click.echo(notices_table(said), nl=False)
    return ExitCode.DONE
