"""Flights that were really flown, as trajectories: who came closer than a rule set allows, and how long that takes.

Use: `python -m benchmarks.real_tracks [--sample switzerland paris] [--buffer-m 0] [--rules threes intersect]`.
Reads only what is shipped (`src/clearline/samples`): 1,334 tracks over Switzerland in 17 hours, 307 over Paris in 3
and 247 of fire-fighting aircraft. Altitudes are pressure altitudes, compared as flight levels. Times are of one
thread, with kernels compiled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from clearline.formats.sample import SAMPLES, Track, load_sample
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.trajectory import Trajectory, TrajectoryPoint
from clearline.model.volume import LatLngPoint
from clearline.sky import Prepared, Sky, load_rules, warm_up
from clearline.sky.trajectory import prepare_trajectory

Answer = TypeVar("Answer")


def flown(track: Track, buffer_m: float) -> Trajectory:
    """Return a track as a trajectory in flight levels."""
    return Trajectory(
        points=tuple(
            TrajectoryPoint(
                LatLngPoint(fix.lat, fix.lng),
                Altitude(fix.pressure_ft / 100.0, AltitudeReference.FL, AltitudeUnits.FL),
                fix.at_ms,
            )
            for fix in track.fixes
        ),
        buffer_lateral_m=buffer_m,
    )


def timed(action: Callable[[], Answer]) -> tuple[Answer, float]:
    """Return what an action returns, and how long it took [s]."""
    start = time.perf_counter()
    answer = action()
    return answer, time.perf_counter() - start


def compare(prepared: list[Prepared], name: str) -> None:
    rules = load_rules(name)
    sky = Sky(rules)
    _, add_s = timed(lambda: sky.add_many((handle, each, handle) for handle, each in enumerate(prepared)))
    sky.pairs()
    table, pairs_s = timed(sky.pairs)
    found, ask_s = timed(lambda: [sky.findings(each, exclude_group=k) for k, each in enumerate(prepared)])
    conflicts = int(table.severity.sum())
    print(
        f"{name:12} add {add_s:6.2f} s   all pairs {pairs_s:6.2f} s   each asked {ask_s / len(prepared) * 1e6:7.0f} us"
    )
    print(
        f"{'':12} closer {len(table):6}   conflicts {conflicts:5}   brief {len(table) - conflicts:5}"
        f"   certain {int(np.sum(table.certain)):5}   findings both ways {sum(map(len, found)):6}"
    )
    if len(table):
        closer_s = np.sort(table.closer_ms) / 1000.0
        middle, late = closer_s[len(closer_s) // 2], closer_s[len(closer_s) * 99 // 100]
        print(f"{'':12} closer for: median {middle:.1f} s, p99 {late:.1f} s, longest {closer_s[-1]:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", choices=SAMPLES, nargs="+", default=SAMPLES)
    parser.add_argument("--buffer-m", type=float, default=0.0)
    parser.add_argument("--rules", nargs="+", default=["threes", "intersect"])
    options = parser.parse_args()
    warm_up()
    for sample in options.sample:
        paths = [flown(track, options.buffer_m) for track in load_sample(sample).tracks]
        prepare_trajectory(paths[0])
        prepared, prepare_s = timed(lambda paths=paths: [prepare_trajectory(path) for path in paths])  # type: ignore[misc]
        points, pieces = sum(len(path.points) for path in paths), sum(map(len, prepared))
        print(f"{sample}: {len(paths)} tracks, {points} points, {pieces} pieces, buffer {options.buffer_m:g} m")
        print(f"prepare      {prepare_s:6.2f} s, {prepare_s / points * 1e6:.1f} us a point")
        for name in options.rules:
            compare(prepared, name)


if __name__ == "__main__":
    main()
