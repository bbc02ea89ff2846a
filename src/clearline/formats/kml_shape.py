"""Geometry of KML: outlines with the band that they tell, and tracks.

Rules
 * Polygon: the outer ring; rings inside it are taken as filled, and a note says so: no volume is made smaller. A
   LineString (or a LinearRing alone) is a corridor and needs a width, a Point is a circle and needs a radius.
 * A vertex that repeats the one before it is passed over, and a ring that is not closed is: neither changes the shape.
 * `absolute` is above mean sea level, `relativeToGround` above ground; clampToGround, the default, tells no height.
 * A shape that is extruded reaches from the ground to its highest vertex. One that is not is a sheet without thickness
   and tells no band.
 * A MultiGeometry is its parts; in a MultiTrack the parts stay apart unless `interpolate` joins them.

Angles in degrees WGS84, heights in metres. Source: OGC 07-147r2 (KML 2.2) §6.14, §10; OGC 12-007r2 (KML 2.3) §9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, final

from clearline.formats.said import number_of
from clearline.formats.track_parts import Positions
from clearline.formats.xml_text import Element
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.instant import parse_instant
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius

__all__ = ["GEOMETRIES", "Band", "Shape", "altitude_mode", "band_of", "geometries_of", "positions_of", "shape_of"]

GEOMETRIES: Final = ("Polygon", "LineString", "LinearRing", "Point", "MultiGeometry", "Track", "MultiTrack", "Model")
_REFERENCES: Final = {"absolute": AltitudeReference.AMSL, "relativeToGround": AltitudeReference.AGL}
_TUPLE: Final = "longitude,latitude[,altitude] without blanks, tuples parted by blanks"

Band = tuple[Altitude, Altitude]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One outline as keyword of Volume3D, where its vertices stand, and what was taken otherwise than written."""

    outline: dict[str, Any]
    vertices_at: str
    heights: tuple[float | None, ...]
    notes: tuple[str, ...] = ()


def geometries_of(placemark: Element) -> list[tuple[str, Element]]:
    """Return (place, geometry) of each part; a MultiGeometry is taken apart, whatever it is nested in.

    Raises:
        Refusal: OVER_LIMIT.
    """
    found: list[tuple[str, Element]] = []
    waiting = list(reversed(_numbered("", placemark)))
    while waiting:
        place, geometry = waiting.pop()
        if geometry.name == "MultiGeometry":
            waiting.extend(reversed(_numbered(f"{place}.", geometry)))
            continue
        found.append((place, geometry))
        if len(found) > limits.VOLUMES_MAX:
            allowed = f"at most {limits.VOLUMES_MAX}"
            raise Refusal(RefusalCode.OVER_LIMIT, field="MultiGeometry", found="more parts", allowed=allowed)
    return found


def _numbered(prefix: str, parent: Element) -> list[tuple[str, Element]]:
    """Return the geometries in `parent` with their places, numbered from 0 where there are several of a kind."""
    inner = list(parent.every(*GEOMETRIES))
    if len(inner) > limits.VOLUMES_MAX:
        found, allowed = f"{len(inner)} parts", f"at most {limits.VOLUMES_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, field=parent.name, found=found, allowed=allowed)
    places: list[tuple[str, Element]] = []
    for child in inner:
        alike = [other for other in inner if other.name == child.name]
        number = f"[{next(i for i, other in enumerate(alike) if other is child)}]" if len(alike) > 1 else ""
        places.append((f"{prefix}{child.name}{number}", child))
    return places


def shape_of(geometry: Element, place: str, *, radius: Radius | None, half_width: Radius | None) -> Shape:
    """Return the outline of a Polygon, a Point with `radius`, or a line with `half_width`.

    Raises:
        Refusal: SHAPE_MISSING, RING_INVALID, OUT_OF_RANGE, MALFORMED, OVER_LIMIT.
    """
    match geometry.name:
        case "Polygon":
            return _polygon(geometry, place)
        case "Point":
            where = f"{place}.coordinates"
            points, heights = _coordinates(geometry, where)
            if len(points) != 1:
                raise Refusal(RefusalCode.MALFORMED, field=where, found=f"{len(points)} places", allowed="one place")
            if radius is None:
                raise _missing("radius_m", "a point has no size")
            return Shape(outline={"outline_circle": Circle(points[0], radius)}, vertices_at=where, heights=heights)
        case "LineString" | "LinearRing":
            where = f"{place}.coordinates"
            points, heights = _coordinates(geometry, where)
            if half_width is None:
                raise _missing("width_m", "a line has no width (that of a LineStyle is in pixels)")
            try:
                outline = {"outline_corridor": Corridor(points, half_width)}
            except FieldRefusal as refusal:
                raise _within(refusal.refusal, where) from None
            return Shape(outline=outline, vertices_at=where, heights=heights)
        case name:
            allowed = "Polygon, Point, LineString, Track, or a MultiGeometry of these"
            raise Refusal(RefusalCode.SHAPE_MISSING, field=place, found=name, allowed=allowed)


def _polygon(geometry: Element, place: str) -> Shape:
    boundary = geometry.only("outerBoundaryIs")
    ring = boundary.only("LinearRing") if boundary is not None else None
    where = f"{place}.outerBoundaryIs.LinearRing.coordinates"
    if ring is None:
        raise Refusal(RefusalCode.SHAPE_MISSING, field=where, found="nothing", allowed="a ring of coordinates")
    points, heights = _coordinates(ring, where)
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    try:
        outline = {"outline_polygon": Polygon(points)}
    except FieldRefusal as refusal:
        raise _within(refusal.refusal, where) from None
    holes = sum(len(list(inner.every("LinearRing"))) for inner in geometry.every("innerBoundaryIs"))
    notes = (f"{place} has {holes} inner ring(s), taken as filled",) if holes else ()
    return Shape(outline=outline, vertices_at=where, heights=heights, notes=notes)


def _missing(name: str, why: str) -> Refusal:
    allowed = f"{name} in metres: {why}"
    return Refusal(RefusalCode.MALFORMED, field=f"ExtendedData.{name}", found="nothing", allowed=allowed)


def _within(refusal: Refusal, where: str) -> Refusal:
    field = where + refusal.field.removeprefix("vertices")
    return Refusal(refusal.code, field=field, found=refusal.found, allowed=refusal.allowed)


# --- coordinates


def _coordinates(holder: Element, where: str) -> tuple[tuple[LatLngPoint, ...], tuple[float | None, ...]]:
    """Return the places, none equal to the one before it, and every height that was written."""
    element = holder.only("coordinates")
    text = "" if element is None else element.whole_text()
    if not text:
        raise Refusal(RefusalCode.SHAPE_MISSING, field=where, found="nothing", allowed=_TUPLE)
    tuples = _tuples(text)
    tuples = [each for step, each in enumerate(tuples) if step == 0 or each != tuples[step - 1]]
    if len(tuples) > limits.OUTLINE_VERTICES_MAX + 1:
        allowed = f"at most {limits.OUTLINE_VERTICES_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, field=where, found=f"{len(tuples)} vertices", allowed=allowed)
    read = [_place(each.split(","), f"{where}[{step}]") for step, each in enumerate(tuples)]
    points = [read[0][0], *(b for (a, _), (b, _) in pairwise(read) if a != b)]
    return tuple(points), tuple(height for _, height in read)


def _tuples(text: str) -> list[str]:
    """Return the tuples of a text; blanks beside a comma, as some programs write them, do not part two."""
    words = text.split()
    if not any(word[0] == "," or word[-1] == "," for word in words):
        return words
    tuples: list[list[str]] = []
    open_end = False
    for word in words:
        if tuples and (open_end or word[0] == ","):
            tuples[-1].append(word)
        else:
            tuples.append([word])
        open_end = word[-1] == ","
    return ["".join(each) for each in tuples]


def _place(parts: list[str], where: str) -> tuple[LatLngPoint, float | None]:
    numbers = [number_of(part) for part in parts] if len(parts) <= 3 else []
    longitude, latitude = numbers[:2] if len(numbers) >= 2 else (None, None)
    if longitude is None or latitude is None or None in numbers:
        raise Refusal(RefusalCode.MALFORMED, field=where, found=",".join(parts[:8]), allowed=_TUPLE)
    height = numbers[2] if len(numbers) == 3 else None
    if not -90.0 <= latitude <= 90.0:
        swapped = -90.0 <= longitude <= 90.0 and -180.0 <= latitude <= 180.0
        hint = "; longitude and latitude look swapped: KML writes longitude first" if swapped else ""
        found, allowed = f"latitude {latitude:g}", f"-90 to 90 degrees{hint}"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=where, found=found, allowed=allowed)
    if not -180.0 <= longitude <= 180.0:
        found, allowed = f"longitude {longitude:g}", "-180 to 180 degrees"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=where, found=found, allowed=allowed)
    return LatLngPoint(latitude, longitude), height


# --- heights


def altitude_mode(geometry: Element) -> str:
    """Return how the heights of a geometry are meant; KML's default where it says nothing."""
    return geometry.said("altitudeMode") or "clampToGround"


def band_of(geometry: Element, shape: Shape, place: str) -> Band:
    """Return the band that an extruded shape tells: from the ground to its highest vertex.

    Raises:
        Refusal: MALFORMED where it tells none, OUT_OF_RANGE.
    """
    mode = altitude_mode(geometry)
    reference = _REFERENCES.get(mode)
    said = "lower and upper in ExtendedData, or altitudeMode absolute or relativeToGround with extrude 1"
    field = f"{place}.altitudeMode"
    if reference is None:
        raise Refusal(RefusalCode.MALFORMED, field=field, found=f"{mode}: no height", allowed=said)
    if geometry.said("extrude") not in {"1", "true"}:
        found = f"{mode} without extrude: a sheet without thickness"
        raise Refusal(RefusalCode.MALFORMED, field=field, found=found, allowed=said)
    # KML takes a height that is left out as 0.
    highest_m = max(0.0 if height is None else height for height in shape.heights)
    if all(height is None for height in shape.heights) or (highest_m <= 0.0 and reference is AltitudeReference.AGL):
        found = f"extruded to {highest_m:g} m: nothing"
        raise Refusal(
            RefusalCode.MALFORMED, field=shape.vertices_at, found=found, allowed=f"heights above 0, or {said}"
        )
    try:
        return Altitude(0.0, AltitudeReference.AGL, AltitudeUnits.M), Altitude(highest_m, reference, AltitudeUnits.M)
    except FieldRefusal as refusal:
        raise refusal.refusal.within(shape.vertices_at) from None


# --- tracks


def positions_of(geometry: Element, place: str) -> Iterator[tuple[str, AltitudeReference, Positions]]:
    """Yield (place, reference, positions) of a Track, or of the Tracks of a MultiTrack.

    Raises:
        Refusal: MALFORMED, OUT_OF_RANGE, OVER_LIMIT, SHAPE_MISSING.
    """
    if geometry.name == "Track":
        yield (place, _track_reference(geometry, geometry, place), _positions(geometry, place))
        return
    tracks = [(f"{place}.Track[{step}]", track) for step, track in enumerate(geometry.every("Track"))]
    read = [(where, _track_reference(track, geometry, where), _positions(track, where)) for where, track in tracks]
    if not read:
        raise Refusal(RefusalCode.SHAPE_MISSING, field=place, found="no Track", allowed="one Track or more")
    if geometry.said("interpolate") not in {"1", "true"}:
        yield from read
        return
    _, reference, joined = read[0]
    for where, other, positions in read[1:]:
        if other is not reference:
            found, allowed = other.value, f"{reference.value}, as in the first Track"
            raise Refusal(RefusalCode.ALTITUDE_ORDER, field=f"{where}.altitudeMode", found=found, allowed=allowed)
        for step in range(len(positions)):
            joined.add(
                positions.at_ms[step],
                positions.lat[step],
                positions.lng[step],
                positions.altitude[step],
                positions.line[step],
            )
    yield (place, reference, joined)


def _track_reference(track: Element, holder: Element, place: str) -> AltitudeReference:
    mode = track.said("altitudeMode") or altitude_mode(holder)
    reference = _REFERENCES.get(mode)
    if reference is None:
        found = f"{mode}: no height"
        allowed = "absolute or relativeToGround, with a height at each position"
        raise Refusal(RefusalCode.MALFORMED, field=f"{place}.altitudeMode", found=found, allowed=allowed)
    return reference


def _positions(track: Element, place: str) -> Positions:
    whens, coords = list(track.every("when")), list(track.every("coord"))
    if len(whens) != len(coords):
        found = f"{len(whens)} when, {len(coords)} coord"
        raise Refusal(RefusalCode.MALFORMED, field=place, found=found, allowed="one coord for each when")
    positions = Positions()
    for step, (when, coord) in enumerate(zip(whens, coords, strict=True)):
        words = coord.whole_text().split(None, 3)
        if not words:
            continue  # KML §9.14: no position at that instant; it is between its neighbours
        where = f"{place}.coord[{step}]"
        point, height_m = _place(words, where)
        if height_m is None:
            found = coord.whole_text()
            raise Refusal(RefusalCode.MALFORMED, field=where, found=found, allowed="longitude latitude altitude")
        try:
            at_ms = parse_instant(when.whole_text())
        except FieldRefusal as refusal:
            raise refusal.refusal.within(f"{place}.when[{step}]") from None
        if not limits.ALTITUDE_M_MIN <= height_m <= limits.ALTITUDE_M_MAX:
            allowed = f"{limits.ALTITUDE_M_MIN:g} m to {limits.ALTITUDE_M_MAX:g} m"
            raise Refusal(RefusalCode.OUT_OF_RANGE, field=where, found=f"{height_m:g} m", allowed=allowed)
        positions.add(at_ms, point.lat, point.lng, height_m, coord.line)
    return positions
