"""Outlines as planar engines take them: rings of longitude and latitude, circles as 64-gons.

Nothing is repaired: what a ring over the antimeridian means on a plane, and that a 64-gon lies within its circle, is
what the comparison is to show. 64 corners are shapely's default (16 a quarter), twice PostGIS's; the corners lie on the
true circle, by the geodesic on WGS84.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from benchmarks.sky_workload import CIRCLE, SkyArrays

CIRCLE_CORNERS = 64

Geometries = NDArray[np.object_]


def outlines_of(arrays: SkyArrays) -> Geometries:
    """Return one polygon for each volume."""
    sizes = np.where(arrays.kind == CIRCLE, CIRCLE_CORNERS, np.diff(arrays.offsets)) + 1
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    places = np.empty((first[-1], 2))
    circles = np.flatnonzero(arrays.kind == CIRCLE)
    if len(circles):
        centre = arrays.offsets[circles]
        bearing = np.linspace(0.0, -360.0, CIRCLE_CORNERS + 1)
        count = len(bearing)
        lng, lat, _ = Geod(ellps="WGS84").fwd(
            np.repeat(arrays.lng[centre], count),
            np.repeat(arrays.lat[centre], count),
            np.tile(bearing, len(circles)),
            np.repeat(arrays.radius_m[circles], count),
        )
        at = (first[circles][:, None] + np.arange(count)).ravel()
        places[at, 0], places[at, 1] = lng, lat
        places[first[circles] + count - 1] = places[first[circles]]
    rings = np.flatnonzero(arrays.kind != CIRCLE)
    length = sizes[rings] - 1
    owner = np.repeat(np.arange(len(rings)), length)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length)
    source = arrays.offsets[rings][owner] + step
    at = first[rings][owner] + step
    places[at, 0], places[at, 1] = arrays.lng[source], arrays.lat[source]
    places[first[rings] + length] = places[first[rings]]
    made: Geometries = shapely.polygons(shapely.linearrings(places, indices=np.repeat(np.arange(len(sizes)), sizes)))
    return made
