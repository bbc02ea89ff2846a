"""What `clearline check` prints: tables for people, JSON for programs, GeoJSON for maps.

Rules
 * Times are UTC and end in Z. Lengths stand in metres first, then NM over ground and feet up.
 * Nothing of a file reaches the terminal but bounded text without control characters.
"""

from __future__ import annotations

import io
import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from clearline.formats.geojson import write_features
from clearline.model.altitude import FEET_M
from clearline.model.instant import instant_text
from clearline.model.refusal import shown
from clearline.model.rules import RuleSet

if TYPE_CHECKING:
    from rich.table import Table

    from clearline.doors.cli.check import Checked, Item, Met
    from clearline.sky import Meeting

__all__ = ["as_geojson", "as_json", "as_tables"]

CHECK_SCHEMA = "clearline/check/1"
NAUTICAL_MILE_M = 1852.0

Json = dict[str, Any]


def as_json(checked: Checked) -> str:
    """Return one JSON object with everything that was found, and a line feed."""
    document = {
        "schema": CHECK_SCHEMA,
        "rules": _rules_json(checked.rules),
        "files": list(checked.files),
        "notices": checked.notices,
        "conflicts": [_met_json(met, checked.rules) for met in checked.conflicts],
        "brief": [_met_json(met, checked.rules) for met in checked.brief],
        "unlisted": checked.unlisted,
        "refused": [
            {
                "file": each.file,
                "feature": each.place,
                "title": each.title,
                "code": each.refusal.code.value,
                "field": each.refusal.field,
                "found": each.refusal.found,
                "allowed": each.refusal.allowed,
            }
            for each in checked.refused
        ],
    }
    # Names of files may hold what is no Unicode; escaped, they still are JSON.
    return json.dumps(document, allow_nan=False, indent=1) + "\n"


def as_geojson(checked: Checked) -> bytes:
    """Return the regions in which two notices are too close, one feature each."""
    features = []
    for met in (*checked.conflicts, *checked.brief):
        ring = [[point.lng, point.lat] for point in met.meeting.area]
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]} if len(ring) > 2 else None
        properties = {"name": f"{met.a.record.title} / {met.b.record.title}", **_met_json(met, checked.rules)}
        del properties["area"]
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return write_features(features)


def _rules_json(rules: RuleSet) -> Json:
    return {
        "rule_id": rules.rule_id,
        "version": rules.version,
        "separation_lateral_m": rules.separation_lateral_m,
        "separation_vertical_m": rules.separation_vertical_m,
        "closer_ms_max": rules.closer_ms_max,
    }


def _met_json(met: Met, rules: RuleSet) -> Json:
    meeting = met.meeting
    return {
        "severity": meeting.severity.value,
        "a": _item_json(met.a),
        "b": _item_json(met.b),
        "rule_id": rules.rule_id,
        "rule_version": rules.version,
        "from": instant_text(meeting.from_ms),
        "until": instant_text(meeting.until_ms),
        "closer_ms": meeting.closer_ms,
        "certain": meeting.certain,
        "lateral_m_min": meeting.lateral_m_min,
        "vertical_m_min": meeting.vertical_m_min,
        "band_lower_w84_m": meeting.band_lower_w84_m,
        "band_upper_w84_m": meeting.band_upper_w84_m,
        "band_text": meeting.band_text,
        "area": [{"lat": point.lat, "lng": point.lng} for point in meeting.area],
    }


def _item_json(item: Item) -> Json:
    return {"file": item.file, "feature": item.record.place, "title": item.record.title}


# --- tables


def as_tables(checked: Checked, *, width: int) -> str:
    """Return the tables of conflicts and of brief findings, and one line of summary."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False, emoji=False, markup=False, color_system=None)
    if checked.conflicts:
        console.print(_table(f"Conflicts under {rules_text(checked.rules)}", checked.conflicts, checked))
    if checked.brief:
        title = f"Brief: closer than {checked.rules.rule_id} allows, but not for longer. These block nothing."
        console.print(_table(title, checked.brief, checked))
    console.print(_summary(checked))
    # rich fills every row of a table with blanks to its width; nobody wants them in a file.
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


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
    if rules.closer_ms_max is not None:
        words += f", for more than {duration_text(rules.closer_ms_max)}"
    return f"{named}: {words}"


def _table(title: str, found: tuple[Met, ...], checked: Checked) -> Table:
    from rich import box
    from rich.table import Table

    rules, names = checked.rules, _short_names(checked.files)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=True, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("Who with whom", overflow="fold", ratio=1, min_width=14)
    for heading in ("Severity", "Height band", "Window (UTC)", "Closer for", "Least lateral", "Least vertical", "Rule"):
        table.add_column(heading, overflow="fold")
    for number, met in enumerate(found, start=1):
        meeting = met.meeting
        table.add_row(
            str(number),
            f"{names[met.a.file]}: {met.a.record.title}\n{names[met.b.file]}: {met.b.record.title}",
            meeting.severity.value + ("" if meeting.certain else "\n(possible)"),
            _band_text(meeting),
            window_text(meeting.from_ms, meeting.until_ms),
            duration_text(meeting.closer_ms),
            _lateral_text(meeting),
            _vertical_text(meeting),
            f"{rules.rule_id} v{rules.version}",
        )
    return table


def _short_names(files: tuple[str, ...]) -> dict[str, str]:
    """Return how each file is called in tables: by its last part, where that tells them apart."""
    last = {file: shown(PurePath(file).name or file) for file in files}
    return last if len(set(last.values())) == len(last) else {file: shown(file) for file in files}


def _summary(checked: Checked) -> str:
    def counted(count: int, one: str, more: str) -> str:
        return f"{count:,} {one if count == 1 else more}"

    parts = [
        f"{counted(len(checked.files), 'file', 'files')}, {counted(checked.notices, 'notice', 'notices')} compared",
        counted(len(checked.conflicts), "conflict", "conflicts"),
        f"{len(checked.brief):,} brief",
    ]
    if checked.unlisted:
        parts.append(f"{checked.unlisted:,} more pairs not listed")
    if checked.refused:
        parts.append(f"{len(checked.refused):,} refused (see stderr)")
    clear = "clear" if checked.exit_code == 0 else ""
    return "; ".join([*parts, *([clear] if clear else [])]) + f" ({checked.rules.rule_id} v{checked.rules.version})."


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


def _band_text(meeting: Meeting) -> str:
    """Return the bands as said: under each other, like the names, where each notice has one band in the matter."""
    text = shown(meeting.band_text)
    return text if ";" in text else text.replace(" / ", "\n")


def _lateral_text(meeting: Meeting) -> str:
    metres = meeting.lateral_m_min
    return "0 m\noverlap" if metres == 0.0 else f"{metres:,.0f} m\n{metres / NAUTICAL_MILE_M:,.2f} NM"


def _vertical_text(meeting: Meeting) -> str:
    metres = meeting.vertical_m_min
    if metres is None:
        return "not\ncomparable"
    return "0 m\noverlap" if metres == 0.0 else f"{metres:,.0f} m\n{metres / FEET_M:,.0f} ft"
