"""The plot of `sky_peers`: what a question, a change and all pairs cost each engine at the largest count, as SVG.

Three panels with logarithmic scales. A question: dot at the median, line to the 99th percentile. A change: insert and
delete at the median, or the new tree. All pairs: open where it is estimated from the part done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

Report = dict[str, Any]
ROW, LEFT, WIDTH, GAP, TOP = 26, 150, 250, 40, 64
INK, FAINT, OURS, THEIRS = "#1c2733", "#d5dbe1", "#0b6e4f", "#4a6a8a"


@dataclass(frozen=True, slots=True)
class Panel:
    """A scale from 10^low to 10^high at a place from the left."""

    title: str
    unit: str
    left: float
    low: int
    high: int

    def x(self, value: float) -> float:
        """Return where a value stands."""
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return self.left + WIDTH * min(share, 1.0)


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start", colour: str = INK) -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _dot(x: float, y: float, colour: str, *, hollow: bool = False) -> str:
    fill = "#ffffff" if hollow else colour
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="1.8"/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, width: float = 1.0) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def short(value: float) -> str:
    """Return a figure for a label."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _tick(power: int) -> str:
    if power < 0:
        return f"{10.0**power:g}"
    return "1" + "0" * (power % 3) + ("", "k", "M", "G")[power // 3]


def _panel(name: str, unit: str, place: int, values: list[float]) -> Panel:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Panel(name, unit, LEFT + place * (WIDTH + GAP), low, max(high, low + 1))


def _changes(report: Report) -> list[float]:
    if report["rebuilds"]:
        return [report["load_us"] * report["count"]]
    return [report["insert"]["p50"], report["delete"]["p50"]]


def _scale(panel: Panel, bottom: float) -> list[str]:
    parts = [_text(panel.left, 40, f"{panel.title} [{panel.unit}]", size=13)]
    for power in range(panel.low, panel.high + 1):
        x = panel.x(10.0**power)
        parts += [
            _line(x, TOP - 10, x, bottom, FAINT),
            _text(x, bottom + 16, _tick(power), size=10, anchor="middle"),
        ]
    return parts


def _row(report: Report, y: float, panels: tuple[Panel, Panel, Panel]) -> list[str]:
    colour = OURS if report["peer"] == "clearline" else THEIRS
    query, change, pairs = panels
    p50, p99 = report["query"]["p50"], report["query"]["p99"]
    changes = _changes(report)
    of_pairs = report["pairs"]
    return [
        _text(LEFT - 12, y + 4, report["peer"], anchor="end", colour=colour),
        _line(query.x(p50), y, query.x(p99), y, colour, 2.0),
        _dot(query.x(p50), y, colour),
        _text(query.x(p50), y - 7, f"{short(p50)} – {short(p99)}", size=9, colour=colour),
        _line(change.x(changes[0]), y, change.x(changes[-1]), y, colour, 2.0),
        *(_dot(change.x(value), y, colour, hollow=n > 0) for n, value in enumerate(changes)),
        _text(change.x(min(changes)), y - 7, " / ".join(map(short, changes)), size=9, colour=colour),
        _dot(pairs.x(of_pairs["s"]), y, colour, hollow=of_pairs["share"] < 1.0),
        _text(pairs.x(of_pairs["s"]), y - 7, short(of_pairs["s"]), size=9, colour=colour),
    ]


def plot(reports: list[Report]) -> str:
    """Return the plot of the largest count that was measured."""
    count = max(report["count"] for report in reports)
    shown = [report for report in reports if report["count"] == count and "failed" not in report]
    panels = (
        _panel(
            "Question, exact: p50 to p99", "µs", 0, [report["query"][p] for report in shown for p in ("p50", "p99")]
        ),
        _panel("Insert ● and delete ○, or new tree", "µs", 1, [value for each in shown for value in _changes(each)]),
        _panel("All pairs (○ estimated)", "s", 2, [report["pairs"]["s"] for report in shown]),
    )
    bottom = TOP + ROW * len(shown)
    parts = [_text(12, 20, f"{count:,} volumes in a busy sky, one core, logarithmic scales", size=14)]
    for panel in panels:
        parts += _scale(panel, bottom)
    for place, report in enumerate(shown):
        parts += _row(report, TOP + ROW * (place + 0.5), panels)
    width, height = LEFT + 3 * (WIDTH + GAP), bottom + 30
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" '
        f'height="{height:.0f}" font-family="system-ui, sans-serif">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )
