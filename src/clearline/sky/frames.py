"""GeoDataFrames in and out: rows to volumes, findings to rows. Needs geopandas: `pip install clearline[frames]`.

Rules
 * A polygon is its outer ring, with its holes filled: what is drawn as a hole is no promise to stay out of it. A point
   needs a radius, a line a width. Heights of coordinates are left out: the band is said by `lower` and `upper`.
 * Coordinates are converted to longitude and latitude WGS84. A frame that does not say its CRS is refused.
 * Times have a zone. They are rounded outward to milliseconds, so that no window becomes shorter.
 * A bad row is refused with its label, or left out and listed, as the caller wants; it never spoils the others.

Source: RFC 7946 (rings at the antimeridian are cut); practice.md R13, R14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from clearline.model.message import Severity
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import LatLngPoint
from clearline.sky.columns import Columns
from clearline.sky.finding import Meeting
from clearline.sky.kernel_shape import CORRIDOR, POINT, POLYGON, Floats, Ints
from clearline.sky.meeting import describe
from clearline.sky.prepared import Prepared

if TYPE_CHECKING:
    from clearline.sky.result import FindingTable

__all__ = ["columns_from_geodataframe", "geodataframe_of", "lng_lat_area"]

Frame = Any
"""A GeoDataFrame: geopandas and pandas have no types."""

_WGS84: Final = "EPSG:4326"
_KINDS: Final = {0: POINT, 1: CORRIDOR, 3: POLYGON}
"""Kinds of outline by shapely's numbers for Point, LineString and Polygon."""
_MULTI: Final = (4, 5, 6)
_NO_TIME: Final = np.iinfo(np.int64).min


def columns_from_geodataframe(
    frame: Frame,
    *,
    lower: str | float,
    upper: str | float,
    start: object,
    end: object,
    radius_m: str | float | None = None,
    width_m: str | float | None = None,
    reference: str = "W84",
    upper_reference: str | None = None,
    errors: Literal["refuse", "collect"] = "refuse",
) -> Columns:
    """Return one volume for each row of a GeoDataFrame of polygons, points with a radius and lines with a width.

    `lower`, `upper` [m], `start`, `end`, `radius_m` of points and `width_m` of lines (the whole width) are each the
    name of a column, or one value for all rows. Times are pandas timestamps with a zone.

    `columns.places` are the rows' places in the frame (`frame.iloc`). With errors="collect" bad rows are left out and
    listed in `columns.refused` as (place in the frame, refusal).

    Raises:
        Refusal: as `Columns.from_arrays`, and SHAPE_MISSING; the field is `rows[label]...`. MALFORMED for a frame
            without a CRS, times without a zone, or a column that is not there.
        ImportError: geopandas is not installed.
    """
    _geopandas()
    if frame.crs is None:
        raise Refusal(
            RefusalCode.MALFORMED, field="crs", found="none", allowed='a CRS: frame.set_crs("EPSG:4326") for lng/lat'
        )
    count = len(frame)
    placed = frame.geometry.to_crs(_WGS84).to_numpy() if count else np.empty(0, dtype=object)
    shapes, kinds, bad = _outlines_of(placed)
    radii = _radii(frame, kinds, bad, radius_m, width_m)
    starts, ends = _times(frame, "start", start), _times(frame, "end", end)
    for name, times in (("start", starts), ("end", ends)):
        bad.update(
            (row, Refusal(RefusalCode.OUT_OF_RANGE, field=name, found="no time", allowed="a time"))
            for row in np.flatnonzero(times == _NO_TIME).tolist()
        )
    lat, lng, offsets = _vertices(shapes, kinds)
    made = Columns.from_arrays(
        lat,
        lng,
        offsets,
        kind=np.where(kinds < 0, POLYGON, kinds),
        radius_m=radii,
        lower_m=_numbers(frame, "lower", lower),
        upper_m=_numbers(frame, "upper", upper),
        # Rounded outward; nanoseconds are what pandas has at most.
        start_ms=np.where(starts == _NO_TIME, 0, starts // 1_000_000),
        end_ms=np.where(ends == _NO_TIME, 1, -(-ends // 1_000_000)),
        reference=reference,
        upper_reference=upper_reference,
        errors="collect",
    )
    labels = frame.index
    for place, refusal in made.refused:
        bad.setdefault(place, _without_prefix(refusal, place))
    named = tuple((place, bad[place].within(f"rows[{labels[place]!r}]")) for place in sorted(bad))
    if named and errors == "refuse":
        raise named[0][1]
    keep = ~np.isin(made.places, np.array(list(bad), dtype=np.int64))
    kept = made.taken(keep)
    return Columns(kept.records, kept.ints, kept.vectors, kept.first, kept.places, named)


def geodataframe_of(
    table: FindingTable,
    columns_a: Columns,
    columns_b: Columns | None = None,
    *,
    handles_a: Ints | None = None,
    handles_b: Ints | None = None,
) -> Frame:
    """Return a GeoDataFrame with a row for each finding: when, how near, how certain, and the area, cut at 180 degrees.

    `table.query` and `table.handle` are places in `columns_a` and `columns_b` (the same where there is one), or what
    `handles_a` and `handles_b` hold at those places. A row that the general rule does not find (classes have others)
    has no area.

    Raises:
        ImportError: geopandas is not installed.
    """
    geopandas = _geopandas()
    import pandas as pd

    other = columns_a if columns_b is None else columns_b
    other_handles = handles_a if columns_b is None and handles_b is None else handles_b
    one_side, other_side = _Side(columns_a, handles_a), _Side(other, other_handles)
    meetings = [
        describe(one_side[query], other_side[handle], table.rules)
        for query, handle in zip(table.query.tolist(), table.handle.tolist(), strict=True)
    ]
    rows = {
        "query": table.query,
        "handle": table.handle,
        "severity": [(Severity.CONFLICT if each else Severity.BRIEF).value for each in table.conflict.tolist()],
        "certain": table.certain,
        "start": pd.to_datetime(table.from_ms, unit="ms", utc=True),
        "end": pd.to_datetime(table.until_ms, unit="ms", utc=True),
        "closer": pd.to_timedelta(table.closer_ms, unit="ms"),
        "lateral_m": _column(meetings, "lateral_m_min"),
        "vertical_m": _column(meetings, "vertical_m_min"),
        "lower_w84_m": _column(meetings, "band_lower_w84_m"),
        "upper_w84_m": _column(meetings, "band_upper_w84_m"),
        "rule_id": [table.rules.rule_id] * len(table),
        "rule_version": [table.rules.version] * len(table),
    }
    areas = [
        None if each is None else shapely.union_all([lng_lat_area(ring) for ring in each.areas]) for each in meetings
    ]
    return geopandas.GeoDataFrame(rows, geometry=areas, crs=_WGS84)


def lng_lat_area(ring: tuple[LatLngPoint, ...]) -> Any:
    """Return a ring as a geometry in longitude and latitude, cut where it crosses 180 degrees, closed over a pole."""
    lats = np.array([point.lat for point in ring])
    lngs = np.array([point.lng for point in ring])
    steps = np.diff(np.append(lngs, lngs[0]))
    steps -= 360.0 * np.round(steps / 360.0)
    unrolled = lngs[0] + np.concatenate([[0.0], np.cumsum(steps)])
    lats = np.append(lats, lats[0])
    if abs(unrolled[-1] - unrolled[0]) > 180.0:
        pole = 90.0 if lats.sum() > 0.0 else -90.0
        unrolled = np.append(unrolled, [unrolled[-1], unrolled[0]])
        lats = np.append(lats, [pole, pole])
    area = shapely.polygons(np.column_stack([unrolled, lats]))
    if unrolled.min() >= -180.0 and unrolled.max() <= 180.0:
        return area
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        part = shapely.intersection(area, shapely.box(turn - 180.0, -90.0, turn + 180.0, 90.0))
        parts.append(shapely.transform(part, lambda at, turn=turn: at - [turn, 0.0]))
    return shapely.union_all(parts)


class _Side:
    """The volumes of one side of a table, each prepared once."""

    def __init__(self, columns: Columns, handles: Ints | None) -> None:
        self.columns = columns
        self.places = None if handles is None else {each: place for place, each in enumerate(handles.tolist())}
        self.known: dict[int, Prepared] = {}

    def __getitem__(self, handle: int) -> Prepared:
        if handle not in self.known:
            self.known[handle] = self.columns.prepared(handle if self.places is None else self.places[handle])
        return self.known[handle]


def _column(meetings: list[Meeting | None], name: str) -> Floats:
    values = [np.nan if each is None else getattr(each, name) for each in meetings]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _geopandas() -> Any:
    try:
        import geopandas
    except ImportError:
        raise ImportError("GeoDataFrames need geopandas: pip install clearline[frames]") from None
    return geopandas


def _outlines_of(placed: NDArray[np.object_]) -> tuple[NDArray[np.object_], Ints, dict[int, Refusal]]:
    """Return points, lines and outer rings, their kinds (-1 for none), and the rows that have none."""
    shapes = placed.copy()
    numbers = shapely.get_type_id(shapes)
    single = np.isin(numbers, _MULTI) & (shapely.get_num_geometries(shapes) == 1)
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    numbers = shapely.get_type_id(shapes)
    kinds = np.full(len(shapes), -1, dtype=np.int64)
    bad: dict[int, Refusal] = {}
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    for number, kind in _KINDS.items():
        kinds[(numbers == number) & ~empty] = kind
    for row in np.flatnonzero(kinds < 0).tolist():
        found = "no geometry" if empty[row] else shapes[row].geom_type
        hint = "; frame.explode() makes a row of each part" if numbers[row] in _MULTI else ""
        bad[row] = Refusal(
            RefusalCode.SHAPE_MISSING,
            field="geometry",
            found=found,
            allowed=f"a Polygon, Point or LineString{hint}",
        )
    rings = kinds == POLYGON
    shapes[rings] = shapely.get_exterior_ring(shapes[rings])
    return shapes, kinds, bad


def _radii(
    frame: Frame, kinds: Ints, bad: dict[int, Refusal], radius_m: str | float | None, width_m: str | float | None
) -> Floats:
    """Return the radius of each point and half the width of each line; rows that need one that is not said are bad."""
    radii = np.zeros(len(frame))
    for kind, name, value, share in ((POINT, "radius_m", radius_m, 1.0), (CORRIDOR, "width_m", width_m, 0.5)):
        rows = np.flatnonzero(kinds == kind)
        if value is None:
            bad.update((row, _missing(name)) for row in rows.tolist())
            kinds[rows] = -1
        else:
            radii[rows] = share * _numbers(frame, name, value)[rows]
    return radii


def _missing(name: str) -> Refusal:
    what = "a Point" if name == "radius_m" else "a LineString"
    return Refusal(
        RefusalCode.SHAPE_MISSING, field="geometry", found=f"{what} and no {name}", allowed=f"{what} with {name}"
    )


def _vertices(shapes: NDArray[np.object_], kinds: Ints) -> tuple[Floats, Floats, Ints]:
    """Return latitudes, longitudes and where each row's begin; rings without their closing vertex, bad rows empty."""
    told = shapes.copy()
    told[kinds < 0] = None
    places, rows = shapely.get_coordinates(told, return_index=True)
    last = np.ones(len(rows), dtype=bool)
    last[:-1] = rows[1:] != rows[:-1]
    keep = ~(last & (kinds[rows] == POLYGON))
    counts = np.bincount(rows[keep], minlength=len(kinds))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return places[keep, 1], places[keep, 0], offsets


def _numbers(frame: Frame, name: str, value: str | float) -> Floats:
    if not isinstance(value, str):
        return np.full(len(frame), float(value))
    _check_column(frame, name, value)
    try:
        return np.asarray(frame[value].to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        raise Refusal(RefusalCode.MALFORMED, field=name, found=f"{value}: no numbers", allowed="metres") from None


def _times(frame: Frame, name: str, value: object) -> Ints:
    """Return nanoseconds since 1970 UTC."""
    import pandas as pd

    if isinstance(value, str) and value in frame.columns:
        series = frame[value]
    else:
        try:
            series = pd.Series([pd.Timestamp(value)] * len(frame), index=frame.index)
        except (TypeError, ValueError):
            raise Refusal(
                RefusalCode.MALFORMED, field=name, found=value, allowed="the name of a column, or a time with a zone"
            ) from None
    if len(series) and not isinstance(series.dtype, pd.DatetimeTZDtype):
        raise Refusal(
            RefusalCode.MALFORMED,
            field=name,
            found=f"{series.dtype}",
            allowed='timestamps with a zone: frame[column].dt.tz_localize("UTC")',
        )
    if not len(series):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(series.dt.tz_convert("UTC").dt.as_unit("ns").astype("int64").to_numpy())


def _check_column(frame: Frame, name: str, value: str) -> None:
    if value not in frame.columns:
        raise Refusal(RefusalCode.MALFORMED, field=name, found=value, allowed="a number, or the name of a column")


def _without_prefix(refusal: Refusal, place: int) -> Refusal:
    field = refusal.field.removeprefix(f"volumes[{place}]").removeprefix(".")
    return Refusal(refusal.code, field=field, found=refusal.found, allowed=refusal.allowed)
