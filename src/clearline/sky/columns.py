"""Many volumes in columns: made from arrays, for those who have a million of them.

Rules
 * The same checks and the same numbers as `prepare`: a volume in columns and the same one from the wire are equal.
 * A bad volume is refused with its place, or left out and listed, as the caller wants; it never spoils the others.

Degrees WGS84, metres, ms since 1970 UTC. Source: design.md §4; practice.md R13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Volume4D
from clearline.sky.altitude import REFERENCE_CODES, height_w84_m
from clearline.sky.geoid import geoid_intervals_of_records_m
from clearline.sky.kernel_meet import INT_COLUMNS
from clearline.sky.kernel_place import FAULTLESS
from clearline.sky.kernel_shape import CORRIDOR, POINT, POLYGON, Floats, Ints
from clearline.sky.outlines import Outlines, place
from clearline.sky.prepared import Prepared, prepare

__all__ = ["KINDS", "Columns"]

KINDS: Final = {"circle": POINT, "corridor": CORRIDOR, "polygon": POLYGON}
"""Kinds of outline by name. Arrays may hold the numbers."""

_NAMES: Final = {POINT: "outline_circle", CORRIDOR: "outline_corridor", POLYGON: "outline_polygon"}
_REFERENCES: Final = {code: reference for reference, code in REFERENCE_CODES.items()}
_FEET_100: Final = 30.48
_SIZES: Final = f"1, 2 or 3 and more vertices by kind, at most {limits.OUTLINE_VERTICES_MAX}"

Bad = tuple[tuple[int, Refusal], ...]


@final
class Columns:
    """n volumes, each a notice of its own. Made by the class methods; immutable.

    records (n, 16), ints (n, 6), vectors (m, 3) and first (n + 1): see `kernel_meet` and `outlines`. `places` (n) are
    the places in the arrays given; `refused` lists the others.
    """

    __slots__ = ("first", "ints", "places", "records", "refused", "vectors")

    def __init__(
        self, records: Floats, ints: Ints, vectors: Floats, first: Ints, places: Ints, refused: Bad = ()
    ) -> None:
        self.records, self.ints, self.vectors, self.first = records, ints, vectors, first
        self.places, self.refused = places, refused
        for array in (records, ints, vectors, first, places):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.records)

    @classmethod
    def from_arrays(
        cls,
        lat: ArrayLike,
        lng: ArrayLike,
        offsets: ArrayLike,
        *,
        kind: ArrayLike | str,
        radius_m: ArrayLike = 0.0,
        lower_m: ArrayLike,
        upper_m: ArrayLike,
        start_ms: ArrayLike,
        end_ms: ArrayLike,
        reference: str | ArrayLike = "W84",
        upper_reference: str | ArrayLike | None = None,
        errors: Literal["refuse", "collect"] = "refuse",
    ) -> Self:
        """Return n volumes from arrays of n values; vertices of volume k are (lat, lng)[offsets[k]:offsets[k + 1]].

        kind: `circle`, `corridor`, `polygon` or their numbers 0, 1, 2. radius_m: of a circle, half the width of a
        corridor, 0 or a buffer for a polygon. Rings are not closed. reference: name or code (`REFERENCE_CODES`) of the
        lower limit, and of the upper one unless `upper_reference` says another.

        Raises:
            Refusal: OUT_OF_RANGE, TIME_ORDER, ALTITUDE_ORDER, OVER_LIMIT, RING_INVALID, RING_CROSSES, SHAPE_TOO_LARGE;
                the field is `volumes[k]...`. With errors="collect" only for arrays that do not fit together.
        """
        lats, lngs = np.ascontiguousarray(lat, dtype=np.float64), np.ascontiguousarray(lng, dtype=np.float64)
        bounds = np.ascontiguousarray(offsets, dtype=np.int64)
        count = len(bounds) - 1
        _check_offsets(bounds, len(lats), len(lngs))
        kinds = _filled("kind", KINDS.get(kind, -1) if isinstance(kind, str) else kind, count, np.int64)
        radii = _filled("radius_m", radius_m, count, np.float64)
        lowers, uppers = (
            _filled(name, each, count, np.float64) for name, each in _named(lower_m=lower_m, upper_m=upper_m)
        )
        starts, ends = (_filled(name, each, count, np.int64) for name, each in _named(start_ms=start_ms, end_ms=end_ms))
        below = _references("reference", reference, count)
        above = below if upper_reference is None else _references("upper_reference", upper_reference, count)
        bad = _bad_values(lats, lngs, bounds, kinds, radii, lowers, uppers, starts, ends, below, above)
        if bad and errors == "refuse":
            raise next(iter(bad.values()))
        keep = np.ones(count, dtype=bool)
        keep[list(bad)] = False
        if bad:
            lats, lngs, bounds = _only(lats, lngs, bounds, keep)
        chosen = np.flatnonzero(keep)
        outlines = place(lats, lngs, bounds, kinds[chosen], radii[chosen], together=False)
        records, ints = outlines.records, np.zeros((len(chosen), INT_COLUMNS), dtype=np.int64)
        ints[:, 0], ints[:, 1], ints[:, 2] = kinds[chosen], below[chosen], above[chosen]
        ints[:, 3], ints[:, 4], ints[:, 5] = np.diff(outlines.first), starts[chosen], ends[chosen]
        w84 = REFERENCE_CODES[AltitudeReference.W84]
        sea = _sea_heights(records, (below[chosen] != w84) | (above[chosen] != w84))
        records[:, 7], records[:, 8] = _heights(lowers[chosen], below[chosen], sea)
        records[:, 9], records[:, 10] = _heights(uppers[chosen], above[chosen], sea)
        records[:, 11], records[:, 12] = lowers[chosen], uppers[chosen]
        bad.update(_bad_outlines(outlines, bounds, ints[:, 0], chosen))
        bad.update(_bad_order(records, chosen, bad))
        if bad and errors == "refuse":
            raise bad[min(bad)]
        made = cls(records, ints, outlines.vectors, outlines.first, chosen)
        if not bad:
            return made
        fine = ~np.isin(chosen, np.array(list(bad), dtype=np.int64))
        return made._taken(fine, tuple(sorted(bad.items(), key=lambda each: each[0])))

    @classmethod
    def from_volumes(cls, volumes: Sequence[Volume4D]) -> Self:
        """Return volumes as the wire has them, each as a notice of its own."""
        return cls.from_prepared([prepare([each], field=f"volumes[{k}]") for k, each in enumerate(volumes)])

    @classmethod
    def from_prepared(cls, prepared: Sequence[Prepared]) -> Self:
        """Return all volumes of many `Prepared`, each as a notice of its own."""
        from clearline.sky.kernel_rows import unpack

        floats = np.frombuffer(b"".join([each.packed[0] for each in prepared]), dtype=np.float64)
        ints = np.frombuffer(b"".join([each.packed[1] for each in prepared]), dtype=np.int64)
        F, K, U = unpack(floats, ints, np.array([len(each) for each in prepared], dtype=np.int64))
        return cls(F, K, U, np.concatenate([[0], np.cumsum(K[:, 3])]), np.arange(len(K)))

    def taken(self, which: NDArray[np.bool_] | Ints) -> Self:
        """Return some of the volumes: a mask, or places in these columns."""
        return self._taken(which, self.refused)

    def _taken(self, which: NDArray[np.bool_] | Ints, refused: Bad) -> Self:
        rows = np.flatnonzero(which) if which.dtype == bool else which
        sizes = self.ints[rows, 3]
        first = np.concatenate([[0], np.cumsum(sizes)])
        vertices = np.repeat(self.first[rows] - first[:-1], sizes) + np.arange(first[-1])
        return type(self)(
            self.records[rows], self.ints[rows], self.vectors[vertices], first, self.places[rows], refused
        )

    def prepared(self, place: int) -> Prepared:
        """Return one volume as a `Prepared`, for `describe`."""
        vectors = self.vectors[self.first[place] : self.first[place + 1]]
        lower, upper = (_altitude(float(self.records[place, 11 + n]), int(self.ints[place, 1 + n])) for n in range(2))
        return Prepared(
            self.records[place].tobytes() + vectors.tobytes(), self.ints[place].tobytes(), ((lower, upper),)
        )


def _named(**values: ArrayLike) -> list[tuple[str, ArrayLike]]:
    return list(values.items())


def _altitude(value_m: float, code: int) -> Altitude:
    reference = _REFERENCES[code]
    if reference is AltitudeReference.FL:
        return Altitude(value_m / _FEET_100, reference, AltitudeUnits.FL)
    return Altitude(value_m, reference, AltitudeUnits.M)


def _filled(name: str, value: object, count: int, kind: type) -> NDArray:  # type: ignore[type-arg]
    array = np.asarray(value)
    if kind is np.int64 and array.dtype.kind == "f" and not np.all(np.isfinite(array) & (array == np.round(array))):
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=name, found="parts or NaN", allowed="whole numbers")
    if array.ndim > 1 or (array.ndim == 1 and len(array) != count):
        raise Refusal(
            RefusalCode.MALFORMED, field=name, found=f"shape {array.shape}", allowed=f"one value, or {count} of them"
        )
    return np.ascontiguousarray(np.broadcast_to(array.astype(kind), (count,)))


def _references(name: str, value: object, count: int) -> Ints:
    if isinstance(value, str):
        value = [value] * count
    array = np.asarray(value)
    if array.dtype.kind in "US":
        names, inverse = np.unique(array, return_inverse=True)
        codes = [_reference_code(name, str(each)) for each in names]
        array = np.array(codes, dtype=np.int64)[inverse]
    filled: Ints = _filled(name, array, count, np.int64)
    if len(filled) and not (filled.min() >= 0 and filled.max() < len(_REFERENCES)):
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=name, found="a code unknown", allowed=_reference_names())
    return filled


def _reference_code(field: str, name: str) -> int:
    if name not in AltitudeReference.__members__:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=name, allowed=_reference_names())
    return REFERENCE_CODES[AltitudeReference[name]]


def _reference_names() -> str:
    return ", ".join(f"{each.value} ({code})" for code, each in _REFERENCES.items())


def _check_offsets(bounds: Ints, lats: int, lngs: int) -> None:
    if bounds.ndim != 1 or len(bounds) < 1 or bounds[0] != 0 or bounds[-1] != lats or (np.diff(bounds) < 0).any():
        raise Refusal(
            RefusalCode.MALFORMED, field="offsets", found="other numbers", allowed=f"0 rising to {lats} vertices"
        )
    if lats != lngs:
        raise Refusal(RefusalCode.MALFORMED, field="lng", found=f"{lngs} values", allowed=f"{lats}, as lat has")


def _bad_values(
    lats: Floats,
    lngs: Floats,
    bounds: Ints,
    kinds: Ints,
    radii: Floats,
    lowers: Floats,
    uppers: Floats,
    starts: Ints,
    ends: Ints,
    below: Ints,
    above: Ints,
) -> dict[int, Refusal]:
    """Return by place what is wrong with a volume before its shape is looked at: the first fault of each."""
    sizes = np.diff(bounds)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    off_earth = ~((np.abs(lats) <= 90.0) & (np.abs(lngs) <= 180.0))
    least = np.array([1, 2, 3])[np.clip(kinds, 0, 2)]
    most = np.where(kinds == POINT, 1, limits.OUTLINE_VERTICES_MAX)
    fl = REFERENCE_CODES[AltitudeReference.FL]
    floors = [np.where(each == fl, 0.0, limits.ALTITUDE_M_MIN) for each in (below, above)]
    tops = [np.where(each == fl, limits.FLIGHT_LEVEL_MAX * _FEET_100, limits.ALTITUDE_M_MAX) for each in (below, above)]
    time_min, time_max = limits.TIME_MS_MIN, limits.TIME_MS_MAX
    code = RefusalCode
    rules: list[tuple[str, NDArray[np.bool_], NDArray[np.generic], RefusalCode, str]] = [
        ("kind", (kinds < 0) | (kinds > 2), kinds, code.OUT_OF_RANGE, "circle 0, corridor 1, polygon 2"),
        ("vertices", (sizes < least) | (sizes > most), sizes, code.RING_INVALID, _SIZES),
        (
            "vertices",
            np.bincount(owner[off_earth], minlength=len(sizes)) > 0,
            sizes,
            code.OUT_OF_RANGE,
            "degrees WGS84",
        ),
        (
            "radius_m",
            ~((radii >= 0.0) & (radii <= limits.RADIUS_M_MAX)) | ((kinds != POLYGON) & (radii == 0.0)),
            radii,
            code.OUT_OF_RANGE,
            f"more than 0 (polygons 0), at most {limits.RADIUS_M_MAX:g} m",
        ),
        ("lower_m", ~((lowers >= floors[0]) & (lowers <= tops[0])), lowers, code.OUT_OF_RANGE, "an altitude in metres"),
        ("upper_m", ~((uppers >= floors[1]) & (uppers <= tops[1])), uppers, code.OUT_OF_RANGE, "an altitude in metres"),
        ("lower_m", (below == above) & (lowers > uppers), lowers, code.ALTITUDE_ORDER, "lower at or below upper"),
        ("start_ms", (starts < time_min) | (starts > time_max), starts, code.OUT_OF_RANGE, "1970 to 2100, in ms"),
        ("end_ms", (ends < time_min) | (ends > time_max), ends, code.OUT_OF_RANGE, "1970 to 2100, in ms"),
        ("end_ms", ends <= starts, ends, code.TIME_ORDER, "after start_ms"),
    ]
    bad: dict[int, Refusal] = {}
    for name, wrong, found, why, allowed in rules:
        for each in np.flatnonzero(wrong).tolist():
            bad.setdefault(
                each, Refusal(why, field=f"volumes[{each}].{name}", found=found[each].item(), allowed=allowed)
            )
    return dict(sorted(bad.items()))


def _only(lats: Floats, lngs: Floats, bounds: Ints, keep: NDArray[np.bool_]) -> tuple[Floats, Floats, Ints]:
    sizes = np.diff(bounds)
    vertices = np.repeat(keep, sizes)
    return lats[vertices], lngs[vertices], np.concatenate([[0], np.cumsum(sizes[keep])])


def _sea_heights(records: Floats, wanted: NDArray[np.bool_]) -> Floats:
    """Return (lowest, highest) height of mean sea level around each volume that is `wanted`, 0 for the others."""
    sea = np.zeros((len(records), 2))
    if wanted.any():
        sea[wanted] = geoid_intervals_of_records_m(records[wanted])
    return sea


def _heights(values_m: Floats, codes: Ints, sea: Floats) -> tuple[Floats, Floats]:
    """Return (lowest, highest) height W84 of limits in their references; `sea` is added last, as for one volume."""
    low, high = values_m.copy(), values_m.copy()
    for code, reference in _REFERENCES.items():
        if reference is AltitudeReference.W84:
            continue
        rows = np.flatnonzero(codes == code)
        values, inverse = np.unique(values_m[rows], return_inverse=True)
        above_sea = [height_w84_m(_altitude(value, code), geoid_m=(0.0, 0.0)) for value in values.tolist()]
        bounds = np.array(above_sea).reshape(-1, 2)[inverse] + sea[rows]
        low[rows], high[rows] = bounds[:, 0], bounds[:, 1]
    return low, high


def _bad_outlines(outlines: Outlines, bounds: Ints, kinds: Ints, chosen: Ints) -> dict[int, Refusal]:
    bad: dict[int, Refusal] = {}
    for row in np.flatnonzero(outlines.faults[:, 0] != FAULTLESS).tolist():
        refusal = outlines.refusal(row, bounds, _NAMES[int(kinds[row])])
        bad[int(chosen[row])] = refusal.within(f"volumes[{int(chosen[row])}]")
    return bad


def _bad_order(records: Floats, chosen: Ints, known: dict[int, Refusal]) -> dict[int, Refusal]:
    bad: dict[int, Refusal] = {}
    for row in np.flatnonzero(records[:, 10] < records[:, 7]).tolist():
        each = int(chosen[row])
        if each not in known:
            bad[each] = Refusal(
                RefusalCode.ALTITUDE_ORDER,
                field=f"volumes[{each}].lower_m",
                found=f"{records[row, 11]:g} m over {records[row, 12]:g} m",
                allowed="lower at or below upper",
            )
    return bad
