"""Lines of records in JSON files: as the file is written, and paid for only when wanted."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clearline.formats import geojson, json_place
from clearline.formats.detect import read_source
from clearline.formats.json_place import lines_of, with_lines

FEATURE = {
    "type": "Feature",
    "geometry": {"type": "Polygon", "coordinates": [[[8, 47], [8.1, 47], [8.1, 47.1], [8, 47]]]},
    "properties": {"lower": 1, "upper": 2, "start": "2026-11-22T14:00:00Z", "end": "2026-11-22T15:00:00Z"},
}
BAD = {**FEATURE, "geometry": None}


def collection(*features: object) -> bytes:
    lines = ",\n".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection",\n"features": [\n{lines}]}}'.encode()


def test_every_record_has_its_line_where_one_is_refused() -> None:
    reading = read_source(b"\xef\xbb\xbf\n" + collection(FEATURE, BAD, 5, FEATURE))
    assert [record.line for record in reading.records] == [4, 7]
    assert [bad.line for bad in reading.refused] == [5, 6]


def test_nothing_is_looked_for_where_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    source = collection(FEATURE, FEATURE)

    def no_search(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(json_place, "lines_of", no_search)
    reading = read_source(source)
    assert [record.line for record in reading.records] == [None, None]
    monkeypatch.undo()
    assert [record.line for record in with_lines(reading, source).records] == [3, 4]
    assert with_lines(with_lines(reading, source), b"{}") == with_lines(reading, source)


def test_a_file_of_one_record() -> None:
    assert [bad.line for bad in read_source(b"\n\n" + json.dumps(BAD).encode()).refused] == [3]
    assert [bad.line for bad in read_source(b'\n{"volumes": [{}]}').refused] == [2]


def test_operational_intents_wherever_they_stand() -> None:
    source = b'{"x": [1, "]"],\n"operational_intents": [\n[{"volumes": []}],\n{"details":\n{"volumes": 5}}]}'
    reading = read_source(source)
    assert [(bad.place, bad.line) for bad in reading.refused] == [
        ("operational_intents[0][0]", 3),
        ("operational_intents[1]", 4),
    ]


def test_the_writer_and_the_places_agree() -> None:
    source = geojson.write_features([FEATURE] * 9)
    assert lines_of(source, [f"features[{index}]" for index in range(9)]) == {
        f"features[{index}]": index + 2 for index in range(9)
    }


def test_places_that_are_not_there_have_no_line() -> None:
    places = ["features[9]", "features[0].x", "y", "[0]", "features[0]"]
    assert lines_of(collection(FEATURE), places) == {"features[0]": 3}
    for broken in (b"", b"{", b'{"features": [', b"\xff", b'{"features": 1' + b"2" * 9_000 + b"}", b"[" * 99_999):
        assert lines_of(broken, ["features[0]"]) == {}


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(st.sampled_from("abcd"), min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


def paths(value: object, path: str = "") -> dict[str, object]:
    found = {path: value}
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= paths(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found |= paths(inner, f"{path}[{index}]")
    return found


@given(VALUES)
@example([[], {"a": {}}, []])
def test_every_value_is_found_on_its_line(value: object) -> None:
    """Written one value a line, the values come in the order of their lines, each on one of its own."""
    text = json.dumps(value, indent=1)
    lines = lines_of(text.encode(), list(paths(value)))
    assert set(lines) == set(paths(value))
    assert sorted(lines.values()) == list(lines.values())
    assert len(set(lines.values())) == len(lines)
    for place, inner in paths(value).items():
        start = json.dumps(inner)[:1]
        line = text.splitlines()[lines[place] - 1] if "\x85" not in text else start
        assert start in line


@given(st.binary(max_size=60), st.lists(st.text(max_size=9), max_size=3))
def test_any_bytes_and_any_places(source: bytes, places: list[str]) -> None:
    assert set(lines_of(source, places)) <= set(places)


def test_time_is_about_that_of_reading() -> None:
    source = collection(*[FEATURE] * 20_000, BAD)
    started = time.process_time()
    reading = read_source(source)
    assert time.process_time() - started < 10.0
    assert reading.refused[0].line == 20_003
