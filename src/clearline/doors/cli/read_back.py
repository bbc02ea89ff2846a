"""`clearline read-back`: an officer repeats another party's notice, field by field (R5).

Rules
 * What is repeated is sent as it was said; whether it is right is computed by both nodes. A wrong one is in the record.
 * Nothing is filled in from the notice: what is not said is asked for, or refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.references import find_notice, notice_path
from clearline.doors.cli.told import NoticeTold, SessionTold, reference_of
from clearline.doors.cli.trouble import ExitCode
from clearline.model.refusal import Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]

FIELDS: Final = {
    "south": "Southern edge, degrees (such as 47.10)",
    "west": "Western edge, degrees (west is negative, or 8.20W)",
    "north": "Northern edge, degrees",
    "east": "Eastern edge, degrees",
    "lower": "Lower limit with reference (such as 1200 m W84, FL080)",
    "upper": "Upper limit with reference",
    "from_time": "From, UTC (such as 2026-11-22T14:20:00Z)",
    "until_time": "Until, UTC",
}
_DEGREES: Final = re.compile(r"([+-]?\d{1,3}(?:\.\d+)?)\s*([NSEWnsew]?)")
_BOX: Final = ("south", "west", "north", "east")


@click.command(
    name="read-back",
    epilog="Exit code: 0 right, 1 a field was wrong (it is named), 2 usage or refused, 5 the node cannot be reached, "
    "6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--confirm-fields", "given_only", is_flag=True, help="Ask nothing: all eight fields are given.")
@click.option("--line", metavar="LINE", help="Only on this line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(
    client: NodeClient, *, reference: str, fields: tuple[str, ...], given_only: bool, line: str | None, as_json: bool
) -> int:
    """Read back another party's notice: south, west, north, east, lower, upper, from_time, until_time.

    Fields that are not given as FIELD=VALUE are asked for. Then `clearline noted REF` says that it is understood.
    """
    given = _given(fields)
    found = find_notice(client, reference, line=line)
    notice = found[0]
    if notice.own:
        raise Refusal(
            RefusalCode.NOT_OWNER, field=reference, found="an own notice", allowed="a notice of another party"
        )
    if notice.ended:
        raise Refusal(RefusalCode.NOTICE_ENDED, field=reference, found="ended", allowed="a notice that still stands")
    missing = [name for name in FIELDS if name not in given]
    if missing and given_only:
        raise Refusal(RefusalCode.MALFORMED, field=missing[0], found="nothing", allowed=f"all of {', '.join(FIELDS)}")
    if missing:
        click.echo(
            f"{shown(notice.owner)} {reference_of(notice.notice_id)}, version {notice.version}: repeat", err=True
        )
    for name in missing:
        given[name] = _asked(name)
    said = [
        client.post(NoticeTold, f"{notice_path(one)}/read-back", {"version": one.version, "fields": given})
        for one in found
    ]
    party = client.get(SessionTold, "/v1/session").party
    wrong = sorted({field for one in said for field in _wrong_fields(one, party)})
    if as_json:
        print_json({"right": not wrong, "wrong_fields": wrong, "said": given, "notices": plain(said)})
    elif wrong:
        held = plain(notice.read_back_fields) or {}
        for field in wrong:
            click.echo(f"WRONG {field}: read back {given[field]}, the notice has {shown(str(held.get(field)))}")
        click.echo("The record shows it at both sides. Look at the notice again, and read it back again.")
    else:
        click.echo(f"Right: {reference_of(notice.notice_id)} version {notice.version} is read back.")
        click.echo(f"Next: clearline noted {reference_of(notice.notice_id)}")
    return ExitCode.FOUND if wrong else ExitCode.DONE


def _wrong_fields(notice: NoticeTold, party: str) -> list[str]:
    return [
        each.wrong_field or "version"
        for each in notice.acknowledgements
        if each.party == party and each.read_back != "OK"
    ]


def _given(fields: tuple[str, ...]) -> dict[str, str | float]:
    given: dict[str, str | float] = {}
    for each in fields:
        name, equals, text = each.partition("=")
        if not equals or name not in FIELDS:
            raise Refusal(
                RefusalCode.UNKNOWN_FIELD, field=each, found=name, allowed=f"FIELD=VALUE with {', '.join(FIELDS)}"
            )
        given[name] = _value(name, text)
    return given


def _asked(name: str) -> str | float:
    while True:
        text: str = click.prompt(f"  {FIELDS[name]}", err=True)
        try:
            return _value(name, text)
        except Refusal as refusal:
            click.echo(f"  {refusal.found}: {refusal.allowed}", err=True)


def _value(name: str, text: str) -> str | float:
    """Return what was said in the field's type; what it means is the node's to judge."""
    said = text.strip()
    if name not in _BOX:
        return said
    match = _DEGREES.fullmatch(said)
    letter = match.group(2).upper() if match else ""
    fits = letter in ({"", "N", "S"} if name in {"south", "north"} else {"", "E", "W"})
    if match is None or not fits or (letter and match.group(1)[0] in "+-"):
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=name, found=said, allowed="degrees, such as 47.10 or 122.45W")
    degrees = float(match.group(1))
    return -degrees if letter in {"S", "W"} else degrees
