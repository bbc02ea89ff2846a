"""KML, rule by rule: files as Google Earth, QGIS, planners of drone flights and loggers write them."""

from __future__ import annotations

import io
import zipfile

import pytest

from clearline.formats import kml
from clearline.formats.detect import read_source
from clearline.formats.record import FileFormat, Reading, Record
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.identity import AircraftClass
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Time, Volume3D, Volume4D

SPAN = "<TimeSpan><begin>2026-11-22T14:00:00Z</begin><end>2026-11-22T15:00:00Z</end></TimeSpan>"
RING = "8.0,47.0,100 8.1,47.0,120 8.1,47.1,100 8.0,47.0,100"
TRIANGLE = Polygon((LatLngPoint(47.0, 8.0), LatLngPoint(47.0, 8.1), LatLngPoint(47.1, 8.1)))


def m(value: float, reference: str) -> Altitude:
    return Altitude(value, AltitudeReference(reference), AltitudeUnits.M)


def document(*features: str, head: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">\n'
        f"<Document>{head}\n" + "\n".join(features) + "\n</Document></kml>"
    ).encode()


def data(**said: object) -> str:
    members = "".join(f'<Data name="{name}"><value>{value}</value></Data>' for name, value in said.items())
    return f"<ExtendedData>{members}</ExtendedData>"


def placemark(geometry: str, *inside: str, name: str = "Alpha") -> str:
    return f"<Placemark><name>{name}</name>{SPAN}{''.join(inside)}{geometry}</Placemark>"


def polygon(coordinates: str = RING, mode: str = "relativeToGround", inside: str = "<extrude>1</extrude>") -> str:
    return (
        f"<Polygon>{inside}<altitudeMode>{mode}</altitudeMode><outerBoundaryIs><LinearRing>"
        f"<coordinates>\n {coordinates}\n</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    )


def read(*features: str, head: str = "") -> Reading:
    return read_source(document(*features, head=head))


def one(*features: str, head: str = "") -> Record:
    reading = read(*features, head=head)
    assert not reading.refused, [str(each.refusal) for each in reading.refused]
    (record,) = reading.records
    return record


def refusal(*features: str, head: str = "") -> Refusal:
    reading = read(*features, head=head)
    assert not reading.records
    (bad,) = reading.refused
    assert bad.line is not None
    return bad.refusal


WINDOW = {"time_start": Time("2026-11-22T14:00:00Z"), "time_end": Time("2026-11-22T15:00:00Z")}
LINE = "<LineString><coordinates>8,47 8.1,47</coordinates></LineString>"
POINT = "<Point><coordinates>8,47</coordinates></Point>"
BAND = {"lower": "100 m AMSL", "upper": "FL090"}
LOW, HIGH = m(100.0, "AMSL"), Altitude(90.0, AltitudeReference.FL, AltitudeUnits.FL)

GOLDEN: list[tuple[str, str, Volume3D]] = [
    (
        "a box of Google Earth, above ground",
        placemark(polygon()),
        Volume3D(altitude_lower=m(0, "AGL"), altitude_upper=m(120, "AGL"), outline_polygon=TRIANGLE),
    ),
    (
        "a box above sea level reaches from the ground",
        placemark(polygon(mode="absolute")),
        Volume3D(altitude_lower=m(0, "AGL"), altitude_upper=m(120, "AMSL"), outline_polygon=TRIANGLE),
    ),
    (
        "what ExtendedData says goes before the geometry",
        placemark(polygon(mode="absolute"), data(**BAND)),
        Volume3D(altitude_lower=LOW, altitude_upper=HIGH, outline_polygon=TRIANGLE),
    ),
    (
        "a lower limit alone leaves the upper to the geometry",
        placemark(polygon(mode="absolute"), data(lower="50 m AGL")),
        Volume3D(altitude_lower=m(50, "AGL"), altitude_upper=m(120, "AMSL"), outline_polygon=TRIANGLE),
    ),
    (
        "bare numbers on the ground are metres W84, as in GeoJSON",
        placemark(polygon(mode="clampToGround", inside=""), data(lower="900", upper="1.2e3")),
        Volume3D(altitude_lower=m(900, "W84"), altitude_upper=m(1200, "W84"), outline_polygon=TRIANGLE),
    ),
    (
        "a line with a width",
        placemark(LINE, data(width_m=1000, **BAND)),
        Volume3D(
            altitude_lower=LOW,
            altitude_upper=HIGH,
            outline_corridor=Corridor((LatLngPoint(47.0, 8.0), LatLngPoint(47.0, 8.1)), Radius(500.0)),
        ),
    ),
    (
        "a point with a radius",
        placemark(POINT, data(radius_m=250.5, **BAND)),
        Volume3D(altitude_lower=LOW, altitude_upper=HIGH, outline_circle=Circle(LatLngPoint(47.0, 8.0), Radius(250.5))),
    ),
    (
        "an extruded pole",
        placemark(
            "<Point><extrude>true</extrude><altitudeMode>relativeToGround</altitudeMode>"
            "<coordinates>8,47,80</coordinates></Point>",
            data(radius_m=30),
        ),
        Volume3D(
            altitude_lower=m(0, "AGL"),
            altitude_upper=m(80, "AGL"),
            outline_circle=Circle(LatLngPoint(47.0, 8.0), Radius(30.0)),
        ),
    ),
    (
        "attributes of QGIS",
        placemark(
            polygon(mode="clampToGround", inside=""),
            '<ExtendedData><SchemaData schemaUrl="#a"><SimpleData name="lower">100 m AMSL</SimpleData>'
            '<SimpleData name="upper">FL090</SimpleData><SimpleData name="width_m"/></SchemaData></ExtendedData>',
        ),
        Volume3D(altitude_lower=LOW, altitude_upper=HIGH, outline_polygon=TRIANGLE),
    ),
    (
        "an open ring, doubled vertices, blanks beside commas, tabs",
        placemark(polygon("8.0, 47.0, 100\n\t8.0,47.0,100 8.1 ,47.0,120 8.10,47.0 8.1,47.1,100")),
        Volume3D(altitude_lower=m(0, "AGL"), altitude_upper=m(120, "AGL"), outline_polygon=TRIANGLE),
    ),
]


@pytest.mark.parametrize("source, shape", [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_golden_volumes(source: str, shape: Volume3D) -> None:
    record = one(source)
    assert record.volumes == (Volume4D(volume=shape, **WINDOW),)
    assert (record.title, record.place, record.line) == ("Alpha", "Placemark 1", 4)


def test_several_parts_are_several_volumes_with_their_places() -> None:
    parts = f"<MultiGeometry>{polygon()}<MultiGeometry>{polygon()}</MultiGeometry>{POINT}</MultiGeometry>"
    record = one(placemark(parts, data(radius_m=10, **BAND)))
    assert len(record.volumes) == 3
    field = "volumes[1].volume.outline_polygon.vertices[2]"
    inner = "MultiGeometry.MultiGeometry.Polygon.outerBoundaryIs.LinearRing.coordinates[2]"
    assert record.field_in_file(field) == inner


def test_holes_are_filled_and_it_is_said() -> None:
    hole = f"<innerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></innerBoundaryIs>"
    record = one(placemark(polygon().replace("</Polygon>", f"{hole}{hole}</Polygon>")))
    assert record.volumes[0].volume.outline_polygon == TRIANGLE
    assert record.notes == ("Polygon has 2 inner ring(s), taken as filled",)


def test_the_innermost_time_is_inherited() -> None:
    outer = SPAN.replace("2026", "2025")
    bare = f"<Placemark>{polygon()}</Placemark>"
    assert one(bare, head=SPAN).volumes[0].time_start.value == "2026-11-22T14:00:00Z"
    folder = f"<Folder><name>F</name>{SPAN}<Folder>{bare}</Folder></Folder>"
    assert one(folder, head=outer).volumes[0].time_start.value == "2026-11-22T14:00:00Z"
    reading = read(folder, bare, head=outer)
    assert [record.volumes[0].time_start.value[:4] for record in reading.records] == ["2026", "2025"]
    said = one(placemark(polygon(), data(start="2026-11-22T14:30:00Z"))).volumes[0]
    assert (said.time_start.value, said.time_end.value) == ("2026-11-22T14:30:00Z", "2026-11-22T15:00:00Z")


def test_a_time_behind_the_features_is_refused_with_its_line() -> None:
    with pytest.raises(Refusal) as caught:
        read(placemark(polygon()), SPAN)
    assert (caught.value.code, caught.value.field) == (RefusalCode.MALFORMED, "line 7")


def test_class_priority_and_notice() -> None:
    said = data(aircraft_class="UNMANNED", priority="7", notice="N")
    record = one(placemark(polygon(), said), placemark(polygon(mode="absolute"), said))
    assert (record.aircraft_class, record.priority, len(record.volumes)) == (AircraftClass.UNMANNED, 7, 2)
    assert len(record.outlines) == 2


@pytest.mark.parametrize("url", ["#wide", "#map"])
def test_the_width_of_a_style_in_metres(url: str) -> None:
    style = (
        '<Style id="wide"><LineStyle><width>4</width><gx:physicalWidth>600</gx:physicalWidth></LineStyle></Style>'
        '<StyleMap id="map"><Pair><key>normal</key><styleUrl>#wide</styleUrl></Pair></StyleMap>'
    )
    line = placemark(LINE, f"<styleUrl>{url}</styleUrl>", data(**BAND))
    for features in ((style, line), (line, style)):
        corridor = one(*features).volumes[0].volume.outline_corridor
        assert corridor is not None
        assert corridor.half_width == Radius(300.0)
    pixels = style.replace("<gx:physicalWidth>600</gx:physicalWidth>", "")
    assert refusal(pixels, line).field == "ExtendedData.width_m"


TRACK = (
    "<gx:Track><altitudeMode>absolute</altitudeMode>"
    "<when>2026-11-22T14:00:10Z</when><when>2026-11-22T14:00:00Z</when><when>2026-11-22T14:00:10+00:00</when>"
    "<when>2026-11-22T16:00:00Z</when><when>2026-11-22T16:00:01Z</when>"
    "<gx:coord>8.1 47 500</gx:coord><gx:coord>8 47 400</gx:coord><gx:coord>9 47 500</gx:coord><gx:coord/>"
    "<gx:coord>8.2 47 500</gx:coord></gx:Track>"
)


def test_a_track_is_a_flight_in_order_of_time() -> None:
    record = one(placemark(TRACK, data(buffer_lateral_m=50, buffer_vertical_m="30.5", aircraft_class="MANNED")))
    flown = record.trajectory
    assert flown is not None
    assert [(point.place.lng, point.altitude) for point in flown.points] == [
        (8.0, m(400, "AMSL")),
        (8.1, m(500, "AMSL")),
        (8.2, m(500, "AMSL")),
    ]
    assert (flown.buffer_lateral_m, flown.buffer_vertical_m) == (50.0, 30.5)
    assert record.aircraft_class is AircraftClass.MANNED
    assert len(record.notes) == 2


def test_tracks_of_a_multi_track_stay_apart_unless_joined() -> None:
    second = TRACK.replace("T14:", "T17:").replace("T16:", "T18:")
    many = f"<gx:MultiTrack>{TRACK}{second}</gx:MultiTrack>"
    reading = read(placemark(many))
    assert [len(record.trajectory.points) for record in reading.records if record.trajectory] == [3, 3]
    joined = many.replace("<gx:MultiTrack>", "<gx:MultiTrack><gx:interpolate>1</gx:interpolate>")
    record = one(placemark(joined))
    assert record.trajectory is not None
    assert len(record.trajectory.points) == 6


def test_the_track_of_kml_2_3_without_a_prefix() -> None:
    assert one(placemark(TRACK.replace("gx:", ""))).trajectory is not None


def test_a_track_of_one_position_is_refused() -> None:
    single = "<gx:Track><altitudeMode>absolute</altitudeMode><when>2026-11-22T14:00:10Z</when>"
    told = refusal(placemark(f"{single}<gx:coord>8 47 500</gx:coord></gx:Track>"))
    assert (told.code, told.field) == (RefusalCode.RING_INVALID, "Track")


def bare_track(mode: str = "absolute", when: str = "2026-11-22T14:00:00Z", coord: str = "8 47 5") -> str:
    inside = "" if not mode else f"<altitudeMode>{mode}</altitudeMode>"
    return placemark(f"<gx:Track>{inside}<when>{when}</when><gx:coord>{coord}</gx:coord></gx:Track>")


C = RefusalCode
BAD: list[tuple[str, str, str, RefusalCode, str]] = [
    ("no geometry", placemark(""), "geometry", C.SHAPE_MISSING, "Polygon"),
    ("a model", placemark("<Model/>"), "Model", C.SHAPE_MISSING, "Polygon"),
    ("a flat sheet", placemark(polygon(inside="")), "Polygon.altitudeMode", C.MALFORMED, "lower and upper"),
    ("extrude 0", placemark(polygon(inside="<extrude>0</extrude>")), "Polygon.altitudeMode", C.MALFORMED, "extrude 1"),
    ("on the ground", placemark(polygon(mode="clampToGround")), "Polygon.altitudeMode", C.MALFORMED, "lower and upper"),
    ("sea floor", placemark(polygon(mode="relativeToSeaFloor")), "Polygon.altitudeMode", C.MALFORMED, "lower"),
    (
        "extruded to nothing",
        placemark(polygon("8,47,0 8.1,47,0 8.1,47.1,0")),
        "Polygon.outerBoundaryIs.LinearRing.coordinates",
        C.MALFORMED,
        "heights above 0",
    ),
    (
        "no heights at all",
        placemark(polygon("8,47 8.1,47 8.1,47.1", mode="absolute")),
        "Polygon.outerBoundaryIs.LinearRing.coordinates",
        C.MALFORMED,
        "heights above 0",
    ),
    (
        "a bare number beside an altitudeMode",
        placemark(polygon(), data(lower="0", upper="120")),
        "ExtendedData.lower",
        C.OUT_OF_RANGE,
        "120 m AGL",
    ),
    (
        "a height without unit",
        placemark(POINT, data(radius_m=1, lower="1 ft")),
        "ExtendedData.lower",
        C.OUT_OF_RANGE,
        "",
    ),
    ("no radius", placemark(POINT, data(**BAND)), "ExtendedData.radius_m", C.MALFORMED, "no size"),
    ("no width", placemark(LINE, data(**BAND)), "ExtendedData.width_m", C.MALFORMED, "pixels"),
    (
        "a bad radius",
        placemark(POINT, data(radius_m="1_000", **BAND)),
        "ExtendedData.radius_m",
        C.OUT_OF_RANGE,
        "metres",
    ),
    ("a radius of 0", placemark(POINT, data(radius_m="0", **BAND)), "ExtendedData.radius_m", C.OUT_OF_RANGE, "500000"),
    (
        "bad class",
        placemark(polygon(), data(aircraft_class="JET")),
        "ExtendedData.aircraft_class",
        C.OUT_OF_RANGE,
        "MIXED",
    ),
    ("bad priority", placemark(polygon(), data(priority="1.5")), "ExtendedData.priority", C.OUT_OF_RANGE, "100"),
    (
        "said twice",
        placemark(polygon(), data(lower="1 m AGL"), data(lower="2 m AGL")),
        "ExtendedData.lower",
        C.DUPLICATE_FIELD,
        "once",
    ),
    ("no time", f"<Placemark>{polygon()}</Placemark>", "ExtendedData.start", C.MALFORMED, "TimeSpan"),
    (
        "an instant",
        f"<Placemark><TimeStamp><when>2026-11-22T14:00:00Z</when></TimeStamp>{polygon()}</Placemark>",
        "TimeStamp",
        C.MALFORMED,
        "begin and end",
    ),
    (
        "no end",
        f"<Placemark><TimeSpan><begin>2026-11-22T14:00:00Z</begin></TimeSpan>{polygon()}</Placemark>",
        "TimeSpan.end",
        C.MALFORMED,
        "both",
    ),
    (
        "a date alone",
        placemark(polygon()).replace("2026-11-22T14:00:00Z", "2026-11-22"),
        "TimeSpan.begin",
        C.OUT_OF_RANGE,
        "zone",
    ),
    (
        "no zone",
        placemark(polygon()).replace("2026-11-22T15:00:00Z", "2026-11-22T15:00:00"),
        "TimeSpan.end",
        C.OUT_OF_RANGE,
        "zone",
    ),
    ("times swapped", placemark(polygon()).replace("T15:", "T13:"), "TimeSpan.end", C.TIME_ORDER, "after"),
    (
        "limits swapped",
        placemark(POINT, data(radius_m=1, lower="9 m AGL", upper="1 m AGL")),
        "ExtendedData.lower",
        C.ALTITUDE_ORDER,
        "below",
    ),
    (
        "swapped coordinates",
        placemark(polygon("47,108,1 47,109,1 48,109,1")),
        "Polygon.outerBoundaryIs.LinearRing.coordinates[0]",
        C.OUT_OF_RANGE,
        "longitude first",
    ),
    (
        "a longitude beyond 180",
        placemark(POINT.replace("8,47", "190,47"), data(radius_m=1)),
        "Point.coordinates[0]",
        C.OUT_OF_RANGE,
        "-180",
    ),
    (
        "no number",
        placemark(polygon("8,47,1 8.1;47,1 8,48,1")),
        "Polygon.outerBoundaryIs.LinearRing.coordinates[1]",
        C.MALFORMED,
        "longitude,latitude",
    ),
    (
        "four numbers",
        placemark(polygon("8,47,1,1 8.1,47,1 8,48,1")),
        "Polygon.outerBoundaryIs.LinearRing.coordinates[0]",
        C.MALFORMED,
        "without blanks",
    ),
    (
        "two vertices",
        placemark(polygon("8,47,1 8.1,47,1 8,47,1")),
        "Polygon.outerBoundaryIs.LinearRing.coordinates",
        C.RING_INVALID,
        "3",
    ),
    (
        "one vertex",
        placemark(LINE.replace(" 8.1,47", ""), data(width_m=9)),
        "LineString.coordinates",
        C.RING_INVALID,
        "2",
    ),
    (
        "no ring",
        placemark("<Polygon/>"),
        "Polygon.outerBoundaryIs.LinearRing.coordinates",
        C.SHAPE_MISSING,
        "ring",
    ),
    (
        "two rings",
        placemark(polygon().replace("<outerBoundaryIs>", "<outerBoundaryIs><LinearRing/>")),
        "outerBoundaryIs.LinearRing",
        C.DUPLICATE_FIELD,
        "once",
    ),
    (
        "too many vertices",
        placemark(polygon(" ".join(f"8,{i / 1000},9" for i in range(10_100)))),
        "Polygon.outerBoundaryIs.LinearRing.coordinates",
        C.OVER_LIMIT,
        "10000",
    ),
    ("too many parts", placemark(f"<MultiGeometry>{POINT * 65}</MultiGeometry>"), "MultiGeometry", C.OVER_LIMIT, "64"),
    (
        "a track beside a point",
        placemark(f"<MultiGeometry>{TRACK}{POINT}</MultiGeometry>"),
        "MultiGeometry",
        C.SHAPE_MISSING,
        "each",
    ),
    ("a track on the ground", bare_track(mode=""), "Track.altitudeMode", C.MALFORMED, "absolute"),
    ("a track without height", bare_track(coord="8 47"), "Track.coord[0]", C.MALFORMED, "altitude"),
    ("a track too high", bare_track(coord="8 47 1e9"), "Track.coord[0]", C.OUT_OF_RANGE, "100000"),
    ("a track without zone", bare_track(when="2026-11-22T14:00:00"), "Track.when[0]", C.OUT_OF_RANGE, "zone"),
    (
        "a track of nothing",
        placemark("<gx:Track><altitudeMode>absolute</altitudeMode></gx:Track>"),
        "Track",
        C.SHAPE_MISSING,
        "two",
    ),
    ("no tracks", placemark("<gx:MultiTrack/>"), "MultiTrack", C.SHAPE_MISSING, "one Track"),
    (
        "counts differ",
        placemark(TRACK.replace("<gx:coord/>", "")),
        "Track",
        C.MALFORMED,
        "each when",
    ),
    (
        "a link",
        "<NetworkLink><name>L</name><Link><href>http://a</href></Link></NetworkLink>",
        "",
        C.UNKNOWN_FORMAT,
        "beside",
    ),
    ("an old schema's record", f"<S_1>{POINT}</S_1>", "", C.MALFORMED, "Placemark"),
]


@pytest.mark.parametrize("source, field, code, allowed", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_records_name_field_and_line_and_spare_the_others(
    source: str, field: str, code: RefusalCode, allowed: str
) -> None:
    reading = read(placemark(polygon()), source, placemark(polygon()))
    assert len(reading.records) == 2
    (bad,) = reading.refused
    assert (bad.refusal.field, bad.refusal.code) == (field, code)
    assert allowed in bad.refusal.allowed
    assert bad.line == 7


def test_joined_tracks_of_two_references_are_refused() -> None:
    other = TRACK.replace("absolute", "relativeToGround")
    told = refusal(placemark(f"<gx:MultiTrack><gx:interpolate>1</gx:interpolate>{TRACK}{other}</gx:MultiTrack>"))
    assert (told.code, told.field) == (RefusalCode.ALTITUDE_ORDER, "MultiTrack.Track[1].altitudeMode")


def test_names_of_others_may_be_said_twice() -> None:
    assert one(placemark(polygon(), data(network="a"), data(network="b"))).title == "Alpha"


def test_the_outermost_element_may_be_missing() -> None:
    assert read_source(f"<Document>{placemark(polygon())}</Document>".encode()).records[0].line == 1


def test_features_that_are_no_records_are_passed_over() -> None:
    picture = "<GroundOverlay><name>map</name><Icon><href>a.png</href></Icon></GroundOverlay>"
    view = "<LookAt><longitude>8</longitude><gx:TimeSpan><begin>2026</begin></gx:TimeSpan></LookAt>"
    photo = f"<PhotoOverlay>{POINT}</PhotoOverlay>"
    assert read(picture, view, photo, '<Schema name="a" id="a"/>', "<Folder/>") == Reading(
        file_format=FileFormat.KML, records=(), refused=()
    )


def packed(*members: tuple[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return body.getvalue()


def test_kmz_is_its_document() -> None:
    plain = document(placemark(polygon()))
    other = document(placemark(polygon(), name="Other"))
    assert read_source(packed(("doc.kml", plain))) == kml.read(plain)
    assert read_source(packed(("a/x.png", b"x"), ("z.kml", other), ("DOC.KML", plain))) == kml.read(plain)
    assert read_source(packed(("files/x.KML", plain), ("b.kml", other))) == kml.read(plain)


def test_a_limit_of_placemarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PLACEMARKS_MAX", 2)
    assert len(read(placemark(polygon()), placemark(polygon())).records) == 2
    for features in ((placemark(polygon()),) * 3, ("<NetworkLink/>",) * 3):
        with pytest.raises(Refusal) as caught:
            read(*features)
        assert caught.value.code is RefusalCode.OVER_LIMIT
