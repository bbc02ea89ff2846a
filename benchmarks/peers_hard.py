"""Pairs of outlines where maps on a plane end, and what an engine of its own answer makes of them.

Four kinds, each a few thousand pairs that are together in height and time, so that the outlines alone decide:

 * `antimeridian`: two small volumes near 180 degrees, at least one of which crosses it.
 * `pole`: small volumes within some kilometres of a pole, which one of them holds.
 * `long edge`: a corridor of 200 to 500 km with no vertex between its ends, along a parallel at 30 to 65 degrees where
   geodesic and straight line on the map differ by kilometres, and a small volume near its side.
 * `circle`: two circles whose gap is -0.4 % to +0.2 % of their radii: a 64-gon lies up to 0.12 % within its circle.

The right answer is that of the referee (`peers_gnomonic`), for `clearline.sky` as for the others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pyproj import Geod

from benchmarks.peers_gnomonic import APART, BETWEEN, MEET, referee
from benchmarks.peers_port import Peer
from benchmarks.sky_workload import CIRCLE, FLIGHT, POLYGON, START_MS, Floats, SkyArrays, from_place

SEED = 90
CORNERS = 6
Pairs = tuple[SkyArrays, SkyArrays]


def together(arrays: SkyArrays) -> SkyArrays:
    """Return the same outlines, all at one height and time."""
    count = len(arrays)
    return replace(
        arrays,
        lower_m=np.zeros(count),
        upper_m=np.full(count, 100.0),
        start_ms=np.full(count, START_MS),
        end_ms=np.full(count, START_MS + 1000),
    )


def _sky(lat: Floats, lng: Floats, corners: int, radius_m: Floats | None = None) -> SkyArrays:
    count = len(lat) // corners
    none = np.zeros(count)
    empty = np.zeros(count, dtype=np.int64)
    return together(
        SkyArrays(
            kind=np.full(count, POLYGON if radius_m is None else CIRCLE),
            part=np.full(count, FLIGHT),
            lat=lat,
            lng=lng,
            offsets=np.arange(count + 1) * corners,
            radius_m=none if radius_m is None else radius_m,
            lower_m=none,
            upper_m=none,
            start_ms=empty,
            end_ms=empty,
        )
    )


def _rings(random: np.random.Generator, lat: Floats, lng: Floats, size_m: Floats) -> SkyArrays:
    count = len(lat)
    turn = np.arange(CORNERS) + random.uniform(-0.3, 0.3, (count, CORNERS))
    bearing = -2.0 * np.pi * turn.ravel() / CORNERS
    away_m = np.repeat(size_m, CORNERS) * random.uniform(0.6, 1.0, count * CORNERS)
    lats, lngs = from_place(np.repeat(lat, CORNERS), np.repeat(lng, CORNERS), bearing, away_m)
    return _sky(lats, lngs, CORNERS)


def _near(random: np.random.Generator, lat: Floats, lng: Floats, reach_m: float) -> tuple[Floats, Floats]:
    count = len(lat)
    return from_place(lat, lng, random.uniform(0.0, 2.0 * np.pi, count), reach_m * np.sqrt(random.random(count)))


def _antimeridian(random: np.random.Generator, count: int) -> Pairs:
    lat, lng = random.uniform(-60.0, 60.0, count), np.full(count, 180.0)
    # The centre is nearer to the antimeridian than 0.4 of the size: the ring reaches 0.5 to either side.
    first = _rings(random, *from_place(lat, lng, np.full(count, np.pi / 2), random.uniform(-800.0, 800.0, count)),
                   np.full(count, 2_000.0))  # fmt: skip
    return first, _rings(random, *_near(random, lat, lng, 4_500.0), random.uniform(500.0, 2_000.0, count))


def _pole(random: np.random.Generator, count: int) -> Pairs:
    lat, lng = np.where(random.random(count) < 0.5, 89.9999, -89.9999), random.uniform(-180.0, 180.0, count)
    first = _rings(random, lat, lng, np.full(count, 2_000.0))
    return first, _rings(random, *_near(random, lat, lng, 4_500.0), random.uniform(500.0, 2_000.0, count))


def _long_edge(random: np.random.Generator, count: int) -> Pairs:
    geod = Geod(ellps="WGS84")
    lat, lng = random.uniform(30.0, 65.0, count), random.uniform(-170.0, 160.0, count)
    half_deg = np.degrees(random.uniform(100e3, 250e3, count) / 6_371_000.0 / np.cos(np.radians(lat)))
    width_deg = random.uniform(2e3, 10e3, count) / 111_000.0
    south, north = lat - 0.5 * width_deg, lat + 0.5 * width_deg
    west, east = lng - half_deg, lng + half_deg
    lats = np.stack([south, south, north, north], axis=1).ravel()
    lngs = np.stack([west, east, east, west], axis=1).ravel()
    part = random.uniform(0.2, 0.8, count)
    azimuth, _, length_m = geod.inv(west, north, east, north)
    side_lng, side_lat, _ = geod.fwd(west, north, azimuth, part * length_m)
    small = _rings(
        random, side_lat + random.uniform(-0.04, 0.04, count), side_lng, random.uniform(300.0, 1500.0, count)
    )
    return _sky(lats, lngs, 4), small


def _circle(random: np.random.Generator, count: int) -> Pairs:
    lat, lng = random.uniform(-60.0, 60.0, count), random.uniform(-170.0, 170.0, count)
    one_m, other_m = (random.uniform(250.0, 2_500.0, count).round(2) for _ in range(2))
    apart_m = (one_m + other_m) * (1.0 + random.uniform(-0.004, 0.002, count))
    lng_b, lat_b, _ = Geod(ellps="WGS84").fwd(lng, lat, random.uniform(0.0, 360.0, count), apart_m)
    return _sky(lat, lng, 1, one_m), _sky(np.asarray(lat_b), np.asarray(lng_b), 1, other_m)


KINDS = {"antimeridian": _antimeridian, "pole": _pole, "long edge": _long_edge, "circle": _circle}


def hard_pairs(kind: str, count: int) -> Pairs:
    """Return pairs of one kind."""
    return KINDS[kind](np.random.default_rng((SEED, list(KINDS).index(kind))), count)


def hard_report(peer: Peer, count: int) -> dict[str, dict[str, int]]:
    """Return by kind how many meet, and of how many pairs the peer says otherwise."""
    report = {}
    for kind in KINDS:
        first, second = hard_pairs(kind, count)
        right = referee(first, second)
        said = peer.judge(first, second)
        report[kind] = {
            "pairs": count,
            "meet": int((right == MEET).sum()),
            "between": int((right == BETWEEN).sum()),
            "missed": int(((right == MEET) & ~said).sum()),
            "extra": int(((right == APART) & said).sum()),
        }
    return report
