"""The page of `clearline check --html`, without a browser: what it holds and bounds, and that no file can break it."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from pathlib import Path

import numpy as np
import pytest

from clearline.doors.cli.report import map_svg, page
from clearline.doors.cli.report.basemap import base_of
from clearline.doors.cli.report.markup import element, named, text
from clearline.doors.cli.report.projection import Floats, Projection, lat_lng_vectors
from clearline.sky import warm_up
from tests.cli.command_line import CommandLine
from tests.cli.made_files import EXAMPLES, RANGE, TRACK, circle, said, written

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\u202eltr\u202c \u2066x\u2069",
    '" onclick="alert(1)',
    "]]>--><!--",
    "&lt;b&gt;&amp;",
    "\x00\x1b[31m",
    "حريق الغابة",
    "x" * 100_000,
)


class Structure(html.parser.HTMLParser):
    """Counts elements and keeps all text, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(autouse=True)
def _kernels() -> None:
    warm_up()  # compiling is said on stderr


def report(clearline: CommandLine, out: Path, *arguments: object) -> str:
    run = clearline("check", *arguments, "--html", out)
    assert run.code in {0, 1, 2}
    return out.read_text(encoding="utf-8")


def structure(source: str) -> Structure:
    seen = Structure()
    seen.feed(source)
    return seen


# --- what it holds


def test_the_page_says_what_the_tables_say(clearline: CommandLine, tmp_path: Path) -> None:
    names = ("north.geojson", "south.geojson", "tracks.csv", "valley_zones.txt")
    bad = written(tmp_path / "bad.geojson", circle("Bad", lower="300 ft"))
    source = report(clearline, tmp_path / "r.html", *(EXAMPLES / name for name in names), bad)
    words = " ".join(" ".join(structure(source).text).split())
    for wanted in (
        "4 conflicts ; 1 brief; 4 advisory; 1 refused. 5 files, 6 notices, 1 trajectory, 2 zones compared.",
        "threes v1: closer than 5,556 m (3 NM) and 914 m (3,000 ft), for more than 3 min",
        "Medical transfer",
        "Valley range [restricted zone]",
        "14:20:00 – 14:45:00Z",
        "3500 ft AMSL to FL065",
        "OUT_OF_RANGE",
        "bad.geojson:1",
        "features[0] (Bad)",
        "Made 20",
    ):
        assert wanted in words
    assert source.count('class="strip"') == 9
    assert source.count('class="place ') == 9 + 2  # and two in the legend


def test_it_needs_nothing_else_and_allows_nothing_else(clearline: CommandLine, tmp_path: Path) -> None:
    source = report(clearline, tmp_path / "r.html", EXAMPLES / "north.geojson", EXAMPLES / "south.geojson")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', source)
    assert "unsafe" not in policy
    assert policy.startswith("default-src &#x27;none&#x27;; ")
    for name in ("style", "script"):
        (body,) = re.findall(rf"<{name}>(.*?)</{name}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{name}-src &#x27;sha256-{digest}&#x27;" in policy
    assert not re.findall(r"https?://", source)
    seen = structure(source)
    assert not seen.elements.keys() & {"link", "img", "iframe", "object", "embed", "form", "base"}
    assert not {name for name in seen.attributes if name.startswith("on") or name in {"style", "src", "href"}}


def test_clear_and_empty_have_a_page_too(clearline: CommandLine, tmp_path: Path) -> None:
    source = report(clearline, tmp_path / "r.html", written(tmp_path / "a.geojson", circle("A")))
    assert "0 conflicts" in source
    assert "None." in source
    source = report(clearline, tmp_path / "r.html", written(tmp_path / "b.geojson"))
    assert "nothing compared" in source
    source = report(clearline, tmp_path / "r.html", said(tmp_path / "z.txt", RANGE))
    assert 'class="record zone restricted"' in source


def test_rules_of_classes_and_zones_are_shown(clearline: CommandLine, tmp_path: Path) -> None:
    rules = {
        "rule_id": "own",
        "version": 3,
        "separation_lateral_m": 100.0,
        "separation_vertical_m": 50.0,
        "separation_time_ms": 60_000,
        "closer_ms_max": None,
        "by_class": [{"classes": ["MANNED", "UNMANNED"], "separation_lateral_m": 900.0, "separation_vertical_m": 0.0}],
        "by_zone": [{"kind": "KEEP_CLEAR", "separation_lateral_m": 700.0, "separation_vertical_m": 0.0}],
    }
    own = said(tmp_path / "own.json", json.dumps(rules))
    source = report(clearline, tmp_path / "r.html", written(tmp_path / "a.geojson", circle("A")), "--rules", own)
    for wanted in ("own v3", "within 1 min", "MANNED with UNMANNED", "KEEP_CLEAR", "900 m", "700 m", "at once"):
        assert wanted in source


# --- what it bounds


def test_lists_and_outlines_are_bounded_and_the_rest_is_told(
    clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "CONFLICTS_MAX", 3)
    monkeypatch.setattr(page, "REFUSED_MAX", 2)
    monkeypatch.setattr(map_svg, "ITEMS_MAX", 4)
    bad = [circle("Bad", lower="300 ft") for _ in range(5)]
    features = [circle(f"n{number}", lng=8.0 + 0.001 * number) for number in range(10)]
    source = report(clearline, tmp_path / "r.html", written(tmp_path / "a.geojson", *features, *bad))
    words = " ".join(structure(source).text)
    assert source.count('class="finding"') == 3
    assert "The first 3 by time are listed; 42 more are not." in words
    assert "6 more records are not drawn." in words
    assert "3 more are not listed; --json has them." in words


def test_corners_are_bounded(clearline: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_svg, "CORNERS_MAX", 129)
    tracks = said(tmp_path / "t.csv", TRACK)
    source = report(clearline, tmp_path / "r.html", written(tmp_path / "a.geojson", circle("A"), circle("B")), tracks)
    assert "1 more record is not drawn." in source


# --- what no file can do


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_file_becomes_markup(clearline: CommandLine, tmp_path: Path, name: str) -> None:
    def page_of(title: str, file: str) -> Structure:
        made = written(tmp_path / file, circle(title), circle(title), circle(title, lower=title))
        other = said(tmp_path / f"x{file}", title)
        return structure(report(clearline, tmp_path / "r.html", made, other))

    plain, hostile = page_of("A", "a.geojson"), page_of(name, "b&<'>.geojson")
    assert hostile.elements == plain.elements
    assert hostile.attributes == plain.attributes
    told = "".join(hostile.text)
    assert set("\x00\x1b\u202e\u2066").isdisjoint(told)
    assert len(told) < len("".join(plain.text)) + 5_000


def test_text_is_escaped_bounded_and_isolated() -> None:
    assert text('<a b="c">') == "&lt;a b=&quot;c&quot;&gt;"
    assert text("a\nb\u202e") == "a\\nb\\u202e"
    assert len(text("x" * 1000)) == 300
    assert named("x") == '<bdi dir="auto">x</bdi>'
    assert element("a", text("<"), class_='"', data_x=None) == '<a class="&quot;">&lt;</a>'


# --- the map


def shown_around(*lat_lng: tuple[float, float]) -> tuple[Projection, Floats]:
    vectors = lat_lng_vectors(np.array(lat_lng))
    projection = Projection(vectors, width=1000, height=640, margin=0.07, least_m=8_000.0)
    return projection, projection.steps_of(vectors) / projection.steps


@pytest.mark.parametrize(
    "places",
    [
        [(47.0, 8.0), (47.5, 9.0)],
        [(10.0, 179.9), (10.2, -179.8)],
        [(89.9, 0.0), (89.9, 120.0), (89.9, -120.0)],
        [(-89.0, 10.0), (-88.0, 100.0)],
        [(0.0, 0.0), (50.0, 120.0), (-50.0, -100.0)],
        [(60.0, -150.0), (-60.0, 30.0)],
        [(5.0, 5.0)],
    ],
    ids=["alps", "antimeridian", "north pole", "south pole", "world", "antipodes", "one place"],
)
def test_everything_is_on_the_page_wherever_on_earth_it_is(places: list[tuple[float, float]]) -> None:
    projection, drawn = shown_around(*places)
    assert np.isfinite(drawn).all()
    assert (drawn >= -1.0).all()
    assert (drawn <= np.array([1001.0, 641.0])).all()
    base = base_of(projection, width=1000, height=640)
    assert "nan" not in base.land + base.lakes + base.borders
    assert len(base.land) < 1_500_000


def test_distances_on_a_small_map_are_true() -> None:
    """One degree of latitude is 111.2 km on the sphere; the map of 200 km is off by less than a thousandth."""
    projection, drawn = shown_around((47.0, 8.0), (48.0, 8.0), (47.0, 10.0))
    length_m = float(np.hypot(*(drawn[1] - drawn[0]))) * projection.point_m
    assert length_m == pytest.approx(111_195, rel=1e-3)
    assert projection.length(1000.0, projection.middle) / projection.steps * projection.point_m == pytest.approx(1000.0)


def test_north_is_up_and_east_is_right() -> None:
    _, drawn = shown_around((47.0, 8.0), (48.0, 8.0), (47.0, 10.0))
    assert drawn[1][1] < drawn[0][1]
    assert drawn[2][0] > drawn[0][0]


@pytest.mark.parametrize(
    ("place", "is_land"),
    [((47.0, 8.0), True), ((45.0, 10.0), True), ((-89.0, 10.0), True), ((40.0, -40.0), False), ((0.0, 170.0), False)],
    ids=["Alps", "Po", "Antarctica", "Atlantic", "Pacific"],
)
def test_land_is_land_where_no_coast_is_in_sight(place: tuple[float, float], is_land: bool) -> None:
    """The even-odd rule at the middle of the page, counted along a line to its right."""
    projection, _ = shown_around(place)
    land = base_of(projection, width=1000, height=640).land
    middle = projection.steps_of(lat_lng_vectors(np.array([place])))[0]
    crossings = 0
    for start, moves in re.findall(r"M(-?\d+ ?-?\d+)l([-\d ]+)z", land):
        steps = np.array([int(number) for number in re.findall(r"-?\d+", moves)]).reshape(-1, 2)
        ring = np.concatenate([[[int(number) for number in re.findall(r"-?\d+", start)]], steps]).cumsum(axis=0)
        ends = np.roll(ring, -1, axis=0)
        across = (ring[:, 1] > middle[1]) != (ends[:, 1] > middle[1])
        rise = np.where(ends[:, 1] == ring[:, 1], 1, ends[:, 1] - ring[:, 1])
        x = ring[:, 0] + (middle[1] - ring[:, 1]) * (ends[:, 0] - ring[:, 0]) / rise
        crossings += int((across & (x > middle[0])).sum())
    assert crossings % 2 == is_land
