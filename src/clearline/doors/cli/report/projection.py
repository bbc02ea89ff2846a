"""Places on the earth to places on the page.

Rules
 * Azimuthal around the middle of what is shown, north up in the middle: no seam at the antimeridian, no hole at a pole.
 * Conformal (stereographic) as long as everything lies within `CONFORMAL_DEGREES_MAX` of the middle, else of equal area
   (Lambert), which has room for the whole earth.
 * On the page, places are whole numbers in steps of `step_m` metres at the middle, y down.

For the eye only: nothing is decided from it. Angles in degrees where so named, else unit vectors; metres on a sphere.
Source: J. P. Snyder, Map Projections: A Working Manual (USGS 1395), sections 21 and 24.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from clearline.model.volume import LatLngPoint

__all__ = ["EARTH_RADIUS_M", "Floats", "Projection", "middle_of", "vectors_of"]

Floats = NDArray[np.float64]

EARTH_RADIUS_M: Final = 6_371_008.8
CONFORMAL_DEGREES_MAX: Final = 75.0
_BEHIND: Final = math.cos(math.radians(150.0))
"""Beyond 150 degrees of the middle places are kept on that circle: behind it the conformal map has no end."""
_ANTIPODE: Final = math.cos(math.radians(179.0))


def vectors_of(places: Iterable[LatLngPoint]) -> Floats:
    """Return unit vectors, one row a place."""
    return lat_lng_vectors(np.array([(place.lat, place.lng) for place in places]).reshape(-1, 2))


def lat_lng_vectors(degrees: NDArray[Any]) -> Floats:
    """Return unit vectors of rows (latitude, longitude)."""
    lat, lng = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    found: Floats = np.stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)], axis=1)
    return found


def middle_of(vectors: Floats) -> Floats:
    """Return the middle of some places: of their box in space, so that many in one corner do not pull it there."""
    if not len(vectors):
        return np.array([1.0, 0.0, 0.0])
    middle = vectors.min(axis=0) + vectors.max(axis=0)
    size = float(np.linalg.norm(middle))
    found: Floats = middle / size if size > 1e-6 else vectors[0]
    return found


@final
class Projection:
    """One map: its middle, and what one step on the page is worth."""

    def __init__(self, shown: Floats, *, width: int, height: int, margin: float, least_m: float) -> None:
        """Fit the places `shown` into a page of `width` by `height` points, at least `least_m` wide."""
        self.middle: Final = middle_of(shown)
        reach = float((shown @ self.middle).min()) if len(shown) else 1.0
        self.conformal: Final = reach > math.cos(math.radians(CONFORMAL_DEGREES_MAX))
        self.cap: Final = math.degrees(math.acos(max(-1.0, min(1.0, reach))))
        axis = np.array([0.0, 0.0, 1.0]) if abs(self.middle[2]) < 0.9999 else np.array([-1.0, 0.0, 0.0])
        east = np.cross(axis, self.middle)
        self._east: Final = east / np.linalg.norm(east)
        self._north: Final = np.cross(self.middle, self._east)
        flat = self._flat(shown) if len(shown) else np.zeros((1, 2))
        low, high = flat.min(axis=0), flat.max(axis=0)
        wide, tall = np.maximum(high - low, least_m / EARTH_RADIUS_M)
        per_point = max(wide / (width * (1 - 2 * margin)), tall / (height * (1 - 2 * margin)))
        self.point_m: Final = float(per_point) * EARTH_RADIUS_M
        """Metres of one point of the page, at the middle."""
        # One step is a metre or a hundredth of a point, whichever is coarser, but a zoom of 500 stays smooth.
        self.steps: Final = int(10 ** max(1, min(4, math.ceil(math.log10(max(self.point_m, 1.0))))))
        """Steps of one point of the page."""
        self._scale = self.steps / float(per_point)
        centre = (low + high) / 2.0
        self._shift = np.array([width / 2, height / 2]) * self.steps - centre * np.array([1.0, -1.0]) * self._scale

    def _flat(self, vectors: Floats) -> Floats:
        along = vectors @ self.middle
        x, y = vectors @ self._east, vectors @ self._north
        least = _BEHIND if self.conformal else _ANTIPODE
        behind = along < least
        kept = np.where(behind, least, along)
        stretch = 2.0 / (1.0 + kept) if self.conformal else np.sqrt(2.0 / (1.0 + kept))
        size = np.hypot(x, y)
        stretch = np.where(behind, stretch * math.sqrt(1.0 - least**2) / np.maximum(size, 1e-12), stretch)
        found: Floats = np.stack([x * stretch, y * stretch], axis=1)
        return found

    def steps_of(self, vectors: Floats) -> Floats:
        """Return places on the page, in steps."""
        flat = self._flat(vectors) * np.array([1.0, -1.0]) * self._scale + self._shift
        found: Floats = np.rint(flat)
        return found

    def length(self, metres: float, at: Floats) -> float:
        """Return how many steps a short length at a place is."""
        along = max(float(at @ self.middle), _BEHIND)
        stretch = 2.0 / (1.0 + along) if self.conformal else math.sqrt(2.0 / (1.0 + along))
        return metres / EARTH_RADIUS_M * stretch * self._scale
