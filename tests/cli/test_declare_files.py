"""What `clearline declare` and `amend` make of files that hold more than notices, or more than a notice may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clearline.model import limits
from tests.cli.command_line import CommandLine, Nodes, running_nodes
from tests.cli.made_files import RANGE, TRACK, circle, said, written


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with running_nodes(tmp_path_factory.mktemp("nodes"), "north", "south") as running:
        yield running


def plan(count: int, *, lng: float = 20.0) -> dict[str, Any]:
    """Return a polygon of `count` vertices."""
    feature = circle("Comb", start="2030-01-01T10:00:00Z", end="2030-01-01T11:00:00Z")
    teeth = [[lng + 0.0001 * k, 10.0 + 0.01 * (k % 2)] for k in range(count - 2)]
    ring = [*teeth, [lng + 0.0001 * count, 9.9], [lng - 0.0001, 9.9], teeth[0]]
    return feature | {"geometry": {"type": "Polygon", "coordinates": [ring]}}


def own(clearline: CommandLine, nodes: Nodes) -> list[dict[str, Any]]:
    notices: list[dict[str, Any]] = json.loads(clearline("notices", "--json", *nodes.at("north")).out)["notices"]
    return notices


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [(RANGE, "other.txt line 1 (Range)", "a zone"), (TRACK, "T-1", "a trajectory")],
    ids=["zone", "trajectory"],
)
def test_what_is_no_notice_is_refused_and_nothing_is_declared(
    clearline: CommandLine, nodes: Nodes, tmp_path: Path, text: str, place: str, found: str
) -> None:
    north = nodes.at("north")
    before = own(clearline, nodes)
    file = said(tmp_path / "other.txt", text)
    ran = clearline("declare", file, *north)
    assert ran.code == 2
    assert "0 declared, 0 cleared, 0 open findings, 1 refused (see stderr)." in ran.out
    assert "SHAPE_MISSING" in ran.err
    assert place in ran.err
    assert found in ran.err
    assert "a notice: volumes" in ran.err
    (refused,) = json.loads(clearline("declare", file, "--json", *north).out)["refused"]
    assert (refused["code"], refused["found"]) == ("SHAPE_MISSING", found)
    assert own(clearline, nodes) == before


def test_an_amendment_to_a_zone_or_a_trajectory_is_refused(
    clearline: CommandLine, nodes: Nodes, tmp_path: Path
) -> None:
    north = nodes.at("north")
    file = written(tmp_path / "a.geojson", circle("A", start="2030-01-01T10:00:00Z", end="2030-01-01T11:00:00Z"))
    (declared,) = json.loads(clearline("declare", file, "--json", *north).out)["declared"]
    (notice,) = declared["notices"]
    for text, found in ((RANGE, "a zone"), (TRACK, "a trajectory")):
        ran = clearline("amend", notice["reference"], said(tmp_path / "other.txt", text), *north)
        assert (ran.code, "SHAPE_MISSING" in ran.err, found in ran.err) == (2, True, True), ran
    large = clearline("amend", notice["reference"], written(tmp_path / "b.geojson", plan(501)), *north)
    assert (large.code, "OVER_LIMIT" in large.err) == (2, True), large
    assert [each["version"] for each in own(clearline, nodes) if each["notice_id"] == notice["notice_id"]] == [1]


def test_an_outline_that_can_be_checked_is_too_large_to_be_declared(
    clearline: CommandLine, nodes: Nodes, tmp_path: Path
) -> None:
    """A file may hold what authorities publish; on a line a volume has at most 500 vertices."""
    file = written(tmp_path / "a.geojson", plan(limits.OUTLINE_VERTICES_MAX), plan(limits.VERTICES_MAX, lng=30.0))
    checked = json.loads(clearline("check", "--json", file).out)
    assert (checked["notices"], checked["refused"]) == (2, [])
    ran = clearline("declare", file, *nodes.at("north"))
    assert ran.code == 2
    assert "1 declared, 1 cleared" in ran.out
    assert "a.geojson features[0] (Comb): geometry.coordinates[0]" in ran.err
    assert "OVER_LIMIT" in ran.err
    assert "at most 500 in a volume of a notice" in ran.err
