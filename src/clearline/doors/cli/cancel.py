"""`clearline cancel`: an own notice ends before or instead of its use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.changing import say_change, tell_change
from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.references import find_own_notice
from clearline.model.message import ReasonCode

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="cancel",
    epilog="Exit code: 0 done, 2 refused, 5 the node cannot be reached, 6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.option(
    "--reason",
    type=click.Choice([code.value for code in ReasonCode], case_sensitive=False),
    default=ReasonCode.CHANGE_OF_PLAN.value,
    show_default=True,
    help="As far as separation is concerned.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, reference: str, reason: str, as_json: bool) -> int:
    """End an own notice before or instead of its use. Where it has ended already, nothing is said."""
    notices = find_own_notice(client, reference)
    standing = [notice for notice in notices if not notice.ended]
    said = say_change(client, standing, "cancel", {"reason": reason}) if standing else notices
    return tell_change(client, said, as_json=as_json)
