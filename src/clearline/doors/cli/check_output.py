"""What `clearline check` prints for people: tables and one line of summary, and the words that the report shares.

Rules
 * Times are UTC and end in Z. Lengths stand in metres first, then NM over ground and feet up.
 * Nothing of a file reaches the terminal but bounded text without control characters.
 * A table is bounded; the line below it says how many more there are, and how to see them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from clearline.doors.cli.check_compare import Checked, Found, Met
from clearline.doors.cli.check_items import Item, Kind
from clearline.doors.cli.source_file import STDIN
from clearline.model.altitude import FEET_M
from clearline.model.instant import instant_text
from clearline.model.refusal import shown
from clearline.model.rules import RuleSet
from clearline.model.zone import ZoneKind

if TYPE_CHECKING:
    from rich.table import Table

    from clearline.sky import Meeting

__all__ = [
    "as_tables",
    "band_text",
    "duration_text",
    "item_text",
    "lateral_text",
    "rules_text",
    "short_names",
    "summary",
    "vertical_text",
    "window_text",
]

NAUTICAL_MILE_M = 1852.0


def as_tables(checked: Checked, *, width: int, rows: int) -> str:
    """Return the tables of conflicts, brief findings and advisory zones, at most so many rows each, and a summary."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False, emoji=False, markup=False, color_system=None)
    rules = checked.rules
    for found, title in (
        (checked.conflicts, f"Conflicts under {rules_text(rules)}"),
        (checked.brief, f"Brief: closer than {rules.rule_id} allows, but not for longer. These block nothing."),
        (checked.advisory, "Advisory: zones to be known. These block nothing."),
    ):
        if found.count:
            console.print(_table(title, found.kept[:rows], checked))
            _print_rest(console.print, found, rows)
    console.print(summary(checked))
    # rich fills every row of a table with blanks to its width; nobody wants them in a file.
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _print_rest(print_line: Callable[[str], None], found: Found, rows: int) -> None:
    more = found.count - len(found.kept[:rows])
    if more:
        print_line(f"{more:,} more, later ones, are not listed: --limit, --json and --html show more.\n")


def rules_text(rules: RuleSet) -> str:
    """Return a rule set in words."""
    named = f"{rules.rule_id} v{rules.version}"
    if rules.separation_lateral_m == 0.0 and rules.separation_vertical_m == 0.0:
        words = "volumes meet in place, height and time"
    else:
        words = (
            f"closer than {rules.separation_lateral_m:,.0f} m ({rules.separation_lateral_m / NAUTICAL_MILE_M:g} NM) "
            f"and {rules.separation_vertical_m:,.0f} m ({rules.separation_vertical_m / FEET_M:,.0f} ft)"
        )
    if rules.separation_time_ms:
        words += f" within {duration_text(rules.separation_time_ms)}"
    if rules.closer_ms_max is not None:
        words += f", for more than {duration_text(rules.closer_ms_max)}"
    rows = [f"{len(each)} for {of}" for each, of in ((rules.by_class, "classes"), (rules.by_zone, "zones")) if each]
    return f"{named}: {words}" + (f"; other values: {', '.join(rows)}" if rows else "")


def _table(title: str, found: tuple[Met, ...], checked: Checked) -> Table:
    from rich import box
    from rich.table import Table

    names = short_names(tuple(read.file for read in checked.inputs.files))
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=True, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("Who with whom", overflow="fold", ratio=1, min_width=14)
    for heading in ("Severity", "Height band", "Window (UTC)", "Closer for", "Least lateral", "Least vertical", "Rule"):
        table.add_column(heading, overflow="fold")
    for number, met in enumerate(found, start=1):
        meeting, rules = checked.meeting(met), checked.rules_of(met)
        table.add_row(
            str(number),
            f"{names[met.a.file]}: {item_text(met.a)}\n{names[met.b.file]}: {item_text(met.b)}",
            severity_text(met),
            band_text(meeting),
            window_text(met.from_ms, met.until_ms),
            duration_text(met.closer_ms),
            lateral_text(meeting),
            vertical_text(meeting),
            f"{rules.rule_id} v{rules.version}",
        )
    return table


def item_text(item: Item) -> str:
    """Return how a record is called; a zone with its kind."""
    zone = item.record.zone
    return item.record.title if zone is None else f"{item.record.title} [{zone_words(zone.kind)}]"


def zone_words(kind: ZoneKind) -> str:
    """Return a kind of zone in small letters: RESTRICTED shouts in a table of names."""
    return kind.value.replace("_", " ").lower() + " zone"


def severity_text(met: Met) -> str:
    """Return the severity, and whether the answer lies within the tolerance."""
    word = "ADVISORY" if met.advisory else met.severity.value
    return word + ("" if met.certain else "\n(possible)")


def short_names(files: tuple[str, ...]) -> dict[str, str]:
    """Return how each file is called in tables: by its last part, where that tells them apart."""
    last = {file: "stdin" if file == STDIN else shown(PurePath(file).name or file) for file in files}
    return last if len(set(last.values())) == len(last) else {file: shown(file) for file in files}


def summary(checked: Checked) -> str:
    """Return one line: how much was compared, what was found, under which rules."""
    inputs = checked.inputs
    compared = [counted(inputs.count(Kind.NOTICE), "notice", "notices")]
    if trajectories := inputs.count(Kind.TRAJECTORY):
        compared.append(counted(trajectories, "trajectory", "trajectories"))
    if zones := checked.zones_compared:
        compared.append(counted(zones, "zone", "zones"))
    parts = [
        f"{counted(len(inputs.files), 'file', 'files')}, {', '.join(compared)} compared",
        counted(checked.conflicts.count, "conflict", "conflicts"),
        f"{checked.brief.count:,} brief",
    ]
    if checked.advisory.count:
        parts.append(f"{checked.advisory.count:,} advisory")
    if checked.refused:
        parts.append(f"{len(checked.refused):,} refused (see stderr)")
    clear = not checked.refused and not checked.conflicts.count
    return "; ".join([*parts, *(["clear"] if clear else [])]) + f" ({checked.rules.rule_id} v{checked.rules.version})."


def counted(count: int, one: str, more: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {one if count == 1 else more}"


def window_text(from_ms: int, until_ms: int) -> str:
    """Return a window on two lines; the day is said once where both ends are on it."""
    first, last = instant_text(from_ms).replace("T", " "), instant_text(until_ms).replace("T", " ")
    same_day = first[:10] == last[:10]
    return f"{first}\nto {last[11:] if same_day else last}"


def duration_text(duration_ms: int) -> str:
    """Return a duration as people say it: the two largest units, rounded up to seconds."""
    seconds = -(-duration_ms // 1000)
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def band_text(meeting: Meeting) -> str:
    """Return the bands as said: under each other, like the names, where each record has one band in the matter."""
    text = shown(meeting.band_text)
    return text if ";" in text else text.replace(" / ", "\n")


def lateral_text(meeting: Meeting) -> str:
    """Return the least distance over ground."""
    metres = meeting.lateral_m_min
    return "0 m\noverlap" if metres == 0.0 else f"{metres:,.0f} m\n{metres / NAUTICAL_MILE_M:,.2f} NM"


def vertical_text(meeting: Meeting) -> str:
    """Return the least gap between the bands."""
    metres = meeting.vertical_m_min
    if metres is None:
        return "not\ncomparable"
    return "0 m\noverlap" if metres == 0.0 else f"{metres:,.0f} m\n{metres / FEET_M:,.0f} ft"
