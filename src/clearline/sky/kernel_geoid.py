"""Kernel: how high the sea may stand above the WGS84 ellipsoid around a volume.

Units: degrees, metres. Table T[2, 180, 360]: T[0] floors and T[1] ceilings of the geoid's height over cells of one
degree, row 0 from 90 S, column 0 from 180 W (`tools/make_geoid_table.py`). F as in `kernel_meet`.

Property: the range returned holds the range of every closed cell that the place asked about meets. Boxes are widened by
OUTWARD_DEGREES, far more than the rounding of their corners, so that a place on a border belongs to both cells. The
result is a function of the record alone: one volume and a batch of many have the same.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clearline.sky.compiler import kernel
from clearline.sky.kernel_shape import Floats

__all__ = ["box_range", "cap_range", "cap_ranges"]

Table = NDArray[np.int8]
OUTWARD_DEGREES = 1e-7


@kernel
def box_range(T: Table, south: float, north: float, west: float, across: float) -> tuple[float, float]:
    """Return (lowest, highest) over the box from `south` to `north`, and from `west` eastward by `across` degrees."""
    row = max(0, min(179, math.floor(south - OUTWARD_DEGREES + 90.0)))
    row_last = max(0, min(179, math.floor(north + OUTWARD_DEGREES + 90.0)))
    column = math.floor(west - OUTWARD_DEGREES + 180.0)
    column_last = math.floor(west + across + OUTWARD_DEGREES + 180.0)
    columns = min(360, column_last - column + 1)
    lowest = 127
    highest = -128
    for i in range(row, row_last + 1):
        for k in range(columns):
            j = (column + k) % 360
            lowest = min(lowest, int(T[0, i, j]))
            highest = max(highest, int(T[1, i, j]))
    return float(lowest), float(highest)


@kernel
def cap_range(T: Table, F: Floats, a: int) -> tuple[float, float]:
    """Return (lowest, highest) over the cap around volume a with its radius: F[0:4], F[4] and F[5]."""
    degrees = 180.0 / math.pi
    angle = 2.0 * math.asin(min(1.0, 0.5 * F[a, 3])) + F[a, 4] / F[a, 5]
    lat = math.atan2(F[a, 2], math.sqrt(F[a, 0] * F[a, 0] + F[a, 1] * F[a, 1]))
    south = (lat - angle) * degrees
    north = (lat + angle) * degrees
    if south - OUTWARD_DEGREES <= -90.0 or north + OUTWARD_DEGREES >= 90.0:
        return box_range(T, max(-90.0, south), min(90.0, north), -180.0, 360.0)
    # The meridians that touch a cap which holds no pole.
    half = math.asin(min(1.0, math.sin(angle) / math.cos(lat))) * degrees
    return box_range(T, south, north, math.atan2(F[a, 1], F[a, 0]) * degrees - half, 2.0 * half)


@kernel
def cap_ranges(T: Table, F: Floats) -> Floats:
    """Return `cap_range` of every record: the same, for a batch."""
    out = np.empty((F.shape[0], 2))
    for a in range(F.shape[0]):
        out[a, 0], out[a, 1] = cap_range(T, F, a)
    return out
