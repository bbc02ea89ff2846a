"""Make the sample extracts of `src/clearline/samples` again, from the `traffic` wheel.

    pip download --no-deps traffic==2.13 --dest DIR
    python tools/extract_samples.py DIR/traffic-2.13-py3-none-any.whl

Rules
 * Only track number, party, time, position and pressure altitude are kept. Callsign, registration and hex address
   decide the party and the track, and are then dropped (R7). Tracks are numbered by time and place, not by name.
 * Left out, and counted: records that jump faster than any of these aircraft flies, records below flight level 0
   (the reference has none), and legs too short to be a flight.
 * A flight is cut into legs where it was not heard for `GAP_S_MAX`: what it did there nobody knows.
 * The same wheel gives the same files, byte for byte.

Standard library only. Units: seconds since 1970, degrees 1e-5, feet / 25.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

GAP_S_MAX = 900
"""Fifteen minutes unheard end a leg."""
LEG_RECORDS_MIN = 3
LEG_S_MIN = 180
EARTH_M = 6_371_008.8
FEET_STEP = 25
DEGREE_STEPS = 100_000


class Fix(NamedTuple):
    """One record as kept."""

    at_s: int
    lat: int
    lng: int
    altitude: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to take from one file of the wheel, and how."""

    name: str
    member: str
    title: str
    parties: tuple[str, str]
    party_rule: str
    party_of: Callable[[str], int]
    flight_columns: tuple[str, ...]
    speed_m_s_max: float
    thin_s: int


def _by_registration(callsign: str) -> int:
    return 0 if re.match(r"N\d", callsign) else 1


def _by_first_letter(callsign: str) -> int:
    return 0 if callsign[:1] < "L" else 1


PLANS = (
    Plan(
        name="calfire",
        member="traffic/data/samples/firefighting/calfire.json.gz",
        title="Fire-fighting aircraft of several agencies, mostly California, 8 to 14 September 2020",
        parties=("ridge", "valley"),
        party_rule="ridge: callsign is a registration (N and a digit); valley: any other callsign",
        party_of=_by_registration,
        flight_columns=("flight_id",),
        speed_m_s_max=200.0,
        thin_s=0,
    ),
    Plan(
        name="switzerland",
        member="traffic/data/samples/collections/switzerland.json.gz",
        title="En-route traffic over Switzerland, 1 August 2018, 05:00 to 22:00 UTC",
        parties=("aare", "rhone"),
        party_rule="aare: callsign begins with A to K; rhone: with L to Z",
        party_of=_by_first_letter,
        flight_columns=("icao24", "callsign"),
        speed_m_s_max=400.0,
        thin_s=30,
    ),
    Plan(
        name="paris",
        member="traffic/data/samples/collections/quickstart.json.gz",
        title="Arrivals, departures and overflights of Paris, 7 October 2021",
        parties=("marne", "seine"),
        party_rule="marne: callsign begins with A to K; seine: with L to Z",
        party_of=_by_first_letter,
        flight_columns=("icao24", "callsign"),
        speed_m_s_max=400.0,
        thin_s=5,
    ),
)


def distance_m(a: Fix, b: Fix) -> float:
    """Return the distance over ground on a sphere: good to 1 %, for a check of speed."""
    lat_a, lat_b = math.radians(a.lat / DEGREE_STEPS), math.radians(b.lat / DEGREE_STEPS)
    d_lng = math.radians((b.lng - a.lng) / DEGREE_STEPS)
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(d_lng / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(h)))


def without_jumps(fixes: list[Fix], speed_m_s_max: float) -> list[Fix]:
    """Drop records that no neighbour can be reached from in the time there was, until none is left."""
    kept = fixes
    while True:
        fast = [distance_m(a, b) > speed_m_s_max * (b.at_s - a.at_s) for a, b in pairwise(kept)]
        before, after = [True, *fast], [*fast, True]
        fitting = [fix for fix, p, n in zip(kept, before, after, strict=True) if not (p and n)]
        if len(fitting) == len(kept) or len(kept) < 3:
            return kept
        kept = fitting


def legs_of(fixes: list[Fix], speed_m_s_max: float) -> list[list[Fix]]:
    """Cut a flight where it was not heard for long, or where the two sides do not fit together."""
    legs: list[list[Fix]] = [[]]
    for fix in fixes:
        if legs[-1]:
            last = legs[-1][-1]
            seconds = fix.at_s - last.at_s
            if seconds > GAP_S_MAX or distance_m(last, fix) > speed_m_s_max * seconds:
                legs.append([])
        legs[-1].append(fix)
    return legs


def thinned(leg: list[Fix], step_s: int) -> list[Fix]:
    """Keep the first record, the last, and one each `step_s`."""
    kept = [leg[0]]
    for fix in leg[1:-1]:
        if fix.at_s - kept[-1].at_s >= step_s:
            kept.append(fix)
    return [*kept, leg[-1]]


def deltas(values: Iterable[int]) -> list[int]:
    """Return the first value, then each as difference from the one before."""
    last, result = 0, []
    for value in values:
        result.append(value - last)
        last = value
    return result


def extract(plan: Plan, source: bytes) -> tuple[dict[str, object], Counter[str]]:
    """Return the extract of one file of the wheel, and what was read, kept and left out."""
    rows: list[dict[str, object]] = json.loads(gzip.decompress(source))
    counts: Counter[str] = Counter()
    flights: dict[tuple[str, ...], set[Fix]] = defaultdict(set)
    party: dict[tuple[str, ...], int] = {}
    for row in rows:
        counts["records read"] += 1
        value = {name: row[name] for name in ("timestamp", "latitude", "longitude", "altitude")}
        if not all(isinstance(each, (int, float)) and math.isfinite(each) for each in value.values()):
            counts["records without position or altitude"] += 1
            continue
        at_ms, lat, lng, feet = (float(str(value[name])) for name in ("timestamp", "latitude", "longitude", "altitude"))
        fix = Fix(round(at_ms / 1000), round(lat * DEGREE_STEPS), round(lng * DEGREE_STEPS), round(feet / FEET_STEP))
        if fix.altitude < 0:
            counts["records below flight level 0"] += 1
            continue
        key = tuple(str(row[name]) for name in plan.flight_columns)
        flights[key].add(fix)
        party[key] = plan.party_of(str(row["callsign"]))
    tracks: list[tuple[list[Fix], int]] = []
    for key, found in flights.items():
        fixes = sorted({fix.at_s: fix for fix in sorted(found)}.values())
        fitting = without_jumps(fixes, plan.speed_m_s_max)
        counts["records that jump"] += len(fixes) - len(fitting)
        for leg in legs_of(fitting, plan.speed_m_s_max):
            if len(leg) < LEG_RECORDS_MIN or leg[-1].at_s - leg[0].at_s < LEG_S_MIN:
                counts["records of legs too short"] += len(leg)
                continue
            kept = thinned(leg, plan.thin_s) if plan.thin_s else leg
            tracks.append((kept, party[key]))
            counts["records kept"] += len(kept)
            counts["tracks kept"] += 1
            counts[f"tracks of {plan.parties[party[key]]}"] += 1
    tracks.sort()
    return _document(plan, tracks), counts


def _document(plan: Plan, tracks: list[tuple[list[Fix], int]]) -> dict[str, object]:
    return {
        "schema": "clearline/sample/1",
        "name": plan.name,
        "title": plan.title,
        "source": f"{plan.member} of the Python package traffic 2.13 by Xavier Olive, MIT licence",
        "parties": plan.parties,
        "party_rule": plan.party_rule,
        "units": {"at": "s since 1970", "lat": "1e-5 degree", "lng": "1e-5 degree", "altitude": "25 ft, pressure"},
        "tracks": [
            {
                "party": plan.parties[party],
                "at": deltas(fix.at_s for fix in fixes),
                "lat": deltas(fix.lat for fix in fixes),
                "lng": deltas(fix.lng for fix in fixes),
                "altitude": deltas(fix.altitude for fix in fixes),
            }
            for fixes, party in tracks
        ],
    }


def packed(document: dict[str, object]) -> bytes:
    """Return the file: compact JSON under gzip without name and time, so that equal content is equal bytes."""
    return gzip.compress(json.dumps(document, separators=(",", ":")).encode(), compresslevel=9, mtime=0)


def main() -> None:
    """Write one extract for each plan."""
    parser = argparse.ArgumentParser(description="Make the sample extracts again from the traffic wheel.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "src" / "clearline" / "samples")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for plan in PLANS:
            document, counts = extract(plan, wheel.read(plan.member))
            body = packed(document)
            path: Path = arguments.out / f"{plan.name}.json.gz"
            path.write_bytes(body)
            print(f"{path.name}: {len(body):,} bytes")
            for what, count in sorted(counts.items()):
                print(f"  {what}: {count:,}")


if __name__ == "__main__":
    main()
