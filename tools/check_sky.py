"""Hold the sky engine against its oracles: `tools/check_sky.py --cases 100000` and `--queries 1000000`.

 * `--cases N`: N generated pairs of volumes, most of them nasty, decided by the engine and by up to four oracles:
   geodesics on the ellipsoid, gnomonic plane and GEOS, S2, and 50 digits (one in `--digits-every`).
 * `--queries N`: N questions to indexes that notices come to, change in and leave, with the grid and without it.
 * `--case FILE`: one case again, as a failure was printed ("-": standard input).

Exit code 0: all agree. 1: they do not; each failure is printed as JSON, its rings cut down to what is needed.
Progress goes to standard error. docs/sky-correctness.md says what is compared with what.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.sky.crowd import WorldReport, run_world, worlds
from tests.sky.forms import case_from_json
from tests.sky.judge import ORACLES, Failure, Tally, failures_of, judge, smaller
from tests.sky.nasty import CATEGORIES, make_case, share_out

CHUNK = 500
WORLD_QUERIES = 5_000
FAILURES_SHOWN = 20

Job = tuple[str, int, int, int, int]
"""Category ("" for a world), first case or world, how many, seed, digits every."""


def _work(job: Job) -> tuple[Job, Tally | WorldReport]:
    category, first, count, seed, digits_every = job
    if not category:
        return job, run_world(first, seed=seed, queries=count)
    cases = [make_case(category, number, seed=seed) for number in range(first, first + count)]
    return job, judge(cases, digits_every=digits_every)


def _jobs(asked: argparse.Namespace) -> list[Job]:
    jobs: list[Job] = []
    if asked.cases:
        for category, count in share_out(asked.cases, asked.category).items():
            jobs += [
                (category, first, min(CHUNK, count - first), asked.seed, asked.digits_every)
                for first in range(0, count, CHUNK)
            ]
    for world, queries in worlds(asked.queries, WORLD_QUERIES):
        jobs.append(("", world, queries, asked.seed, 0))
    return jobs


def _run(jobs: list[Job], workers: int) -> tuple[dict[str, Tally], list[WorldReport]]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    reports: list[WorldReport] = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with multiprocessing.get_context("spawn").Pool(workers) as pool, Progress(*columns, console=console) as progress:
        cases = progress.add_task(
            "cases", total=sum(job[2] for job in jobs if job[0]) or None, visible=jobs[0][0] != ""
        )
        queries = progress.add_task("queries", total=sum(job[2] for job in jobs if not job[0]), visible=not jobs[-1][0])
        for job, done in pool.imap_unordered(_work, jobs):
            if isinstance(done, Tally):
                tallies[job[0]].add(done)
                progress.advance(cases, job[2])
                for failure in done.failures:
                    console.print(f"{failure.what} ({failure.oracle}): {job[0]} {failure.case.number}")
            else:
                reports.append(done)
                progress.advance(queries, job[2])
                if done.difference is not None:
                    console.print(f"index: {done.difference.what}, world {done.difference.world}")
    return {name: tallies[name] for name in CATEGORIES if name in tallies}, reports


def _mm(value_m: float) -> str:
    return f"{value_m * 1000.0:.1f}" if abs(value_m) < 100.0 else ("" if math.isinf(value_m) else f"{value_m:.0f} m")


def _table(tallies: dict[str, Tally]) -> Table:
    table = Table(title="cases by category; for each oracle: findings due / ruled out")
    for name in (
        "category",
        "cases",
        "refused",
        "found",
        "certain",
        *ORACLES,
        "rings mm",
        "of allowed",
        "apart mm",
        "fail",
    ):
        table.add_column(name, justify="left" if name == "category" else "right")
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    for name, tally in [*tallies.items(), ("all", whole)]:
        table.add_row(
            name,
            str(tally.cases),
            str(tally.refused),
            str(tally.closer),
            str(tally.certain),
            *(f"{tally.due[oracle]}/{tally.barred[oracle]}" for oracle in ORACLES),
            _mm(tally.plain_excess_m_max),
            "" if tally.shared_excess_max < 0.0 else f"{tally.shared_excess_max:.2f}",
            _mm(tally.apart_excess_m_min),
            str(len(tally.failures)),
            end_section=name == list(tallies)[-1],
        )
    table.caption = (
        "rings mm: farthest apart that two plain rings were and still were found; of allowed: farthest beyond"
        " separation and radii, as a share of the tolerance there; apart mm: nearest, beyond them, that was not found"
    )
    return table


def _summary(
    tallies: dict[str, Tally], reports: list[WorldReport], failures: list[Failure], cpu_s: float
) -> dict[str, Any]:
    def of(tally: Tally) -> dict[str, Any]:
        said: dict[str, Any] = msgspec.to_builtins(tally, enc_hook=repr) | {"failures": len(tally.failures)}
        return {name: None if isinstance(value, float) and math.isinf(value) else value for name, value in said.items()}

    return {
        "categories": {name: of(tally) for name, tally in tallies.items()},
        "index": {
            "worlds": len(reports),
            "queries": sum(report.queries for report in reports),
            "changes": sum(report.changes for report in reports),
            "findings": sum(report.findings for report in reports),
            "held_max": max((report.held_max for report in reports), default=0),
        },
        "failures": [failure.json() for failure in failures],
        "differences": [msgspec.to_builtins(report.difference) for report in reports if report.difference is not None],
        "seconds": round(cpu_s, 1),
    }


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=0, help="generated pairs of volumes")
    parser.add_argument("--queries", type=int, default=0, help="questions to changing indexes")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other cases and worlds")
    parser.add_argument(
        "--category", action="append", default=[], choices=list(CATEGORIES), help="only this one; repeatable"
    )
    parser.add_argument("--digits-every", type=int, default=200, help="every so many-th case in 50 digits; 0 for none")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--case", help="file with one case, or a failure, as JSON; - for standard input")
    parser.add_argument("--json", action="store_true", help="print all as JSON")
    asked = parser.parse_args()
    if not (asked.cases or asked.queries or asked.case):
        asked.cases, asked.queries = 10_000, 50_000
    return asked


def _one(source: str) -> int:
    said = json.loads(sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8"))
    case = case_from_json(json.dumps(said.get("case", said)))
    tally = judge([case], digits_every=1)
    print(json.dumps([failure.json() for failure in tally.failures], indent=1))
    print(f"found {tally.closer}, certain {tally.certain}, {len(tally.failures)} failures", file=sys.stderr)
    return 1 if tally.failures else 0


def main() -> int:
    """Parse arguments, run, print the tables and the failures."""
    asked = _asked()
    if asked.case:
        return _one(asked.case)
    start_s = time.monotonic()
    print(f"seed {asked.seed}", file=sys.stderr)
    tallies, reports = _run(_jobs(asked), asked.workers)
    failures = failures_of(tallies.values())
    shown = [smaller(failure) for failure in failures[:FAILURES_SHOWN]]
    summary = _summary(tallies, reports, shown, time.monotonic() - start_s)
    if asked.json:
        print(json.dumps(summary, indent=1))
    else:
        console = Console(width=None if sys.stdout.isatty() else 200)
        if tallies:
            console.print(_table(tallies))
        if reports:
            console.print("index: " + ", ".join(f"{value} {name}" for name, value in summary["index"].items()))
        for failure in [*summary["failures"], *summary["differences"]]:
            print(json.dumps(failure))
        console.print(f"{len(failures)} failures, {len(summary['differences'])} differences, {summary['seconds']} s")
    return 1 if failures or summary["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
