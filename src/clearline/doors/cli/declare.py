"""`clearline declare`: each feature of a file becomes a notice.

Rules
 * The notice's id follows from party, title and volumes of the feature (or is the feature's own, where that is a UUID):
   declaring the same file again says nothing new. A feature that was changed is another notice.
 * A feature that cannot be read, that is no notice (a trajectory, a zone), or that the node refuses, is named with
   file, feature and field; the rest is declared.
 * Declared is not cleared: the command waits a moment for the other parties' receipts, then says what stands.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import click
import msgspec

from clearline.doors.cli.changing import check_can_be_said, receipted
from clearline.doors.cli.node_client import on_node
from clearline.doors.cli.printing import plain, print_json
from clearline.doors.cli.told import Declared, FindingsTold, FindingTold, NoticesTold, NoticeTold, SessionTold
from clearline.doors.cli.trouble import ExitCode, tell_refusal
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.doors.cli.node_client import NodeClient
    from clearline.formats.record import Record

__all__ = ["command", "notice_id_of"]

DECLARE_SCHEMA: Final = "clearline/declare/1"
_SPACE: Final = uuid.UUID("c1f4e9b2-5f0e-5c37-8f0d-3b7a9d2e6a41")
"""Drawn once, for ids of notices that are declared from files."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CLASSES: Final = ("MANNED", "UNMANNED", "MIXED")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    file: str
    feature: str
    title: str
    refusal: Refusal


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    file: str
    feature: str
    title: str
    notice_id: str
    notices: tuple[NoticeTold, ...]


@click.command(
    name="declare",
    epilog="Exit code: 0 all cleared, 1 declared but not all cleared (conflict, no receipt yet, ended), "
    "2 bad input or refused features (named on stderr; the rest is declared), 5 the node cannot be reached, "
    "6 the token will not do.",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--class",
    "aircraft_class",
    type=click.Choice(_CLASSES, case_sensitive=False),
    default="MANNED",
    show_default=True,
    help="Class of aircraft, where the file says none.",
)
@click.option(
    "--priority",
    type=click.IntRange(0, limits.PRIORITY_MAX),
    default=0,
    show_default=True,
    help="Priority, where the file says none.",
)
@click.option("--line", "lines", multiple=True, metavar="LINE", help="Only on this line; may be repeated.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the other parties' receipts.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@on_node
def command(
    client: NodeClient,
    *,
    files: tuple[str, ...],
    aircraft_class: str,
    priority: int,
    lines: tuple[str, ...],
    wait_s: float,
    as_json: bool,
) -> int:
    """Declare each feature of GeoJSON, F3548 JSON or KML files as a notice, and print what stands then.

    Declaring the same file again is harmless: the same feature is the same notice.
    """
    party = client.get(SessionTold, "/v1/session").party
    refused: list[_Refused] = []
    said: list[_Said] = []
    for file, record in _records(files, refused):
        body = {
            "notice_id": notice_id_of(party, record),
            "aircraft_class": record.aircraft_class or aircraft_class.upper(),
            "priority": priority if record.priority is None else record.priority,
            "volumes": record.volumes,
            **({"lines": lines} if lines else {}),
        }
        try:
            check_can_be_said(record)
            notices = _declare(client, party, body, record)
        except Refusal as refusal:
            refused.append(
                _Refused(file=file, feature=record.place, title=record.title, refusal=_placed(refusal, record))
            )
            if refusal.code in {RefusalCode.NOT_AUTHENTICATED, RefusalCode.ROLE_FORBIDS}:
                raise  # it would be the same for all others
            continue
        said.append(
            _Said(
                file=file, feature=record.place, title=record.title, notice_id=str(body["notice_id"]), notices=notices
            )
        )
    said = _settled(client, party, said, wait_s=wait_s)
    findings = _findings(client, party, said)
    for each in refused:
        place = f"{shown(each.file)}{f' {each.feature} ({each.title})' if each.feature else ''}"
        tell_refusal(each.refusal, place=place)
    _print(said, findings, refused, as_json=as_json)
    if refused:
        return ExitCode.BAD_INPUT
    cleared = all(notice.status == "CLEARED" for each in said for notice in each.notices)
    return ExitCode.DONE if cleared else ExitCode.FOUND


def notice_id_of(party: str, record: Record) -> str:
    """Return the id under which a feature is declared: its own UUID, or one made of what it says."""
    if _UUID.fullmatch(record.title):
        return record.title
    content = msgspec.json.encode((party, record.title, record.volumes))
    return str(uuid.uuid5(_SPACE, content.decode()))


def _records(files: Sequence[str], refused: list[_Refused]) -> Iterator[tuple[str, Record]]:
    from clearline.doors.cli.source_file import read_source_file

    for file in files:
        try:
            reading = read_source_file(file)
        except Refusal as refusal:
            refused.append(_Refused(file=file, feature="", title="", refusal=refusal))
            continue
        refused.extend(
            _Refused(file=file, feature=bad.place, title=bad.title, refusal=bad.refusal) for bad in reading.refused
        )
        for record in reading.records:
            yield file, record


def _declare(client: NodeClient, party: str, body: dict[str, Any], record: Record) -> tuple[NoticeTold, ...]:
    try:
        return client.post(Declared, "/v1/notices", body).notices
    except Refusal as refusal:
        if refusal.code not in {RefusalCode.NOTICE_EXISTS, RefusalCode.NOTICE_ENDED}:
            raise
        # Declared earlier and used since: the same thing said again is no mistake.
        told = client.get(NoticesTold, "/v1/notices", owner=party, limit=limits.PICTURE_NOTICES_MAX)
        held = tuple(notice for notice in told.notices if notice.notice_id == body["notice_id"])
        wanted = (record.volumes, body["aircraft_class"], body["priority"])
        if not held or any(
            not notice.ended and (notice.volumes, notice.aircraft_class, notice.priority) != wanted for notice in held
        ):
            raise
        return held


def _placed(refusal: Refusal, record: Record) -> Refusal:
    return Refusal(
        refusal.code, field=record.field_in_file(refusal.field), found=refusal.found, allowed=refusal.allowed
    )


def _settled(client: NodeClient, party: str, said: list[_Said], *, wait_s: float) -> list[_Said]:
    """Return what was said as it stands once every receipt is there, or the time is up."""
    notices = [notice for each in said for notice in each.notices]
    current = {(one.notice_id, one.line_id): one for one in receipted(client, party, notices, wait_s=wait_s)}
    return [
        dataclasses.replace(each, notices=tuple(current[notice.notice_id, notice.line_id] for notice in each.notices))
        for each in said
    ]


def _findings(client: NodeClient, party: str, said: list[_Said]) -> list[FindingTold]:
    ids = {each.notice_id for each in said}
    if not ids:
        return []
    told = client.get(FindingsTold, "/v1/findings", owner=party, limit=limits.PICTURE_FINDINGS_MAX)
    return [
        finding
        for finding in told.findings
        if finding.state != "GONE" and not ids.isdisjoint((finding.key.notice_a, finding.key.notice_b))
    ]


# --- printing


def _print(said: list[_Said], findings: list[FindingTold], refused: list[_Refused], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "schema": DECLARE_SCHEMA,
                "declared": [
                    {
                        "file": each.file,
                        "feature": each.feature,
                        "title": each.title,
                        "notice_id": each.notice_id,
                        "notices": plain(each.notices),
                    }
                    for each in said
                ],
                "findings": plain(findings),
                "refused": [
                    {"file": each.file, "feature": each.feature, "title": each.title, **plain(each.refusal.report())}
                    for each in refused
                ],
            }
        )
        return
    from clearline.doors.cli.tables import band_text, findings_table, table_text, volumes_window, why_text, window_text

    rows = []
    for each in said:
        for notice in each.notices:
            window = volumes_window(notice.volumes)
            rows.append(
                (
                    shown(notice.reference),
                    each.title,
                    shown(notice.line_id),
                    shown(notice.status),
                    why_text(notice.uncleared_because),
                    band_text(notice.volumes),
                    window_text(*window) if window else "-",
                )
            )
    if rows:
        headings = ("Notice", "Feature", "Line", "Status", "Not cleared because", "Height", "Window (UTC)")
        click.echo(table_text(headings, rows), nl=False)
    if findings:
        click.echo(findings_table(findings, title="Findings on these notices"), nl=False)
    cleared = sum(notice.status == "CLEARED" for each in said for notice in each.notices)
    open_count = sum(finding.state == "OPEN" for finding in findings)
    click.echo(
        f"{len(said)} declared, {cleared} cleared, {open_count} open finding{'' if open_count == 1 else 's'}"
        f"{f', {len(refused)} refused (see stderr)' if refused else ''}."
    )
