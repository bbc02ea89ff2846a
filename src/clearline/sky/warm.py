"""Loading the kernels before the first question is asked."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["warm_up"]


def warm_up(progress: Callable[[str, int, int], None] | None = None) -> None:
    """Compile or load all kernels; `progress(name, done, total)` is told of each step."""
    from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
    from clearline.model.volume import Circle, LatLngPoint, Polygon, Radius, Volume3D, Volume4D, time_at
    from clearline.sky.index import Sky
    from clearline.sky.meeting import describe
    from clearline.sky.prepared import prepare
    from clearline.sky.rules import load_rules

    low = Altitude(0.0, AltitudeReference.W84, AltitudeUnits.M)
    high = Altitude(100.0, AltitudeReference.W84, AltitudeUnits.M)
    ring = Polygon((LatLngPoint(0.0, 0.0), LatLngPoint(0.01, 0.0), LatLngPoint(0.0, 0.01)))
    volumes = [
        Volume4D(
            volume=Volume3D(altitude_lower=low, altitude_upper=high, outline_polygon=ring),
            time_start=time_at(0),
            time_end=time_at(1000),
        ),
        Volume4D(
            volume=Volume3D(
                altitude_lower=low, altitude_upper=high, outline_circle=Circle(LatLngPoint(0.0, 0.0), Radius(100.0))
            ),
            time_start=time_at(0),
            time_end=time_at(1000),
        ),
    ]
    tell = progress or (lambda name, done, total: None)
    tell("prepare", 0, 3)
    prepared = prepare(volumes)
    tell("findings", 1, 3)
    sky = Sky(load_rules("intersect"))
    sky.add(0, prepared, group=0)
    sky.findings(prepared, exclude_group=None)
    tell("describe", 2, 3)
    describe(prepared, prepared, load_rules("intersect"))
    tell("ready", 3, 3)
