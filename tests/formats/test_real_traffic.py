"""Real traffic through the sky: all notices of both samples, under both rule sets.

The counts are printed and pinned: they change only when a sample, a buffer, a rule or the geometry changes. An
oracle that knows nothing of volumes says what must not be missed: wherever two recorded aircraft of different
parties were really closer than the rule, their notices must have a finding.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product

import pytest
from pyproj import Geod

from clearline.formats.sample import Fix
from clearline.formats.scenario import SCENARIOS, Flight, Scenario, load_scenario
from clearline.model.message import Severity
from clearline.sky import Finding, Prepared, Sky, describe, load_rules, prepare

GEOD = Geod(ellps="WGS84")

pytestmark = pytest.mark.no_cover

PINNED: dict[tuple[str, str], dict[Severity, int]] = {
    ("calfire", "threes"): {Severity.CONFLICT: 63, Severity.BRIEF: 2},
    ("calfire", "intersect"): {Severity.CONFLICT: 43},
    ("switzerland", "threes"): {Severity.CONFLICT: 2081, Severity.BRIEF: 1250},
    ("switzerland", "intersect"): {Severity.CONFLICT: 735},
}


class Traffic:
    """The flights of a scenario that were flown, prepared once for all tests."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.flights: list[Flight] = [flight for flight in scenario.flights if not flight.cancelled]
        self.prepared: list[Prepared] = [prepare(flight.final_volumes) for flight in self.flights]
        self.group = [scenario.parties.index(flight.party) for flight in self.flights]

    def sky(self, rule_id: str, order: range) -> Sky:
        sky = Sky(load_rules(rule_id))
        sky.add_many((handle, self.prepared[handle], self.group[handle]) for handle in order)
        return sky

    def findings(self, sky: Sky) -> dict[tuple[int, int], Finding]:
        """Return what each flight meets of the other party, by both handles."""
        return {
            (handle, finding.handle): finding
            for handle, prepared in enumerate(self.prepared)
            for finding in sky.findings(prepared, exclude_group=self.group[handle])
        }


@pytest.fixture(scope="module", params=SCENARIOS)
def traffic(request: pytest.FixtureRequest) -> Traffic:
    return Traffic(load_scenario(str(request.param)))


@pytest.mark.parametrize("rule_id", ["threes", "intersect"])
def test_the_findings_of_a_real_sky(traffic: Traffic, rule_id: str) -> None:
    """Both sides find the same, whatever the order of insertion, and each finding can be described."""
    count = len(traffic.flights)
    found = traffic.findings(traffic.sky(rule_id, range(count)))
    assert found == traffic.findings(traffic.sky(rule_id, range(count - 1, -1, -1)))
    rules = load_rules(rule_id)
    counts: Counter[Severity] = Counter()
    for (a, b), finding in found.items():
        other = found[b, a]
        assert traffic.group[a] != traffic.group[b]
        assert (finding.severity, finding.from_ms, finding.until_ms, finding.closer_ms) == (
            other.severity,
            other.from_ms,
            other.until_ms,
            other.closer_ms,
        )
        if a < b:
            counts[finding.severity] += 1
            meeting = describe(traffic.prepared[a], traffic.prepared[b], rules)
            assert meeting is not None
            assert (meeting.severity, meeting.closer_ms) == (finding.severity, finding.closer_ms)
    sys.stdout.write(f"{traffic.scenario.name} under {rule_id}: {count} notices, {dict(counts)}\n")
    assert dict(counts) == PINNED[traffic.scenario.name, rule_id]


def test_no_two_aircraft_that_were_close_are_missed(traffic: Traffic) -> None:
    """Positions within 30 s of each other (the time buffer), 3 NM and 3,000 ft: their notices must have a finding."""
    found = traffic.findings(traffic.sky("threes", range(len(traffic.flights))))
    close = set(_close_pairs(traffic, lateral_m=5_556.0, vertical_ft=3_000.0))
    sys.stdout.write(f"{traffic.scenario.name}: {len(close)} pairs were close, {len(found) // 2} findings\n")
    assert len(close) > 20
    missed = [pair for pair in close if pair not in found]
    assert not missed


def _close_pairs(traffic: Traffic, *, lateral_m: float, vertical_ft: float) -> Iterator[tuple[int, int]]:
    tracks = {track.number: track for track in traffic.scenario.tracks}
    cells: dict[tuple[int, int, int], list[tuple[int, Fix]]] = defaultdict(list)
    for handle, flight in enumerate(traffic.flights):
        for fix in tracks[flight.track_number].fixes:
            # 30 s, and 0.1 degree: at least 6 km at the latitudes of both samples (below 50 degrees).
            cells[fix.at_ms // 30_000, int(fix.lat // 0.1), int(fix.lng // 0.1)].append((handle, fix))
    seen: set[tuple[int, int]] = set()
    for (slot, row, column), fixes in cells.items():
        for step in product((-1, 0, 1), repeat=3):
            for a, fix_a in fixes:
                for b, fix_b in cells.get((slot + step[0], row + step[1], column + step[2]), ()):
                    if traffic.group[a] == traffic.group[b] or (a, b) in seen:
                        continue
                    if (
                        abs(fix_a.at_ms - fix_b.at_ms) > 30_000
                        or abs(fix_a.pressure_ft - fix_b.pressure_ft) > vertical_ft
                    ):
                        continue
                    if GEOD.inv(fix_a.lng, fix_a.lat, fix_b.lng, fix_b.lat)[2] <= lateral_m:
                        seen.add((a, b))
                        yield a, b
