"""The page of `clearline check --html`.

Rules
 * One file that needs no other: styles and script stand in it, and its policy allows these two by their hash and
   nothing else, from anywhere.
 * It can be read without a script: map, tables and a strip under each finding. The script adds choosing and zooming.
 * Bounded: so many findings of each list, so many outlines, so many refused records; what is left out is told.
 * All text of files goes through `markup`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final

from clearline import __version__
from clearline.doors.cli.check_compare import Checked, Found, Met
from clearline.doors.cli.check_items import FileRead, Item, Kind, Refused
from clearline.doors.cli.check_output import (
    band_text,
    counted,
    duration_text,
    item_text,
    lateral_text,
    rules_text,
    short_names,
    vertical_text,
)
from clearline.doors.cli.report.map_svg import draw_map, item_key
from clearline.doors.cli.report.markup import Markup, element, joined, named, text
from clearline.doors.cli.report.strip_svg import draw_strip, said_text
from clearline.model.instant import instant_text
from clearline.model.rules import ClassRule, RuleSet, ZoneRule

__all__ = ["as_html", "listed_in"]

CONFLICTS_MAX: Final = 1_000
"""4 KB each: a page of 4 MB opens at once, and nobody works through more by hand."""
OTHERS_MAX: Final = 250
"""Brief findings, and those with advisory zones."""
REFUSED_MAX: Final = 500
FEW: Final = 25
"""So many findings are printed with their strips."""
MANY: Final = 150
"""More than these are smaller dots on the map."""


def listed_in(checked: Checked) -> list[Met]:
    """Return the findings that the page shows: they have to be described before."""
    return [met for found, most in _lists(checked) for met in found.kept[:most]]


def _lists(checked: Checked) -> list[tuple[Found, int]]:
    return [(checked.conflicts, CONFLICTS_MAX), (checked.brief, OTHERS_MAX), (checked.advisory, OTHERS_MAX)]


def as_html(checked: Checked, *, now_ms: int) -> bytes:
    """Return the page, in UTF-8."""
    listed = listed_in(checked)
    drawn = draw_map(checked, listed)
    style, script = (
        files(__package__).joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")
    )
    left_out = f"{counted(drawn.left_out, 'more record is', 'more records are')} not drawn. " if drawn.left_out else ""
    body = joined(
        _header(checked, now_ms),
        element("main", _stage(drawn.svg, left_out), _tables(checked, listed)),
        _refused(checked.refused),
        _files(checked),
        element("footer", text("Base map: Natural Earth. Drawn for the eye; the comparison is made on the ellipsoid.")),
        # Ours, and nothing of a file is in it: it goes in as it is.
        Markup(f"<script>{script}</script>"),
    )
    size = "few" if len(listed) <= FEW else "many" if len(listed) > MANY else None
    page = element("html", _head(style, script), element("body", body), lang="en", class_=size)
    return f"<!doctype html>\n{page}\n".encode()


def _head(style: str, script: str) -> Markup:
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", text("Airspace check")),
        Markup(f"<style>{style}</style>"),
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")


def _header(checked: Checked, now_ms: int) -> Markup:
    conflicts = checked.conflicts.count
    inputs = checked.inputs
    compared = ", ".join(
        counted(count, one, more)
        for count, one, more in (
            (inputs.count(Kind.NOTICE), "notice", "notices"),
            (inputs.count(Kind.TRAJECTORY), "trajectory", "trajectories"),
            (checked.zones_compared, "zone", "zones"),
        )
        if count
    )
    rest = [
        f"{checked.brief.count:,} brief",
        f"{checked.advisory.count:,} advisory",
        f"{len(checked.refused):,} refused",
    ]
    said = joined(
        element("strong", text(counted(conflicts, "conflict", "conflicts")), class_=None if conflicts else "none"),
        text(f"; {'; '.join(rest)}. {counted(len(inputs.files), 'file', 'files')}, {compared or 'nothing'} compared."),
    )
    zones = " Zones are compared with each other by plain intersection." if checked.among_zones else ""
    return element(
        "header",
        element("h1", text("Airspace check")),
        element("p", said, class_="summary"),
        element("p", text(f"Rules: {rules_text(checked.rules)}.{zones}")),
        element("p", text(f"Made {_second(now_ms)} by clearline {__version__}. All times are UTC.")),
    )


def _second(at_ms: int) -> str:
    return instant_text(at_ms // 1000 * 1000).replace("T", " ")


def _stage(svg: Markup, left_out: str) -> Markup:
    buttons = [
        element("button", text(sign), type="button", id=name, aria_label=label, title=label)
        for name, sign, label in (("nearer", "+", "Zoom in"), ("farther", "−", "Zoom out"), ("whole", "⤢", "Show all"))
    ]
    legend = element(
        "ul",
        *(
            element("li", _sample(kind, shape), text(word))
            for kind, shape, word in (
                ("record notice", "area", "notice"),
                ("record trajectory", "way", "trajectory"),
                ("record zone", "area", "zone"),
                ("record zone advisory", "area", "advisory zone"),
                ("place conflict", "dot", "conflict"),
                ("place brief", "dot", "brief"),
            )
        ),
        class_="legend",
    )
    hint = text(left_out + "Drag to pan; the wheel zooms after a click on the map, or with Ctrl.")
    return element(
        "div",
        element("div", svg, element("div", *buttons, class_="tools needs-script"), class_="map-holder"),
        legend,
        element("div", text("Choose a finding."), id="detail", class_="detail-panel needs-script", aria_live="polite"),
        element("p", hint, class_="quiet from-file needs-script"),
        class_="stage",
    )


def _sample(kind: str, shape: str) -> Markup:
    data = {"area": "M1 1H25V11H1z", "way": "M1 9L12 3L25 8", "dot": "M13 6h0"}[shape]
    mark = element("g", element("path", d=data, class_=shape), class_=kind)
    return element("svg", mark, viewBox="0 0 26 12", aria_hidden="true")


# --- tables


def _tables(checked: Checked, listed: Sequence[Met]) -> Markup:
    names = short_names(tuple(read.file for read in checked.inputs.files))
    index = {met: place for place, met in enumerate(listed)}
    find = element(
        "label",
        text("Find "),
        element("input", type="search", id="find", autocomplete="off", spellcheck="false"),
        class_="needs-script",
    )
    parts = [
        element(
            "div",
            element("h2", text("Findings")),
            element("span", id="shown", class_="quiet"),
            find,
            class_="tools-row",
        )
    ]
    titles = (
        "Conflicts",
        "Brief: not for longer than the rules allow",
        "Advisory zones: to be known, they block nothing",
    )
    for (found, most), title in zip(_lists(checked), titles, strict=True):
        if found.count or title == titles[0]:
            parts.append(_table(title, found, found.kept[:most], checked, names, index))
    return element("div", *parts, class_="lists")


def _table(
    title: str, found: Found, shown: Sequence[Met], checked: Checked, names: dict[str, str], index: dict[Met, int]
) -> Markup:
    more = found.count - len(shown)
    left_out = f" The first {len(shown):,} by time are listed; {more:,} more are not." if more else ""
    heading = element("h2", text(f"{title} ({found.count:,})"))
    if not shown:
        return joined(heading, element("p", text("None."), class_="quiet"))
    head = element(
        "tr",
        *(
            element("th", text(name), scope="col")
            for name in ("#", "Who with whom", "Window (UTC)", "Heights", "Least gap")
        ),
    )
    rows = [row for met in shown for row in _rows(met, checked, names, index[met])]
    note = element("p", text(left_out), class_="quiet") if left_out else Markup("")
    return joined(heading, note, element("table", element("thead", head), element("tbody", *rows)))


def _rows(met: Met, checked: Checked, names: dict[str, str], place: int) -> tuple[Markup, Markup]:
    """Return the row of a finding, and the row below it with its strip."""
    meeting = checked.meeting(met)
    kind = "advisory" if met.advisory else met.severity.value.lower()
    possible = "" if met.certain else " (possible)"
    badge = element("div", text(kind.upper() + possible), class_=f"badge {kind}")
    button = element("button", text(place + 1), type="button", aria_pressed="false", class_="needs-script")
    number = element("span", text(place + 1), class_="number")
    row = element(
        "tr",
        element("td", button, element("noscript", number)),
        element("td", _who("A", met.a, names), _who("B", met.b, names), badge, class_="who"),
        element("td", *_lines(_window(met)), *_lines(f"for {duration_text(met.closer_ms)}"), class_="short"),
        element("td", *_lines(band_text(meeting))),
        element("td", *_lines(_gap("ground", lateral_text(meeting))), *_lines(_gap("up", vertical_text(meeting)))),
        class_="finding",
        id=f"f{place}",
        data_finding=place,
        data_a=item_key(met.a),
        data_b=item_key(met.b),
    )
    return row, element("tr", element("td", *_detail(met, checked, names), colspan=5), class_="detail")


def _window(met: Met) -> str:
    """Return a window on two lines: the day and its hours, or both ends."""
    first, last = _second(met.from_ms), _second(met.until_ms)
    return f"{first[:10]}\n{first[11:-1]} – {last[11:]}" if first[:10] == last[:10] else f"{first} –\n{last}"


def _gap(way: str, words: str) -> str:
    """Return a distance in one line: `0 m overlap` says the same twice."""
    if words.endswith("overlap"):
        return f"{way}: overlap"
    return f"{way}: {words.replace(chr(10), ' / ' if words[0].isdigit() else ' ')}"


def _who(side: str, item: Item, names: dict[str, str], said: str = "") -> Markup:
    line = f":{item.record.line}" if item.record.line is not None else ""
    return element(
        "div",
        element("span", text(f"{side} "), class_=f"side {side.lower()}"),
        named(item_text(item)),
        text(" "),
        element("span", named(names[item.file] + line), class_="from-file") if len(names) > 1 or line else Markup(""),
        element("span", text(" · "), named(said), class_="said") if said else Markup(""),
    )


def _lines(words: str) -> Iterable[Markup]:
    return (element("div", named(line)) for line in words.split("\n"))


def _detail(met: Met, checked: Checked, names: dict[str, str]) -> Iterable[Markup]:
    meeting, rules = checked.meeting(met), checked.rules_of(met)
    sides = [_who(side, item, names, said_text(item, met)) for side, item in (("A", met.a), ("B", met.b))]
    yield element("div", *sides, class_="who")
    yield draw_strip(checked, met)
    facts = [
        ("window", f"{_second(met.from_ms)} to {_second(met.until_ms)}"),
        ("closer for", duration_text(met.closer_ms)),
        ("rule", f"{rules.rule_id} v{rules.version}"),
        ("heights W84", f"{meeting.band_lower_w84_m:,.0f} to {meeting.band_upper_w84_m:,.0f} m"),
        ("answer", "certain" if met.certain else "possible: within the tolerance, or by bounds of a height reference"),
    ]
    rows = [element("div", element("dt", text(name)), element("dd", text(said))) for name, said in facts]
    yield element("dl", *rows, class_="facts")


def _refused(refused: Sequence[Refused]) -> Markup:
    if not refused:
        return Markup("")
    shown = refused[:REFUSED_MAX]
    more = len(refused) - len(shown)
    head = [
        element("th", text(name), scope="col") for name in ("File and line", "Record", "Field", "Refused", "Allowed")
    ]
    rows = [
        element(
            "tr",
            element("td", named(each.file + (f":{each.line}" if each.line is not None else ""))),
            element(
                "td", named(" ".join(part for part in (each.place, f"({each.title})" if each.title else "") if part))
            ),
            element("td", named(each.refusal.field)),
            element("td", element("span", text(f"{each.refusal.code} "), class_="badge"), named(each.refusal.found)),
            element("td", named(each.refusal.allowed)),
        )
        for each in shown
    ]
    note = [element("p", text(f"{more:,} more are not listed; --json has them."), class_="quiet")] if more else []
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    return element(
        "section", element("h2", text(f"Refused ({len(refused):,}): not compared")), *note, table, class_="wide"
    )


def _files(checked: Checked) -> Markup:
    head = ("File", "Format", "Notices", "Trajectories", "Zones", "Refused")
    rows = [_file_row(read) for read in checked.inputs.files]
    table = element(
        "table",
        element("thead", element("tr", *(element("th", text(name), scope="col") for name in head))),
        element("tbody", *rows),
    )
    return element("section", element("h2", text("Files")), table, *_rule_rows(checked.rules), class_="wide")


def _file_row(read: FileRead) -> Markup:
    numbers = [*(read.counts[kind] for kind in Kind), read.refused]
    cells = [element("td", text(f"{number:,}")) for number in numbers]
    return element("tr", element("td", named(read.file)), element("td", text(read.file_format or "–")), *cells)


def _rule_rows(rules: RuleSet) -> Iterable[Markup]:
    """Return the rows of a rule set that hold for classes and for zones."""
    if not rules.by_class and not rules.by_zone:
        return
    named_rows: list[tuple[str, ClassRule | ZoneRule]] = [
        *((" with ".join(each.value for each in row.classes), row) for row in rules.by_class),
        *((row.kind.value, row) for row in rules.by_zone),
    ]
    head = ("For", "Over ground", "Up", "Time", "Conflict after")
    rows = [
        element(
            "tr",
            element("td", text(name)),
            element("td", text(f"{row.separation_lateral_m:,.0f} m")),
            element("td", text(f"{row.separation_vertical_m:,.0f} m")),
            element("td", text(duration_text(row.separation_time_ms))),
            element("td", text("at once" if row.closer_ms_max is None else duration_text(row.closer_ms_max))),
        )
        for name, row in named_rows
    ]
    yield element("h2", text(f"Other values of {rules.rule_id} v{rules.version}"))
    yield element(
        "table",
        element("thead", element("tr", *(element("th", text(each), scope="col") for each in head))),
        element("tbody", *rows),
    )
