"""Tables and a plot of what `sky_peers` measured.

    python -m benchmarks.sky_peers_report [run/sky-peers.json] [--docs]

Prints the tables as Markdown and writes the plot beside the figures. With `--docs` the figures and the plot go into
`docs/images/` and the tables into `docs/sky-benchmarks.md`, between its two marks.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.sky_peers_plot import plot

Report = dict[str, Any]
DOCS = Path("docs/sky-benchmarks.md")
IMAGES = Path("docs/images")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def number(value: float) -> str:
    """Return a figure with two or three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _change(report: Report, what: str) -> str:
    if report["rebuilds"]:
        return f"new tree: {number(report['load_us'] * report['count'] / 1e6)} s"
    return f"{number(report[what]['p50'])} / {number(report[what]['p99'])}"


def _pairs(report: Report) -> str:
    pairs = report["pairs"]
    return number(pairs["s"]) if pairs["share"] == 1.0 else f"≈ {number(pairs['s'])} ({pairs['share']:.0%} done)"


def _memory(report: Report) -> str:
    index = f"{report['bytes']:,.0f}"
    return f"{index} + {report['shape_bytes']:,.0f}" if report["shape_bytes"] else index


def same(report: Report) -> str:
    """Say whether all answers were those of `clearline`, or how many were not."""
    if report["peer"] == "clearline":
        return "–"
    missed, extra = (sum(report[each][of] for each in ("answers", "all_pairs")) for of in ("not_theirs", "not_ours"))
    return "yes" if missed == extra == 0 else f"no: {missed:,} less, {extra:,} more"


def line(report: Report) -> str:
    """Return a report in one line, for the terminal."""
    head = f"{report['count']:>9,} {report['peer']:<18}"
    if "failed" in report:
        return f"{head} not measured: {report['failed']}"
    query = report["query"]
    parts = (
        f"load {number(report['load_us'])} us",
        f"query p50 {number(query['p50'])} p99 {number(query['p99'])} mean {number(query['mean'])} us",
        f"insert {_change(report, 'insert')}",
        f"delete {_change(report, 'delete')}",
        f"pairs {_pairs(report)} s",
        f"{_memory(report)} B",
        f"same: {same(report)}",
        f"load average {report['load_average']:.1f}",
    )
    return head + " | ".join(parts)


def speed_table(reports: list[Report]) -> str:
    """Return the table of one count."""
    heads = (
        "Engine", "load, µs each", "query p50", "p99", "mean, µs", "many at once, µs each", "insert p50 / p99, µs",
        "delete p50 / p99, µs", "all pairs, s", "memory, bytes each", "same answers",
    )  # fmt: skip
    rows = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for report in reports:
        if "failed" in report:
            rows.append(f"| {report['peer']} | not measured: {report['failed']} |" + " |" * 9)
            continue
        query = report["query"]
        cells = (
            report["peer"],
            number(report["load_us"]),
            number(query["p50"]),
            number(query["p99"]),
            number(query["mean"]),
            "–" if report["batch_us"] is None else number(report["batch_us"]),
            _change(report, "insert"),
            _change(report, "delete"),
            _pairs(report),
            _memory(report),
            same(report),
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def hard_table(reports: list[Report]) -> str:
    """Return what each engine's own answer makes of the hard pairs."""
    own = [report for report in reports if "hard" in report]
    if not own:
        return ""
    kinds = list(own[0]["hard"])
    head = [f"{kind} ({own[0]['hard'][kind]['meet']} of {own[0]['hard'][kind]['pairs']} meet)" for kind in kinds]
    rows = ["| Engine, by itself: missed / too many | " + " | ".join(head) + " |", "|---" * (len(kinds) + 1) + "|"]
    for report in own:
        cells = [f"{report['hard'][kind]['missed']} / {report['hard'][kind]['extra']}" for kind in kinds]
        rows.append(f"| {report['peer']} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if kind not in {"ours", "between"}) or "none"


def differences_table(reports: list[Report]) -> str:
    """Return how the own answers differ from ours among all pairs of the busy sky, and who is wrong."""
    rows = [
        "| Volumes | Engine, by itself | pairs compared | misses | too many | we are wrong, or within the tolerance |",
        "|---|---|---|---|---|---|",
    ]
    for report in reports:
        if "failed" in report or not report["decides"] or report["peer"] == "clearline":
            continue
        pairs = report["all_pairs"]
        ours = sum(pairs[side].get(kind, 0) for side in ("missed", "extra") for kind in ("ours", "between"))
        cells = (
            f"{report['count']:,}",
            report["peer"],
            f"{pairs['ours']:,}",
            _told(pairs["missed"]),
            _told(pairs["extra"]),
        )
        rows.append("| " + " | ".join(cells) + f" | {ours:,} |")
    return "\n".join(rows)


def tables(figures: Report) -> str:
    """Return all tables."""
    reports = figures["reports"]
    counts = sorted({report["count"] for report in reports})
    machine, close = figures["machine"], figures["close"]
    made_on = f"{machine['processor']}, {machine['cores']} cores of which one is used, Python {machine['python']}"
    parts = [f"Measured on {machine['date']}: {made_on}, seed {machine['seed']}."]
    for count in counts:
        parts.append(f"### {count:,} volumes")
        parts.append(speed_table([report for report in reports if report["count"] == count]))
    parts += ["### Where maps end: each engine's own answer", hard_table(reports)]
    parts += ["### The busy sky: each engine's own answer", differences_table(reports)]
    parts.append(
        f"The referee's look at {close['pairs']:,} pairs of the busy sky that lie close together, whatever anybody "
        f"said of them: {close['meet']:,} meet; `clearline` misses {close['missed']} and says {close['extra']} "
        f"too many ({close['extra_with_circle']} with a circle); {close['between']} are within 5 cm."
    )
    versions = {
        report["peer"]: f"| {report['peer']} | {report['version']} | {report['how']} |"
        for report in reports
        if "failed" not in report
    }
    parts += ["### What was used", "| Engine | Release | How |\n|---|---|---|\n" + "\n".join(versions.values())]
    return "\n\n".join(parts)


def main() -> None:
    """Print the tables, write the plot."""
    parser = argparse.ArgumentParser(description="Tables and plot of the comparison.")
    parser.add_argument("figures", type=Path, nargs="?", default=Path("run/sky-peers.json"))
    parser.add_argument("--docs", action="store_true", help="write into docs/ too")
    options = parser.parse_args()
    figures = json.loads(options.figures.read_text(encoding="utf-8"))
    made, image = tables(figures), plot(figures["reports"])
    print(made)
    options.figures.with_suffix(".svg").write_text(image, encoding="utf-8")
    if options.docs:
        (IMAGES / "sky-peers.svg").write_text(image, encoding="utf-8")
        (IMAGES / "sky-peers.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        before, _, rest = DOCS.read_text(encoding="utf-8").partition(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
