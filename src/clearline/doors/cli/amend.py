"""`clearline amend`: an own notice gets the volumes of a feature of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clearline.doors.cli.changing import check_can_be_said, say_change, tell_change
from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.references import find_own_notice
from clearline.doors.cli.trouble import ExitCode, tell_refusal
from clearline.model.message import ReasonCode
from clearline.model.refusal import Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient
    from clearline.formats.record import Record

__all__ = ["command"]

_TITLES_NAMED = 8


@click.command(
    name="amend",
    epilog="Exit code: 0 done, 2 bad input or refused, 5 the node cannot be reached, 6 the token will not do.",
)
@click.argument("reference", metavar="REF")
@click.argument("file", metavar="FILE")
@click.option("--feature", metavar="TITLE", help="Which feature, where the file has several.")
@click.option(
    "--reason",
    type=click.Choice([code.value for code in ReasonCode], case_sensitive=False),
    default=ReasonCode.CHANGE_OF_PLAN.value,
    show_default=True,
    help="As far as separation is concerned.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_node
def command(client: NodeClient, *, reference: str, file: str, feature: str | None, reason: str, as_json: bool) -> int:
    """Give an own notice the volumes of FILE: a new version, compared anew. The same volumes again say nothing."""
    from clearline.doors.cli.source_file import read_source_file

    reading = read_source_file(file)
    for bad in reading.refused:
        tell_refusal(bad.refusal, place=f"{shown(file)} {bad.place} ({bad.title})")
    if reading.refused:
        return ExitCode.BAD_INPUT
    record = _chosen(reading.records, file, feature)
    try:
        check_can_be_said(record)
    except Refusal as refusal:
        return _refused(refusal, file, record)
    notices = find_own_notice(client, reference)
    other = [notice for notice in notices if notice.ended or notice.volumes != record.volumes]
    body: dict[str, object] = {"volumes": record.volumes, "reason": reason}
    if record.aircraft_class is not None:
        body["aircraft_class"] = record.aircraft_class
    if record.priority is not None:
        body["priority"] = record.priority
    try:
        said = say_change(client, other, "amend", body) if other else notices
    except Refusal as refusal:
        return _refused(refusal, file, record)
    return tell_change(client, said, as_json=as_json)


def _refused(refusal: Refusal, file: str, record: Record) -> int:
    field = record.field_in_file(refusal.field)
    placed = Refusal(refusal.code, field=field, found=refusal.found, allowed=refusal.allowed)
    tell_refusal(placed, place=f"{shown(file)} {record.place} ({record.title})")
    return ExitCode.BAD_INPUT


def _chosen(records: tuple[Record, ...], file: str, feature: str | None) -> Record:
    wanted = [record for record in records if feature is None or record.title == feature]
    if len(wanted) == 1:
        return wanted[0]
    titles = ", ".join(record.title for record in records[:_TITLES_NAMED])
    raise Refusal(
        RefusalCode.OUT_OF_RANGE,
        field=f"{file}: --feature",
        found=f"{len(wanted)} features" if feature is None else f"{len(wanted)} named {feature}",
        allowed=f"exactly one of {titles}" if titles else "a file with a feature",
    )
