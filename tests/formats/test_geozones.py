"""ED-269 and ED-318, rule by rule: kinds, limits, shapes, windows, refusals, and any JSON at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearline.formats import ed269, ed318, geojson
from clearline.formats.detect import read_source
from clearline.formats.json_text import parse_json
from clearline.formats.record import FileFormat, Reading, Record
from clearline.model.altitude import altitude_text
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Volume3D
from clearline.model.zone import DAY_MS, Weekday, Zone, ZoneKind, ZoneWindow

RING = [[8.0, 47.0], [8.1, 47.0], [8.1, 47.1], [8.0, 47.1], [8.0, 47.0]]
HOLE = [[8.04, 47.04], [8.06, 47.04], [8.06, 47.06], [8.04, 47.04]]
NOON = "2026-05-28T12:00:00Z"
NOON_MS = 1_779_969_600_000
HOUR = 3_600_000
PERSONAL = "Somebody", "+41 00 000 00 00", "desk@example.invalid"


def airspace_volume(**changes: Any) -> dict[str, Any]:
    said = {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 120,
        "upperVerticalReference": "AGL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
    } | changes
    return {name: value for name, value in said.items() if value is not ...}


def zone269(**changes: Any) -> dict[str, Any]:
    said = {
        "identifier": "CHE-X1",
        "country": "CHE",
        "name": "Example",
        "type": "COMMON",
        "restriction": "PROHIBITED",
        "applicability": [{"permanent": "YES"}],
        "zoneAuthority": [{"contactName": PERSONAL[0], "phone": PERSONAL[1], "email": PERSONAL[2]}],
        "geometry": [airspace_volume()],
    } | changes
    return {name: value for name, value in said.items() if value is not ...}


def layer(**changes: Any) -> dict[str, Any]:
    return {"upper": 120, "upperReference": "AGL", "lower": 0, "lowerReference": "AGL", "uom": "m"} | changes


def zone318(geometry: Any = None, **changes: Any) -> dict[str, Any]:
    said = {
        "identifier": "SEX1",
        "name": [{"text": "Exempel", "lang": "se-SE"}, {"text": "Example", "lang": "en-GB"}],
        "type": "PROHIBITED",
        "variant": "COMMON",
        "zoneAuthority": [{"purpose": "INFORMATION", "phone": PERSONAL[1], "email": PERSONAL[2]}],
    } | changes
    shape = {"type": "Polygon", "coordinates": [RING], "layer": layer()} if geometry is None else geometry
    properties = {name: value for name, value in said.items() if value is not ...}
    return {"type": "Feature", "geometry": shape, "properties": properties}


def read(*zones: Any, wrap: str = "features") -> Reading:
    is_318 = any(isinstance(zone, dict) and zone.get("type") == "Feature" for zone in zones)
    plain: Any = {"type": "FeatureCollection", wrap: list(zones)} if is_318 else {wrap: list(zones)}
    return read_source(json.dumps(plain).encode())


def only(*zones: Any) -> Record:
    reading = read(*zones)
    assert not reading.refused, reading.refused
    assert len(reading.records) == 1
    return reading.records[0]


def zone_of(record: Record) -> Zone:
    assert record.zone is not None
    return record.zone


def band(volume: Volume3D) -> tuple[str, str]:
    return altitude_text(volume.altitude_lower), altitude_text(volume.altitude_upper)


# --- telling them apart


def test_each_form_is_told_by_its_content() -> None:
    assert read(zone269()).file_format is FileFormat.ED269
    assert read(zone269(), wrap="UASZoneList").file_format is FileFormat.ED269
    assert read_source(json.dumps([zone269()]).encode()).file_format is FileFormat.ED269
    assert read(zone318()).file_format is FileFormat.ED318
    alone = read_source(json.dumps(zone318()).encode())
    assert (alone.file_format, alone.records[0].place) == (FileFormat.ED318, "feature")
    nested = zone318(...) | {"properties": {"UASZone": zone318()["properties"]}}
    assert ed318.is_ed318({"type": "FeatureCollection", "features": [nested]})


def test_a_geojson_of_notices_is_neither() -> None:
    feature = {"type": "Feature", "geometry": None, "properties": {"name": "A", "identifier": "7", "type": "survey"}}
    plain = {"type": "FeatureCollection", "features": [feature]}
    assert not ed269.is_ed269(plain)
    assert not ed318.is_ed318(plain)
    assert geojson.is_geojson(plain)
    others: tuple[object, ...] = ({"volumes": []}, [], {"features": 5}, None, "features")
    for other in others:
        assert not ed269.is_ed269(other)
        assert not ed318.is_ed318(other)


# --- kinds, names, privacy

KINDS = [
    ("PROHIBITED", ZoneKind.RESTRICTED),
    ("REQ_AUTHORISATION", ZoneKind.RESTRICTED),
    ("REQ_AUTHORIZATION", ZoneKind.RESTRICTED),
    ("req_authorization", ZoneKind.RESTRICTED),
    ("CONDITIONAL", ZoneKind.RESTRICTED),
    ("USPACE", ZoneKind.RESTRICTED),
    ("NO_RESTRICTION", ZoneKind.ADVISORY),
]


@pytest.mark.parametrize(("word", "kind"), KINDS)
def test_restriction_makes_the_kind(word: str, kind: ZoneKind) -> None:
    for zone in (zone269(restriction=word), zone269(restriction=..., type=word.upper()), zone318(type=word)):
        record = only(zone)
        assert zone_of(record).kind is kind
        assert not record.notes


@pytest.mark.parametrize("word", ["PERHAPS", "", None, 5, ["PROHIBITED"]])
def test_an_unknown_restriction_does_not_look_free(word: Any) -> None:
    for zone in (zone269(restriction=word), zone318(type=word)):
        record = only(zone)
        assert zone_of(record).kind is ZoneKind.RESTRICTED
        assert record.notes[0].endswith("so RESTRICTED")


def test_names_and_identifiers() -> None:
    assert only(zone318()).title == "Example"
    assert only(zone318(name=[{"text": "Exempel", "lang": "se-SE"}])).title == "Exempel"
    assert only(zone318(name={"text": "One"})).title == "One"
    assert only(zone318(name="")).title == "SEX1"
    assert only(zone318(name=5, identifier=None)).title == "5"
    assert zone_of(only(zone318(identifier=" 90"))).zone_id == "90"
    assert zone_of(only(zone269(identifier="Zürich", name="北"))).zone_id == "Zurich"
    assert zone_of(only(zone269(identifier="", name="北"))).zone_id == "zone 1"
    assert [
        zone_of(each).zone_id for each in read(zone269(), zone269(identifier="CHE-X1 /2"), zone269(), zone269()).records
    ] == ["CHE-X1", "CHE-X1 /2", "CHE-X1 /3", "CHE-X1 /4"]


def test_nothing_of_persons_is_kept() -> None:
    """R7: authorities, contacts, telephones and addresses of a file do not come out of it."""
    for reading in (read(zone269(), zone269(geometry=5)), read(zone318(), zone318(geometry=5))):
        assert not any(each in repr(reading) for each in PERSONAL)


# --- limits

BANDS = [
    ({}, ("0 m AGL", "120 m AGL")),
    ({"uomDimensions": "FT", "upperLimit": 6677.5}, ("0 ft AGL", "6677.5 ft AGL")),
    ({"upperVerticalReference": "AMSL", "upperLimit": 1500}, ("0 m AGL", "1500 m AMSL")),
    ({"upperVerticalReference": "WGS84"}, ("0 m AGL", "120 m W84")),
    ({"upperLimit": 99999}, ("0 m AGL", "100000 m W84")),
    ({"upperLimit": None}, ("0 m AGL", "100000 m W84")),
    ({"upperLimit": "", "lowerLimit": ""}, ("0 m AGL", "100000 m W84")),
    ({"upperLimit": 0}, ("0 m AGL", "100000 m W84")),
    ({"upperLimit": ..., "lowerLimit": ..., "lowerVerticalReference": ...}, ("0 m AGL", "100000 m W84")),
    ({"uomDimensions": ..., "upperLimit": "90.5"}, ("0 m AGL", "90.5 m AGL")),
    ({"lowerVerticalReference": ...}, ("0 m AGL", "120 m AGL")),
]


@pytest.mark.parametrize(("changes", "said"), BANDS)
def test_limits(changes: dict[str, Any], said: tuple[str, str]) -> None:
    """What is not said makes the zone larger: down to the ground, up without limit."""
    assert band(zone_of(only(zone269(geometry=[airspace_volume(**changes)]))).volumes[0]) == said


BAD_LIMITS = [
    ({"upperLimit": "high"}, RefusalCode.MALFORMED, "geometry[0].upper"),
    ({"upperLimit": True}, RefusalCode.MALFORMED, "geometry[0].upper"),
    ({"upperVerticalReference": "QFE"}, RefusalCode.OUT_OF_RANGE, "geometry[0].upperReference"),
    ({"upperVerticalReference": ...}, RefusalCode.OUT_OF_RANGE, "geometry[0].upperReference"),
    ({"uomDimensions": "KM"}, RefusalCode.OUT_OF_RANGE, "geometry[0].uom"),
    ({"lowerLimit": -9999}, RefusalCode.OUT_OF_RANGE, "geometry[0].lower"),
    (
        {"lowerLimit": 300},
        RefusalCode.ALTITUDE_ORDER,
        "geometry[0].horizontalProjection.coordinates[0].altitude_lower",
    ),
]


@pytest.mark.parametrize(("changes", "code", "field"), BAD_LIMITS)
def test_bad_limits(changes: dict[str, Any], code: RefusalCode, field: str) -> None:
    reading = read(zone269(geometry=[airspace_volume(**changes)]), zone269())
    assert [(bad.place, bad.refusal.code, bad.refusal.field) for bad in reading.refused] == [
        ("features[0]", code, field)
    ]
    assert reading.refused[0].line == 1
    assert len(reading.records) == 1


def test_a_zone_of_too_many_volumes_is_refused() -> None:
    reading = read(zone269(geometry=[airspace_volume()] * 300))
    assert [(bad.refusal.code, bad.refusal.field) for bad in reading.refused] == [(RefusalCode.OVER_LIMIT, "volumes")]


# --- shapes


def test_shapes_of_ed269() -> None:
    circle = {"type": "Circle", "center": [8.4, 47.05], "radius": 1500}
    many = {"type": "MultiPolygon", "coordinates": [[RING], [RING, HOLE]]}
    volumes = [airspace_volume(horizontalProjection=each) for each in (circle, many)]
    record = only(zone269(geometry=volumes))
    first, second, third = zone_of(record).volumes
    assert first.outline_circle is not None
    assert (first.outline_circle.center.lat, first.outline_circle.radius.value) == (47.05, 1500.0)
    for volume in (second, third):
        assert volume.outline_polygon is not None
        assert len(volume.outline_polygon.vertices) == 4
    assert record.notes == ("a hole filled",)
    assert record.field_in_file("volumes[2].volume.outline_polygon.vertices[1]") == (
        "geometry[1].horizontalProjection.coordinates[1][0][1]"
    )


def test_limits_beside_the_shape_as_estonia_has_them() -> None:
    properties = zone269() | {"geometry": airspace_volume(horizontalProjection=..., upperLimit=300)}
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [RING]}, "properties": properties}
    record = only(feature)
    assert band(zone_of(record).volumes[0]) == ("0 m AGL", "300 m AGL")
    flat = zone269(geometry=...) | airspace_volume(horizontalProjection=..., upperLimit=400)
    assert band(zone_of(only(feature | {"properties": flat})).volumes[0]) == ("0 m AGL", "400 m AGL")


def test_shapes_of_ed318() -> None:
    point = {"type": "Point", "coordinates": [15.5, 58.5, 0], "extent": {"subType": "Circle", "radius": 500.5}}
    both = {
        "type": "GeometryCollection",
        "geometries": [
            {"type": "Polygon", "coordinates": [RING], "layer": layer(lower=50)},
            point | {"layer": layer(upper=60, uom="ft")},
        ],
    }
    lower, upper = zone_of(only(zone318(both))).volumes
    assert (band(lower), band(upper)) == (("50 m AGL", "120 m AGL"), ("0 ft AGL", "60 ft AGL"))
    assert upper.outline_circle is not None
    assert upper.outline_circle.radius.value == 500.5
    points = {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]], "extent": {"radius": 5}, "layer": layer()}
    assert len(zone_of(only(zone318(points))).volumes) == 2


def test_limits_in_the_properties_as_spain_has_them() -> None:
    shape = {"type": "Polygon", "coordinates": [RING]}
    nested = {"UASZone": zone318()["properties"], "verticalLayer": layer(uom=..., UOM="", upper=900)}
    nested["verticalLayer"].pop("uom")
    assert band(zone_of(only(zone318(shape) | {"properties": nested})).volumes[0]) == ("0 m AGL", "900 m AGL")
    assert band(zone_of(only(zone318(shape, **layer(uom="M", upper=92.1)))).volumes[0]) == ("0 m AGL", "92.1 m AGL")


BAD_SHAPES = [
    (None, RefusalCode.SHAPE_MISSING, "geometry"),
    ({"type": "LineString", "coordinates": RING}, RefusalCode.SHAPE_MISSING, "geometry.type"),
    ({"type": "Point", "coordinates": [8, 47]}, RefusalCode.SHAPE_MISSING, "geometry.extent.radius"),
    (
        {"type": "Point", "coordinates": [8, 47], "extent": {"radius": 0}},
        RefusalCode.OUT_OF_RANGE,
        "geometry.extent.radius",
    ),
    ({"type": "Polygon", "coordinates": []}, RefusalCode.SHAPE_MISSING, "geometry.coordinates"),
    ({"type": "Polygon", "coordinates": [RING[:2]]}, RefusalCode.RING_INVALID, "geometry.coordinates[0]"),
    (
        {"type": "Polygon", "coordinates": [[[8, 97], *RING]]},
        RefusalCode.OUT_OF_RANGE,
        "geometry.coordinates[0][0].lat",
    ),
    ({"type": "Polygon", "coordinates": [["x"]]}, RefusalCode.MALFORMED, "geometry.coordinates[0][0]"),
    ({"type": "Polygon", "coordinates": [RING * 10_000]}, RefusalCode.OVER_LIMIT, "geometry.coordinates[0]"),
    ({"type": "MultiPolygon", "coordinates": [[RING]] * 300}, RefusalCode.OVER_LIMIT, "geometry.coordinates"),
    (
        {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [RING]}] * 300},
        RefusalCode.OVER_LIMIT,
        "geometry",
    ),
    ({"type": "MultiPolygon", "coordinates": []}, RefusalCode.SHAPE_MISSING, "geometry.coordinates"),
    ({"type": "GeometryCollection", "geometries": []}, RefusalCode.SHAPE_MISSING, "geometry"),
    ({"type": "GeometryCollection", "geometries": [5]}, RefusalCode.SHAPE_MISSING, "geometry.geometries[0]"),
    ({"type": "Polygon", "coordinates": [RING], "layer": 5}, RefusalCode.MALFORMED, "geometry.layer"),
]


@pytest.mark.parametrize(("geometry", "code", "field"), BAD_SHAPES)
def test_bad_shapes(geometry: Any, code: RefusalCode, field: str) -> None:
    feature = zone318(...) | {"geometry": geometry}
    reading = read(feature, zone318())
    assert [(bad.refusal.code, bad.refusal.field) for bad in reading.refused] == [(code, field)]
    assert len(reading.records) == 1


# --- windows


def period(start: Any = NOON, end: Any = "2026-05-29T12:00:00Z", **more: Any) -> dict[str, Any]:
    return {"permanent": "NO", "startDateTime": start, "endDateTime": end, **more}


PERIODS: list[tuple[Any, tuple[tuple[int | None, int | None], ...]]] = [
    (None, ()),
    ([], ()),
    ([{"permanent": "YES"}], ()),
    ([{"permanent": "YES", "startDateTime": NOON}], ()),
    ([period(), {"permanent": "YES"}], ()),
    ([period("", "")], ()),
    (period(), ((NOON_MS, NOON_MS + DAY_MS),)),
    ([period(), period()], ((NOON_MS, NOON_MS + DAY_MS),)),
    ([period(end=None)], ((NOON_MS, None),)),
    ([period("2026-05-28T14:00+02:00", "2026-05-28T12:00:00.0001Z")], ((NOON_MS, NOON_MS + 1),)),
    # Without a zone: 14 h before, 12 h behind. A date alone is its whole day.
    ([period("2026-05-28T12:00:00", "2026-05-28T12:00:00")], ((NOON_MS - 14 * HOUR, NOON_MS + 12 * HOUR),)),
    ([period("2026-05-28", "2026-05-28")], ((NOON_MS - 26 * HOUR, NOON_MS + 24 * HOUR),)),
    ([period("1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z")], ()),
]


@pytest.mark.parametrize(("periods", "bounds"), PERIODS)
def test_periods(periods: Any, bounds: tuple[tuple[int | None, int | None], ...]) -> None:
    windows = tuple(ZoneWindow(start_ms=start, end_ms=end) for start, end in bounds)
    assert zone_of(only(zone269(applicability=periods))).windows == windows
    assert zone_of(only(zone318(limitedApplicability=periods))).windows == windows


MON, TUE, SUN, SAT, FRI = Weekday.MON, Weekday.TUE, Weekday.SUN, Weekday.SAT, Weekday.FRI


def daily(days: Any, start: Any = "", end: Any = "", **more: Any) -> dict[str, Any]:
    return {"day": days, "startTime": start, "endTime": end, **more}


def at(hours: float) -> int:
    return round(hours * HOUR)


DAILIES: list[tuple[dict[str, Any], tuple[Weekday, ...], float | None, float | None, bool]] = [
    (daily(["MON"], "06:00Z", "21:00Z"), (MON,), 6, 21, False),
    (daily("ANY", "06:00:00.00Z", "21:00:00Z"), (), 6, 21, False),
    (daily(["any"]), (), None, None, False),
    (daily(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], "06:00Z", "07:00Z"), (), 6, 7, False),
    (daily(["Monday"], "22:00Z", "06:00Z"), (MON,), 22, 6, False),
    (daily(["MON"], "00:00Z", "00:00Z"), (MON,), 0, 24, False),
    (daily(["MON"], "00:00Z", "23:59Z"), (MON,), 0, 24, False),
    (daily(["MON"], "08:00+02:00", "20:00+02:00"), (MON,), 6, 18, False),
    (daily(["MON"], "00:30+02:00", "06:00+02:00"), (SUN,), 22.5, 4, False),
    (daily(["MON"], "22:00-05:00", "23:00-0500"), (TUE,), 3, 4, False),
    (daily(["MON"], "18:00-06", "24:00-06"), (TUE,), 0, 6, False),
    # Two offsets in one period: a day at most.
    (daily(["MON"], "00:00+12:00", "23:00-12:00"), (SUN,), 12, 12, False),
    # Local or by daylight: the whole day, and its neighbours in UTC.
    (daily(["SAT"], "08:00", "18:00"), (FRI, SAT, SUN), None, None, True),
    (daily(["SUN"], startEvent="SR", endEvent="SS"), (MON, SAT, SUN), None, None, True),
    (daily(["ANY"], startEvent="BMCT", endEvent="EECT"), (), None, None, True),
    (daily(["ANY"], "06:00Z", endEvent="SS"), (), None, None, True),
    (daily(["ANY"], "06:00Z"), (), None, None, True),
]


@pytest.mark.parametrize(("said", "days", "start", "end", "noted"), DAILIES)
def test_schedules(
    said: dict[str, Any], days: tuple[Weekday, ...], start: float | None, end: float | None, noted: bool
) -> None:
    record = only(zone318(limitedApplicability=[period(schedule=[said])]))
    (window,) = zone_of(record).windows
    assert (window.start_ms, window.end_ms) == (NOON_MS, NOON_MS + DAY_MS)
    assert window.days == days
    assert window.daily_from_ms == (None if start is None else at(start))
    assert window.daily_until_ms == (None if end is None else at(end))
    assert bool(record.notes) is noted


def test_a_period_as_spain_says_it_plainly() -> None:
    plain = {"startDateTime": NOON, "endDateTime": "", "day": "ANY", "startTime": "06:00Z", "endTime": "07:00Z"}
    shape = {"type": "Polygon", "coordinates": [RING], "layer": layer()}
    assert zone_of(only(zone318(shape, **plain))).windows == (
        ZoneWindow(start_ms=NOON_MS, daily_from_ms=at(6), daily_until_ms=at(7)),
    )
    empty = dict.fromkeys(plain, "") | {"day": "ANY"}
    assert zone_of(only(zone318(shape, **empty))).windows == ()


BAD_PERIODS = [
    ("always", RefusalCode.MALFORMED, "limitedApplicability"),
    (["always"], RefusalCode.MALFORMED, "limitedApplicability[0]"),
    ([period(start="soon")], RefusalCode.OUT_OF_RANGE, "limitedApplicability[0].startDateTime"),
    ([period(start=5)], RefusalCode.MALFORMED, "limitedApplicability[0].startDateTime"),
    ([period(start="2026-02-30")], RefusalCode.OUT_OF_RANGE, "limitedApplicability[0].startDateTime"),
    ([period(end="1950-01-01T00:00Z")], RefusalCode.OUT_OF_RANGE, "limitedApplicability[0].endDateTime"),
    ([period(start="2150-01-01T00:00Z")], RefusalCode.OUT_OF_RANGE, "limitedApplicability[0].startDateTime"),
    ([period(end="2026-05-28T11:00Z")], RefusalCode.TIME_ORDER, "limitedApplicability[0].endDateTime"),
    ([period(schedule=5)], RefusalCode.MALFORMED, "limitedApplicability[0].schedule"),
    ([period(schedule=[5])], RefusalCode.MALFORMED, "limitedApplicability[0].schedule[0]"),
    ([period(schedule=[daily(["HOL"])])], RefusalCode.OUT_OF_RANGE, "limitedApplicability[0].schedule[0].day"),
    ([period(schedule=[daily({"a": 1})])], RefusalCode.OUT_OF_RANGE, "limitedApplicability[0].schedule[0].day"),
    (
        [period(schedule=[daily(["MON"], "25:00Z", "26:00Z")])],
        RefusalCode.OUT_OF_RANGE,
        "limitedApplicability[0].schedule[0].startTime",
    ),
    (
        [period(schedule={"day": ["MON"], "startTime": "06:00+99:00", "endTime": "07:00Z"})],
        RefusalCode.OUT_OF_RANGE,
        "limitedApplicability[0].schedule[0].startTime",
    ),
    (
        [period(schedule=[daily(["MON"], "06:00Z", 7)])],
        RefusalCode.OUT_OF_RANGE,
        "limitedApplicability[0].schedule[0].endTime",
    ),
    ([period(schedule=[daily(["MON"])] * 9_999)], RefusalCode.OVER_LIMIT, "limitedApplicability"),
]


@pytest.mark.parametrize(("periods", "code", "field"), BAD_PERIODS)
def test_bad_periods(periods: Any, code: RefusalCode, field: str) -> None:
    reading = read(zone318(limitedApplicability=periods), zone318())
    assert [(bad.refusal.code, bad.refusal.field) for bad in reading.refused] == [(code, f"properties.{field}")]
    assert len(reading.records) == 1


# --- files as a whole


def test_another_reference_system_is_refused() -> None:
    for reader, plain in ((ed269.read_plain, {"features": [zone269()]}), (ed318.read_plain, zone318())):
        assert reader(plain | {"crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::4326"}}}).records
        with pytest.raises(Refusal) as caught:
            reader(plain | {"crs": {"properties": {"name": "EPSG:2056"}}})
        assert caught.value.code is RefusalCode.UNKNOWN_FORMAT


@pytest.mark.parametrize("reader", [ed269.read, ed318.read])
def test_what_is_neither_is_refused_whole(reader: Any) -> None:
    for source, code in ((b"", RefusalCode.MALFORMED), (b"5", RefusalCode.UNKNOWN_FORMAT)):
        with pytest.raises(Refusal) as caught:
            reader(source)
        assert caught.value.code is code
    with pytest.raises(Refusal):
        reader(b"[]" * 100, bytes_max=10)


# --- any JSON at all

NAMES = st.sampled_from(
    """features UASZoneList type Feature FeatureCollection properties geometry geometries coordinates Polygon Circle
    Point GeometryCollection extent radius center horizontalProjection layer verticalLayer upper lower upperReference
    lowerReference uom UASZone identifier name restriction variant zoneAuthority applicability limitedApplicability
    schedule day ANY MON startTime endTime startEvent 06:00Z SR startDateTime endDateTime permanent YES AGL AMSL M ft
    upperLimit lowerLimit uomDimensions PROHIBITED text lang 2026-05-28T12:00Z""".split()
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-200, 10**6), st.floats(), NAMES, st.just(RING))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=30,
)


def spoilt(zone: dict[str, Any], path: list[int], value: Any) -> Any:
    """Return the zone with one of its places replaced."""
    here: Any = (copy := json.loads(json.dumps(zone)))
    for depth, step in enumerate(path):
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = keys[step % len(keys)]
        if depth == len(path) - 1 or not isinstance(here[key], (dict, list)) or not here[key]:
            here[key] = value
            break
        here = here[key]
    return copy


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([zone269(applicability=[period(schedule=[daily("ANY", "06:00Z", "07:00Z")])]), zone318()]),
    st.lists(st.integers(0, 20), min_size=1, max_size=7),
    VALUES,
)
def test_any_value_in_any_place(zone: dict[str, Any], path: list[int], value: Any) -> None:
    """A reading, or a refusal; the good zone beside the spoilt one is always kept."""
    source = json.dumps({"type": "FeatureCollection", "features": [spoilt(zone, path, value), zone]}).encode()
    reader = ed318 if zone.get("type") == "Feature" else ed269
    reading = reader.read(source)
    assert reading.records
    assert len(reading.records) + len(reading.refused) == 2
    for bad in reading.refused:
        assert bad.title.isprintable()
        assert len(str(bad.refusal)) < 4_000


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_json(value: Any) -> None:
    plain = parse_json(json.dumps(value).encode())
    for tell in (ed269.is_ed269, ed318.is_ed318):
        assert tell(plain) in {True, False}
    for module in (ed269, ed318):
        try:
            reading = module.read_plain(plain)
        except Refusal:
            continue
        assert all(record.zone is not None for record in reading.records)
