"""Notices whose conflicts are known without any geometry: places, levels and hours far apart, or the same.

Two notices conflict IFF they share a place, a level and an hour. Everything else lies many separations away, so no
rounding and no rule of `sky` is near. Ended notices conflict with nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import final

from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.notice import Notice
from clearline.model.volume import Circle, LatLngPoint, Radius, Volume3D, Volume4D, time_at
from clearline.testing.simulated_ports import EPOCH_MS

__all__ = ["Slot", "random_slot", "slot_of", "volume_in"]

PLACES = 8
LEVELS = 2
HOURS = 2
_HOUR_MS = 3_600_000


@final
@dataclass(frozen=True, slots=True)
class Slot:
    """Places, levels and hours that a notice takes up: one of each for each volume."""

    cells: frozenset[tuple[int, int, int]]

    def conflicts(self, other: Slot) -> bool:
        """True IFF the two share a cell."""
        return not self.cells.isdisjoint(other.cells)


def random_slot(source: random.Random) -> Slot:
    """Draw one or two cells."""
    count = source.choice((1, 1, 2))
    cells = {(source.randrange(PLACES), source.randrange(LEVELS), source.randrange(HOURS)) for _ in range(count)}
    return Slot(frozenset(cells))


def volume_in(cell: tuple[int, int, int]) -> Volume4D:
    """Return a volume that takes up a cell: 200 km, 5,000 m and an hour from any other."""
    place, level, hour = cell
    start_ms = EPOCH_MS + 2 * hour * _HOUR_MS
    return Volume4D(
        volume=Volume3D(
            outline_circle=Circle(LatLngPoint(10.0 + 2.0 * place, 20.0), Radius(1_000.0)),
            altitude_lower=Altitude(500.0 + 5_000.0 * level, AltitudeReference.W84, AltitudeUnits.M),
            altitude_upper=Altitude(800.0 + 5_000.0 * level, AltitudeReference.W84, AltitudeUnits.M),
        ),
        time_start=time_at(start_ms),
        time_end=time_at(start_ms + _HOUR_MS),
    )


def slot_of(notice: Notice) -> Slot | None:
    """Read back which cells a notice takes up; None for an ended one."""
    cells = set()
    for volume in notice.volumes:
        circle = volume.volume.outline_circle
        if circle is None:
            raise ValueError("not a volume of this simulation")
        place = round((circle.center.lat - 10.0) / 2.0)
        level = round((volume.volume.altitude_lower.value - 500.0) / 5_000.0)
        hour = round((volume.window_ms[0] - EPOCH_MS) / (2 * _HOUR_MS))
        cells.add((place, level, hour))
    return Slot(frozenset(cells)) if cells else None
