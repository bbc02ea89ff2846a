"""Shapes and pairs of shapes to be decided, as data: written to JSON, read from it, and drawn by chance.

A gap is set on the ellipsoid: a geodesic of the right length leaves the first shape at a right angle and the second
begins where it ends. Whether other parts of the two are nearer is left to the oracles.

Angles in degrees, lengths in metres, windows in ms.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from random import Random
from typing import Final, Literal

from pyproj import Geod

from clearline.model.volume import Circle, Corridor, Polygon, Volume4D
from tests.sky.shapes import Place, circle, corridor, polygon, ring_around, volume

__all__ = [
    "BAND",
    "DAY_MS",
    "LATEST_MS",
    "SEPARATIONS_M",
    "WGS84",
    "WINDOW_MS",
    "Case",
    "Form",
    "Limit",
    "ahead",
    "bare_case",
    "bearing_of",
    "case_from_json",
    "draw_fan",
    "draw_form",
    "draw_gap_m",
    "draw_pair",
    "draw_star",
    "go_on",
    "length_m_of",
    "place_between",
]

WGS84 = Geod(ellps="WGS84")
GAPS_M: Final = (0.001, 0.01, 0.02, 0.05, 0.1, 1.0)
SEPARATIONS_M: Final = (0.0, 0.0, 0.0, 0.0, 0.0, 50.0, 1_852.0, 5_556.0, 100_000.0)
BAND: Final = (0.0, 100.0)
WINDOW_MS: Final = (1_800_000_000_000, 1_800_000_600_000)
LATEST_MS: Final = 4_102_444_800_000
DAY_MS: Final = 86_400_000

Kind = Literal["circle", "corridor", "polygon"]
Limit = float | str


@dataclass(frozen=True, slots=True)
class Form:
    """An outline: a core (one place, a line, a ring) with a radius."""

    kind: Kind
    places: tuple[Place, ...]
    radius_m: float = 0.0

    def outline(self) -> Polygon | Circle | Corridor:
        if self.kind == "circle":
            return circle(*self.places[0], self.radius_m)
        if self.kind == "corridor":
            return corridor(self.radius_m, *self.places)
        return polygon(*self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two notices of one volume each (None: of none) and the separations under which they are compared."""

    category: str
    number: int
    seed: int
    a: Form | None
    b: Form | None
    lateral_m: float = 0.0
    vertical_m: float = 0.0
    time_ms: int = 0
    band_a: tuple[Limit, Limit] = BAND
    band_b: tuple[Limit, Limit] = BAND
    window_a: tuple[int, int] = WINDOW_MS
    window_b: tuple[int, int] = WINDOW_MS
    refused: bool = False
    """The first shape has no definite inside, or is too large: it has to be refused."""

    def volumes_a(self) -> list[Volume4D]:
        return [volume(self.a.outline(), band=self.band_a, window_ms=self.window_a)] if self.a else []

    def volumes_b(self) -> list[Volume4D]:
        return [volume(self.b.outline(), band=self.band_b, window_ms=self.window_b)] if self.b else []

    def json(self) -> dict[str, object]:
        return asdict(self)


def case_from_json(text: str) -> Case:
    """Read a case as `Case.json` says it."""
    said = json.loads(text)
    for name in ("a", "b"):
        if said[name] is not None:
            places = tuple((float(lat), float(lng)) for lat, lng in said[name]["places"])
            said[name] = Form(said[name]["kind"], places, said[name]["radius_m"])
    for name in ("band_a", "band_b", "window_a", "window_b"):
        said[name] = tuple(said[name])
    return Case(**said)


def ahead(place: Place, bearing_deg: float, distance_m: float) -> Place:
    """Go along a geodesic of WGS84; a negative distance goes back."""
    lng, lat, _ = WGS84.fwd(place[1], place[0], bearing_deg, distance_m)
    return float(lat), float(lng)


def go_on(place: Place, bearing_deg: float, distance_m: float) -> tuple[Place, float]:
    """Go along a geodesic; return the place and the bearing in which it goes on there."""
    lng, lat, back = WGS84.fwd(place[1], place[0], bearing_deg, distance_m)
    return (float(lat), float(lng)), float(back) + 180.0


def bearing_of(a: Place, b: Place) -> float:
    return float(WGS84.inv(a[1], a[0], b[1], b[0])[0])


def length_m_of(a: Place, b: Place) -> float:
    return float(WGS84.inv(a[1], a[0], b[1], b[0])[2])


def place_between(a: Place, b: Place, share: float) -> tuple[Place, float]:
    bearing, _, length_m = WGS84.inv(a[1], a[0], b[1], b[0])
    return go_on(a, bearing, share * length_m)


def draw_gap_m(random: Random) -> float:
    kind = random.random()
    if kind < 0.1:
        return 0.0
    if kind < 0.2:  # about the tolerance
        return random.uniform(0.0, 0.04)
    if kind < 0.3:
        return random.choice([-1.0, 1.0]) * 10.0 ** random.uniform(-3.0, 3.0)
    return random.choice([-1.0, 1.0]) * random.choice(GAPS_M)


def draw_star(random: Random, centre: Place, size_m: float, corners: int | None = None) -> Form:
    return Form("polygon", tuple(ring_around(random, centre, size_m, corners or random.randrange(4, 13))))


def draw_form(random: Random, centre: Place, size_m: float) -> Form:
    kind = random.random()
    if kind < 0.25:
        return Form("circle", (centre,), size_m)
    if kind < 0.5:
        places = [centre]
        bearing = random.uniform(0.0, 360.0)
        for _ in range(random.randrange(1, 5)):
            bearing += random.uniform(-100.0, 100.0)
            places.append(ahead(places[-1], bearing, size_m * random.uniform(0.2, 1.0)))
        return Form("corridor", tuple(places), size_m * random.uniform(0.01, 0.3))
    return draw_star(random, centre, size_m)


def _site(random: Random, form: Form, centre: Place) -> tuple[Place, float]:
    """Return a place on the core and a bearing that leaves the shape at a right angle."""
    places = form.places
    if form.kind == "circle":
        return places[0], random.uniform(0.0, 360.0)
    if form.kind == "polygon" and random.random() < 0.3:
        corner = random.choice(places)
        return corner, place_between(centre, corner, 1.0)[1]
    links = len(places) if form.kind == "polygon" else len(places) - 1
    i = random.randrange(links)
    place, bearing = place_between(places[i], places[(i + 1) % len(places)], random.uniform(0.02, 0.98))
    if form.kind == "corridor":
        return place, bearing + random.choice([-90.0, 90.0])
    inward = (bearing_of(place, centre) - bearing) % 360.0
    return place, bearing + (-90.0 if inward < 180.0 else 90.0)


def draw_fan(random: Random, tip: Place, bearing_deg: float, size_m: float) -> Form:
    """A ring that starts in a tip and opens along a bearing."""
    count = random.randrange(2, 6)
    turns = [-50.0 + 100.0 * (k + random.uniform(0.1, 0.9)) / count for k in range(count)]
    far = [ahead(tip, bearing_deg + turn, size_m * random.uniform(0.5, 1.0)) for turn in turns]
    return Form("polygon", (tip, *far))


def _wall(random: Random, foot: Place, bearing_deg: float, size_m: float) -> Form:
    """A ring that stands with one edge across the bearing, its foot in the edge."""
    left = ahead(foot, bearing_deg - 90.0, size_m * random.uniform(0.1, 1.0))
    right = ahead(foot, bearing_deg + 90.0, size_m * random.uniform(0.1, 1.0))
    far = [ahead(foot, bearing_deg + turn, size_m * random.uniform(1.2, 2.0)) for turn in (30.0, -30.0)]
    return Form("polygon", (left, right, *far))


def _beside(random: Random, form: Form, centre: Place, gap_m: float, lateral_m: float, size_m: float) -> Form:
    """Return a shape that begins `lateral_m + gap_m` from a place on the boundary of `form`."""
    site, bearing = _site(random, form, centre)
    kind = random.random()
    radius_m = size_m * random.uniform(0.02, 0.5) if kind < 0.5 else 0.0
    tip, onward = go_on(site, bearing, form.radius_m + lateral_m + radius_m + gap_m)
    if kind < 0.3:
        return Form("circle", (tip,), radius_m)
    if kind < 0.5:
        middle = ahead(tip, onward + random.uniform(-60.0, 60.0), size_m * random.uniform(0.3, 1.0))
        return Form("corridor", (tip, middle), radius_m)
    make = draw_fan if kind < 0.8 else _wall
    return make(random, tip, onward, size_m)


def draw_pair(random: Random, form: Form, centre: Place, size_m: float) -> Case:
    lateral_m = random.choice(SEPARATIONS_M)
    other = _beside(random, form, centre, draw_gap_m(random), lateral_m, size_m)
    return bare_case(form, other, lateral_m=lateral_m)


def bare_case(a: Form | None, b: Form | None, *, lateral_m: float = 0.0, refused: bool = False) -> Case:
    return Case(category="", number=0, seed=0, a=a, b=b, lateral_m=lateral_m, refused=refused)
