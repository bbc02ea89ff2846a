"""The geoid: between which heights above the WGS84 ellipsoid mean sea level lies at a place.

Rules
 * An interval, never a value: the least and greatest height of EGM96 over the cells of one degree that the place meets,
   widened by `MODEL_APART_M`. International aviation means EGM96 by "mean sea level" (ICAO Annex 15, 1.2.2); receivers
   and charts use EGM96, EGM2008 or a national height, and all are held.
 * The table is part of the release: another one is refused, so that two machines of one release have the same heights.
 * Poles and antimeridian are places like any other. A box that runs over the antimeridian has `lng_min` > `lng_max`.

`MODEL_APART_M` is 12 m: EGM2008 and EGM96 differ by 10 m at most, in ocean trenches (0.5 m rms; US Naval
Academy, MICRODEM manual; at 7,381 places three degrees apart we found -6.9 to +4.0 m); 2 m are for national heights.

Degrees WGS84, metres. Source: EGM96 on 15 minutes (NGA, public domain), by `tools/make_geoid_table.py`; R13.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from clearline.model.refusal import invariant
from clearline.sky.kernel_geoid import Table, box_range, cap_range, cap_ranges
from clearline.sky.kernel_shape import Floats

__all__ = ["MODEL_APART_M", "geoid_interval_m", "geoid_intervals_of_records_m", "geoid_of_record_m", "geoid_table"]

MODEL_APART_M: Final = 12.0
TABLE_SHA256: Final = "0af0673e93cbddb83d40cf69dd49d4cfa7734b1ce1277247b27c206f3cfde77d"
"""Names the table; being in a source of this room, it is also part of `compiler.room_hash`."""


@cache
def geoid_table() -> Table:
    """Return the table as `kernel_geoid` takes it."""
    source = files("clearline.sky").joinpath("data", "geoid.bin").read_bytes()
    invariant(hashlib.sha256(source).hexdigest() == TABLE_SHA256, "the geoid's table is that of this release")
    return np.frombuffer(source, dtype=np.int8).reshape(2, 180, 360)


def geoid_interval_m(lat_min: float, lat_max: float, lng_min: float, lng_max: float) -> tuple[float, float]:
    """Return (lowest, highest) height of mean sea level above the ellipsoid in a closed box.

    Raises:
        InternalError: the box is none: latitudes off the earth or in the wrong order, longitudes off -180..180.
    """
    invariant(-90.0 <= lat_min <= lat_max <= 90.0, f"latitudes {lat_min} and {lat_max} bound a box")
    invariant(
        -180.0 <= lng_min <= 180.0 and -180.0 <= lng_max <= 180.0, f"longitudes {lng_min}, {lng_max} are on earth"
    )
    across = lng_max - lng_min if lng_min <= lng_max else lng_max - lng_min + 360.0
    lowest, highest = box_range(geoid_table(), lat_min, lat_max, lng_min, across)
    return lowest - MODEL_APART_M, highest + MODEL_APART_M


def geoid_of_record_m(floats: Floats, place: int) -> tuple[float, float]:
    """Return the interval around volume `place` of records (`kernel_meet`), whose cap and radius are set already."""
    lowest, highest = cap_range(geoid_table(), floats, place)
    return lowest - MODEL_APART_M, highest + MODEL_APART_M


def geoid_intervals_of_records_m(floats: Floats) -> Floats:
    """Return the intervals of all records, one row each: the same numbers as `geoid_of_record_m`."""
    ranges = cap_ranges(geoid_table(), floats)
    ranges[:, 0] -= MODEL_APART_M
    ranges[:, 1] += MODEL_APART_M
    return ranges
