"""`clearline resolve`: sign terms under which two notices stay apart; binding when both owners have signed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.references import find_finding
from clearline.doors.cli.told import FindingTold, SessionTold, finding_reference
from clearline.doors.cli.trouble import ExitCode
from clearline.model.message import ResolutionCode
from clearline.model.refusal import Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="resolve",
    epilog="Exit code: 0 signed (the output says whether it binds), 2 refused, 5 the node cannot be reached, "
    "6 the token will not do.",
)
@click.argument("finding", metavar="FINDING")
@click.option("--code", type=click.Choice([code.value for code in ResolutionCode], case_sensitive=False))
@click.option("--first-party", metavar="PARTY", help="TIME_SEQUENCE: who goes first.")
@click.option("--level", metavar="ALTITUDE", help='VERTICAL_SPLIT: the level between, such as "FL120".')
@click.option("--above-party", metavar="PARTY", help="VERTICAL_SPLIT: who stays above it.")
@click.option("--frequency-khz", type=int, metavar="KHZ", help="VISUAL_CONTACT, CREWS_IN_CONTACT: such as 122925.")
@click.option("--same", is_flag=True, help="Sign what the other side has signed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, finding: str, code: str | None, same: bool, as_json: bool, **slots: object) -> int:
    """Sign a way out of a finding, named by its reference or by the two notices with a slash between."""
    if same == (code is not None):
        raise click.UsageError("give --code with its terms, or --same")
    if same and any(value is not None for value in slots.values()):
        raise click.UsageError("--same takes the terms of the other side: give no others beside it")
    party = client.get(SessionTold, "/v1/session").party
    found = find_finding(client, finding)
    terms: dict[str, object] = {"code": code, **{name: value for name, value in slots.items() if value is not None}}
    if same:
        terms = dict(_others_terms(found, party))
    told = client.post(FindingTold, f"/v1/findings/{quote(found.finding_id)}/resolution", terms)
    if as_json:
        print_json(plain(told))
        return ExitCode.DONE
    from clearline.doors.cli.tables import findings_table

    click.echo(findings_table([told]), nl=False)
    other = shown(told.other(party))
    reference = finding_reference(told.finding_id)
    if told.state == "RESOLVED":
        click.echo(f"{reference} is resolved: {shown(party)} and {other} have signed the same.")
    elif any(each.party != party for each in told.resolutions):
        click.echo(f"Signed. {other} has signed other terms: {reference} is open until both are the same.")
    else:
        click.echo(f"Signed. {reference} is open until {other} has signed the same.")
    return ExitCode.DONE


def _others_terms(finding: FindingTold, party: str) -> dict[str, str | int]:
    for each in finding.resolutions:
        if each.party != party:
            return each.terms
    raise Refusal(
        RefusalCode.STATE_FORBIDS,
        field="--same",
        found="no terms of the other side",
        allowed=f"--code with terms, as long as {finding.other(party)} has signed nothing",
    )
