"""Words and tables: every reason, every trouble, every shape; and nothing from the network reaches the terminal raw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from clearline.doors.cli import tables
from clearline.doors.cli.told import Hindrance, NoticeTold
from clearline.model.altitude import parse_altitude
from clearline.model.refusal import RefusalCode, RefusalReport
from clearline.model.volume import LatLngPoint, Volume3D, Volume4D
from tests.cli.command_line import CommandLine
from tests.http.parties import volume

CLIENT = httpx2.Client
REPORT = {"code": "RING_CROSSES", "field": "volumes[0]\x1b[2J", "found": "x", "allowed": ""}


def status(**changes: Any) -> dict[str, Any]:
    party = {
        "party_id": "south",
        "own": False,
        "link": "OPEN",
        "heard_at_ms": 0,
        "clock_ahead_ms": 9_000,
        "undelivered": 0,
        "forked": 7,
        "rejected": 2,
        "refused": REPORT,
    }
    rules = {"rule_id": "threes", "version": 1, "separation_lateral_m": 1, "separation_vertical_m": 1}
    told = {
        "party": "north",
        "version": "0",
        "now_ms": 0,
        "log_size": 1,
        "tree": {"size": 1, "root": "0" * 64},
        "halted": REPORT,
        "store_failure": "disk\x1b full",
        "lines": [{"line_id": "demo", "rules": {**rules, "closer_ms_max": None}, "parties": [party]}],
    }
    return {**told, **changes}


def answers(monkeypatch: pytest.MonkeyPatch, told: object) -> tuple[str, ...]:
    """Let every node answer with this JSON."""
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=json.dumps(told).encode()))
    monkeypatch.setattr(httpx2, "Client", lambda **given: CLIENT(transport=transport))
    return ("--node", "http://127.0.0.1:1", "--token", "x")


def test_every_trouble_of_a_node_is_said(clearline: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = clearline("status", *answers(monkeypatch, status()))
    assert ran.code == 1
    for sign in ("HALTED", "STORE FAILING", "refuses us: RING_CROSSES", "place 7", "2 of its messages", "+9 s off"):
        assert sign in ran.out, sign
    assert "\x1b" not in ran.out
    none = clearline("status", *answers(monkeypatch, status(lines=[], halted=None, store_failure=None)))
    assert (none.code, "no line" in none.out) == (0, True)


def test_a_token_that_would_go_out_open_is_warned_of(clearline: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, status())
    ran = clearline("status", "--node", "http://node.example", "--token", "x")
    assert "unencrypted" in ran.err
    assert "unencrypted" not in clearline("status", "--node", "https://node.example", "--token", "x").err


def test_where_a_directorys_node_is(clearline: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A node that listens everywhere is asked at home; https where it has a certificate."""
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(200, content=json.dumps(status()).encode())

    monkeypatch.setattr(httpx2, "Client", lambda **given: CLIENT(transport=httpx2.MockTransport(answer)))
    for text in ('listen = "0.0.0.0:8701"', 'listen = "[::]:8702"\ntls_certificate = "a.pem"'):
        (tmp_path / "node.toml").write_text(f"[node]\n{text}\n", encoding="utf-8")
        monkeypatch.setenv("CLEARLINE_TOKEN", "x")
        monkeypatch.setenv("CLEARLINE_NODE", "http://127.0.0.1:9")
        clearline("status", "--dir", tmp_path)
    assert seen == ["http://127.0.0.1:8701/v1/status", "https://[::1]:8702/v1/status"]
    bad = clearline("status", "--dir", tmp_path, "--ca-file", tmp_path / "absent.pem")
    assert (bad.code, "--ca-file" in bad.err) == (2, True)
    (tmp_path / "node.toml").write_text("[node\n", encoding="utf-8")
    assert clearline("status", "--dir", tmp_path).code == 2
    (tmp_path / "token").mkdir()
    assert clearline("status", "--dir", tmp_path).code == 2


def test_every_reason_has_words() -> None:
    refusal = RefusalReport(code=RefusalCode.OVER_LIMIT, field="volumes")
    text = tables.why_text(
        [
            Hindrance(code="RECEIPT_MISSING", party="south"),
            Hindrance(code="FINDING_OPEN", party="south", finding_id="a5e88284c1333175"),
            Hindrance(code="REJECTED", party="south", refusal=refusal),
            Hindrance(code="LATER_WORD", party="so\x1buth"),
        ]
    )
    assert text.splitlines() == [
        "no receipt of south",
        "finding A5E88284 with south",
        "south could not take it: OVER_LIMIT volumes",
        "LATER_WORD so\\x1buth",
    ]


def test_bands_of_several_references_are_all_said() -> None:
    base = msgspec.convert(volume(), type=Volume4D)
    levels = msgspec.structs.replace(
        base,
        volume=Volume3D(
            altitude_lower=parse_altitude("FL080"),
            altitude_upper=parse_altitude("FL095"),
            outline_circle=base.volume.outline_circle,
        ),
    )
    assert tables.band_text([base, levels]) == "FL080 / 500 m W84 to FL095 / 900 m W84"
    assert tables.band_text([]) == "-"


def test_places_have_their_hemisphere() -> None:
    area = [LatLngPoint(-1.0, -2.0), LatLngPoint(3.0, 4.0)]
    assert tables.place_text(area) == "1.00S to 3.00N\n2.00W to 4.00E"
    assert tables.place_text([]) == "-"
    assert tables.time_text(None) == "-"


def test_a_long_list_of_bands_is_cut() -> None:
    assert tables._bands_text("a / b; c / d; e / f; g / h").splitlines() == ["a / b", "c / d", "e / f", "…"]
    assert tables._bands_text("FL080 / FL090") == "FL080\nFL090"


def test_json_is_escaped(clearline: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = clearline("status", "--json", *answers(monkeypatch, status(version="\u202e\x07")))
    assert ran.out.isascii()
    assert "\x07" not in ran.out
    assert json.loads(ran.out)["version"] == "\u202e\x07"


def test_an_ended_notice_is_told_by_its_state() -> None:
    told = msgspec.convert(
        {
            **dict.fromkeys(("line_id", "owner", "notice_id", "reference", "aircraft_class", "status"), "x"),
            **dict.fromkeys(("version", "priority", "declared_at_ms", "changed_at_ms", "changed_index"), 1),
            "own": True,
            "state": "Ended",
            "volumes": [],
            "uncleared_because": [],
            "acknowledgements": [],
            "read_back_fields": None,
        },
        type=NoticeTold,
    )
    assert told.ended
    assert "-" in tables.notices_table([told])


def test_a_stream_that_breaks_off_leaves_no_file(
    clearline: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A record is there whole, or not at all."""

    class Breaking(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b'{"format"'
            raise httpx2.ReadError("gone")

    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=Breaking()))
    monkeypatch.setattr(httpx2, "Client", lambda **given: CLIENT(transport=transport))
    node = ("--node", "http://127.0.0.1:1", "--token", "x")
    ran = clearline("export", "-o", tmp_path / "x.bundle", *node)
    assert (ran.code, "gone" in ran.err, list(tmp_path.iterdir())) == (5, True, [])
    nowhere = clearline("export", "-o", tmp_path / "absent" / "x.bundle", *node)
    assert (nowhere.code, "UNREADABLE_FILE" in nowhere.err) == (2, True)


def test_a_record_that_does_not_prove_itself_is_kept_and_said(
    clearline: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = clearline("export", "-o", tmp_path / "x.bundle", *answers(monkeypatch, {"format": "other"}))
    assert (ran.code, "NOT PROVEN" in ran.out, (tmp_path / "x.bundle").exists()) == (1, True, True)


def test_output_that_nobody_reads_is_no_fault(tmp_path: Path) -> None:
    """`clearline … | head`: no trace of it. (click ends with 1 there; a shell shows the code of the last command.)"""
    (tmp_path / "x.bundle").write_bytes(b"no bundle\n" * 10)
    command = [sys.executable, "-c", "from clearline.doors.cli.main import main; main()", "verify", "x.bundle"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_lists_say_what_they_leave_out(clearline: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = dict.fromkeys(("line_id", "owner", "notice_id", "reference", "aircraft_class"), "x")
    notice: dict[str, object] = {
        **ended,
        **dict.fromkeys(("version", "priority", "declared_at_ms", "changed_at_ms", "changed_index"), 1),
        "own": True,
        "state": "Ended",
        "status": "ENDED",
        "volumes": [],
        "uncleared_because": [],
        "acknowledgements": [],
        "read_back_fields": None,
    }
    node = answers(monkeypatch, {"log_size": 1, "notices": [notice], "more": True})
    assert clearline("notices", *node).out == "0 notices; 1 ended (--all shows them); and more: --limit, or a filter.\n"
    assert "ENDED" in clearline("notices", "--status", "ended", *node).out
    assert json.loads(clearline("notices", "--json", *node).out)["more"] is True
    noted = clearline("noted", "ABCD", *node)
    assert (noted.code, "its whole id" in noted.err) == (2, True)
    gone = answers(monkeypatch, {"log_size": 1, "findings": [], "more": True})
    assert "0 findings, 0 open; and more" in clearline("findings", *gone).out
