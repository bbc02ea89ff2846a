"""How fast the sky answers: load, query, insert, remove, memory.

Use: `python -m benchmarks.sky_index [--count 100000] [--cities 1] [--rules intersect] [--queries 2000]`.
The two loads: `--count 100000 --cities 1` (one busy city) and `--count 1000000 --cities 300` (mixed).
Notices have one volume each. Prints the seed; the same seed gives the same sky.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable

from benchmarks.sky_load import busy_sky
from clearline.sky import Prepared, Sky, load_rules, prepare, warm_up

SEED = 20_261_122


def percentiles(spent_s: list[float]) -> str:
    """Return mean, p50 and p99 in microseconds."""
    spent_s.sort()
    middle, late = spent_s[len(spent_s) // 2], spent_s[len(spent_s) * 99 // 100]
    return f"mean {statistics.fmean(spent_s) * 1e6:8.1f} us   p50 {middle * 1e6:8.1f} us   p99 {late * 1e6:8.1f} us"


def timed(action: Callable[[], object]) -> float:
    """Return how long an action takes [s]."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def resident_bytes() -> int:
    """Return the most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--cities", type=int, default=1)
    parser.add_argument("--rules", default="intersect")
    parser.add_argument("--queries", type=int, default=2_000)
    options = parser.parse_args()
    print(f"seed {SEED}, {options.count} notices, {options.cities} cities, rules {options.rules}")
    warm_up()
    others = list(busy_sky(options.queries, seed=SEED + 1, cities=options.cities))
    spent = [timed(lambda volume=volume: prepare([volume])) for volume in others]  # type: ignore[misc]
    print(f"prepare          {percentiles(spent)}")
    before = resident_bytes()
    held: list[tuple[int, Prepared, int]] = [
        (handle, prepare([volume]), handle % 16)
        for handle, volume in enumerate(busy_sky(options.count, seed=SEED, cities=options.cities))
    ]
    between = resident_bytes()
    sky = Sky(load_rules(options.rules))
    spent_s = timed(lambda: sky.add_many(held))
    print(f"load             {spent_s:.2f} s, {spent_s / options.count * 1e6:.1f} us each")
    print(
        f"memory           prepared {(between - before) / options.count:.0f} B each, sky "
        f"{(resident_bytes() - between) / options.count:.0f} B each ({sky.bytes_held / options.count:.0f} B reserved)"
    )
    asked = [prepare([volume]) for volume in others]
    found = sum(len(sky.findings(prepared, exclude_group=None)) for prepared in asked)
    spent = [timed(lambda one=one: sky.findings(one, exclude_group=None)) for one in asked]  # type: ignore[misc]
    print(f"query            {percentiles(spent)}   {found / len(asked):.1f} findings each")
    spent = [timed(lambda n=n: sky.add(options.count + n, asked[n], group=0)) for n in range(len(asked))]  # type: ignore[misc]
    print(f"insert           {percentiles(spent)}")
    spent = [timed(lambda n=n: sky.remove(n)) for n in range(min(options.count, options.queries))]  # type: ignore[misc]
    print(f"remove           {percentiles(spent)}")


if __name__ == "__main__":
    main()
