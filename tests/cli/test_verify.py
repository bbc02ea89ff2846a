"""`clearline verify`: offline, with an exit code for each verdict and a name for each problem (R6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.ledger.two_parties import Desk, conversation, signer_of


@pytest.fixture(scope="module")
def talk() -> tuple[Desk, Desk]:
    return conversation(rounds=1)


def written(directory: Path, name: str, lines: list[bytes]) -> Path:
    path = directory / name
    path.write_bytes(b"".join(lines))
    return path


def test_a_good_record_is_0(clearline: CommandLine, talk: tuple[Desk, Desk], tmp_path: Path) -> None:
    bundle = written(tmp_path, "north.bundle", talk[0].bundle())
    ran = clearline("verify", bundle)
    assert (ran.code, "proves itself" in ran.out, "log of north" in ran.out) == (0, True, True), ran
    assert "key on the bundle's own word" in ran.out
    keys = [f"--key={party}={signer_of(party).public_key.hex()}" for party in ("north", "south")]
    trusted = clearline("verify", bundle, *keys)
    assert (trusted.code, "key as given" in trusted.out, "own word" in trusted.out) == (0, True, False)
    told = json.loads(clearline("verify", bundle, "--json", *keys).out)
    assert (told["schema"], told["ok"], told["bundles"][0]["keys_given"]) == (
        "clearline/verify/1",
        True,
        ["north", "south"],
    )


def test_each_damage_is_1_and_named_with_its_entry(
    clearline: CommandLine, talk: tuple[Desk, Desk], tmp_path: Path
) -> None:
    lines = talk[0].bundle()
    flipped = lines[4][:-40] + bytes([lines[4][-40] ^ 1]) + lines[4][-39:]
    cases = {
        "changed": ([*lines[:4], flipped, *lines[5:]], "entries[3]"),
        "dropped": ([*lines[:4], *lines[5:]], "ENTRY_MISSING"),
        "reordered": ([*lines[:4], lines[5], lines[4], *lines[6:]], "ENTRY_MISPLACED"),
        "cut": (lines[:-1], "CLOSING_MISSING"),
        "empty": ([], "NOT_CANONICAL"),
        "other": ([b"\x89PNG\r\n\x1a\n\x1b[31m"], "header"),
    }
    for name, (damaged, sign) in cases.items():
        ran = clearline("verify", written(tmp_path, name, damaged))
        assert (ran.code, sign in ran.out, "NOT PROVEN" in ran.out) == (1, True, True), (name, ran)
        assert "\x1b" not in ran.out
    told = json.loads(clearline("verify", tmp_path / "changed", "--json").out)
    assert 3 in [problem["entry"] for problem in told["bundles"][0]["problems"]]


def test_a_file_that_cannot_be_read_is_2(clearline: CommandLine, tmp_path: Path) -> None:
    for file in (tmp_path / "absent.bundle", tmp_path):
        ran = clearline("verify", file)
        assert (ran.code, "UNREADABLE_FILE" in ran.err, "next:" in ran.err) == (2, True, True)


def test_another_key_than_the_trusted_one_is_1(clearline: CommandLine, talk: tuple[Desk, Desk], tmp_path: Path) -> None:
    bundle = written(tmp_path, "north.bundle", talk[0].bundle())
    ran = clearline("verify", bundle, "--key", f"south={signer_of('north').public_key.hex()}")
    assert (ran.code, "KEY_DIFFERS" in ran.out) == (1, True)
    for key in ("south", "south=12", "=" + "0" * 64, "south=" + "z" * 64):
        refused = clearline("verify", bundle, "--key", key)
        assert (refused.code, "64 hexadecimal digits" in refused.err) == (2, True), key


def test_records_are_held_against_each_other(clearline: CommandLine, talk: tuple[Desk, Desk], tmp_path: Path) -> None:
    """Each is good by itself; together they show what one party told otherwise."""
    bundles = [written(tmp_path, desk.party, desk.bundle()) for desk in talk]
    ran = clearline("verify", *bundles)
    assert (ran.code, "agree" in ran.out) == (0, True), ran
    assert len(json.loads(clearline("verify", *bundles, bundles[0], "--json").out)["comparisons"]) == 3
    held_back = talk[1].bundle(size=len(talk[1].log) - 4)
    withheld = clearline("verify", bundles[0], written(tmp_path, "held-back", held_back))
    assert (withheld.code, "CONTRADICT EACH OTHER" in withheld.out, "CHAIN_WITHHELD" in withheld.out) == (
        1,
        True,
        True,
    ), withheld
