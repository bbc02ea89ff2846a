"""The sample extracts and the scenarios made from them."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from itertools import pairwise

import pytest
from pyproj import Geod

from clearline.formats.sample import Fix, load_sample
from clearline.formats.scenario import SCENARIOS, ActionKind, Flight, Scenario, load_scenario
from clearline.model import limits
from clearline.model.altitude import AltitudeReference
from clearline.model.decode import convert
from clearline.model.identity import NoticeId
from clearline.model.message import AreaNotice
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import LatLngPoint, Volume4D

GEOD = Geod(ellps="WGS84")
NOW_MS = 1_795_356_000_000


@pytest.fixture(scope="module", params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return load_scenario(str(request.param))


@pytest.mark.no_cover
def test_every_recorded_position_is_inside_its_notice(scenario: Scenario) -> None:
    """By distances on the ellipsoid, which the code under test does not use; the lateral buffer stays untouched."""
    final = {flight.track_number: flight for flight in scenario.flights if not flight.cancelled}
    lateral_m_min = {"calfire": 926.0, "switzerland": 1852.0}[scenario.name]
    checked = 0
    for track in scenario.tracks:
        volumes = final[track.number].final_volumes
        for fix in track.fixes:
            assert any(_holds(volume, fix, lateral_m_min) for volume in volumes), (track.number, fix)
            checked += 1
    assert checked == {"calfire": 9_788, "switzerland": 47_546}[scenario.name]


def _holds(volume: Volume4D, fix: Fix, room_m: float) -> bool:
    start_ms, end_ms = volume.window_ms
    shape = volume.volume
    if not start_ms <= fix.at_ms <= end_ms:
        return False
    if not shape.altitude_lower.value * 100 <= fix.pressure_ft <= shape.altitude_upper.value * 100:
        return False
    if shape.outline_circle is not None:
        center = shape.outline_circle.center
        return _distance_m(fix, center) <= shape.outline_circle.radius.value - room_m
    corridor = shape.outline_corridor
    if corridor is None:
        return False
    reach_m = corridor.half_width.value - room_m
    # Most fixes are vertices themselves: the search along the edges is for the others.
    places = {(point.lat, point.lng) for point in corridor.vertices}
    return (fix.lat, fix.lng) in places or any(
        _distance_to_edge_m(fix, a, b) <= reach_m for a, b in pairwise(corridor.vertices)
    )


def _distance_m(fix: Fix, place: LatLngPoint) -> float:
    distance: float = GEOD.inv(fix.lng, fix.lat, place.lng, place.lat)[2]
    return distance


def _distance_to_edge_m(fix: Fix, a: LatLngPoint, b: LatLngPoint) -> float:
    """Ternary search for the nearest place of a geodesic: the distance along it has one minimum."""
    azimuth, _, length_m = GEOD.inv(a.lng, a.lat, b.lng, b.lat)
    nearest = min(_distance_m(fix, a), _distance_m(fix, b))
    if nearest > length_m + 100_000.0:
        return nearest
    low, high = 0.0, float(length_m)
    while high - low > 5.0:
        one, two = low + (high - low) / 3, high - (high - low) / 3
        at_one, at_two = (
            _distance_m(fix, LatLngPoint(lat, lng))
            for lng, lat, _ in (GEOD.fwd(a.lng, a.lat, azimuth, along) for along in (one, two))
        )
        low, high = (low, two) if at_one < at_two else (one, high)
        nearest = min(nearest, at_one, at_two)
    return nearest


def test_every_declaration_is_a_lawful_notice(scenario: Scenario) -> None:
    for action in scenario.actions():
        assert convert(NoticeId, action.notice_id)
        if action.kind is ActionKind.DECLARE:
            AreaNotice(
                notice_id=action.notice_id, aircraft_class=action.aircraft_class, priority=0, volumes=action.volumes
            )
        assert bool(action.volumes) == (action.kind in {ActionKind.DECLARE, ActionKind.AMEND})
        assert len(action.volumes) <= limits.VOLUMES_MAX
        for volume in action.volumes:
            assert volume.volume.altitude_lower.reference is AltitudeReference.FL


def test_actions_come_in_order_and_each_notice_lives_once(scenario: Scenario) -> None:
    actions = list(scenario.actions())
    assert [action.at_ms for action in actions] == sorted(action.at_ms for action in actions)
    assert (actions[0].at_ms, actions[-1].at_ms) == (scenario.start_ms, scenario.end_ms)
    lives: dict[str, list[ActionKind]] = {}
    for action in actions:
        life = lives.setdefault(action.notice_id, [])
        life.append(action.kind)
        assert action.version == len(life)
        assert action.party in scenario.parties
    assert len(lives) == len(scenario.flights)
    forms = Counter(tuple(life) for life in lives.values())
    for form in forms:
        assert re.fullmatch(r"D(N|A?TA?R)", "".join(_LETTER[kind] for kind in form)), form
    assert len(forms) == 4


_LETTER = {
    ActionKind.DECLARE: "D",
    ActionKind.AMEND: "A",
    ActionKind.ACTIVATE: "T",
    ActionKind.RELEASE: "R",
    ActionKind.CANCEL: "N",
}


def test_an_amendment_is_said_while_the_flight_is_open(scenario: Scenario) -> None:
    for flight in scenario.flights:
        for amendment in flight.amendments:
            assert flight.declare_at_ms < amendment.at_ms < flight.end_at_ms
        if flight.activate_at_ms is not None:
            assert flight.declare_at_ms < flight.activate_at_ms < flight.end_at_ms
        assert flight.end_at_ms > flight.declare_at_ms


def test_both_parties_fly(scenario: Scenario) -> None:
    flights = Counter(flight.party for flight in scenario.flights)
    assert set(flights) == set(scenario.parties)
    assert min(flights.values()) > 0.3 * max(flights.values())


def test_the_same_in_every_run() -> None:
    assert load_scenario("calfire") == load_scenario("calfire")


def test_shifted_to_now_everything_moves_alike() -> None:
    scenario = load_scenario("calfire")
    moved = scenario.shift_to(NOW_MS)
    by_ms = NOW_MS - scenario.start_ms
    assert moved.start_ms == NOW_MS
    for before, after in zip(scenario.actions(), moved.actions(), strict=True):
        assert after.at_ms - before.at_ms == by_ms
        assert (before.notice_id, before.kind, before.version) == (after.notice_id, after.kind, after.version)
        for volume, shifted in zip(before.volumes, after.volumes, strict=True):
            assert shifted.volume == volume.volume
            assert shifted.window_ms[0] - volume.window_ms[0] == by_ms
            assert shifted.window_ms[1] - volume.window_ms[1] == by_ms
    assert next(moved.positions()).at_ms - next(scenario.positions()).at_ms == by_ms
    assert moved.moved(-by_ms) == scenario


def test_another_run_has_other_ids_and_says_the_same() -> None:
    scenario = load_scenario("calfire")
    first, second = scenario.reissued("1"), scenario.reissued("2")
    ids = [{flight.notice_id for flight in each.flights} for each in (scenario, first, second)]
    assert len(ids[0] | ids[1] | ids[2]) == 3 * len(scenario.flights)
    assert scenario.reissued("1") == first
    assert [flight.final_volumes for flight in first.flights] == [flight.final_volumes for flight in scenario.flights]


def test_the_busiest_hours_hold_flights_of_both_and_only_their_tracks() -> None:
    scenario = load_scenario("calfire")
    part = scenario.busiest(3 * 3_600_000)
    assert {flight.party for flight in part.flights} == set(scenario.parties)
    assert {track.number for track in part.tracks} == {flight.track_number for flight in part.flights}
    first = [flight.final_volumes[0].window_ms[0] for flight in part.flights]
    assert max(first) - min(first) < 3 * 3_600_000
    for start_ms in first:
        assert _starting(scenario.flights, start_ms) <= len(part.flights)


def _starting(flights: tuple[Flight, ...], from_ms: int) -> int:
    return sum(0 <= flight.final_volumes[0].window_ms[0] - from_ms < 3 * 3_600_000 for flight in flights)


def test_a_window_without_flights_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        load_scenario("calfire").between(0, 1)
    assert caught.value.code is RefusalCode.OUT_OF_RANGE


def test_an_unknown_sample_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Refusal) as caught:
        load_scenario("atlantis")
    assert "calfire" in caught.value.allowed


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_extract_holds_no_name_of_any_aircraft(name: str, pytestconfig: pytest.Config) -> None:
    """R7: besides the header, numbers only."""
    path = pytestconfig.rootpath / "src" / "clearline" / "samples" / f"{name}.json.gz"
    document = json.loads(zlib.decompress(path.read_bytes(), zlib.MAX_WBITS | 16))
    for track in document["tracks"]:
        assert set(track) == {"party", "at", "lat", "lng", "altitude"}
        assert track["party"] in document["parties"]
        assert all(type(value) is int for column in ("at", "lat", "lng", "altitude") for value in track[column])
    assert path.stat().st_size < 1_500_000


def test_positions_come_in_order_of_time() -> None:
    times = [position.at_ms for position in load_scenario("calfire").positions()]
    assert times == sorted(times)
    assert len(times) == sum(len(track.fixes) for track in load_sample("calfire").tracks)
