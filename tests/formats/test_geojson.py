"""GeoJSON, rule by rule of the module's docstring, and its round trip."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.formats import geojson
from clearline.formats.record import Reading, Record
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.identity import AircraftClass
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Volume4D
from tests.formats.volume_strategies import volumes

RING = [[8.0, 47.0], [8.1, 47.0], [8.1, 47.1], [8.0, 47.0]]


def feature(geometry: Any = None, **changes: Any) -> dict[str, Any]:
    properties = {
        "name": "Alpha",
        "lower": 100,
        "upper": 500,
        "start": "2026-11-22T14:00:00Z",
        "end": "2026-11-22T15:00:00Z",
    }
    properties |= changes
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [RING]} if geometry is None else geometry,
        "properties": {name: value for name, value in properties.items() if value is not ...},
    }


def read(*features: Any) -> Reading:
    return geojson.read(json.dumps({"type": "FeatureCollection", "features": list(features)}).encode())


def one(given_feature: Any) -> Record:
    reading = read(given_feature)
    assert not reading.refused, reading.refused
    (record,) = reading.records
    return record


def test_polygon_is_read_without_its_closing_vertex() -> None:
    record = one(feature())
    shape = record.volumes[0].volume
    assert shape.outline_polygon == Polygon((LatLngPoint(47.0, 8.0), LatLngPoint(47.0, 8.1), LatLngPoint(47.1, 8.1)))
    assert shape.altitude_lower == Altitude(100.0, AltitudeReference.W84, AltitudeUnits.M)
    assert (record.place, record.title) == ("features[0]", "Alpha")


def test_point_is_a_circle() -> None:
    shape = one(feature({"type": "Point", "coordinates": [8.0, 47.0]}, radius_m=250)).volumes[0].volume
    assert shape.outline_circle == Circle(LatLngPoint(47.0, 8.0), Radius(250.0))


def test_line_is_a_corridor_of_half_the_width() -> None:
    line = {"type": "LineString", "coordinates": [[8.0, 47.0], [8.1, 47.0]]}
    shape = one(feature(line, width_m=1000)).volumes[0].volume
    assert shape.outline_corridor == Corridor((LatLngPoint(47.0, 8.0), LatLngPoint(47.0, 8.1)), Radius(500.0))


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "MultiPolygon", "coordinates": [[RING], [RING]]},
        {"type": "MultiPoint", "coordinates": [[8.0, 47.0], [9.0, 47.0]]},
        {"type": "MultiLineString", "coordinates": [[[8, 47], [8.1, 47]], [[8, 48], [8.1, 48]]]},
    ],
)
def test_multi_geometry_is_several_volumes(geometry: dict[str, Any]) -> None:
    assert len(one(feature(geometry, radius_m=10, width_m=10)).volumes) == 2


@pytest.mark.parametrize(
    "source, reference",
    [("FL180", "FL"), ("3000 ft AMSL", "AMSL"), ("120 m AGL", "AGL"), ("500 m W84", "W84"), ("2500 ft QNH", "QNH")],
)
def test_altitude_text(source: str, reference: str) -> None:
    shape = one(feature(lower=source, upper=source)).volumes[0].volume
    assert shape.altitude_upper.reference == AltitudeReference(reference)


def test_title_is_name_then_id_then_number() -> None:
    assert one({**feature(), "id": 7}).title == "Alpha"
    assert one({**feature(name=...), "id": 7}).title == "7"
    assert one(feature(name=...)).title == "feature 1"
    assert one(feature(name=" ")).title == "feature 1"
    assert one(feature(name=True)).title == "feature 1"
    assert one(feature(name="a\x1b[31m\nb" * 60)).title.isprintable()
    assert len(one(feature(name="x" * 1000)).title) <= 60


def test_class_and_priority_are_taken_where_said() -> None:
    record = one(feature(aircraft_class="UNMANNED", priority=7))
    assert (record.aircraft_class, record.priority) == (AircraftClass.UNMANNED, 7)
    assert (one(feature()).aircraft_class, one(feature()).priority) == (None, None)


def test_features_of_one_notice_are_joined() -> None:
    reading = read(feature(notice="N1"), feature(), feature(notice="N1", lower=600, upper=700))
    assert [(record.title, len(record.volumes)) for record in reading.records] == [("Alpha", 2), ("Alpha", 1)]


BAD: list[tuple[str, Any, str, RefusalCode, str]] = [
    ("no feature", 5, "type", RefusalCode.MALFORMED, "Feature"),
    ("a geometry only", {"type": "Point", "coordinates": [1, 2]}, "type", RefusalCode.MALFORMED, "Feature"),
    ("no geometry", {**feature(), "geometry": None}, "geometry", RefusalCode.SHAPE_MISSING, "Polygon"),
    ("no properties", {**feature(), "properties": None}, "properties", RefusalCode.MALFORMED, "lower"),
    ("a collection", feature({"type": "GeometryCollection"}), "geometry.type", RefusalCode.SHAPE_MISSING, "Polygon"),
    ("no coordinates", feature({"type": "Polygon"}), "geometry.coordinates", RefusalCode.SHAPE_MISSING, "coordinates"),
    (
        "a hole",
        feature({"type": "Polygon", "coordinates": [RING, RING]}),
        "geometry.coordinates[1]",
        RefusalCode.RING_INVALID,
        "without holes",
    ),
    (
        "an open ring",
        feature({"type": "Polygon", "coordinates": [[*RING[:3], [8.0, 47.2]]]}),
        "geometry.coordinates[0][3]",
        RefusalCode.RING_INVALID,
        "equal to the first",
    ),
    (
        "a ring of two",
        feature({"type": "Polygon", "coordinates": [[RING[0], RING[1], RING[0]]]}),
        "geometry.coordinates[0]",
        RefusalCode.RING_INVALID,
        "4 or more",
    ),
    (
        "a vertex twice",
        feature({"type": "Polygon", "coordinates": [[RING[0], RING[1], RING[1], RING[2], RING[0]]]}),
        "geometry.coordinates[0][2]",
        RefusalCode.RING_INVALID,
        "neighbours",
    ),
    (
        "swapped",
        feature({"type": "Point", "coordinates": [47.0, -122.0]}, radius_m=1),
        "geometry.coordinates[1]",
        RefusalCode.OUT_OF_RANGE,
        "look swapped",
    ),
    (
        "longitude 181",
        feature({"type": "Point", "coordinates": [181.0, 47.0]}, radius_m=1),
        "geometry.coordinates[0]",
        RefusalCode.OUT_OF_RANGE,
        "antimeridian",
    ),
    (
        "text for a number",
        feature({"type": "Point", "coordinates": ["8", 47.0]}, radius_m=1),
        "geometry.coordinates",
        RefusalCode.MALFORMED,
        "longitude, latitude",
    ),
    (
        "no radius",
        feature({"type": "Point", "coordinates": [8.0, 47.0]}),
        "properties.radius_m",
        RefusalCode.MALFORMED,
        "metres",
    ),
    (
        "radius 0",
        feature({"type": "Point", "coordinates": [8.0, 47.0]}, radius_m=0),
        "properties.radius_m",
        RefusalCode.OUT_OF_RANGE,
        "more than 0",
    ),
    (
        "width as flag",
        feature({"type": "LineString", "coordinates": [[8, 47], [9, 47]]}, width_m=True),
        "properties.width_m",
        RefusalCode.MALFORMED,
        "metres",
    ),
    (
        "a line of one",
        feature({"type": "LineString", "coordinates": [[8, 47]]}, width_m=5),
        "geometry.coordinates",
        RefusalCode.RING_INVALID,
        "2 or more",
    ),
    (
        "10,001 vertices",
        feature({"type": "LineString", "coordinates": [[i / 1000, 4] for i in range(10_001)]}, width_m=5),
        "geometry.coordinates",
        RefusalCode.OVER_LIMIT,
        "10000",
    ),
    ("no lower", feature(lower=...), "properties.lower", RefusalCode.OUT_OF_RANGE, "FL180"),
    ("no reference", feature(lower="300 ft"), "properties.lower", RefusalCode.OUT_OF_RANGE, "FL180"),
    ("lower as list", feature(lower=[1]), "properties.lower", RefusalCode.OUT_OF_RANGE, "FL180"),
    ("lower over upper", feature(lower=600), "properties.lower", RefusalCode.ALTITUDE_ORDER, "at or below"),
    ("no zone", feature(start="2026-11-22T14:00:00"), "properties.start", RefusalCode.OUT_OF_RANGE, "zone"),
    ("start as number", feature(start=5), "properties.start", RefusalCode.OUT_OF_RANGE, "RFC 3339"),
    ("no end", feature(end=...), "properties.end", RefusalCode.OUT_OF_RANGE, "RFC 3339"),
    ("end first", feature(end="2026-11-22T13:00:00Z"), "properties.end", RefusalCode.TIME_ORDER, "after"),
    ("a year too long", feature(end="2028-11-22T13:00:00Z"), "properties.end", RefusalCode.OVER_LIMIT, "366"),
    ("odd class", feature(aircraft_class="X"), "properties.aircraft_class", RefusalCode.OUT_OF_RANGE, "MANNED"),
    ("odd priority", feature(priority=101), "properties.priority", RefusalCode.OUT_OF_RANGE, "0 to 100"),
    ("notice no text", feature(notice=5), "properties.notice", RefusalCode.MALFORMED, "text"),
    (
        "65 parts",
        feature({"type": "MultiPoint", "coordinates": [[8, 47]] * 65}, radius_m=5),
        "geometry.coordinates",
        RefusalCode.OVER_LIMIT,
        "64",
    ),
    (
        "no ring",
        feature({"type": "MultiPolygon", "coordinates": [[RING], 5]}),
        "geometry.coordinates[1]",
        RefusalCode.SHAPE_MISSING,
        "one ring",
    ),
    (
        "no positions",
        feature({"type": "MultiLineString", "coordinates": [5]}, width_m=5),
        "geometry.coordinates[0]",
        RefusalCode.MALFORMED,
        "positions",
    ),
    (
        "10,002 positions",
        feature({"type": "LineString", "coordinates": [[i / 1000, 4] for i in range(10_002)]}, width_m=5),
        "geometry.coordinates",
        RefusalCode.OVER_LIMIT,
        "10000",
    ),
    (
        "odd object for lower",
        feature(lower={"value": 1, "reference": "MSL", "units": "M"}),
        "properties.lower.reference",
        RefusalCode.OUT_OF_RANGE,
        "W84, AMSL",
    ),
    (
        "other reference system",
        {**feature(), "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}},
        "crs",
        RefusalCode.UNKNOWN_FORMAT,
        "WGS84",
    ),
]


@pytest.mark.parametrize("bad, field, code, allowed", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_feature_is_named_and_the_rest_is_kept(bad: Any, field: str, code: RefusalCode, allowed: str) -> None:
    reading = read(feature(), bad, feature())
    assert len(reading.records) == 2
    (refused,) = reading.refused
    assert refused.place == "features[1]"
    assert (refused.refusal.field, refused.refusal.code) == (field, code)
    assert allowed in refused.refusal.allowed


@pytest.mark.parametrize(
    "number, field",
    [("NaN", "geometry.coordinates[0]"), ("Infinity", "geometry.coordinates[0]"), ("1e999", "geometry.coordinates[0]")],
)
def test_numbers_that_are_none_spoil_only_their_feature(number: str, field: str) -> None:
    bad = json.dumps(feature({"type": "Point", "coordinates": [12345, 47.0]}, radius_m=1)).replace("12345", number)
    source = f'{{"type": "FeatureCollection", "features": [{bad}, {json.dumps(feature())}]}}'
    reading = geojson.read(source.encode())
    assert len(reading.records) == 1
    assert reading.refused[0].refusal.code is RefusalCode.OUT_OF_RANGE
    assert reading.refused[0].refusal.field == field


def test_a_name_twice_is_refused_in_its_feature() -> None:
    bad = json.dumps(feature()).replace('"lower": 100', '"lower": 100, "lower": 0')
    reading = geojson.read(f'{{"type": "FeatureCollection", "features": [{bad}]}}'.encode())
    assert reading.refused[0].refusal.code is RefusalCode.DUPLICATE_FIELD
    assert reading.refused[0].refusal.field == "properties.lower"


def test_a_deep_feature_is_refused() -> None:
    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    reading = read(feature(style=nested), feature())
    assert (len(reading.records), reading.refused[0].refusal.code) == (1, RefusalCode.OVER_LIMIT)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Polygon", "coordinates": [RING]},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": 1},
    ],
)
def test_a_file_without_features_is_refused_whole(document: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        geojson.read(json.dumps(document).encode())
    assert caught.value.code in {RefusalCode.UNKNOWN_FORMAT, RefusalCode.MALFORMED}


def test_a_single_feature_is_a_file() -> None:
    assert geojson.read(json.dumps(feature()).encode()).records[0].place == "feature"


def test_fields_of_the_model_are_told_as_places_in_the_file() -> None:
    record = one(feature({"type": "MultiPolygon", "coordinates": [[RING], [RING]]}))
    inner = "volumes[1].volume.outline_polygon.vertices"
    assert record.field_in_file(f"{inner}[2]") == "geometry.coordinates[1][0][2]"
    assert record.field_in_file(inner) == "geometry.coordinates[1][0]"
    assert (
        record.field_in_file("volumes[9].volume.outline_polygon.vertices")
        == "volumes[9].volume.outline_polygon.vertices"
    )
    assert record.field_in_file("volumes") == "volumes"


def test_what_has_no_class_and_priority_is_written_without() -> None:
    written = json.loads(geojson.write([one(feature())]))
    assert set(written["features"][0]["properties"]) == {"name", "lower", "upper", "start", "end"}


def test_a_height_that_text_cannot_hold_is_written_as_an_object() -> None:
    level = {"value": 99.123456789012, "reference": "FL", "units": "FL"}
    record = one(feature(lower=level, upper="FL100"))
    properties = json.loads(geojson.write([record]))["features"][0]["properties"]
    assert (properties["lower"], properties["upper"]) == (level, "FL100")


@given(st.lists(st.lists(volumes(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_is_written_is_read_back(notices: list[list[Volume4D]]) -> None:
    records = [
        Record(place="", title="all the same", volumes=tuple(each), aircraft_class=AircraftClass.MIXED, priority=number)
        for number, each in enumerate(notices)
    ]
    reading = geojson.read(geojson.write(records))
    assert not reading.refused
    assert [record.volumes for record in reading.records] == [record.volumes for record in records]
    assert [(record.title, record.aircraft_class, record.priority) for record in reading.records] == [
        (record.title, record.aircraft_class, record.priority) for record in records
    ]
