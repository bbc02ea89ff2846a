"""The catalogue: every message takes its lawful body and refuses each spoiled place of it.

Source: practice.md §6; docs/spec/messages.md.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from clearline.model import limits
from clearline.model.decode import decode
from clearline.model.identity import AircraftClass, Role, notice_reference
from clearline.model.message import (
    BODY_TYPES,
    JOURNAL_TYPES,
    AreaNotice,
    Body,
    FindingKey,
    Header,
    MessageType,
    Receipt,
    Resolution,
    ResolutionCode,
    message_type_of,
)
from clearline.model.notice import NoticeState
from clearline.model.refusal import Refusal
from tests.model import samples
from tests.model.samples import BODIES, FINDING, FINDING_KEY, HEADER, REMOVED, Plain, changed
from tools.tidy import REFUSED_WORDS, refused_word_in

BYTES_MAX = 1 << 22


def read(wanted: type[Any], plain: object) -> Any:
    return decode(wanted, msgspec.json.encode(plain), bytes_max=BYTES_MAX)


def refusal(wanted: type[Any], plain: object) -> tuple[str, str]:
    with pytest.raises(Refusal) as raised:
        read(wanted, plain)
    assert raised.value.allowed
    return raised.value.code, raised.value.field


def test_catalogue_is_whole() -> None:
    """Each name has one body type, each body type one name, and each has a sample here."""
    assert set(BODY_TYPES) == set(MessageType)
    assert set(BODY_TYPES.values()) == set(typing.get_args(Body))
    assert set(BODIES) == {name.value for name in MessageType}
    assert set(MessageType) > JOURNAL_TYPES


@pytest.mark.parametrize("name", MessageType)
def test_body_round_trip(name: MessageType) -> None:
    body = read(BODY_TYPES[name], BODIES[name])
    assert message_type_of(body) is name
    assert decode(BODY_TYPES[name], msgspec.json.encode(body), bytes_max=BYTES_MAX) == body


@pytest.mark.parametrize("name", MessageType)
def test_no_field_beyond_the_schema(name: MessageType) -> None:
    """R7: a message cannot carry what has no field."""
    assert refusal(BODY_TYPES[name], {**BODIES[name], "remark": "x"}) == ("UNKNOWN_FIELD", "remark")


@pytest.mark.parametrize("name", MessageType)
def test_every_field_is_needed(name: MessageType) -> None:
    """What a message leaves out is refused by name, unless its type says that it may be left out."""
    wanted = BODY_TYPES[name]
    optional = {field.encode_name for field in msgspec.structs.fields(wanted) if not field.required}
    for field in set(BODIES[name]) - optional:
        assert refusal(wanted, changed(BODIES[name], field, to=REMOVED)) == ("MALFORMED", field)


def names_in(kind: msgspec.inspect.Type, seen: set[type]) -> Iterator[str]:
    match kind:
        case msgspec.inspect.StructType(cls=cls, fields=fields) if cls not in seen:
            seen.add(cls)
            for field in fields:
                yield field.encode_name
                yield from names_in(field.type, seen)
        case msgspec.inspect.EnumType(cls=cls):
            yield from (str(member.value) for member in cls)
        case msgspec.inspect.UnionType(types=kinds):
            for inner in kinds:
                yield from names_in(inner, seen)
        case msgspec.inspect.VarTupleType(item_type=inner):
            yield from names_in(inner, seen)


@pytest.mark.parametrize("wanted", [Header, *BODY_TYPES.values()])
def test_schema_has_no_word_for_why_or_who(wanted: type[Any]) -> None:
    """R7: the wire schema itself, every field and every enum value, down to the leaves."""
    names = set(names_in(msgspec.inspect.type_info(wanted), set()))
    assert names
    assert not {name: word for name in names if (word := refused_word_in(name))}


@pytest.mark.parametrize("word", sorted(REFUSED_WORDS)[::5])
def test_refused_words_are_unknown_fields(word: str) -> None:
    """R7: a peer that sends such a field is told that it does not exist."""
    assert refusal(AreaNotice, {**BODIES["AREA_NOTICE"], word: "x"}) == ("UNKNOWN_FIELD", word)


def test_a_role_speaks_and_never_a_person() -> None:
    """R1: whoever is on watch acts; no field could hold a person, so nothing waits for one."""
    assert {role.value for role in Role} == {"WATCH", "PLANNER", "OBSERVER", "NODE"}
    for wanted in (Header, *BODY_TYPES.values()):
        for name in names_in(msgspec.inspect.type_info(wanted), set()):
            assert not {"person", "user", "officer", "name", "operator", "to"} & set(name.lower().split("_")), name


def test_no_word_grants_permission() -> None:
    """R8: no message, state, role or code says that somebody may fly."""
    said = {str(value).lower() for kind in (MessageType, NoticeState, Role, ResolutionCode) for value in kind}
    for word in ("permit", "permission", "clear", "approve", "grant", "authorise", "authorize", "allow"):
        assert not [value for value in said if word in value]


@pytest.mark.parametrize(
    ("steps", "value", "code"),
    [
        (("schema",), "clearline/message/2", "OUT_OF_RANGE"),
        (("line_id",), "North", "OUT_OF_RANGE"),
        (("line_id",), "", "OUT_OF_RANGE"),
        (("line_id",), "north\n", "OUT_OF_RANGE"),
        (("from_party",), "al der", "OUT_OF_RANGE"),
        (("from_party",), "аlder", "OUT_OF_RANGE"),  # the first letter is Cyrillic
        (("from_role",), "PILOT", "OUT_OF_RANGE"),
        (("sequence",), 0, "OUT_OF_RANGE"),
        (("sequence",), -1, "OUT_OF_RANGE"),
        (("sequence",), limits.SEQUENCE_MAX + 1, "OUT_OF_RANGE"),
        (("sequence",), 1.5, "MALFORMED"),
        (("sequence",), "1", "MALFORMED"),
        (("sequence",), True, "MALFORMED"),
        (("previous",), "AB" * 32, "OUT_OF_RANGE"),
        (("previous",), "ab" * 31, "OUT_OF_RANGE"),
        (("previous",), None, "MALFORMED"),
        (("msg_id",), "1", "OUT_OF_RANGE"),
        (("sent_at_ms",), -1, "OUT_OF_RANGE"),
        (("sent_at_ms",), 1_795_000_000_000_000, "OUT_OF_RANGE"),  # microseconds by mistake
        (("precedence",), "URGENT", "OUT_OF_RANGE"),
        (("type",), "HELLO", "OUT_OF_RANGE"),
        (("type",), None, "MALFORMED"),
        (("body",), REMOVED, "MALFORMED"),
    ],
)
def test_header_refused(steps: tuple[str], value: object, code: str) -> None:
    assert refusal(Header, changed(HEADER, *steps, to=value)) == (code, steps[0])


@pytest.mark.parametrize("body", ["{}", "1", "[]", '"x"', "null", '{"deep":[[[[{}]]]]}'])
def test_header_reads_with_any_body(body: str) -> None:
    """A body that cannot be taken must not keep its message out of the record (docs/design.md)."""
    source = msgspec.json.encode(changed(HEADER, "body", to=msgspec.Raw(body.encode())))
    assert bytes(decode(Header, source, bytes_max=BYTES_MAX).body) == body.encode()


MANY = [{"lat": 40.0 + index / 1000, "lng": 8.0} for index in range(limits.VERTICES_MAX + 1)]
BODIES_REFUSED: list[tuple[str, tuple[str | int, ...], object, str, str]] = [
    ("AREA_NOTICE", ("volumes",), [], "OUT_OF_RANGE", "volumes"),
    ("AREA_NOTICE", ("volumes",), [samples.VOLUME_4D] * 65, "OVER_LIMIT", "volumes"),
    (
        "AREA_NOTICE",
        ("volumes", 0, "volume", "outline_polygon"),
        None,
        "SHAPE_MISSING",
        "volumes[0].volume.outline_polygon",
    ),
    (
        "AREA_NOTICE",
        ("volumes", 0, "volume", "outline_polygon", "vertices"),
        MANY,
        "OVER_LIMIT",
        "volumes[0].volume.outline_polygon.vertices",
    ),
    (
        "AREA_AMEND",
        ("volumes", 0, "volume", "outline_polygon", "vertices"),
        MANY,
        "OVER_LIMIT",
        "volumes[0].volume.outline_polygon.vertices",
    ),
    ("AREA_NOTICE", ("notice_id",), "x", "OUT_OF_RANGE", "notice_id"),
    ("AREA_NOTICE", ("priority",), 101, "OUT_OF_RANGE", "priority"),
    ("AREA_AMEND", ("volumes",), [], "OUT_OF_RANGE", "volumes"),
    ("AREA_AMEND", ("version",), 0, "OUT_OF_RANGE", "version"),
    ("AREA_AMEND", ("reason",), "BECAUSE", "OUT_OF_RANGE", "reason"),
    ("AREA_CANCEL", ("reason",), None, "MALFORMED", "reason"),
    ("ACTIVATE", ("version",), limits.VERSION_MAX + 1, "OUT_OF_RANGE", "version"),
    ("RELEASE", ("volumes",), [], "OUT_OF_RANGE", "volumes"),
    ("RELEASE", ("volumes",), [64], "OUT_OF_RANGE", "volumes[0]"),
    ("RELEASE", ("volumes",), [-1], "OUT_OF_RANGE", "volumes[0]"),
    ("RELEASE", ("volumes",), [0] * 65, "OVER_LIMIT", "volumes"),
    ("READ_BACK", ("owner",), "B", "OUT_OF_RANGE", "owner"),
    ("READ_BACK", ("fields", "lower"), "x" * 129, "OUT_OF_RANGE", "fields.lower"),
    ("READ_BACK", ("fields", "south"), "47", "MALFORMED", "fields.south"),
    ("READ_BACK", ("fields", "heading"), 1, "UNKNOWN_FIELD", "fields.heading"),
    ("NOTED", ("version",), "1", "MALFORMED", "version"),
    ("CONFLICT", ("findings",), [], "OUT_OF_RANGE", "findings"),
    ("CONFLICT", ("findings",), [FINDING] * 257, "OVER_LIMIT", "findings"),
    ("CONFLICT", ("findings", 0, "until_ms"), 1, "TIME_ORDER", "findings[0].until_ms"),
    ("CONFLICT", ("findings", 0, "closer_ms"), -1, "OUT_OF_RANGE", "findings[0].closer_ms"),
    ("CONFLICT", ("findings", 0, "severity"), "BAD", "OUT_OF_RANGE", "findings[0].severity"),
    ("CONFLICT", ("findings", 0, "key", "owner_a"), "birch", "OUT_OF_RANGE", "findings[0].key.owner_a"),
    ("CONFLICT", ("findings", 0, "key", "owner_a"), "cedar", "OUT_OF_RANGE", "findings[0].key.owner_a"),
    ("RECEIPT", ("items",), [], "OUT_OF_RANGE", "items"),
    ("RECEIPT", ("items",), [samples.RECEIPT_ITEM] * 257, "OVER_LIMIT", "items"),
    ("RECEIPT", ("items", 0, "digest"), "00", "OUT_OF_RANGE", "items[0].digest"),
    ("RECEIPT", ("items", 0, "log_index"), -1, "OUT_OF_RANGE", "items[0].log_index"),
    ("RECEIPT", ("items", 0, "rejected", "code"), "NO_IDEA", "OUT_OF_RANGE", "items[0].rejected.code"),
    ("RECEIPT", ("items", 0, "findings"), [FINDING] * 257, "OVER_LIMIT", "items[0].findings"),
    ("RECEIPT", ("tree", "root"), "x", "OUT_OF_RANGE", "tree.root"),
    ("LINE_ADOPTED", ("agreement", "members"), [], "OUT_OF_RANGE", "agreement.members"),
    ("EVIDENCE", ("code",), "SOMETHING", "OUT_OF_RANGE", "code"),
    ("EVIDENCE", ("about_party",), "", "OUT_OF_RANGE", "about_party"),
]


@pytest.mark.parametrize(("name", "steps", "value", "code", "field"), BODIES_REFUSED)
def test_body_refused(name: str, steps: tuple[str | int, ...], value: object, code: str, field: str) -> None:
    assert refusal(BODY_TYPES[MessageType(name)], changed(BODIES[name], *steps, to=value)) == (code, field)


RESOLUTIONS: list[Plain] = [
    {"code": "TIME_SEQUENCE", "first_party": "birch"},
    {"code": "VERTICAL_SPLIT", "level": "FL100", "above_party": "alder"},
    {"code": "LATERAL_SPLIT"},
    {"code": "VISUAL_CONTACT", "frequency_khz": 123_450},
    {"code": "CREWS_IN_CONTACT", "frequency_khz": 2_000},
]


@pytest.mark.parametrize("terms", RESOLUTIONS)
def test_resolution_takes_its_slots_and_no_others(terms: Plain) -> None:
    """A coded phrase has exactly its slots: nothing is left open and nothing is said beside it (R8)."""
    plain = {"finding": FINDING_KEY, **terms}
    value = read(Resolution, plain)
    assert value.terms[0] == terms["code"]
    slots: Plain = {"first_party": "alder", "level": "FL90", "above_party": "alder", "frequency_khz": 121_500}
    for name, filled in slots.items():
        spoiled = changed(plain, name, to=REMOVED) if name in terms else {**plain, name: filled}
        assert refusal(Resolution, spoiled) == ("OUT_OF_RANGE", name)


@pytest.mark.parametrize(
    ("terms", "code", "field"),
    [
        ({"code": "TIME_SEQUENCE", "first_party": "cedar"}, "PARTY_UNKNOWN", "first_party"),
        ({"code": "VERTICAL_SPLIT", "level": "FL100", "above_party": "cedar"}, "PARTY_UNKNOWN", "above_party"),
        ({"code": "VERTICAL_SPLIT", "level": "ten thousand", "above_party": "alder"}, "OUT_OF_RANGE", "level"),
        ({"code": "VERTICAL_SPLIT", "level": "10000 ft", "above_party": "alder"}, "OUT_OF_RANGE", "level"),
        ({"code": "VISUAL_CONTACT", "frequency_khz": 1}, "OUT_OF_RANGE", "frequency_khz"),
        ({"code": "VISUAL_CONTACT", "frequency_khz": 123.45}, "MALFORMED", "frequency_khz"),
        ({"code": "GOOD_LUCK"}, "OUT_OF_RANGE", "code"),
    ],
)
def test_resolution_refused(terms: Plain, code: str, field: str) -> None:
    assert refusal(Resolution, {"finding": FINDING_KEY, **terms}) == (code, field)


def test_equal_terms_bind() -> None:
    """Who signs first does not matter; any difference does."""
    plain = {"finding": FINDING_KEY, "code": "TIME_SEQUENCE", "first_party": "alder"}
    assert read(Resolution, plain).terms == read(Resolution, dict(plain)).terms
    assert read(Resolution, plain).terms != read(Resolution, {**plain, "first_party": "birch"}).terms


def test_finding_keys_have_one_form() -> None:
    """Both sides name one finding alike: the owner that sorts first stands first."""
    keys = sorted([read(FindingKey, {**FINDING_KEY, "volumes_version_a": version}) for version in (3, 1, 2)])
    assert [key.volumes_version_a for key in keys] == [1, 2, 3]
    with pytest.raises(ValueError, match="sorts before"):
        FindingKey(owner_a="b", notice_a="", volumes_version_a=1, owner_b="a", notice_b="", volumes_version_b=1)


def test_area_notice_is_version_one() -> None:
    notice = read(AreaNotice, BODIES["AREA_NOTICE"]).notice()
    assert (notice.version, notice.volumes_version, notice.state) == (1, 1, NoticeState.ACCEPTED)
    assert notice.aircraft_class is AircraftClass.MANNED
    assert notice_reference(notice.notice_id) == "11111111"


def test_receipt_says_why_not() -> None:
    receipt = read(Receipt, BODIES["RECEIPT"])
    assert receipt.items[0].rejected.code == "RING_CROSSES"
    assert receipt.items[0].findings[0].severity == "CONFLICT"
