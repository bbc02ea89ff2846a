"""What may change nothing: turning the earth, mirroring it, names, order, how a ring or a window is written (R16).

An answer may differ only where it hangs on less than `slack_m`: then the first case has to answer differently itself as
soon as its separation is wider or narrower by that much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from clearline.model.refusal import Refusal
from clearline.model.rules import RuleSet
from clearline.model.volume import Volume4D
from clearline.sky import Sky, describe, prepare
from tests.sky.forms import WGS84, Case, Form
from tests.sky.nasty import make_case
from tests.sky.shapes import EFFORT, Place, seeded, volume

SEED = 49_001
ROUNDING_M = 1e-6
PIECES_M = 0.0133
"""Twice 6.6 mm: what cutting edges elsewhere may do to two shapes."""
NAMES = (
    "gap",
    "long-edge",
    "antimeridian",
    "sliver",
    "bay",
    "circles",
    "pole-edge",
    "pole-ring",
    "random",
    "cube-corner",
)
Answer = tuple[bool, bool]


def cases(count: int) -> list[Case]:
    """Pairs with both shapes and a separation that can be made narrower."""
    seeded(SEED)
    made = [make_case(NAMES[number % len(NAMES)], number, seed=SEED) for number in range(count * EFFORT)]
    return [
        replace(case, lateral_m=max(case.lateral_m, 1.0)) for case in made if case.a and case.b and not case.refused
    ]


def rule_of(lateral_m: float) -> RuleSet:
    return RuleSet(
        rule_id="test",
        version=1,
        separation_lateral_m=min(lateral_m, 1e5),
        separation_vertical_m=0.0,
        closer_ms_max=None,
    )


def answer(case: Case, lateral_m: float | None = None) -> Answer:
    one, other = prepare(case.volumes_a()), prepare(case.volumes_b())
    sky = Sky(rule_of(case.lateral_m if lateral_m is None else lateral_m))
    sky.add(1, other, group=0)
    found = sky.findings(one, exclude_group=None)
    return bool(found), bool(found) and found[0].certain


def assert_same(case: Case, changed: Case, slack_m: float) -> bool:
    """Return whether a finding was made."""
    said, says = answer(case), answer(changed)
    if said != says:
        narrow, wide = (answer(case, case.lateral_m + by_m) for by_m in (-slack_m, slack_m))
        assert narrow[0] <= says[0] <= wide[0], f"{case.json()} and {changed.json()}: {said}, {says}"
        assert narrow[1] <= says[1] <= wide[1], f"{case.json()} and {changed.json()}: {said}, {says}"
    return said[0]


def with_places(case: Case, change: Callable[[Form], tuple[Place, ...]]) -> Case:
    assert case.a is not None
    assert case.b is not None
    return replace(case, a=replace(case.a, places=change(case.a)), b=replace(case.b, places=change(case.b)))


@pytest.mark.parametrize("turn_deg", [0.1, 90.0, 123.456789, 180.0, 359.0])
def test_turning_the_earth(turn_deg: float) -> None:
    """R16: longitudes have no beginning."""

    def turned(form: Form) -> tuple[Place, ...]:
        return tuple((lat, (lng + turn_deg + 180.0) % 360.0 - 180.0) for lat, lng in form.places)

    assert sum(assert_same(case, with_places(case, turned), ROUNDING_M) for case in cases(120)) > 30


def test_mirrors() -> None:
    """R16: north is as south, and east as west."""
    for signs in ((-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)):

        def mirrored(form: Form, signs: tuple[float, float] = signs) -> tuple[Place, ...]:
            return tuple((lat * signs[0], lng * signs[1]) for lat, lng in form.places)

        assert sum(assert_same(case, with_places(case, mirrored), ROUNDING_M) for case in cases(120)) > 30


def test_the_start_and_sense_of_a_ring() -> None:
    """R16: where a ring begins and which way it runs says nothing; nor does the sense of a line."""
    random = Random(SEED)

    def rewritten(form: Form) -> tuple[Place, ...]:
        start = random.randrange(len(form.places)) if form.kind == "polygon" else 0
        places = form.places[start:] + form.places[:start]
        return places[::-1] if random.random() < 0.5 else places

    # Cut from its other end, an edge has its pieces at the same places: equal ones.
    assert sum(assert_same(case, with_places(case, rewritten), 1e-5) for case in cases(200)) > 50


def test_more_vertices_on_the_geodesic() -> None:
    """R16: an edge written in several parts is the same edge, to what the pieces may depart from the geodesic."""
    random = Random(SEED + 1)

    def cut(form: Form) -> tuple[Place, ...]:
        places: list[Place] = []
        for k, place in enumerate(form.places):
            places.append(place)
            following = form.places[(k + 1) % len(form.places)]
            azimuth, _, length_m = WGS84.inv(place[1], place[0], following[1], following[0])
            if form.kind == "circle" or (form.kind == "corridor" and k == len(form.places) - 1) or length_m < 10.0:
                continue
            lng, lat, _ = WGS84.fwd(place[1], place[0], azimuth, length_m * random.uniform(0.1, 0.9))
            places.append((float(lat), float(lng)))
        return tuple(places)

    same = 0
    for case in cases(200):
        try:
            same += assert_same(case, with_places(case, cut), PIECES_M)
        except Refusal:
            # A sliver of millimetres may have no inside left where its two sides are cut at different places.
            assert case.category == "sliver"
    assert same > 50


def test_names_and_order() -> None:
    """R16: handles are names, and groups and order say nothing about what is found."""
    random = Random(SEED + 2)
    pairs = [(prepare(case.volumes_a()), prepare(case.volumes_b())) for case in cases(150)]
    rule = rule_of(5_556.0)
    names = {k: random.randrange(1 << 60) for k in range(len(pairs))}
    plain, renamed = Sky(rule), Sky(rule)
    for k, (_, other) in enumerate(pairs):
        plain.add(k, other, group=0)
    order = list(range(len(pairs)))
    random.shuffle(order)
    for k in order:
        renamed.add(names[k], pairs[k][1], group=k)
    for one, _ in pairs:
        said = {names[each.handle]: replace_handle(each) for each in plain.findings(one, exclude_group=1)}
        assert said == {each.handle: replace_handle(each) for each in renamed.findings(one, exclude_group=None)}


def replace_handle(finding: object) -> tuple[object, ...]:
    return tuple(
        getattr(finding, name) for name in ("severity", "from_ms", "until_ms", "closer_ms", "certain", "pairs")
    )


def test_symmetry_of_all_that_is_told() -> None:
    """R16: b meets a as a meets b: window, time closer, certainty, distances."""
    for case in cases(100):
        one, other = prepare(case.volumes_a()), prepare(case.volumes_b())
        said, turned = describe(one, other, rule_of(case.lateral_m)), describe(other, one, rule_of(case.lateral_m))
        assert (said is None) == (turned is None)
        if said is not None and turned is not None:
            assert (said.from_ms, said.until_ms, said.closer_ms) == (turned.from_ms, turned.until_ms, turned.closer_ms)
            assert (said.certain, said.vertical_m_min) == (turned.certain, turned.vertical_m_min)
            assert said.lateral_m_min == pytest.approx(turned.lateral_m_min, abs=ROUNDING_M)


def test_a_window_in_two_parts() -> None:
    """R14, R16: a window cut in two is the same window: hull, measure and certainty stay."""
    random = Random(SEED + 3)
    found = 0
    for case in cases(200):
        start_ms, end_ms = case.window_a
        cut_ms = random.randrange(start_ms + 1, end_ms)
        assert case.a is not None
        parts: list[Volume4D] = [
            volume(case.a.outline(), band=case.band_a, window_ms=window)
            for window in ((start_ms, cut_ms), (cut_ms, end_ms))
        ]
        sky = Sky(rule_of(case.lateral_m))
        sky.add(1, prepare(case.volumes_b()), group=0)
        whole, halves = (sky.findings(prepare(each), exclude_group=None) for each in (case.volumes_a(), parts))
        assert len(whole) == len(halves)
        for one, other in zip(whole, halves, strict=True):
            found += 1
            assert replace_handle(one)[:5] == replace_handle(other)[:5]
    assert found > 50
