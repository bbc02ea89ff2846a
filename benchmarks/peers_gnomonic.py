"""The referee: do two outlines meet? Shapely in a gnomonic projection, with none of the engine's geometry.

Each pair is projected around the place between the two. Edges are cut into geodesic pieces of at most 1 km by pyproj
(a piece is straight in the projection to well under a centimetre), circles become 720-gons: one within the circle, one
around it. Where the inner ones meet, the two meet; where the outer ones are more than 5 cm apart, they do not. What
lies between is not decided.
"""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import Geod

from benchmarks.sky_workload import CIRCLE, R_M, Floats, Ints, SkyArrays

PIECE_M = 1_000.0
CIRCLE_CORNERS = 720
APART_M = 0.05
_GEOD = Geod(ellps="WGS84")


MEET, BETWEEN, APART = 1, 0, -1


def _ring(arrays: SkyArrays, number: int, *, outside: bool) -> Floats:
    """Return (lng, lat) of an outline, densified."""
    start, stop = int(arrays.offsets[number]), int(arrays.offsets[number + 1])
    lat, lng = arrays.lat[start:stop], arrays.lng[start:stop]
    if arrays.kind[number] == CIRCLE:
        radius_m = arrays.radius_m[number] / (np.cos(np.pi / CIRCLE_CORNERS) if outside else 1.0)
        bearing = np.arange(CIRCLE_CORNERS) * 360.0 / CIRCLE_CORNERS
        ones = np.ones(CIRCLE_CORNERS)
        lngs, lats, _ = _GEOD.fwd(lng[0] * ones, lat[0] * ones, bearing, radius_m * ones)
        return np.stack([lngs, lats], axis=1)
    pieces = []
    for k in range(stop - start):
        m = (k + 1) % (stop - start)
        azimuth, _, length_m = _GEOD.inv(lng[k], lat[k], lng[m], lat[m])
        count = int(np.ceil(length_m / PIECE_M))
        along = np.arange(count) * length_m / count
        ones = np.ones(count)
        lngs, lats, _ = _GEOD.fwd(lng[k] * ones, lat[k] * ones, azimuth * ones, along)
        pieces.append(np.stack([lngs, lats], axis=1))
    return np.concatenate(pieces)


def _vectors(ring: Floats) -> Floats:
    lng, lat = np.radians(ring[:, 0]), np.radians(ring[:, 1])
    return np.stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)], axis=1)


def _flat(vectors: Floats, middle: Floats) -> shapely.Polygon:
    """Return a ring on the plane that touches the sphere at `middle` [m]."""
    aside = np.cross(middle, [0.0, 0.0, 1.0] if abs(middle[2]) < 0.9 else [1.0, 0.0, 0.0])
    aside /= np.linalg.norm(aside)
    up = vectors @ middle
    plane = R_M * np.stack([vectors @ aside / up, vectors @ np.cross(middle, aside) / up], axis=1)
    return shapely.Polygon(plane)


def referee(first: SkyArrays, second: SkyArrays) -> Ints:
    """Return of each k MEET, APART or BETWEEN for outline k of the one and outline k of the other."""
    return np.array([_verdict(first, second, number) for number in range(len(first))], dtype=np.int64)


def _verdict(first: SkyArrays, second: SkyArrays, number: int) -> int:
    inner = [_vectors(_ring(each, number, outside=False)) for each in (first, second)]
    # Around the smaller of the two: far ends of the other are distorted, but what meets is not torn apart.
    middle = min(inner, key=lambda each: float(np.ptp(each, axis=0).max())).mean(axis=0)
    middle /= np.linalg.norm(middle)
    if shapely.intersects(*(_flat(each, middle) for each in inner)):
        return MEET
    outer = [_vectors(_ring(each, number, outside=True)) for each in (first, second)]
    return APART if shapely.distance(*(_flat(each, middle) for each in outer)) > APART_M else BETWEEN
