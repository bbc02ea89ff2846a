"""GeoDataFrames in and out: the same volumes, the same findings, and every bad row named."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Mapping
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Circle, Corridor, Polygon
from clearline.sky import Columns, Sky, columns_from_geodataframe, describe, load_rules, prepare
from clearline.sky.frames import lng_lat_area
from tests.sky.shapes import INTERSECT, THREES, circle, corridor, polygon, volume

START = pd.Timestamp("2026-06-01T10:00:00Z")
SQUARE = shapely.Polygon([(8.0, 47.0), (8.02, 47.0), (8.02, 47.02), (8.0, 47.02)])
HOLE = shapely.Polygon(SQUARE.exterior, [[(8.005, 47.005), (8.015, 47.005), (8.015, 47.015), (8.005, 47.015)]])


def frame(geometries: list[shapely.Geometry | None], crs: str | None = "EPSG:4326", **more: object) -> Any:
    count = len(geometries)
    table = {
        "low": [100.0] * count,
        "high": [200.0] * count,
        "from": pd.Series([START] * count),
        "to": pd.Series([START + pd.Timedelta(hours=1)] * count),
        "name": [f"row {k}" for k in range(count)],
        **more,
    }
    return geopandas.GeoDataFrame(table, geometry=geometries, crs=crs)


def columns(source: Any, **changed: Any) -> Columns:
    said: Mapping[str, Any] = {
        "lower": "low",
        "upper": "high",
        "start": "from",
        "end": "to",
        "radius_m": 300.0,
        "width_m": 100.0,
        **changed,
    }
    return columns_from_geodataframe(source, **said)


def refused(run: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run()
    return caught.value


def test_rows_are_what_the_wire_would_say() -> None:
    """Polygon, point and line become the same numbers as `prepare` gives; holes are filled."""
    line = shapely.LineString([(8.0, 47.0), (8.1, 47.05), (8.2, 47.0)])
    made = columns(frame([SQUARE, shapely.Point(8.0, 47.0), line, HOLE, shapely.MultiPolygon([SQUARE])]))
    window = (START.value // 1_000_000, START.value // 1_000_000 + 3_600_000)
    outlines: tuple[Polygon | Circle | Corridor, ...] = (
        polygon((47.0, 8.0), (47.0, 8.02), (47.02, 8.02), (47.02, 8.0)),
        circle(47.0, 8.0, 300.0),
        corridor(50.0, (47.0, 8.0), (47.05, 8.1), (47.0, 8.2)),
    )
    for place, outline in enumerate(outlines):
        said = prepare([volume(outline, band=(100.0, 200.0), window_ms=window)])
        assert describe(made.prepared(place), said, INTERSECT) == describe(said, said, INTERSECT)
        assert made.prepared(place).packed == said.packed
    assert made.prepared(3).packed == made.prepared(0).packed == made.prepared(4).packed
    assert made.places.tolist() == [0, 1, 2, 3, 4]
    assert made.refused == ()


def test_coordinates_are_converted_and_a_frame_must_say_in_which_they_are() -> None:
    source = frame([SQUARE])
    there = columns(source.to_crs("EPSG:3035"))
    assert np.allclose(there.vectors, columns(source).vectors, atol=1e-12)
    assert refused(lambda: columns(frame([SQUARE], crs=None))).field == "crs"
    assert len(columns(frame([]))) == 0


def test_times_have_a_zone_and_are_rounded_outward() -> None:
    """R14: no naive time; another zone is the same instant; parts of a millisecond make the window longer."""
    source = frame([SQUARE])
    local = source.assign(**{"from": source["from"].dt.tz_convert("Asia/Kathmandu")})
    assert (columns(local).ints == columns(source).ints).all()
    naive = refused(lambda: columns(source.assign(to=source["to"].dt.tz_localize(None))))
    assert (naive.code, naive.field) == (RefusalCode.MALFORMED, "end")
    odd = columns(
        source, start=START + pd.Timedelta(nanoseconds=1_500_000), end=START + pd.Timedelta(nanoseconds=2_500_000)
    )
    assert (odd.ints[0, 4:6] - START.value // 1_000_000).tolist() == [1, 3]
    assert refused(lambda: columns(source, start="when")).field == "start"
    assert refused(lambda: columns(source, start="2026-06-01 10:00")).allowed.startswith("timestamps with a zone")


def test_bad_rows_are_refused_by_label_or_collected() -> None:
    """Every way in which a row can be bad, beside good ones: the good ones stay, and know their places."""
    bow = shapely.Polygon([(8.0, 47.0), (8.02, 47.02), (8.02, 47.0), (8.0, 47.02)])
    two = shapely.MultiPolygon([SQUARE, shapely.affinity.translate(SQUARE, 1.0)])
    geometries = [SQUARE, None, shapely.Polygon(), two, bow, shapely.Point(8.0, 47.0), SQUARE, SQUARE, SQUARE]
    source = frame(geometries).set_index("name")
    source.loc["row 6", "low"] = math.nan
    source.loc["row 7", "low"] = 900.0
    source.loc["row 8", "to"] = pd.NaT
    made = columns(source, radius_m=None, errors="collect")
    assert made.places.tolist() == [0]
    assert [(place, refusal.code) for place, refusal in made.refused] == [
        (1, RefusalCode.SHAPE_MISSING),
        (2, RefusalCode.SHAPE_MISSING),
        (3, RefusalCode.SHAPE_MISSING),
        (4, RefusalCode.RING_CROSSES),
        (5, RefusalCode.SHAPE_MISSING),
        (6, RefusalCode.OUT_OF_RANGE),
        (7, RefusalCode.ALTITUDE_ORDER),
        (8, RefusalCode.OUT_OF_RANGE),
    ]
    assert all(refusal.field.startswith(f"rows['row {place}'].") for place, refusal in made.refused)
    assert "explode" in made.refused[2][1].allowed
    first = refused(lambda: columns(source))
    assert (first.code, first.field) == (RefusalCode.SHAPE_MISSING, "rows['row 1'].geometry")
    assert refused(lambda: columns(source, upper="height")).field == "upper"
    assert refused(lambda: columns(source.assign(low="high"))).field == "lower"


def test_findings_become_rows_with_the_area_that_meets() -> None:
    """From a frame, through a sky, to a frame: query, handle, when, how near, and where."""
    points = [shapely.Point(8.0, 47.0), shapely.Point(8.003, 47.0), shapely.Point(9.0, 47.0)]
    made = columns(frame(points))
    sky = Sky(load_rules("intersect"))
    sky.add_columns(made, np.array([10, 20, 30]))
    table = sky.pairs()
    assert [(each.query, each.handle, each.certain) for each in table.records()] == [(10, 20, True)]
    out = table.to_geodataframe(made, handles_a=np.array([10, 20, 30]))
    (row,) = out.to_dict("records")
    assert (row["query"], row["handle"], row["severity"], row["certain"]) == (10, 20, "CONFLICT", True)
    assert (row["start"], row["closer"]) == (START, pd.Timedelta(hours=1))
    assert (row["lateral_m"], row["vertical_m"], row["lower_w84_m"], row["upper_w84_m"]) == (0.0, 0.0, 100.0, 200.0)
    assert (row["rule_id"], row["rule_version"]) == ("intersect", sky.rules.version)
    assert out.crs == "EPSG:4326"
    assert shapely.Point(8.0015, 47.0).within(row["geometry"])
    asked = sky.findings_of(made)
    assert len(asked) == 5
    twice = asked.to_geodataframe(made, made, handles_b=np.array([10, 20, 30]))
    assert twice["query"].tolist() == [0, 0, 1, 1, 2]
    assert twice.geometry.notna().all()
    arrays = asked.to_arrays()
    assert sorted(arrays) == ["certain", "closer_ms", "from_ms", "handle", "query", "severity", "until_ms"]
    assert all(len(each) == 5 for each in arrays.values())
    none = Sky(THREES).pairs().to_geodataframe(made)
    assert (len(none), none.crs) == (0, "EPSG:4326")


def test_areas_are_cut_at_180_degrees_and_closed_over_a_pole() -> None:
    """RFC 7946: a ring over the antimeridian is two polygons; one around a pole reaches up to it."""
    for lng in (179.99, -179.99, 180.0):
        a = prepare([volume(circle(-17.0, lng, 5_000.0))])
        meeting = describe(a, a, INTERSECT)
        assert meeting is not None
        area = lng_lat_area(meeting.area)
        assert area.is_valid
        assert len(area.geoms) == 2
        assert area.area == pytest.approx(math.pi * (5.0 / 111.2) ** 2 / math.cos(math.radians(17.0)), rel=0.02)
    for lat, pole in ((89.99, 90.0), (-90.0, -90.0)):
        cap = prepare([volume(circle(lat, 40.0, 5_000.0))])
        meeting = describe(cap, cap, INTERSECT)
        assert meeting is not None
        area = lng_lat_area(meeting.area)
        assert area.is_valid
        assert area.bounds[0] == pytest.approx(-180.0)
        assert area.bounds[2] == pytest.approx(180.0)
        assert area.covers(shapely.Point(77.0, pole))


def test_without_geopandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def no_geopandas(name: str, *rest: Any) -> Any:
        if name == "geopandas":
            raise ImportError(name)
        return found(name, *rest)

    source = frame([SQUARE])
    monkeypatch.setattr(builtins, "__import__", no_geopandas)
    with pytest.raises(ImportError, match=r"pip install clearline\[frames\]"):
        columns(source)
