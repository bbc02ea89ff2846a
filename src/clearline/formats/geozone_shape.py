"""Geometries of published UAS zones as outlines.

Rules
 * Polygon and MultiPolygon: the outer ring of each; holes are filled, so that a zone is never smaller than published.
   A ring need not be closed; a vertex that repeats the one before it is left out; a third coordinate is passed over.
 * Circle: ED-269's own type (centre and radius), or a Point or MultiPoint with an `extent` (ED-318). The radius is in
   metres, also where the heights are in feet: the larger of the two readings.
 * GeometryCollection: each of its geometries, with its own `layer`.
 * A line, or a point without a radius, has no area: refused.

Positions are [longitude, latitude] in degrees WGS84. Source: RFC 7946; EUROCAE ED-269 and ED-318.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from clearline.formats.arc import without_repeats
from clearline.model import limits
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.volume import Circle, LatLngPoint, Polygon, Radius

__all__ = ["Outline", "flattened", "outlines_of"]

Json = dict[str, Any]


class Outline(NamedTuple):
    """Where the vertices stand in the file, the outline as keyword of Volume3D, and what was changed."""

    place: str
    shape: Json
    note: str = ""


_ALLOWED: Final = "Polygon, MultiPolygon, Circle, or Point and MultiPoint with an extent"
_RING_POSITIONS_MAX: Final = 2 * limits.OUTLINE_VERTICES_MAX
"""Before repeated positions are left out."""


def flattened(geometry: object, place: str) -> Iterator[tuple[str, Json, object]]:
    """Yield place, geometry and layer of a geometry, or of each in a collection.

    Raises:
        Refusal: SHAPE_MISSING, OVER_LIMIT.
    """
    waiting: list[tuple[str, object, object]] = [(place, geometry, None)]
    count = 0
    while waiting:
        where, here, layer = waiting.pop()
        count += 1
        if count > limits.ZONE_VOLUMES_MAX:
            allowed = f"at most {limits.ZONE_VOLUMES_MAX} parts"
            raise Refusal(RefusalCode.OVER_LIMIT, field=place, found="more", allowed=allowed)
        if not isinstance(here, dict):
            found = "nothing" if here is None else here
            raise Refusal(RefusalCode.SHAPE_MISSING, field=where, found=found, allowed=_ALLOWED)
        layer = here.get("layer") or layer
        inner = here.get("geometries")
        if here.get("type") == "GeometryCollection" and isinstance(inner, list):
            places = range(len(inner) - 1, -1, -1)
            waiting.extend((f"{where}.geometries[{index}]", inner[index], layer) for index in places)
        else:
            yield where, here, layer


def outlines_of(geometry: Json, place: str, *, extent: object = None) -> list[Outline]:
    """Return the outline of each part of one geometry.

    Raises:
        Refusal: SHAPE_MISSING, RING_INVALID, OUT_OF_RANGE, OVER_LIMIT, MALFORMED.
    """
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    where = f"{place}.coordinates"
    match kind:
        case "Polygon":
            return [_polygon(coordinates, where)]
        case "MultiPolygon":
            return [_polygon(part, at) for at, part in _parts(coordinates, where)]
        case "Circle":
            center = geometry.get("center") or geometry.get("centre") or coordinates
            return [_circle(center, geometry.get("radius"), f"{place}.center", f"{place}.radius")]
        case "Point" | "MultiPoint":
            found = geometry.get("extent") or extent
            radius = found.get("radius") if isinstance(found, dict) else None
            points = [(where, coordinates)] if kind == "Point" else _parts(coordinates, where)
            return [_circle(point, radius, at, f"{place}.extent.radius") for at, point in points]
        case _:
            raise Refusal(RefusalCode.SHAPE_MISSING, field=f"{place}.type", found=kind or "nothing", allowed=_ALLOWED)


def _parts(source: object, where: str) -> list[tuple[str, object]]:
    if not isinstance(source, list) or not source:
        raise Refusal(RefusalCode.SHAPE_MISSING, field=where, found=source or "nothing", allowed="a list of parts")
    if len(source) > limits.ZONE_VOLUMES_MAX:
        allowed = f"at most {limits.ZONE_VOLUMES_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, field=where, found=f"{len(source)} parts", allowed=allowed)
    return [(f"{where}[{index}]", part) for index, part in enumerate(source)]


def _polygon(rings: object, where: str) -> Outline:
    outer = rings[0] if isinstance(rings, list) and rings else None
    if not isinstance(outer, list):
        raise Refusal(RefusalCode.SHAPE_MISSING, field=where, found=rings or "nothing", allowed="a list of rings")
    place = f"{where}[0]"
    note = "a hole filled" if isinstance(rings, list) and len(rings) > 1 else ""
    if len(outer) > _RING_POSITIONS_MAX:
        allowed = f"at most {limits.OUTLINE_VERTICES_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, field=place, found=f"{len(outer)} positions", allowed=allowed)
    ring = without_repeats([_point(position, f"{place}[{index}]") for index, position in enumerate(outer)])
    try:
        return Outline(place, {"outline_polygon": Polygon(tuple(ring))}, note)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=place, found=cause.found, allowed=cause.allowed) from None


def _circle(center: object, radius: object, where: str, radius_field: str) -> Outline:
    if isinstance(radius, bool) or not isinstance(radius, (int, float)):
        found = "nothing" if radius is None else radius
        raise Refusal(RefusalCode.SHAPE_MISSING, field=radius_field, found=found, allowed="a radius in metres")
    try:
        return Outline(where, {"outline_circle": Circle(_point(center, where), Radius(float(radius)))})
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=radius_field, found=cause.found, allowed=cause.allowed) from None


def _point(source: object, where: str) -> LatLngPoint:
    numbers = source if isinstance(source, list) else []
    if not 2 <= len(numbers) <= 4 or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers[:2]):
        raise Refusal(RefusalCode.MALFORMED, field=where, found=source, allowed="[longitude, latitude] in degrees")
    try:
        return LatLngPoint(float(numbers[1]), float(numbers[0]))
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=f"{where}.{cause.field}", found=cause.found, allowed=cause.allowed) from None
