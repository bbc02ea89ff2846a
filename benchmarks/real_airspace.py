"""What the readers make of real files of national airspace: zones, refusals with their reasons, and time.

Real files are not part of this repository, since few have a licence that allows it; name your own. Without a name the
small ones of `examples/airspace` are read. Every zone is also placed on the sphere, so that rings that cross themselves
are counted.

    python benchmarks/real_airspace.py [FILE ...]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from clearline.formats.detect import read_source
from clearline.formats.record import Reading, Record
from clearline.model.refusal import Refusal
from clearline.model.volume import Volume4D, time_at
from clearline.model.zone import Zone
from clearline.sky import prepare

REFUSALS_SHOWN = 12
DAY_MS = 1_795_305_600_000


def unplaceable(record: Record, zone: Zone) -> Refusal | None:
    """Return why a zone cannot be placed on the sphere, or None."""
    start, end = time_at(DAY_MS), time_at(DAY_MS + 86_400_000)
    try:
        prepare([Volume4D(volume=volume, time_start=start, time_end=end) for volume in zone.volumes])
    except Refusal as refusal:
        return Refusal(refusal.code, field=record.field_in_file(refusal.field), found=refusal.found)
    return None


def report(path: Path) -> Counter[str]:
    """Read one file, print what came of it, and return the counts."""
    source = path.read_bytes()
    started = time.process_time()
    try:
        reading: Reading = read_source(source)
    except Refusal as refusal:
        print(f"{path.name}: refused as a whole: {refusal}")
        return Counter(files=1, files_refused=1)
    read_s = time.process_time() - started
    zones = [(record, record.zone) for record in reading.records if record.zone is not None]
    started = time.process_time()
    crossing = [(record, fault) for record, zone in zones if (fault := unplaceable(record, zone)) is not None]
    placed_s = time.process_time() - started
    kinds = Counter(zone.kind.value for _, zone in zones)
    print(
        f"{path.name}: {reading.file_format}, {len(source) / 1e6:.2f} MB, {len(zones)} zones "
        f"({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}), "
        f"{sum(bool(zone.windows) for _, zone in zones)} with windows, {len(reading.refused)} reported, "
        f"{len(crossing)} not placeable; read {read_s:.2f} s, placed {placed_s:.2f} s CPU"
    )
    for refused in reading.refused[:REFUSALS_SHOWN]:
        print(f"    {refused.title}: {refused.refusal}")
    for record, fault in crossing[:REFUSALS_SHOWN]:
        print(f"    not placeable: {record.place} {record.title}: {fault}")
    return Counter(
        files=1,
        zones=len(zones),
        reported=len(reading.refused),
        unplaceable=len(crossing),
        read_ms=round(read_s * 1_000),
        placed_ms=round(placed_s * 1_000),
    )


def main() -> None:
    """Read every file named."""
    total: Counter[str] = Counter()
    examples = Path(__file__).parents[1] / "examples" / "airspace"
    names = [Path(name) for name in sys.argv[1:]] or sorted(path for path in examples.iterdir() if path.suffix != ".md")
    for name in names:
        total += report(name)
    print(", ".join(f"{name} {count}" for name, count in total.items()))


if __name__ == "__main__":
    main()
