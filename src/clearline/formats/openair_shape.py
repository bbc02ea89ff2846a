"""The shape lines of one OpenAir zone as outlines.

Rules
 * `V X=` sets the centre, `V D=` the sense (clockwise unless it is `-`), `V W=` the width of an airway in nautical
   miles; none of them holds beyond its zone, so that a stale centre cannot draw a wrong shape.
 * `DP` adds a point, `DB a, b` the arc between two points, `DA radius, start, end` the arc between two bearings. They
   are one polygon in the order of their lines. An arc that ends where it starts is either a whole circle or a point:
   its point stays in the polygon, and the circle is a shape of its own.
 * `DC radius` is a circle of its own. `DY` points in a row are a corridor with round ends, half the width to each side.
 * The two ends of an arc must be about as far from its centre: a larger difference than RADII_DIFFER_MAX of the radius
   is a wrong centre or a wrong point, and no reading of it is surely large enough.

Nautical miles, degrees; see `arc` for what an arc becomes. Source: as `openair`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, NoReturn, final

from clearline.formats.arc import STEPS_DEGREES, Arc, arc_between, arc_of_bearings, excess_of, ring_of
from clearline.formats.openair_fields import NAUTICAL_MILE_M, parse_number, parse_point, parse_points
from clearline.model import limits
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius

__all__ = ["RADII_DIFFER_MAX", "Drawn", "draw"]

RADII_DIFFER_MAX: Final = 0.25
"""A quarter of the radius. Published pairs differ by up to some percent where a centre was rounded."""

Statement = tuple[int, str, str]
"""Line number, command, value without comment."""


class Drawn(NamedTuple):
    """One outline, as keyword of Volume3D, and where in the file it stands."""

    place: str
    outline: dict[str, Any]
    note: str = ""
    """What was taken otherwise than it stands in the file."""


@final
@dataclass(slots=True)
class _Drawing:
    centre: LatLngPoint | None = None
    sense: int = 1
    width_nm: float | None = None
    ring: list[LatLngPoint | Arc] = field(default_factory=list)
    ring_lines: list[int] = field(default_factory=list)
    airway: list[LatLngPoint] = field(default_factory=list)
    airway_lines: list[int] = field(default_factory=list)
    done: list[Drawn] = field(default_factory=list)


def draw(statements: list[Statement]) -> list[Drawn]:
    """Return the outlines of a zone's shape lines, none where there are none.

    Raises:
        Refusal: OUT_OF_RANGE, RING_INVALID, OVER_LIMIT, MALFORMED; the field names command and line.
    """
    drawing = _Drawing()
    for number, command, text in statements:
        try:
            _apply(drawing, number, command, text)
        except FieldRefusal as refusal:
            cause = refusal.refusal
            _refuse(number, command, cause.code, cause.found, cause.allowed)
    _close_airway(drawing)
    _close_ring(drawing)
    return drawing.done


def _apply(drawing: _Drawing, number: int, command: str, text: str) -> None:
    if command != "DY" and drawing.airway and command != "V":
        _close_airway(drawing)
    match command:
        case "V":
            _assign(drawing, number, text)
        case "DP":
            drawing.ring.append(parse_point(text))
        case "DB":
            drawing.ring.append(_between(drawing, number, text))
        case "DA":
            drawing.ring.append(_of_bearings(drawing, number, text))
        case "DC":
            circle = Circle(_centre(drawing, number, command), Radius(parse_number(text) * NAUTICAL_MILE_M))
            drawing.done.append(Drawn(f"line {number}", {"outline_circle": circle}))
        case _:
            if drawing.width_nm is None:
                _refuse(number, command, RefusalCode.MALFORMED, "no width", "a line V W= before it, in this zone")
            drawing.airway.append(parse_point(text))
            drawing.airway_lines.append(number)
    if command in {"DP", "DB", "DA"}:
        drawing.ring_lines.append(number)


def _assign(drawing: _Drawing, number: int, text: str) -> None:
    name, _, value = text.partition("=")
    match name.strip().upper():
        case "X":
            drawing.centre = parse_point(value)
        case "D" if value.strip() in {"+", "-", ""}:
            drawing.sense = -1 if value.strip() == "-" else 1
        case "W":
            if drawing.airway:
                _close_airway(drawing)
            drawing.width_nm = parse_number(value)
        case "T" | "Z":
            # Label and zoom of a map: nothing of the shape.
            return
        case _:
            _refuse(number, "V", RefusalCode.OUT_OF_RANGE, text or "nothing", "X=, D=+, D=-, W=, T= or Z=")


def _between(drawing: _Drawing, number: int, text: str) -> Arc:
    points = parse_points(text)
    if len(points) != 2:
        _refuse(number, "DB", RefusalCode.OUT_OF_RANGE, text or "nothing", "two coordinates with a comma between them")
    arc = arc_between(_centre(drawing, number, "DB"), points[0], points[1], sense=drawing.sense)
    longest = max(arc.first_radius_m, arc.last_radius_m)
    if abs(arc.first_radius_m - arc.last_radius_m) > RADII_DIFFER_MAX * longest:
        found = f"{arc.first_radius_m / NAUTICAL_MILE_M:.2f} NM and {arc.last_radius_m / NAUTICAL_MILE_M:.2f} NM"
        allowed = f"two points about as far from the centre, within {RADII_DIFFER_MAX:.0%}"
        _refuse(number, "DB", RefusalCode.OUT_OF_RANGE, found, allowed)
    Radius(longest)
    return arc


def _of_bearings(drawing: _Drawing, number: int, text: str) -> Arc:
    parts = [part for part in text.replace(",", " ").split() if part]
    if len(parts) != 3:
        allowed = "radius in nautical miles, first and last bearing, such as 10, 270, 290"
        _refuse(number, "DA", RefusalCode.OUT_OF_RANGE, text or "nothing", allowed)
    radius_nm, start_deg, end_deg = (parse_number(part) for part in parts)
    if not all(-360.0 <= each <= 720.0 for each in (start_deg, end_deg)):
        _refuse(number, "DA", RefusalCode.OUT_OF_RANGE, text, "bearings from 0 to 360 degrees")
    radius = Radius(radius_nm * NAUTICAL_MILE_M)
    return arc_of_bearings(
        _centre(drawing, number, "DA"), radius.value, start_deg % 360.0, end_deg % 360.0, sense=drawing.sense
    )


def _centre(drawing: _Drawing, number: int, command: str) -> LatLngPoint:
    if drawing.centre is None:
        _refuse(number, command, RefusalCode.MALFORMED, "no centre", "a line V X= before it, in this zone")
    return drawing.centre


def _close_airway(drawing: _Drawing) -> None:
    if not drawing.airway:
        return
    first, last = drawing.airway_lines[0], drawing.airway_lines[-1]
    places = [drawing.airway[0]]
    places += [place for before, place in zip(drawing.airway, drawing.airway[1:], strict=False) if place != before]
    try:
        corridor = Corridor(tuple(places), Radius((drawing.width_nm or 0.0) * 0.5 * NAUTICAL_MILE_M))
    except FieldRefusal as refusal:
        cause = refusal.refusal
        _refuse(first, "DY", cause.code, cause.found, cause.allowed)
    drawing.done.append(Drawn(_lines(first, last), {"outline_corridor": corridor}))
    drawing.airway, drawing.airway_lines = [], []


def _close_ring(drawing: _Drawing) -> None:
    """Add the whole circles of the ring, each for itself, and the polygon of the rest before all other shapes."""
    if not drawing.ring:
        return
    for part, number in zip(drawing.ring, drawing.ring_lines, strict=True):
        if isinstance(part, Arc) and part.is_whole:
            circle = Circle(part.centre, Radius(max(part.first_radius_m, part.last_radius_m)))
            drawing.done.append(Drawn(f"line {number}", {"outline_circle": circle}))
    rest = [part.first if isinstance(part, Arc) and part.is_whole else part for part in drawing.ring]
    if all(isinstance(part, Arc) and part.is_whole for part in drawing.ring):
        return
    first, last = drawing.ring_lines[0], drawing.ring_lines[-1]
    try:
        polygon, note = _polygon(rest)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        _refuse(first, "shape", cause.code, cause.found, cause.allowed)
    drawing.done.insert(0, Drawn(_lines(first, last), {"outline_polygon": polygon}, note))


def _polygon(parts: list[LatLngPoint | Arc]) -> tuple[Polygon, str]:
    """Return the polygon with the finest arcs that its limit of vertices allows, and what is to be said of them."""
    ring: list[LatLngPoint] = []
    step_deg = 0.0
    for step_deg in STEPS_DEGREES:
        ring = ring_of(parts, step_deg=step_deg)
        if len(ring) <= limits.OUTLINE_VERTICES_MAX:
            break
    has_arcs = any(isinstance(part, Arc) for part in parts)
    excess = excess_of(step_deg)
    note = f"arcs as edges of {step_deg:g} degrees, at most {excess:.1%} of the radius too large" if has_arcs else ""
    return Polygon(tuple(ring)), note


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}, vertices"


def _refuse(number: int, command: str, code: RefusalCode, found: str, allowed: str) -> NoReturn:
    raise Refusal(code, field=f"{command} at line {number}", found=found, allowed=allowed) from None
