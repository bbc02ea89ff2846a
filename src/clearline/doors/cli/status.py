"""`clearline status`: how the node and its lines fare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import print_json
from clearline.doors.cli.told import PartyTold, StatusTold
from clearline.doors.cli.trouble import ExitCode
from clearline.model import limits
from clearline.model.refusal import shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="status",
    epilog="Exit code: 0 all is well, 1 halted, failing store, or a link that is not OPEN, 2 usage or refused, "
    "5 the node cannot be reached, 6 the token will not do.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the node's JSON.")
@on_node
def command(client: NodeClient, *, as_json: bool) -> int:
    """Print the node's log, its tree head, its lines, and how each peer is observed."""
    source = client.get_bytes("/v1/status")
    told = client.read(StatusTold, source)
    troubled = bool(told.halted or told.store_failure) or any(
        party.link != "OPEN" or party.refused is not None or party.forked is not None
        for line in told.lines
        for party in line.parties
    )
    if as_json:
        print_json(source)
        return ExitCode.FOUND if troubled else ExitCode.DONE
    from clearline.doors.cli.tables import table_text, time_text

    click.echo(f"{shown(told.party)}: Clearline {shown(told.version)}, {time_text(told.now_ms)}")
    click.echo(f"log {told.log_size:,} entries, root {told.tree.root}")
    if told.halted is not None:
        click.echo(f"HALTED: {shown(told.halted.code)} {shown(told.halted.found)}; it can be read and writes nothing")
    if told.store_failure is not None:
        click.echo(f"STORE FAILING: {shown(told.store_failure)}")
    rows = [
        (
            shown(line.line_id),
            f"{shown(line.rules.rule_id)} v{line.rules.version}",
            f"{shown(party.party_id)}{' (own)' if party.own else ''}",
            shown(party.link),
            "-" if party.own else time_text(party.heard_at_ms),
            "-" if party.own else str(party.undelivered),
            _trouble_text(party),
        )
        for line in told.lines
        for party in line.parties
    ]
    if rows:
        click.echo(table_text(("Line", "Rules", "Party", "Link", "Heard", "Undelivered", "Trouble"), rows), nl=False)
    else:
        click.echo("no line: add one to node.toml (docs/tutorial.md)")
    return ExitCode.FOUND if troubled else ExitCode.DONE


def _trouble_text(party: PartyTold) -> str:
    said = []
    if party.refused is not None:
        said.append(f"refuses us: {shown(party.refused.code)} {shown(party.refused.found)}")
    if party.forked is not None:
        said.append(f"signed two messages for place {party.forked}")
    if party.rejected:
        said.append(f"{party.rejected} of its messages could not be taken")
    if party.clock_ahead_ms is not None and abs(party.clock_ahead_ms) > limits.CLOCK_SKEW_MS_MAX:
        said.append(f"its clock is {party.clock_ahead_ms / 1_000:+,.0f} s off")
    return "\n".join(said)
