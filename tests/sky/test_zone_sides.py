"""Sides of a dividing line against planes cut by GEOS, and what must not change them (R31)."""

from __future__ import annotations

import math
from random import Random

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from clearline.model.volume import Circle, Corridor, Polygon
from clearline.model.zone import Side, Zone, ZoneKind, ZoneSide
from clearline.sky import prepare
from clearline.sky.zones import Zones
from tests.sky.shapes import EFFORT, INTERSECT, Place, anywhere, circle, corridor, moved, polygon, seeded, volume

Outline = Polygon | Circle | Corridor
Point = tuple[float, float]
Answer = tuple[bool, bool]

BUFFER_M = 20.0
SIDES = (ZoneSide("blue", Side.LEFT), ZoneSide("red", Side.RIGHT))
METRES = 110_574.0
"""A degree of the meridian at the equator; of the parallel 111,320: small pictures near (0, 0) are planes."""
ACROSS = 111_320.0


def place_of(point: Point, lng_0: float = 0.0) -> Place:
    return point[1] / METRES, (lng_0 + point[0] / ACROSS + 180.0) % 360.0 - 180.0


def line_zone(vertices: list[Place], depth_m: float) -> Zone:
    band = volume(corridor(BUFFER_M, *vertices), band=(0.0, 1_000.0)).volume
    return Zone(zone_id="LINE", kind=ZoneKind.DIVIDING_LINE, volumes=(band,), sides=SIDES, depth_m=depth_m)


def answers(zones: Zones, outline: Outline) -> dict[str, bool | None]:
    """For each party: None where nothing is found, else whether it is certain."""
    asked = prepare([volume(outline)])
    out: dict[str, bool | None] = {}
    for party in ("blue", "red", "grey"):
        findings = zones.findings(asked, party)
        out[party] = findings[0].certain if findings else None
    return out


def gentle_line(random: Random, step_m: float) -> list[Point]:
    """A line that turns by at most 60 degrees at a vertex and does not come back to itself."""
    bearing, x, y = random.uniform(-0.4, 0.4), 0.0, 0.0
    line = [(x, y)]
    for _ in range(random.randrange(1, 7)):
        bearing = max(-1.0, min(1.0, bearing + random.uniform(-1.0, 1.0)))
        x, y = x + step_m * math.cos(bearing), y + step_m * math.sin(bearing)
        line.append((x, y))
    return line


def parts(line: list[Point], depth_m: float) -> dict[str, BaseGeometry]:
    """The plane within the depth, cut by the line drawn on: what blue (left) and red (right) must not enter."""

    def beyond(inner: Point, end: Point) -> Point:
        length = math.dist(inner, end)
        return tuple(e + (e - i) / length * depth_m * 1.5 for i, e in zip(inner, end, strict=True))  # type: ignore[return-value]

    drawn = shapely.LineString([beyond(line[1], line[0]), *line, beyond(line[-2], line[-1])])
    pieces = list(split(shapely.LineString(line).buffer(depth_m, quad_segs=256), drawn).geoms)
    assert len(pieces) == 2
    (x, y), (nx, ny) = line[0], line[1]
    step = 1e-3 / math.dist(line[0], line[1])
    left_of_start = shapely.Point((x + nx) / 2 - (ny - y) * step, (y + ny) / 2 + (nx - x) * step)
    left, right = sorted(pieces, key=lambda piece: piece.distance(left_of_start))
    return {"blue": right, "red": left}


def random_shape(random: Random, around: Point, size_m: float) -> tuple[Outline, BaseGeometry]:
    """One shape for the sky and for the plane."""
    x, y = around
    kind = random.randrange(3)
    if kind == 0:
        return circle(*place_of(around), size_m), shapely.Point(x, y).buffer(size_m, quad_segs=256)
    if kind == 1:
        ends = [(x + random.uniform(-2, 2) * size_m, y + random.uniform(-2, 2) * size_m) for _ in range(3)]
        plane = shapely.LineString(ends).buffer(size_m / 5, quad_segs=256)
        return corridor(size_m / 5, *map(place_of, ends)), plane
    turns = sorted(random.uniform(0, 2 * math.pi) for _ in range(7))
    ring = [
        (x + r * math.cos(t), y + r * math.sin(t)) for t, r in ((t, size_m * random.uniform(0.3, 2.0)) for t in turns)
    ]
    return polygon(*map(place_of, ring)), shapely.Polygon(ring)


def test_sides_against_planes() -> None:
    """R31: near the equator, where a few kilometres are a plane, GEOS cuts the depth in two and says the same."""
    seeded(71)
    random = Random(71)
    decided, proved = {True: 0, False: 0}, 0
    for _ in range(25 * EFFORT):
        step_m, depth_m = random.choice([500.0, 2_000.0]), random.choice([300.0, 1_500.0])
        line = gentle_line(random, step_m)
        forbidden = parts(line, depth_m)
        zones = Zones([line_zone([place_of(each) for each in line], depth_m)], INTERSECT, (0, 600_000))
        buffer = shapely.LineString(line).buffer(BUFFER_M)
        for _ in range(25):
            x, y = random.choice(line)
            reach = depth_m * 1.5
            around = x + random.uniform(-reach, reach), y + random.uniform(-reach, reach)
            outline, plane = random_shape(random, around, random.choice([5.0, 100.0, 600.0]))
            if not plane.is_valid:
                continue
            got = answers(zones, outline)
            for party, region in {**forbidden, "grey": buffer}.items():
                whole = shapely.union(region, buffer)
                # Pictures and planes differ by a thousandth of the way from the middle: what is so near says nothing.
                doubt_m = 0.5 + 1e-3 * depth_m
                # Depths and radii are divided by M everywhere (sky.geodesy): at the equator that adds 0.7 % eastward.
                if plane.distance(whole) > doubt_m + 0.007 * (depth_m + 600.0):
                    assert got[party] is None, (party, outline)
                    decided[False] += 1
                elif plane.intersection(whole.buffer(-doubt_m)).area > 0.0:
                    assert got[party] is not None, (party, outline)
                    proved += got[party] is True
                    decided[True] += 1
    assert min(decided.values()) > 200
    assert proved > 0.9 * decided[True]  # nearly all of them: what only crosses the line drawn on is not proved


def test_a_bend_that_hides_the_other_side() -> None:
    """R31: the nearest part of the line decides, not the nearest edge's plane: inside and outside of a sharp bend."""
    bend = [(0.0, 0.0), (2_000.0, 0.0), (0.0, 700.0)]  # right is outside, left is the narrow inside
    zones = Zones([line_zone([place_of(each) for each in bend], 1_000.0)], INTERSECT, (0, 600_000))
    for point, on_left in (
        ((1_000.0, 150.0), True),
        ((300.0, 300.0), True),
        ((1_900.0, 200.0), False),
        ((2_300.0, 10.0), False),
        ((2_300.0, 60.0), False),
        ((1_000.0, -100.0), False),
        ((1_000.0, 600.0), False),
    ):
        got = answers(zones, circle(*place_of(point), 5.0))
        assert (got["red"], got["blue"], got["grey"]) == ((True, None, None) if on_left else (None, True, None)), point


def test_what_changes_nothing() -> None:
    """R31: a turn of the earth changes no answer; to go along the line the other way swaps left and right."""
    seeded(72)
    random = Random(72)
    for _ in range(15 * EFFORT):
        start = anywhere(random)
        line = [start]
        bearing = random.uniform(0, 360)
        for _ in range(random.randrange(1, 5)):
            bearing += random.uniform(-50, 50)
            line.append(moved(line[-1], bearing, random.choice([800.0, 9_000.0, 60_000.0])))
        depth_m = random.choice([2_000.0, 40_000.0])
        turned_by = random.uniform(-180, 180)
        turned = [(lat, (lng + turned_by + 180.0) % 360.0 - 180.0) for lat, lng in line]
        every = [Zones([line_zone(each, depth_m)], INTERSECT, (0, 600_000)) for each in (line, line[::-1], turned)]
        for _ in range(8):
            middle = moved(random.choice(line), random.uniform(0, 360), random.uniform(0, 1.3) * depth_m)
            radius_m = random.choice([50.0, 3_000.0])
            one = answers(every[0], circle(*middle, radius_m))
            other = answers(every[1], circle(*middle, radius_m))
            assert (one["blue"], one["red"], one["grey"]) == (other["red"], other["blue"], other["grey"])
            moved_lng = (middle[1] + turned_by + 180.0) % 360.0 - 180.0
            assert answers(every[2], circle(middle[0], moved_lng, radius_m)) == one


def test_sampled_places_on_long_lines() -> None:
    """R31: anywhere on earth, every place of a shape that is on the wrong side of a long edge makes it a finding.

    The side of a place is told by the volume that it spans with two points of the edge, the distance by the angle.
    """
    seeded(73)
    random = Random(73)
    hits = 0
    for _ in range(60 * EFFORT):
        start = anywhere(random)
        end = moved(start, random.uniform(0, 360), 9_000.0)
        depth_m = random.choice([5_000.0, 50_000.0])
        zones = Zones([line_zone([start, end], depth_m)], INTERSECT, (0, 600_000))
        a, b = vector(start), vector(end)
        centre = moved(random.choice([start, end]), random.uniform(0, 360), random.uniform(0.1, 0.9) * depth_m)
        got = answers(zones, circle(*centre, 500.0))
        for place in [centre, *(moved(centre, 30.0 * k, 490.0) for k in range(12))]:
            p = vector(place)
            near = min(angle(p, a), angle(p, b)) * 6_335_000.0 < depth_m * 0.98
            side = triple(a, b, p)
            if near and abs(side) > 1e-12:
                assert got["blue" if side < 0.0 else "red"] is not None
                hits += 1
        far = [triple(a, b, vector(moved(centre, 30.0 * k, 520.0))) for k in range(12)]
        if got["grey"] is None and (min(far) > 0.0 or max(far) < 0.0) and depth_m < 10_000.0:
            assert got["red" if max(far) < 0.0 else "blue"] is None
    assert hits > 100


def vector(place: Place) -> tuple[float, float, float]:
    lat, lng = map(math.radians, place)
    return math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)


def triple(a: tuple[float, float, float], b: tuple[float, float, float], p: tuple[float, float, float]) -> float:
    return (a[1] * b[2] - a[2] * b[1]) * p[0] + (a[2] * b[0] - a[0] * b[2]) * p[1] + (a[0] * b[1] - a[1] * b[0]) * p[2]


def angle(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    return math.acos(max(-1.0, min(1.0, sum(x * y for x, y in zip(a, b, strict=True)))))
