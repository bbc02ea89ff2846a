"""Volumes for property tests: everything the model takes, whether a sky could use it or not."""

from __future__ import annotations

from hypothesis import strategies as st

from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Time, Volume3D, Volume4D, time_at

_DAY_MS = 86_400_000

points = st.builds(LatLngPoint, st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
radii = st.builds(Radius, st.floats(0.001, 250_000.0))


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    return Polygon(tuple(draw(st.lists(points, min_size=3, max_size=8, unique=True))))


@st.composite
def corridors(draw: st.DrawFn) -> Corridor:
    return Corridor(tuple(draw(st.lists(points, min_size=2, max_size=8, unique=True))), draw(radii))


@st.composite
def bands(draw: st.DrawFn, references: tuple[AltitudeReference, ...]) -> tuple[Altitude, Altitude]:
    reference = draw(st.sampled_from(references))
    if reference is AltitudeReference.FL:
        low, high = sorted(draw(st.lists(st.floats(0.0, 999.0), min_size=2, max_size=2)))
        return Altitude(low, reference, AltitudeUnits.FL), Altitude(high, reference, AltitudeUnits.FL)
    units = draw(st.sampled_from([AltitudeUnits.M, AltitudeUnits.FT]))
    low, high = sorted(draw(st.lists(st.floats(-900.0, 50_000.0), min_size=2, max_size=2)))
    return Altitude(low, reference, units), Altitude(high, reference, units)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Time, Time]:
    start_ms = draw(st.integers(0, 4_000_000_000_000))
    return time_at(start_ms), time_at(start_ms + draw(st.integers(1, 366 * _DAY_MS)))


@st.composite
def volumes(
    draw: st.DrawFn,
    references: tuple[AltitudeReference, ...] = tuple(AltitudeReference),
    *,
    with_corridors: bool = True,
) -> Volume4D:
    lower, upper = draw(bands(references))
    start, end = draw(windows())
    kind = draw(st.sampled_from(["polygon", "circle", "corridor"] if with_corridors else ["polygon", "circle"]))
    shape = Volume3D(
        altitude_lower=lower,
        altitude_upper=upper,
        outline_polygon=draw(polygons()) if kind == "polygon" else None,
        outline_circle=Circle(draw(points), draw(radii)) if kind == "circle" else None,
        outline_corridor=draw(corridors()) if kind == "corridor" else None,
    )
    return Volume4D(volume=shape, time_start=start, time_end=end)
