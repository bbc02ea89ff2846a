"""`clearline check`: every conflict between and within files. No server, no configuration.

Rules
 * Each feature (or operational intent) is a notice of its own and is compared with every other one, of the same file
   and of the others.
 * What cannot be read is told on stderr with file, feature and field; the rest is still compared and printed.
 * Exit code: 0 clear, 1 conflicts, 2 bad input (also when conflicts were found beside it). BRIEF findings are listed
   apart and do not count as conflicts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import click

from clearline.doors.cli.trouble import ExitCode, tell_refusal
from clearline.model.message import Severity
from clearline.model.refusal import InternalError, Refusal, RefusalCode, shown

if TYPE_CHECKING:
    from clearline.formats.record import Record
    from clearline.model.rules import RuleSet
    from clearline.sky import Meeting, Prepared

__all__ = ["Checked", "Met", "Refused", "command"]

PROGRESS_NOTICES_MIN = 500
"""Fewer are compared before a bar could be read."""

PAIRS_LISTED_MAX = 100_000
"""What is listed of two files that meet everywhere: 1 KB a pair, and nobody reads further."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What could not be read: a file as a whole, or one record of it."""

    file: str
    place: str
    title: str
    refusal: Refusal


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One notice to be compared."""

    file: str
    record: Record
    prepared: Prepared


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Two notices that are closer than the rules allow."""

    a: Item
    b: Item
    meeting: Meeting


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Everything that `check` found, in the order of the files."""

    rules: RuleSet
    files: tuple[str, ...]
    notices: int
    conflicts: tuple[Met, ...]
    brief: tuple[Met, ...]
    refused: tuple[Refused, ...]
    unlisted: int = 0
    """Pairs beyond `PAIRS_LISTED_MAX`: counted, not described."""

    @property
    def exit_code(self) -> ExitCode:
        """2 where anything was refused, else 1 where there is a conflict, else 0."""
        if self.refused:
            return ExitCode.BAD_INPUT
        return ExitCode.FOUND if self.conflicts or self.unlisted else ExitCode.DONE


@click.command(
    name="check",
    epilog="Exit code: 0 clear, 1 conflicts, 2 bad input (file, feature and field are on stderr; the rest is checked).",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--rules", default="threes", show_default=True, metavar="threes|intersect", help="How close is too close."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--map", "map_file", metavar="OUT", help="Also write the regions of conflict to this file, as GeoJSON.")
def command(files: tuple[str, ...], rules: str, as_json: bool, map_file: str | None) -> int:
    """Print every conflict between and within GeoJSON or F3548 JSON files.

    Features carry lower, upper (a number is metres W84; or text such as "FL180", "3000 ft AMSL", "120 m AGL"), start,
    end (RFC 3339), and radius_m for a Point or width_m for a LineString.
    """
    from clearline.doors.cli import check_output
    from clearline.sky import load_rules

    rule_set = load_rules(rules)
    _load_kernels()
    checked = check(files, rule_set)
    for each in checked.refused:
        feature = f" {each.place} ({each.title})" if each.place else ""
        tell_refusal(each.refusal, place=f"{shown(each.file)}{feature}")
    click.echo(check_output.as_json(checked) if as_json else check_output.as_tables(checked, width=_width()), nl=False)
    if map_file is not None:
        _write(map_file, check_output.as_geojson(checked))
    return checked.exit_code


def check(files: Sequence[str], rules: RuleSet) -> Checked:
    """Read `files` and compare everything in them with everything else."""
    refused: list[Refused] = []
    items = list(_items(files, refused))
    conflicts: list[Met] = []
    brief: list[Met] = []
    unlisted = 0
    for a, b in _pairs(items, rules):
        if len(conflicts) + len(brief) >= PAIRS_LISTED_MAX:
            unlisted += 1
            continue
        met = _met(a, b, rules)
        (brief if met.meeting.severity is Severity.BRIEF else conflicts).append(met)
    return Checked(
        rules=rules,
        files=tuple(files),
        notices=len(items),
        conflicts=tuple(conflicts),
        brief=tuple(brief),
        refused=tuple(refused),
        unlisted=unlisted,
    )


def _items(files: Sequence[str], refused: list[Refused]) -> Iterator[Item]:
    from clearline.doors.cli.source_file import read_source_file
    from clearline.sky import prepare

    for file in files:
        try:
            reading = read_source_file(file)
        except Refusal as refusal:
            refused.append(Refused(file=file, place="", title="", refusal=refusal))
            continue
        refused.extend(
            Refused(file=file, place=bad.place, title=bad.title, refusal=bad.refusal) for bad in reading.refused
        )
        with _progress(f"reading {file}", len(reading.records)) as step:
            for record in reading.records:
                step()
                try:
                    yield Item(file=file, record=record, prepared=prepare(record.volumes))
                except Refusal as refusal:
                    placed = Refusal(
                        refusal.code,
                        field=record.field_in_file(refusal.field),
                        found=refusal.found,
                        allowed=refusal.allowed,
                    )
                    refused.append(Refused(file=file, place=record.place, title=record.title, refusal=placed))


def _pairs(items: Sequence[Item], rules: RuleSet) -> Iterator[tuple[Item, Item]]:
    """Yield each pair that meets, once: an item is compared with those before it, then joins them."""
    from clearline.sky import Sky

    sky = Sky(rules)
    with _progress("comparing", len(items)) as step:
        for handle, item in enumerate(items):
            step()
            for finding in sky.findings(item.prepared, exclude_group=None):
                yield items[finding.handle], item
            sky.add(handle, item.prepared, group=handle)


def _met(a: Item, b: Item, rules: RuleSet) -> Met:
    from clearline.sky import describe

    meeting = describe(a.prepared, b.prepared, rules)
    if meeting is None:
        # Dropping the pair would hide a conflict.
        raise InternalError(f"{a.record.title} and {b.record.title} meet in the index and not by themselves")
    return Met(a=a, b=b, meeting=meeting)


def _write(file: str, body: bytes) -> None:
    try:
        Path(file).write_bytes(body)
    except OSError as error:
        raise Refusal(
            RefusalCode.UNREADABLE_FILE,
            field=file,
            found=error.strerror or type(error).__name__,
            allowed="a file to write",
        ) from None


def _width() -> int:
    """Columns for tables: those of the terminal, or wide enough for a file that nobody wraps."""
    return os.get_terminal_size().columns if sys.stdout.isatty() else 160


def _load_kernels() -> None:
    """Compile or load the kernels; the first run on a machine takes long enough to say why."""
    from clearline.sky import warm_up

    if not sys.stderr.isatty():
        warm_up()
        return
    from rich.console import Console

    with Console(stderr=True).status("loading the kernels (the first time they are compiled: about 20 s)"):
        warm_up()


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Give a function to call for each step; it moves a bar on stderr, where that is a terminal and there is much."""
    if total < PROGRESS_NOTICES_MIN or not sys.stderr.isatty():
        yield _no_step
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(shown(what), total=total)
        yield lambda: bar.advance(task)


def _no_step() -> None:
    """Move no bar."""
