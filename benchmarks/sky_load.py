"""A made-up busy sky for the benchmarks: seeded, the same on every machine.

Of the volumes, 85 % are small drone flights around cities (0.5 to 5 km, 20 to 60 m of height, 10 to 60 min; a quarter
of them circles, the rest rings of 4 to 12 vertices), 10 % drone routes of 5 to 40 km, 5 % corridors of 100 to 500 km.
All within 24 h; distances from the middle of a city are normal with 20 km.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.volume import Circle, LatLngPoint, Polygon, Radius, Volume3D, Volume4D, time_at

R_M = 6_371_008.8
DAY_MS = 86_400_000
START_MS = 1_795_000_000_000

Place = tuple[float, float]


def busy_sky(count: int, *, seed: int, cities: int) -> Iterator[Volume4D]:
    """Yield `count` volumes around `cities` places; the places are the same for every seed."""
    random = Random(seed)
    middles = _cities(cities)
    weights = [1.0 / (rank + 1) ** 0.6 for rank in range(cities)]
    for _ in range(count):
        city = random.choices(middles, weights)[0]
        place = _from(city, random.uniform(0.0, 360.0), abs(random.gauss(0.0, 20_000.0)))
        kind = random.random()
        if kind < 0.85:
            yield _small(random, place)
        else:
            yield _route(random, place, large=kind >= 0.95)


def _cities(count: int) -> list[Place]:
    random = Random(777)
    low, high = math.sin(math.radians(-45.0)), math.sin(math.radians(65.0))
    return [(math.degrees(math.asin(random.uniform(low, high))), random.uniform(-180.0, 180.0)) for _ in range(count)]


def _from(place: Place, bearing_deg: float, distance_m: float) -> Place:
    lat, lng, bearing, angle = (
        math.radians(place[0]),
        math.radians(place[1]),
        math.radians(bearing_deg),
        distance_m / R_M,
    )
    sine = math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(bearing)
    east = math.atan2(math.sin(bearing) * math.sin(angle) * math.cos(lat), math.cos(angle) - math.sin(lat) * sine)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine)))), (math.degrees(lng + east) + 540.0) % 360.0 - 180.0


def _point(place: Place) -> LatLngPoint:
    return LatLngPoint(round(place[0], 7), round(place[1], 7))


def _small(random: Random, place: Place) -> Volume4D:
    size_m = math.exp(random.uniform(math.log(250.0), math.log(2_500.0)))
    lower_m = random.uniform(0.0, 90.0)
    window_ms = random.randrange(600_000, 3_600_000)
    band = (lower_m, lower_m + random.uniform(20.0, 60.0))
    if random.random() < 0.25:
        return _volume(random, band, window_ms, circle=Circle(_point(place), Radius(round(size_m, 1))))
    corners = random.randrange(4, 13)
    turn = random.uniform(0.0, 360.0)
    ring = [
        _from(place, turn + (k + random.uniform(-0.35, 0.35)) * 360.0 / corners, size_m * random.uniform(0.5, 1.0))
        for k in range(corners)
    ]
    return _volume(random, band, window_ms, ring=ring)


def _route(random: Random, place: Place, *, large: bool) -> Volume4D:
    legs = random.randrange(3, 11)
    length_m = random.uniform(100e3, 500e3) if large else random.uniform(5e3, 40e3)
    width_m = random.uniform(2e3, 10e3) if large else random.uniform(100.0, 500.0)
    heading, turn = random.uniform(0.0, 360.0), random.uniform(-17.0, 17.0)
    left: list[Place] = []
    right: list[Place] = []
    for k in range(legs):
        part = k / (legs - 1)
        bearing = heading + turn * (part - 0.5)
        middle = _from(place, bearing, part * length_m)
        left.append(_from(middle, bearing - 90.0, width_m / 2.0))
        right.append(_from(middle, bearing + 90.0, width_m / 2.0))
    lower_m = random.choice([500.0, 1e3, 2e3, 4e3, 8e3, 10e3]) if large else random.uniform(0.0, 90.0)
    upper_m = lower_m + (random.uniform(300.0, 1e3) if large else random.uniform(20.0, 60.0))
    window_ms = random.randrange(3_600_000, 10_800_000) if large else random.randrange(600_000, 3_600_000)
    return _volume(random, (lower_m, upper_m), window_ms, ring=left + right[::-1])


def _volume(
    random: Random, band: Place, window_ms: int, *, ring: list[Place] | None = None, circle: Circle | None = None
) -> Volume4D:
    start_ms = START_MS + random.randrange(DAY_MS)
    polygon = Polygon(tuple(_point(place) for place in ring)) if ring else None
    lower, upper = (Altitude(round(m, 2), AltitudeReference.W84, AltitudeUnits.M) for m in band)
    return Volume4D(
        volume=Volume3D(altitude_lower=lower, altitude_upper=upper, outline_polygon=polygon, outline_circle=circle),
        time_start=time_at(start_ms),
        time_end=time_at(start_ms + window_ms),
    )
