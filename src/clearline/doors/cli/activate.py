"""`clearline activate`: use of an own notice begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.changing import say_change, tell_change
from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.references import find_own_notice

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="activate",
    epilog="Exit code: 0 done, 2 refused, 5 the node cannot be reached, 6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, reference: str, as_json: bool) -> int:
    """Say that use of an own notice begins. Where it has begun already, nothing is said."""
    notices = find_own_notice(client, reference)
    waiting = [notice for notice in notices if notice.state != "Activated"]
    said = say_change(client, waiting, "activate", {}) if waiting else notices
    return tell_change(client, said, as_json=as_json)
