"""CSV of tracks: the headers of programs in the field, units and references, and rows that cannot be read."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clearline.formats import csv_tracks
from clearline.formats.detect import read_source
from clearline.formats.record import FileFormat, Reading, Record
from clearline.formats.sample import load_sample
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.identity import AircraftClass
from clearline.model.instant import instant_text
from clearline.model.refusal import Refusal, RefusalCode

START_MS = 1_795_356_000_000
"""2026-11-22T14:00:00Z."""

OPENSKY = """\
time,icao24,lat,lon,velocity,heading,vertrate,callsign,onground,alert,spi,squawk,baroaltitude,geoaltitude,lastposupdate
1795356000,4b1803,47.1,8.1,200.1,90.2,0.0,SWR1AB  ,False,False,False,1000,3048.0,3100.5,1795355999.5
1795356010,4b1803,47.2,8.2,200.1,90.2,0.0,SWR1AB  ,False,False,False,1000,3352.8,3400.0,1795356009.75
1795356000,3c0001,48.0,9.0,100.0,1.0,0.0,,True,False,False,,,400.0,1795356000
1795356010,3c0001,48.1,9.0,100.0,1.0,0.0,DLH2,False,False,False,,-30.48,410.0,1795356010
"""

TRAFFIC = """\
,timestamp,icao24,callsign,latitude,longitude,altitude,geoaltitude,groundspeed,track,vertical_rate,onground
0,2026-11-22 14:00:00+00:00,4b1803,SWR1AB,47.1,8.1,10000.0,10200.0,389.0,90.2,0.0,False
1,2026-11-22 14:00:10+00:00,4b1803,SWR1AB,47.2,8.2,11000.0,,389.0,90.2,0.0,False
"""

FLIGHTRADAR = """\
Timestamp,UTC,Callsign,Position,Altitude,Speed,Direction
1795356000,2026-11-22T14:00:00Z,SWR1AB,"47.1,8.1",10000,389,90
1795356010,2026-11-22T14:00:10Z,SWR1AB,"47.2,8.2",11000,389,90
"""

REST = """\
icao24;callsign;origin_country;time_position;last_contact;longitude;latitude;baro_altitude;on_ground;geo_altitude
4b1803;SWR1AB;Switzerland;1795356000;1795356001;8.1;47.1;3048;false;3100
4b1803;SWR1AB;Switzerland;1795356010;1795356011;8.2;47.2;3352.8;false;
"""

READSB = """\
hex\tflight\ttimestamp\tlat\tlon\talt_baro\talt_geom
4b1803\tSWR1AB\t1795356000.0\t47.1\t8.1\t10000\t10200
4b1803\tSWR1AB\t1795356010.0\t47.2\t8.2\t11000\t11200
4b1803\tSWR1AB\t1795356020.0\t47.2\t8.2\tground\t
"""

OURS = """\
# positions of a plan
flight,time,lat,lng,flight_level,buffer_lateral_m,buffer_vertical_m,aircraft_class
SWR1AB,2026-11-22T14:00:00Z,47.1,8.1,100,50,,MANNED
SWR1AB,2026-11-22T15:00:10+01:00,47.2,8.2,110,80,30,
"""

DIALECTS = {
    "OpenSky": OPENSKY,
    "traffic": TRAFFIC,
    "Flightradar24": FLIGHTRADAR,
    "OpenSky REST": REST,
    "readsb": READSB,
    "ours": OURS,
}


def read(text: str) -> Reading:
    reading = read_source(text.encode())
    assert reading.file_format is FileFormat.CSV
    return reading


def points(record: Record) -> list[tuple[int, float, float, Altitude]]:
    assert record.trajectory is not None
    return [
        (point.at_ms - START_MS, point.place.lat, point.place.lng, point.altitude) for point in record.trajectory.points
    ]


def level(value: float) -> Altitude:
    return Altitude(value, AltitudeReference.FL, AltitudeUnits.FL)


def metres(value: float, reference: str = "W84") -> Altitude:
    return Altitude(value, AltitudeReference(reference), AltitudeUnits.M)


def ours(*rows: str, head: str = "flight,time,lat,lng,altitude_m") -> Reading:
    return read("\n".join((head, *rows)))


def row(second: int, flight: str = "A", lat: object = 47.0, height: object = 500) -> str:
    return f"{flight},{START_MS // 1000 + second},{lat},8.0,{height}"


@pytest.mark.parametrize("name", DIALECTS)
def test_one_flight_reads_alike_in_every_dialect(name: str) -> None:
    shift = {"OpenSky": (-500, -250)}.get(name, (0, 0))
    record = read(DIALECTS[name]).records[0]
    assert (record.title, record.line) == ("SWR1AB", 3 if name == "ours" else 2)
    assert points(record) == [
        (shift[0], 47.1, 8.1, level(100.0)),
        (10_000 + shift[1], 47.2, 8.2, level(110.0)),
    ]


def test_what_programs_write_for_nothing_is_nothing() -> None:
    grounded = read(
        FLIGHTRADAR.replace('8.2",11000', '8.2",0') + '1795356020,2026-11-22T14:00:20Z,X,"47.2,8.2",0,0,0\n'
    )
    assert not grounded.records
    assert [bad.refusal.code for bad in grounded.refused] == [RefusalCode.RING_INVALID, RefusalCode.MALFORMED]
    assert grounded.refused[1].refusal.found == "2 rows passed over, the first on line 3"
    made_up = OPENSKY.replace("1795355999.5", "0").replace("1795356009.75", "")
    assert [point[0] for point in points(read(made_up).records[0])] == [0, 10_000]


def test_a_flight_takes_the_height_that_more_of_its_rows_have() -> None:
    reading = read(OPENSKY)
    assert [record.title for record in reading.records] == ["SWR1AB", "3c0001"]
    assert [point[3] for point in points(reading.records[1])] == [metres(400.0), metres(410.0)]
    assert not reading.refused


@pytest.mark.parametrize(
    "name, cell, altitude",
    [
        ("altitude_m", "500.25", metres(500.25)),
        ("altitude_ft", "1000", metres(304.8)),
        ("Altitude ft AMSL", "1000", metres(304.8, "AMSL")),
        ("altitude_m_agl", "120", metres(120.0, "AGL")),
        ("altitude_ft_qnh", "2500", metres(762.0, "QNH")),
        ("altitude_ft_pressure", "18000", level(180.0)),
        ("baro_altitude_m", "3048", level(100.0)),
        ("gps_altitude_m", "-12.5", metres(-12.5)),
        ("flight_level", "095.5", level(95.5)),
    ],
)
def test_the_name_of_a_height_tells_unit_and_reference(name: str, cell: str, altitude: Altitude) -> None:
    reading = ours(row(0, height=cell), row(1, height=cell), head=f"flight,time,lat,lng,{name}")
    assert points(reading.records[0])[0][3] == altitude


@pytest.mark.parametrize(
    "name, cell, at_ms",
    [
        ("time", "2026-11-22T14:00:00.250Z", 250),
        ("time", "2026-11-22 15:00:00+01:00", 0),
        ("time", "1795356000.5", 500),
        ("time", "1795356000500", 500),
        ("timestamp_ms", "1795356000500", 500),
        ("utc", "2026-11-22 14:00:00", 0),
        ("UTC time", "2026-11-22T14:00:00.5", 500),
    ],
)
def test_times(name: str, cell: str, at_ms: int) -> None:
    later = "1795356009000" if name == "timestamp_ms" else "1795356009"
    reading = ours(f"A,{cell},47,8,5", f"A,{later},47,8,5", head=f"flight,{name},lat,lng,altitude_m")
    assert points(reading.records[0])[0][0] == at_ms


def test_buffers_and_class_are_of_the_whole_flight() -> None:
    record = read(OURS).records[0]
    assert record.trajectory is not None
    assert (record.trajectory.buffer_lateral_m, record.trajectory.buffer_vertical_m) == (80.0, 30.0)
    assert record.aircraft_class is AircraftClass.MANNED
    bare = ours(row(0), row(1)).records[0]
    assert bare.trajectory is not None
    assert (bare.trajectory.buffer_lateral_m, bare.trajectory.buffer_vertical_m, bare.aircraft_class) == (0, 0, None)


def test_rows_are_sorted_and_instants_taken_once() -> None:
    record = ours(row(20, lat=3), row(0, lat=1), row(10, lat=2), row(10, lat=9)).records[0]
    assert [point[1] for point in points(record)] == [1.0, 2.0, 3.0]
    assert len(record.notes) == 2


def test_a_gap_cuts_a_track_in_parts() -> None:
    gap_s = limits.TRACK_GAP_MS_MAX // 1000
    reading = ours(row(0), row(gap_s), row(2 * gap_s + 1), row(2 * gap_s + 2), row(9 * gap_s))
    assert [(record.line, len(points(record))) for record in reading.records] == [(2, 2), (4, 2)]
    assert all("one of 3 parts" in record.notes[-1] for record in reading.records)
    (alone,) = reading.refused
    assert (alone.line, alone.refusal.code, alone.title) == (6, RefusalCode.RING_INVALID, "A")


def test_a_track_of_too_many_points_is_cut_at_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRAJECTORY_POINTS_MAX", 3)
    for count, lengths in ((3, [3]), (4, [3, 2]), (5, [3, 3]), (6, [3, 3, 2])):
        records = ours(*(row(second) for second in range(count))).records
        assert [len(points(record)) for record in records] == lengths
        ends = [(points(record)[0][0], points(record)[-1][0]) for record in records]
        assert all(before[1] == after[0] for before, after in pairwise(ends))


def test_without_names_the_file_is_one_track() -> None:
    reading = read("time;lat;lng;altitude_m\n1795356000;47;8;5\n1795356001;47;8;5\n")
    assert [record.title for record in reading.records] == ["track"]


def test_rows_without_time_place_or_height_are_counted() -> None:
    reading = ours(row(0), row(1, lat="NaN"), row(2, height=""), row(3), "A,null,47,8,5")
    assert len(points(reading.records[0])) == 2
    (counted,) = reading.refused
    assert counted.line == 3
    assert counted.refusal.found == "3 rows passed over, the first on line 3"
    below = ours(row(0, height=1), row(1, height=1), row(2, height=-1), head="flight,time,lat,lng,flight_level")
    assert [bad.line for bad in below.refused] == [4]


C = RefusalCode
BAD_ROWS: list[tuple[str, str, str, RefusalCode, str]] = [
    ("too few cells", "A,1795356005,47", "", C.MALFORMED, "first line"),
    ("latitude beyond the pole", row(5, lat=91), "lat", C.OUT_OF_RANGE, "-90"),
    ("an infinite latitude", row(5, lat="inf"), "lat", C.OUT_OF_RANGE, "-90"),
    ("longitude beyond 180", "A,1795356005,47,190,5", "lng", C.OUT_OF_RANGE, "-180"),
    ("a decimal comma", 'A,1795356005,"47,1",8,5', "lat", C.MALFORMED, "decimal point"),
    ("an underscore", row(5, lat="4_7"), "lat", C.MALFORMED, "number"),
    ("other digits", row(5, lat="٤٧"), "lat", C.MALFORMED, "number"),
    ("a word", row(5, height="high"), "altitude_m", C.MALFORMED, "number"),
    ("too high", row(5, height=1e9), "altitude_m", C.OUT_OF_RANGE, "100000 m"),
    ("too low", row(5, height=-2000), "altitude_m", C.OUT_OF_RANGE, "-1000"),
    ("no zone", "A,2026-11-22T14:00:05,47,8,5", "time", C.OUT_OF_RANGE, "zone"),
    ("seconds of a flight", "A,5,47,8,5", "time", C.OUT_OF_RANGE, "1973"),
    ("nanoseconds", "A,1795356005000000000,47,8,5", "time", C.OUT_OF_RANGE, "2100"),
    ("a day that is none", "A,2026-02-30T14:00:00Z,47,8,5", "time", C.OUT_OF_RANGE, "RFC 3339"),
    ("an open quote", 'A,1795356005,"47,8,5', "", C.MALFORMED, "quotes"),
    ("nobody's", row(5, flight=" "), "flight", C.MALFORMED, "name"),
    ("a long line", row(5) + "," * 70_000, "", C.OVER_LIMIT, "65536"),
]


@pytest.mark.parametrize(
    "bad, field, code, allowed", [each[1:] for each in BAD_ROWS], ids=[each[0] for each in BAD_ROWS]
)
def test_a_bad_row_is_told_with_its_line_and_the_rest_is_kept(
    bad: str, field: str, code: RefusalCode, allowed: str
) -> None:
    reading = ours(row(0), bad, row(10))
    assert len(points(reading.records[0])) == 2
    (told,) = reading.refused
    assert (told.line, told.place, told.refusal.field, told.refusal.code) == (3, "line 3", field, code)
    assert allowed in told.refusal.allowed


def test_bad_bytes_in_a_row_spoil_that_row() -> None:
    source = "\n".join(("flight,time,lat,lng,altitude_m", row(0), row(1))).encode() + b"\nA\xff,1,1,1,1\n"
    reading = read_source(b"\xef\xbb\xbf" + source.replace(b"\n", b"\r\n"))
    assert len(points(reading.records[0])) == 2
    assert [bad.line for bad in reading.refused] == [4]
    assert read_source(source.replace(b"\n", b"\r")).refused[0].line == 4


@pytest.mark.parametrize(
    "extra, field",
    [("-1,,", "row.buffer_lateral_m"), (",1e9,", "row.buffer_vertical_m"), (",,JET", "row.aircraft_class")],
)
def test_bad_extras_spoil_their_row(extra: str, field: str) -> None:
    head = "flight,time,lat,lng,altitude_m,buffer_lateral_m,buffer_vertical_m,aircraft_class"
    reading = ours(f"{row(0)},1,2,MIXED", f"{row(1)},1,2,MIXED", f"{row(2)},{extra}", head=head)
    assert [(bad.line, bad.refusal.field) for bad in reading.refused] == [(4, field)]
    differing = ours(f"{row(0)},,,MIXED", f"{row(1)},,,MANNED", f"{row(2)},,,", head=head)
    assert [bad.refusal.field for bad in differing.refused] == ["aircraft_class"]


BAD_HEADS: list[tuple[str, str, RefusalCode, str]] = [
    ("an altitude without unit", "flight,time,lat,lng,altitude", C.MALFORMED, "altitude_ft"),
    ("a height without unit", "flight,time,latitude,longitude,height", C.MALFORMED, "altitude_ft"),
    ("geoaltitude of nobody knows whom", "flight,time,lat,lng,geoaltitude", C.MALFORMED, "altitude_ft"),
    ("no height", "flight,time,lat,lng", C.MALFORMED, "altitude_m"),
    ("no time", "flight,lat,lng,altitude_m", C.MALFORMED, "timestamp"),
    ("no longitude", "flight,time,lat,altitude_m", C.MALFORMED, "latitude"),
    ("a name twice", "time,lat,lng,altitude_m,lat", C.DUPLICATE_FIELD, "once"),
    ("two units", "time,lat,lng,altitude_m,altitude_ft", C.DUPLICATE_FIELD, "one column"),
    ("too many columns", "time,lat,lng,altitude_m" + ",x" * 300, C.OVER_LIMIT, "256"),
]


@pytest.mark.parametrize("head, code, allowed", [each[1:] for each in BAD_HEADS], ids=[each[0] for each in BAD_HEADS])
def test_a_header_that_leaves_something_open_is_refused(head: str, code: RefusalCode, allowed: str) -> None:
    with pytest.raises(Refusal) as caught:
        ours(row(0), row(1), head=head)
    assert (caught.value.field, caught.value.code) == ("header", code)
    assert allowed in caught.value.allowed


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS_LISTED_MAX", 3)
    reading = ours(*(row(5, lat=99) for _ in range(10)), row(0))
    assert [(bad.place, bad.line) for bad in reading.refused] == [
        ("line 2", 2),
        ("line 3", 3),
        ("line 4", 4),
        ("rows", 5),
    ]
    assert reading.refused[-1].refusal.found == "8 rows passed over, the first on line 5"
    monkeypatch.setattr(limits, "CSV_FLIGHTS_MAX", 2)
    with pytest.raises(Refusal) as caught:
        ours(row(0), row(0, "B"), row(0, "C"))
    assert caught.value.code is RefusalCode.OVER_LIMIT
    monkeypatch.setattr(limits, "CSV_ROWS_MAX", 2)
    with pytest.raises(Refusal):
        ours(row(0), row(1))
    with pytest.raises(Refusal):
        csv_tracks.read(OURS.encode(), bytes_max=10)


@pytest.mark.parametrize("head", [b"flight,time,lat,lng,altitude_m\xff\n", b"time,lat,lng," + b"x" * 70_000])
def test_bad_headers_are_refused_by_the_reader(head: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        csv_tracks.read(head)
    assert caught.value.field == "header"


def test_a_hundred_thousand_rows_take_a_second_or_two() -> None:
    rows = [
        f"{flight:06x},{START_MS // 1000 + second},47.{second:03d},8.1,{3000 + second}"
        for second in range(1000)
        for flight in range(100)
    ]
    source = "\n".join(("icao24,time,lat,lng,altitude_ft_pressure", *rows)).encode()
    started = time.process_time()
    reading = read_source(source)
    assert time.process_time() - started < 5.0
    assert (len(reading.records), len(reading.refused)) == (100, 0)


def outcome(source: bytes) -> None:
    try:
        reading = read_source(source)
    except Refusal:
        return
    for bad in reading.refused:
        assert bad.title.isprintable()
        assert len(str(bad.refusal)) < 4_000
    for record in reading.records:
        assert record.trajectory is not None


CELLS = st.one_of(
    st.sampled_from(
        ["", "nan", "47.1", "-8", "500", "1795356000", "2026-11-22T14:00:00Z", "1e400", "A", '"', "ground"]
    ),
    st.integers(1_795_356_000, 1_795_356_099).map(str),
    st.floats().map(str),
    st.text(max_size=6),
)


@settings(max_examples=300)
@given(st.sampled_from(list(DIALECTS.values())), st.lists(st.lists(CELLS, max_size=16), max_size=8))
def test_any_cells_under_any_header(dialect: str, rows: list[list[str]]) -> None:
    head = dialect.replace("# positions of a plan\n", "").partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    outcome("\n".join((head, *(delimiter.join(cells) for cells in rows))).encode(errors="surrogateescape"))


@settings(max_examples=300)
@given(st.sampled_from(list(DIALECTS.values())), st.data())
def test_any_byte_changed_or_cut_off(dialect: str, data: st.DataObject) -> None:
    source = bytearray(dialect.encode())
    place = data.draw(st.integers(0, len(source) - 1))
    source[place] = data.draw(st.integers(0, 255))
    outcome(bytes(source))
    outcome(bytes(source[:place]))


@given(st.binary(max_size=100))
@example(b"lat,lng,time")
@example(b"\xef\xbb\xbf#\n")
def test_any_bytes(source: bytes) -> None:
    for decoder in (outcome, csv_tracks.is_csv):
        decoder(source)
    outcome(b"time,lat,lng,altitude_m\n" + source)


def test_real_tracks_come_back_as_they_were_flown() -> None:
    """The shipped sample of fire traffic, written as the program traffic writes it."""
    tracks = load_sample("calfire").tracks
    head = "timestamp,icao24,callsign,latitude,longitude,altitude,groundspeed"
    rows = [
        f"{instant_text(fix.at_ms).replace('T', ' ').replace('Z', '+00:00')},{track.number:06x},C{track.number},"
        f"{fix.lat},{fix.lng},{float(fix.pressure_ft)},200.0"
        for track in tracks
        for fix in track.fixes
    ]
    reading = read("\n".join((head, *rows)))
    flown = {
        (f"C{track.number}", fix.at_ms, fix.lat, fix.lng, fix.pressure_ft) for track in tracks for fix in track.fixes
    }
    read_back = {
        (record.title, at_ms + START_MS, lat, lng, round(altitude.value * 100))
        for record in reading.records
        for at_ms, lat, lng, altitude in points(record)
    }
    alone = sum(bad.refusal.code is RefusalCode.RING_INVALID for bad in reading.refused)
    assert read_back <= flown
    assert len(read_back) == len(flown) - alone
    assert len(reading.refused) == alone
