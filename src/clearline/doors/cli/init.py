"""`clearline init`: make a node's directory."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from clearline.doors.cli.trouble import ExitCode, tell_refusal
from clearline.model.refusal import Refusal

__all__ = ["command"]


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--party", required=True, help="Who you are on every line: a-z, 0-9 and hyphens.")
@click.option("--listen", default="127.0.0.1:8701", show_default=True, help="Where the node answers: host:port.")
@click.option("--address", default=None, help="How the other side reaches you.  [default: http:// and --listen]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(directory: Path, party: str, listen: str, address: str | None, as_json: bool) -> int:
    """Make a node in DIRECTORY: a key, three tokens, and a configuration with comments.

    Nothing is overwritten. The tokens are shown once and kept nowhere.
    """
    from clearline.node.founding import found_node, party_block

    try:
        founded = found_node(directory, party=party, listen=listen)
    except Refusal as refusal:
        tell_refusal(refusal)
        return ExitCode.BAD_INPUT
    if as_json:
        click.echo(msgspec.json.encode(founded))
        return ExitCode.DONE
    click.echo(f"A node for {party} is in {directory}.\n")
    click.echo("Tokens, shown only now:")
    for role, token in founded.tokens.items():
        click.echo(f"  {role:<9} {token}")
    click.echo("\nFor the other side's node.toml, under its [[line]]:\n")
    click.echo(party_block(founded, address=address or f"http://{listen}"))
    click.echo(f"Next: add the line to {directory / 'node.toml'}, then `clearline serve {directory}`.")
    return ExitCode.DONE
