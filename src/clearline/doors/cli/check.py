"""`clearline check`: every conflict between and within files. No server, no configuration.

Rules
 * Each feature (or operational intent, flight, track) is a notice of its own and is compared with every other one, of
   the same file and of the others, and with every zone. Zones are compared with each other only when asked.
 * What cannot be read is told on stderr with file, line, feature and field; the rest is still compared and printed.
 * Exit code: 0 clear, 1 conflicts, 2 bad input (also when conflicts were found beside it). BRIEF findings and those
   with ADVISORY zones are listed apart and do not count as conflicts.
 * Every list is bounded, and what is left out is counted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from clearline.doors.cli import check_json, check_output
from clearline.doors.cli.check_compare import PAIRS_KEPT_MAX, Checked, check
from clearline.doors.cli.check_items import Kind, Refused, read_inputs
from clearline.doors.cli.check_progress import load_kernels
from clearline.doors.cli.check_rules import RULES_HELP, rules_named
from clearline.doors.cli.source_file import STDIN
from clearline.doors.cli.trouble import ExitCode, tell_refusal
from clearline.model.refusal import Refusal, RefusalCode, shown
from clearline.node.clock import SystemClock

__all__ = ["command"]

TABLE_ROWS = 100
"""Rows of each table when nothing else is said: some five screens."""

REFUSED_TOLD_MAX = 200
"""Told on stderr, two lines each; all are counted, and `--json` has them."""


@click.command(
    name="check",
    epilog="Exit code: 0 clear, 1 conflicts, 2 bad input (file, line and field are on stderr; the rest is checked).",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--rules", default="threes", show_default=True, metavar="NAME|FILE", help=RULES_HELP)
@click.option("--among-zones", is_flag=True, help="Compare zones with each other too, by plain intersection.")
@click.option("--limit", default=TABLE_ROWS, show_default=True, metavar="N", help="Rows in each table.", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--geojson", "--map", "map_file", metavar="OUT", help="Also write the regions of conflict, as GeoJSON.")
@click.option("--html", "html_file", metavar="OUT", help="Also write a report: one page with map, strip and tables.")
def command(
    files: tuple[str, ...],
    rules: str,
    among_zones: bool,
    limit: int,
    as_json: bool,
    map_file: str | None,
    html_file: str | None,
) -> int:
    """Print every conflict between and within files: notices, trajectories and zones, in any mix of formats.

    Formats: GeoJSON, F3548 JSON, KML and KMZ, CSV of tracks, OpenAir, ED-269, ED-318; told from the content. "-" is
    stdin. docs/formats.md says what each must hold.
    """
    rule_set = rules_named(rules)
    if not 1 <= limit <= PAIRS_KEPT_MAX:
        raise click.BadParameter(f"1 to {PAIRS_KEPT_MAX}", param_hint="--limit")
    if files.count(STDIN) > 1:
        raise click.BadParameter("stdin can be read once", param_hint="FILE")
    load_kernels()
    clock = SystemClock()
    checked = check(read_inputs(files), rule_set, among_zones=among_zones, now_ms=clock.now_ms)
    _tell_refused(checked.refused)
    _tell_zones_alone(checked)
    # Whoever draws needs outlines: then they are made for all, so that no pair is described twice.
    outline = as_json or map_file is not None or html_file is not None
    most = PAIRS_KEPT_MAX if as_json else limit
    checked.describe(checked.first(most), outline=outline)
    _print(checked, as_json=as_json, most=most)
    if map_file is not None:
        checked.describe(checked.first(PAIRS_KEPT_MAX), outline=outline)
        _write(map_file, check_json.as_geojson(checked, most=PAIRS_KEPT_MAX))
    if html_file is not None:
        from clearline.doors.cli.report import page

        checked.describe(page.listed_in(checked), outline=True)
        _write(html_file, page.as_html(checked, now_ms=clock.now_ms()))
    return exit_code(checked)


def exit_code(checked: Checked) -> ExitCode:
    """Return 2 where anything was refused, else 1 where there is a conflict, else 0."""
    if checked.refused:
        return ExitCode.BAD_INPUT
    return ExitCode.FOUND if checked.conflicts.count else ExitCode.DONE


def _print(checked: Checked, *, as_json: bool, most: int) -> None:
    if as_json:
        click.echo(check_json.as_json(checked, most=most), nl=False)
    else:
        click.echo(check_output.as_tables(checked, width=_width(), rows=most), nl=False)


def _tell_refused(refused: tuple[Refused, ...]) -> None:
    for each in refused[:REFUSED_TOLD_MAX]:
        line = f":{each.line}" if each.line is not None else ""
        feature = f" {each.place} ({each.title})" if each.place else ""
        tell_refusal(each.refusal, place=f"{shown(each.file)}{line}{feature}")
    more = len(refused) - REFUSED_TOLD_MAX
    if more > 0:
        click.echo(f"error: {more:,} more refused; --json and --html name them", err=True)


def _tell_zones_alone(checked: Checked) -> None:
    """Say why nothing was compared, where that is so."""
    inputs = checked.inputs
    if inputs.count(Kind.ZONE) and not inputs.items and not checked.among_zones:
        click.echo("note: the files hold zones only, and there is nothing to compare them with.", err=True)
        click.echo(
            "  next: add files with notices or tracks, or compare zones with each other: --among-zones", err=True
        )


def _write(file: str, body: bytes) -> None:
    try:
        Path(file).write_bytes(body)
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) else "a name with a zero byte"
        raise Refusal(
            RefusalCode.UNREADABLE_FILE,
            field=file,
            found=found or type(error).__name__,
            allowed="a file to write",
        ) from None


def _width() -> int:
    """Columns for tables: those of the terminal, or wide enough for a file that nobody wraps."""
    return os.get_terminal_size().columns if sys.stdout.isatty() else 160
