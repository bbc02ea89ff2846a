"""A refusal carries code, field, found and allowed, in one bounded line that no input can break out of."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.model.refusal import (
    SHOWN_CHARACTERS_MAX,
    FieldRefusal,
    InternalError,
    Refusal,
    RefusalCode,
    RefusalReport,
    invariant,
    shown,
)


@given(st.text())
def test_shown_is_one_bounded_printable_line(text: str) -> None:
    """What a peer sends can neither turn the reading direction of a log nor add a line to it."""
    result = shown(text)
    assert all(unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in result)
    assert len(result) <= SHOWN_CHARACTERS_MAX * len("\\U0010ffff")
    result.encode()  # no lone surrogate is left


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\nb", "a\\nb"),
        ("\u202eabc", "\\u202eabc"),  # right-to-left override
        ("\u2066abc\u2069", "\\u2066abc\\u2069"),  # isolates
        ("\u200b", "\\u200b"),  # zero width
        ("\x1b[31m", "\\x1b[31m"),  # terminal colours
        ("\ud800", "\\ud800"),
        ("مرحبا", "مرحبا"),  # letters of other scripts stay readable
        (95.5, "95.5"),
        (None, "None"),
        (True, "True"),
        ([1, "\u202e"], "[1, '\\u202e']"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_shown(value: object, text: str) -> None:
    assert shown(value) == text


def test_hostile_names_are_shown_escaped() -> None:
    """The name of an unknown field is as hostile as any value."""
    refusal = Refusal(RefusalCode.UNKNOWN_FIELD, field="volumes[0].\u202eedutitla", found="\u202eedutitla")
    assert refusal.field == "volumes[0].\\u202eedutitla"
    assert "\u202e" not in str(refusal)
    assert "\u202e" not in str(refusal.within("body"))


def test_text_and_report() -> None:
    refusal = Refusal(RefusalCode.OUT_OF_RANGE, field="lat", found=95.0, allowed="-90 to 90 degrees")
    assert str(refusal) == "OUT_OF_RANGE at lat: found 95.0; allowed: -90 to 90 degrees"
    assert str(Refusal(RefusalCode.STOPPING)) == "STOPPING"
    report = refusal.report()
    assert report == RefusalReport(
        code=RefusalCode.OUT_OF_RANGE, field="lat", found="95.0", allowed="-90 to 90 degrees"
    )
    assert msgspec.json.encode(report) == (
        b'{"code":"OUT_OF_RANGE","field":"lat","found":"95.0","allowed":"-90 to 90 degrees"}'
    )


@pytest.mark.parametrize(
    ("prefix", "field", "joined"),
    [
        ("volumes[2]", "time_end", "volumes[2].time_end"),
        ("", "time_end", "time_end"),
        ("volumes[2]", "", "volumes[2]"),
        ("", "", ""),
    ],
)
def test_within(prefix: str, field: str, joined: str) -> None:
    moved = Refusal(RefusalCode.TIME_ORDER, field=field, found="a", allowed="b").within(prefix)
    assert (moved.code, moved.field, moved.found, moved.allowed) == (RefusalCode.TIME_ORDER, joined, "a", "b")


def test_field_refusal_carries_its_refusal() -> None:
    error = FieldRefusal(RefusalCode.RING_INVALID, field="vertices", found="2 vertices", allowed="3 or more")
    assert isinstance(error, ValueError)
    assert str(error) == str(error.refusal) == "RING_INVALID at vertices: found 2 vertices; allowed: 3 or more"


def test_codes_are_their_names() -> None:
    """A code is a public contract: its text is its name."""
    assert all(code.value == code.name for code in RefusalCode)


def test_invariant() -> None:
    """A broken rule of ours is a bug, and no refusal."""
    invariant(True, "holds")
    with pytest.raises(InternalError, match="invariant broken: sizes differ"):
        invariant(False, "sizes differ")
    assert not issubclass(InternalError, Refusal)
