"""Run many seeds of the simulator on all cores, with progress: `tools/simulate.py --seeds 100000`.

Exit code 0: every seed held. 1: a violation; seed and time are printed. `--seed N` runs one and prints what it saw.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys

import structlog
from rich.console import Console
from rich.progress import Progress

from clearline.testing.simulator import Outcome, SafetyViolation, simulate

CHUNK = 20


def _quiet() -> None:
    """Silence the nodes' own logs: thousands of simulated faults are no news."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(50), logger_factory=structlog.ReturnLoggerFactory()
    )


def _chunk(first: int) -> tuple[int, list[Outcome], str | None]:
    outcomes: list[Outcome] = []
    for seed in range(first, first + CHUNK):
        try:
            outcomes.append(simulate(seed))
        except SafetyViolation as violation:
            return first, outcomes, str(violation)
    return first, outcomes, None


def main() -> int:
    """Parse arguments, run, and print sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, default=None, help="run this seed alone and print its outcome")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    asked = parser.parse_args()
    _quiet()
    console = Console(stderr=True)
    if asked.seed is not None:
        print(simulate(asked.seed))
        return 0
    outcomes: list[Outcome] = []
    violations: list[str] = []
    with multiprocessing.Pool(asked.workers, initializer=_quiet) as pool, Progress(console=console) as progress:
        task = progress.add_task("seeds", total=asked.seeds)
        for _, seen, violation in pool.imap_unordered(_chunk, range(asked.first, asked.first + asked.seeds, CHUNK)):
            outcomes.extend(seen)
            progress.advance(task, len(seen))
            if violation is not None:
                violations.append(violation)
                console.print(violation)
    names = ("commits", "said", "refused", "crashes", "cleared", "conflicts", "resolved")
    sums = ", ".join(f"{sum(getattr(outcome, name) for outcome in outcomes)} {name}" for name in names)
    print(f"{len(outcomes)} seeds held: {sums}; {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
