"""Entries: nine bytes before the envelope, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.ledger.entry import ENTRY_PREFIX_BYTES, Entry, entry_bytes, parse_entry
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode


@given(st.integers(0, 2**40), st.integers(limits.TIME_MS_MIN, limits.TIME_MS_MAX), st.binary(min_size=1, max_size=99))
def test_what_is_written_is_read(index: int, received_at_ms: int, envelope: bytes) -> None:
    entry = Entry(index, received_at_ms, envelope)
    assert parse_entry(index, entry_bytes(entry)) == entry


def test_the_layout_is_that_of_the_specification() -> None:
    assert entry_bytes(Entry(7, 0x0102030405, b"{}")) == b"\x01\x00\x00\x00\x01\x02\x03\x04\x05{}"


@pytest.mark.parametrize(
    "source, code",
    [
        (b"", RefusalCode.MALFORMED),
        (b"\x01" + bytes(8), RefusalCode.MALFORMED),
        (b"\x00" + bytes(8) + b"{}", RefusalCode.MALFORMED),
        (b"\x02" + bytes(8) + b"{}", RefusalCode.MALFORMED),
        (b"\x01" + b"\xff" * 8 + b"{}", RefusalCode.OUT_OF_RANGE),
        (b"\x01" + bytes(8) + b"x" * (limits.ENVELOPE_BYTES_MAX + 1), RefusalCode.OVER_LIMIT),
    ],
)
def test_other_bytes_are_refused_and_the_entry_is_named(source: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as refused:
        parse_entry(12, source)
    assert refused.value.code is code
    assert refused.value.field.startswith("entries[12]")


def test_the_largest_envelope_fits() -> None:
    source = b"\x01" + bytes(8) + b"x" * limits.ENVELOPE_BYTES_MAX
    assert len(parse_entry(0, source).envelope) == len(source) - ENTRY_PREFIX_BYTES
