"""Google's S2 by spherely: distances on the unit sphere of geodetic places, with edges drawn as WGS84 geodesics.

Edges are cut along the geodesic into so many pieces that what a piece departs is known: 6.6 mm at 10 km, and as its
square (`sky.geodesy`, and measured here in `test_oracles`). An angle on that sphere stands for a path of M to N metres
per radian, so S2 gives bounds: of the distance of two cores, M at the lowest and N at the highest latitude in reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import spherely

from tests.sky.forms import WGS84, Form
from tests.sky.oracle_plane import Bounds
from tests.sky.shapes import Place

__all__ = ["meridian_m", "prime_vertical_m", "s2_distances_m"]

S2_R_M: Final = 6_371_010.0
PIECES_MAX: Final = 600
PIECE_M: Final = 1_000.0
_E2: Final = (2.0 - 1.0 / 298.257223563) / 298.257223563
_A_M: Final = 6_378_137.0
ROUNDING_M: Final = 2e-8


def meridian_m(lat_deg: float) -> float:
    """M [m per radian]."""
    return float(_A_M * (1.0 - _E2) / (1.0 - _E2 * math.sin(math.radians(lat_deg)) ** 2) ** 1.5)


def prime_vertical_m(lat_deg: float) -> float:
    """N [m per radian]."""
    return float(_A_M / math.sqrt(1.0 - _E2 * math.sin(math.radians(lat_deg)) ** 2))


def s2_distances_m(pairs: Sequence[tuple[Form, Form]]) -> list[Bounds | None]:
    """Return bounds of the distances between cores; None where S2 takes a ring for no ring."""
    drawn = [(_drawn(a), _drawn(b)) for a, b in pairs]
    known = [k for k, (one, other) in enumerate(drawn) if one is not None and other is not None]
    out: list[Bounds | None] = [None] * len(pairs)
    if not known:
        return out
    ones = np.array([drawn[k][0][0] for k in known])  # type: ignore[index]
    others = np.array([drawn[k][1][0] for k in known])  # type: ignore[index]
    angles = spherely.distance(ones, others) / S2_R_M
    for k, angle in zip(known, np.asarray(angles).tolist(), strict=True):
        one, other = drawn[k]
        assert one is not None
        assert other is not None
        error_m = one[1] + other[1] + ROUNDING_M
        lats = [abs(lat) for form in pairs[k] for lat, _ in form.places]
        # A way between the two, and their edges, stay within the angle of them.
        margin = math.degrees(angle) + max(one[2], other[2])
        least_m = angle * meridian_m(max(0.0, min(lats) - margin)) - error_m
        out[k] = Bounds(max(0.0, least_m), angle * prime_vertical_m(min(90.0, max(lats) + margin)) + error_m)
    return out


def _drawn(form: Form) -> tuple[object, float, float] | None:
    """Return the shape, how far its edges are from the geodesics [m], and half its longest edge [degrees]."""
    places = list(form.places)
    if form.kind == "circle":
        return spherely.create_point(places[0][1], places[0][0]), 0.0, 0.0
    links = len(places) if form.kind == "polygon" else len(places) - 1
    fine: list[Place] = []
    piece_m = longest_m = 0.0
    for k in range(links):
        (lat, lng), (far_lat, far_lng) = places[k], places[(k + 1) % len(places)]
        azimuth, _, length_m = WGS84.inv(lng, lat, far_lng, far_lat)
        pieces = min(PIECES_MAX, math.ceil(length_m / PIECE_M))
        fine.append((lat, lng))
        if pieces > 1:
            along = np.arange(1, pieces) * (length_m / pieces)
            same = np.ones(pieces - 1)
            lngs, lats, _ = WGS84.fwd(lng * same, lat * same, azimuth * same, along)
            fine += list(zip(np.asarray(lats).tolist(), np.asarray(lngs).tolist(), strict=True))
        piece_m = max(piece_m, length_m / max(1, pieces))
        longest_m = max(longest_m, length_m)
    error_m = 0.0066 * (piece_m / 10_000.0) ** 2
    half_deg = math.degrees(0.5 * longest_m / 6_335_000.0)
    try:
        if form.kind == "corridor":
            return spherely.create_linestring([(lng, lat) for lat, lng in [*fine, places[-1]]]), error_m, half_deg
        return spherely.create_polygon([(lng, lat) for lat, lng in fine]), error_m, half_deg
    except (RuntimeError, ValueError):
        return None
