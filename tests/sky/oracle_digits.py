"""Geodesic distances on the WGS84 ellipsoid in 50 digits, from the integrals themselves: the oracle of the oracles.

No series and no library of geodesics. A geodesic is followed on the auxiliary sphere (Bessel 1825): with reduced
latitude b, azimuth A at the equator crossing, k2 = e'2 cos2 A and arc x from there,

    s = polar axis * integral of sqrt(1 + k2 sin2 x)
    longitude = w - f sin A * integral of (2 - f) / (1 + (1 - f) sqrt(1 + k2 sin2 x))

by Gauss and Legendre with 24 nodes (1e-60 for arcs up to half a radian; longer ones are cut). Distances are found by
shooting: from a vertex in the right direction, or from an edge at a right angle, until the shot ends at the place
asked for. Sides are the signs of such right-angled shots; a place is in a ring IFF the directions to its
vertices turn once around.

Doubles only say which edges need no look. Angles in degrees at the door, lengths in metres. Source: C. Karney (2013).
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import NamedTuple

from mpmath import mp, mpf

from tests.sky.forms import Form
from tests.sky.shapes import Place

__all__ = ["digits_distance_m", "geodesic_m"]

mp.dps = 50
A_M = mpf(6_378_137)
F = 1 / mpf("298.257223563")
B_M = A_M * (1 - F)
SECOND_E2 = (A_M / B_M) ** 2 - 1
NODES = 24
ARC_MAX = mpf("0.5")
CLOSE_M = mpf(10) ** -20
SHOTS_MAX = 60
R_M = 6_371_008.8


class Spot(NamedTuple):
    """A place and a direction: sine and cosine of the reduced latitude, longitude, azimuth."""

    sin_b: mpf
    cos_b: mpf
    lng: mpf
    azimuth: mpf


Vector = tuple[mpf, mpf, mpf]


@cache
def _nodes() -> list[tuple[mpf, mpf]]:
    """Nodes and weights on [-1, 1]: zeros of the Legendre polynomial by Newton."""
    out = []
    for k in range(NODES):
        x = mp.cos(mp.pi * (k + mpf("0.75")) / (NODES + mpf("0.5")))
        slope = mpf(0)
        for _ in range(8):
            last, value = mpf(1), x
            for n in range(2, NODES + 1):
                last, value = value, ((2 * n - 1) * x * value - (n - 1) * last) / n
            slope = NODES * (x * value - last) / (x * x - 1)
            x -= value / slope
        out.append((x, 2 / ((1 - x * x) * slope * slope)))
    return out


def _integrals(from_x: mpf, to_x: mpf, k2: mpf) -> tuple[mpf, mpf]:
    """Return the integrals of length and of longitude between two arcs."""
    pieces = max(1, int(mp.ceil(abs(to_x - from_x) / ARC_MAX)))
    step = (to_x - from_x) / pieces
    length, turn = mpf(0), mpf(0)
    for piece in range(pieces):
        middle = from_x + step * (piece + mpf("0.5"))
        for node, weight in _nodes():
            root = mp.sqrt(1 + k2 * mp.sin(middle + node * step / 2) ** 2)
            length += weight * root
            turn += weight * (2 - F) / (1 + (1 - F) * root)
    return length * step / 2, turn * step / 2


def _spot(place: Place, azimuth: mpf) -> Spot:
    phi = mp.radians(mpf(place[0]))
    x, z = mp.cos(phi), (1 - F) * mp.sin(phi)
    size = mp.hypot(x, z)
    return Spot(z / size, x / size, mp.radians(mpf(place[1])), azimuth)


def _follow(spot: Spot, length_m: mpf) -> Spot:
    """Go along the geodesic; a negative length goes back."""
    sin_0 = mp.sin(spot.azimuth) * spot.cos_b
    cos_0 = mp.hypot(mp.cos(spot.azimuth), mp.sin(spot.azimuth) * spot.sin_b)
    k2 = SECOND_E2 * cos_0**2
    start = mp.atan2(spot.sin_b, mp.cos(spot.azimuth) * spot.cos_b)
    wanted = length_m / B_M
    end = start + wanted
    turn = mpf(0)
    for _ in range(SHOTS_MAX):
        length, turn = _integrals(start, end, k2)
        step = (wanted - length) / mp.sqrt(1 + k2 * mp.sin(end) ** 2)
        end += step
        if abs(step) < mpf(10) ** -24:
            break
    # After the last step, far below 1e-24, the integral of longitude is right to as much.
    # The start's longitude is written without sin_0 and cos(start): both are nothing at a pole.
    across = mp.atan2(sin_0 * mp.sin(end), mp.cos(end))
    across -= mp.atan2(mp.sin(spot.azimuth) * spot.sin_b, mp.cos(spot.azimuth))
    sin_b = cos_0 * mp.sin(end)
    cos_b = mp.hypot(mp.cos(end), sin_0 * mp.sin(end))
    azimuth = mp.atan2(sin_0, cos_0 * mp.cos(end))
    return Spot(sin_b, cos_b, spot.lng + across - F * sin_0 * turn, azimuth)


def _where(spot: Spot) -> Vector:
    return A_M * spot.cos_b * mp.cos(spot.lng), A_M * spot.cos_b * mp.sin(spot.lng), B_M * spot.sin_b


def _frame(spot: Spot) -> tuple[Vector, Vector]:
    """Return unit vectors on the surface: onward along the azimuth, and to the right of it."""
    sin_lng, cos_lng = mp.sin(spot.lng), mp.cos(spot.lng)
    # The plumb line is (b cos, a sin) of the reduced latitude.
    x, z = B_M * spot.cos_b, A_M * spot.sin_b
    size = mp.hypot(x, z)
    sin_lat, cos_lat = z / size, x / size
    north = (-sin_lat * cos_lng, -sin_lat * sin_lng, cos_lat)
    east = (-sin_lng, cos_lng, mpf(0))
    sin_a, cos_a = mp.sin(spot.azimuth), mp.cos(spot.azimuth)
    onward = tuple(cos_a * n + sin_a * e for n, e in zip(north, east, strict=True))
    right = tuple(cos_a * e - sin_a * n for n, e in zip(north, east, strict=True))
    return (onward[0], onward[1], onward[2]), (right[0], right[1], right[2])


def _missed(spot: Spot, there: Vector) -> tuple[mpf, mpf, mpf]:
    """Return by how much a shot that ended in `spot` missed: onward, to the right, and in all."""
    here = _where(spot)
    off = (there[0] - here[0], there[1] - here[1], there[2] - here[2])
    onward, right = _frame(spot)
    ahead = sum((a * b for a, b in zip(off, onward, strict=True)), mpf(0))
    aside = sum((a * b for a, b in zip(off, right, strict=True)), mpf(0))
    return ahead, aside, mp.sqrt(off[0] ** 2 + off[1] ** 2 + off[2] ** 2)


def geodesic_m(a: Place, b: Place, *, close_m: mpf = CLOSE_M) -> tuple[mpf, mpf]:
    """Return (length, azimuth at a in radians) of the shortest geodesic of two places, less than 90 degrees apart."""
    there = _where(_spot(b, mpf(0)))
    start = _spot(a, mpf(0))
    ahead, aside, chord_m = _missed(start, there)
    if chord_m == 0:
        return mpf(0), mpf(0)
    azimuth, length_m = mp.atan2(aside, ahead), 2 * mpf(R_M) * mp.asin(chord_m / (2 * mpf(R_M)))
    lever_m = mpf(R_M) * mp.sin(length_m / mpf(R_M))
    last: tuple[mpf, mpf] | None = None
    for _ in range(SHOTS_MAX):
        spot = _follow(start._replace(azimuth=azimuth), length_m)
        ahead, aside, off_m = _missed(spot, there)
        if off_m < close_m:
            break
        if last is not None and last[0] != aside and abs(last[1]) > 0:
            seen_m = (last[0] - aside) / last[1]
            if abs(seen_m / lever_m - 1) < mpf("0.1"):
                lever_m = seen_m
        turn = aside / lever_m
        last = (aside, turn)
        azimuth += turn
        length_m += ahead
    else:
        raise ArithmeticError(f"no geodesic from {a} to {b}")
    return length_m, azimuth


class _Edge(NamedTuple):
    start: Spot
    length_m: mpf


def _edge(a: Place, b: Place) -> _Edge:
    length_m, azimuth = geodesic_m(a, b)
    return _Edge(_spot(a, azimuth), length_m)


def _foot(place: Place, edge: _Edge) -> tuple[mpf, mpf]:
    """Return (how far along the edge's geodesic the foot is, how far to the right of it the place is) [m]."""
    there = _where(_spot(place, mpf(0)))
    ahead, aside, _ = _missed(edge.start, there)
    along_m, beside_m = ahead, aside
    for _ in range(SHOTS_MAX):
        on = _follow(edge.start, along_m)
        end = _follow(on._replace(azimuth=on.azimuth + mp.pi / 2), beside_m)
        onward, right, off_m = _missed(end, there)
        if off_m < CLOSE_M:
            return along_m, beside_m
        beside_m += onward
        # Its right is back along the edge.
        along_m -= right / mp.cos(beside_m / mpf(R_M))
    raise ArithmeticError(f"no foot of {place}")


# --- doubles: which parts need a look --------------------------------------------------------------------------------


def _unit(place: Place) -> tuple[float, float, float]:
    phi, lam = math.radians(place[0]), math.radians(place[1])
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


def _angle(a: Place, b: Place) -> float:
    u, v = _unit(a), _unit(b)
    return 2.0 * math.asin(min(1.0, 0.5 * math.dist(u, v)))


def _between_deg(a: Place, b: Place, place: Place) -> tuple[float, float]:
    """Return bounds of the angle from a place to an edge: the nearest of 33 places on the chord, and less the steps."""
    u, v, w = _unit(a), _unit(b), _unit(place)
    least = math.inf
    for k in range(33):
        share = k / 32.0
        x = [(1.0 - share) * p + share * q for p, q in zip(u, v, strict=True)]
        size = math.hypot(*x)
        least = min(least, 2.0 * math.asin(min(1.0, 0.5 * math.dist([c / size for c in x], w))))
    length = _angle(a, b)
    return least - length / 32.0 - min(0.01 * length, 100.0 * length * length), least


def _links(form: Form) -> list[tuple[Place, Place]]:
    pairs = list(itertools.pairwise(form.places))
    return [*pairs, (form.places[-1], form.places[0])] if form.kind == "polygon" else pairs


def digits_distance_m(a: Form, b: Form) -> float:
    """Return the distance between two cores, 0 where they share a place."""
    if _holds(a, b.places[0]) or _holds(b, a.places[0]):
        return 0.0
    pairs = [(_angle(p, q), p, q) for p in a.places for q in b.places]
    edges = [
        (*_between_deg(*link, place), place, link)
        for one, other in ((a, b), (b, a))
        for place in one.places
        for link in _links(other)
    ]
    nearest = min([angle for angle, _, _ in pairs] + [most for _, most, _, _ in edges]) * 1.011 + 1e-12
    least_m = min(geodesic_m(p, q)[0] for angle, p, q in pairs if angle <= nearest or angle == min(pairs)[0])
    if _cross(a, b):
        return 0.0
    known: dict[tuple[Place, Place], _Edge] = {}
    for least, _, place, link in edges:
        if least > nearest:
            continue
        edge = known.setdefault(link, _edge(*link)) if link not in known else known[link]
        along_m, beside_m = _foot(place, edge)
        if 0 <= along_m <= edge.length_m:
            least_m = min(least_m, abs(beside_m))
    return float(least_m)


def _cross(a: Form, b: Form) -> bool:
    """Do two edges have each other's ends on different sides?"""
    for one, other in itertools.product(_links(a), _links(b)):
        if not _may_cross(one, other) or not _may_cross(other, one):
            continue
        first, second = _edge(*one), _edge(*other)
        s, t = (_foot(place, first)[1] for place in other)
        p, q = (_foot(place, second)[1] for place in one)
        # Sides of edges on one meridian are rounding of the 50 digits.
        if s * t < 0 and p * q < 0 and min(abs(s), abs(t), abs(p), abs(q)) > CLOSE_M * 1000:
            return True
    return False


def _may_cross(one: tuple[Place, Place], other: tuple[Place, Place]) -> bool:
    """Are the ends of the second not surely on one side of the first, and is it near at all?"""
    (ux, uy, uz), (vx, vy, vz) = (_unit(place) for place in one)
    normal = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    size = math.hypot(*normal)
    length, reach = _angle(*one), _angle(*other)
    if size == 0.0 or _between_deg(*one, other[0])[0] > reach:
        return False
    margin = min(0.01 * length, 100.0 * length * length) + min(0.01 * reach, 100.0 * reach * reach) + 1e-15 / size
    sides = [sum(n * x for n, x in zip(normal, _unit(place), strict=True)) / size for place in other]
    return not (min(sides) > margin or max(sides) < -margin)


def _holds(ring: Form, place: Place) -> bool:
    """Do the directions from a place to a ring's vertices turn once around? Asked only near the ring."""
    if ring.kind != "polygon":
        return False
    middle = [sum(each) for each in zip(*(_unit(each) for each in ring.places), strict=True)]
    size = math.hypot(*middle)
    reach = max(math.dist([x / size for x in middle], _unit(each)) for each in ring.places)
    if math.dist([x / size for x in middle], _unit(place)) > reach * 1.02 + 1e-6:
        return False
    azimuths = [geodesic_m(place, each, close_m=mpf(10) ** -9)[1] for each in ring.places]
    turned = mpf(0)
    for last, following in itertools.pairwise([*azimuths, azimuths[0]]):
        turn = following - last
        turned += turn - 2 * mp.pi * mp.floor((turn + mp.pi) / (2 * mp.pi))
    return bool(abs(turned) > mp.pi)
