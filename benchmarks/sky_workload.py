"""A busy sky as arrays: a million volumes in seconds, the same for the same seed on every machine.

Of the volumes, 85 % are drone flights around 3,000 cities (0.25 to 2.5 km around a place, 20 to 60 m of height, 10 to
60 min; a quarter of them circles, the rest star-shaped rings of 4 to 12 vertices), 10 % are drone routes of 5 to 40 km,
5 % corridors of 100 to 500 km and 2 to 10 km wide, 300 to 1,000 m of height, 1 to 3 h. All begin within 24 h. Distances
from the middle of a city are normal with 20 km; the k-th city has a share that goes with k^-0.6. Routes and corridors
are rings, since the peers in `sky_peers` know nothing else.

`busy_sky` makes one piece, `chunks` any number of volumes in pieces of a million: piece n depends on (seed, n) only.

Use: `python -m benchmarks.sky_workload [COUNT]` prints how long it takes and what came out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clearline.sky import Columns

CITIES = 3_000
CHUNK = 1_000_000
DAY_MS = 86_400_000
START_MS = 1_795_000_000_000
R_M = 6_371_008.8
CIRCLE, POLYGON = 0, 2
FLIGHT, ROUTE, CORRIDOR = 0, 1, 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyArrays:
    """n volumes; vertices of volume k are (lat, lng)[offsets[k]:offsets[k + 1]], degrees WGS84, rings not closed."""

    kind: Ints
    """CIRCLE or POLYGON, as `Columns.from_arrays` takes it."""
    part: Ints
    """FLIGHT, ROUTE or CORRIDOR."""
    lat: Floats
    lng: Floats
    offsets: Ints
    radius_m: Floats
    lower_m: Floats
    upper_m: Floats
    start_ms: Ints
    end_ms: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def columns(self) -> Columns:
        """Return the same volumes as `clearline.sky` takes them."""
        return Columns.from_arrays(
            self.lat,
            self.lng,
            self.offsets,
            kind=self.kind,
            radius_m=self.radius_m,
            lower_m=self.lower_m,
            upper_m=self.upper_m,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
        )

    def taken(self, rows: Ints) -> Self:
        """Return some of the volumes, in the order asked for."""
        sizes = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        vertices = np.repeat(self.offsets[rows] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return type(self)(
            kind=self.kind[rows],
            part=self.part[rows],
            lat=self.lat[vertices],
            lng=self.lng[vertices],
            offsets=offsets,
            radius_m=self.radius_m[rows],
            lower_m=self.lower_m[rows],
            upper_m=self.upper_m[rows],
            start_ms=self.start_ms[rows],
            end_ms=self.end_ms[rows],
        )


def from_place(lat: Floats, lng: Floats, bearing: Floats, distance_m: Floats) -> tuple[Floats, Floats]:
    """Return where one gets to from places [degrees] in directions [radians] on a sphere."""
    phi, angle = np.radians(lat), distance_m / R_M
    sine = np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(bearing)
    east = np.arctan2(np.sin(bearing) * np.sin(angle) * np.cos(phi), np.cos(angle) - np.sin(phi) * sine)
    return np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), (lng + np.degrees(east) + 540.0) % 360.0 - 180.0


def _log_uniform(random: np.random.Generator, low: float, high: float, count: int) -> Floats:
    return np.exp(random.uniform(np.log(low), np.log(high), count))


def _city_places(random: np.random.Generator, count: int, cities: int) -> tuple[Floats, Floats]:
    of_cities = np.random.default_rng(777)
    lat = np.degrees(np.arcsin(of_cities.uniform(np.sin(np.radians(-45.0)), np.sin(np.radians(65.0)), cities)))
    lng = of_cities.uniform(-180.0, 180.0, cities)
    share = np.cumsum(np.arange(1, cities + 1) ** -0.6)
    city = np.searchsorted(share, random.random(count) * share[-1])
    away_m = np.abs(random.normal(0.0, 20_000.0, count))
    return from_place(lat[city], lng[city], random.uniform(0.0, 2.0 * np.pi, count), away_m)


def busy_sky(count: int, *, seed: int | tuple[int, ...], cities: int = CITIES) -> SkyArrays:
    """Return `count` volumes; the cities are the same for every seed."""
    random = np.random.default_rng(seed)
    lat, lng = _city_places(random, count, cities)
    part = np.searchsorted([0.85, 0.95], random.random(count), side="right")
    circle = (part == FLIGHT) & (random.random(count) < 0.25)
    corners = np.where(part == FLIGHT, random.integers(4, 13, count), 2 * random.integers(3, 11, count))
    corners[circle] = 1
    offsets = np.concatenate([[0], np.cumsum(corners)]).astype(np.int64)
    size_m = _log_uniform(random, 250.0, 2_500.0, count)
    owner = np.repeat(np.arange(count), corners)
    place = np.arange(offsets[-1]) - offsets[owner]
    lats, lngs = lat[owner], lng[owner]
    star = (part[owner] == FLIGHT) & ~circle[owner]
    lats[star], lngs[star] = _star(random, lats[star], lngs[star], place[star], corners, owner[star], size_m)
    route = part[owner] != FLIGHT
    lats[route], lngs[route] = _band(random, lats[route], lngs[route], place[route], corners, owner[route], part)
    wide = part == CORRIDOR
    lower_m = np.where(
        wide, random.choice([500.0, 1e3, 2e3, 4e3, 8e3, 10e3], count), random.uniform(0.0, 90.0, count)
    ).round(2)
    thick_m = np.where(wide, random.uniform(300.0, 1e3, count), random.uniform(20.0, 60.0, count)).round(2)
    start_ms = START_MS + random.integers(0, DAY_MS, count)
    lasts_ms = np.where(wide, random.integers(3_600_000, 10_800_000, count), random.integers(600_000, 3_600_000, count))
    return SkyArrays(
        kind=np.where(circle, CIRCLE, POLYGON).astype(np.int64),
        part=part.astype(np.int64),
        lat=lats.round(7),
        lng=lngs.round(7),
        offsets=offsets,
        radius_m=np.where(circle, size_m, 0.0).round(2),
        lower_m=lower_m,
        upper_m=lower_m + thick_m,
        start_ms=start_ms,
        end_ms=start_ms + lasts_ms,
    )


def _star(
    random: np.random.Generator, lat: Floats, lng: Floats, place: Ints, corners: Ints, owner: Ints, size_m: Floats
) -> tuple[Floats, Floats]:
    """Return the vertices of rings around places."""
    turn = random.uniform(0.0, 2.0 * np.pi, len(corners))[owner]
    bearing = turn - (place + random.uniform(-0.35, 0.35, len(place))) * 2.0 * np.pi / corners[owner]
    return from_place(lat, lng, bearing, size_m[owner] * random.uniform(0.5, 1.0, len(place)))


def _band(
    random: np.random.Generator, lat: Floats, lng: Floats, place: Ints, corners: Ints, owner: Ints, part: Ints
) -> tuple[Floats, Floats]:
    """Return the vertices of long rings that begin at places and turn gently: out on one side, back on the other."""
    count = len(corners)
    wide = part == CORRIDOR
    length_m = np.where(wide, random.uniform(100e3, 500e3, count), random.uniform(5e3, 40e3, count))[owner]
    width_m = np.where(wide, random.uniform(2e3, 10e3, count), random.uniform(100.0, 500.0, count))[owner]
    heading = random.uniform(0.0, 2.0 * np.pi, count)[owner]
    turn = random.uniform(-0.3, 0.3, count)[owner]
    half = corners[owner] // 2
    out = place < half
    along = np.where(out, place, corners[owner] - 1 - place) / (half - 1)
    bearing = heading + turn * (along - 0.5)
    middle_lat, middle_lng = from_place(lat, lng, bearing, along * length_m)
    return from_place(middle_lat, middle_lng, bearing + np.where(out, 0.5, -0.5) * np.pi, 0.5 * width_m)


def chunks(count: int, *, seed: int, size: int = CHUNK, cities: int = CITIES) -> Iterator[SkyArrays]:
    """Yield `count` volumes in pieces of `size`."""
    for number, start in enumerate(range(0, count, size)):
        yield busy_sky(min(size, count - start), seed=(seed, number), cities=cities)


def main() -> None:
    """Make a sky and say what is in it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    began = time.perf_counter()
    made = list(chunks(count, seed=1))
    took_s = time.perf_counter() - began
    vertices = sum(len(each.lat) for each in made)
    circles = sum(int((each.kind == CIRCLE).sum()) for each in made)
    wide = sum(int((each.part == CORRIDOR).sum()) for each in made)
    print(f"{count:,} volumes, {vertices:,} vertices, {circles:,} circles, {wide:,} corridors, {took_s:.2f} s")


if __name__ == "__main__":
    main()
