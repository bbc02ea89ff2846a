"""Whatever bytes come, there is a value or a `Refusal`: never another exception, never a guess, never a hang."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearline.model.agreement import LineAgreement
from clearline.model.altitude import Altitude
from clearline.model.decode import convert, decode, repeated_fields
from clearline.model.message import BODY_TYPES, Header, MessageType
from clearline.model.notice import Notice
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Volume4D
from tests.model import samples

WANTED: dict[str, tuple[type[Any], samples.Plain]] = {
    "notice": (Notice, samples.NOTICE),
    "volume": (Volume4D, samples.VOLUME_4D),
    "agreement": (LineAgreement, samples.AGREEMENT),
    "header": (Header, samples.HEADER),
    **{name.value: (BODY_TYPES[name], samples.BODIES[name]) for name in MessageType},
}
NAMES = sorted(WANTED)
BYTES_MAX = 1 << 20

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def outcome(wanted: type[Any], source: bytes) -> object:
    """Return the value, or the refusal; any other exception fails the test."""
    try:
        return decode(wanted, source, bytes_max=BYTES_MAX)
    except Refusal as refusal:
        assert refusal.code in RefusalCode
        assert str(refusal).isprintable()
        return refusal


def refused(wanted: type[Any], source: bytes) -> Refusal:
    result = outcome(wanted, source)
    assert isinstance(result, Refusal)
    return result


@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_any_bytes(name: str, source: bytes) -> None:
    outcome(WANTED[name][0], source)


@given(st.sampled_from(NAMES), json_values)
def test_any_json(name: str, plain: object) -> None:
    outcome(WANTED[name][0], json.dumps(plain).encode())


@given(st.sampled_from(NAMES), json_values)
def test_any_plain_value(name: str, plain: object) -> None:
    try:
        convert(WANTED[name][0], plain)
    except Refusal as refusal:
        assert str(refusal).isprintable()


@settings(max_examples=400)
@given(st.sampled_from(NAMES), st.data())
def test_one_place_spoiled(name: str, data: st.DataObject) -> None:
    """Anything in any one place of a lawful value: taken or refused, and the refusal names a place."""
    wanted, plain = WANTED[name]
    places = list(places_of(plain, ()))
    place = data.draw(st.sampled_from(places))
    spoiled = samples.changed(plain, *place, to=data.draw(json_values))
    result = outcome(wanted, json.dumps(spoiled).encode())
    if isinstance(result, Refusal):
        assert result.field


def places_of(value: object, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    members: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    found = [path] if path else []
    for step, inner in members:
        found += places_of(inner, (*path, step))
    return found


@settings(max_examples=300)
@given(st.sampled_from(NAMES), st.data())
def test_bytes_flipped_and_cut(name: str, data: st.DataObject) -> None:
    source = bytearray(msgspec.json.encode(WANTED[name][1]))
    for _ in range(data.draw(st.integers(1, 4))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(source)))
    outcome(WANTED[name][0], bytes(source))
    outcome(WANTED[name][0], bytes(source[:cut]))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_twice(name: str) -> None:
    """Two readers could see two messages: refused at every level, also when the second is written as an escape."""
    wanted, plain = WANTED[name]
    source = msgspec.json.encode(plain)
    for field in plain:
        quoted = json.dumps(field).encode() + b":"
        escaped = b'"' + b"".join(b"\\u%04x" % ord(letter) for letter in field) + b'":'
        for again in (quoted, escaped):
            doubled = source[:-1] + b"," + again + msgspec.json.encode(plain[field]) + b"}"
            refusal = refused(wanted, doubled)
            assert (refusal.code, refusal.field) == (RefusalCode.DUPLICATE_FIELD, field)


def test_twice_inside() -> None:
    source = msgspec.json.encode(samples.NOTICE).replace(b'"lat":47.0', b'"lat":47.0,"lat":46.0', 1)
    assert refused(Notice, source).code is RefusalCode.DUPLICATE_FIELD
    # The decoder leaves the body of a header unread; what stands twice in it is seen all the same.
    header = msgspec.json.encode(samples.HEADER).replace(b'"version":1', b'"version":1,"version":2')
    assert refused(Header, header).code is RefusalCode.DUPLICATE_FIELD


@pytest.mark.parametrize("levels", [33, 500, 100_000])
@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("closed", [True, False])
def test_depth_bombs(levels: int, pair: tuple[bytes, bytes], closed: bool) -> None:
    bomb = pair[0] * levels + b"1" + (pair[1] * levels if closed else b"")
    for wanted, _ in WANTED.values():
        assert refused(wanted, bomb).code is RefusalCode.OVER_LIMIT
    header = msgspec.json.encode(samples.changed(samples.HEADER, "body", to=0)).replace(b'"body":0', b'"body":' + bomb)
    assert refused(Header, header).code is RefusalCode.OVER_LIMIT
    altitude = b'{"value":' + bomb + b',"reference":"W84","units":"M"}'
    assert refused(Altitude, altitude).code is RefusalCode.OVER_LIMIT


@pytest.mark.parametrize("text", ['"' + "[" * 40 + '"', '"' + '\\"[' * 40 + '"', "[" + "[],{}," * 40 + "[]]"])
def test_depth_counts_brackets_that_nest_and_no_others(text: str) -> None:
    """What is quoted or closed again is no depth."""
    assert refused(Altitude, b'{"value":' + text.encode() + b',"reference":"W84","units":"M"}').code is (
        RefusalCode.MALFORMED
    )


def test_a_name_repeated_among_very_many_is_found_at_once() -> None:
    """The search grows with the number of names and not with its square: 200,000 take 0.2 s, not 3 minutes."""
    names = ",".join(f'"a{place}":0' for place in range(200_000))
    assert repeated_fields(f'{{{names},"a199999":0}}'.encode()) == [("a199999", True)]


def altitude(value: bytes) -> bytes:
    return b'{"value":' + value + b',"reference":"W84","units":"M"}'


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"NaN", RefusalCode.MALFORMED),
        (b"nan", RefusalCode.MALFORMED),
        (b"Infinity", RefusalCode.MALFORMED),
        (b"-Infinity", RefusalCode.MALFORMED),
        (b"1e400", RefusalCode.OUT_OF_RANGE),
        (b"-1e400", RefusalCode.OUT_OF_RANGE),
        (b"9" * 400, RefusalCode.OUT_OF_RANGE),
        (b"9" * 5_000, RefusalCode.OUT_OF_RANGE),
        (b"1e308", RefusalCode.OUT_OF_RANGE),
        (b"01", RefusalCode.MALFORMED),
        (b"+1", RefusalCode.MALFORMED),
        (b".5", RefusalCode.MALFORMED),
        (b"0x10", RefusalCode.MALFORMED),
        (b"1_000", RefusalCode.MALFORMED),
        (b"1,5", RefusalCode.MALFORMED),
        (b'"1"', RefusalCode.MALFORMED),
        (b"true", RefusalCode.MALFORMED),
        (b"null", RefusalCode.MALFORMED),
        (b"", RefusalCode.MALFORMED),
    ],
)
def test_numbers_refused(value: bytes, code: RefusalCode) -> None:
    refusal = refused(Altitude, altitude(value))
    assert refusal.code is code
    if code is RefusalCode.OUT_OF_RANGE:
        assert refusal.field == "value"


@pytest.mark.parametrize(
    ("value", "number"),
    [(b"-0", 0.0), (b"-0.0", 0.0), (b"1e-400", 0.0), (b"5e-324", 5e-324), (b"1E2", 100.0), (b"100", 100.0)],
)
def test_numbers_taken(value: bytes, number: float) -> None:
    assert decode(Altitude, altitude(value), bytes_max=BYTES_MAX).value == number


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b" ",
        b"\x00",
        b"{",
        b"{}x",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        '{"value":1}'.encode("utf-16"),
        b"{'value':1}",
        b'{"value":1,}',
        b'{"value":1 /* note */}',
        b'"\xff"',
        b'{"\xff":1}',
        b'{"value":1,"reference":"\xc3","units":"M"}',
        b'{"value":1,"reference":"\\ud800","units":"M"}',
        b'{"value":1,"reference":"a\nb","units":"M"}',
        b"null",
        b"1",
        b"[]",
    ],
)
def test_texts_refused(source: bytes) -> None:
    assert refused(Altitude, source).code is RefusalCode.MALFORMED


def test_size_comes_first() -> None:
    """Nothing is read of what is over the limit, however broken it is."""
    refusal = refused(Altitude, b"\xff" * (BYTES_MAX + 1))
    assert refusal.code is RefusalCode.OVER_LIMIT
    assert refusal.found == f"{BYTES_MAX + 1} bytes"
    assert decode(Altitude, altitude(b"1"), bytes_max=len(altitude(b"1"))).value == 1.0


def test_refusal_lists_the_choices() -> None:
    notice = samples.changed(samples.NOTICE, "aircraft_class", to="BALLOON")
    refusal = refused(Notice, msgspec.json.encode(notice))
    assert (refusal.found, refusal.allowed) == ("BALLOON", "MANNED, UNMANNED, MIXED")
    deep = samples.changed(samples.NOTICE, "volumes", 0, "volume", "altitude_lower", "reference", to="MSL")
    refusal = refused(Notice, msgspec.json.encode(deep))
    assert refusal.field == "volumes[0].volume.altitude_lower.reference"
    assert (refusal.found, refusal.allowed) == ("MSL", "W84, AMSL, FL, QNH, AGL")


@pytest.mark.parametrize(
    "hostile",
    ["\u202enoitca", "a\u2066b\u2069", "a\nb", "\x1b[2J", "\u200b", "` - at `$.volumes", "x" * 10_000, "\x00"],
)
def test_hostile_text_is_shown_escaped_and_short(hostile: str) -> None:
    """A name or a value that turns direction, clears a screen or floods a log comes back visible and bounded."""
    as_value = samples.changed(samples.NOTICE, "aircraft_class", to=hostile)
    as_name = {**samples.NOTICE, hostile: 1}
    for plain, code in ((as_value, RefusalCode.OUT_OF_RANGE), (as_name, RefusalCode.UNKNOWN_FIELD)):
        refusal = refused(Notice, msgspec.json.encode(plain))
        assert refusal.code is code
        for text in (refusal.field, refusal.found, refusal.allowed, str(refusal)):
            assert text.isprintable()
            assert len(text) <= 1_000


def test_plain_values_that_json_cannot_hold() -> None:
    nan = {"value": float("nan"), "reference": "W84", "units": "M"}
    for plain in (nan, {**nan, "value": float("inf")}, {**nan, "value": 10**400}):
        with pytest.raises(Refusal) as raised:
            convert(Altitude, plain)
        assert (raised.value.code, raised.value.field) == (RefusalCode.OUT_OF_RANGE, "value")
    circle: list[object] = []
    circle.append(circle)
    for plain_value in (circle, {1: 2}, object(), {"value": circle}, b"x"):
        with pytest.raises(Refusal):
            convert(Altitude, plain_value)
