"""`clearline check` on everything that is no plain notice: trajectories, zones, stdin, rule sets in files, bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clearline.doors.cli import check, check_compare, check_progress, check_zones
from clearline.sky import load_rules, warm_up
from clearline.sky.rules import RULE_SETS
from tests.cli.command_line import CommandLine, Ran
from tests.cli.made_files import EXAMPLES, RADIO, RANGE, TRACK, circle, said, written

MIXED = ("north.geojson", "south.geojson", "tracks.csv", "valley_zones.txt")


@pytest.fixture(autouse=True)
def _kernels() -> None:
    warm_up()  # compiling is said on stderr


def found(run: Ran) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run.out)
    return document


# --- kinds of records


def test_the_mixed_call_of_the_documents_answers_what_they_say(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = EXAMPLES.parent
    command = f"clearline check {' '.join(f'examples/{name}' for name in MIXED)} --html report.html\n"
    for name in ("README.md", "docs/cli.md", "examples/README.md"):
        assert command in (root / name).read_text(encoding="utf-8")
    monkeypatch.chdir(root)
    run = clearline(*command.split()[1:-1], tmp_path / "report.html")
    assert (run.code, run.err) == (1, "")
    assert "south.geojson: Medical transfer" in run.out
    assert "valley_zones.txt: Valley" in run.out
    last = run.out.splitlines()[-1]
    assert last == "4 files, 6 notices, 1 trajectory, 2 zones compared; 4 conflicts; 1 brief; 4 advisory (threes v1)."
    assert f"    {last}\n" in (root / "docs/cli.md").read_text(encoding="utf-8")
    assert (tmp_path / "report.html").stat().st_size > 50_000


def test_every_example_of_airspace_can_be_read(clearline: CommandLine) -> None:
    files = [file for file in sorted((EXAMPLES / "airspace").iterdir()) if file.suffix != ".md"]
    run = clearline("check", "--json", EXAMPLES / "north.geojson", *files)
    document = found(run)
    assert len(files) > 8
    assert document["zones"] > 30
    assert not [each for each in document["refused"] if each["code"] in {"UNKNOWN_FORMAT", "UNREADABLE_FILE"}]


def test_a_trajectory_meets_a_notice_and_another_trajectory(clearline: CommandLine, tmp_path: Path) -> None:
    tracks = said(tmp_path / "t.csv", TRACK + TRACK.partition("\n")[2].replace("T-1", "T-2"))
    run = clearline("check", "--json", "--rules", "intersect", written(tmp_path / "a.geojson", circle("A")), tracks)
    document = found(run)
    assert run.code == 1
    assert (document["notices"], document["trajectories"], document["zones"]) == (1, 2, 0)
    kinds = sorted((each["a"]["kind"], each["b"]["kind"]) for each in document["conflicts"])
    assert kinds == [("NOTICE", "TRAJECTORY"), ("NOTICE", "TRAJECTORY"), ("TRAJECTORY", "TRAJECTORY")]
    crossing = next(each for each in document["conflicts"] if each["a"]["kind"] == "NOTICE")
    # 1 km around the middle of a leg of 15.2 km in 10 min: 79 s.
    assert 75_000 < crossing["closer_ms"] < 83_000
    assert crossing["b"]["line"] == 2


def test_a_zone_meets_a_notice(clearline: CommandLine, tmp_path: Path) -> None:
    zones = said(tmp_path / "z.txt", RANGE)
    run = clearline("check", "--json", written(tmp_path / "a.geojson", circle("A"), circle("B", lng=9.0)), zones)
    (conflict,) = found(run)["conflicts"]
    assert run.code == 1
    assert (conflict["a"]["title"], conflict["b"]["zone_kind"]) == ("A", "RESTRICTED")
    assert (conflict["from"], conflict["until"]) == ("2026-11-22T14:00:00Z", "2026-11-22T15:00:00Z")
    assert conflict["area"]


def test_an_advisory_zone_is_listed_apart_and_is_clear(clearline: CommandLine, tmp_path: Path) -> None:
    run = clearline("check", written(tmp_path / "a.geojson", circle("A")), said(tmp_path / "z.txt", RADIO))
    assert (run.code, run.err) == (0, "")
    assert "Advisory: zones to be known. These block nothing." in run.out
    assert "[advisory zone]" in run.out
    assert "0 conflicts; 0 brief; 1 advisory; clear" in run.out


def test_a_zone_counts_only_while_it_is_active(clearline: CommandLine, tmp_path: Path) -> None:
    before = RANGE.replace("AH", "AA 2026-11-22T10:00Z/2026-11-22T12:00Z\nAH")
    run = clearline("check", written(tmp_path / "a.geojson", circle("A")), said(tmp_path / "z.txt", before))
    assert run.code == 0


# --- zones by themselves


def test_zones_alone_are_counted_and_the_hint_is_given(clearline: CommandLine, tmp_path: Path) -> None:
    run = clearline("check", said(tmp_path / "z.txt", RANGE + RADIO))
    assert run.code == 0
    assert run.out == "1 file, 0 notices, 2 zones compared; 0 conflicts; 0 brief; clear (threes v1).\n"
    assert "zones only" in run.err
    assert "--among-zones" in run.err


def test_zones_among_each_other(clearline: CommandLine, tmp_path: Path) -> None:
    second, far = RANGE.replace("Range", "Second"), RANGE.replace("Range", "Far").replace("008:", "009:")
    zones = said(tmp_path / "z.txt", RANGE + second + far + RADIO)
    run = clearline("check", "--json", "--among-zones", zones)
    document = found(run)
    assert (run.code, run.err) == (1, "")
    (conflict,) = document["conflicts"]
    assert (conflict["a"]["title"], conflict["b"]["title"], conflict["rule_id"]) == ("Range", "Second", "intersect")
    assert conflict["closer_ms"] == 7 * 86_400_000
    assert len(document["advisory"]) == 2


def test_zones_among_each_other_keep_their_windows(clearline: CommandLine, tmp_path: Path) -> None:
    morning = RANGE.replace("AH", "AA 2026-11-22T08:00Z/2026-11-22T12:00Z\nAH")
    evening = RANGE.replace("AH", "AA 2026-11-22T18:00Z/2026-11-22T20:00Z\nAH").replace("Range", "Second")
    assert clearline("check", "--among-zones", said(tmp_path / "z.txt", morning + evening)).code == 0
    late = morning.replace("12:00Z", "19:00Z").replace("Range", "Third")
    run = clearline("check", "--json", "--among-zones", said(tmp_path / "z.txt", evening + late))
    (conflict,) = found(run)["conflicts"]
    assert (conflict["from"], conflict["until"]) == ("2026-11-22T18:00:00Z", "2026-11-22T19:00:00Z")
    assert conflict["certain"]


def test_a_zone_of_too_many_windows_is_compared_over_all_of_them(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_zones, "PARTS_MAX", 0)
    run = clearline("check", "--json", "--among-zones", said(tmp_path / "z.txt", RANGE + RANGE))
    (conflict,) = found(run)["conflicts"]
    assert not conflict["certain"]


# --- where it comes from


def test_a_minus_is_stdin(clearline: CommandLine, tmp_path: Path) -> None:
    body = json.dumps({"type": "FeatureCollection", "features": [circle("A")]})
    file = written(tmp_path / "b.geojson", circle("B"))
    run = clearline("check", "-", file, typed=body)
    assert run.code == 1
    assert "stdin: A" in run.out
    run = clearline("check", "-", "-", typed=body)
    assert run.code == 2
    assert "once" in run.err


def test_each_rule_set_that_is_shipped_has_a_name(clearline: CommandLine, tmp_path: Path) -> None:
    file = written(tmp_path / "a.geojson", circle("A"), circle("B", lng=8.02))
    for name in RULE_SETS:
        run = clearline("check", "--json", "--rules", name, file)
        assert found(run)["rules"]["rule_id"] == load_rules(name).rule_id
    assert set(RULE_SETS) <= set(clearline("check", "--help").out.replace(",", " ").split())


def test_a_rule_set_can_be_a_file(clearline: CommandLine, tmp_path: Path) -> None:
    rules = msgspec.structs.replace(load_rules("threes"), rule_id="wide", version=7, separation_vertical_m=5000.0)
    own = tmp_path / "wide.json"
    own.write_bytes(msgspec.json.encode(rules))
    file = written(tmp_path / "a.geojson", circle("A"), circle("B", lower=3000, upper=3100))
    assert clearline("check", file).code == 0
    run = clearline("check", file, "--rules", own)
    assert run.code == 1
    assert "Conflicts under wide v7" in run.out


@pytest.mark.parametrize(
    ("source", "text"),
    [(b"{}", "rule_id"), (b"[", "MALFORMED"), (b" " * 70_000, "OVER_LIMIT"), (b'{"rule_id": "x", "x": 1}', "x")],
)
def test_a_file_that_is_no_rule_set_is_2(clearline: CommandLine, tmp_path: Path, source: bytes, text: str) -> None:
    own = tmp_path / "r.json"
    own.write_bytes(source)
    run = clearline("check", written(tmp_path / "a.geojson", circle("A")), "--rules", own)
    assert (run.code, run.out) == (2, "")
    assert str(own) in run.err
    assert text in run.err


# --- what is refused, and where it stands


def test_a_bad_zone_is_told_with_its_line_and_the_rest_is_checked(clearline: CommandLine, tmp_path: Path) -> None:
    bow = "AC R\nAN Bow\nAL GND\nAH FL100\nDP 47:00:00 N 008:00:00 E\nDP 47:06:00 N 008:06:00 E\n"
    bow += "DP 47:06:00 N 008:00:00 E\nDP 47:00:00 N 008:06:00 E\n\n"
    zones = said(tmp_path / "z.txt", RANGE + bow)
    for option in ((), ("--among-zones",)):
        run = clearline("check", *option, written(tmp_path / "a.geojson", circle("A")), zones)
        assert run.code == 2
        assert f"{zones}:8 " in run.err
        assert "(Bow)" in run.err
        assert "RING_CROSSES" in run.err
        assert run.err.count("error: ") == 1
        assert "1 notice, 1 zone compared; 1 conflict" in run.out


def test_refusals_are_told_up_to_a_bound_and_counted(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "REFUSED_TOLD_MAX", 2)
    bad = [circle(str(number), lower="300 ft") for number in range(5)]
    run = clearline("check", written(tmp_path / "a.geojson", *bad))
    assert run.code == 2
    assert run.err.count("OUT_OF_RANGE") == 2
    assert "error: 3 more refused; --json and --html name them\n" in run.err
    assert "5 refused (see stderr)" in run.out


def test_an_empty_list_of_volumes_meets_nothing(clearline: CommandLine, tmp_path: Path) -> None:
    empty = said(tmp_path / "e.json", json.dumps({"volumes": [], "off_nominal_volumes": []}))
    assert clearline("check", empty, written(tmp_path / "a.geojson", circle("A"))).code in {0, 2}


@pytest.mark.parametrize("limit", ["0", "-1", "many", "100001"])
def test_a_limit_is_a_number_of_rows(clearline: CommandLine, tmp_path: Path, limit: str) -> None:
    run = clearline("check", "--limit", limit, written(tmp_path / "a.geojson", circle("A")))
    assert run.code == 2
    assert "--limit" in run.err


# --- order and bounds


def test_the_list_is_in_the_order_of_time(clearline: CommandLine, tmp_path: Path) -> None:
    hours = [circle(str(hour), start=f"2026-11-22T{hour:02}:00:00Z", end="2026-11-22T23:00:00Z") for hour in (9, 5, 7)]
    run = clearline(
        "check", "--json", written(tmp_path / "a.geojson", *hours, circle("all", start="2026-11-22T01:00:00Z"))
    )
    begins = [each["from"] for each in found(run)["conflicts"]]
    assert len(begins) == 6
    assert begins == sorted(begins)


def test_too_many_near_each_other_are_compared_in_turn_with_the_same_answer(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = [circle(str(n), lng=8.0 + 0.02 * n, aircraft_class=("MANNED", "UNMANNED")[n % 2]) for n in range(12)]
    file = written(tmp_path / "a.geojson", *features)
    at_once = clearline("check", "--json", file)
    monkeypatch.setattr(check_compare, "NEAR_MAX", 0)
    in_turn = clearline("check", "--json", file)
    assert found(at_once)["counts"]["conflicts"] > 20
    assert at_once == in_turn


def test_beyond_what_is_kept_pairs_are_counted(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_compare, "PAIRS_KEPT_MAX", 2)
    run = clearline("check", "--json", written(tmp_path / "a.geojson", *(circle(str(n)) for n in range(4))))
    document = found(run)
    assert (len(document["conflicts"]), document["counts"]["conflicts"], document["unlisted"]) == (2, 6, 4)


def test_geojson_has_an_option_of_its_own_name(clearline: CommandLine, tmp_path: Path) -> None:
    for option in ("--geojson", "--map"):
        out = tmp_path / f"{option}.geojson"
        run = clearline("check", *(EXAMPLES / name for name in MIXED), option, out)
        assert run.code == 1
        severities = [each["properties"]["severity"] for each in json.loads(out.read_bytes())["features"]]
        assert len(severities) == 9


# --- waiting


def test_compiling_is_told_wherever_stderr_goes(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_progress, "_compiled", lambda: False)
    run = clearline("check", written(tmp_path / "a.geojson", circle("A")))
    assert (run.code, run.err) == (0, f"{check_progress.COMPILING}\n")


def test_compiling_the_rest_of_a_run_that_was_broken_off_is_told_too(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_progress, "LOADING_S_MAX", -1.0)
    run = clearline("check", written(tmp_path / "a.geojson", circle("A")))
    assert (run.code, run.err) == (0, f"{check_progress.COMPILING}\n")
