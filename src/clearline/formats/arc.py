"""Arcs of circles as rings of geodesic edges that are never smaller than the area they stand for.

Rules
 * Between its first and its last point the radius of an arc runs evenly, because published points are rounded and
   seldom lie on one circle. Both points are vertices of the ring, exactly as published.
 * Where the area is on the side of the centre, the vertices stand outside the arc, at r / cos(half a step), so that
   every edge touches the arc or passes outside it. Where the area is on the other side, the vertices stand on the arc,
   and every edge cuts a little into the circle.
 * So the ring contains the area IFF the arc is the area's edge; it exceeds it by at most (1 / cos(half a step) - 1) of
   the radius: 1.0 parts in 1,000 at the step of 5 degrees (9.5 m at 10 km), and by MARGIN beyond that.
 * Which side the area is on is told by the sense of the ring with all arcs drawn exactly.

Degrees WGS84; bearings in degrees, clockwise from true north; metres along the geodesic. Source: OpenAir (DA, DB).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, final

from clearline.model.volume import LatLngPoint

if TYPE_CHECKING:
    from pyproj import Geod

__all__ = ["STEPS_DEGREES", "Arc", "arc_between", "arc_of_bearings", "excess_of", "ring_of", "without_repeats"]

STEPS_DEGREES: Final = (5.0, 10.0, 20.0, 30.0)
"""Tried in this order until a ring is within its limit of vertices; the last exceeds a radius by 3.5 %."""
MARGIN_RELATIVE: Final = 3e-5
"""A circle on the ellipsoid departs from one in the plane by about f (r / a)^2: 2 parts in 100,000 at 500 km."""
MARGIN_M: Final = 0.02
"""For the rounding of a very small circle: the tolerance of the kernel."""
_SAME_DEGREES: Final = 1e-8
"""A millimetre of latitude: vertices closer than this are one place."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A part of a circle's edge, from `first` to `last`; `sweep_deg` is positive clockwise."""

    centre: LatLngPoint
    first: LatLngPoint
    last: LatLngPoint
    first_radius_m: float
    last_radius_m: float
    first_bearing_deg: float
    sweep_deg: float

    @property
    def is_whole(self) -> bool:
        """Tell whether it is a circle."""
        return abs(self.sweep_deg) >= 360.0


def arc_between(centre: LatLngPoint, first: LatLngPoint, last: LatLngPoint, *, sense: int) -> Arc:
    """Return the arc from one point to another around `centre`, clockwise where `sense` is 1, else -1.

    The same point twice is the whole circle.
    """
    lngs, lats = [centre.lng, centre.lng], [centre.lat, centre.lat]
    bearings, _, radii = _geod().inv(lngs, lats, [first.lng, last.lng], [first.lat, last.lat])
    sweep = ((bearings[1] - bearings[0]) * sense) % 360.0
    return Arc(
        centre=centre,
        first=first,
        last=last,
        first_radius_m=float(radii[0]),
        last_radius_m=float(radii[1]),
        first_bearing_deg=float(bearings[0]),
        sweep_deg=sense * (360.0 if first == last else float(sweep)),
    )


def arc_of_bearings(centre: LatLngPoint, radius_m: float, start_deg: float, end_deg: float, *, sense: int) -> Arc:
    """Return the arc of a circle from one bearing to another; equal bearings are the whole circle."""
    sweep = ((end_deg - start_deg) * sense) % 360.0 or 360.0
    first, last = _places(centre, [start_deg, end_deg], [radius_m, radius_m])
    return Arc(
        centre=centre,
        first=first,
        last=first if sweep >= 360.0 else last,
        first_radius_m=radius_m,
        last_radius_m=radius_m,
        first_bearing_deg=start_deg,
        sweep_deg=sense * sweep,
    )


def excess_of(step_deg: float) -> float:
    """Return by which share of its radius a ring may exceed an arc drawn in steps of `step_deg`."""
    return (1.0 + MARGIN_RELATIVE) / math.cos(math.radians(step_deg / 2.0)) - 1.0


def ring_of(parts: Sequence[LatLngPoint | Arc], *, step_deg: float) -> list[LatLngPoint]:
    """Return the ring through points and arcs in their order, not closed, no place twice in a row."""
    if not any(isinstance(part, Arc) for part in parts):
        return without_repeats([part for part in parts if isinstance(part, LatLngPoint)])
    drafts = [[part] if isinstance(part, LatLngPoint) else _on_arc(part, step_deg) for part in parts]
    clockwise = _turns_clockwise([place for draft in drafts for place in draft])
    ring: list[LatLngPoint] = []
    for part, draft in zip(parts, drafts, strict=True):
        convex = isinstance(part, Arc) and (part.sweep_deg > 0.0) == clockwise
        ring += _outside_arc(part, step_deg) if convex and isinstance(part, Arc) else draft
    return without_repeats(ring)


def without_repeats(places: Sequence[LatLngPoint]) -> list[LatLngPoint]:
    """Return the ring without vertices that repeat the one before them, nor the first at its end."""
    kept: list[LatLngPoint] = []
    for place in places:
        if not kept or not _same(kept[-1], place):
            kept.append(place)
    while len(kept) > 1 and _same(kept[0], kept[-1]):
        kept.pop()
    return kept


def _same(a: LatLngPoint, b: LatLngPoint) -> bool:
    return abs(a.lat - b.lat) <= _SAME_DEGREES and abs(a.lng - b.lng) <= _SAME_DEGREES


def _pieces(arc: Arc, step_deg: float) -> int:
    return max(1, math.ceil(abs(arc.sweep_deg) / step_deg - 1e-9))


def _on_arc(arc: Arc, step_deg: float) -> list[LatLngPoint]:
    """Vertices on the arc."""
    count = _pieces(arc, step_deg)
    shares = [index / count for index in range(1, count)]
    bearings = [arc.first_bearing_deg + arc.sweep_deg * share for share in shares]
    radii = [arc.first_radius_m + (arc.last_radius_m - arc.first_radius_m) * share for share in shares]
    return [arc.first, *_places(arc.centre, bearings, radii), arc.last]


def _outside_arc(arc: Arc, step_deg: float) -> list[LatLngPoint]:
    """Vertices outside the arc, half way of each step.

    An edge between two of them stays outside the larger of the radii that the arc has over both halves, so each vertex
    takes the largest radius from half a step before its step to half a step after it.
    """
    count = _pieces(arc, step_deg)
    growth = (arc.last_radius_m - arc.first_radius_m) / count
    widen = (1.0 + MARGIN_RELATIVE) / math.cos(math.radians(abs(arc.sweep_deg) / count / 2.0))
    bearings = [arc.first_bearing_deg + arc.sweep_deg * (index + 0.5) / count for index in range(count)]
    radii = [
        (arc.first_radius_m + max(growth * (index - 0.5), growth * (index + 1.5))) * widen + MARGIN_M
        for index in range(count)
    ]
    return [arc.first, *_places(arc.centre, bearings, radii), arc.last]


def _places(centre: LatLngPoint, bearings: list[float], radii: list[float]) -> list[LatLngPoint]:
    count = len(bearings)
    lngs, lats, _ = _geod().fwd([centre.lng] * count, [centre.lat] * count, bearings, radii)
    return [LatLngPoint(float(lat), float(lng)) for lng, lat in zip(lngs, lats, strict=True)]


def _turns_clockwise(ring: Sequence[LatLngPoint]) -> bool:
    """Tell the sense of a ring, seen from above its middle, as unit vectors: no pole and no meridian matters."""
    vectors = [_unit(place) for place in ring]
    x, y, z = (sum(vector[axis] for vector in vectors) for axis in range(3))
    total = 0.0
    # Seen from the first place: products of nearly equal vectors would lose the area of a small ring.
    base = vectors[0]
    offsets = [(vector[0] - base[0], vector[1] - base[1], vector[2] - base[2]) for vector in vectors]
    for (ax, ay, az), (bx, by, bz) in pairwise(offsets):
        total += x * (ay * bz - az * by) + y * (az * bx - ax * bz) + z * (ax * by - ay * bx)
    return total < 0.0


def _unit(place: LatLngPoint) -> tuple[float, float, float]:
    lat, lng = math.radians(place.lat), math.radians(place.lng)
    return math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)


@cache
def _geod() -> Geod:
    from pyproj import Geod  # noqa: PLC0415 - late: PROJ takes 100 ms to load and only arcs need it

    return Geod(ellps="WGS84")
