"""Trajectories in a sky: the index, the findings, the meetings and the pairs, on made and on real flights (R16)."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest

from clearline.formats.sample import load_sample
from clearline.model.altitude import AltitudeReference
from clearline.model.message import Severity
from clearline.sky import Prepared, Sky, describe, prepare
from clearline.sky.trajectory import prepare_trajectory
from tests.sky.flights import ahead, moving, pieces_closer, speed, straight, through, trajectory
from tests.sky.oracle_tracks import WGS84, Flight, Place
from tests.sky.shapes import EFFORT, INTERSECT, THREES, anywhere, closer, random_outline, rules, seeded, volume

SEED = 50_001


def apart_m(a: Place, b: Place) -> float:
    return float(WGS84.inv(a[1], a[0], b[1], b[0])[2])


def test_a_sky_of_flights_and_volumes() -> None:
    """The index finds what the bare comparison of all pieces finds, whatever came in which order."""
    seeded(SEED)
    random = Random(SEED)
    for _ in range(4 * EFFORT):
        middle = anywhere(random)
        held: list[Prepared] = []
        for _ in range(60):
            place = ahead(middle, random.uniform(0.0, 360.0), random.uniform(0.0, 30e3))
            if random.random() < 0.3:
                outline = random_outline(random, place, 3_000.0)
                held.append(prepare([volume(outline, band=(4_000.0, 5_100.0), window_ms=(200_000, 330_000))]))
            else:
                flight = through(
                    random, place, at_ms=random.randrange(200_000, 400_000), speed_m_s=speed(random), height_m=5e3
                )
                held.append(moving(flight, lateral_m=random.choice([0.0, 50.0])))
        for rule in (INTERSECT, THREES, rules(2_000.0, 100.0)):
            sky = Sky(rule)
            sky.add_many((handle, each, handle) for handle, each in enumerate(held))
            kinds = [int(each.ints[0]) for each in held]
            pairs = set()
            for a, one in enumerate(held):
                found = sky.findings(one, exclude_group=a)
                assert found == sky.findings_without_grid(one, exclude_group=a)
                for finding in found:
                    pairs.add((a, finding.handle))
                    if 3 in (kinds[a], kinds[finding.handle]):
                        rows = pieces_closer(one, held[finding.handle], rule)
                        assert tuple((i, j) for i, j, *_ in rows) == finding.pairs
                        assert finding.from_ms == min(row[3] for row in rows)
                        assert finding.until_ms == max(row[4] for row in rows)
            assert pairs == {(b, a) for a, b in pairs}
            table = sky.pairs()
            assert {(record.query, record.handle) for record in table.records()} == {(a, b) for a, b in pairs if a < b}


def test_a_crossing_is_brief() -> None:
    """ADR 0005: a crossing under 3 NM takes seconds, not the minutes of its legs; formation flight is a conflict."""
    one = moving(straight((46.5, 7.0), 90.0, 150e3, (0, 600_000), (9_000.0, 9_000.0)))
    other = moving(straight((45.81, 8.0), 0.0, 150e3, (0, 600_000), (9_000.0, 9_000.0)))
    meeting = describe(one, other, THREES)
    assert meeting is not None
    assert meeting.severity is Severity.BRIEF
    assert 0 < meeting.closer_ms < 60_000
    beside = moving(straight((46.52, 7.0), 90.0, 150e3, (0, 600_000), (9_000.0, 9_000.0)))
    meeting = describe(one, beside, THREES)
    assert meeting is not None
    assert (meeting.severity, meeting.from_ms, meeting.until_ms) == (Severity.CONFLICT, 0, 600_000)
    assert meeting.certain
    assert meeting.lateral_m_min == pytest.approx(2_223.0, abs=25.0)


def test_pieces_add_up_to_the_flight() -> None:
    """Windows of neighbouring pieces meet: a long stay is one stay, not shorter by the cuts."""
    flight = straight((10.0, 10.0), 30.0, 40e3, (0, 400_000), (100.0, 100.0))
    area = prepare([volume(random_outline(Random(1), (10.1, 10.07), 200e3), band=(0.0, 200.0))])
    sky = Sky(INTERSECT)
    sky.add(1, area, group=1)
    finding = sky.findings(moving(flight), exclude_group=None)[0]
    assert finding.closer_ms == finding.until_ms - finding.from_ms


def test_both_doors_agree() -> None:
    """describe and Sky, both ways round, on flights that graze."""
    seeded(SEED + 1)
    random = Random(SEED + 1)
    answers = set()
    for _ in range(30 * EFFORT):
        place = anywhere(random)
        one = through(random, place, at_ms=300_000, speed_m_s=100.0, height_m=5e3)
        beside = ahead(place, random.uniform(0.0, 360.0), random.uniform(0.0, 10e3))
        other = through(random, beside, at_ms=300_000, speed_m_s=speed(random), height_m=5e3)
        answers.add(closer(moving(one), moving(other), THREES))
    assert answers == {True, False}


def test_real_flights() -> None:
    """A morning over Switzerland, looked at every ten seconds: whoever is within 3 NM and 3,000 ft is in a finding."""
    tracks = [track for track in load_sample("switzerland").tracks if track.fixes[0].at_ms % 86_400_000 < 9 * 3_600_000]
    assert len(tracks) > 200
    paths = [Flight(tuple((fix.lat, fix.lng, fix.pressure_ft / 100.0, fix.at_ms) for fix in t.fixes)) for t in tracks]
    held = [prepare_trajectory(trajectory(path, reference=AltitudeReference.FL)) for path in paths]
    sky = Sky(THREES)
    sky.add_many((handle, each, handle) for handle, each in enumerate(held))
    windows = {(record.query, record.handle): record for record in sky.pairs().records()}
    steps: dict[float, list[tuple[int, float, float, float]]] = {}
    for number, flight in enumerate(paths):
        first, last = flight.window_ms
        times = np.arange(-(-first // 10_000) * 10_000, last + 1, 10_000, dtype=np.float64)
        for at_ms, *place in zip(times.tolist(), *(column.tolist() for column in flight.at(times)), strict=True):
            steps.setdefault(at_ms, []).append((number, *place))
    seen = set()
    for at_ms, aloft in steps.items():
        for a, b in itertools.combinations(aloft, 2):
            if abs(a[3] - b[3]) <= 30.0 and abs(a[1] - b[1]) < 0.06 and apart_m((a[1], a[2]), (b[1], b[2])) <= 5_556.0:
                seen.add((a[0], b[0]))
                record = windows[a[0], b[0]]
                assert record.from_ms <= at_ms <= record.until_ms
    assert len(seen) > 30
    # What is closer for half a minute is seen by steps of ten seconds, but for what the tolerances add.
    long = {pair for pair, record in windows.items() if record.closer_ms > 30_000 and record.certain}
    assert len(long - seen) <= len(long) // 10
