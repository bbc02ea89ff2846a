"""The map of the report: base, zones, notices, trajectories and the places where they are too close.

Rules
 * It stands without a script; `report.js` adds panning, zooming and choosing.
 * What is in a finding that is listed is drawn first; the rest as long as there is room, and what is left out is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from clearline.doors.cli.check_compare import Checked, Met
from clearline.doors.cli.check_items import Item, Kind
from clearline.doors.cli.check_json import areas_of
from clearline.doors.cli.check_output import item_text
from clearline.doors.cli.report.basemap import Base, base_of
from clearline.doors.cli.report.markup import Markup, element, joined, text
from clearline.doors.cli.report.outlines import Piece, area_piece, pieces_of
from clearline.doors.cli.report.paths import line_data, path_data
from clearline.doors.cli.report.projection import Floats, Projection, lat_lng_vectors

__all__ = ["DrawnMap", "draw_map", "item_key"]

WIDTH: Final = 1000
HEIGHT: Final = 640
MARGIN: Final = 0.07
EXTENT_M_MIN: Final = 8_000.0
"""A page shows at least so much, however small the only circle is."""
CORNERS_MAX: Final = 250_000
"""Corners of all outlines: 2 MB of the page."""
ITEMS_MAX: Final = 20_000
"""Outlines that are drawn at all: a browser stays quick."""
GRID_DEGREES: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
GRID_LINES: Final = 6


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMap:
    """The map as SVG, and how many records it leaves out."""

    svg: Markup
    left_out: int


def item_key(item: Item) -> str:
    """Return the id of a record on the page."""
    return f"{'z' if item.kind is Kind.ZONE else 'n'}{item.number}"


def draw_map(checked: Checked, listed: Sequence[Met]) -> DrawnMap:
    """Return the map of everything, with the places of the findings listed."""
    items, left_out = _drawn(checked, listed)
    shapes = {item_key(item): list(pieces_of(item)) for item in items}
    areas = {index: [area_piece(area) for area in areas_of(checked, met)] for index, met in enumerate(listed)}
    projection = Projection(
        _shown(items, shapes, areas), width=WIDTH, height=HEIGHT, margin=MARGIN, least_m=EXTENT_M_MIN
    )
    base = base_of(projection, width=WIDTH, height=HEIGHT)
    layers = joined(
        _base(base, projection),
        element("g", *(_record(item, shapes[item_key(item)], projection) for item in items), class_="records"),
        element(
            "g", *(_place(index, met, areas[index], projection) for index, met in enumerate(listed)), class_="places"
        ),
        _labels(base, projection),
    )
    world = element("g", layers, id="world", transform=f"scale({1 / projection.steps:g})")
    svg = element(
        "svg",
        element("title", text("Map of everything compared; the places of findings are hatched")),
        _hatch(projection),
        world,
        _scale_bar(projection),
        id="map",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        tabindex="0",
        data_steps=projection.steps,
        data_metres=f"{projection.point_m:.6g}",
    )
    return DrawnMap(svg=svg, left_out=left_out)


def _drawn(checked: Checked, listed: Sequence[Met]) -> tuple[list[Item], int]:
    """Return what is drawn, zones first so that they lie below, and how many are left out."""
    first = dict.fromkeys(item for met in listed for item in (met.a, met.b))
    every = (*checked.inputs.items, *checked.inputs.zones)
    wanted = [*first, *(item for item in every if item not in first)]
    kept: list[Item] = []
    corners = 0
    for item in wanted:
        corners += _corners(item)
        if corners > CORNERS_MAX or len(kept) == ITEMS_MAX:
            break
        kept.append(item)
    kept.sort(key=lambda item: (item.kind is not Kind.ZONE, item.number))
    return kept, len(wanted) - len(kept)


def _corners(item: Item) -> int:
    record = item.record
    if record.trajectory is not None:
        return len(record.trajectory.points)
    volumes = [each.volume for each in record.volumes] if record.zone is None else record.zone.volumes
    return sum(max(each.vertex_count, 64 if each.outline_circle is not None else 0) for each in volumes)


def _shown(items: Iterable[Item], shapes: dict[str, list[Piece]], areas: dict[int, list[Piece]]) -> Floats:
    """Return the places that must be on the page: notices and trajectories, or zones where there is nothing else."""
    pieces = [piece for item in items if item.kind is not Kind.ZONE for piece in shapes[item_key(item)]]
    pieces = pieces or [piece for each in shapes.values() for piece in each]
    pieces += [piece for each in areas.values() for piece in each]
    return np.concatenate([piece.vectors for piece in pieces]) if pieces else np.zeros((0, 3))


def _base(base: Base, projection: Projection) -> Markup:
    grid = "".join(line_data(curve, closed=False) for curve, _, _ in _grid_curves(projection))
    return joined(
        element("path", d=base.land or "M0 0", class_="land"),
        element("path", d=base.lakes or "M0 0", class_="lake"),
        element("path", d=base.borders or "M0 0", class_="border"),
        element("path", d=grid or "M0 0", class_="grid"),
    )


def _grid_step(projection: Projection) -> float:
    degrees = WIDTH * projection.point_m / 111_195.0
    return next((step for step in GRID_DEGREES if degrees / step <= GRID_LINES), GRID_DEGREES[-1])


def _grid_lines(projection: Projection) -> tuple[list[float], list[float]]:
    """Return the latitudes and longitudes of the grid around the middle."""
    step, middle = _grid_step(projection), projection.middle
    lat = math.degrees(math.asin(max(-1.0, min(1.0, float(middle[2])))))
    lng = math.degrees(math.atan2(middle[1], middle[0]))
    reach = int(GRID_LINES * 1.5) + 1
    lats = [round(lat / step) * step + index * step for index in range(-reach, reach + 1)]
    stretch = max(0.1, math.cos(math.radians(min(85.0, abs(lat)))))
    reach_lng = min(int(reach / stretch), int(180.0 / step))
    lngs = [round(lng / step) * step + index * step for index in range(-reach_lng, reach_lng + 1)]
    return [each for each in lats if abs(each) < 89.0], lngs


def _grid_curves(projection: Projection) -> Iterator[tuple[Floats, str, int]]:
    """Yield each line of the grid in steps, its name, and the axis along which it meets the edge of the page."""
    lats, lngs = _grid_lines(projection)
    if not lats or not lngs:
        return
    along, up = np.linspace(lngs[0], lngs[-1], 145), np.linspace(lats[0], lats[-1], 73)
    for lat in lats:
        curve = np.stack([0.0 * along + lat, along], axis=1)
        yield projection.steps_of(lat_lng_vectors(curve)), _degrees(lat, "N", "S"), 0
    for lng in lngs:
        curve = np.stack([up, 0.0 * up + lng], axis=1)
        yield projection.steps_of(lat_lng_vectors(curve)), _degrees(lng, "E", "W"), 1


def _grid_label(curve: Floats, name: str, axis: int, projection: Projection) -> Markup | None:
    """Return the name of a line where it crosses the left edge of the page (axis 0) or the upper one (axis 1)."""
    page = np.array([WIDTH, HEIGHT]) * projection.steps
    crossed = np.nonzero((curve[:-1, axis] <= 0.0) != (curve[1:, axis] <= 0.0))[0]
    for index in crossed.tolist():
        start, end = curve[index], curve[index + 1]
        place = start + (end - start) * (start[axis] / (start[axis] - end[axis]))
        other = float(place[1 - axis])
        if 0.08 * page[1 - axis] < other < 0.92 * page[1 - axis]:
            x, y = (0, int(other)) if axis == 0 else (int(other), 0)
            return _label(x, y, name, "label grid-label" + (" top" if axis else ""), projection)
    return None


def _labels(base: Base, projection: Projection) -> Markup:
    """Return the names of places and of grid lines; the script keeps their size when one zooms."""
    out = [_label(each.x, each.y, each.name, f"label {each.kind}", projection) for each in base.labels]
    for curve, name, axis in _grid_curves(projection):
        label = _grid_label(curve, name, axis, projection)
        if label is not None:
            out.append(label)
    return element("g", *out, class_="labels")


def _label(x: int, y: int, name: str, kind: str, projection: Projection) -> Markup:
    return element(
        "text",
        text(name),
        class_=kind,
        transform=f"translate({x} {y}) scale({projection.steps})",
        dx=4,
        dy=16 if kind.endswith("top") else -4,
    )


def _degrees(value: float, positive: str, negative: str) -> str:
    value = (value + 180.0) % 360.0 - 180.0 if positive == "E" else value
    number = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    return f"{number}°{'' if value == 0.0 else positive if value > 0.0 else negative}"


def _record(item: Item, pieces: list[Piece], projection: Projection) -> Markup:
    """Return the shapes of one record."""
    kind = item.kind.value.lower()
    zone = item.record.zone
    if zone is not None:
        kind += f" {zone.kind.value.lower().replace('_', '-')}"
    parts = []
    rings = [piece for piece in pieces if piece.closed]
    if rings:
        parts.append(element("path", d=path_data(rings, projection), class_="area"))
    for piece in pieces:
        if piece.closed:
            continue
        data = path_data([piece], projection)
        if piece.half_width_m > 0.0:
            width = 2.0 * projection.length(piece.half_width_m, piece.vectors[len(piece.vectors) // 2])
            parts.append(element("path", d=data, class_="wide", stroke_width=f"{width:.0f}"))
        parts.append(element("path", d=data, class_="way"))
    return element("g", element("title", text(item_text(item))), *parts, id=item_key(item), class_=f"record {kind}")


def _place(index: int, met: Met, areas: list[Piece], projection: Projection) -> Markup:
    """Return the place of one finding: its outline, and a dot that is seen however small the outline is."""
    rings = [piece for piece in areas if len(piece.vectors) > 2]
    data = path_data(rings, projection) if rings else ""
    middle = areas[0].vectors.mean(axis=0)
    dot = line_data(projection.steps_of((middle / np.linalg.norm(middle))[None]), closed=False)
    kind = "advisory" if met.advisory else met.severity.value.lower()
    name = f"{index + 1}: {item_text(met.a)} / {item_text(met.b)}"
    return element(
        "g",
        element("title", text(name)),
        element("path", d=data or dot, class_="region"),
        element("path", d=dot, class_="dot"),
        id=f"p{index}",
        class_=f"place {kind}",
        data_finding=index,
    )


def _hatch(projection: Projection) -> Markup:
    lines = element("path", d="M0 8L8 0M-2 2L2-2M6 10L10 6", class_="hatch-line")
    pattern = element(
        "pattern",
        lines,
        id="hatch",
        width=8,
        height=8,
        patternUnits="userSpaceOnUse",
        patternTransform=f"scale({projection.steps})",
    )
    return element("defs", pattern)


def _scale_bar(projection: Projection) -> Markup:
    """Return a bar of a round length, in the lower right corner."""
    metres = 180 * projection.point_m
    size = 10.0 ** math.floor(math.log10(metres))
    length = next(size * step for step in (5, 2, 1) if size * step <= metres)
    points = length / projection.point_m
    said = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    bar = element("path", d=f"M0-5V0H{points:.1f}V-5", id="bar")
    return element(
        "g",
        bar,
        element("text", text(said), id="bar-text", x=4, y=-8),
        class_="scale-bar",
        transform=f"translate(16 {HEIGHT - 14})",
    )
