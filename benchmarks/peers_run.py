"""Measures one peer, alone in its process; `sky_peers` starts it, gives it a budget and reads its report.

Rules
 * The same volumes and questions for each, made anew from the seed; what all need (shapes on the sphere, boxes) is made
   before the clock starts and counted for none. A peer that needs other forms makes them in its load.
 * One core: none may use threads.
 * A peer is asked 20 questions before the clock starts.
 * `query` is the time until the answer is exact, `index` the part of it that the peer takes.
 * Each step stops when its share of the budget is used: the report says how many questions or rows it did. All pairs
   are then estimated from the part done, whose rows are spread over the whole.
 * Memory: how much the process (and what the peer holds outside) grew by the load.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers_exact import ExactPhase, Held, held_of
from benchmarks.peers_hard import hard_report
from benchmarks.peers_port import Peer, once
from benchmarks.sky_workload import Ints, busy_sky

SEED = 20_261_122
PEERS = {
    "clearline": ("peers_clearline", "Clearline"),
    "shapely-boxes": ("peers_shapely", "StrTree"),
    "shapely-planar": ("peers_shapely", "Planar"),
    "rtree": ("peers_rtree", "Rtree"),
    "sqlite": ("peers_sqlite", "Sqlite"),
    "postgis-nd": ("peers_postgis", "NdGist"),
    "postgis-box": ("peers_postgis", "BoxGist"),
    "postgis-geography": ("peers_postgis", "Geography"),
    "duckdb": ("peers_duckdb", "Columns"),
    "duckdb-planar": ("peers_duckdb", "Spatial"),
}
PARTS = 50
"""Pieces of an all-pairs join: enough to stop in time, few enough for a bulk call to pay."""
Report = dict[str, Any]


def skies(count: int, questions: int) -> tuple[Held, Held]:
    """Return what is held and what is asked about."""
    return held_of(busy_sky(count, seed=(SEED, 0))), held_of(busy_sky(questions, seed=(SEED, 1)))


def make(name: str, held: Held, asked: Held) -> Peer:
    """Return a peer, not yet loaded."""
    module, kind = PEERS[name]
    peer: Peer = getattr(import_module(f"benchmarks.{module}"), kind)(held, asked)
    return peer


def resident_bytes() -> int:
    """Return what this process holds now, freed memory given back."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def spread(spent_s: list[float]) -> Report:
    """Return mean, median and 99th percentile [us], and over how many."""
    values = np.array(spent_s) * 1e6
    return {
        "mean": float(values.mean()),
        "p50": float(np.percentile(values, 50)),
        "p99": float(np.percentile(values, 99)),
        "n": len(values),
    }


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _repeat(action: Callable[[int], object], most: int, budget_s: float) -> Report:
    spent: list[float] = []
    until = time.perf_counter() + budget_s
    while len(spent) < most and (len(spent) < 5 or time.perf_counter() < until):
        number = len(spent)
        began = time.perf_counter()
        action(number)
        spent.append(time.perf_counter() - began)
    return spread(spent)


def queries(peer: Peer, exact: ExactPhase | None, budget_s: float) -> tuple[Report, Ints]:
    """Ask all questions one by one; return the times and rows (question, volume) of the answer."""
    whole: list[float] = []
    index: list[float] = []
    answer: list[Ints] = []
    until = time.perf_counter() + budget_s
    for question in range(len(peer.asked)):
        if question >= 20 and time.perf_counter() > until:
            break
        began = time.perf_counter()
        near = peer.ask(question)
        between = time.perf_counter()
        found = near if exact is None else exact.one(question, near)
        whole.append(time.perf_counter() - began)
        index.append(between - began)
        answer.append(np.column_stack([np.full(len(found), question), found]))
    rows = np.concatenate(answer).astype(np.int64)
    return {"query": spread(whole), "index": spread(index)}, np.stack(once(rows[:, 0], rows[:, 1]), axis=1)


def batch_us(peer: Peer, exact: ExactPhase | None) -> float | None:
    """Ask all questions by one call; return the time for each [us], the best of three, or None."""
    spent: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        found = peer.ask_all()
        if found is None:
            return None
        if exact is not None:
            exact.many(*found)
        spent.append(time.perf_counter() - began)
    return 1e6 * min(spent) / len(peer.asked)


def pairs(peer: Peer, exact: ExactPhase | None, budget_s: float) -> tuple[Report, Ints, Ints]:
    """Find all pairs; return the time, the pairs, and the bounds [start, stop) of the rows that were done."""
    count = len(peer.held)
    parts = 1 if peer.name == "clearline" else PARTS
    ends = np.linspace(0, count, parts + 1).astype(np.int64)
    # 21 has no factor with 50: every part comes once, and neighbours in time are far apart.
    order = [21 * n % parts for n in range(parts)]
    found, candidates, spent_s = [np.empty((0, 2), dtype=np.int64)], 0, 0.0
    done: list[tuple[int, int]] = []
    for part in order:
        if done and spent_s + spent_s / len(done) > budget_s:
            break
        began = time.perf_counter()
        a, b = peer.join(int(ends[part]), int(ends[part + 1]))
        candidates += len(a)
        if exact is not None and len(a):
            meet = exact.among(a, b)
            a, b = a[meet], b[meet]
        spent_s += time.perf_counter() - began
        found.append(np.stack([a, b], axis=1))
        done.append((int(ends[part]), int(ends[part + 1])))
    rows = np.array(done, dtype=np.int64)
    share = float((rows[:, 1] - rows[:, 0]).sum()) / count
    both = np.concatenate(found)
    report = {"s": spent_s / share, "share": share, "found": len(both), "candidates": candidates}
    return report, np.stack(once(both[:, 0], both[:, 1]), axis=1), rows


def measure(peer: Peer, budget_s: float) -> tuple[Report, dict[str, Ints]]:
    """Measure all of one peer; each of five steps may take a fifth of the budget, all pairs two."""
    count = len(peer.held)
    step_s = budget_s / 5.0
    exact = None if peer.decides else ExactPhase(peer.held, peer.asked)
    if exact is not None:
        exact.one(0, np.zeros(1, dtype=np.int64))
        exact.many(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
        exact.among(np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64))
    before = resident_bytes()
    load_s = _timed(peer.load)
    grown = max(0, resident_bytes() - before) + peer.bytes_beside()
    report: Report = {
        "peer": peer.name,
        "how": peer.how,
        "version": peer.version(),
        "decides": peer.decides,
        "rebuilds": peer.rebuilds,
        "count": count,
        "load_us": 1e6 * load_s / count,
        "bytes": grown / count,
        "shape_bytes": 0.0 if exact is None else peer.held.shape_bytes / count,
    }
    for question in range(min(20, len(peer.asked))):
        peer.ask(question)
    times, answer = queries(peer, exact, step_s)
    report |= times
    report["batch_us"] = batch_us(peer, exact)
    report["pairs"], found, rows = pairs(peer, exact, 2.0 * step_s)
    if not peer.rebuilds:
        most = len(peer.asked)
        report["insert"] = _repeat(peer.insert, most, step_s)
        report["delete"] = _repeat(peer.delete, min(most, count), step_s)
    return report, {"answer": answer, "pairs": found, "rows": rows}


def main() -> None:
    """Measure one peer and write its report and answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--questions", type=int, required=True)
    parser.add_argument("--budget", type=float, required=True)
    parser.add_argument("--hard", type=int, default=0, help="hard pairs of each kind, for those that decide themselves")
    parser.add_argument("--directory", type=Path, required=True)
    options = parser.parse_args()
    held, asked = skies(options.count, options.questions)
    peer = make(options.peer, held, asked)
    try:
        report, arrays = measure(peer, options.budget)
        if peer.decides and options.hard:
            report["hard"] = hard_report(peer, options.hard)
    finally:
        peer.close()
    answer, found, rows = arrays["answer"], arrays["pairs"], arrays["rows"]
    np.savez(options.directory / f"{options.peer}.npz", answer=answer, pairs=found, rows=rows)
    (options.directory / f"{options.peer}.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main()
