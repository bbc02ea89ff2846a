"""What a record looks like from above: pieces to draw.

Rules
 * Edges are great circles, cut into pieces of at most `PIECE_DEGREES_MAX` so that they bend as they should.
 * A corridor or a trajectory is its line with a width: the pen draws the round ends.
 * For the eye only: nothing is decided from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from clearline.doors.cli.check_items import Item
from clearline.doors.cli.report.projection import EARTH_RADIUS_M, Floats, vectors_of
from clearline.model.volume import LatLngPoint, Volume3D

__all__ = ["Piece", "area_piece", "pieces_of"]

PIECE_DEGREES_MAX: Final = 1.0
CIRCLE_CORNERS: Final = 64
TRAJECTORY_POINTS_MAX: Final = 1_500
"""Of one trajectory; of a longer one every second, third, … point is drawn."""


class Piece(NamedTuple):
    """One shape: a closed ring, or a line with a half width (0 for a line alone)."""

    vectors: Floats
    closed: bool
    half_width_m: float


def pieces_of(item: Item) -> Iterator[Piece]:
    """Yield the shapes of one record."""
    record = item.record
    if record.trajectory is not None:
        points = record.trajectory.points
        every = max(1, len(points) // TRAJECTORY_POINTS_MAX)
        kept = [point.place for point in (*points[:-1:every], points[-1])]
        yield Piece(
            _bent(vectors_of(kept), closed=False), closed=False, half_width_m=record.trajectory.buffer_lateral_m
        )
        return
    volumes = [each.volume for each in record.volumes] if record.zone is None else record.zone.volumes
    for volume in volumes:
        yield _piece(volume)


def _piece(volume: Volume3D) -> Piece:
    if volume.outline_circle is not None:
        circle = volume.outline_circle
        return Piece(_ring_around(vectors_of([circle.center])[0], circle.radius.value), closed=True, half_width_m=0.0)
    if volume.outline_corridor is not None:
        corridor = volume.outline_corridor
        line = _bent(vectors_of(corridor.vertices), closed=False)
        return Piece(line, closed=False, half_width_m=corridor.half_width.value)
    vertices = volume.outline_polygon.vertices if volume.outline_polygon is not None else ()
    return area_piece(vertices)


def area_piece(vertices: Sequence[LatLngPoint]) -> Piece:
    """Return a ring of places."""
    return Piece(_bent(vectors_of(vertices), closed=True), closed=True, half_width_m=0.0)


def _bent(vectors: Floats, *, closed: bool) -> Floats:
    """Return the line with its long edges cut."""
    ends = np.roll(vectors, -1, axis=0) if closed else vectors[1:]
    starts = vectors if closed else vectors[:-1]
    angles = np.arccos(np.clip((starts * ends).sum(axis=1), -1.0, 1.0))
    most = math.radians(PIECE_DEGREES_MAX)
    if not len(angles) or float(angles.max()) <= most:
        return vectors
    out: list[Floats] = []
    for start, end, angle in zip(starts, ends, angles.tolist(), strict=True):
        parts = np.arange(max(1, math.ceil(angle / most))) / max(1, math.ceil(angle / most))
        if len(parts) == 1:
            out.append(start[None])
            continue
        weights = np.sin((1.0 - parts) * angle)[:, None] * start + np.sin(parts * angle)[:, None] * end
        out.append(weights / math.sin(angle))
    if not closed:
        out.append(vectors[-1:])
    found: Floats = np.concatenate(out)
    return found


def _ring_around(middle: Floats, radius_m: float) -> Floats:
    axis = np.array([0.0, 0.0, 1.0]) if abs(middle[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(axis, middle)
    east /= np.linalg.norm(east)
    north = np.cross(middle, east)
    turns = np.arange(CIRCLE_CORNERS) * (2.0 * math.pi / CIRCLE_CORNERS)
    across = np.cos(turns)[:, None] * east + np.sin(turns)[:, None] * north
    angle = radius_m / EARTH_RADIUS_M
    ring: Floats = math.cos(angle) * middle + math.sin(angle) * across
    return ring
