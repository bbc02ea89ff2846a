"""How fast the sky answers: prepare, load, ask, insert, remove, all pairs, memory.

Use: `python -m benchmarks.sky_index [--count 1000000] [--cities 3000] [--rules intersect] [--threads 2]
[--queries 20000]`.

 * The volumes are those of `sky_workload`, each a notice of its own; they come in pieces of a million, into room that
   is reserved for all, so that ten million fit into 24 GB.
 * "kernel" and "many" are the time of one call for many, by their number; "Python" is one call for each.
 * All pairs are left out above PAIRS_COUNT_MAX volumes, where they need gigabytes of their own; `--pairs` wants them.

Prints the seed; the same seed gives the same sky. Microseconds, unless said; one core, but for all pairs.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.sky_workload import CHUNK, CITIES, CORRIDOR, FLIGHT, ROUTE, busy_sky, chunks
from clearline.sky import Columns, Prepared, Sky, load_rules, warm_up

SEED = 20_261_122
PAIRS_COUNT_MAX = 3_000_000
ROOM = 1.02
"""Pieces of a million differ by less than this in their number of vertices; what is inserted later has room too."""
PARTS = {"flights": FLIGHT, "routes": ROUTE, "corridors": CORRIDOR}
STATM = Path("/proc/self/statm")


def percentiles(spent_s: list[float]) -> str:
    """Return mean, p50, p99 and worst in microseconds."""
    spent_s.sort()
    middle, late = spent_s[len(spent_s) // 2], spent_s[len(spent_s) * 99 // 100]
    mean, worst = statistics.fmean(spent_s), spent_s[-1]
    return f"mean {mean * 1e6:7.1f}   p50 {middle * 1e6:7.1f}   p99 {late * 1e6:7.1f}   worst {worst * 1e6:,.0f}"


def timed(action: Callable[[], object]) -> float:
    """Return how long an action takes [s]."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def resident_bytes() -> int:
    """Return the memory that this process has; where the system does not say it, the most it has had."""
    if STATM.exists():
        return int(STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fill(sky: Sky, count: int, cities: int) -> tuple[float, float]:
    """Put `count` volumes into a sky; return the time to prepare them and the time to load them [s]."""
    prepare_s = load_s = 0.0
    handle = 0
    for piece in chunks(count, seed=SEED, cities=cities):
        start = time.perf_counter()
        columns = piece.columns()
        prepared = time.perf_counter()
        if handle == 0:
            vertices = int(len(columns.vectors) / len(columns) * count * ROOM)
            sky.reserve(notices=int(count * ROOM), volumes=int(count * ROOM), vertices=vertices)
        handles = np.arange(handle, handle + len(columns))
        sky.add_columns(columns, handles, groups=handles % 16)
        load_s += time.perf_counter() - prepared
        prepare_s += prepared - start
        handle += len(columns)
        if count > CHUNK:
            print(f"  {handle:,} held, {resident_bytes() / 1e9:.1f} GB", flush=True)
    return prepare_s, load_s


def ask(sky: Sky, columns: Columns, part: np.typing.NDArray[np.int64], asked: list[Prepared]) -> None:
    """Print how long questions take: in the kernel by kind of volume, from Python, and many in one call."""
    for name, number in PARTS.items():
        of_kind = columns.taken(part == number)
        found = len(sky.findings_of(of_kind))
        spent = min(timed(lambda of_kind=of_kind: sky.findings_of(of_kind)) for _ in range(3))  # type: ignore[misc]
        print(f"query kernel     {name:10} mean {spent / len(of_kind) * 1e6:7.1f}   {found / len(of_kind):.1f} found")
    spent = min(timed(lambda: sky.findings_of(columns)) for _ in range(3))
    print(f"query kernel     all        mean {spent / len(columns) * 1e6:7.1f}   ({len(columns):,} in one call)")
    each = [timed(lambda one=one: sky.findings(one)) for one in asked]  # type: ignore[misc]
    print(f"query Python     {percentiles(each)}")


def change(sky: Sky, count: int, columns: Columns, asked: list[Prepared]) -> None:
    """Print how long it takes to hold more notices, and to forget them: many in one call, and each by itself."""
    handles = np.arange(count, count + len(columns))
    spent = timed(lambda: sky.add_columns(columns, handles)), timed(lambda: sky.remove_many(handles))
    for name, spent_s in zip(("insert", "remove"), spent, strict=True):
        print(f"{name} many      mean {spent_s / len(columns) * 1e6:7.1f}")
    each = [timed(lambda n=n: sky.add(count + n, asked[n], group=0)) for n in range(len(asked))]  # type: ignore[misc]
    print(f"insert Python    {percentiles(each)}")
    each = [timed(lambda n=n: sky.remove(count + n)) for n in range(len(asked))]  # type: ignore[misc]
    print(f"remove Python    {percentiles(each)}")


def all_pairs(sky: Sky, threads: int) -> None:
    """Print how long all pairs take, on one thread and on several."""
    start = time.perf_counter()
    found = len(sky.pairs())
    print(f"all pairs        {time.perf_counter() - start:.2f} s on one thread, {found:,} pairs", flush=True)
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            spent = timed(lambda: sky.pairs(in_turn=pool.map))
        print(f"all pairs        {spent:.2f} s on {threads} threads")


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="volumes held")
    parser.add_argument("--cities", type=int, default=CITIES, help="places that they crowd around")
    parser.add_argument("--rules", default="intersect", help="rule set, by name")
    parser.add_argument("--threads", type=int, default=2, help="threads for all pairs, beside one")
    parser.add_argument("--queries", type=int, default=20_000, help="further volumes to ask about, insert and remove")
    parser.add_argument("--pairs", action="store_true", help=f"all pairs of more than {PAIRS_COUNT_MAX:,} volumes too")
    options = parser.parse_args()
    print(f"seed {SEED}, {options.count:,} volumes, {options.cities:,} cities, rules {options.rules}")
    warm_up()
    further = busy_sky(options.queries, seed=SEED + 1, cities=options.cities)
    columns = further.columns()
    asked = [columns.prepared(place) for place in range(len(columns))]
    sky = Sky(load_rules(options.rules))
    before = resident_bytes()
    prepare_s, load_s = fill(sky, options.count, options.cities)
    print(f"prepare          mean {prepare_s / options.count * 1e6:7.1f}   {prepare_s:.1f} s in all")
    print(f"load             mean {load_s / options.count * 1e6:7.1f}   {load_s:.1f} s in all")
    grown = (resident_bytes() - before) / options.count
    print(f"memory           {grown:,.0f} B a volume, {sky.bytes_held / options.count:,.0f} B with room for more")
    ask(sky, columns, further.part, asked)
    change(sky, options.count, columns, asked)
    if options.count <= PAIRS_COUNT_MAX or options.pairs:
        all_pairs(sky, options.threads)
    else:
        print("all pairs        left out; --pairs wants them")


if __name__ == "__main__":
    main()
