"""The script that makes the sample extracts again, on a made-up wheel with names that must not come through."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from clearline.formats.sample import read_sample
from tools import extract_samples
from tools.extract_samples import PLANS, Fix, deltas, extract, legs_of, packed, thinned, without_jumps

CALFIRE, SWITZERLAND, _ = PLANS


def row(at_s: int, *, name: str = "N123AB", lat: float = 40.0, feet: float = 5000.0) -> dict[str, Any]:
    return {
        "timestamp": 1_600_000_000_000 + at_s * 1000,
        "latitude": lat,
        "longitude": -120.0,
        "altitude": feet,
        "geoaltitude": None,
        "callsign": name,
        "icao24": f"hex{name}",
        "flight_id": f"{name}_001",
    }


def made(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, int]]:
    document, counts = extract(CALFIRE, gzip.compress(json.dumps(rows).encode()))
    return dict(document), dict(counts)


def test_no_name_comes_through_and_the_party_is_by_rule() -> None:
    document, _ = made([row(at_s, name=name) for name in ("N123AB", "T72") for at_s in range(0, 600, 60)])
    text = json.dumps(document["tracks"])
    assert [track["party"] for track in document["tracks"]] == ["ridge", "valley"]
    for name in ("N123", "T72", "hex", "_001"):
        assert name not in text


def test_what_is_left_out_is_counted() -> None:
    rows = [row(at_s) for at_s in range(0, 600, 60)]
    rows[3] = row(180, lat=41.0)
    rows[5] = row(300, feet=-75.0)
    rows += [row(9_000), row(9_060), {**row(120), "altitude": None}]
    document, counts = made(rows)
    assert counts == {
        "records read": 13,
        "records kept": 8,
        "records below flight level 0": 1,
        "records that jump": 1,
        "records of legs too short": 2,
        "records without position or altitude": 1,
        "tracks kept": 1,
        "tracks of ridge": 1,
    }
    assert document["tracks"][0]["at"] == [1_600_000_000, 60, 60, 120, 120, 60, 60, 60]


def test_a_flight_is_cut_where_it_was_not_heard() -> None:
    fixes = [Fix(at_s, 4_000_000, 0, 100) for at_s in (0, 900, 1_801, 1_900)]
    assert [len(leg) for leg in legs_of(fixes, 200.0)] == [2, 2]


def test_two_parts_that_do_not_fit_are_two_legs_and_one_jump_is_none() -> None:
    near = [Fix(at_s, 4_000_000, 0, 100) for at_s in range(0, 100, 10)]
    far = [Fix(at_s, 4_500_000, 0, 100) for at_s in range(100, 200, 10)]
    assert without_jumps([*near, *far], 200.0) == [*near, *far]
    assert [len(leg) for leg in legs_of([*near, *far], 200.0)] == [10, 10]
    assert without_jumps([*near, far[0]], 200.0) == near
    assert without_jumps([far[0]._replace(at_s=-10), *near], 200.0) == near


def test_thinning_keeps_the_ends() -> None:
    leg = [Fix(at_s, 0, 0, 0) for at_s in range(0, 100, 10)]
    assert [fix.at_s for fix in thinned(leg, 30)] == [0, 30, 60, 90]
    assert [fix.at_s for fix in thinned(leg[:9], 30)] == [0, 30, 60, 80]


def test_differences() -> None:
    assert deltas([5, 7, 4]) == [5, 2, -3]


def test_the_script_writes_what_the_product_reads_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "traffic.whl"
    rows = [row(at_s, name=name) for name in ("N123AB", "T72") for at_s in range(0, 600, 60)]
    with zipfile.ZipFile(wheel, "w") as archive:
        for plan in PLANS:
            archive.writestr(plan.member, gzip.compress(json.dumps(rows).encode()))
    written = []
    for folder in ("a", "b"):
        out = tmp_path / folder
        out.mkdir()
        monkeypatch.setattr(sys, "argv", ["extract_samples.py", str(wheel), "--out", str(out)])
        extract_samples.main()
        written.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {f"{plan.name}.json.gz" for plan in PLANS}
    sample = read_sample(written[0]["calfire.json.gz"])
    assert [(track.party, len(track.fixes)) for track in sample.tracks] == [("ridge", 10), ("valley", 10)]
    assert sample.tracks[0].fixes[0].pressure_ft == 5_000
    assert "records kept: 20" in capsys.readouterr().out


def test_packing_leaves_no_trace_of_when() -> None:
    assert packed({"a": 1}) == packed({"a": 1})
    assert packed({"a": 1})[4:8] == bytes(4)


def test_both_plans_name_their_source_and_rule() -> None:
    for plan in (CALFIRE, SWITZERLAND):
        assert plan.parties[0] in plan.party_rule
        assert plan.parties[1] in plan.party_rule
