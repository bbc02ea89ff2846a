"""Loading the kernels before the first question is asked: half a second from the cache, about a minute without.

Every kernel is called once with the types it meets in use, so that no later call compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.trajectory import Trajectory, TrajectoryPoint
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Volume3D, Volume4D, time_at
from clearline.model.zone import Side, Zone, ZoneKind, ZoneSide
from clearline.sky.columns import Columns
from clearline.sky.index import Sky
from clearline.sky.kernel_grid import ROOM_BUCKETS
from clearline.sky.meeting import describe
from clearline.sky.prepared import Prepared, prepare
from clearline.sky.rules import load_rules
from clearline.sky.storage import move_together, with_more
from clearline.sky.trajectory import prepare_trajectory
from clearline.sky.zones import Zones

__all__ = ["warm_up"]

_RING: Final = Polygon((LatLngPoint(0.0, 0.0), LatLngPoint(0.2, 0.0), LatLngPoint(0.0, 0.01)))


def warm_up(progress: Callable[[str, int, int], None] | None = None) -> None:
    """Compile all kernels, or load them; `progress(name, done, total)` is told before each step and at the end."""
    steps: list[tuple[str, Callable[[], object]]] = [
        ("shapes", _prepared),
        ("grid", _put_and_take),
        ("findings", _ask),
        ("columns", _many),
        ("flights", _fly),
        ("meetings", lambda: describe(_prepared(), _prepared(), load_rules("threes"))),
        ("zones", _zones),
    ]
    for done, (name, step) in enumerate(steps):
        if progress is not None:
            progress(name, done, len(steps))
        step()
    if progress is not None:
        progress("ready", len(steps), len(steps))


def _volume(
    *, polygon: Polygon | None = None, circle: Circle | None = None, corridor: Corridor | None = None
) -> Volume4D:
    low = Altitude(0.0, AltitudeReference.W84, AltitudeUnits.M)
    high = Altitude(300.0, AltitudeReference.AMSL, AltitudeUnits.M)
    volume = Volume3D(
        altitude_lower=low,
        altitude_upper=high,
        outline_polygon=polygon,
        outline_circle=circle,
        outline_corridor=corridor,
    )
    return Volume4D(volume=volume, time_start=time_at(0), time_end=time_at(1000))


@cache
def _prepared() -> Prepared:
    middle = LatLngPoint(0.0, 0.0)
    line = Corridor((middle, LatLngPoint(0.0, 0.01)), Radius(100.0))
    return prepare([_volume(polygon=_RING), _volume(circle=Circle(middle, Radius(100.0))), _volume(corridor=line)])


@cache
def _held() -> Sky:
    sky = Sky(load_rules("threes"))
    sky.add(0, _prepared(), group=0)
    return sky


def _put_and_take() -> None:
    sky = Sky(load_rules("intersect"))
    sky.add(0, _prepared(), group=0)
    with_more(sky._grid, ROOM_BUCKETS)  # noqa: SLF001  the same room: kernels that only a large sky calls
    move_together(sky._rows)  # noqa: SLF001
    sky.replace(0, _prepared(), group=0)
    sky.remove(0)


def _ask() -> None:
    _held().findings(_prepared(), exclude_group=1)
    _held().findings_without_grid(_prepared(), exclude_group=None)


def _many() -> None:
    columns = Columns.from_prepared([_prepared()])
    sky = Sky(load_rules("threes"))
    sky.add_columns(columns, range(len(columns)))
    sky.findings_of(columns)
    sky.add(len(columns), _prepared(), group=0)
    sky.pairs()


def _fly() -> None:
    height = Altitude(50.0, AltitudeReference.W84, AltitudeUnits.M)
    flown = Trajectory(
        points=tuple(TrajectoryPoint(LatLngPoint(0.0, 0.001 * k), height, 500 * k) for k in range(3)),
        buffer_lateral_m=10.0,
    )
    moving = prepare_trajectory(flown)
    for rules in (load_rules("threes"), load_rules("do-365-like")):
        sky = Sky(rules)
        sky.add(0, moving, group=0)
        sky.findings(moving)
        sky.findings(_prepared())
        describe(moving, _prepared(), rules)
        describe(moving, moving, rules)


def _zones() -> None:
    place = (LatLngPoint(0.0, -0.1), LatLngPoint(0.0, 0.1))
    line = Zone(
        zone_id="line",
        kind=ZoneKind.DIVIDING_LINE,
        volumes=(_volume(corridor=Corridor(place, Radius(100.0))).volume,),
        sides=(ZoneSide("north", Side.LEFT),),
        depth_m=10_000.0,
    )
    Zones([line], load_rules("threes"), (0, 1_000_000)).findings(_prepared(), "north")
