"""`clearline noted`: a notice that was rightly read back is understood. It is no permission (R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.references import find_notice, notice_path
from clearline.doors.cli.told import NoticeTold, reference_of
from clearline.doors.cli.trouble import ExitCode
from clearline.model.refusal import shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="noted",
    epilog="Exit code: 0 done, 2 refused (STATE_FORBIDS: read it back first), 5 the node cannot be reached, "
    "6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.option("--line", metavar="LINE", help="Only on this line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, reference: str, line: str | None, as_json: bool) -> int:
    """Say of another party's notice: read, understood, no objection known. It is no permission."""
    said = [
        client.post(NoticeTold, f"{notice_path(one)}/noted", {"version": one.version})
        for one in find_notice(client, reference, line=line)
    ]
    if as_json:
        print_json(plain(said))
    else:
        for one in said:
            click.echo(f"Noted: {shown(one.owner)} {reference_of(one.notice_id)} version {one.version}.")
    return ExitCode.DONE
