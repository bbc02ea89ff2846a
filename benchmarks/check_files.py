"""How long `clearline check` takes for a file of 1,000 and of 10,000 features, by stage.

Features: circles, corridors and ten-cornered polygons of 0.3 to 3 km over 300 km x 300 km, 100 m thick between 0 and
3 km, 20 min within one day. Seeded; every run compares the same file. Kernels are loaded before the clock starts.

    python benchmarks/check_files.py [COUNT ...]
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from itertools import pairwise
from typing import Any

from clearline.formats.detect import read_source
from clearline.model.instant import instant_text
from clearline.sky import Sky, describe, load_rules, prepare, warm_up

SEED = 20261122
DAY_MS = 1_795_305_600_000
DEGREES_NORTH = 2.7
DEGREES_EAST = 3.9


def feature(rng: random.Random, number: int) -> dict[str, Any]:
    """Return one random notice near 46 N."""
    lat, lng = 45.0 + rng.random() * DEGREES_NORTH, 7.0 + rng.random() * DEGREES_EAST
    size = rng.uniform(0.003, 0.03)
    start_ms = DAY_MS + rng.randrange(86_400_000)
    lower = rng.randrange(0, 3_000)
    properties: dict[str, Any] = {
        "name": f"n{number}",
        "lower": lower,
        "upper": lower + 100,
        "start": instant_text(start_ms),
        "end": instant_text(start_ms + 1_200_000),
    }
    geometry: dict[str, Any]
    match number % 3:
        case 0:
            geometry = {"type": "Point", "coordinates": [lng, lat]}
            properties["radius_m"] = size * 111_000
        case 1:
            geometry = {
                "type": "LineString",
                "coordinates": [[lng + size * k, lat + size * k % 0.01] for k in range(4)],
            }
            properties["width_m"] = size * 55_000
        case _:
            angles = [2 * math.pi * corner / 10 for corner in range(10)]
            ring = [[lng + size * math.cos(angle), lat + size * math.sin(angle)] for angle in angles]
            geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def measure(count: int, rule_id: str) -> None:
    """Print the seconds of each stage for a file of `count` features."""
    rng = random.Random(SEED)
    features = [feature(rng, number) for number in range(count)]
    source = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    rules = load_rules(rule_id)
    times = [time.perf_counter()]
    reading = read_source(source)
    assert not reading.refused
    times.append(time.perf_counter())
    prepared = [prepare(record.volumes) for record in reading.records]
    times.append(time.perf_counter())
    sky, pairs = Sky(rules), []
    for handle, each in enumerate(prepared):
        pairs += [(finding.handle, handle) for finding in sky.findings(each, exclude_group=None)]
        sky.add(handle, each, group=handle)
    times.append(time.perf_counter())
    for a, b in pairs:
        describe(prepared[a], prepared[b], rules)
    times.append(time.perf_counter())
    stages = [after - before for before, after in pairwise(times)]
    print(
        f"{count:>7,} {rule_id:<10} {len(source) / 1e6:6.1f} MB {len(pairs):>8,} pairs   read {stages[0]:6.2f} s   "
        f"prepare {stages[1]:6.2f} s   compare {stages[2]:6.2f} s   describe {stages[3]:6.2f} s   "
        f"all {times[-1] - times[0]:6.2f} s"
    )


def main() -> None:
    """Measure each count under both rule sets."""
    counts = [int(argument) for argument in sys.argv[1:]] or [1_000, 10_000]
    warm_up()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores, seed {SEED}")
    for count in counts:
        for rule_id in ("threes", "intersect"):
            measure(count, rule_id)


if __name__ == "__main__":
    main()
