"""The commands of a desk against two real nodes: what they print, what they leave in the record, how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clearline.line.clearance import NoticeStatus
from clearline.line.node_state import NodeState
from tests.cli.command_line import CommandLine, Nodes, running_nodes
from tests.http.parties import LINE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NORTH, SOUTH = EXAMPLES / "north.geojson", EXAMPLES / "south.geojson"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with running_nodes(tmp_path_factory.mktemp("nodes"), "north", "south") as running:
        yield running


def feature(**changes: Any) -> dict[str, Any]:
    """Return a circle of its own; `lng` moves it away from the others."""
    lng = changes.pop("lng", 20.0)
    properties = {
        "name": "Loop",
        "radius_m": 1_000,
        "lower": 500,
        "upper": 900,
        "start": "2030-01-01T10:00:00Z",
        "end": "2030-01-01T11:00:00Z",
        **changes,
    }
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lng, 10.0]}, "properties": properties}


def file_of(directory: Path, *features: dict[str, Any], name: str = "in.geojson") -> Path:
    path = directory / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def declared(clearline: CommandLine, nodes: Nodes, party: str, file: Path) -> list[dict[str, Any]]:
    ran = clearline("declare", file, "--json", *nodes.at(party))
    assert ran.code in {0, 1}, ran.err
    return [notice for each in json.loads(ran.out)["declared"] for notice in each["notices"]]


def heard(nodes: Nodes, party: str, notice: dict[str, Any]) -> None:
    """Wait until a party holds another's notice."""
    key = (notice["owner"], notice["notice_id"])

    def holds(state: NodeState) -> bool:
        return key in state.line(LINE).notices

    nodes.wait(nodes.desk(party).until(holds))


def test_a_conflict_from_declaration_to_proof(clearline: CommandLine, nodes: Nodes, tmp_path: Path) -> None:
    """Issue 2: declare, learn of the conflict, read back, resolve by both, export, and verify together."""
    north, south = nodes.at("north"), nodes.at("south")
    first = clearline("declare", NORTH, *north)
    assert first.code == 0, first
    assert "3 declared, 3 cleared, 0 open findings." in first.out
    assert "Survey box" in first.out

    second = clearline("declare", SOUTH, *south)
    assert second.code == 1
    assert "3 declared, 2 cleared, 1 open finding." in second.out
    assert "CONFLICT" in second.out
    assert "2026-11-22 14:20:00Z to 14:45:00Z" in second.out
    again = clearline("declare", SOUTH, *south)
    assert (again.code, "3 declared" in again.out) == (1, True)

    found = json.loads(clearline("findings", "--json", "--state", "OPEN", *north).out)["findings"]
    (finding,) = [each for each in found if each["band_text"].startswith("900 m W84")]
    survey, transfer = finding["reference_a"], finding["reference_b"]
    listed = clearline("findings", *north)
    assert finding["finding_id"][:8].upper() in listed.out
    assert "1 open" in listed.out
    notices = clearline("notices", *north)
    assert (notices.code, f"{survey}" in notices.out, "north (own)" in notices.out) == (0, True, True)

    shown = clearline("show", survey.lower(), *south)
    assert "status        RECEIVED" in shown.out
    assert "to read back  south      47.2" in shown.out
    of_finding = clearline("show", f"{transfer}/{survey}", *south)
    assert "open until    north and south signed" in of_finding.out

    signed = clearline("resolve", f"{survey}/{transfer}", "--code", "TIME_SEQUENCE", "--first-party", "north", *north)
    assert (signed.code, "is open until south has signed the same" in signed.out) == (0, True), signed
    nodes.wait(
        nodes.desk("south").until(lambda state: any(one.resolutions for one in state.line(LINE).findings.values()))
    )
    both = clearline("resolve", finding["finding_id"][:8].upper(), "--same", *south)
    assert (both.code, "is resolved: south and north have signed the same" in both.out) == (0, True), both
    for party, notice in (("north", finding["key"]["notice_a"]), ("south", finding["key"]["notice_b"])):
        nodes.wait(nodes.desk(party).until_status(notice, NoticeStatus.CLEARED))

    bundles = [tmp_path / "north.clearline", tmp_path / "south.clearline"]
    for party, bundle in zip(("north", "south"), bundles, strict=True):
        exported = clearline("export", "-o", bundle, *nodes.at(party))
        assert (exported.code, f"log of {party}" in exported.out) == (0, True), exported
    assert set(tmp_path.iterdir()) == set(bundles), "nothing is left beside them"
    refused = clearline("export", "-o", bundles[0], *north)
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert clearline("export", "-o", bundles[0], "--force", "--json", *north).code == 0
    verified = clearline("verify", *bundles)
    assert (verified.code, "agree" in verified.out) == (0, True), verified


def test_a_read_back_names_the_wrong_field(clearline: CommandLine, nodes: Nodes, tmp_path: Path) -> None:
    """R5: a field that differs is named, exit code 1; asked for or given on the command line; then noted."""
    (notice,) = declared(clearline, nodes, "north", file_of(tmp_path, feature(lng=30.0)))
    heard(nodes, "south", notice)
    south, reference = nodes.at("south"), notice["reference"]
    early = clearline("noted", reference, *south)
    assert (early.code, "STATE_FORBIDS" in early.err) == (2, True)

    fields = {name: str(value) for name, value in notice["read_back_fields"].items()}
    wrong = [f"{name}={value}" for name, value in {**fields, "upper": "1900 m W84"}.items()]
    ran = clearline("read-back", reference, "--confirm-fields", *wrong, *south)
    assert ran.code == 1
    assert "WRONG upper: read back 1900 m W84, the notice has 900 m W84" in ran.out

    some = [f"{name}={fields[name]}" for name in ("south", "west", "north", "lower")]
    missing = clearline("read-back", reference, "--confirm-fields", *some, *south)
    assert (missing.code, "east: MALFORMED" in missing.err) == (2, True)
    typed = f"east?\n{fields['east']}E\n{fields['upper']}\n{fields['from_time']}\n{fields['until_time']}\n"
    right = clearline("read-back", reference, *some, *south, typed=typed)
    assert (right.code, f"Right: {reference} version 1" in right.out) == (0, True), right
    assert "degrees, such as" in right.err

    assert "Noted: north" in clearline("noted", reference, *south).out
    assert "read back, noted" in clearline("show", reference, *south).out
    own = clearline("read-back", reference, *nodes.at("north"))
    assert (own.code, "NOT_OWNER" in own.err) == (2, True)
    odd = clearline("read-back", reference, "height=3", *south)
    assert (odd.code, "UNKNOWN_FIELD" in odd.err) == (2, True)


def test_the_life_of_a_notice(clearline: CommandLine, nodes: Nodes, tmp_path: Path) -> None:
    """Activate, amend, release a part and the rest, cancel: each once, however often it is said."""
    north = nodes.at("north")
    two = file_of(tmp_path, feature(lng=40.0, notice="pair"), feature(lng=41.0, notice="pair"), name="two.geojson")
    (notice,) = declared(clearline, nodes, "north", two)
    reference = notice["reference"]
    for _ in range(2):
        activated = json.loads(clearline("activate", reference, "--json", *north).out)["notices"]
        assert [(each["state"], each["version"]) for each in activated] == [("Activated", 2)]
    moved = file_of(tmp_path, feature(lng=42.0, notice="pair"), feature(lng=43.0, notice="pair"), name="moved.geojson")
    for _ in range(2):
        amended = json.loads(clearline("amend", reference, moved, "--json", *north).out)["notices"]
        assert [each["version"] for each in amended] == [3]
    part = clearline("release", reference, "--volume", 1, "--json", *north)
    assert len(json.loads(part.out)["notices"][0]["volumes"]) == 1, part
    for _ in range(2):
        released = clearline("release", reference, *north)
        assert (released.code, "ENDED" in released.out) == (0, True)
    over = clearline("amend", reference, moved, *north)
    assert (over.code, "NOTICE_ENDED" in over.err) == (2, True)
    ended = clearline("declare", two, *north)
    assert (ended.code, "ENDED" in ended.out) == (1, True), ended

    (other,) = declared(clearline, nodes, "north", file_of(tmp_path, feature(lng=44.0)))
    cancelled = clearline("cancel", other["notice_id"], "--reason", "weather", *north)
    assert (cancelled.code, "Ended v2" in cancelled.out) == (0, True)
    hidden = clearline("notices", "--owner", "north", *north).out
    assert other["reference"] not in hidden
    assert other["reference"] in clearline("notices", "--all", *north).out
    theirs = clearline("cancel", reference, *nodes.at("south"))
    assert (theirs.code, "NOT_OWNER" in theirs.err) == (2, True)


def test_what_cannot_be_declared_is_named_and_the_rest_is_declared(
    clearline: CommandLine, nodes: Nodes, tmp_path: Path
) -> None:
    north = nodes.at("north")
    bad = feature(lng=50.5, name="Inverted\x1b[31m", lower=900, upper=500)
    mixed = file_of(tmp_path, feature(lng=50.0), bad, feature(lng=51.0, name="Third"))
    ran = clearline("declare", mixed, tmp_path / "absent.json", "--class", "unmanned", "--priority", 7, *north)
    assert ran.code == 2
    assert "2 declared, 2 cleared, 0 open findings, 2 refused (see stderr)." in ran.out
    assert "in.geojson features[1] (Inverted" in ran.err
    assert "ALTITUDE_ORDER" in ran.err
    assert "absent.json: UNREADABLE_FILE" in ran.err
    assert "\x1b" not in ran.err + ran.out
    told = json.loads(clearline("declare", mixed, "--json", *north).out)
    codes = [each["code"] for each in told["refused"]]
    assert codes == ["ALTITUDE_ORDER", "NOTICE_EXISTS", "NOTICE_EXISTS"], "the same ids with another class"


def test_an_ambiguous_reference_is_refused_with_its_candidates(
    clearline: CommandLine, nodes: Nodes, tmp_path: Path
) -> None:
    ids = [f"abcd1234-0000-4000-8000-00000000000{number}" for number in range(2)]
    features = [feature(lng=60.0 + place, name=notice_id) for place, notice_id in enumerate(ids)]
    notices = declared(clearline, nodes, "north", file_of(tmp_path, *features))
    assert [notice["notice_id"] for notice in notices] == ids
    ran = clearline("show", "ABCD1234", *nodes.at("north"))
    assert ran.code == 2
    assert "which fits 2" in ran.err
    assert all(notice_id in ran.err for notice_id in ids)
    assert clearline("show", ids[1], *nodes.at("north")).code == 0
    clearline("cancel", ids[0], *nodes.at("north"))
    assert ids[1] in clearline("show", "abcd1234", *nodes.at("north")).out, "an ended one no longer counts"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "zz"), "OUT_OF_RANGE"),
        (("show", "0123"), "FINDING_UNKNOWN"),
        (("show", "00000000-0000-4000-8000-000000000000"), "FINDING_UNKNOWN"),
        (("noted", "0123"), "NOTICE_UNKNOWN"),
        (("resolve", "0123", "--same"), "FINDING_UNKNOWN"),
        (("notices", "--line", "nowhere"), "LINE_UNKNOWN"),
    ],
)
def test_what_the_node_does_not_hold_is_2(
    clearline: CommandLine, nodes: Nodes, arguments: tuple[str, ...], code: str
) -> None:
    ran = clearline(*arguments, *nodes.at("north"))
    assert (ran.code, code in ran.err, "next:" in ran.err) == (2, True, True), ran


def test_terms_are_given_or_taken_over_never_both(clearline: CommandLine, nodes: Nodes) -> None:
    north = nodes.at("north")
    assert clearline("resolve", "0123", *north).code == 2
    assert clearline("resolve", "0123", "--same", "--code", "LATERAL_SPLIT", *north).code == 2
    assert clearline("resolve", "0123", "--same", "--level", "FL100", *north).code == 2


def test_the_log_is_printed_and_followed(clearline: CommandLine, nodes: Nodes) -> None:
    north = nodes.at("north")
    size = json.loads(clearline("status", "--json", *north).out)["log_size"]
    printed = clearline("log", "--from", 0, *north).out.splitlines()
    assert len(printed) >= size
    assert "LINE_ADOPTED" in printed[0]
    assert clearline("log", "--last", 3, *north).out.splitlines()[-1] == clearline("log", "--last", 1, *north).out[:-1]
    followed = clearline("log", "--follow", "--from", 0, "--count", size, "--json", *north)
    assert [json.loads(line)["log_index"] for line in followed.out.splitlines()] == list(range(size))
    beyond = clearline("log", "--follow", "--from", size + 1_000, *north)
    assert (beyond.code, "OUT_OF_RANGE" in beyond.err) == (2, True)


def test_who_asks_and_where(clearline: CommandLine, nodes: Nodes, tmp_path: Path) -> None:
    """Exit code 6: the token; 5: the node; options come before the directory, the directory before the environment."""
    desk = nodes.desk("north")
    assert clearline("status", "--node", desk.url, "--token", "clearline-wrong").code == 6
    bare = clearline("status", "--node", desk.url)
    assert (bare.code, "CLEARLINE_TOKEN" in bare.err) == (6, True)
    observer = clearline("declare", file_of(tmp_path, feature(lng=70.0)), *nodes.at("north", "OBSERVER"))
    assert (observer.code, "ROLE_FORBIDS" in observer.err) == (6, True)
    away = clearline("status", "--node", "http://127.0.0.1:9", "--token", "x")
    assert (away.code, "cannot be reached" in away.err, "next:" in away.err) == (5, True, True)
    assert clearline("status", "--token", "x").code == 2
    assert clearline("status", "--node", "ftp://127.0.0.1", "--token", "x").code == 2
    assert clearline("status", "--node", desk.url, "--token", "caf\u00e9").code == 6

    token = desk.directory / "token"
    token.write_text(desk.tokens["WATCH"] + "\n", encoding="utf-8")
    token.chmod(0o644)
    open_file = clearline("status", "--dir", desk.directory)
    assert (open_file.code, "chmod 600" in open_file.err) == (2, True)
    token.chmod(0o600)
    ran = clearline("status", "--dir", desk.directory)
    assert (ran.code, "north (own)" in ran.out) == (0, True), ran
    assert clearline("status", "--dir", tmp_path).code == 2
    (tmp_path / "node.toml").write_text("[node]\nlisten = 5\n", encoding="utf-8")
    assert clearline("status", "--dir", tmp_path).code == 2


def test_without_the_other_party_nothing_is_cleared(clearline: CommandLine, tmp_path: Path) -> None:
    """R12: declared, and shown as unconfirmed; the status says who is not heard."""
    with running_nodes(tmp_path / "nodes", "north", peer_absent="south") as nodes:
        ran = clearline("declare", file_of(tmp_path, feature()), "--wait", 0.3, *nodes.at("north"))
        assert (ran.code, "UNCONFIRMED" in ran.out, "no receipt of south" in ran.out) == (1, True, True), ran
        status = clearline("status", *nodes.at("north"))
        assert (status.code, "UNKNOWN" in status.out) == (1, True), status
    gone = clearline("status", *nodes.at("north"))
    assert gone.code == 5


def test_an_amendment_that_cannot_be_made_is_named(clearline: CommandLine, nodes: Nodes, tmp_path: Path) -> None:
    """Which feature is meant must be clear; a bad one is named with file, feature and field."""
    north = nodes.at("north")
    (notice,) = declared(clearline, nodes, "north", file_of(tmp_path, feature(lng=80.0)))
    several = file_of(tmp_path, feature(lng=81.0, name="One"), feature(lng=82.0, name="Two"), name="several.geojson")
    unclear = clearline("amend", notice["reference"], several, *north)
    assert (unclear.code, "exactly one of One, Two" in unclear.err) == (2, True)
    assert clearline("amend", notice["reference"], several, "--feature", "Three", *north).code == 2
    bad = file_of(tmp_path, feature(lower=900, upper=500), name="bad.geojson")
    refused = clearline("amend", notice["reference"], bad, *north)
    assert (refused.code, "bad.geojson features[0]" in refused.err) == (2, True)
    ring = [[83.0, 10.0], [83.1, 10.1], [83.1, 10.0], [83.0, 10.1], [83.0, 10.0]]
    crossing = feature(lng=83.0, priority=9, aircraft_class="UNMANNED")
    crossing["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    crossed = clearline("amend", notice["reference"], file_of(tmp_path, crossing, name="x.geojson"), *north)
    assert (crossed.code, "x.geojson features[0] (Loop): geometry.coordinates[0]" in crossed.err) == (2, True), crossed
    chosen = clearline("amend", notice["reference"], several, "--feature", "Two", *north)
    assert (chosen.code, "v2" in chosen.out) == (0, True), chosen
