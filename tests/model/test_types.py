"""Every type of the model takes its lawful JSON, and refuses each spoiled place with code, field, found and allowed.

Source: ASTM F3548-21 for the volumes; practice.md R7, R8, R13, R14, R16, R29.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clearline.model import limits
from clearline.model.agreement import LineAgreement, agreement_bytes, agreement_digest
from clearline.model.altitude import Altitude
from clearline.model.decode import convert, decode
from clearline.model.notice import Notice
from clearline.model.refusal import Refusal
from clearline.model.rules import RuleSet
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Volume3D, Volume4D, time_at
from tests.model import samples
from tests.model.samples import REMOVED, Plain, changed

BYTES_MAX = 1 << 22

ALTITUDE, CIRCLE, CORRIDOR, POLYGON = samples.ALTITUDE, samples.CIRCLE, samples.CORRIDOR, samples.POLYGON
V3, V4, NOTICE, RULES, AGREEMENT = (
    samples.VOLUME_3D,
    samples.VOLUME_4D,
    samples.NOTICE,
    samples.RULES,
    samples.AGREEMENT,
)
POINT: Plain = {"lat": 47.0, "lng": 8.0}
CLOSED = [*POLYGON["vertices"], POLYGON["vertices"][0]]
DOUBLED = [POLYGON["vertices"][0], *POLYGON["vertices"]]
MANY = [{"lat": 40.0 + index / 1000, "lng": 8.0} for index in range(limits.OUTLINE_VERTICES_MAX + 1)]
LONG, TOO_LONG = (
    changed(V4, "volume", "outline_polygon", to={"vertices": MANY[:count]})
    for count in (limits.VERTICES_MAX, limits.VERTICES_MAX + 1)
)
LONG_LINE = changed(
    changed(V4, "volume", "outline_polygon", to=REMOVED),
    "volume",
    "outline_corridor",
    to={**CORRIDOR, "vertices": MANY[: limits.VERTICES_MAX + 1]},
)
MEMBERS = AGREEMENT["members"]
LOTS = [
    {"party_id": f"p{index:02d}", "public_key": f"{index:064x}"} for index in range(limits.PARTIES_PER_LINE_MAX + 1)
]


def fl(value: float) -> Plain:
    return {"value": value, "reference": "FL", "units": "FL"}


VALID: list[tuple[type[Any], Plain]] = [
    (LatLngPoint, POINT),
    (LatLngPoint, {"lat": 90, "lng": -180}),
    (LatLngPoint, {"lat": -90.0, "lng": 180.0}),
    (LatLngPoint, {"lat": -0.0, "lng": 0.0}),
    (Altitude, ALTITUDE),
    (Altitude, fl(0)),
    (Polygon, POLYGON),
    (Polygon, {"vertices": MANY[:-1]}),
    (Circle, CIRCLE),
    (Circle, changed(CIRCLE, "radius", to={"value": limits.RADIUS_M_MAX})),
    (Corridor, CORRIDOR),
    (Volume3D, V3),
    (Volume3D, changed(V3, "altitude_lower", to=V3["altitude_upper"])),  # a sheet: lower at upper
    (Volume3D, changed(V3, "altitude_upper", to=fl(10))),  # order of unlike references is for sky to judge
    (Volume3D, {"altitude_lower": fl(0), "altitude_upper": fl(999), "outline_circle": CIRCLE}),
    (Volume3D, {"altitude_lower": fl(0), "altitude_upper": fl(10), "outline_corridor": CORRIDOR}),
    (Volume4D, V4),
    (Volume4D, changed(V4, "time_start", to={"value": "2026-11-22T15:59:59.999+01:00"})),
    (Volume4D, changed(V4, "time_end", "value", to="2027-11-23T14:00:00Z")),
    (Notice, NOTICE),
    (Notice, {**NOTICE, "state": "Ended", "volumes": []}),
    (Notice, {**NOTICE, "volumes": [V4] * limits.VOLUMES_MAX}),
    (Notice, {**NOTICE, "volumes": [LONG] * 16}),
    (Volume4D, TOO_LONG),  # of a zone, or of a file that is only checked
    (RuleSet, RULES),
    (RuleSet, {**RULES, "separation_lateral_m": 0, "separation_vertical_m": 0, "closer_ms_max": None}),
    (LineAgreement, AGREEMENT),
    (LineAgreement, {**AGREEMENT, "members": LOTS[:-1]}),
]


@pytest.mark.parametrize(("wanted", "plain"), VALID)
def test_valid(wanted: type[Any], plain: Plain) -> None:
    """Lawful JSON is taken, from bytes and from plain values alike, and is written again as the same value."""
    value = decode(wanted, msgspec.json.encode(plain), bytes_max=BYTES_MAX)
    assert value == convert(wanted, plain)
    assert decode(wanted, msgspec.json.encode(value), bytes_max=BYTES_MAX) == value


@pytest.mark.parametrize("wanted", [LatLngPoint, Altitude, Polygon, Circle, Corridor, Volume3D, Volume4D])
def test_no_field_beyond_the_schema(wanted: type[Any]) -> None:
    """R7: where no field exists, nothing can be said."""
    plain = next(plain for kind, plain in VALID if kind is wanted)
    assert refusal(wanted, {**plain, "purpose": "x"}) == ("UNKNOWN_FIELD", "purpose")


def refusal(wanted: type[Any], plain: object) -> tuple[str, str]:
    """Return code and field; bytes and plain values must be refused alike."""
    with pytest.raises(Refusal) as from_bytes:
        decode(wanted, msgspec.json.encode(plain), bytes_max=BYTES_MAX)
    with pytest.raises(Refusal) as from_plain:
        convert(wanted, plain)
    assert from_bytes.value.report() == from_plain.value.report()
    assert from_bytes.value.allowed, "a refusal says what is allowed"
    assert from_bytes.value.found, "a refusal says what was found"
    return from_bytes.value.code, from_bytes.value.field


POINTS_REFUSED = [
    ({**POINT, "lat": 95.0}, "OUT_OF_RANGE", "lat"),
    ({**POINT, "lat": -90.0000001}, "OUT_OF_RANGE", "lat"),
    ({**POINT, "lng": 180.0000001}, "OUT_OF_RANGE", "lng"),
    ({**POINT, "lng": -181}, "OUT_OF_RANGE", "lng"),
    ({**POINT, "lng": 1e308}, "OUT_OF_RANGE", "lng"),
    ({**POINT, "lat": 10**30}, "OUT_OF_RANGE", "lat"),
    ({**POINT, "lat": "47"}, "MALFORMED", "lat"),
    ({**POINT, "lat": True}, "MALFORMED", "lat"),
    ({**POINT, "lat": None}, "MALFORMED", "lat"),
    ({**POINT, "lat": [47.0]}, "MALFORMED", "lat"),
    ({"lat": 47.0}, "MALFORMED", "lng"),
    ({**POINT, "alt": 3}, "UNKNOWN_FIELD", "alt"),
    ([47.0, 8.0], "MALFORMED", ""),
]


@pytest.mark.parametrize(("plain", "code", "field"), POINTS_REFUSED)
def test_point_refused(plain: Plain, code: str, field: str) -> None:
    assert refusal(LatLngPoint, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({**ALTITUDE, "value": 1e9}, "OUT_OF_RANGE", "value"),
        ({**ALTITUDE, "value": -5000}, "OUT_OF_RANGE", "value"),
        ({**ALTITUDE, "units": "FL"}, "OUT_OF_RANGE", "units"),
        ({**ALTITUDE, "reference": "FL"}, "OUT_OF_RANGE", "units"),
        ({**ALTITUDE, "reference": "MSL"}, "OUT_OF_RANGE", "reference"),
        ({**ALTITUDE, "reference": "w84"}, "OUT_OF_RANGE", "reference"),
        ({**ALTITUDE, "units": "KM"}, "OUT_OF_RANGE", "units"),
        (changed(ALTITUDE, "reference", to=REMOVED), "MALFORMED", "reference"),  # R13: never guessed
        (changed(ALTITUDE, "units", to=REMOVED), "MALFORMED", "units"),
        ({**ALTITUDE, "reference": None}, "MALFORMED", "reference"),
        (fl(1000), "OUT_OF_RANGE", "value"),
        (fl(-1), "OUT_OF_RANGE", "value"),
        ("FL180", "MALFORMED", ""),
    ],
)
def test_altitude_refused(plain: Plain, code: str, field: str) -> None:
    """R13: an altitude without reference or unit is refused, never guessed."""
    assert refusal(Altitude, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({"vertices": []}, "RING_INVALID", "vertices"),
        ({"vertices": POLYGON["vertices"][:2]}, "RING_INVALID", "vertices"),
        ({"vertices": CLOSED}, "RING_INVALID", "vertices[3]"),
        ({"vertices": DOUBLED}, "RING_INVALID", "vertices[1]"),
        ({"vertices": MANY}, "OVER_LIMIT", "vertices"),
        ({"vertices": [POINT, POINT, {"lat": 95, "lng": 8}]}, "OUT_OF_RANGE", "vertices[2].lat"),
        ({"vertices": [POINT, {"lat": 1, "lon": 8}, POINT]}, "UNKNOWN_FIELD", "vertices[1].lon"),
        ({"vertices": [POINT, [1, 2], POINT]}, "MALFORMED", "vertices[1]"),
        ({"vertices": "x"}, "MALFORMED", "vertices"),
        ({}, "MALFORMED", "vertices"),
    ],
)
def test_polygon_refused(plain: Plain, code: str, field: str) -> None:
    assert refusal(Polygon, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        (changed(CIRCLE, "radius", "value", to=0), "OUT_OF_RANGE", "radius.value"),
        (changed(CIRCLE, "radius", "value", to=-0.0), "OUT_OF_RANGE", "radius.value"),
        (changed(CIRCLE, "radius", "value", to=-1), "OUT_OF_RANGE", "radius.value"),
        (changed(CIRCLE, "radius", "value", to=limits.RADIUS_M_MAX + 1), "OUT_OF_RANGE", "radius.value"),
        (changed(CIRCLE, "radius", "units", to="FT"), "OUT_OF_RANGE", "radius.units"),
        (changed(CIRCLE, "radius", to=500), "MALFORMED", "radius"),
        (changed(CIRCLE, "radius", to=REMOVED), "MALFORMED", "radius"),
        (changed(CIRCLE, "center", "lat", to=91), "OUT_OF_RANGE", "center.lat"),
        (changed(CIRCLE, "center", to=REMOVED), "MALFORMED", "center"),
    ],
)
def test_circle_refused(plain: Plain, code: str, field: str) -> None:
    assert refusal(Circle, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        (changed(CORRIDOR, "vertices", to=[POINT]), "RING_INVALID", "vertices"),
        (changed(CORRIDOR, "vertices", to=[POINT, POINT]), "RING_INVALID", "vertices[1]"),
        (changed(CORRIDOR, "vertices", to=MANY), "OVER_LIMIT", "vertices"),
        (changed(CORRIDOR, "half_width", "value", to=0), "OUT_OF_RANGE", "half_width.value"),
        (changed(CORRIDOR, "half_width", to=REMOVED), "MALFORMED", "half_width"),
    ],
)
def test_corridor_refused(plain: Plain, code: str, field: str) -> None:
    assert refusal(Corridor, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        (changed(V3, "outline_polygon", to=REMOVED), "SHAPE_MISSING", "outline_polygon"),
        (changed(V3, "outline_polygon", to=None), "SHAPE_MISSING", "outline_polygon"),
        ({**V3, "outline_circle": CIRCLE}, "SHAPE_MISSING", "outline_polygon"),
        ({**V3, "outline_circle": CIRCLE, "outline_corridor": CORRIDOR}, "SHAPE_MISSING", "outline_polygon"),
        (changed(V3, "altitude_lower", "value", to=901), "ALTITUDE_ORDER", "altitude_lower"),
        (
            {**V3, "altitude_lower": fl(100), "altitude_upper": fl(90)},
            "ALTITUDE_ORDER",
            "altitude_lower",
        ),
        (
            changed(V3, "altitude_lower", to={"value": 3000, "reference": "W84", "units": "FT"}),
            "ALTITUDE_ORDER",
            "altitude_lower",
        ),
        (changed(V3, "altitude_lower", to=REMOVED), "MALFORMED", "altitude_lower"),
        (changed(V3, "altitude_upper", to=None), "MALFORMED", "altitude_upper"),
        (changed(V3, "altitude_upper", "value", to=1e6), "OUT_OF_RANGE", "altitude_upper.value"),
        (
            changed(V3, "outline_polygon", "vertices", 0, "lat", to=95),
            "OUT_OF_RANGE",
            "outline_polygon.vertices[0].lat",
        ),
    ],
)
def test_volume_3d_refused(plain: Plain, code: str, field: str) -> None:
    assert refusal(Volume3D, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        (changed(V4, "time_end", "value", to="2026-11-22T14:00:00Z"), "TIME_ORDER", "time_end"),
        (changed(V4, "time_end", "value", to="2026-11-22T13:00:00Z"), "TIME_ORDER", "time_end"),
        (changed(V4, "time_end", "value", to="2026-11-22T14:00:00.0004Z"), "TIME_ORDER", "time_end"),
        (
            {
                **V4,
                "time_start": {"value": "2026-11-22T14:00:00.0009Z"},
                "time_end": {"value": "2026-11-22T14:00:00.0001Z"},
            },
            "TIME_ORDER",
            "time_end",
        ),
        (changed(V4, "time_end", "value", to="2027-11-23T14:00:00.001Z"), "OVER_LIMIT", "time_end"),
        (changed(V4, "time_end", "value", to="2026-11-22T15:00:00"), "OUT_OF_RANGE", "time_end.value"),
        (changed(V4, "time_start", "value", to="14:00"), "OUT_OF_RANGE", "time_start.value"),
        (changed(V4, "time_end", "value", to="2100-01-01T00:00:00.0001Z"), "OUT_OF_RANGE", "time_end.value"),
        (changed(V4, "time_start", "format", to="DTG"), "OUT_OF_RANGE", "time_start.format"),
        (changed(V4, "time_start", "value", to=1_795_000_000_000), "MALFORMED", "time_start.value"),
        (changed(V4, "time_start", to=REMOVED), "MALFORMED", "time_start"),
        (changed(V4, "time_end", to=None), "MALFORMED", "time_end"),
        (changed(V4, "volume", to=REMOVED), "MALFORMED", "volume"),
        (changed(V4, "volume", "outline_polygon", to=REMOVED), "SHAPE_MISSING", "volume.outline_polygon"),
        (changed(V4, "volume", "callsign", to="x"), "UNKNOWN_FIELD", "volume.callsign"),
    ],
)
def test_volume_4d_refused(plain: Plain, code: str, field: str) -> None:
    """R14: no zone, no time; the end is after the start."""
    assert refusal(Volume4D, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({**NOTICE, "volumes": []}, "OUT_OF_RANGE", "volumes"),
        ({**NOTICE, "volumes": [V4] * (limits.VOLUMES_MAX + 1)}, "OVER_LIMIT", "volumes"),
        ({**NOTICE, "volumes": [LONG] * 63}, "OVER_LIMIT", "volumes"),
        ({**NOTICE, "volumes": [V4, TOO_LONG]}, "OVER_LIMIT", "volumes[1].volume.outline_polygon.vertices"),
        ({**NOTICE, "volumes": [LONG_LINE]}, "OVER_LIMIT", "volumes[0].volume.outline_corridor.vertices"),
        ({**NOTICE, "version": 0}, "OUT_OF_RANGE", "version"),
        ({**NOTICE, "version": limits.VERSION_MAX + 1}, "OUT_OF_RANGE", "version"),
        ({**NOTICE, "version": 1.5}, "MALFORMED", "version"),
        ({**NOTICE, "volumes_version": 4}, "OUT_OF_RANGE", "volumes_version"),
        ({**NOTICE, "volumes_version": 0}, "OUT_OF_RANGE", "volumes_version"),
        ({**NOTICE, "state": "Flying"}, "OUT_OF_RANGE", "state"),
        ({**NOTICE, "state": "accepted"}, "OUT_OF_RANGE", "state"),
        ({**NOTICE, "aircraft_class": "BALLOON"}, "OUT_OF_RANGE", "aircraft_class"),
        ({**NOTICE, "priority": -1}, "OUT_OF_RANGE", "priority"),
        ({**NOTICE, "priority": 101}, "OUT_OF_RANGE", "priority"),
        ({**NOTICE, "notice_id": samples.NOTICE_ID.upper()[:-1] + "F"}, "OUT_OF_RANGE", "notice_id"),
        ({**NOTICE, "notice_id": samples.NOTICE_ID + "\n"}, "OUT_OF_RANGE", "notice_id"),
        ({**NOTICE, "notice_id": ""}, "OUT_OF_RANGE", "notice_id"),
        ({**NOTICE, "purpose": "x"}, "UNKNOWN_FIELD", "purpose"),
        (changed(NOTICE, "volumes", 0, "time_end", "value", to="x"), "OUT_OF_RANGE", "volumes[0].time_end.value"),
        (changed(NOTICE, "aircraft_class", to=REMOVED), "MALFORMED", "aircraft_class"),
    ],
)
def test_notice_refused(plain: Plain, code: str, field: str) -> None:
    """R7, R29: class and place and time of a flight; nothing else has a field."""
    assert refusal(Notice, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({**RULES, "separation_lateral_m": -1}, "OUT_OF_RANGE", "separation_lateral_m"),
        ({**RULES, "separation_lateral_m": 100_001}, "OUT_OF_RANGE", "separation_lateral_m"),
        ({**RULES, "separation_vertical_m": -0.1}, "OUT_OF_RANGE", "separation_vertical_m"),
        ({**RULES, "separation_vertical_m": 1e300}, "OUT_OF_RANGE", "separation_vertical_m"),
        ({**RULES, "closer_ms_max": -1}, "OUT_OF_RANGE", "closer_ms_max"),
        ({**RULES, "closer_ms_max": 3_600_001}, "OUT_OF_RANGE", "closer_ms_max"),
        ({**RULES, "closer_ms_max": 1.5}, "MALFORMED", "closer_ms_max"),
        (changed(RULES, "closer_ms_max", to=REMOVED), "MALFORMED", "closer_ms_max"),
        ({**RULES, "rule_id": "Rule of threes"}, "OUT_OF_RANGE", "rule_id"),
        ({**RULES, "rule_id": "-threes"}, "OUT_OF_RANGE", "rule_id"),
        ({**RULES, "version": 0}, "OUT_OF_RANGE", "version"),
        ({**RULES, "note": "x"}, "UNKNOWN_FIELD", "note"),
    ],
)
def test_rule_set_refused(plain: Plain, code: str, field: str) -> None:
    """R16: rules are data, and bounded data."""
    assert refusal(RuleSet, plain) == (code, field)


@pytest.mark.parametrize(
    ("plain", "code", "field"),
    [
        ({**AGREEMENT, "schema": "clearline/agreement/2"}, "OUT_OF_RANGE", "schema"),
        ({**AGREEMENT, "line_id": "journal"}, "OUT_OF_RANGE", "line_id"),
        ({**AGREEMENT, "line_id": "a" * 33}, "OUT_OF_RANGE", "line_id"),
        ({**AGREEMENT, "line_id": "../etc"}, "OUT_OF_RANGE", "line_id"),
        ({**AGREEMENT, "members": MEMBERS[:1]}, "OUT_OF_RANGE", "members"),
        ({**AGREEMENT, "members": LOTS}, "OUT_OF_RANGE", "members"),
        ({**AGREEMENT, "members": MEMBERS[::-1]}, "OUT_OF_RANGE", "members"),
        ({**AGREEMENT, "members": [MEMBERS[0], MEMBERS[0]]}, "OUT_OF_RANGE", "members"),
        (changed(AGREEMENT, "members", 1, "public_key", to="01" * 32), "OUT_OF_RANGE", "members"),
        (changed(AGREEMENT, "members", 1, "public_key", to="01" * 31), "OUT_OF_RANGE", "members[1].public_key"),
        (changed(AGREEMENT, "members", 1, "public_key", to="AB" * 32), "OUT_OF_RANGE", "members[1].public_key"),
        (changed(AGREEMENT, "members", 0, "party_id", to="Alder"), "OUT_OF_RANGE", "members[0].party_id"),
        (changed(AGREEMENT, "members", 0, "name", to="x"), "UNKNOWN_FIELD", "members[0].name"),
        (changed(AGREEMENT, "rules", to=REMOVED), "MALFORMED", "rules"),
    ],
)
def test_agreement_refused(plain: Plain, code: str, field: str) -> None:
    assert refusal(LineAgreement, plain) == (code, field)


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("line_id",), "south"),
        (("members", 0, "public_key"), "03" * 32),
        (("members", 1, "party_id"), "cedar"),
        (("rules", "separation_lateral_m"), 5557.0),
        (("rules", "closer_ms_max"), None),
        (("rules", "version"), 2),
    ],
)
def test_agreement_digest_shows_every_difference(steps: tuple[str | int, ...], value: object) -> None:
    """R16: two parties with other keys or rules hold other digests, and so no common chain."""
    ours = convert(LineAgreement, AGREEMENT)
    theirs = convert(LineAgreement, changed(AGREEMENT, *steps, to=value))
    assert agreement_digest(ours) != agreement_digest(theirs)
    assert agreement_digest(ours) == agreement_digest(decode(LineAgreement, agreement_bytes(ours), bytes_max=BYTES_MAX))


def test_agreement_digest_is_pinned() -> None:
    """The bytes are signed by others: they never change for one agreement."""
    assert agreement_bytes(convert(LineAgreement, AGREEMENT)) == (
        b'{"schema":"clearline/agreement/1","line_id":"north","members":[{"party_id":"alder","public_key":"'
        + b"01" * 32
        + b'"},{"party_id":"birch","public_key":"'
        + b"02" * 32
        + b'"}],"rules":{"rule_id":"threes","version":1,"separation_lateral_m":5556.0,"separation_vertical_m":914.4,'
        b'"closer_ms_max":180000}}'
    )


def test_members_keys() -> None:
    agreement = convert(LineAgreement, AGREEMENT)
    assert agreement.parties == ("alder", "birch")
    assert agreement.public_key("birch") == b"\x02" * 32
    assert agreement.public_key("cedar") is None


@pytest.mark.parametrize(("start", "end", "window_ms"), [(".0001Z", ".0021Z", (0, 3)), ("Z", ".0020Z", (0, 2))])
def test_windows_are_rounded_outward(start: str, end: str, window_ms: tuple[int, int]) -> None:
    """A part of a millisecond never makes a window shorter than it was said."""
    plain = {
        **V4,
        "time_start": {"value": f"1970-01-01T00:00:00{start}"},
        "time_end": {"value": f"1970-01-01T00:00:00{end}"},
    }
    assert convert(Volume4D, plain).window_ms == window_ms


def test_values_do_not_change() -> None:
    """What is signed stays what it is: every value is frozen and can be a key."""
    volume = convert(Volume4D, V4)
    assert hash(volume) == hash(convert(Volume4D, V4))
    with pytest.raises(AttributeError):
        volume.time_start = time_at(0)  # type: ignore[misc]


def test_python_cannot_build_nonsense_either() -> None:
    """The checks are in the types, not in the decoder."""
    nan = float("nan")
    for lat, lng in ((nan, 0.0), (0.0, nan), (90.1, 0.0), (0.0, -180.1)):
        with pytest.raises(ValueError, match="OUT_OF_RANGE"):
            LatLngPoint(lat, lng)
