"""XML and zip archives made to harm: refused with a code, in bounded time, and nothing outside is asked for."""

from __future__ import annotations

import io
import time
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clearline.formats import kml, kmz
from clearline.formats.detect import read_source
from clearline.formats.record import Reading
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

HEAD = b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
TAIL = b"</Document></kml>"
GOOD = (
    HEAD + b"<Placemark><name>A</name><TimeSpan><begin>2026-11-22T14:00:00Z</begin><end>2026-11-22T15:00:00Z</end>"
    b"</TimeSpan><Polygon><extrude>1</extrude><altitudeMode>absolute</altitudeMode><outerBoundaryIs><LinearRing>"
    b"<coordinates>8,47,9 8.1,47,9 8.1,47.1,9 8,47,9</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    b"</Placemark><Placemark><Track><altitudeMode>absolute</altitudeMode><when>2026-11-22T14:00:00Z</when>"
    b"<when>2026-11-22T14:00:09Z</when><coord>8 47 9</coord><coord>8.1 47 9</coord></Track></Placemark>" + TAIL
)


def outcome(source: bytes) -> Reading | Refusal:
    """Return what comes of the bytes; any exception but `Refusal` fails the test."""
    try:
        reading = read_source(source)
    except Refusal as refusal:
        return refusal
    for bad in reading.refused:
        assert bad.title.isprintable()
        assert len(str(bad.refusal)) < 4_000
    return reading


def code_of(source: bytes) -> RefusalCode:
    told = outcome(source)
    assert isinstance(told, Refusal)
    return told.code


LAUGHS = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))

DOCTYPES = {
    "billion laughs": b'<!DOCTYPE kml [<!ENTITY a0 "ha">' + LAUGHS + b"]><kml><name>&a9;</name></kml>",
    "quadratic blow-up": b'<!DOCTYPE kml [<!ENTITY a "' + b"x" * 100_000 + b'">]><kml>' + b"&a;" * 100_000 + b"</kml>",
    "an external entity": b'<!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/hostname">]><kml>&a;</kml>',
    "an external subset": b'<!DOCTYPE kml SYSTEM "http://127.0.0.1:1/a.dtd"><kml/>',
    "a parameter entity": b'<!DOCTYPE kml [<!ENTITY % a SYSTEM "http://127.0.0.1:1/a">%a;]><kml/>',
    "an unparsed entity": b'<!DOCTYPE kml [<!NOTATION n SYSTEM "n"><!ENTITY a SYSTEM "b" NDATA n>]><kml/>',
    "default attributes": b'<!DOCTYPE kml [<!ATTLIST kml a CDATA "b">]><kml/>',
    "an empty one": b"<!DOCTYPE kml><kml/>",
}


@pytest.mark.parametrize("source", DOCTYPES.values(), ids=DOCTYPES)
def test_a_document_type_is_refused_before_it_counts(source: bytes) -> None:
    told = outcome(b"\n" + source)
    assert isinstance(told, Refusal)
    assert (told.code, told.field) == (RefusalCode.MALFORMED, "line 2")
    assert "DOCTYPE" in told.found


WHOLE: list[tuple[str, bytes, RefusalCode]] = [
    ("not closed", HEAD, RefusalCode.MALFORMED),
    ("an unknown entity", HEAD + b"&nbsp;" + TAIL, RefusalCode.MALFORMED),
    ("two roots", GOOD + GOOD, RefusalCode.MALFORMED),
    ("an attribute twice", HEAD + b'<a b="" b=""/>' + TAIL, RefusalCode.MALFORMED),
    ("half a character", HEAD + b"<name>\xc3</name>" + TAIL, RefusalCode.MALFORMED),
    ("a zero byte", HEAD + b"\0" + TAIL, RefusalCode.MALFORMED),
    ("half UTF-16", b"\xff\xfe<\0k", RefusalCode.MALFORMED),
    ("odd UTF-16", b"\xff\xfe<\0k\0\x00", RefusalCode.MALFORMED),
    ("a codec of Python's", b'<?xml version="1.0" encoding="unicode_escape"?><kml/>', RefusalCode.MALFORMED),
    ("a codec that is none", b'<?xml version="1.0" encoding="base64"?><kml/>', RefusalCode.MALFORMED),
    ("UTF-7", b'<?xml version="1.0" encoding="utf-7"?><kml/>', RefusalCode.MALFORMED),
    ("other XML", b"<gpx><trk/></gpx>", RefusalCode.UNKNOWN_FORMAT),
    ("a page", b"<html><body>Sign in</body></html>", RefusalCode.UNKNOWN_FORMAT),
    ("too deep", HEAD + b"<Folder>" * 100_000, RefusalCode.OVER_LIMIT),
    ("too deep in a record", HEAD + b"<Placemark>" + b"<a>" * 100_000, RefusalCode.OVER_LIMIT),
]


@pytest.mark.parametrize("source, code", [row[1:] for row in WHOLE], ids=[row[0] for row in WHOLE])
def test_bad_files_are_refused_whole(source: bytes, code: RefusalCode) -> None:
    assert code_of(source) is code


def test_what_is_not_well_formed_is_told_with_line_and_column() -> None:
    told = outcome(HEAD + b"\n<Folder>\n</Document></kml>")
    assert isinstance(told, Refusal)
    assert told.found == "mismatched tag at line 3, column 3"


@pytest.mark.parametrize(
    "encoding, written",
    [
        ("utf-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("ISO-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-16"),
    ],
)
def test_encodings(encoding: str, written: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n{GOOD.decode()}'.replace(">A<", ">Zürich<")
    reading = outcome(text.encode(written))
    assert isinstance(reading, Reading)
    assert [record.title for record in reading.records] == ["Zürich", "Placemark 2"]


def test_a_record_of_too_many_elements_is_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "XML_ELEMENTS_MAX", 50)
    reading = outcome(GOOD.replace(b"</Document>", b"<Placemark>" + b"<a/>" * 60 + b"</Placemark></Document>"))
    assert isinstance(reading, Reading)
    assert (len(reading.records), [bad.refusal.code for bad in reading.refused]) == (2, [RefusalCode.OVER_LIMIT])


def test_text_over_the_limit_refuses_only_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "XML_TEXT_CHARACTERS_MAX", 100)
    described = GOOD.replace(b"<Polygon>", b"<description>" + b"x" * 1000 + b"</description><Polygon>")
    reading = outcome(described)
    assert isinstance(reading, Reading)
    assert len(reading.records) == 2
    longer = outcome(GOOD.replace(b"8.1,47,9 ", b"8.1,47,9 " * 20))
    assert isinstance(longer, Reading)
    assert [bad.refusal.code for bad in longer.refused] == [RefusalCode.OVER_LIMIT]


MEGABYTES = 4 << 20
SLOW = {
    "a long attribute": HEAD + b'<a b="' + b"x" * MEGABYTES,
    "a long comment": HEAD + b"<!--" + b"x" * MEGABYTES,
    "a long name": HEAD + b"<" + b"x" * MEGABYTES,
    "many attributes": HEAD + b"<a " + b" ".join(b'a%d=""' % n for n in range(200_000)) + b"/>" + TAIL,
    "many elements": HEAD + b"<Placemark>" + b"<a/>" * 500_000 + b"</Placemark>" + TAIL,
    "many geometries": HEAD + b"<Placemark>" + b"<Polygon/>" * 200_000 + b"</Placemark>" + TAIL,
    "many data": HEAD + b"<Placemark><ExtendedData>" + b"<Data/>" * 200_000 + b"</ExtendedData></Placemark>" + TAIL,
    "commas": GOOD.replace(b"8.1,47,9 ", b", " * 500_000),
    "blanks": GOOD.replace(b"8.1,47,9 ", b" " * 1_000_000),
    "text in pieces": GOOD.replace(b"8.1,47,9 ", b"<!---->1" * 200_000),
    "long numbers": GOOD.replace(b"8.1,47,9 ", b"1" * 1_000_000),
}


@pytest.mark.parametrize("source", SLOW.values(), ids=SLOW)
def test_time_is_bounded(source: bytes) -> None:
    started = time.process_time()
    outcome(source)
    assert time.process_time() - started < 10.0


@settings(max_examples=300)
@given(st.data())
def test_any_byte_changed_or_cut_off(data: st.DataObject) -> None:
    source = bytearray(GOOD)
    place = data.draw(st.integers(0, len(source) - 1))
    source[place] = data.draw(st.integers(0, 255))
    outcome(bytes(source))
    outcome(bytes(source[:place]))


NAMES = st.sampled_from(
    """kml Document Folder Placemark name TimeSpan TimeStamp begin end when Polygon outerBoundaryIs innerBoundaryIs
    LinearRing LineString Point coordinates MultiGeometry Track MultiTrack gx:Track gx:coord coord extrude altitudeMode
    ExtendedData Data value SchemaData SimpleData Style StyleMap Pair key styleUrl LineStyle gx:physicalWidth
    interpolate NetworkLink GroundOverlay Model""".split()
)
TEXTS = st.one_of(
    st.sampled_from(
        ["8,47,9 8.1,47,9 8.1,47.1,9", "8 47 9", "1", "absolute", "relativeToGround", "2026-11-22T14:00:00Z", "#a", "-"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="<&\0"), max_size=9),
)
ATTRIBUTES = st.sampled_from(["", ' name="lower"', ' name="upper"', ' name="radius_m"', ' name="notice"', ' id="a"'])
NODES = st.recursive(
    TEXTS,
    lambda inner: st.builds(
        lambda name, said, inside: f"<{name}{said}>{''.join(inside)}</{name}>",
        NAMES,
        ATTRIBUTES,
        st.lists(inner, max_size=4),
    ),
    max_leaves=40,
)


@settings(max_examples=400)
@given(st.lists(NODES, max_size=4))
def test_any_tree_of_its_names(nodes: list[str]) -> None:
    outcome(f"<kml><Placemark>{''.join(nodes[:1])}</Placemark>{''.join(nodes)}</kml>".encode(errors="replace"))


# --- archives


def packed(content: bytes, name: str = "doc.kml", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        archive.writestr(name, content)
    return body.getvalue()


@settings(max_examples=300)
@given(st.data())
def test_any_byte_of_an_archive(data: st.DataObject) -> None:
    source = bytearray(packed(GOOD))
    place = data.draw(st.integers(0, len(source) - 1))
    source[place] = data.draw(st.integers(0, 255))
    outcome(bytes(source))
    outcome(bytes(source[:place]))


@given(st.binary(max_size=200))
@example(b"")
@example(b"PK\x05\x06" + bytes(18))
def test_any_bytes_after_the_mark_of_an_archive(rest: bytes) -> None:
    outcome(b"PK\x03\x04" + rest)
    outcome(b"<" + rest)


def test_archives_that_grow_are_refused() -> None:
    assert code_of(packed(GOOD + b" " * (2 << 20))) is RefusalCode.OVER_LIMIT
    assert code_of(packed(b" " * (limits.XML_BYTES_MAX + 1))) is RefusalCode.OVER_LIMIT
    # An archive that says less of a member than it holds is not believed.
    lying = packed(GOOD + b" " * (2 << 20))
    size = (len(GOOD) + (2 << 20)).to_bytes(4, "little")
    assert code_of(lying.replace(size, (1000).to_bytes(4, "little"))) in {
        RefusalCode.MALFORMED,
        RefusalCode.OVER_LIMIT,
    }


def test_other_archives_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(packed(GOOD, name="a.txt")) is RefusalCode.UNKNOWN_FORMAT
    assert code_of(packed(GOOD, method=zipfile.ZIP_BZIP2)) is RefusalCode.UNKNOWN_FORMAT
    enciphered = packed(GOOD).replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    assert code_of(enciphered) is RefusalCode.UNKNOWN_FORMAT
    assert code_of(packed(b"{}")) is RefusalCode.MALFORMED
    monkeypatch.setattr(limits, "KMZ_MEMBERS_MAX", 0)
    assert code_of(packed(GOOD)) is RefusalCode.OVER_LIMIT
    monkeypatch.setattr(limits, "FILE_BYTES_MAX", 10)
    with pytest.raises(Refusal):
        kmz.unpack(packed(GOOD))


def test_nothing_over_the_limit_is_parsed() -> None:
    with pytest.raises(Refusal) as caught:
        kml.read(GOOD, bytes_max=100)
    assert caught.value.code is RefusalCode.OVER_LIMIT
