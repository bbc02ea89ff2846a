"""`clearline check`, as a user meets it: what is printed where, and the exit code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from clearline.doors.cli import check_output, check_progress
from clearline.sky import warm_up
from tests.cli.command_line import CommandLine, Ran
from tests.cli.made_files import EXAMPLES, circle, written


@pytest.fixture
def cli(clearline: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Cli:
    warm_up()  # compiling is said on stderr
    return Cli(clearline, monkeypatch)


class Cli:
    """Calls the entry point in this process and keeps what it printed."""

    def __init__(self, clearline: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        self._clearline = clearline
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: object) -> Ran:
        ran = self._clearline(*arguments)
        assert "Traceback" not in ran.out + ran.err
        return ran


# --- what is found


def test_clear_is_0(cli: Cli, tmp_path: Path) -> None:
    run = cli(
        "check", written(tmp_path / "a.geojson", circle("A")), written(tmp_path / "b.geojson", circle("B", lng=9.0))
    )
    assert run == Ran(0, "2 files, 2 notices compared; 0 conflicts; 0 brief; clear (threes v1).\n", "")


def test_a_conflict_between_files_is_1_and_says_everything(cli: Cli) -> None:
    run = cli("check", EXAMPLES / "north.geojson", EXAMPLES / "south.geojson")
    assert (run.code, run.err) == (1, "")
    conflicts, brief = run.out.split("Brief: ")
    for text in (
        "north.geojson: Survey box",
        "south.geojson: Medical transfer",
        "CONFLICT",
        "900 m W84 to 5000 ft AMSL",
        "2026-11-22 14:20:00Z",
        "to 14:45:00Z",
        "25 min",
        "overlap",
        "threes v1",
        "3 NM",
        "3,000 ft",
    ):
        assert text in conflicts
    for text in ("Supply run", "Photo hover", "BRIEF", "2 min", "500 ft"):
        assert text in brief
    assert run.out.endswith("2 files, 6 notices compared; 1 conflict; 1 brief (threes v1).\n")


def test_a_conflict_within_one_file_is_found(cli: Cli, tmp_path: Path) -> None:
    run = cli("check", written(tmp_path / "a.geojson", circle("A"), circle("B")))
    assert run.code == 1
    assert "a.geojson: A" in run.out
    assert "a.geojson: B" in run.out


def test_the_rule_set_decides(cli: Cli, tmp_path: Path) -> None:
    file = written(tmp_path / "a.geojson", circle("A"), circle("B", lower=300, upper=400))
    assert cli("check", file).code == 1
    assert cli("check", file, "--rules", "intersect").code == 0
    run = cli("check", file, file, "--rules", "intersect")
    assert run.code == 1
    assert "Conflicts under intersect v1: volumes meet in place, height and time\n" in run.out
    run = cli("check", file, "--rules", "fours")
    assert run.code == 2
    assert "threes" in run.err


def test_brief_alone_is_clear(cli: Cli, tmp_path: Path) -> None:
    run = cli("check", written(tmp_path / "a.geojson", circle("A"), circle("B", start="2026-11-22T14:58:00Z")))
    assert run.code == 0
    assert "BRIEF" in run.out


def test_volumes_of_one_notice_are_not_compared_with_each_other(cli: Cli, tmp_path: Path) -> None:
    run = cli("check", written(tmp_path / "a.geojson", circle("A", notice="N"), circle("B", notice="N")))
    assert (run.code, "1 notice compared" in run.out) == (0, True)


def test_one_file_given_twice_meets_itself(cli: Cli, tmp_path: Path) -> None:
    file = written(tmp_path / "a.geojson", circle("A"))
    assert cli("check", file, file).code == 1


def test_formats_can_be_mixed(cli: Cli, tmp_path: Path) -> None:
    intent = {
        "volumes": [
            {
                "volume": {
                    "outline_circle": {"center": {"lat": 47.0, "lng": 8.0}, "radius": {"value": 10, "units": "M"}},
                    "altitude_lower": {"value": 0, "reference": "W84", "units": "M"},
                    "altitude_upper": {"value": 200, "reference": "W84", "units": "M"},
                },
                "time_start": {"value": "2026-11-22T14:00:00Z", "format": "RFC3339"},
                "time_end": {"value": "2026-11-22T15:00:00Z", "format": "RFC3339"},
            }
        ]
    }
    other = tmp_path / "b.json"
    other.write_text(json.dumps(intent), encoding="utf-8")
    run = cli("check", written(tmp_path / "a.geojson", circle("A")), other)
    assert run.code == 1
    assert "operational intent 1" in run.out


def test_the_example_in_f3548_meets_what_its_readme_says(cli: Cli) -> None:
    files = [EXAMPLES / name for name in ("north.geojson", "south.geojson", "hospital.json")]
    run = cli("check", "--json", *files)
    names = {(each["a"]["title"], each["b"]["title"]) for each in json.loads(run.out)["conflicts"]}
    assert run.code == 1
    assert ("Survey box", "6f2c9a34-51d7-4c0e-9b1e-0d6a7c1f8e20") in names


def test_json_holds_the_same_facts(cli: Cli) -> None:
    run = cli("check", "--json", EXAMPLES / "north.geojson", EXAMPLES / "south.geojson")
    document = json.loads(run.out)
    assert run.code == 1
    (conflict,), (brief,) = document["conflicts"], document["brief"]
    assert conflict["a"]["title"] == "Survey box"
    assert conflict["b"] == {
        "kind": "NOTICE",
        "file": str(EXAMPLES / "south.geojson"),
        "feature": "features[0]",
        "title": "Medical transfer",
    }
    assert (conflict["from"], conflict["until"], conflict["closer_ms"]) == (
        "2026-11-22T14:20:00Z",
        "2026-11-22T14:45:00Z",
        1_500_000,
    )
    assert (brief["severity"], brief["closer_ms"], brief["rule_id"]) == ("BRIEF", 120_000, "threes")
    assert document["refused"] == []


def test_the_map_shows_each_region(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "map.geojson"
    run = cli("check", EXAMPLES / "north.geojson", EXAMPLES / "south.geojson", "--map", out)
    document = json.loads(out.read_bytes())
    assert run.code == 1
    assert [each["properties"]["severity"] for each in document["features"]] == ["CONFLICT", "BRIEF"]
    assert cli("check", EXAMPLES / "north.geojson", "--map", tmp_path).code == 2


# --- what is refused


def test_a_bad_feature_is_told_and_the_rest_is_checked(cli: Cli, tmp_path: Path) -> None:
    file = written(tmp_path / "a.geojson", circle("A"), circle("Bad", lower="300 ft"), circle("B"))
    run = cli("check", file)
    assert run.code == 2
    assert "1 conflict;" in run.out
    assert run.err.startswith(
        f"error: {file}:1 features[1] (Bad): properties.lower: OUT_OF_RANGE: found 300 ft; allowed: "
    )
    assert "next: " in run.err


def test_what_the_sky_refuses_is_told_with_its_place_in_the_file(cli: Cli, tmp_path: Path) -> None:
    bow = [[8.0, 47.0], [8.1, 47.1], [8.1, 47.0], [8.0, 47.1], [8.0, 47.0]]
    crossing = {**circle("Bow"), "geometry": {"type": "Polygon", "coordinates": [bow]}}
    run = cli("check", written(tmp_path / "a.geojson", circle("A"), crossing, circle("B")))
    assert run.code == 2
    assert "1 conflict;" in run.out
    assert "features[1] (Bow): geometry.coordinates[0]" in run.err
    assert "RING_CROSSES" in run.err


def test_refusals_stand_in_the_json(cli: Cli, tmp_path: Path) -> None:
    run = cli("check", "--json", written(tmp_path / "a.geojson", circle("Bad", end=5)), tmp_path / "none")
    refused = json.loads(run.out)["refused"]
    assert run.code == 2
    assert [each["code"] for each in refused] == ["OUT_OF_RANGE", "UNREADABLE_FILE"]
    assert (refused[0]["feature"], refused[0]["field"]) == ("features[0]", "properties.end")


BAD_FILES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "an empty file"),
    ("rubbish", bytes(range(128, 256)) * 100, "no UTF-8"),
    ("zeros", bytes(1000), "line 1, column 1"),
    ("brackets", b"[" * 10_000_000, "nested brackets"),
    ("braces", b'{"a":' * 2_000_000, "nested brackets"),
    ("cut off", b'{"type": "FeatureCollection", "features": [', "line 1"),
    ("a number", b"17", "a number"),
    ("another JSON", b'{"hello": 1}', "an object with hello"),
    ("a geometry", b'{"type": "Point", "coordinates": [8, 47]}', "FeatureCollection"),
    ("UTF-16", '{"type": "FeatureCollection"}'.encode("utf-16"), "no UTF-8"),
]


@pytest.mark.parametrize("source, text", [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES])
def test_a_bad_file_is_2_and_the_others_are_checked(cli: Cli, tmp_path: Path, source: bytes, text: str) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(source)
    run = cli("check", bad, written(tmp_path / "a.geojson", circle("A"), circle("B")))
    assert run.code == 2
    assert "1 conflict;" in run.out
    assert str(bad) in run.err
    assert text in run.err


def test_a_file_that_is_none_is_2(cli: Cli, tmp_path: Path) -> None:
    for file in (tmp_path / "missing", tmp_path, Path("a\0b")):
        run = cli("check", file)
        assert run.code == 2
        assert "UNREADABLE_FILE" in run.err
        assert "next: " in run.err


BAD_FEATURES: list[tuple[str, dict[str, Any], str, str]] = [
    ("no geometry", {**circle("A"), "geometry": None}, "geometry: SHAPE_MISSING", "Polygon"),
    (
        "swapped",
        {**circle("A"), "geometry": {"type": "Point", "coordinates": [37.4, -122.1]}},
        "geometry.coordinates[1]: OUT_OF_RANGE: found latitude -122.1",
        "look swapped",
    ),
    ("NaN", circle("A", radius_m=float("nan")), "properties.radius_m: OUT_OF_RANGE: found nan", "finite"),
    ("no zone", circle("A", start="2026-11-22T14:00:00"), "properties.start", "2026-11-22T14:30:00Z"),
    ("lower over upper", circle("A", lower=500), "properties.lower: ALTITUDE_ORDER", "at or below"),
    ("no reference", circle("A", upper="1500 m"), "properties.upper", "FL180"),
]


@pytest.mark.parametrize("bad, place, advice", [row[1:] for row in BAD_FEATURES], ids=[row[0] for row in BAD_FEATURES])
def test_a_bad_feature_is_2_with_its_field(
    cli: Cli, tmp_path: Path, bad: dict[str, Any], place: str, advice: str
) -> None:
    run = cli("check", written(tmp_path / "a.geojson", bad))
    assert run.code == 2
    assert place in run.err
    assert advice in run.err


def test_no_control_character_of_a_file_reaches_the_terminal(cli: Cli, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    file = written(tmp_path / "a.geojson", circle(evil), circle(evil), circle(evil, end=evil))
    twice = tmp_path / "b.json"
    twice.write_bytes(json.dumps({"volumes": [{evil: 1}]}).encode())
    run = cli("check", file, twice)
    assert run.code == 2
    assert set("\x1b\x07\u202e").isdisjoint(run.out + run.err)


# --- how it is shown


def test_files_of_one_name_are_told_apart_by_their_folders(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder / "a.geojson", circle("A"))
    # Short names: how a long one is folded depends on where the test runs.
    monkeypatch.chdir(tmp_path)
    run = cli("check", "x/a.geojson", "y/a.geojson")
    assert "x/a.geojson" in run.out
    assert "y/a.geojson" in run.out


def test_more_pairs_than_are_listed_are_counted(cli: Cli, tmp_path: Path) -> None:
    run = cli("check", "--limit", 2, written(tmp_path / "a.geojson", *(circle(str(number)) for number in range(4))))
    assert run.code == 1
    assert "\n 3 " not in run.out
    assert "4 more, later ones, are not listed: --limit, --json and --html show more.\n" in run.out
    assert "6 conflicts; 0 brief" in run.out


def test_a_terminal_gets_its_width_and_a_bar(cli: Cli, tmp_path: Path) -> None:
    cli.monkeypatch.setattr(check_progress, "STEPS_MIN", 2)
    cli.monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cli.monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    cli.monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((100, 30)))
    run = cli("check", written(tmp_path / "a.geojson", circle("A"), circle("B")))
    assert run.code == 1
    assert "comparing" in run.err
    assert 80 < max(map(len, run.out.splitlines())) <= 100


def test_a_pair_that_only_the_index_sees_is_a_bug_and_never_dropped(cli: Cli, tmp_path: Path) -> None:
    cli.monkeypatch.setattr("clearline.sky.describe", lambda *pair, outline: None)
    run = cli("check", written(tmp_path / "a.geojson", circle("A"), circle("B")))
    assert (run.code, "report" in run.err) == (70, True)


@pytest.mark.parametrize(
    "duration_ms, text",
    [
        (0, "0 s"),
        (1, "1 s"),
        (59_999, "1 min"),
        (61_000, "1 min 1 s"),
        (3_600_000, "1 h"),
        (90_061_000, "1 d 1 h"),
        (86_400_000 + 60_000, "1 d"),
    ],
)
def test_durations_are_said_in_two_units(duration_ms: int, text: str) -> None:
    assert check_output.duration_text(duration_ms) == text


def test_windows_name_the_second_day_where_there_is_one() -> None:
    assert check_output.window_text(0, 1000) == "1970-01-01 00:00:00Z\nto 00:00:01Z"
    assert check_output.window_text(0, 86_400_000) == "1970-01-01 00:00:00Z\nto 1970-01-02 00:00:00Z"


def test_distances_are_in_metres_miles_and_feet(cli: Cli, tmp_path: Path) -> None:
    run = cli("check", written(tmp_path / "a.geojson", circle("A"), circle("B", lng=8.05, lower=500, upper=600)))
    assert run.code == 1
    assert "300 m" in run.out
    assert "984 ft" in run.out
    assert " NM" in run.out.split("Who")[1]
