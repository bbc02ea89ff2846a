"""A zone's volumes with a day around them, so that the sky can place them."""

from __future__ import annotations

from clearline.model.volume import Volume4D, time_at
from clearline.model.zone import DAY_MS, Zone

START_MS = 1_795_305_600_000


def volumes_of_a_day(zone: Zone) -> list[Volume4D]:
    start, end = time_at(START_MS), time_at(START_MS + DAY_MS)
    return [Volume4D(volume=volume, time_start=start, time_end=end) for volume in zone.volumes]
