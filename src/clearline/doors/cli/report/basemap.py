"""Land, lakes and borders under the map: Natural Earth as the watch desk has it, cut and thinned to what is shown.

Rules
 * What lies outside the page and its surroundings is left out; what is smaller than the eye sees is thinned.
 * Nothing is computed from it. Borders are drawn as Natural Earth has them and state nothing about any claim.

Source: src/clearline/doors/console/static/basemap (public domain; NOTICE).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np

from clearline.doors.cli.report.paths import line_data
from clearline.doors.cli.report.projection import Floats, Projection, lat_lng_vectors
from clearline.doors.console import CONSOLE_ROOT

__all__ = ["Base", "Label", "base_of"]

AROUND: Final = 1.0
"""How far beyond the page, in pages, one can still pan."""
THINNED_POINTS: Final = 0.25
"""Points of the page that a coast may be off: nothing to see until one zooms in four times."""
PIECE_DEGREES: Final = 3.0
LABELS_MAX: Final = 14


class Label(NamedTuple):
    """A name on the map, in steps."""

    x: int
    y: int
    name: str
    kind: str


class Base(NamedTuple):
    """Path data of each layer."""

    land: str
    lakes: str
    borders: str
    labels: list[Label]


def base_of(projection: Projection, *, width: int, height: int) -> Base:
    """Return what lies under a map of so many points."""
    page = np.array([width, height]) * projection.steps
    low, high = -AROUND * page, (1.0 + AROUND) * page
    borders = [
        line_data(line, closed=False) for line in _lines("borders", projection, low, high) if _seen(line, low, high)
    ]
    return Base(
        land=_areas("land", projection, low, high),
        lakes=_areas("lakes", projection, low, high),
        borders="".join(borders),
        labels=_labels(projection, page),
    )


def _layer(name: str) -> list[list[list[tuple[float, float]]]]:
    source = (CONSOLE_ROOT / "basemap" / f"{name}.json").read_bytes()
    plain = msgspec.json.decode(source)["geometry"]
    coordinates: list[list[list[tuple[float, float]]]] = plain["coordinates"]
    return coordinates if plain["type"] == "MultiPolygon" else [coordinates]  # type: ignore[list-item]


def _lines(name: str, projection: Projection, low: Floats, high: Floats) -> Iterator[Floats]:
    """Yield each ring or line of a layer on the page, thinned."""
    rings = [np.array(ring) for part in _layer(name) for ring in part]
    bounds = np.cumsum([0, *map(len, rings)])
    places = projection.steps_of(_vectors(np.concatenate(rings)))
    for ring, first, last in zip(rings, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        flat = places[first:last]
        if np.abs(np.diff(ring, axis=0)).max(initial=0.0) > PIECE_DEGREES:
            flat = projection.steps_of(_vectors(_with_pieces(ring)))
        if _seen(flat, low, high):
            yield _thinned(flat, THINNED_POINTS * projection.steps)


def _vectors(lng_lat: Floats) -> Floats:
    return lat_lng_vectors(lng_lat[:, ::-1])


def _with_pieces(ring: Floats) -> Floats:
    """Return a ring with its long edges cut: those along the antimeridian and around the south pole."""
    out = []
    for start, end in itertools.pairwise(ring):
        count = max(1, int(np.ceil(np.abs(end - start).max() / PIECE_DEGREES)))
        out.append(start + (end - start) * (np.arange(count) / count)[:, None])
    found: Floats = np.concatenate([*out, ring[-1:]])
    return found


def _seen(places: Floats, low: Floats, high: Floats) -> bool:
    return bool((places.max(axis=0) >= low).all() and (places.min(axis=0) <= high).all())


def _thinned(places: Floats, least: float) -> Floats:
    kept = [0]
    x, y = places[0]
    for index, (px, py) in enumerate(places.tolist()):
        if abs(px - x) >= least or abs(py - y) >= least:
            kept.append(index)
            x, y = px, py
    if kept[-1] != len(places) - 1:
        kept.append(len(places) - 1)
    return places[kept]


def _areas(name: str, projection: Projection, low: Floats, high: Floats) -> str:
    """Return the path of a layer of areas, to be filled by the even-odd rule."""
    out = []
    for ring in _lines(name, projection, low, high):
        cut = _cut(ring, low, high)
        if len(cut) > 2:
            out.append(line_data(cut, closed=True))
    # An area around the antipode of the middle lies outside of its outline on the page: filled the other way round.
    antipode = -projection.middle
    if _holds(name, antipode):
        corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        out.append(line_data(np.rint(corners), closed=True))
    return "".join(out)


def _holds(name: str, vector: Floats) -> bool:
    """Return whether a place lies in a layer: how often a line north from it crosses outlines."""
    lat = float(np.degrees(np.arcsin(np.clip(vector[2], -1.0, 1.0))))
    lng = float(np.degrees(np.arctan2(vector[1], vector[0])))
    crossings = 0
    for part in _layer(name):
        for points in part:
            ring = np.array(points)
            x, y = ring[:, 0], ring[:, 1]
            if not x.min() <= lng <= x.max() or y.max() < lat:
                continue
            x2, y2 = np.roll(x, -1), np.roll(y, -1)
            across = (x > lng) != (x2 > lng)
            with np.errstate(divide="ignore", invalid="ignore"):
                height = y + (lng - x) * (y2 - y) / (x2 - x)
            crossings += int((across & (height > lat)).sum())
    return crossings % 2 == 1


def _cut(ring: Floats, low: Floats, high: Floats) -> Floats:
    """Return the part of a ring within a box (Sutherland and Hodgman)."""
    places: Floats = ring
    for axis in (0, 1):
        for side, limit in ((1.0, low[axis]), (-1.0, -high[axis])):
            if not len(places):
                return places
            inside = places[:, axis] * side >= limit
            if inside.all():
                continue
            places = _cut_side(places, inside, axis, limit * side)
    found: Floats = np.rint(places)
    return found


def _cut_side(places: Floats, inside: Floats, axis: int, limit: float) -> Floats:
    out: list[Floats] = []
    before, was_in = places[-1], bool(inside[-1])
    for place, is_in in zip(places, inside.tolist(), strict=True):
        if is_in != was_in:
            part = (limit - before[axis]) / (place[axis] - before[axis])
            out.append(before + part * (place - before))
        if is_in:
            out.append(place)
        before, was_in = place, is_in
    return np.array(out).reshape(-1, 2)


def _labels(projection: Projection, page: Floats) -> list[Label]:
    source = (CONSOLE_ROOT / "basemap" / "places.json").read_bytes()
    features = msgspec.json.decode(source)["features"]
    features.sort(key=lambda feature: feature["properties"]["rank"])
    lng_lat = np.array([feature["geometry"]["coordinates"] for feature in features])
    vectors = _vectors(lng_lat)
    near = vectors @ projection.middle > 0.0
    out: list[Label] = []
    for feature, place, is_near in zip(features, projection.steps_of(vectors), near.tolist(), strict=True):
        if is_near and (place > 0.02 * page).all() and (place < 0.95 * page).all():
            said = feature["properties"]
            out.append(Label(int(place[0]), int(place[1]), said["name"], said["kind"]))
    return out[:LABELS_MAX]
