"""From a trajectory to moving pieces on the sphere: checked once, and trusted from there.

Rules
 * A leg is cut along its WGS84 geodesic into pieces of at most `limits.PIECE_M_MAX`, at whole ms; places and heights at
   the cuts are those that the leg has at these ms, so that nothing is rounded but the unit vectors.
 * Within a piece the image on the sphere of even motion along the geodesic departs from the even motion that
   `kernel_piece` takes it for by at most 5.0 mm: 1.7 mm across and the rest along, because a metre is a larger angle
   nearer to the equator (measured over 400,000 random pieces, worst at 45 degrees; it grows with the square of the
   length). Two pieces, or a piece and a split edge (1.7 mm), stay below 2 cm, the tolerance where something moves.
 * A leg spans at most `limits.EDGE_DEGREES_MAX` and a year, and is flown at `limits.TRAJECTORY_SPEED_M_S_MAX` at most;
   a trajectory has at most `limits.PIECES_MAX` pieces. Anything else is refused, with the point named.
 * Each piece is one of the "volumes" of its `Prepared`; its band is what it passes through, buffer included.

Source: design.md §4; practice.md R13; docs/adr/0009-moving-segments.md.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, assert_never

import numpy as np
from pyproj import Geod

from clearline.model import limits
from clearline.model.altitude import FEET_M, Altitude, AltitudeReference, AltitudeUnits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.trajectory import Trajectory
from clearline.sky.altitude import REFERENCE_CODES, WORLDWIDE, AltitudeBounds, pressure_altitude_m
from clearline.sky.geodesy import CURVATURE_MERIDIAN_M_MIN, meridian_m, prime_vertical_m
from clearline.sky.geoid import geoid_intervals_of_records_m
from clearline.sky.kernel_meet import FLOAT_COLUMNS, INT_COLUMNS
from clearline.sky.kernel_shape import MOVING, Floats, Ints, unit_vectors
from clearline.sky.prepared import Prepared

__all__ = ["prepare_trajectory"]

_EQUATOR_DEGREES_PER_M: Final = math.degrees(1.0 / CURVATURE_MERIDIAN_M_MIN)
_REACH_M: Final = 120_000.0
"""How far beyond a piece a path to another may go: the largest separation (100 km), and a piece of an edge."""
_SHARE: Final = 0.99
"""Cuts fall on whole ms, so one piece may be longer than its neighbours: by 20 m at the greatest speed."""
_UNIT_M: Final = {AltitudeUnits.M: 1.0, AltitudeUnits.FT: FEET_M, AltitudeUnits.FL: 100.0 * FEET_M}


class _Cuts(NamedTuple):
    """Places, instants and heights at which pieces start, and the end of the last."""

    lats: Floats
    lngs: Floats
    at_ms: Ints
    heights_m: Floats


def prepare_trajectory(
    trajectory: Trajectory, *, field: str = "trajectory", bounds: AltitudeBounds = WORLDWIDE
) -> Prepared:
    """Check a trajectory and cut it into moving pieces; `bounds` as for `prepare`.

    Raises:
        Refusal: SHAPE_TOO_LARGE, OUT_OF_RANGE or OVER_LIMIT; `field` is the path to the point where the leg starts.
    """
    points = trajectory.points
    ends = _Cuts(
        np.array([point.place.lat for point in points]),
        np.array([point.place.lng for point in points]),
        np.array([point.at_ms for point in points], dtype=np.int64),
        np.array([point.altitude.value_m for point in points]),
    )
    try:
        cuts = _cut(ends)
    except Refusal as refusal:
        raise refusal.within(field) from None
    reference = points[0].altitude.reference
    count = len(cuts.at_ms) - 1
    vectors = unit_vectors(cuts.lats, cuts.lngs)
    floats = np.zeros((count, FLOAT_COLUMNS))
    floats[:, 0:7] = _caps(vectors, cuts.lats, trajectory.buffer_lateral_m)
    buffer_m = trajectory.buffer_vertical_m
    first_m, last_m = cuts.heights_m[:-1], cuts.heights_m[1:]
    lowest_m, highest_m = np.minimum(first_m, last_m), np.maximum(first_m, last_m)
    sea_m = _sea_m(reference, floats, bounds)
    floats[:, 7:9] = _heights_m(reference, lowest_m - buffer_m, highest_m - buffer_m, bounds) + sea_m
    floats[:, 9:11] = _heights_m(reference, lowest_m + buffer_m, highest_m + buffer_m, bounds) + sea_m
    floats[:, 11], floats[:, 12] = first_m - buffer_m, first_m + buffer_m
    floats[:, 13], floats[:, 14] = last_m - buffer_m, last_m + buffer_m
    ints = np.zeros((count, INT_COLUMNS), dtype=np.int64)
    code = REFERENCE_CODES[reference]
    ints[:, 0:4] = (MOVING, code, code, 2)
    ints[:, 4], ints[:, 5] = cuts.at_ms[:-1], cuts.at_ms[1:]
    pairs = np.stack([vectors[:-1], vectors[1:]], axis=1)
    bands = _bands(lowest_m - buffer_m, highest_m + buffer_m, reference, points[0].altitude.units)
    return Prepared(floats.tobytes() + pairs.tobytes(), ints.tobytes(), bands)


def _cut(ends: _Cuts) -> _Cuts:
    """Cut the legs between `ends` into pieces."""
    wgs84 = Geod(ellps="WGS84")
    azimuths, _, lengths = wgs84.inv(ends.lngs[:-1], ends.lats[:-1], ends.lngs[1:], ends.lats[1:])
    length_m = np.asarray(lengths, dtype=np.float64)
    duration_ms = np.diff(ends.at_ms)
    _check_legs(ends, length_m, duration_ms)
    counts = np.maximum(np.ceil(length_m / (_SHARE * limits.PIECE_M_MAX)).astype(np.int64), 1)
    total = int(counts.sum())
    if total > limits.PIECES_MAX:
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field="points",
            found=f"{total} pieces of at most {limits.PIECE_M_MAX:g} m",
            allowed=f"at most {limits.PIECES_MAX}",
        )
    legs = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    after_ms = (number * duration_ms[legs] + counts[legs] // 2) // counts[legs]
    share = after_ms / duration_ms[legs]
    lats, lngs = ends.lats[legs], ends.lngs[legs]
    inner = number > 0
    if inner.any():
        part_m = (share * length_m[legs])[inner]
        there = wgs84.fwd(lngs[inner], lats[inner], np.asarray(azimuths)[legs][inner], part_m)
        lngs[inner], lats[inner] = there[0], there[1]
    heights_m = ends.heights_m[legs] + share * np.diff(ends.heights_m)[legs]
    return _Cuts(
        np.append(lats, ends.lats[-1]),
        np.append(lngs, ends.lngs[-1]),
        np.append(ends.at_ms[legs] + after_ms, ends.at_ms[-1]),
        np.append(heights_m, ends.heights_m[-1]),
    )


def _check_legs(ends: _Cuts, length_m: Floats, duration_ms: Ints) -> None:
    """Refuse legs that are too long, too fast or take too long."""
    vectors = unit_vectors(ends.lats, ends.lngs)
    across = (vectors[:-1] * vectors[1:]).sum(axis=1)
    bent = np.flatnonzero(across < math.cos(math.radians(limits.EDGE_DEGREES_MAX)))
    if len(bent):
        raise Refusal(
            RefusalCode.SHAPE_TOO_LARGE,
            field=f"points[{bent[0]}]",
            found=f"a leg of {math.degrees(math.acos(max(-1.0, float(across[bent[0]])))):.1f} degrees from here",
            allowed=f"legs of at most {limits.EDGE_DEGREES_MAX:g} degrees",
        )
    speed_m_s = length_m / (duration_ms / 1000.0)
    fast = np.flatnonzero(speed_m_s > limits.TRAJECTORY_SPEED_M_S_MAX)
    if len(fast):
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field=f"points[{fast[0]}]",
            found=f"a leg flown at {speed_m_s[fast[0]]:.0f} m/s from here",
            allowed=f"at most {limits.TRAJECTORY_SPEED_M_S_MAX:g} m/s",
        )
    slow = np.flatnonzero(duration_ms > limits.WINDOW_MS_MAX)
    if len(slow):
        raise Refusal(
            RefusalCode.OVER_LIMIT,
            field=f"points[{slow[0]}]",
            found=f"a leg of {duration_ms[slow[0]] / 86_400_000:.0f} days from here",
            allowed="legs of at most 366 days",
        )


def _caps(vectors: Floats, lats: Floats, buffer_lateral_m: float) -> Floats:
    """Return F[0:7] of each piece (`kernel_meet`)."""
    out = np.empty((len(vectors) - 1, 7))
    middle = vectors[:-1] + vectors[1:]
    middle /= np.sqrt((middle * middle).sum(axis=1))[:, None]
    out[:, 0:3] = middle
    reach_sq = np.maximum(((vectors[:-1] - middle) ** 2).sum(axis=1), ((vectors[1:] - middle) ** 2).sum(axis=1))
    out[:, 3] = np.sqrt(reach_sq) + 1e-12
    out[:, 4] = buffer_lateral_m
    margin = (buffer_lateral_m + _REACH_M) * _EQUATOR_DEGREES_PER_M
    absolute = np.abs(lats)
    lowest = np.maximum(np.minimum(absolute[:-1], absolute[1:]) - margin, 0.0)
    highest = np.minimum(np.maximum(absolute[:-1], absolute[1:]) + margin, 90.0)
    out[:, 5] = [meridian_m(lat) for lat in lowest.tolist()]
    out[:, 6] = [prime_vertical_m(lat) for lat in highest.tolist()]
    return out


def _sea_m(reference: AltitudeReference, records: Floats, bounds: AltitudeBounds) -> Floats:
    """Return between which heights W84 mean sea level lies at each piece; 0 for a reference that is W84."""
    if reference is AltitudeReference.W84:
        return np.zeros((1, 2))
    if bounds.geoid_m is not None:
        return np.array([bounds.geoid_m])
    return geoid_intervals_of_records_m(records)


def _heights_m(reference: AltitudeReference, least_m: Floats, most_m: Floats, bounds: AltitudeBounds) -> Floats:
    """Return the lowest height that `least_m`, and the highest that `most_m` can mean: as `altitude.height_w84_m`.

    Above mean sea level, or W84 for W84. They bound all between the two, because each bound rises with the altitude.
    """
    match reference:
        case AltitudeReference.W84 | AltitudeReference.AMSL:
            return np.stack([least_m, most_m], axis=1)
        case AltitudeReference.FL:
            deep_m, shallow_m = (pressure_altitude_m(hpa) for hpa in bounds.sea_level_hpa)
            return _thickness(least_m - deep_m, most_m - shallow_m, bounds)
        case AltitudeReference.QNH:
            return _thickness(least_m - bounds.qnh_apart_m, most_m + bounds.qnh_apart_m, bounds)
        case AltitudeReference.AGL:
            return np.stack([least_m + bounds.ground_amsl_m[0], most_m + bounds.ground_amsl_m[1]], axis=1)
        case _ as never:
            assert_never(never)


def _thickness(least_m: Floats, most_m: Floats, bounds: AltitudeBounds) -> Floats:
    thin, thick = bounds.thickness_ratio
    least_m, most_m = np.minimum(least_m * thin, least_m * thick), np.maximum(most_m * thin, most_m * thick)
    return np.stack([least_m, most_m], axis=1)


def _bands(
    lower_m: Floats, upper_m: Floats, reference: AltitudeReference, units: AltitudeUnits
) -> tuple[tuple[Altitude, Altitude], ...]:
    """Return the band of each piece as its owner would say it, cut to what can be said."""
    unit_m = _UNIT_M[units]
    least_m, most_m = limits.ALTITUDE_M_MIN, limits.ALTITUDE_M_MAX
    if reference is AltitudeReference.FL:
        least_m, most_m = 0.0, limits.FLIGHT_LEVEL_MAX * unit_m
    least, most = math.ceil(least_m / unit_m * 1e6) / 1e6, math.floor(most_m / unit_m * 1e6) / 1e6
    made: dict[float, Altitude] = {}
    columns = []
    for column_m in (lower_m, upper_m):
        values = np.clip(np.round(column_m / unit_m, 6), least, most).tolist()
        for value in values:
            if value not in made:
                made[value] = Altitude(value, reference, units)
        columns.append([made[value] for value in values])
    return tuple(zip(*columns, strict=True))
