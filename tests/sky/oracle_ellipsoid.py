"""Distances on the WGS84 ellipsoid itself, of many pairs at a time: feet, sides and windings of geodesics.

Nothing here is a unit vector that decides: unit vectors only say which parts need no look. What decides is

 * foot: from a place on the geodesic edge, look at the place asked about (length s, angle A off the edge), go along the
   edge by R atan(tan(s/R) cos A), look again. Four looks are enough for 1e-9 m (Baselga and Martinez-Llario, 2018).
 * side: C is left of the geodesic A-B IFF the geodesic A-C leaves A to the left of A-B; two edges cross IFF each has
   the ends of the other on different sides.
 * winding: a place is in a ring IFF the azimuths of geodesics to the ring's vertices turn once around.

Two cores that share no place are nearest in a vertex of one of them: the curvature of the ellipsoid is positive, so two
geodesics have no nearest places inside both.

Error: ERROR_M; GeographicLib (by pyproj) says 15 nm for one geodesic, and `oracle_digits` checks what comes out of it.
Angles in degrees, lengths in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.sky.forms import WGS84, Form

__all__ = ["ERROR_M", "Cores", "core_distances_m", "cores_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ERROR_M: Final = 1e-6
R_M: Final = 6_371_008.8
RATIO: Final = 1.0102
"""N at the pole by M at the equator: how much two lengths of equal image may differ."""
FOOT_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class Cores:
    """Many cores in arrays: vertices of core k are [first[k], first[k + 1]); an edge goes from each to `following`."""

    lat: Floats
    lng: Floats
    first: Ints
    following: Ints
    """Index of the far end of the edge that starts at a vertex; -1 where none does."""
    ring: Bools
    unit: Floats
    azimuth: Floats
    length_m: Floats


def cores_of(forms: Sequence[Form]) -> Cores:
    """Lay many shapes out in arrays; the radius is left out."""
    counts = np.array([len(form.places) for form in forms], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(counts)])
    lat = np.array([place[0] for form in forms for place in form.places])
    lng = np.array([place[1] for form in forms for place in form.places])
    following = np.arange(1, len(lat) + 1)
    ring = np.array([form.kind == "polygon" for form in forms])
    following[first[1:] - 1] = np.where(ring, first[:-1], -1)
    far = np.where(following >= 0, following, np.arange(len(lat)))
    azimuth, _, length_m = WGS84.inv(lng, lat, lng[far], lat[far])
    return Cores(lat, lng, first, following, ring, _unit(lat, lng), np.asarray(azimuth), np.asarray(length_m))


def _unit(lat: Floats, lng: Floats) -> Floats:
    phi, lam = np.radians(lat), np.radians(lng)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)


def core_distances_m(a: Cores, b: Cores) -> Floats:
    """Return the length of the shortest geodesic between core k of a and core k of b; 0 where they share a place."""
    case, i, j = _every_pair(a, b)
    best_m = _vertices_apart(a, b, case, i, j)
    for one, other, p, q in ((a, b, i, j), (b, a, j, i)):
        edge = other.following[q] >= 0
        _feet(one, other, case[edge], p[edge], q[edge], best_m)
    edges = (a.following[i] >= 0) & (b.following[j] >= 0)
    best_m[_crossed(a, b, case[edges], i[edges], j[edges])] = 0.0
    best_m[_holds_first(a, b) | _holds_first(b, a)] = 0.0
    return best_m


def _every_pair(a: Cores, b: Cores) -> tuple[Ints, Ints, Ints]:
    """Return (case, vertex of a, vertex of b) for all pairs of vertices of all cases."""
    of_a, of_b = np.diff(a.first), np.diff(b.first)
    counts = of_a * of_b
    case = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return case, a.first[case] + place // of_b[case], b.first[case] + place % of_b[case]


def _least(case: Ints, values: Floats, cases: int) -> Floats:
    out = np.full(cases, np.inf)
    np.minimum.at(out, case, values)
    return out


def _vertices_apart(a: Cores, b: Cores, case: Ints, i: Ints, j: Ints) -> Floats:
    cases = len(a.first) - 1
    chord = np.sqrt(((a.unit[i] - b.unit[j]) ** 2).sum(axis=1))
    angle = 2.0 * np.arcsin(np.minimum(1.0, 0.5 * chord))
    near = angle <= _least(case, angle, cases)[case] * RATIO + 1e-12
    case, i, j = case[near], i[near], j[near]
    _, _, apart_m = WGS84.inv(a.lng[i], a.lat[i], b.lng[j], b.lat[j])
    return _least(case, np.asarray(apart_m), cases)


def _departure_m(length_m: Floats) -> Floats:
    """More than a geodesic of this length may depart from the great circle between the images of its ends."""
    return np.minimum(0.1 * (length_m / 10_000.0) ** 2, 0.01 * length_m)


def _feet(one: Cores, other: Cores, case: Ints, p: Ints, q: Ints, best_m: Floats) -> None:
    """Lower `best_m` to the distance from vertices p of `one` to the edges that start at q of `other`."""
    x, u, v = one.unit[p], other.unit[q], other.unit[other.following[q]]
    n = np.cross(u, v - u)
    n /= np.maximum(np.sqrt((n * n).sum(axis=1)), 1e-300)[:, None]
    across = np.abs((n * x).sum(axis=1))
    beside = ((np.cross(n, u) * x).sum(axis=1) > 0.0) & ((np.cross(v, n) * x).sum(axis=1) > 0.0)
    ends = np.minimum(((x - u) ** 2).sum(axis=1), ((x - v) ** 2).sum(axis=1))
    angle = np.where(beside, np.arcsin(np.minimum(1.0, across)), 2.0 * np.arcsin(np.minimum(1.0, 0.5 * np.sqrt(ends))))
    length_m = other.length_m[q]
    least_m = angle * (R_M * 0.99) - _departure_m(length_m)
    near = least_m <= best_m[case] * 1.0001 + 1e-6
    case, p, q = case[near], p[near], q[near]
    if not len(case):
        return
    lat, lng, length_m = one.lat[p], one.lng[p], other.length_m[q]
    start_lat, start_lng, azimuth = other.lat[q], other.lng[q], other.azimuth[q]
    along_m = np.zeros(len(case))
    apart_m = np.full(len(case), np.inf)
    for _ in range(FOOT_STEPS):
        on_lng, on_lat, back = WGS84.fwd(start_lng, start_lat, azimuth, along_m)
        toward, _, apart_m = WGS84.inv(on_lng, on_lat, lng, lat)
        turn = np.radians(np.asarray(toward) - np.asarray(back) - 180.0)
        apart_m = np.asarray(apart_m)
        # atan2 keeps the foot of a place more than a quarter of the earth away on the right side.
        step_m = R_M * np.arctan2(np.sin(apart_m / R_M) * np.cos(turn), np.cos(apart_m / R_M))
        along_m = np.clip(along_m + step_m, 0.0, length_m)
    np.minimum.at(best_m, case, apart_m)


def _left_of(at: Cores, q: Ints, lat: Floats, lng: Floats) -> Floats:
    """Return about how far [m] a place is left of the edge that starts at q; less than 0 where it is right."""
    toward, _, apart_m = WGS84.inv(at.lng[q], at.lat[q], lng, lat)
    return np.sin(np.radians(at.azimuth[q] - np.asarray(toward))) * R_M * np.sin(np.asarray(apart_m) / R_M)


def _crossed(a: Cores, b: Cores, case: Ints, i: Ints, j: Ints) -> Ints:
    """Return the cases in which an edge of a crosses one of b."""
    margin = (_departure_m(a.length_m[i]) + _departure_m(b.length_m[j])) / R_M + 1e-9
    middle_a, middle_b = (a.unit[i] + a.unit[a.following[i]]) / 2.0, (b.unit[j] + b.unit[b.following[j]]) / 2.0
    half_a = np.sqrt(((a.unit[i] - middle_a) ** 2).sum(axis=1))
    half_b = np.sqrt(((b.unit[j] - middle_b) ** 2).sum(axis=1))
    bulge = (half_a**2 + half_b**2) * 1.1
    apart = np.sqrt(((middle_a - middle_b) ** 2).sum(axis=1))
    near = apart <= half_a + half_b + bulge + margin
    case, i, j, margin = case[near], i[near], j[near], margin[near]
    may = _planes_cross(a, i, b, j, margin) & _planes_cross(b, j, a, i, margin)
    return _crossed_sides(a, b, case[may], i[may], j[may])


def _planes_cross(a: Cores, i: Ints, b: Cores, j: Ints, margin: Floats) -> Bools:
    """Are the ends of b's edges on different sides of the planes of a's edges, or near them?"""
    u, v = a.unit[i], a.unit[a.following[i]]
    n = np.cross(u, v - u)
    n /= np.maximum(np.sqrt((n * n).sum(axis=1)), 1e-300)[:, None]
    s, t = (n * b.unit[j]).sum(axis=1), (n * b.unit[b.following[j]]).sum(axis=1)
    beside: Bools = ((s > margin) & (t > margin)) | ((s < -margin) & (t < -margin))
    return ~beside


def _crossed_sides(a: Cores, b: Cores, case: Ints, i: Ints, j: Ints) -> Ints:
    after_i, after_j = a.following[i], b.following[j]
    s, t = _left_of(a, i, b.lat[j], b.lng[j]), _left_of(a, i, b.lat[after_j], b.lng[after_j])
    p, q = _left_of(b, j, a.lat[i], a.lng[i]), _left_of(b, j, a.lat[after_i], a.lng[after_i])
    # Signs of less than this are noise: edges on one geodesic have such, and if they share a place, so do feet.
    clear = np.minimum(np.minimum(np.abs(s), np.abs(t)), np.minimum(np.abs(p), np.abs(q))) > 0.1 * ERROR_M
    return np.unique(case[clear & (s * t < 0.0) & (p * q < 0.0)])


def _holds_first(rings: Cores, others: Cores) -> Bools:
    """Return for each case whether the first vertex of the other core is inside the ring."""
    counts = np.diff(rings.first)
    case = np.repeat(np.arange(len(counts)), counts)
    asked = others.first[:-1]
    # The smaller side of a ring is within 90 degrees of its middle.
    middle = np.add.reduceat(rings.unit, rings.first[:-1])
    near = (middle * others.unit[asked]).sum(axis=1) > 0.0
    keep = (rings.ring & near)[case]
    vertex = np.arange(len(rings.lat))[keep]
    case = case[keep]
    lat, lng = others.lat[asked][case], others.lng[asked][case]
    toward, _, _ = WGS84.inv(lng, lat, rings.lng[vertex], rings.lat[vertex])
    following, _, _ = WGS84.inv(lng, lat, rings.lng[rings.following[vertex]], rings.lat[rings.following[vertex]])
    turn = (np.asarray(following) - np.asarray(toward) + 180.0) % 360.0 - 180.0
    turned = np.zeros(len(counts))
    np.add.at(turned, case, turn)
    return np.abs(turned) > 180.0
