"""Local pairs in the plane: the ellipsoidal gnomonic projection (PROJ), and GEOS (shapely) for what lies in it.

In that projection a geodesic within `reach` of the centre departs from a straight line by at most
0.2 mm (reach / 100 km)^4 (C. Karney, Algorithms for geodesics, 2013, section 8, and measured). Distances are too long
by a share of at most (reach / R)^2; so GEOS says where two shapes are nearest, the centre moves there, GEOS is asked
again, and the two places are measured on the ellipsoid: that length is never too short by more than the lines depart.

A shape with a place farther than REACH_M from the centre has no answer here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from pyproj import Proj
from shapely.geometry.base import BaseGeometry

from tests.sky.forms import WGS84, Form
from tests.sky.shapes import Place

__all__ = ["REACH_M", "Bounds", "clearance_m", "plane_distance_m"]

REACH_M: Final = 100_000.0
R_M: Final = 6_371_008.8


class Bounds(NamedTuple):
    """A distance between cores is at least `least_m` and at most `most_m`."""

    least_m: float
    most_m: float


def plane_distance_m(a: Form, b: Form) -> Bounds | None:
    """Return bounds of the distance between two cores, or None where they are not local or GEOS has no valid ring."""
    centre = _middle((*a.places, *b.places))
    found: tuple[Place, Place] | None = None
    reach_m = planar_m = 0.0
    for _ in range(2):
        if centre is None:
            return None
        plane = Proj(proj="gnom", lat_0=centre[0], lon_0=centre[1], ellps="WGS84")
        one, other = _drawn(plane, a), _drawn(plane, b)
        reach_m = max(_reach_m(one), _reach_m(other))
        if reach_m > REACH_M or not (one.is_valid and other.is_valid):
            return None
        line = shapely.get_coordinates(shapely.shortest_line(one, other))
        planar_m = float(np.hypot(*(line[1] - line[0])))
        lngs, lats = plane(line[:, 0], line[:, 1], inverse=True)
        found = (float(lats[0]), float(lngs[0])), (float(lats[1]), float(lngs[1]))
        centre = _middle(found)
    if found is None:
        return None
    most_m = float(WGS84.inv(found[0][1], found[0][0], found[1][1], found[1][0])[2]) if planar_m > 0.0 else 0.0
    lines_m = 4e-4 * (reach_m / 100_000.0) ** 4 + 2e-8
    return Bounds(max(0.0, min(most_m, planar_m) * (1.0 - 1.5 * (reach_m / R_M) ** 2) - lines_m), most_m + lines_m)


def clearance_m(form: Form) -> float | None:
    """Return how far a ring's vertices are from its other parts, 0 where it crosses itself; None where not local."""
    centre = _middle(form.places)
    if centre is None:
        return None
    drawn = _drawn(Proj(proj="gnom", lat_0=centre[0], lon_0=centre[1], ellps="WGS84"), form)
    if _reach_m(drawn) > REACH_M:
        return None
    return float(shapely.minimum_clearance(drawn)) if drawn.is_valid else 0.0


def _middle(places: Sequence[Place]) -> Place | None:
    """The mean of places as unit vectors; None where they are too far apart to be local."""
    angles = np.radians(np.array(places))
    phi, lam = angles[:, 0], angles[:, 1]
    units = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    x, y, z = units.mean(axis=0).tolist()
    middle = np.array([x, y, z]) / max(1e-12, float(np.hypot(np.hypot(x, y), z)))
    if float(((units - middle) ** 2).sum(axis=1).max()) > (1.2 * REACH_M / R_M) ** 2:
        return None
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def _drawn(plane: Proj, form: Form) -> BaseGeometry:
    x, y = plane([place[1] for place in form.places], [place[0] for place in form.places])
    places = np.stack([np.asarray(x), np.asarray(y)], axis=1)
    drawn: BaseGeometry
    if form.kind == "circle":
        drawn = shapely.Point(places[0])
    elif form.kind == "corridor":
        drawn = shapely.LineString(places)
    else:
        drawn = shapely.Polygon(places)
    return drawn


def _reach_m(drawn: BaseGeometry) -> float:
    places = shapely.get_coordinates(drawn)
    return float(np.sqrt((places**2).sum(axis=1).max())) if np.isfinite(places).all() else float("inf")
