"""`clearline notices`: own and received notices with their status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import print_json
from clearline.doors.cli.told import NoticesTold
from clearline.doors.cli.trouble import ExitCode
from clearline.model import limits

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]

_STATES = ("Accepted", "Activated", "Nonconforming", "Contingent", "Ended")
_STATUSES = ("CLEARED", "UNCONFIRMED", "CONFLICT", "REJECTED", "ENDED", "RECEIVED")


@click.command(
    name="notices",
    epilog="Exit code: 0 done, 2 usage or refused, 5 the node cannot be reached, 6 the token will not do.",
)
@click.option("--line", metavar="LINE", help="Only of this line.")
@click.option("--owner", metavar="PARTY", help="Only of this party.")
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False), help="Only in this state.")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only with this status.")
@click.option("--all", "with_ended", is_flag=True, help="Those that have ended as well.")
@click.option(
    "--limit", type=click.IntRange(1, limits.PICTURE_NOTICES_MAX), default=1_000, show_default=True, help="At most."
)
@click.option("--json", "as_json", is_flag=True, help="Print the node's JSON.")
@on_node
def command(
    client: NodeClient,
    *,
    line: str | None,
    owner: str | None,
    state: str | None,
    status: str | None,
    with_ended: bool,
    limit: int,
    as_json: bool,
) -> int:
    """List notices, the last changed first: reference, owner, state, status and why, and who has acknowledged what."""
    source = client.get_bytes("/v1/notices", line=line, owner=owner, state=state, status=status, limit=limit)
    if as_json:
        print_json(source)
        return ExitCode.DONE
    from clearline.doors.cli.tables import notices_table

    told = client.read(NoticesTold, source)
    ended_wanted = with_ended or state == "Ended" or status == "ENDED"
    listed = [notice for notice in told.notices if ended_wanted or not notice.ended]
    left_out = len(told.notices) - len(listed)
    if listed:
        click.echo(notices_table(listed), nl=False)
    parts = [f"{len(listed)} notice{'' if len(listed) == 1 else 's'}"]
    if left_out:
        parts.append(f"{left_out} ended (--all shows them)")
    if told.more:
        parts.append("and more: --limit, or a filter")
    click.echo("; ".join(parts) + ".")
    return ExitCode.DONE
