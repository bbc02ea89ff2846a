"""`clearline findings`: what the node has found, or was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import print_json
from clearline.doors.cli.told import FindingsTold
from clearline.doors.cli.trouble import ExitCode
from clearline.model import limits

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]

_STATES = ("OPEN", "RESOLVED", "BRIEF", "GONE")


@click.command(
    name="findings",
    epilog="Exit code: 0 done, 2 usage or refused, 5 the node cannot be reached, 6 the token will not do.",
)
@click.option("--line", metavar="LINE", help="Only of this line.")
@click.option("--with", "owner", metavar="PARTY", help="Only where this party is one of the two.")
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False), help="Only in this state.")
@click.option("--all", "with_gone", is_flag=True, help="Those whose notices have changed or ended as well.")
@click.option(
    "--limit", type=click.IntRange(1, limits.PICTURE_FINDINGS_MAX), default=1_000, show_default=True, help="At most."
)
@click.option("--json", "as_json", is_flag=True, help="Print the node's JSON.")
@on_node
def command(
    client: NodeClient,
    *,
    line: str | None,
    owner: str | None,
    state: str | None,
    with_gone: bool,
    limit: int,
    as_json: bool,
) -> int:
    """List findings, the last changed first: who with whom, where, which height band, which window, by which rule."""
    source = client.get_bytes("/v1/findings", line=line, owner=owner, state=state, limit=limit)
    if as_json:
        print_json(source)
        return ExitCode.DONE
    from clearline.doors.cli.tables import findings_table

    told = client.read(FindingsTold, source)
    listed = [finding for finding in told.findings if with_gone or state == "GONE" or finding.state != "GONE"]
    left_out = len(told.findings) - len(listed)
    if listed:
        click.echo(findings_table(listed), nl=False)
    open_count = sum(finding.state == "OPEN" for finding in listed)
    parts = [f"{len(listed)} finding{'' if len(listed) == 1 else 's'}, {open_count} open"]
    if left_out:
        parts.append(f"{left_out} gone (--all shows them)")
    if told.more:
        parts.append("and more: --limit, or a filter")
    click.echo("; ".join(parts) + ".")
    return ExitCode.DONE
