"""Zones: who meets which, in which windows, and on which side of a dividing line (R30, R31)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.message import Severity
from clearline.model.refusal import InternalError, Refusal, RefusalCode
from clearline.model.rules import RuleSet, ZoneRule
from clearline.model.trajectory import Trajectory, TrajectoryPoint
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon
from clearline.model.zone import Side, Weekday, Zone, ZoneKind, ZoneSide, ZoneWindow
from clearline.sky import Prepared, describe, load_rules, prepare
from clearline.sky.trajectory import prepare_trajectory
from clearline.sky.zones import ZoneFinding, Zones
from tests.sky.shapes import INTERSECT, anywhere, circle, corridor, moved, polygon, random_outline, seeded, volume

Outline = Polygon | Circle | Corridor

DAY = 86_400_000
HOUR = 3_600_000
HORIZON = (0, 4 * 366 * DAY)
RESTRICTED, KEEP_CLEAR, FREE, LINE, ADVISORY = ZoneKind


def zone(
    kind: ZoneKind, *outlines: Outline, band: tuple[float | str, float | str] = (0.0, 1_000.0), **more: Any
) -> Zone:
    volumes = tuple(volume(each, band=band).volume for each in outlines)
    return Zone(zone_id=more.pop("zone_id", "Z 1"), kind=kind, volumes=volumes, **more)


def notice(
    *outlines: Outline, window_ms: tuple[int, int] = (0, 600_000), band: tuple[float, float] = (0.0, 100.0)
) -> Prepared:
    return prepare([volume(each, window_ms=window_ms, band=band) for each in outlines])


def found(zones: Zones, prepared: Prepared, party: str | None = "blue") -> list[ZoneFinding]:
    """Ask, and see that each finding can be shown."""
    findings = zones.findings(prepared, party)
    for finding in findings:
        meeting = zones.meeting(prepared, finding)
        assert meeting.severity is finding.severity
        assert set(meeting.pairs) <= set(finding.pairs)
        assert len(meeting.area) >= 3
    return findings


def rules_with(*rows: ZoneRule) -> RuleSet:
    return RuleSet(
        rule_id="test",
        version=3,
        separation_lateral_m=5_000.0,
        separation_vertical_m=500.0,
        closer_ms_max=0,
        by_zone=rows,
    )


@pytest.mark.parametrize(
    ("kind", "party", "meets", "advisory"),
    [
        (RESTRICTED, "blue", True, False),
        (RESTRICTED, None, True, False),
        (KEEP_CLEAR, "blue", True, False),
        (FREE, "blue", False, False),
        (FREE, "red", True, False),
        (FREE, None, True, False),
        (ADVISORY, "blue", True, True),
    ],
)
def test_kinds(kind: ZoneKind, party: str | None, *, meets: bool, advisory: bool) -> None:
    """R30: a corridor is free for its users and nobody else; an advisory zone says so; the others concern everybody."""
    users = ("blue",) if kind is FREE else ()
    findings = found(
        Zones([zone(kind, circle(47, 8, 5_000), users=users)], INTERSECT, HORIZON), notice(circle(47, 8, 100)), party
    )
    assert bool(findings) is meets
    assert all(each.advisory is advisory and each.certain and each.pairs == ((0, 0),) for each in findings)


def test_recognition_is_shown_and_hides_nothing() -> None:
    """R30: a finding is made for those who do not recognise the zone too, and says it."""
    shape = circle(47, 8, 5_000)
    named = zone(RESTRICTED, shape, recognised_by=("blue",), zone_id="NAMED")
    zones = Zones([zone(RESTRICTED, shape), named], INTERSECT, HORIZON)
    for party, recognised in (("blue", [True, True]), ("red", [True, False]), (None, [True, False])):
        assert [each.recognised for each in found(zones, notice(circle(47, 8, 100)), party)] == recognised


def test_separations_are_those_of_the_kind() -> None:
    """R16: `by_zone` gives separations and what is brief; a kind without a row has none."""
    row = ZoneRule(
        kind=KEEP_CLEAR,
        separation_lateral_m=1_000.0,
        separation_vertical_m=100.0,
        separation_time_ms=60_000,
        closer_ms_max=120_000,
    )
    near = circle(*moved((47.0, 8.0), 90.0, 5_900.0), 100.0)
    kinds = [zone(KEEP_CLEAR, circle(47, 8, 5_000)), zone(RESTRICTED, circle(47, 8, 5_000))]
    zones = Zones(kinds, rules_with(row), HORIZON)
    brief = found(zones, notice(near, window_ms=(0, 100_000)))
    assert [(each.zone.kind, each.severity, each.closer_ms) for each in brief] == [
        (KEEP_CLEAR, Severity.BRIEF, 100_000)
    ]
    longer = found(zones, notice(near, window_ms=(0, 200_000)))
    assert [each.severity for each in longer] == [Severity.CONFLICT]
    meeting = zones.meeting(notice(near, window_ms=(0, 200_000)), longer[0])
    assert 750.0 < meeting.lateral_m_min < 850.0
    assert found(zones, notice(near, band=(1_090.0, 1_200.0))) != []
    assert found(zones, notice(near, band=(1_110.0, 1_200.0))) == []
    # a window that opens 50 s after the notice ends
    later = zone(KEEP_CLEAR, circle(47, 8, 5_000), windows=(ZoneWindow(start_ms=650_000),))
    assert len(found(Zones([later], rules_with(row), (0, 600_000)), notice(near))) == 1
    assert found(Zones([later], rules_with(), (0, 600_000)), notice(near)) == []


def test_the_shipped_margins() -> None:
    """R30: `drones-and-crewed` keeps 3 NM and 1,000 ft from danger areas, and nothing from restricted ones."""
    both = [zone(KEEP_CLEAR, circle(47, 8, 5_000)), zone(RESTRICTED, circle(47, 8, 5_000))]
    zones = Zones(both, load_rules("drones-and-crewed"), HORIZON)
    away = circle(*moved((47.0, 8.0), 10.0, 10_000.0), 100.0)
    assert [each.zone.kind for each in found(zones, notice(away))] == [KEEP_CLEAR]


def test_windows_that_come_again() -> None:
    """R30: a zone that is active on weekdays is met on weekdays, in its hours; time spent in it is counted exactly."""
    weekdays = ZoneWindow(days=tuple(Weekday)[:5], daily_from_ms=8 * HOUR, daily_until_ms=16 * HOUR)
    zones = Zones(
        [zone(RESTRICTED, circle(47, 8, 5_000), circle(48, 8, 5_000), windows=(weekdays,))], INTERSECT, HORIZON
    )
    here = circle(48, 8, 100)
    thursday = found(zones, notice(here, window_ms=(0, DAY)))  # 1970-01-01
    assert [(each.from_ms, each.until_ms, each.closer_ms, each.pairs) for each in thursday] == [
        (8 * HOUR, 16 * HOUR, 8 * HOUR, ((0, 1),))
    ]
    assert found(zones, notice(here, window_ms=(2 * DAY, 4 * DAY - 1))) == []
    week = found(zones, notice(here, circle(47, 8, 100), window_ms=(0, 7 * DAY)))
    assert [(each.closer_ms, each.pairs) for each in week] == [(5 * 8 * HOUR, ((0, 1), (1, 0)))]
    assert found(zones, notice(here, window_ms=(0, 8 * HOUR - 1))) == []
    touching = found(zones, notice(here, window_ms=(0, 8 * HOUR)))
    assert [each.closer_ms for each in touching] == [0]
    year = found(zones, notice(here, window_ms=(0, 364 * DAY)))
    assert [each.closer_ms for each in year] == [52 * 5 * 8 * HOUR]


def test_recurring_zones_are_like_their_windows_written_out() -> None:
    """R30: the same zone given as a rule and as a list of single windows yields the same findings."""
    seeded(61)
    random = Random(61)
    place = anywhere(random)
    nightly = ZoneWindow(daily_from_ms=22 * HOUR, daily_until_ms=5 * HOUR)
    listed = tuple(ZoneWindow(start_ms=max(0, day * DAY - 2 * HOUR), end_ms=day * DAY + 5 * HOUR) for day in range(30))
    outlines = [random_outline(random, moved(place, random.uniform(0, 360), 5_000.0), 5_000.0) for _ in range(4)]
    one, other = (
        Zones([zone(RESTRICTED, *outlines, windows=windows)], INTERSECT, (0, 25 * DAY))
        for windows in ((nightly,), listed)
    )
    met = 0
    for _ in range(60):
        start = random.randrange(20 * DAY)
        asked = notice(
            *(random_outline(random, moved(place, random.uniform(0, 360), 8_000.0), 3_000.0) for _ in range(3)),
            window_ms=(start, start + random.randrange(1, 4 * DAY)),
        )
        answers = [
            [(f.from_ms, f.until_ms, f.closer_ms, f.certain, f.severity, f.pairs) for f in found(zones, asked)]
            for zones in (one, other)
        ]
        assert answers[0] == answers[1]
        met += len(answers[0])
    assert met > 10


def test_zones_are_what_describe_says_of_them() -> None:
    """R30: plain zones, each as a notice beside the notice asked about: the exact comparison says the same."""
    seeded(62)
    random = Random(62)
    place = anywhere(random)
    outlines = [
        random_outline(random, moved(place, random.uniform(0, 360), random.uniform(0, 60_000)), 9_000.0)
        for _ in range(60)
    ]
    zones = Zones([zone(RESTRICTED, each, zone_id=f"Z{n}") for n, each in enumerate(outlines)], INTERSECT, (0, DAY))
    assert len(zones) == 60
    met = 0
    for _ in range(60):
        asked = notice(random_outline(random, moved(place, random.uniform(0, 360), random.uniform(0, 60_000)), 9_000.0))
        expected = {}
        for n, each in enumerate(outlines):
            meeting = describe(asked, prepare([volume(each, band=(0.0, 1_000.0), window_ms=(0, DAY))]), INTERSECT)
            if meeting is not None:
                expected[f"Z{n}"] = meeting.certain
        assert {each.zone.zone_id: each.certain for each in zones.findings(asked, "blue")} == expected
        met += len(expected)
    assert met > 30


def test_order_and_nothing() -> None:
    """Findings come in the order of the zones; a notice without volumes, and no zones at all, meet nothing."""
    kinds = [ADVISORY, RESTRICTED, KEEP_CLEAR, RESTRICTED]
    zones = Zones(
        [zone(kind, circle(47, 8, 5_000), zone_id=f"Z{n}") for n, kind in enumerate(kinds)], INTERSECT, HORIZON
    )
    assert [each.zone.zone_id for each in found(zones, notice(circle(47, 8, 10)))] == ["Z0", "Z1", "Z2", "Z3"]
    assert zones.findings(prepare([]), "blue") == []
    assert Zones([], INTERSECT, HORIZON).findings(notice(circle(47, 8, 10)), None) == []


def test_outside_the_horizon_is_a_bug_of_the_caller() -> None:
    """A notice that was not reckoned with is not answered with silence; nor is a zone that is not held."""
    zones = Zones([zone(RESTRICTED, circle(47, 8, 5_000))], INTERSECT, (0, DAY))
    with pytest.raises(InternalError):
        zones.findings(notice(circle(47, 8, 10), window_ms=(DAY - 1, DAY + 1)), "blue")
    finding = zones.findings(notice(circle(47, 8, 10)), "blue")[0]
    with pytest.raises(InternalError):
        Zones([], INTERSECT, (0, DAY)).meeting(notice(circle(47, 8, 10)), finding)
    with pytest.raises(InternalError):
        zones.meeting(notice(circle(49, 8, 10)), finding)
    gone = zone(RESTRICTED, circle(47, 8, 5_000), windows=(ZoneWindow(start_ms=3 * DAY),))
    assert len(Zones([gone], INTERSECT, (0, DAY))) == 0


def test_a_zone_that_cannot_be_placed_is_named() -> None:
    """R30: a ring that crosses itself is refused with the zone's place, the volume's and the vertex."""
    bad = zone(RESTRICTED, circle(47, 8, 10), polygon((0, 0), (1, 1), (1, 0), (0, 1)))
    with pytest.raises(Refusal) as caught:
        Zones([zone(RESTRICTED, circle(47, 8, 10)), bad], INTERSECT, HORIZON)
    assert caught.value.code is RefusalCode.RING_CROSSES
    assert caught.value.field.startswith("zones[1].volumes[1].volume.outline_polygon.vertices[")


SIDES = (ZoneSide("blue", Side.LEFT), ZoneSide("red", Side.RIGHT))


def test_a_dividing_line() -> None:
    """R31: the buffer concerns everybody; the other side, within the depth, those who have a side."""
    line = zone(LINE, corridor(1_000.0, (10, 10), (10, 11), (10.5, 12)), sides=SIDES, depth_m=50_000.0)
    zones = Zones([line], INTERSECT, HORIZON)
    table: list[tuple[Outline, dict[str | None, bool | None]]] = [
        # whether found, and certain: blue stays north (left), red south, grey has no side
        (circle(10.2, 10.5, 500), {"blue": None, "red": True, "grey": None, None: None}),
        (circle(9.8, 10.5, 500), {"blue": True, "red": None, "grey": None, None: None}),
        (circle(10.01, 10.5, 500), {"blue": True, "red": True, "grey": True, None: True}),
        (circle(10.6, 10.5, 500), {"blue": None, "red": None, "grey": None}),  # 66 km away
        (circle(9.4, 10.5, 500), {"blue": None, "red": None}),
        (circle(10.6, 10.5, 20_000), {"red": True, "blue": None}),  # reaches within the depth
        (
            circle(10.1, 9.8, 500),
            {"blue": None, "red": True, "grey": None},
        ),  # beyond the end, north of the line drawn on
        (circle(9.9, 9.8, 500), {"blue": True, "red": None}),
        (circle(10.0, 9.4, 500), {"blue": None, "red": None}),  # beyond the end and the depth
        (polygon((9.9, 9.7), (9.9, 9.8), (10.1, 9.8), (10.1, 9.7)), {"blue": True, "red": True, "grey": None}),
        (
            polygon((9, 9), (9, 13), (11, 13), (11, 9)),
            {"blue": True, "red": True, "grey": True},
        ),  # holds the whole line
    ]
    for outline, expected in table:
        for party, certain in expected.items():
            findings = found(zones, notice(outline), party)
            assert [each.certain for each in findings] == ([] if certain is None else [certain]), (outline, party)


def test_a_wrong_side_has_its_windows_and_volumes() -> None:
    """R31: only the volumes on the wrong side, in the hours of the line, are counted; those in the buffer join them."""
    hours = ZoneWindow(daily_from_ms=6 * HOUR, daily_until_ms=7 * HOUR)
    line = zone(LINE, corridor(1_000.0, (10, 10), (10, 11)), sides=SIDES, depth_m=50_000.0, windows=(hours,))
    zones = Zones([line], INTERSECT, HORIZON)
    right, wrong, middle = circle(10.1, 10.5, 500), circle(9.9, 10.5, 500), circle(10, 10.5, 100)
    findings = found(zones, notice(right, wrong, window_ms=(0, 2 * DAY)))
    assert [(each.closer_ms, each.pairs, each.certain) for each in findings] == [(2 * HOUR, ((1, 0),), True)]
    findings = found(zones, notice(right, wrong, middle, window_ms=(0, DAY)))
    assert [(each.closer_ms, each.pairs) for each in findings] == [(HOUR, ((1, 0), (2, 0)))]
    assert found(zones, notice(wrong, window_ms=(8 * HOUR, DAY))) == []
    assert found(zones, notice(wrong, window_ms=(0, DAY), band=(1_001.0, 1_100.0))) == []
    steady = zone(LINE, corridor(1_000.0, (10, 10), (10, 11)), sides=SIDES, depth_m=900.0)
    assert found(Zones([steady], INTERSECT, HORIZON), notice(middle)) != []
    assert found(Zones([steady], INTERSECT, HORIZON), notice(wrong)) == []


def flight(*places: tuple[float, float], minutes: int, height_m: float = 50.0) -> Prepared:
    points = tuple(
        TrajectoryPoint(
            LatLngPoint(*place), Altitude(height_m, AltitudeReference.W84, AltitudeUnits.M), n * minutes * 60_000
        )
        for n, place in enumerate(places)
    )
    return prepare_trajectory(Trajectory(points=points, buffer_lateral_m=50.0, buffer_vertical_m=10.0))


def test_flights_meet_zones_when_they_are_there() -> None:
    """R30: a flight meets a zone from when it comes in until it leaves, and not while the zone sleeps."""
    there = flight((47.0, 7.0), (47.0, 9.0), minutes=60)
    crossed = zone(RESTRICTED, circle(47.0, 8.0, 5_000))
    once = found(Zones([crossed], INTERSECT, HORIZON), there)
    assert [each.certain for each in once] == [True]
    # 10 km with the buffers at 152 km/h, about the middle of the hour; told to a piece, which is 5 km or 118 s
    assert 1_800_000 - 125_000 - 118_000 < once[0].from_ms < 1_800_000 - 115_000
    assert 1_800_000 + 115_000 < once[0].until_ms < 1_800_000 + 125_000 + 118_000
    for opens, meets in ((25, False), (29, True), (31, True), (35, False)):
        window = ZoneWindow(
            start_ms=opens * 60_000, daily_from_ms=opens * 60_000, daily_until_ms=opens * 60_000 + 30_000
        )
        sleeping = zone(RESTRICTED, circle(47.0, 8.0, 5_000), windows=(window,))
        findings = found(Zones([sleeping], INTERSECT, HORIZON), there)
        assert [(each.from_ms, each.until_ms) for each in findings] == (
            [(opens * 60_000, opens * 60_000 + 30_000)] if meets else []
        )


def test_flights_over_a_dividing_line() -> None:
    """R31: the pieces of a flight are judged one by one: those on the wrong side, and in the buffer."""
    line = zone(LINE, corridor(1_000.0, (10, 10), (10, 11)), sides=SIDES, depth_m=50_000.0)
    zones = Zones([line], INTERSECT, HORIZON)
    north = flight((10.2, 10.1), (10.2, 10.9), minutes=30)
    assert {party: [each.certain for each in found(zones, north, party)] for party in ("blue", "red", None)} == {
        "blue": [],
        "red": [True],
        None: [],
    }
    over = flight((10.2, 10.5), (9.8, 10.5), minutes=60)
    whole = {party: found(zones, over, party)[0] for party in ("blue", "red", None)}
    assert 1_500_000 < whole[None].from_ms < whole[None].until_ms < 2_100_000
    assert whole["red"].from_ms == 0
    assert whole["red"].until_ms < 2_100_000
    assert whole["blue"].from_ms > 1_500_000
    assert whole["blue"].until_ms == 3_600_000
    assert set(whole[None].pairs) < set(whole["red"].pairs)


def test_zones_that_stand_for_decades() -> None:
    """R30: published zones have no end; a horizon of thirty years is one like any other."""
    horizon = (0, 30 * 366 * DAY)
    nightly = ZoneWindow(daily_from_ms=22 * HOUR, daily_until_ms=4 * HOUR)
    both = [zone(RESTRICTED, circle(47, 8, 5_000)), zone(RESTRICTED, circle(47, 8, 5_000), windows=(nightly,))]
    zones = Zones(both, INTERSECT, horizon)
    for year in (0, 7, 29):
        start = year * 366 * DAY + 3 * HOUR
        findings = found(zones, notice(circle(47, 8, 100), window_ms=(start, start + 2 * HOUR)))
        assert [each.closer_ms for each in findings] == [2 * HOUR, HOUR]
        late = notice(circle(47, 8, 100), window_ms=(start + 2 * HOUR, start + 3 * HOUR))
        assert [each.closer_ms for each in found(zones, late)] == [HOUR]
