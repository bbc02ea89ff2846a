"""Bundles: what an honest party exports proves itself, alone and offline, and no byte of it is free (R6)."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.ledger.bundle import bounded_lines, bundle_lines, parse_entry_line
from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.envelope import decode_envelope, encode_envelope
from clearline.ledger.merkle import leaf_hash, verify_inclusion
from clearline.ledger.report import ProblemCode as Code
from clearline.ledger.verify import verify_bundle
from clearline.model import limits
from clearline.model.message import MessageType
from clearline.model.refusal import InternalError, Refusal
from tests.ledger.two_parties import LINE, Desk, conversation, notice, two_desks
from tests.ledger.verdict import places, renumbered, split, verdict


@pytest.fixture(scope="module")
def desks() -> tuple[Desk, Desk]:
    return conversation(rounds=1)


@pytest.fixture(scope="module")
def good(desks: tuple[Desk, Desk]) -> list[bytes]:
    return desks[0].bundle()


def small_bundle() -> list[bytes]:
    north, south = two_desks()
    south.hear(north.say(LINE, notice(1)))
    north.hear(south.receipt())
    return north.bundle()


# --- what is good


def test_both_parties_logs_prove_themselves(desks: tuple[Desk, Desk]) -> None:
    for desk in desks:
        keys = {other.party: other.signer.public_key for other in desks}
        report = verdict(desk.bundle(), keys)
        assert report.ok, report.problems
        assert (report.party, report.entries, report.keys_given) == (desk.party, len(desk.log), ("north", "south"))
        assert report.tree is not None
        assert report.tree.root == desk.tree.root().hex()
        assert report.unreceipted == 0
        assert report.receipts_proven == 11
        assert report.messages_by_party == {desk.party: 10, ({"north", "south"} - {desk.party}).pop(): 9}
        assert report.messages_by_type["RECEIPT"] == 7
        (line,) = report.lines
        assert (line.line_id, line.agreement) == (LINE, desk.agreements[LINE])
        assert {chain.party: (chain.sequence, chain.digest) for chain in line.chains} == {
            other.party: other.chains[LINE] for other in desks
        }


def test_an_entry_proves_its_place_in_the_tree_of_the_report(desks: tuple[Desk, Desk], good: list[bytes]) -> None:
    """What the closing statement signs is enough to check one entry, without the others."""
    report = verdict(good)
    assert report.tree is not None
    for entry in desks[0].log:
        line = parse_entry_line(good[1 + entry.index])
        assert line.leaf_hash == leaf_hash(entry_bytes(entry))
        assert verify_inclusion(
            line.leaf_hash,
            index=entry.index,
            size=report.tree.size,
            proof=desks[0].tree.inclusion_proof(entry.index),
            root=bytes.fromhex(report.tree.root),
        )


@pytest.mark.parametrize("size", range(8))
def test_every_beginning_of_a_log_can_be_exported(size: int) -> None:
    desk = conversation()[0]
    if size == 0:
        desk.agreements = {}
    report = verdict(desk.bundle(size=size))
    assert report.ok, report.problems
    assert report.entries == size


def test_what_lacks_its_receipt_is_counted() -> None:
    north, south = two_desks()
    north.say(LINE, notice(1))
    north.hear(south.say(LINE, notice(2)))
    report = verdict(north.bundle())
    assert report.ok
    assert report.unreceipted == 2
    assert {chain.party: chain.unreceipted for chain in report.lines[0].chains} == {"north": 1, "south": 1}


def test_the_writer_keeps_its_own_rules(desks: tuple[Desk, Desk]) -> None:
    north = desks[0]

    def write(entries: list[Entry], size: int) -> None:
        list(
            bundle_lines(
                entries, party="north", exported_at_ms=1, size=size, agreements=north.agreements, signer=north.signer
            )
        )

    with pytest.raises(InternalError):
        write(north.log[1:], len(north.log) - 1)
    with pytest.raises(InternalError):
        write(north.log, len(north.log) - 1)


def test_a_bundle_larger_than_memory_may_be_read(tmp_path: Path) -> None:
    """60 entries of 400 kB: what is kept of them is less than two lines."""
    north, _ = two_desks()
    for _ in range(60):
        north.say_raw(LINE, MessageType.NOTED, b'"' + b"x" * 400_000 + b'"')
    path = tmp_path / "north.bundle"
    path.write_bytes(b"".join(north.bundle()))
    assert path.stat().st_size > 30_000_000
    with path.open("rb") as file:
        tracemalloc.start()
        report = verify_bundle(bounded_lines(iter(lambda: file.read(65_536), b"")))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert report.ok, report.problems
    assert peak < 10_000_000


# --- what was damaged by somebody without a key


def test_every_changed_byte_is_named() -> None:
    """One bit of each byte in turn. The place named is the line that was changed, or the one it became."""
    lines = small_bundle()
    source = b"".join(lines)
    ends = [sum(len(line) for line in lines[: number + 1]) for number in range(len(lines))]
    last = len(lines) - 1
    for at in range(len(source)):
        changed = source[:at] + bytes([source[at] ^ 1]) + source[at + 1 :]
        report = verdict(split(changed))
        number = next(number for number, end in enumerate(ends) if at < end)
        wanted = "header" if number == 0 else "closing" if number == last else f"entries[{number - 1}]"
        assert not report.ok
        assert wanted in [problem.place for problem in report.problems], (at, source[at - 9 : at + 9], report.problems)


def test_every_truncation_is_named(good: list[bytes]) -> None:
    source = b"".join(good)
    for length in [*range(0, len(source), 211), len(source) - 1]:
        report = verdict(split(source[:length]))
        assert not report.ok
        assert {problem.place for problem in report.problems} & {"header", "closing", f"entries[{report.entries - 1}]"}


def test_every_dropped_entry_is_named(good: list[bytes]) -> None:
    for number in range(1, len(good) - 1):
        report = verdict([*good[:number], *good[number + 1 :]])
        missing = (f"entries[{number - 1}]", Code.ENTRY_MISSING)
        at_the_end = ("file", Code.SIZE_DIFFERS)
        assert missing in places(report.problems) or (number == len(good) - 2 and at_the_end in places(report.problems))


def test_every_doubled_entry_is_named(good: list[bytes]) -> None:
    for number in range(1, len(good) - 1):
        report = verdict([*good[: number + 1], *good[number:]])
        found = places(report.problems)
        assert (f"entries[{number - 1}]", Code.ENTRY_MISPLACED) in found
        assert ("file", Code.FILE_HASH) in found


def test_every_swapped_pair_is_named(good: list[bytes]) -> None:
    for number in range(1, len(good) - 2):
        report = verdict([*good[:number], good[number + 1], good[number], *good[number + 2 :]])
        found = places(report.problems)
        assert (f"entries[{number - 1}]", Code.ENTRY_MISSING) in found
        assert (f"entries[{number - 1}]", Code.ENTRY_MISPLACED) in found


def test_an_entry_dropped_and_the_rest_renumbered_is_named(desks: tuple[Desk, Desk], good: list[bytes]) -> None:
    """Indexes and leaf hashes fit again: the chains, the receipts and the closing statement do not."""
    north = desks[0]
    for index in range(len(north.log)):
        body = renumbered([*north.log[:index], *north.log[index + 1 :]])
        report = verdict([good[0], *body, good[-1]])
        found = {problem.code for problem in report.problems}
        assert {Code.SIZE_DIFFERS, Code.FILE_HASH} <= found
        entries = [problem.entry for problem in report.problems if problem.entry is not None]
        later = [entry.index for entry in north.log[index + 1 :]]
        assert not later or entries, f"nothing named after entry {index} was dropped"
        assert all(entry >= index for entry in entries)


def test_an_entry_inserted_and_the_rest_renumbered_is_named(desks: tuple[Desk, Desk], good: list[bytes]) -> None:
    """The only envelopes somebody without a key has are those that were said: each is named as said again."""
    north = desks[0]
    for index in range(2, len(north.log)):
        body = renumbered([*north.log[:index], north.log[index - 1], *north.log[index:]])
        report = verdict([good[0], *body, good[-1]])
        assert (f"entries[{index}]", Code.CHAIN_REPEATED) in places(report.problems)


def test_an_entry_edited_and_rehashed_is_named(desks: tuple[Desk, Desk], good: list[bytes]) -> None:
    """A word in the payload, the leaf hash made to fit: the signature does not."""
    north = desks[0]
    for entry in north.log:
        envelope = decode_envelope(entry.envelope)
        payload = envelope.payload.replace(b'"sent_at_ms":17', b'"sent_at_ms":18')
        assert payload != envelope.payload
        forged = encode_envelope(type(envelope)(envelope.payload_type, payload, envelope.signatures))
        body = [
            *north.log[: entry.index],
            Entry(entry.index, entry.received_at_ms, forged),
            *north.log[entry.index + 1 :],
        ]
        report = verdict([good[0], *renumbered(body), good[-1]])
        assert places(report.problems)[0] == (f"entries[{entry.index}]", Code.SIGNATURE_INVALID)
        assert ("file", Code.FILE_HASH) in places(report.problems)


def test_a_time_edited_and_rehashed_is_named(desks: tuple[Desk, Desk], good: list[bytes]) -> None:
    """The time of receipt is under no envelope's signature, but under the tree heads and the closing statement."""
    north = desks[0]
    for entry in north.log:
        body = [*north.log[: entry.index], Entry(entry.index, entry.received_at_ms + 1, entry.envelope)]
        report = verdict([good[0], *renumbered([*body, *north.log[entry.index + 1 :]]), good[-1]])
        found = places(report.problems)
        assert ("file", Code.FILE_HASH) in found
        covered = any(code is Code.TREE_HEAD or code is Code.RECEIPT_FALSE for _, code in found)
        assert covered or ("file", Code.ROOT_DIFFERS) in found


def test_a_log_of_other_keys_is_only_good_until_keys_are_given() -> None:
    """Whoever makes up both parties makes up a perfect bundle; the key got from the real party shows it."""
    north, south = conversation()
    lines, real = south.bundle(), north.signer.public_key
    assert verdict(lines).ok
    report = verdict(lines, {"south": real})
    assert ("entries[0]", Code.KEY_DIFFERS) in places(report.problems)
    assert ("header", Code.KEY_DIFFERS) in places(report.problems)
    assert places(verdict(lines, {"north": south.signer.public_key}).problems) == [("entries[0]", Code.KEY_DIFFERS)]
    assert places(verdict(lines, {"east": real}).problems) == [("file", Code.PARTY_UNKNOWN)]


# --- files that are no bundles


@pytest.mark.parametrize(
    "source",
    [b"", b"\n", b"{}\n{}\n", b"\xff\xfe\n\n", b"[" * 100_000 + b"\n\n", b"null\nnull\nnull\n"],
)
def test_what_is_no_bundle_is_named_at_its_header(source: bytes) -> None:
    assert places(verdict(split(source)).problems) == [("header", Code.NOT_CANONICAL)]


def test_a_header_alone_is_no_bundle(good: list[bytes]) -> None:
    assert places(verdict(good[:1]).problems) == [("header", Code.NOT_CANONICAL)]
    assert places(verdict([good[0], good[0]]).problems) == [("closing", Code.NOT_CANONICAL)]


@pytest.mark.parametrize(
    "old, new",
    [
        (b'{"format"', b'{ "format"'),
        (b"clearline/bundle/1", b"clearline/bundle/2"),
        (b'"party":"north"', b'"party":"North"'),
        (b'"first_index":0', b'"first_index":1'),
        (b'"first_index":0,', b""),
        (b'"first_index":0', b'"first_index":0,"first_index":0'),
        (b'"first_index":0', b'"first_index":0,"more":0'),
        (b'"size":', b'"size":-'),
        (b'"size":', b'"size":10000000000'),
        (b'"exported_at_ms":1', b'"exported_at_ms":9999999999999'),
    ],
)
def test_another_header_is_refused(good: list[bytes], old: bytes, new: bytes) -> None:
    assert old in good[0]
    assert places(verdict([good[0].replace(old, new), *good[1:]]).problems) == [("header", Code.NOT_CANONICAL)]


def test_lines_behind_the_closing_statement_are_named(good: list[bytes]) -> None:
    size = len(good) - 2
    assert places(verdict([*good, good[-1]]).problems)[0] == (f"entries[{size}]", Code.NOT_CANONICAL)
    assert places(verdict([*good, b"\n"]).problems)[-1] == ("closing", Code.NOT_CANONICAL)


def test_a_file_without_closing_statement_is_named(good: list[bytes]) -> None:
    assert places(verdict(good[:-1]).problems) == [("closing", Code.CLOSING_MISSING)]


@pytest.mark.parametrize(
    "old, new",
    [
        (b'"index":3', b'"index":03'),
        (b'"index":3', b'"index": 3'),
        (b'"index":3', b'"index":3,"index":3'),
        (b'"index":3,', b""),
        (b'"envelope":{', b'"envelope": {'),
        (b'"envelope":{', b'"envelope":{{'),
        (b'"received_at_ms":1', b'"received_at_ms":9'),
        (b"}\n", b"}\r\n"),
        (b"}\n", b"} \n"),
    ],
)
def test_an_entry_in_another_spelling_is_named(good: list[bytes], old: bytes, new: bytes) -> None:
    assert old in good[4]
    report = verdict([*good[:4], good[4].replace(old, new), *good[5:]])
    assert places(report.problems)[0] == ("entries[3]", Code.NOT_CANONICAL)


def test_a_line_without_end_is_not_read_to_its_end(good: list[bytes]) -> None:
    endless = b'{"index":3,' + b" " * (3 * limits.BUNDLE_LINE_BYTES_MAX)
    source = b"".join([*good[:4], endless, b"\n", *good[5:]])
    chunks = [source[at : at + 70_001] for at in range(0, len(source), 70_001)]
    lines = list(bounded_lines(chunks))
    assert [len(line) for line in lines] == [
        min(len(line), limits.BUNDLE_LINE_BYTES_MAX + 1) for line in [*good[:4], endless, *good[5:]]
    ]
    assert ("entries[3]", Code.OVER_LIMIT) in places(verdict(lines).problems)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_lines_are_the_same_however_they_arrive(source: bytes, step: int) -> None:
    chunks = [source[at : at + step] for at in range(0, len(source), step)]
    assert list(bounded_lines(chunks)) == split(source)


def test_problems_are_bounded_and_counted(good: list[bytes]) -> None:
    report = verdict([good[0], *([b"nothing\n"] * 500), good[-1]])
    assert report.problems_more == 500 - limits.PROBLEMS_LISTED_MAX
    assert ("file", Code.FILE_HASH) in places(report.problems)
    assert all(len(problem.what) < 2 * limits.PROBLEM_CHARACTERS_MAX for problem in report.problems)


def test_problems_of_the_whole_file_are_bounded_too(good: list[bytes]) -> None:
    report = verify_bundle(good, keys={f"party-{number}": bytes(32) for number in range(150)})
    assert report.problems_more == 150 - limits.PROBLEMS_LISTED_MAX


def test_a_file_with_more_entries_than_any_log_is_left(good: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUNDLE_ENTRIES_MAX", 5)
    report = verify_bundle(good)
    assert ("file", Code.OVER_LIMIT) in places(report.problems)
    assert report.entries <= 7


def test_a_refusal_of_a_line_says_what_is_allowed() -> None:
    with pytest.raises(Refusal) as refused:
        parse_entry_line(b"x\n")
    assert "docs/spec/bundle.md" in refused.value.allowed
