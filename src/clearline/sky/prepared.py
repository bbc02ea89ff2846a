"""From volumes on the wire to shapes on the sphere: checked once, and trusted from there.

Rules
 * Polygon, circle and corridor become a core (ring, point, line) with a radius; later kinds, such as moving segments,
   take their place beside them in `_core_of`.
 * Edges over `limits.EDGE_SPLIT_M` are split along the WGS84 geodesic. Orientation of a ring does not matter: inside is
   the smaller side.
 * A ring is simple, its neighbours are different places, an edge spans at most `limits.EDGE_DEGREES_MAX` and a whole
   outline with its radius fits into a cap of `limits.CAP_DEGREES_MAX`. Anything else is refused, with the vertex named.
 * A `Prepared` is immutable and holds two byte strings: the fold keeps a million of them.

Source: design.md §4; practice.md R13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self, final

import numpy as np

from clearline.model.altitude import Altitude, AltitudeReference
from clearline.model.refusal import Refusal, RefusalCode, invariant
from clearline.model.volume import LatLngPoint, Volume3D, Volume4D
from clearline.sky.altitude import REFERENCE_CODES, WORLDWIDE, AltitudeBounds, band_w84_m
from clearline.sky.geoid import geoid_of_record_m
from clearline.sky.kernel_meet import INT_COLUMNS
from clearline.sky.kernel_place import FAULTLESS
from clearline.sky.kernel_shape import CORRIDOR, POINT, POLYGON, Floats, Ints
from clearline.sky.outlines import place

__all__ = ["Prepared", "prepare"]


@final
class Prepared:
    """The volumes of one notice, checked and on the unit sphere. Made by `prepare` only; immutable."""

    __slots__ = ("_floats", "_ints", "bands")

    def __init__(self, floats: bytes, ints: bytes, bands: tuple[tuple[Altitude, Altitude], ...]) -> None:
        self._floats = floats
        self._ints = ints
        self.bands = bands
        """Lower and upper limit of each volume, as said by the owner."""

    def __len__(self) -> int:
        return len(self.bands)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prepared):
            return NotImplemented
        return (self._floats, self._ints, self.bands) == (other._floats, other._ints, other.bands)

    def __hash__(self) -> int:
        return hash((self._floats, self._ints))

    @property
    def floats(self) -> Floats:
        """Read-only: for each volume FLOAT_COLUMNS numbers of `kernel_meet`, then all unit vectors."""
        return np.frombuffer(self._floats, dtype=np.float64)

    @property
    def ints(self) -> Ints:
        """Read-only: for each volume INT_COLUMNS numbers of `kernel_meet`."""
        return np.frombuffer(self._ints, dtype=np.int64)

    @classmethod
    def from_packed(cls, packed: tuple[bytes, bytes], volumes: Sequence[Volume4D]) -> Self:
        """Return what `prepare(volumes)` has once returned, from its `packed` bytes.

        They must come from the same build of this room: see `compiler.room_hash`.
        """
        bands = tuple((each.volume.altitude_lower, each.volume.altitude_upper) for each in volumes)
        invariant(len(packed[1]) == 8 * INT_COLUMNS * len(bands), "packed volumes belong to the volumes given")
        return cls(packed[0], packed[1], bands)

    @property
    def packed(self) -> tuple[bytes, bytes]:
        """The bytes behind `floats` and `ints`."""
        return self._floats, self._ints


class _Core(NamedTuple):
    """Point, line or ring of one volume, as it came."""

    kind: int
    name: str
    vertices: Sequence[LatLngPoint]
    radius_m: float


def prepare(volumes: Sequence[Volume4D], *, field: str = "volumes", bounds: AltitudeBounds = WORLDWIDE) -> Prepared:
    """Check the volumes of one notice and put them on the sphere.

    `bounds` other than the worldwide ones are for a planner's own sky, never for a line that has not agreed on them.

    Raises:
        Refusal: RING_INVALID, RING_CROSSES, SHAPE_TOO_LARGE, ALTITUDE_ORDER; `field` is the path to the place, such as
            `volumes[3].volume.outline_polygon.vertices[7]`.
    """
    count = len(volumes)
    cores = [_core_of(each.volume) for each in volumes]
    given = np.zeros(count + 1, dtype=np.int64)
    np.cumsum([len(core.vertices) for core in cores], out=given[1:])
    outlines = place(
        np.array([vertex.lat for core in cores for vertex in core.vertices], dtype=np.float64),
        np.array([vertex.lng for core in cores for vertex in core.vertices], dtype=np.float64),
        given,
        np.array([core.kind for core in cores], dtype=np.int64),
        np.array([core.radius_m for core in cores], dtype=np.float64),
        together=True,
    )
    ints = np.zeros((count, INT_COLUMNS), dtype=np.int64)
    ints[:, 3] = np.diff(outlines.first)
    for n, volume4d in enumerate(volumes):
        volume = volume4d.volume
        within = f"{field}[{n}].volume"
        try:
            if outlines.faults[n, 0] != FAULTLESS:
                raise outlines.refusal(n, given, cores[n].name)
            _set_band(volume, outlines.records, n, bounds)
        except Refusal as refusal:
            raise refusal.within(within) from None
        lower, upper = volume.altitude_lower, volume.altitude_upper
        ints[n, 0:3] = (cores[n].kind, REFERENCE_CODES[lower.reference], REFERENCE_CODES[upper.reference])
        ints[n, 4:6] = volume4d.window_ms
    packed = outlines.records.tobytes() + outlines.vectors.tobytes()
    return Prepared(packed, ints.tobytes(), tuple((v.volume.altitude_lower, v.volume.altitude_upper) for v in volumes))


def _core_of(volume: Volume3D) -> _Core:
    if volume.outline_polygon is not None:
        return _Core(POLYGON, "outline_polygon", volume.outline_polygon.vertices, 0.0)
    if volume.outline_circle is not None:
        circle = volume.outline_circle
        return _Core(POINT, "outline_circle", (circle.center,), circle.radius.value)
    if volume.outline_corridor is not None:
        corridor = volume.outline_corridor
        return _Core(CORRIDOR, "outline_corridor", corridor.vertices, corridor.half_width.value)
    raise Refusal(RefusalCode.SHAPE_MISSING, found="no outline", allowed="exactly one outline")


def _set_band(volume: Volume3D, records: Floats, row: int, bounds: AltitudeBounds) -> None:
    """Fill F[7:13]; where the sea stands is told by the cap, which is in the record already."""
    record = records[row]
    lower, upper = volume.altitude_lower, volume.altitude_upper
    if lower.reference is AltitudeReference.W84 and upper.reference is AltitudeReference.W84:
        record[7:13] = (lower.value_m, lower.value_m, upper.value_m, upper.value_m, lower.value_m, upper.value_m)
        return
    geoid_m = geoid_of_record_m(records, row)
    record[7:9], record[9:11] = band_w84_m(lower, upper, geoid_m=geoid_m, bounds=bounds)
    record[11] = lower.value_m
    record[12] = upper.value_m
