"""`clearline release`: use of an own notice is over, of all volumes or of some."""

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
    name="release",
    epilog="Exit code: 0 done, 2 refused, 5 the node cannot be reached, 6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.option(
    "--volume",
    "volumes",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="PLACE",
    help="Only this one, by its place as `clearline show` numbers them; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, reference: str, volumes: tuple[int, ...], as_json: bool) -> int:
    """Say that use of an own notice is over: of all of it, or of some volumes early."""
    notices = find_own_notice(client, reference)
    standing = [notice for notice in notices if not notice.ended]
    body = {"volumes": sorted(set(volumes))} if volumes else {}
    said = say_change(client, standing, "release", body) if standing else notices
    return tell_change(client, said, as_json=as_json)
