"""`clearline show`: one notice or one finding, with everything that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.references import find_finding, find_notice
from clearline.doors.cli.told import FindingTold, NoticeTold, finding_reference, reference_of
from clearline.doors.cli.trouble import ExitCode
from clearline.model.refusal import Refusal, RefusalCode, shown
from clearline.model.volume import Volume4D

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient

__all__ = ["command"]


@click.command(
    name="show",
    epilog="Exit code: 0 done, 2 unknown or ambiguous (the candidates are named), 5 the node cannot be reached, "
    "6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, reference: str, as_json: bool) -> int:
    """Show one notice or finding. REF is its first 4 or more digits (3F2A91BC), or two notices with a slash."""
    notices: list[NoticeTold] = []
    finding: FindingTold | None = None
    if "/" not in reference:
        try:
            notices = find_notice(client, reference)
        except Refusal as refusal:
            if refusal.code is not RefusalCode.NOTICE_UNKNOWN:
                raise
    if not notices:
        finding = find_finding(client, reference)
    if as_json:
        print_json({"notices": plain(notices), "finding": None if finding is None else plain(finding)})
    elif finding is not None:
        click.echo("\n".join(_finding_lines(finding)))
    else:
        click.echo("\n\n".join("\n".join(_notice_lines(notice)) for notice in notices))
    return ExitCode.DONE


def _notice_lines(notice: NoticeTold) -> list[str]:
    from clearline.doors.cli.tables import acknowledged_text, time_text, why_text

    lines = [
        (
            f"Notice {reference_of(notice.notice_id)} of {shown(notice.owner)} on {shown(notice.line_id)}"
            f"{' (own)' if notice.own else ''}"
        ),
        f"  id            {shown(notice.notice_id)}",
        f"  state         {shown(notice.state)}, version {notice.version}",
        f"  status        {shown(notice.status)}",
    ]
    lines += [f"                {line}" for line in why_text(notice.uncleared_because).splitlines()]
    lines += [
        f"  class         {shown(notice.aircraft_class)}, priority {notice.priority}",
        f"  declared      {time_text(notice.declared_at_ms)}, last changed {time_text(notice.changed_at_ms)}",
    ]
    for place, line in enumerate(acknowledged_text(notice).splitlines()):
        lines.append(f"  {'acknowledged' if place == 0 else '            '}  {line}")
    for place, volume in enumerate(notice.volumes):
        lines.append(f"  volume {place:<5}  {_volume_text(volume)}")
    if notice.read_back_fields is not None:
        fields = msgspec.to_builtins(notice.read_back_fields)
        for place, (name, value) in enumerate(fields.items()):
            lines.append(f"  {'to read back' if place == 0 else '            '}  {name:<11}{shown(str(value))}")
    return lines


def _volume_text(volume: Volume4D) -> str:
    from clearline.doors.cli.tables import band_text, window_text

    shape = volume.volume
    if shape.outline_circle is not None:
        centre = shape.outline_circle.center
        outline = f"circle of {shape.outline_circle.radius.value:,.0f} m around {centre.lat:.4f}, {centre.lng:.4f}"
    elif shape.outline_corridor is not None:
        outline = (
            f"corridor of {2 * shape.outline_corridor.half_width.value:,.0f} m along "
            f"{len(shape.outline_corridor.vertices)} points"
        )
    else:
        outline = f"polygon of {shape.vertex_count} vertices"
    return f"{outline}, {band_text([volume])}, {window_text(*volume.window_ms)}"


def _finding_lines(finding: FindingTold) -> list[str]:
    from clearline.doors.cli.tables import place_text, terms_text, time_text, window_text

    key = finding.key
    lateral, vertical = finding.lateral_m_min, finding.vertical_m_min
    lines = [
        f"Finding {finding_reference(finding.finding_id)} on {shown(finding.line_id)}: {shown(finding.state)}",
        f"  id            {shown(finding.finding_id)}",
        (
            f"  between       {shown(key.owner_a)} {reference_of(key.notice_a)} and "
            f"{shown(key.owner_b)} {reference_of(key.notice_b)}"
        ),
        f"  where         {place_text(finding.area).replace(chr(10), ', ')}",
        f"  height band   {shown(finding.band_text or '-')}",
        (
            f"  window        {window_text(finding.from_ms, finding.until_ms)}, "
            f"closer for {finding.closer_ms / 1_000:,.0f} s"
        ),
        (
            f"  nearest       {'-' if lateral is None else f'{lateral:,.0f} m'} over ground, "
            f"{'not comparable' if vertical is None else f'{vertical:,.0f} m'} up and down"
        ),
        (
            f"  rule          {shown(finding.rule_id)} v{finding.rule_version}, {shown(finding.severity)}"
            f"{'' if finding.certain is not False else ' (possible)'}"
        ),
        f"  found by      {', '.join(shown(party) for party in finding.found_by)}",
    ]
    lines += [
        f"  signed        {shown(each.party)}: {terms_text(each.terms)}, {time_text(each.signed_at_ms)}"
        for each in finding.resolutions
    ]
    if finding.state == "OPEN":
        signed = {each.party for each in finding.resolutions}
        missing = [shown(party) for party in (key.owner_a, key.owner_b) if party not in signed]
        lines.append(
            f"  open until    {' and '.join(missing) + ' signed' if missing else 'both signed the same terms'}"
        )
    return lines
