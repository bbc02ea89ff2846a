"""The earth: WGS84, and what the sphere of the kernel may say about it.

The kernel works on unit vectors of *geodetic* latitude and longitude (the direction of the plumb line of the
ellipsoid). A path on the ellipsoid is longer than its image on the unit sphere by M(lat) along a meridian and by N(lat)
along a parallel, in metres per radian, and M <= N everywhere. So

 * a path of length d [m] that stays where M >= m has an image of at most d / m [rad]: to miss nothing, divide by M at
   the lowest latitude that the path can reach;
 * an image of angle s [rad] that stays where N <= n comes from a path of at most s * n [m]: to be certain, divide by N
   at the highest latitude.

Both grow from equator to pole: M from 6335.4 km to 6399.6 km, N from 6378.1 km to 6399.6 km. R/M is at most 1.00562.

Edges are geodesics of WGS84. Split into pieces of at most `limits.EDGE_SPLIT_M`, the great circle between the images of
two ends departs from the image of the geodesic by at most 1.7 mm (6.6 mm for 10 km, measured over 400,000 random edges,
worst at 45 degrees running east); two shapes together stay below the tolerance of 5 mm.

Source: design.md §4; C. Karney, Algorithms for geodesics (2013), by way of pyproj.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyproj import Geod

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "CURVATURE_MERIDIAN_M_MIN",
    "ECCENTRICITY_SQUARED",
    "SEMI_MAJOR_M",
    "TOLERANCE_LATERAL_M",
    "geodesic_points",
    "meridian_m",
    "prime_vertical_m",
]

SEMI_MAJOR_M: Final = 6_378_137.0
_F: Final = 1.0 / 298.257223563
ECCENTRICITY_SQUARED: Final = _F * (2.0 - _F)

CURVATURE_MERIDIAN_M_MIN: Final = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED)
"""M at the equator: the least number of metres that one radian of the kernel's sphere can stand for."""

TOLERANCE_LATERAL_M: Final = 0.005
"""Twice the 1.7 mm by which a split edge may depart from its geodesic, 1 mm for lengths on the ellipsoid, and the
rounding of doubles (below 1e-8 m): nothing is missed, and nothing found that is 1 cm too far (F3548 GEN0500)."""


def meridian_m(lat_deg: float) -> float:
    """Return M, the radius of curvature along the meridian [m]."""
    return (
        SEMI_MAJOR_M
        * (1.0 - ECCENTRICITY_SQUARED)
        / math.sqrt((1.0 - ECCENTRICITY_SQUARED * math.sin(math.radians(lat_deg)) ** 2) ** 3)
    )


def prime_vertical_m(lat_deg: float) -> float:
    """Return N, the radius of curvature across the meridian [m]."""
    return SEMI_MAJOR_M / math.sqrt(1.0 - ECCENTRICITY_SQUARED * math.sin(math.radians(lat_deg)) ** 2)


@cache
def _geod() -> Geod:
    from pyproj import Geod

    return Geod(ellps="WGS84")


def geodesic_points(starts: Floats, ends: Floats, *, piece_m_max: float) -> tuple[Ints, Floats]:
    """Cut geodesics into equal pieces of at most `piece_m_max`.

    Takes rows of (lat, lng); returns how many inner points each geodesic has, and all of them in order, (lat, lng).
    """
    import numpy as np

    azimuth, _, length_m = _geod().inv(starts[:, 1], starts[:, 0], ends[:, 1], ends[:, 0])
    inner = np.maximum(np.ceil(np.asarray(length_m) / piece_m_max).astype(np.int64) - 1, 0)
    edge = np.repeat(np.arange(len(inner)), inner)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(inner) - inner, inner) + 1
    part_m = np.asarray(length_m)[edge] * number / (inner[edge] + 1)
    lng, lat, _ = _geod().fwd(starts[edge, 1], starts[edge, 0], np.asarray(azimuth)[edge], part_m)
    return inner, np.stack([np.asarray(lat), np.asarray(lng)], axis=1)
