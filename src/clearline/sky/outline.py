"""The area where two notices are closer than the rule allows: outlines to draw, and not to decide by.

Rules
 * Without a separation over ground it is what both outlines hold. With one, each outline is widened by half of it and
   the area is what both widened outlines hold: every place of it is within the separation of both.
 * There is always an area, and it holds a place halfway along the least distance. Where it would be thinner than
   `_THIN_M` (outlines that touch, or meet within the tolerance), it is drawn `_SEEN_M` wide around that place.
 * Curves are drawn outward: what is shown never makes a meeting look smaller. A buffer is at most 0.3 % too wide in a
   city and 2 % at the rim of the largest map (`_FRAME_MAX`). Straight edges follow the geodesic to millimetres within
   100 km of the middle of the smaller outline, and to 0.3 m at that rim.
 * A moving piece is drawn as what it flies within the window in which the two are closer.

Method: for each group of pairs near each other one map (`kernel_describe`), on which GEOS widens, cuts and unites. One
of the two must fit on the map, the other is cut to it. Where both are larger, `outline_wide` samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
import shapely

from clearline.model.volume import LatLngPoint
from clearline.sky.geodesy import meridian_m, prime_vertical_m
from clearline.sky.kernel_describe import basis, caps, cut, flat, round_again
from clearline.sky.kernel_meet import RULE_COLUMNS
from clearline.sky.kernel_query import RULES_HEAD
from clearline.sky.kernel_shape import MOVING, POINT, POLYGON, Floats, Ints, unit_vectors
from clearline.sky.outline_wide import Loaded, hull, sampled

__all__ = ["Ring", "areas_of"]

Ring = tuple[LatLngPoint, ...]
Shape = Any
"""A geometry of shapely, which has no types."""

_GROUPS_MAX: Final = 256
"""Pairs, or groups of pairs, that are cut one by one: more are drawn group by group, outward."""
_CROSSINGS_MAX: Final = 1_000_000
"""Places at which the edges of all pairs together may cross: two combs of n teeth have n^2, each taking 2 us.
Beyond its share of them a pair is cut with the hull of the outline that has more vertices."""
_FRAME_MAX: Final = 0.25
"""Radians that one map reaches, 1,600 km: across, it stretches by 1 % there."""
_FAR_MAX: Final = 2.8
"""Radians from the centre to the farthest place of the larger outline: beyond it lies the place opposite."""
_THIN_M: Final = 1.0
_SEEN_M: Final = 10.0
_SEGMENTS: Final = 12
"""Straight pieces for a quarter of a circle."""
_OUTWARD: Final = 1.0 / math.cos(math.pi / (4 * _SEGMENTS))
"""By how much a polygon around a circle must be larger than one in it."""
_VERTICES_MAX: Final = 96
"""Vertices of one outline that is drawn; and from which number on the larger shape is cut to the map first."""
_AREAS_MAX: Final = 32
_COARSE: Final = 0.01
"""Part of its buffer by which a shape of many vertices may be simplified before it is widened, by so much more."""
_CUT_MAX: Final = 1_000
"""Vertices of an outline that is widened or cut: with more of them side by side GEOS takes seconds, or hours."""
_COARSEST: Final = 0.02
"""Part of a shape's extent beyond which it is not simplified: its convex hull is drawn."""
_TURNS: Final = np.arange(4 * _SEGMENTS) * (0.5 * math.pi / _SEGMENTS)
_DISC: Final = np.column_stack([np.cos(_TURNS), np.sin(_TURNS)]) * _OUTWARD


@final
@dataclass(slots=True)
class _Map:
    """One map, and what is drawn on it; `extent` in radians is what its groups need."""

    centre: Floats
    extent: float
    groups: list[Ints] = field(default_factory=list)
    parts: dict[tuple[int, int, float], Shape] = field(default_factory=dict)
    frame: Floats = field(default_factory=lambda: np.empty((4, 3)))
    stretch: float = 1.0


@final
class _Drawing:
    """The pairs of two notices, and the maps that they need."""

    def __init__(self, one: Loaded, other: Loaded, hits: Ints, rules: Floats) -> None:
        self.sides = (one, other)
        self.hits = hits
        self.rules = rules
        self.caps: Floats = caps(one[0], other[0], hits, rules)
        self.maps: list[_Map] = []
        self.crossings_max = _CROSSINGS_MAX // max(16, min(len(hits), _GROUPS_MAX))
        self.wide: list[Ring] = []
        """Outlines of pairs that fit on no map."""

    def place(self, group: Ints) -> None:
        """Give a group of pairs to a map that holds it."""
        around = self.caps[group]
        centre = around[0, 0:3]
        extent = float(around[0, 3])
        if len(group) > 1:
            apart = np.linalg.norm(around[:, 0:3] - centre, axis=1)
            extent = float((2.0 * np.arcsin(np.minimum(1.0, 0.5 * apart)) + around[:, 3]).max())
        if extent > _FRAME_MAX or around[:, 5].max() > _FAR_MAX - _FRAME_MAX:
            if len(group) > 1:
                middle = len(group) // 2
                self.place(group[:middle])
                self.place(group[middle:])
                return
            i, j = self.hits[group[0], 1:3].tolist()
            self.wide.append(sampled(self.sides[0], i, self.sides[1], j, self._rule(group[0])))
            return
        for each in self.maps:
            away = 2.0 * math.asin(min(1.0, 0.5 * float(np.linalg.norm(each.centre - centre)))) + extent
            if away <= _FRAME_MAX:
                each.extent = max(each.extent, away)
                each.groups.append(group)
                return
        self.maps.append(_Map(centre, extent, [group]))

    def draw(self, chart: _Map) -> Shape:
        """Return the area of all groups of one map, on that map."""
        x, y, z = chart.centre.tolist()
        lat = math.degrees(math.asin(max(-1.0, min(1.0, z))))
        chart.frame = basis(x, y, z, prime_vertical_m(lat), meridian_m(lat))
        # M grows by at most 1 % of the way towards a pole, N by less.
        chart.stretch = chart.extent / math.sin(chart.extent) * (1.0 + 0.01 * chart.extent)
        areas = [self._area(chart, group) for group in chart.groups]
        return areas[0] if len(areas) == 1 else shapely.union_all(areas)

    def _rule(self, hit: int) -> Floats:
        at = RULES_HEAD + RULE_COLUMNS * int(self.hits[hit, 6])
        return self.rules[at : at + RULE_COLUMNS]

    def _area(self, chart: _Map, group: Ints) -> Shape:
        if len(group) == 1:
            return _both(self._part(chart, 0, group[0]), self._part(chart, 1, group[0]), self.crossings_max)
        united: list[Shape] = []
        for side in (0, 1):
            _, first = np.unique(self.hits[group, 1 + side], return_index=True)
            united.append(shapely.union_all([self._part(chart, side, hit, whole=True) for hit in group[first]]))
        return _both(united[0], united[1], self.crossings_max)

    def _part(self, chart: _Map, side: int, hit: int, *, whole: bool = False) -> Shape:
        """Return the outline of one volume of a pair, widened by half of the separation."""
        _, i, j, _, from_ms, until_ms, _ = self.hits[hit].tolist()
        F, K, V, _ = self.sides[side]
        place = j if side else i
        rule = self._rule(hit)
        half = float(self.caps[hit, 4])
        if K[place, 0] == MOVING and rule[2] == 0.0 and not whole:
            return _widened(flat(cut(K, place, V, from_ms, until_ms), 0, 2, chart.frame), K, place, F, half, chart)
        key = (side, place, half)
        known = chart.parts.get(key)
        if known is None:
            known = _widened(flat(V, K[place, 6], K[place, 3], chart.frame), K, place, F, half, chart)
            chart.parts[key] = known
        return known


def areas_of(one: Loaded, other: Loaded, hits: Ints, rules: Floats) -> tuple[Ring, tuple[Ring, ...]]:
    """Return one outline around all, and the outlines of the parts, largest first, of pairs that are closer.

    The one around all is the part itself where there is only one, else a hull.
    """
    drawing = _Drawing(one, other, hits, rules)
    everything = np.arange(len(hits))
    groups = np.array_split(everything, _GROUPS_MAX) if len(hits) > _GROUPS_MAX else everything[:, None]
    for group in groups:
        drawing.place(group)
    rings: list[Ring] = []
    around: Ring | None = None
    for chart in drawing.maps:
        area = drawing.draw(chart)
        parts = _polygons(area)
        if len(parts) > _AREAS_MAX:
            parts = [area.convex_hull]
        rings.extend(_ring(each, chart.frame) for each in parts)
        if len(parts) > 1 and len(drawing.maps) == 1 and not drawing.wide:
            around = _ring(area.convex_hull, chart.frame)
    rings.extend(drawing.wide)
    if around is not None:
        return around, tuple(rings)
    if len(rings) == 1:
        return rings[0], tuple(rings)
    corners = np.array([(point.lat, point.lng) for ring in rings for point in ring])
    return hull(unit_vectors(corners[:, 0].copy(), corners[:, 1].copy())), tuple(rings)


def _widened(core: Floats, K: Ints, place: int, F: Floats, half: float, chart: _Map) -> Shape:
    """Return a core on the map with its radius and half of the separation around it, cut to the map if it is large."""
    kind = K[place, 0]
    radius = (float(F[place, 4]) + half) * chart.stretch
    if kind == POINT or (len(core) == 2 and (core[0] == core[1]).all()):
        return shapely.polygons(_DISC * radius + core[0])
    line = shapely.polygons(core) if kind == POLYGON else shapely.linestrings(core)
    bare = kind == POLYGON and half < _THIN_M
    if len(core) > (_CUT_MAX if bare else _VERTICES_MAX):
        reach = (chart.extent * chart.frame[3, 0] + radius) * 1.1
        near = _intersection(line, shapely.box(-reach, -reach, reach, reach))
        line, wider = _coarser(line if near.is_empty else near, 0.0 if bare else _COARSE * radius)
        radius, bare = radius + wider, bare and wider == 0.0
    return line if bare else shapely.buffer(line, radius * _OUTWARD, quad_segs=_SEGMENTS)


def _coarser(shape: Shape, step: float) -> tuple[Shape, float]:
    """Return a shape simplified by `step`, or by more until it has `_CUT_MAX` vertices, and by how much to widen it."""
    west, south, east, north = shapely.bounds(shape).tolist()
    extent = max(east - west, north - south)
    simpler = shapely.simplify(shape, step) if step > 0.0 else shape
    while shapely.get_num_coordinates(simpler) > _CUT_MAX:
        step = max(4.0 * step, 1e-4 * extent)
        if step > _COARSEST * extent:
            return shapely.convex_hull(shape), 0.0
        simpler = shapely.simplify(shape, step)
    return simpler, step


def _both(one: Shape, other: Shape, crossings_max: int) -> Shape:
    """Return what two areas hold; a place wide enough to be seen where that is next to nothing."""
    one, other = sorted((one, other), key=shapely.get_num_coordinates)
    if shapely.get_num_coordinates(one) * shapely.get_num_coordinates(other) > crossings_max:
        other = other.convex_hull
    area = _intersection(one, other)
    if area.area > 0.5 * _THIN_M * area.length:
        return area
    place = shapely.shortest_line(one, other).interpolate(0.5, normalized=True) if area.is_empty else area
    return place.buffer(_SEEN_M, quad_segs=2)


def _intersection(one: Shape, other: Shape) -> Shape:
    try:
        return shapely.intersection(one, other)
    except shapely.errors.GEOSException:
        # The map bends edges by millimetres: a ring that nearly touches itself may cross itself there.
        return shapely.intersection(shapely.make_valid(one), shapely.make_valid(other))


def _polygons(area: Shape) -> list[Shape]:
    """Return the polygons of an area, largest first; their holes are filled when they are drawn."""
    if area.geom_type == "Polygon":
        return [area]
    found = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    return sorted(found, key=lambda part: -part.area)


def _ring(polygon: Shape, frame: Floats) -> Ring:
    """Return the outer ring of a polygon on a map, with at most `_VERTICES_MAX` vertices, outward."""
    ring = shapely.get_exterior_ring(polygon)
    step = 0.001 * math.sqrt(polygon.area)
    while shapely.get_num_coordinates(ring) > _VERTICES_MAX + 1:
        grown = shapely.buffer(shapely.polygons(ring), step, join_style="mitre", mitre_limit=2.0)
        ring = shapely.get_exterior_ring(shapely.simplify(grown, step))
        step *= 2.0
    corners: Floats = round_again(shapely.get_coordinates(ring)[:-1], frame)
    return tuple(LatLngPoint(lat, lng) for lat, lng in corners.tolist())
