"""Volumes for the tests of the sky, written shortly, and seeded random ones."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable
from random import Random

from clearline.model.altitude import Altitude, parse_altitude
from clearline.model.rules import RuleSet
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Volume3D, Volume4D, time_at
from clearline.sky import Prepared, Sky, describe, load_rules, prepare

Place = tuple[float, float]
R_M = 6_371_008.8
INTERSECT = load_rules("intersect")
THREES = load_rules("threes")
EFFORT = int(os.environ.get("CLEARLINE_SKY_EFFORT", "1"))
"""Random cases are multiplied by this; the nightly run takes 50."""


def polygon(*places: Place) -> Polygon:
    return Polygon(tuple(LatLngPoint(*place) for place in places))


def circle(lat: float, lng: float, radius_m: float) -> Circle:
    return Circle(LatLngPoint(lat, lng), Radius(radius_m))


def corridor(half_width_m: float, *places: Place) -> Corridor:
    return Corridor(tuple(LatLngPoint(*place) for place in places), Radius(half_width_m))


def volume(
    outline: Polygon | Circle | Corridor,
    *,
    band: tuple[float | str, float | str] = (0.0, 100.0),
    window_ms: tuple[int, int] = (0, 600_000),
) -> Volume4D:
    lower, upper = (limit if isinstance(limit, Altitude) else parse_altitude(limit) for limit in band)
    return Volume4D(
        volume=Volume3D(
            altitude_lower=lower,
            altitude_upper=upper,
            outline_polygon=outline if isinstance(outline, Polygon) else None,
            outline_circle=outline if isinstance(outline, Circle) else None,
            outline_corridor=outline if isinstance(outline, Corridor) else None,
        ),
        time_start=time_at(window_ms[0]),
        time_end=time_at(window_ms[1]),
    )


def shape(outline: Polygon | Circle | Corridor) -> Prepared:
    return prepare([volume(outline)])


def rules(lateral_m: float = 0.0, vertical_m: float = 0.0, closer_ms_max: int | None = None) -> RuleSet:
    return RuleSet(
        rule_id="test",
        version=1,
        separation_lateral_m=lateral_m,
        separation_vertical_m=vertical_m,
        closer_ms_max=closer_ms_max,
    )


def closer(a: Prepared, b: Prepared, rule_set: RuleSet = INTERSECT) -> bool:
    """Ask both ways and through both doors; all four must agree."""
    answers = {describe(a, b, rule_set) is not None, describe(b, a, rule_set) is not None}
    for one, other in ((a, b), (b, a)):
        sky = Sky(rule_set)
        sky.add(7, one, group=1)
        answers.add(bool(sky.findings(other, exclude_group=2)))
    assert len(answers) == 1, "describe and Sky, or the two directions, differ"
    return answers.pop()


def moved(place: Place, bearing_deg: float, distance_m: float) -> Place:
    """Go along a great circle of the sphere; right at the poles too, where bearings start at the place's meridian."""
    lat, lng, bearing = (math.radians(value) for value in (*place, bearing_deg))
    angle = distance_m / R_M
    north = math.cos(bearing) * math.sin(angle)
    east = math.sin(bearing) * math.sin(angle)
    out = math.cos(lat) * math.cos(angle) - math.sin(lat) * north
    x = out * math.cos(lng) - east * math.sin(lng)
    y = out * math.sin(lng) + east * math.cos(lng)
    z = math.sin(lat) * math.cos(angle) + math.cos(lat) * north
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def anywhere(random: Random) -> Place:
    """A place on earth; one in four is at a pole, the antimeridian or the equator."""
    special = random.randrange(12)
    lng = random.uniform(-180.0, 180.0)
    if special == 0:
        return random.choice([-1.0, 1.0]) * (90.0 - abs(random.gauss(0.0, 0.02))), lng
    if special == 1:
        return random.uniform(-80.0, 80.0), random.choice([-180.0, 180.0]) * (1.0 - random.random() * 1e-4)
    if special == 2:
        return random.gauss(0.0, 0.01), lng
    return math.degrees(math.asin(random.uniform(-1.0, 1.0))), lng


def ring_around(random: Random, place: Place, size_m: float, corners: int) -> list[Place]:
    """A star-shaped ring."""
    turn = random.uniform(0.0, 360.0)
    return [
        moved(place, turn + (k + random.uniform(-0.3, 0.3)) * 360.0 / corners, size_m * random.uniform(0.3, 1.0))
        for k in range(corners)
    ]


def random_outline(random: Random, place: Place, size_m: float) -> Polygon | Circle | Corridor:
    kind = random.random()
    if kind < 0.2:
        return circle(*place, size_m)
    if kind < 0.4:
        line = [
            moved(place, random.uniform(0.0, 360.0), size_m * random.random()) for _ in range(random.randrange(2, 6))
        ]
        return corridor(size_m * random.uniform(0.01, 0.2), *line)
    return polygon(*ring_around(random, place, size_m, random.randrange(4, 14)))


def seeded(seed: int) -> None:
    """Say the seed, so that a failure can be repeated."""
    sys.stdout.write(f"seed {seed}\n")


def handles(findings: Iterable[object]) -> list[int]:
    return [finding.handle for finding in findings]  # type: ignore[attr-defined]
