"""`clearline.sky` beside its peers: the same volumes, the same questions, one after the other, each in its own process.

    python -m benchmarks.sky_peers [--counts 10000,100000,1000000] [--questions 2000] [--budget 120]
                                   [--peers clearline,rtree,...] [--out FILE]

Rules
 * `clearline` runs first; what the others answer is compared with its answer, volume by volume and pair by pair.
 * Peers with our exact phase behind them must agree wholly. Where a peer's own answer differs, the referee
   (`peers_gnomonic`) says who is wrong; the differences are counted by what the pair has: an outline over the
   antimeridian, one around a pole, an edge over 10 km, a circle.
 * 2,000 pairs of volumes that lie close together are shown to the referee too, whatever anybody said of them.
 * A peer that is not installed, or fails, is named with the reason, and the others run. `--budget` seconds are for the
   questions of each peer at each count; what does not fit is estimated from the part done, and marked.

Writes all figures to FILE (JSON); `sky_peers_report` makes tables and the plot of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers_differences import close_pairs_report, differences
from benchmarks.peers_exact import Held
from benchmarks.peers_run import PEERS, SEED, Report, skies
from benchmarks.sky_peers_report import line

HARD_PAIRS = 1_000
CLOSE_PAIRS = 2_000
LOAD_S_MAX = 900
"""Beside its budget: for making volumes and boxes, and the load, which is one step and cannot be cut short."""


def run(peer: str, count: int, options: argparse.Namespace, directory: Path) -> Report:
    """Run one peer; return its report, or why there is none."""
    smallest = count == min(options.counts)
    command = [
        sys.executable, "-m", "benchmarks.peers_run", "--peer", peer, "--count", str(count),
        "--questions", str(options.questions), "--budget", str(options.budget), "--directory", str(directory),
        "--hard", str(HARD_PAIRS if smallest else 0),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=2 * options.budget + LOAD_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return {"peer": peer, "count": count, "failed": "not done in time"}
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return {"peer": peer, "count": count, "failed": last[0]}
    report: Report = json.loads((directory / f"{peer}.json").read_text(encoding="utf-8"))
    return report


def compared(report: Report, directory: Path, held: Held, asked: Held) -> Report:
    """Add to a report how its answers differ from those of `clearline`."""
    with np.load(directory / "clearline.npz") as ours, np.load(directory / f"{report['peer']}.npz") as theirs:
        questions = report["query"]["n"]
        answer = ours["answer"][ours["answer"][:, 0] < questions]
        rows = theirs["rows"]
        of_pairs = ours["pairs"]
        inside = np.zeros(len(held), dtype=bool)
        for start, stop in rows.tolist():
            inside[start:stop] = True
        of_pairs = of_pairs[inside[of_pairs[:, 0]]]
        report["answers"] = differences(answer, theirs["answer"], asked, held)
        report["all_pairs"] = differences(of_pairs, theirs["pairs"], held, held)
    return report


def measure(count: int, options: argparse.Namespace) -> list[Report]:
    """Run all peers at one count."""
    reports: list[Report] = []
    held, asked = skies(count, options.questions)
    with tempfile.TemporaryDirectory(prefix="clearline-peers-") as name:
        directory = Path(name)
        for peer in options.peers:
            report = run(peer, count, options, directory)
            report["load_average"] = os.getloadavg()[0]
            if "failed" not in report:
                report = compared(report, directory, held, asked)
            reports.append(report)
            print(line(report), flush=True)
    return reports


def machine() -> dict[str, Any]:
    """Return what the figures were made on."""
    model = [
        each.partition(":")[2].strip()
        for each in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if each.startswith("model name")
    ]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": model[0] if model else "",
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "seed": SEED,
    }


def main() -> None:
    """Run everything and write the figures."""
    parser = argparse.ArgumentParser(description="clearline.sky beside its peers.")
    parser.add_argument(
        "--counts", type=lambda text: [int(each) for each in text.split(",")], default=[10_000, 100_000]
    )
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--budget", type=float, default=120.0, help="seconds for each peer at each count")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(PEERS))
    parser.add_argument("--out", type=Path, default=Path("run/sky-peers.json"))
    options = parser.parse_args()
    if options.peers[0] != "clearline" or not set(options.peers) <= set(PEERS):
        parser.error(f"peers are clearline, then any of {', '.join(PEERS)}")
    close = close_pairs_report(CLOSE_PAIRS)
    print(json.dumps(close))
    reports: list[Report] = []
    figures = {"machine": machine(), "close": close, "reports": reports}
    for count in options.counts:
        reports += measure(count, options)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
