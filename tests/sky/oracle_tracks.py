"""Moving aircraft on the true earth, by other means than the kernel's: the oracle of the tests on trajectories.

The kernel works on a sphere of geodetic directions, in closed forms. Here places are sampled in time along geodesics by
pyproj, distances over ground are pyproj's, or straight lines in space (ECEF) from densely divided edges, and windows
are whatever instants the samples hold. `closest` samples ever finer around the best instants.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod, Transformer

Floats = NDArray[np.float64]
Place = tuple[float, float]
WGS84 = Geod(ellps="WGS84")
_TO_SPACE = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
_R_M = 6_371_000.0
_EDGE_STEP_M = 400.0


@dataclass(frozen=True)
class Flight:
    """Points (lat, lng, height, ms) flown one after the other."""

    points: tuple[tuple[float, float, float, int], ...]

    @property
    def window_ms(self) -> tuple[int, int]:
        return self.points[0][3], self.points[-1][3]

    def at(self, times_ms: Floats) -> tuple[Floats, Floats, Floats]:
        """Latitudes, longitudes and heights at these instants."""
        lat, lng, height, at_ms = (np.array(column, dtype=np.float64) for column in zip(*self.points, strict=True))
        leg = np.clip(np.searchsorted(at_ms, times_ms, side="right") - 1, 0, len(at_ms) - 2)
        azimuth, _, length = WGS84.inv(lng[:-1], lat[:-1], lng[1:], lat[1:])
        share = (times_ms - at_ms[leg]) / (at_ms[leg + 1] - at_ms[leg])
        there = WGS84.fwd(lng[leg], lat[leg], np.asarray(azimuth)[leg], np.asarray(length)[leg] * share)
        return np.asarray(there[1]), np.asarray(there[0]), height[leg] + share * (height[leg + 1] - height[leg])


def apart_m(lat_a: Floats, lng_a: Floats, lat_b: Floats, lng_b: Floats) -> Floats:
    """Distances on WGS84."""
    lat_a, lng_a, lat_b, lng_b = np.broadcast_arrays(lat_a, lng_a, lat_b, lng_b)
    return np.asarray(WGS84.inv(lng_a, lat_a, lng_b, lat_b)[2])


def _space(lat: Floats, lng: Floats) -> Floats:
    return np.stack(_TO_SPACE.transform(lng, lat, np.zeros_like(lat)), axis=-1)


class Outline:
    """A line, or a ring with its inside; edges are geodesics."""

    def __init__(self, places: Sequence[Place], *, closed: bool) -> None:
        self.closed = closed
        lats: list[float] = []
        lngs: list[float] = []
        ends = [*places, places[0]] if closed else list(places)
        for (lat_a, lng_a), (lat_b, lng_b) in itertools.pairwise(ends):
            azimuth, _, length_m = WGS84.inv(lng_a, lat_a, lng_b, lat_b)
            steps = int(length_m // _EDGE_STEP_M) + 1
            part_m = np.arange(steps) * length_m / steps
            there = WGS84.fwd(np.full(steps, lng_a), np.full(steps, lat_a), np.full(steps, azimuth), part_m)
            lats += np.asarray(there[1]).tolist()
            lngs += np.asarray(there[0]).tolist()
        if not closed:
            lats.append(places[-1][0])
            lngs.append(places[-1][1])
        self._nodes = _space(np.array(lats), np.array(lngs))

    def apart_m(self, lat: Floats, lng: Floats) -> Floats:
        """Distance of each place from the outline, 0 inside a ring; right to some mm where it is below 100 km."""
        places = _space(lat, lng)
        starts = self._nodes if self.closed else self._nodes[:-1]
        way = np.roll(self._nodes, -1, axis=0)[: len(starts)] - starts
        off = places[:, None, :] - starts[None, :, :]
        share = np.clip((off * way).sum(axis=2) / (way * way).sum(axis=1), 0.0, 1.0)
        gap = np.sqrt((((off - share[:, :, None] * way) ** 2).sum(axis=2)).min(axis=1))
        gap *= 1.0 + gap * gap / (24.0 * _R_M * _R_M)
        if self.closed:
            gap[self._holds(lat, lng, places)] = 0.0
        return np.asarray(gap)

    def _holds(self, lat: Floats, lng: Floats, places: Floats) -> NDArray[np.bool_]:
        """Do the directions to the ring turn once around?"""
        phi, lam = np.radians(lat), np.radians(lng)
        east = np.stack([-np.sin(lam), np.cos(lam), np.zeros_like(lam)], axis=-1)
        north = np.stack([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)], axis=-1)
        off = self._nodes[None, :, :] - places[:, None, :]
        turn = np.arctan2((off * north[:, None, :]).sum(axis=2), (off * east[:, None, :]).sum(axis=2))
        step = np.roll(turn, -1, axis=1) - turn
        step -= 2.0 * np.pi * np.round(step / (2.0 * np.pi))
        return np.asarray(np.abs(step.sum(axis=1)) > np.pi)


def samples(excess: Callable[[Floats], Floats], from_ms: float, until_ms: float) -> tuple[Floats, Floats]:
    """Return instants of a window, dense around those where `excess` is least, and `excess` there."""
    times = np.linspace(from_ms, until_ms, 201)
    values = excess(times)
    step = (until_ms - from_ms) / 200.0
    for _ in range(4):
        best = times[np.argsort(values)[:4]]
        finer = np.clip((best[:, None] + np.linspace(-step, step, 25)[None, :]).ravel(), from_ms, until_ms)
        times, values = np.append(times, finer), np.append(values, excess(finer))
        step /= 10.0
    return times, values
