"""Any bytes at all are read as a value or refused with a `Refusal`; nothing else ever comes out of a decoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clearline.formats import f3548, geojson
from clearline.formats.detect import read_source
from clearline.formats.record import FileFormat, Reading
from clearline.formats.sample import read_sample
from clearline.model.refusal import Refusal, RefusalCode

GEOJSON: dict[str, Any] = {"type": "FeatureCollection", "features": []}
F3548: dict[str, Any] = {"volumes": []}

DECODERS: list[Callable[[bytes], object]] = [read_source, geojson.read, f3548.read, read_sample]


def outcome(decoder: Callable[[bytes], object], source: bytes) -> Reading | Refusal | None:
    """Return what a decoder yields; any exception but `Refusal` fails the test."""
    try:
        value = decoder(source)
    except Refusal as refusal:
        return refusal
    if not isinstance(value, Reading):
        return None
    for bad in value.refused:
        assert bad.title.isprintable()
        assert len(str(bad.refusal)) < 4_000
    return value


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe{\x00}\x00")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"1" * 10_000)
@example(b"NaN")
@example(b'"\\ud800"')
@example(b'{"volumes": ["\\ud800"]}')
@example(b"\x1f\x8b")
def test_any_bytes(source: bytes) -> None:
    for decoder in DECODERS:
        outcome(decoder, source)


WORDS = st.sampled_from(
    """type features Feature FeatureCollection geometry properties coordinates Polygon Point LineString MultiPolygon
    lower upper start end radius_m width_m notice name id priority aircraft_class volumes details reference volume
    operational_intents operational_intent outline_polygon outline_circle outline_corridor vertices center radius value
    units M W84 FL180 altitude_lower altitude_upper time_start time_end format RFC3339 lat lng half_width extents crs
    2026-11-22T14:00:00Z 2026-11-22T15:00:00Z""".split()
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(10**400),
    st.text(max_size=8),
    WORDS,
    st.just("\ud800"),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.one_of(WORDS, st.text(max_size=3)), inner)),
    max_leaves=30,
)


@settings(max_examples=300)
@given(VALUES)
def test_any_json(value: Any) -> None:
    source = json.dumps(value).encode()
    for decoder in DECODERS:
        outcome(decoder, source)


WHOLE_GEOJSON: dict[str, Any] = {
    "type": "Feature",
    "id": "a",
    "geometry": {"type": "Polygon", "coordinates": [[[8, 47], [8.1, 47], [8.1, 47.1], [8, 47]]]},
    "properties": {
        "name": "a",
        "lower": {"value": 1, "reference": "W84", "units": "M"},
        "upper": "FL180",
        "start": "2026-11-22T14:00:00Z",
        "end": "2026-11-22T15:00:00Z",
        "radius_m": 5,
        "width_m": 5,
    },
}
WHOLE_F3548: dict[str, Any] = {
    "reference": {"id": "a"},
    "details": {
        "priority": 0,
        "volumes": [
            {
                "volume": {
                    "outline_polygon": {"vertices": [{"lat": 1, "lng": 2}, {"lat": 1, "lng": 3}, {"lat": 2, "lng": 3}]},
                    "altitude_lower": {"value": 1, "reference": "W84", "units": "M"},
                    "altitude_upper": {"value": 2, "reference": "W84", "units": "M"},
                },
                "time_start": {"value": "2026-11-22T14:00:00Z", "format": "RFC3339"},
                "time_end": {"value": "2026-11-22T15:00:00Z", "format": "RFC3339"},
            }
        ],
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each value inside a document."""
    found = [path]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        found += places(inner, (*path, name))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a document with the value at `path` exchanged."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=300)
@given(st.sampled_from([WHOLE_GEOJSON, WHOLE_F3548]), st.data())
def test_any_value_at_any_place_of_a_good_record(document: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(places(document)))
    source = json.dumps(replaced(document, path, data.draw(VALUES))).encode()
    for decoder in DECODERS:
        outcome(decoder, source)


@settings(max_examples=300)
@given(st.sampled_from([WHOLE_GEOJSON, WHOLE_F3548]), st.data())
def test_any_byte_changed_or_cut_off(document: dict[str, Any], data: st.DataObject) -> None:
    source = bytearray(json.dumps(document).encode())
    place = data.draw(st.integers(0, len(source) - 1))
    source[place] = data.draw(st.integers(0, 255))
    for decoder in DECODERS:
        outcome(decoder, bytes(source))
        outcome(decoder, bytes(source[:place]))


def test_the_format_is_told_from_the_content() -> None:
    assert read_source(json.dumps(GEOJSON).encode()).file_format is FileFormat.GEOJSON
    assert read_source(b"\xef\xbb\xbf" + json.dumps(GEOJSON).encode()).file_format is FileFormat.GEOJSON
    assert read_source(json.dumps(F3548).encode()).file_format is FileFormat.F3548
    assert read_source(json.dumps([F3548]).encode()).file_format is FileFormat.F3548


@pytest.mark.parametrize(
    "source, code",
    [
        (b"", RefusalCode.MALFORMED),
        (b"  \n", RefusalCode.MALFORMED),
        (b"\x00\xff\x80", RefusalCode.MALFORMED),
        (b'{"type": ', RefusalCode.MALFORMED),
        (b"[" * 10_000_000, RefusalCode.OVER_LIMIT),
        (b"{}", RefusalCode.UNKNOWN_FORMAT),
        (b"[]", RefusalCode.UNKNOWN_FORMAT),
        (b"17", RefusalCode.UNKNOWN_FORMAT),
        (b"null", RefusalCode.UNKNOWN_FORMAT),
        (b'"text"', RefusalCode.UNKNOWN_FORMAT),
        (b'{"type": "Topology"}', RefusalCode.UNKNOWN_FORMAT),
        (b'{"volumes": [], "volumes": []}', RefusalCode.DUPLICATE_FIELD),
    ],
)
def test_bad_files_are_refused_whole(source: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as caught:
        read_source(source)
    assert caught.value.code is code


def test_a_file_over_the_limit_is_not_parsed() -> None:
    with pytest.raises(Refusal) as caught:
        read_source(b"[]" * 100, bytes_max=100)
    assert caught.value.code is RefusalCode.OVER_LIMIT
