"""Kernel: many outlines at once, from split vertices on the sphere to records, each checked.

Units and records as in `kernel_meet`. A fault of one outline is written down and the others are placed.
"""

from __future__ import annotations

import math

import numpy as np

from clearline.sky.compiler import kernel
from clearline.sky.kernel_ring import RING_CROSSING, RING_SIMPLE, first_repeat, interior_point, ring_fault
from clearline.sky.kernel_shape import BLOCK_EDGES, CORRIDOR, POLYGON, Floats, Ints, bounding_ball, dress

__all__ = [
    "FAULTLESS",
    "FAULT_CAP",
    "FAULT_CROSSES",
    "FAULT_FLAT",
    "FAULT_REPEATS",
    "long_links",
    "place_outlines",
]

FAULTLESS, FAULT_REPEATS, FAULT_FLAT, FAULT_CROSSES, FAULT_CAP = 0, 1, 2, 3, 4


@kernel
def long_links(U: Floats, first: Ints, kinds: Ints, apart: float, most: float, faults: Ints) -> tuple[Ints, Ints]:
    """Return (vertex, next vertex) of all edges with a chord above `most`.

    Writes (FAULT_REPEATS, place in its outline) for each outline with a vertex within `apart` of the one before it.
    Vertices of outline n are U[first[n]:first[n + 1]].
    """
    starts = np.empty(16, np.int64)
    ends = np.empty(16, np.int64)
    found = 0
    for n in range(kinds.shape[0]):
        v, count = first[n], first[n + 1] - first[n]
        links = count if kinds[n] == POLYGON else (count - 1 if kinds[n] == CORRIDOR else 0)
        repeat = first_repeat(U[v : v + count], count, links, apart)
        if repeat >= 0:
            faults[n, 0] = FAULT_REPEATS
            faults[n, 1] = repeat
            continue
        for i in range(links):
            j = (i + 1) % count
            d = (U[v + i, 0] - U[v + j, 0]) ** 2 + (U[v + i, 1] - U[v + j, 1]) ** 2 + (U[v + i, 2] - U[v + j, 2]) ** 2
            if d <= most * most:
                continue
            if found == starts.shape[0]:
                more = np.empty((2, 2 * found), np.int64)
                more[0, :found] = starts
                more[1, :found] = ends
                starts, ends = more[0], more[1]
            starts[found] = v + i
            ends[found] = v + j
            found += 1
    return starts[:found], ends[:found]


@kernel
def _meridian(lat_deg: float, a_m: float, e2: float) -> float:
    return a_m * (1.0 - e2) / math.sqrt((1.0 - e2 * math.sin(math.radians(lat_deg)) ** 2) ** 3)


@kernel
def _prime_vertical(lat_deg: float, a_m: float, e2: float) -> float:
    return a_m / math.sqrt(1.0 - e2 * math.sin(math.radians(lat_deg)) ** 2)


@kernel
def place_outlines(
    U: Floats, lats: Floats, first: Ints, kinds: Ints, radius_m: Floats, earth: Floats, bounds: Floats, F: Floats,
    faults: Ints,
) -> None:  # fmt: skip
    """Fill F[n, 0:7] and F[n, 13:16] of each outline, or write its fault and the vertex concerned.

    earth: [0] a [m], [1] e^2. bounds: [0] chord below which two places are one, [1] how far beyond a shape a path may
    go [m], [2] degrees of the equator in a metre, [3] largest cap [degrees], [4] least chord of an inner place.
    """
    dressed = np.empty((512, 6))
    balls = np.empty((512 // BLOCK_EDGES, 4))
    for n in range(kinds.shape[0]):
        if faults[n, 0] != FAULTLESS:
            continue
        v, count = first[n], first[n + 1] - first[n]
        x, y, z, reach = bounding_ball(U[v : v + count])
        low, high = 90.0, 0.0
        for i in range(v, v + count):
            low = min(low, abs(lats[i]))
            high = max(high, abs(lats[i]))
        margin = (radius_m[n] + bounds[1]) * bounds[2]
        F[n, 0], F[n, 1], F[n, 2], F[n, 3], F[n, 4] = x, y, z, reach, radius_m[n]
        F[n, 5] = _meridian(max(0.0, low - margin), earth[0], earth[1])
        F[n, 6] = _prime_vertical(min(90.0, high + margin), earth[0], earth[1])
        F[n, 13] = F[n, 14] = F[n, 15] = 0.0
        degrees = 2.0 * math.degrees(math.asin(min(1.0, 0.5 * reach))) + radius_m[n] * bounds[2]
        if degrees > bounds[3]:
            faults[n, 0] = FAULT_CAP
            faults[n, 1] = math.ceil(degrees * 1000.0)
            continue
        if kinds[n] != POLYGON:
            continue
        if count > dressed.shape[0]:
            dressed = np.empty((2 * count, 6))
            balls = np.empty((2 * count // BLOCK_EDGES + 1, 4))
        dress(U, v, count, POLYGON, dressed, 0, balls, 0)
        fault, vertex = ring_fault(dressed, balls, count, bounds[0])
        if fault != RING_SIMPLE:
            flat = fault != RING_CROSSING and count == 3
            faults[n, 0] = FAULT_FLAT if flat else FAULT_CROSSES
            faults[n, 1] = vertex
            continue
        ix, iy, iz, depth = interior_point(dressed, balls, count, x, y, z, reach)
        if depth > bounds[4]:
            F[n, 13], F[n, 14], F[n, 15] = ix, iy, iz
