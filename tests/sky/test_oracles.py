"""The oracles are right where the truth is known, agree with each other, and see an engine that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from mpmath import mpf

from clearline.model.volume import Volume4D
from clearline.sky import Finding, Prepared, Sky, prepare
from clearline.sky.columns import Columns
from clearline.sky.result import FindingTable
from tests.sky import judge as judging
from tests.sky.forms import WGS84, Case, Form, ahead, case_from_json
from tests.sky.judge import failures_of, judge, smaller
from tests.sky.nasty import CATEGORIES, make_case, share_out
from tests.sky.oracle_digits import digits_distance_m, geodesic_m
from tests.sky.oracle_ellipsoid import core_distances_m, cores_of
from tests.sky.oracle_plane import clearance_m, plane_distance_m
from tests.sky.oracle_s2 import s2_distances_m
from tests.sky.shapes import EFFORT, INTERSECT, Place, anywhere, seeded

SEED = 47_001


def test_fifty_digits_against_known_lengths() -> None:
    """The quarter meridian of WGS84 is 10,001,965.729 m, a degree of the equator 111,319.491 m."""
    half = geodesic_m((0.0, 10.0), (45.0, 10.0))[0] + geodesic_m((45.0, -20.0), (90.0, 0.0))[0]
    assert float(half) == pytest.approx(10_001_965.7293, abs=5e-5)
    assert float(geodesic_m((0.0, 179.5), (0.0, -179.5))[0]) == pytest.approx(111_319.490793, abs=1e-6)
    assert float(geodesic_m((-90.0, 0.0), (-90.0, 120.0), close_m=mpf(10) ** -9)[0]) == pytest.approx(0.0, abs=1e-30)


def test_fifty_digits_against_geographiclib() -> None:
    """Geodesics of pyproj are right to 15 nm, as their author says; measured by the integrals themselves."""
    seeded(SEED)
    random = Random(SEED)
    for _ in range(40 * EFFORT):
        start = anywhere(random)
        end = ahead(start, random.uniform(0.0, 360.0), 10.0 ** random.uniform(-3.0, 6.7))
        assert abs(float(geodesic_m(start, end)[0]) - WGS84.inv(start[1], start[0], end[1], end[0])[2]) < 2e-8


@pytest.mark.parametrize(("piece_m", "departs_m"), [(10_000.0, 0.00661), (5_000.0, 0.00166), (1_000.0, 0.0000676)])
def test_how_far_a_great_circle_leaves_the_geodesic(piece_m: float, departs_m: float) -> None:
    """design.md §4: 6.6 mm at 10 km, and as the square of the length."""
    generator = np.random.default_rng(SEED + 1)
    count = 20_000 * EFFORT
    lat, lng = np.degrees(np.arcsin(generator.uniform(-1.0, 1.0, count))), generator.uniform(-180.0, 180.0, count)
    azimuth = generator.uniform(0.0, 360.0, count)
    worst_m = 0.0
    far_lng, far_lat, _ = WGS84.fwd(lng, lat, azimuth, np.full(count, piece_m))
    normal = np.cross(_unit(lat, lng), _unit(far_lat, far_lng))
    normal /= np.sqrt((normal**2).sum(axis=1))[:, None]
    for share in (0.3, 0.5, 0.7):
        on_lng, on_lat, _ = WGS84.fwd(lng, lat, azimuth, np.full(count, share * piece_m))
        worst_m = max(worst_m, float(np.abs((normal * _unit(on_lat, on_lng)).sum(axis=1)).max()) * 6_399_594.0)
    assert departs_m * 0.9 < worst_m <= departs_m


def _unit(
    lat: np.ndarray[tuple[int], np.dtype[np.float64]], lng: object
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    phi, lam = np.radians(lat), np.radians(np.asarray(lng))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)


SQUARE: tuple[Place, ...] = ((0.0, 0.0), (0.0, 0.05), (0.05, 0.05), (0.05, 0.0))


@pytest.mark.parametrize(
    ("other", "distance_m"),
    [
        (Form("circle", ((0.0, 0.06),), 1.0), 1_113.1949),  # a hundredth of a degree of the equator
        (Form("circle", ((0.06, 0.05),), 1.0), 1_105.7428),  # and of a meridian
        (Form("circle", ((0.02, 0.02),), 1.0), 0.0),
        (Form("corridor", ((0.02, -0.1), (0.03, 0.2)), 1.0), 0.0),
        (Form("polygon", ((-0.1, -0.1), (-0.1, 0.2), (0.2, 0.2), (0.2, -0.1))), 0.0),  # around it
        (Form("polygon", ((0.05, 0.0), (0.05, 0.05), (0.1, 0.05), (0.1, 0.0))), 0.0),  # one edge in common
        (Form("polygon", ((0.06, 0.0), (0.06, 0.05), (0.1, 0.05), (0.1, 0.0))), 1_105.7428),  # tiles of a grid
    ],
)
def test_all_oracles_know_a_square_at_the_equator(other: Form, distance_m: float) -> None:
    """Lengths there are those of M and N, known from the axes alone."""
    square = Form("polygon", SQUARE)
    for one, two in ((square, other), (other, square)):
        assert core_distances_m(cores_of([one]), cores_of([two]))[0] == pytest.approx(distance_m, abs=1e-3)
        assert digits_distance_m(one, two) == pytest.approx(distance_m, abs=1e-3)
        for bounds in (plane_distance_m(one, two), s2_distances_m([(one, two)])[0]):
            assert bounds is not None
            assert bounds.least_m - 1e-3 <= distance_m <= bounds.most_m + 1e-3


def test_clearance_tells_rings_from_no_rings() -> None:
    assert clearance_m(Form("polygon", ((0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (0.1, 0.1)))) == 0.0  # a bow tie
    assert clearance_m(Form("polygon", SQUARE)) == pytest.approx(5_528.7, rel=0.01)
    assert clearance_m(Form("polygon", ((0.0, 0.0), (0.0, 5.0), (5.0, 0.0)))) is None  # not local


def test_a_case_is_its_name_and_comes_back_from_json() -> None:
    import json

    for category in CATEGORIES:
        case = make_case(category, 5, seed=SEED)
        assert make_case(category, 5, seed=SEED) == case
        assert case_from_json(json.dumps(case.json())) == case
    assert sum(share_out(10_000).values()) == pytest.approx(10_000, abs=30)


class _Says:
    """A sky that always says the same."""

    answer: tuple[Finding, ...] = ()

    def __init__(self, _rule: object) -> None:
        self.handles: list[int] = []

    def add_many(self, items: object) -> None:
        pass

    def findings_of(self, columns: Columns) -> FindingTable:
        return Sky(INTERSECT).findings_of(columns)

    def findings(self, _asked: Prepared, *, exclude_group: int | None) -> list[Finding]:
        return list(self.answer)


class _Never(_Says):
    pass


class _Always(_Says):
    answer = tuple(Finding(k, "CONFLICT", 0, 1, 1, True, ()) for k in range(200))  # type: ignore[arg-type]


def _wider(volumes: tuple[Volume4D, ...] | list[Volume4D], by_m: float) -> Prepared:
    """What an engine would hold that takes every circle and corridor for wider than it is."""
    prepared = prepare(volumes)
    floats = prepared.floats.copy()
    if len(prepared):
        floats[4] += by_m
    return Prepared(floats.tobytes(), prepared.ints.tobytes(), prepared.bands)


def _kinds(cases: list[Case]) -> set[str]:
    return {failure.what for failure in judge(cases).failures}


def test_the_judge_sees_a_wrong_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of wrong answer is seen: silent, noisy, blind in one direction, too small or too large by 3 cm."""
    cases = [make_case("gap", number, seed=SEED) for number in range(150)]
    assert _kinds(cases) == set()
    with monkeypatch.context() as patch:
        patch.setattr(judging, "describe", lambda *_: None)
        assert "DOORS" in _kinds(cases)
    for sky, kinds in ((_Never, {"FALSE NEGATIVE"}), (_Always, {"FALSE POSITIVE", "NOT CERTAIN"})):
        with monkeypatch.context() as patch:
            patch.setattr(judging, "Sky", sky)
            assert kinds <= _kinds(cases)
    for by_m, kind in ((-0.03, "FALSE NEGATIVE"), (0.06, "FALSE POSITIVE")):
        with monkeypatch.context() as patch:
            patch.setattr(judging, "prepare", _with_radius(by_m))
            assert kind in _kinds([make_case("circles", number, seed=SEED) for number in range(200)])


def _with_radius(by_m: float) -> Callable[[list[Volume4D]], Prepared]:
    return lambda volumes: _wider(volumes, by_m)


def test_failures_come_back_small_and_the_worst_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of a failure loses the vertices that do not matter."""
    monkeypatch.setattr(judging, "Sky", _Never)
    tally = judge([make_case("nested", number, seed=SEED) for number in range(10)])
    failures = failures_of([tally])
    assert failures[0].what == "FALSE NEGATIVE"
    small = smaller(
        next(failure for failure in failures if failure.case.a is not None and len(failure.case.a.places) > 4)
    )
    assert small.what == "FALSE NEGATIVE"
    assert small.case.a is not None
    assert len(small.case.a.places) <= 3


def test_accepted_and_refused_wrongly_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    bow_tie = make_case("crossing-ring", 3, seed=SEED)
    plain = make_case("nested", 3, seed=SEED)
    nothing = prepare([])
    monkeypatch.setattr(judging, "prepare", lambda _volumes: nothing)
    assert _kinds([bow_tie]) == {"ACCEPTED"}
    monkeypatch.setattr(judging, "prepare", lambda _volumes: prepare(bow_tie.volumes_a()))
    assert any(kind.startswith("REFUSED WRONGLY") for kind in _kinds([plain]))
