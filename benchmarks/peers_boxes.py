"""Boxes for the indexes of the peers: each surely holds its volume, and is no larger than it must be.

Rules
 * Made from the same vertices as the engine's own shapes: edges are already split along the geodesic into pieces of at
   most 10 km, whose arcs leave the hull of their ends by less than 2 m. `SLACK_M` covers that and the tolerance.
 * `ecef`: x, y, z in metres on the sphere of the kernel. A coordinate has its extremes over a shape on the outline,
   or at the end of an axis where the shape holds one.
 * `maps`: longitude and latitude; a shape that crosses the antimeridian has two rows, one that holds a pole a full
   band. Without this a peer on a plane would miss what it could find.
 * Heights in metres, with half of the tolerance of 1 cm on each side; times in seconds since the workload began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.sky_workload import R_M, START_MS
from clearline.sky import Columns

SLACK_M = 3.0
HEIGHT_SLACK_M = 0.005 + 1e-9
DEGREE_M_MIN = 110_500.0
"""No degree of latitude is shorter on WGS84 (110,574 m at the equator)."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Boxes:
    """n volumes: `low` and `high` (n, 5) are x, y, z, height, time; `maps` (m, 4) are west, south, east, north."""

    low: Floats
    high: Floats
    maps: Floats
    owner: Ints
    """Volume of each row of `maps`."""
    first: Ints
    """First row in `maps` of each volume, n + 1."""

    def maps_of(self, volume: int) -> Floats:
        """Return the one or two boxes of a volume on the map."""
        return self.maps[self.first[volume] : self.first[volume + 1]]


def boxes_of(columns: Columns) -> Boxes:
    """Return the boxes of volumes."""
    low, high = _ecef(columns)
    height = np.stack([columns.records[:, 7] - HEIGHT_SLACK_M, columns.records[:, 10] + HEIGHT_SLACK_M], axis=1)
    time_s = (columns.ints[:, 4:6] - START_MS) / 1000.0
    maps, owner = _maps(columns)
    return Boxes(
        np.column_stack([low, height[:, 0], time_s[:, 0]]),
        np.column_stack([high, height[:, 1], time_s[:, 1]]),
        maps,
        owner,
        np.searchsorted(owner, np.arange(len(columns) + 1)),
    )


def _ecef(columns: Columns) -> tuple[Floats, Floats]:
    starts = columns.first[:-1]
    slack = (columns.records[:, 4] / columns.records[:, 5] + SLACK_M / R_M)[:, None]
    low = np.minimum.reduceat(columns.vectors, starts) - slack
    high = np.maximum.reduceat(columns.vectors, starts) + slack
    centre, reach = columns.records[:, 0:3], columns.records[:, 3:4] + slack
    for axis in range(3):
        # Squared chord from the centre of the cap to the end of an axis: 2 - 2 c for the coordinate c.
        high[(2.0 - 2.0 * centre[:, axis] <= reach[:, 0] ** 2), axis] = 1.0
        low[(2.0 + 2.0 * centre[:, axis] <= reach[:, 0] ** 2), axis] = -1.0
    return low * R_M, high * R_M


def _maps(columns: Columns) -> tuple[Floats, Ints]:
    count = len(columns)
    sizes = np.diff(columns.first)
    starts = columns.first[:-1]
    vectors, centre = columns.vectors, columns.records[:, 0:3]
    lat = np.degrees(np.arcsin(np.clip(vectors[:, 2], -1.0, 1.0)))
    middle = np.degrees(np.arctan2(centre[:, 1], centre[:, 0]))
    owner = np.repeat(np.arange(count), sizes)
    east = (np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) - middle[owner] + 180.0) % 360.0 - 180.0
    # A piece of an edge that runs east-west bulges towards the pole by up to its sagitta times the tangent.
    steep = np.tan(np.radians(np.minimum(np.maximum.reduceat(np.abs(lat), starts) + 0.1, 89.9)))
    slack_m = columns.records[:, 4] * 1.006 + SLACK_M * (1.0 + steep)
    south = np.minimum.reduceat(lat, starts) - slack_m / DEGREE_M_MIN
    north = np.maximum.reduceat(lat, starts) + slack_m / DEGREE_M_MIN
    wider = slack_m / DEGREE_M_MIN / np.cos(np.radians(np.minimum(np.maximum(np.abs(south), np.abs(north)), 89.9)))
    west = middle + np.minimum.reduceat(east, starts) - wider
    far_east = middle + np.maximum.reduceat(east, starts) + wider
    reach_sq = (columns.records[:, 3] + (slack_m + 1_000.0) / R_M) ** 2
    at_north, at_south = 2.0 - 2.0 * centre[:, 2] <= reach_sq, 2.0 + 2.0 * centre[:, 2] <= reach_sq
    polar = at_north | at_south
    west[polar], far_east[polar] = -180.0, 180.0
    north[at_north], south[at_south] = 90.0, -90.0
    over_west, over_east = west < -180.0, far_east > 180.0
    # Two rows for each: [0] on this side of the antimeridian, [1] what lies beyond it.
    rows = np.empty((count, 2, 4))
    rows[:, 0] = np.stack([np.maximum(west, -180.0), south, np.minimum(far_east, 180.0), north], axis=1)
    rows[:, 1] = np.stack(
        [np.where(over_west, west + 360.0, -180.0), south, np.where(over_east, far_east - 360.0, 180.0), north], axis=1
    )
    used = np.stack([np.ones(count, dtype=bool), over_west | over_east], axis=1)
    return rows[used], np.nonzero(used)[0]
