"""OpenAir, rule by rule: values in all dialects, zones, windows, refusals with their lines, and any text at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clearline.formats import openair
from clearline.formats.openair_fields import (
    GROUND,
    UNLIMITED,
    kind_of,
    parse_altitudes,
    parse_number,
    parse_point,
    parse_points,
)
from clearline.formats.record import FileFormat, Reading, Record
from clearline.model import limits
from clearline.model.altitude import altitude_text
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode
from clearline.model.zone import Zone, ZoneKind, ZoneWindow

SQUARE = "DP 45:00:00 N 005:00:00 E\nDP 45:10:00 N 005:00:00 E\nDP 45:10:00 N 005:10:00 E\nDP 45:00:00 N 005:10:00 E\n"


def zone_text(*, ac: str = "R", al: str = "GND", ah: str = "FL100", shape: str = SQUARE, more: str = "") -> str:
    return f"AC {ac}\nAN LF-R1\n{more}AL {al}\nAH {ah}\n{shape}"


def read(text: str) -> Reading:
    return openair.read(text.encode())


def only(text: str) -> Record:
    reading = read(text)
    assert not reading.refused, reading.refused
    assert len(reading.records) == 1
    return reading.records[0]


def zone_of(record: Record) -> Zone:
    assert record.zone is not None
    return record.zone


def refusal_of(text: str) -> Refusal:
    reading = read(text)
    assert not reading.records
    assert len(reading.refused) == 1
    return reading.refused[0].refusal


# --- values

POINTS = [
    ("39:29:54 N 119:46:06 W", 39.498333, -119.768333),
    ("39:29:54N 119:46:06W", 39.498333, -119.768333),
    ("39:29.9 N 119:46.1 W", 39.498333, -119.768333),
    ("39:29.9N119:46.1W", 39.498333, -119.768333),
    ("39.4983333N, 119.7683333W", 39.498333, -119.768333),
    ("50:32:00.0N 113:50:29.0W", 50.533333, -113.841389),
    ("50:32:00.N 113:50:29.W", 50.533333, -113.841389),
    ("15:40.365 S 34:54.992 E", -15.672750, 34.916533),
    ("55:33 S 33:59 E", -55.55, 33.983333),
    ("42:60:57 N 000:60:00 W", 43.015833, -1.0),
    ("46:30:00 n  008:00:00 w", 46.5, -8.0),
    ("  46:30:00  N  008:00:00  E ", 46.5, 8.0),
    ("00:00:00 N 180:00:00 W", 0.0, -180.0),
]

NO_POINTS = [
    "",
    "39:29:54 N",
    "39:29:54 119:46:06",
    "39:61:00 N 119:46:06 W",
    "39:29:61 N 119:46:06 W",
    "91:00:00 N 119:46:06 W",
    "39:29:54 N 181:00:00 W",
    "39.5:29:54 N 119:46:06 W",
    "25:51.861N -27:27.669W",
    "119:46:06 W 39:29:54 N",
    "39:29:54 N 119:46:06 W 10",
]


@pytest.mark.parametrize(("text", "lat", "lng"), POINTS)
def test_coordinates_of_all_dialects(text: str, lat: float, lng: float) -> None:
    point = parse_point(text)
    assert point.lat == pytest.approx(lat, abs=1e-6)
    assert point.lng == pytest.approx(lng, abs=1e-6)


@pytest.mark.parametrize("text", NO_POINTS)
def test_no_coordinates(text: str) -> None:
    with pytest.raises(FieldRefusal):
        parse_point(text)


@pytest.mark.parametrize("comma", [",", ", ", " , ", " "])
def test_two_coordinates_of_an_arc(comma: str) -> None:
    assert len(parse_points(f"45:10:00 N 005:00:00 E{comma}45:00:00 N 005:14:08 E")) == 2
    with pytest.raises(FieldRefusal):
        parse_points(comma.join(["45:10:00 N 005:00:00 E"] * 3))


ALTITUDES = [
    ("GND", "0 m AGL"),
    ("SFC", "0 m AGL"),
    ("0", "0 m AGL"),
    ("0 AGL", "0 ft AGL"),
    ("FL95", "FL095"),
    ("FL 95", "FL095"),
    ("fl 095", "FL095"),
    ("FL 65.5", "FL065.5"),
    ("4500ft AMSL", "4500 ft AMSL"),
    ("4500 MSL", "4500 ft AMSL"),
    ("6400MSL", "6400 ft AMSL"),
    ("4500 ft", "4500 ft AMSL"),
    ("4500", "4500 ft AMSL"),
    ("2500ALT", "2500 ft AMSL"),
    ("3000F AMSL", "3000 ft AMSL"),
    ("1500ft AGL", "1500 ft AGL"),
    ("1500FT ASFC", "1500 ft AGL"),
    ("500 SFC", "500 ft AGL"),
    ("1000 GND", "1000 ft AGL"),
    ("1000M AMSL", "1000 m AMSL"),
    ("1000m AGL", "1000 m AGL"),
    ("1607.611551ft MSL", "1607.611551 ft AMSL"),
    ("2000ft QNH", "2000 ft QNH"),
    ("19501ft STD", "FL195.01"),
    ("-100 ft AMSL", "-100 ft AMSL"),
]


@pytest.mark.parametrize(("text", "meant"), ALTITUDES)
def test_altitudes_of_all_dialects(text: str, meant: str) -> None:
    assert [altitude_text(each) for each in parse_altitudes(text)] == [meant]


@pytest.mark.parametrize("text", ["UNL", "UNLIM", "UNLIMITED", "unl", "FL999", "FL 999"])
def test_no_limit_is_the_highest_altitude_there_is(text: str) -> None:
    assert parse_altitudes(text) == [UNLIMITED]
    assert UNLIMITED.value_m == limits.ALTITUDE_M_MAX


@pytest.mark.parametrize("text", ["FL115 3300F ASFC", "FL115/3300ft ASFC", "FL 115 , 3300 SFC"])
def test_two_altitudes_are_alternatives(text: str) -> None:
    assert [altitude_text(each) for each in parse_altitudes(text)] == ["FL115", "3300 ft AGL"]


NO_ALTITUDES = [
    "",
    "FL",
    "NOTAM",
    "Ask on 122.8",
    "FL95 FL100 FL105",
    "1000 km",
    "1000x",
    "99999999",
    "4500ft AMSL low",
]


@pytest.mark.parametrize("text", [*NO_ALTITUDES, "400000ft AMSL", "-9000 ft AMSL"])
def test_no_altitudes(text: str) -> None:
    with pytest.raises(FieldRefusal):
        parse_altitudes(text)


def test_numbers() -> None:
    assert [parse_number(text) for text in ("5", " 2.75 ", "10 NM", ".5", "359.83507529999997")] == [
        5.0,
        2.75,
        10.0,
        0.5,
        pytest.approx(359.835075),
    ]
    for text in ("", "five", "1e3", "5 km", "nan", "1" * 400):
        with pytest.raises(FieldRefusal):
            parse_number(text)


KINDS = [
    ("R", None, ZoneKind.RESTRICTED),
    ("P", None, ZoneKind.RESTRICTED),
    ("CTR", None, ZoneKind.RESTRICTED),
    ("A", None, ZoneKind.RESTRICTED),
    ("D", "TMA", ZoneKind.RESTRICTED),
    ("GP", None, ZoneKind.RESTRICTED),
    ("UNC", "R", ZoneKind.RESTRICTED),
    ("E", "CTR", ZoneKind.RESTRICTED),
    ("Q", None, ZoneKind.KEEP_CLEAR),
    ("G", "Q", ZoneKind.KEEP_CLEAR),
    ("UNC", "ASRA", ZoneKind.KEEP_CLEAR),
    ("E", None, ZoneKind.ADVISORY),
    ("F", None, ZoneKind.ADVISORY),
    ("G", "RMZ", ZoneKind.ADVISORY),
    ("E", "TMZ", ZoneKind.ADVISORY),
    ("W", None, ZoneKind.ADVISORY),
    ("GSEC", None, ZoneKind.ADVISORY),
    ("UNC", "GLIDING_SECTOR", ZoneKind.ADVISORY),
    ("C", "AWY", ZoneKind.RESTRICTED),
    ("UNC", None, ZoneKind.ADVISORY),
]


@pytest.mark.parametrize(("ac", "ay", "kind"), KINDS)
def test_class_and_type_make_the_kind(ac: str, ay: str | None, kind: ZoneKind) -> None:
    """The stricter of both, in either order, in any case of letters."""
    words = [ac] if ay is None else [ac, ay]
    assert kind_of(*words) is kind
    assert kind_of(*(word.lower() for word in reversed(words))) is kind
    record = only(zone_text(ac=ac, more="" if ay is None else f"AY {ay}\n"))
    assert zone_of(record).kind is kind
    assert not record.notes


def test_an_unknown_class_does_not_look_free() -> None:
    for text in (zone_text(ac="ZZTOP"), zone_text(ac="E", more="AY ZZTOP\n"), zone_text(ac="")):
        record = only(text)
        assert zone_of(record).kind is ZoneKind.RESTRICTED
        assert "RESTRICTED" in record.notes[0]


# --- zones


def test_a_zone_knows_where_it_stands() -> None:
    record = only("* head\n\n" + zone_text())
    zone = zone_of(record)
    assert (record.place, record.line, record.title, zone.zone_id) == ("line 3", 3, "LF-R1", "LF-R1")
    assert (zone.volumes[0].altitude_lower, altitude_text(zone.volumes[0].altitude_upper)) == (GROUND, "FL100")
    assert zone.windows == ()
    field = "volumes[0].volume.outline_polygon.vertices[2]"
    assert record.field_in_file(field) == "lines 7 to 10, vertices[2]"


def test_names_are_printable_and_unique() -> None:
    """A name in any script stays in the title; the id is printable ASCII, and no two are alike."""
    text = "".join(
        zone_text().replace("LF-R1", name) for name in ("Rés é 1", "Rés é 1", "北京", "x" * 90, "A * comment")
    )
    reading = read(text + zone_text().replace("AN LF-R1\n", ""))
    ids = [zone_of(record).zone_id for record in reading.records]
    assert ids == ["Res e 1", "Res e 1 /2", "line 17", "x" * 64, "A", "line 41"]
    assert [record.title for record in reading.records][2:5] == ["北京", "x" * 59 + "…", "A"]


def test_comments_and_what_is_passed_over() -> None:
    text = zone_text(
        ah="FL100 ; by day",
        shape=SQUARE.replace("E\n", "E * corner\n"),
        more="AI 5\nAF 118.0 ; TWR\nAG Somewhere Tower\nAX 7000\nAT 45:00:00 N 005:00:00 E\nSP 0,1,2\nSB 1,2,3\n",
    )
    zone = zone_of(only("TO A lake\nDP 40:00:00 N 001:00:00 E\nV X=1\n" + text + "TC Border\nDP nowhere\n"))
    outline = zone.volumes[0].outline_polygon
    assert outline is not None
    assert len(outline.vertices) == 4


def test_all_line_ends_and_encodings() -> None:
    text = zone_text().replace("LF-R1", "Zone Zürich")
    variants = [text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("cp1252")]
    variants += [text.replace("\n", end).encode() for end in ("\r\n", "\r")]
    for source in variants:
        assert openair.is_openair(source)
        (record,) = openair.read(source).records
        assert (record.title, record.line) == ("Zone Zürich", 1)


def test_circles_and_airways_are_volumes_of_their_own() -> None:
    shape = "V X=45:00:00 N 005:00:00 E\nDC 2\nDC 5\n" + SQUARE + "V W=3\n" + SQUARE.replace("DP", "DY")
    zone = zone_of(only(zone_text(shape=shape)))
    polygon, small, large, airway = zone.volumes
    assert polygon.outline_polygon is not None
    assert [each.outline_circle.radius.value for each in (small, large) if each.outline_circle] == [3704.0, 9260.0]
    assert airway.outline_corridor is not None
    assert airway.outline_corridor.half_width.value == pytest.approx(2778.0)
    assert len(airway.outline_corridor.vertices) == 4


@pytest.mark.parametrize(
    "shape", ["DA 5,0,360\n", "DA 5 10 10\n", "DB 45:05:00 N 005:00:00 E,45:05:00 N 005:00:00 E\n"]
)
def test_a_whole_arc_alone_is_a_circle(shape: str) -> None:
    circle = zone_of(only(zone_text(shape="V X=45:00:00 N 005:00:00 E\n" + shape))).volumes[0].outline_circle
    assert circle is not None
    assert circle.radius.value == pytest.approx(9260.0, rel=2e-3)


def test_an_airway_ends_where_another_shape_or_width_starts() -> None:
    airway = "DY 45:00:00 N 005:00:00 E\nDY 45:00:00 N 005:10:00 E\nV T=1\nV Z=100\n"
    shape = f"V W=2\n{airway}{SQUARE}{airway}V W=4\n{airway}"
    volumes = zone_of(only(zone_text(shape=shape))).volumes
    widths = [each.outline_corridor.half_width.value for each in volumes if each.outline_corridor is not None]
    assert widths == [1852.0, 1852.0, 3704.0]
    assert volumes[0].outline_polygon is not None


def test_an_arc_from_a_point_to_itself_is_a_point_and_a_circle() -> None:
    """Nobody can tell which is meant: Canadian airways have it for a rounded arc, others for a circle."""
    same = "V X=45:05:00 N 005:10:00 E\nDB 45:10:00 N 005:10:00 E,45:10:00 N 005:10:00 E\n"
    polygon, circle = zone_of(only(zone_text(shape=SQUARE + same))).volumes
    assert polygon.outline_polygon is not None
    assert len(polygon.outline_polygon.vertices) == 5
    assert circle.outline_circle is not None
    assert circle.outline_circle.radius.value == pytest.approx(9260.0, rel=5e-3)


def test_an_arc_says_how_it_was_drawn() -> None:
    shape = "DP 45:00:00 N 004:50:00 E\nV X=45:00:00 N 005:00:00 E\nV D=-\nDA 5,90,0\nDP 45:05:00 N 005:00:00 E\n"
    assert only(zone_text(shape=shape)).notes == ("arcs as edges of 5 degrees, at most 0.1% of the radius too large",)


def test_many_arcs_are_drawn_coarser() -> None:
    arc = "DA 5,0,350\n"
    record = only(zone_text(shape="V X=45:00:00 N 005:00:00 E\n" + arc * 200))
    assert record.notes == ("arcs as edges of 10 degrees, at most 0.4% of the radius too large",)


def test_two_altitudes_in_a_line_are_two_volumes() -> None:
    record = only(zone_text(al="1000ft AMSL", ah="FL115 3300F ASFC"))
    assert [altitude_text(each.altitude_upper) for each in zone_of(record).volumes] == ["FL115", "3300 ft AGL"]
    assert "two altitudes" in record.notes[0]
    assert len(record.outlines) == 2


# --- windows

AT_NOON = 1_779_969_600_000
HOUR = 3_600_000

WINDOWS = [
    (["2026-05-28T12:00Z/2026-05-28T20:00Z"], [(AT_NOON, AT_NOON + 8 * HOUR)]),
    (["2026-05-28T12:00:30Z/2026-05-28T24:00Z"], [(AT_NOON + 30_000, AT_NOON + 12 * HOUR)]),
    (["NONE/2026-05-28T12:00Z", "2026-05-28T13:00Z/NONE"], [(None, AT_NOON), (AT_NOON + HOUR, None)]),
]


@pytest.mark.parametrize(("lines", "windows"), WINDOWS)
def test_activation_windows(lines: list[str], windows: list[tuple[int | None, int | None]]) -> None:
    record = only(zone_text(more="".join(f"AA {line} ; note\n" for line in lines)))
    assert zone_of(record).windows == tuple(ZoneWindow(start_ms=start, end_ms=end) for start, end in windows)
    assert zone_of(record).kind is ZoneKind.RESTRICTED


def test_activated_by_notice_only_is_to_be_known() -> None:
    record = only(zone_text(more="AA NONE\n"))
    assert zone_of(record).kind is ZoneKind.ADVISORY
    assert zone_of(record).windows == ()
    assert "AA NONE" in record.notes[0]


# --- refusals

BAD = [
    (zone_text(shape=""), RefusalCode.SHAPE_MISSING, "AC at line 1"),
    (zone_text(shape="DP 45:00:00 N 005:00:00 E\n" * 3), RefusalCode.RING_INVALID, "shape at line 5"),
    (zone_text(shape=SQUARE + "DP 45:61:00 N 005:00:00 E\n"), RefusalCode.OUT_OF_RANGE, "DP at line 9"),
    (zone_text(shape="DC 5\n"), RefusalCode.MALFORMED, "DC at line 5"),
    (zone_text(shape="V X=45:00:00 N 005:00:00 E\nDC 0\n"), RefusalCode.OUT_OF_RANGE, "DC at line 6"),
    (zone_text(shape="V X=45:00:00 N 005:00:00 E\nDC 999\n"), RefusalCode.OUT_OF_RANGE, "DC at line 6"),
    (zone_text(shape="V X=45:00:00 N 005:00:00 E\nDA 5,0\n"), RefusalCode.OUT_OF_RANGE, "DA at line 6"),
    (zone_text(shape="V X=45:00:00 N 005:00:00 E\nDA 5,0,9999\n"), RefusalCode.OUT_OF_RANGE, "DA at line 6"),
    (
        zone_text(shape="V X=45:00:00 N 005:00:00 E\nDB 45:10:00 N 005:00:00 E,45:30:00 N 005:00:00 E\n"),
        RefusalCode.OUT_OF_RANGE,
        "DB at line 6",
    ),
    (
        zone_text(shape="V X=45:00:00 N 005:00:00 E\nDB 45:10:00 N 005:00:00 E\n"),
        RefusalCode.OUT_OF_RANGE,
        "DB at line 6",
    ),
    (zone_text(shape="V Q=5\n" + SQUARE), RefusalCode.OUT_OF_RANGE, "V at line 5"),
    (zone_text(shape="V D=x\n" + SQUARE), RefusalCode.OUT_OF_RANGE, "V at line 5"),
    (zone_text(shape=SQUARE.replace("DP", "DY")), RefusalCode.MALFORMED, "DY at line 5"),
    (zone_text(shape="V W=2\nDY 45:00:00 N 005:00:00 E\n"), RefusalCode.RING_INVALID, "DY at line 6"),
    (zone_text(al="FL100", ah="FL050"), RefusalCode.ALTITUDE_ORDER, "AL at line 3"),
    (zone_text(ah="by NOTAM"), RefusalCode.OUT_OF_RANGE, "AH at line 4"),
    (zone_text().replace("AH FL100\n", ""), RefusalCode.MALFORMED, "AC at line 1"),
    (zone_text(more="AL SFC\n"), RefusalCode.DUPLICATE_FIELD, "AL at line 4"),
    (zone_text(more="AA 2026-05-28T12:00Z/2026-05-28T11:00Z\n"), RefusalCode.TIME_ORDER, "AA at line 3"),
    (zone_text(more="AA 2026-05-28T12:00+02:00/NONE\n"), RefusalCode.OUT_OF_RANGE, "AA at line 3"),
    (zone_text(more="AA NONE/NONE\n"), RefusalCode.OUT_OF_RANGE, "AA at line 3"),
    (zone_text(more="AA daily\n"), RefusalCode.OUT_OF_RANGE, "AA at line 3"),
    (zone_text(more="AA NONE/2026-05-28T12:00Z\nAA NONE\n"), RefusalCode.MALFORMED, "AA at line 4"),
    (zone_text(shape="DP 45:00:00 N 005:00:00 E\n" * limits.ZONE_LINES_MAX), RefusalCode.OVER_LIMIT, ""),
]


@pytest.mark.parametrize(("text", "code", "field"), BAD)
def test_a_bad_zone_names_its_line_and_the_others_are_kept(text: str, code: RefusalCode, field: str) -> None:
    refusal = refusal_of(text)
    assert (refusal.code, refusal.field) == (code, field)
    reading = read(zone_text() + text + zone_text())
    assert len(reading.records) == 2
    assert [bad.line for bad in reading.refused] == [9]


def test_a_zone_of_too_many_volumes_is_refused() -> None:
    refusal = refusal_of(zone_text(shape="V X=45:00:00 N 005:00:00 E\n" + "DC 1\n" * 300))
    assert (refusal.code, refusal.field) == (RefusalCode.OVER_LIMIT, "AC at line 1.volumes")


def test_a_centre_does_not_outlive_its_zone() -> None:
    """A wrong centre would draw a wrong shape; so would the sense of the zone before."""
    reading = read(zone_text(shape="V X=45:00:00 N 005:00:00 E\nV D=-\nDC 5\n") + zone_text(shape="DC 5\n"))
    assert [len(reading.records), reading.refused[0].refusal.field] == [1, "DC at line 12"]


def test_unknown_lines_are_reported_once_for_each_command() -> None:
    text = "DP 1\nhello world\n" + zone_text(more="AW MON\nAW TUE\nAP! 5\n") + "ZZ 1\n"
    reading = read(text)
    assert len(reading.records) == 1
    found = {(bad.line, bad.refusal.code, bad.refusal.field) for bad in reading.refused}
    code = RefusalCode.UNKNOWN_FIELD
    assert found == {
        (1, code, "DP at line 1"),
        (2, code, "text at line 2"),
        (5, code, "AW at line 5"),
        (14, code, "ZZ at line 14"),
    }
    assert any("and 1 more such lines" in bad.refusal.found for bad in reading.refused)


def test_a_flood_of_unknown_lines_is_bounded() -> None:
    letters = "BCFGHIJKLM"
    flood = "".join(f"{a}{b} x\n" for a in letters for b in letters)
    assert len(read(zone_text() + flood).refused) <= 33


def test_colours_of_a_class_are_no_zone() -> None:
    assert len(read("AC Q\nSP 0,1,2\nSB 1,2,3\n" + zone_text()).records) == 1


def test_what_is_no_openair_is_refused_whole() -> None:
    for source in (b"", b"hello", b"{}", b"AN only a name\n"):
        with pytest.raises(Refusal) as caught:
            openair.read(source)
        assert caught.value.code is RefusalCode.UNKNOWN_FORMAT
        assert not openair.is_openair(source)
    with pytest.raises(Refusal) as caught:
        openair.read(zone_text().encode(), bytes_max=10)
    assert caught.value.code is RefusalCode.OVER_LIMIT


# --- any text at all

PIECES = st.sampled_from(
    "AC AN AY AL AH AA DP DA DB DC DY V X= D=- D=+ W=2 R Q UNC GND FL100 UNL 45:00:00 N 005:00:00 E 45.5N 8.1E , ; * 5 "
    "270 NONE / 2026-05-28T12:00Z \n \n \n".split(" ")
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=60).map(lambda parts: " ".join(parts).encode())))
@example(b"AC R\n" * 50)
@example(b"AC R\nAL 5" + b" " * 100_000 + b"x\nAH 5\nDC" + b" " * 100_000 + b"x\n")
@example(b"AC R\nAL 5\nAH 6\nDP " + b"4 " * 50_000)
@example(b" " * 100_000 + b"AC R" + b" " * 100_000)
@example(b"AC \x00\nDP \x00")
@example(b"\xff\xfeA\x00C\x00")
def test_any_bytes(source: bytes) -> None:
    """A reading, or a refusal; nothing else ever comes out."""
    openair.is_openair(source)
    try:
        reading = openair.read(source)
    except Refusal:
        return
    assert reading.file_format is FileFormat.OPENAIR
    for bad in reading.refused:
        assert bad.line is not None
        assert bad.title.isprintable()
        assert len(str(bad.refusal)) < 4_000
