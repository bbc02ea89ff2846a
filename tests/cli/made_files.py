"""Small files for the tests of `clearline check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"

RANGE = """\
AC R
AN Range
AL 0 ft MSL
AH 3000 ft MSL
V X=47:00:00 N 008:00:00 E
DC 2

"""
"""A restricted zone around 47 N 8 E, 3.7 km in radius, always active."""

RADIO = RANGE.replace("AC R", "AC RMZ").replace("Range", "Radio")

TRACK = """\
flight,time,lat,lng,altitude_m
T-1,2026-11-22T14:10:00Z,47.0,7.9,150
T-1,2026-11-22T14:20:00Z,47.0,8.1,150
"""
"""Through the circle that `circle` makes, along its middle."""


def circle(name: str, *, lng: float = 8.0, lat: float = 47.0, **changes: Any) -> dict[str, Any]:
    """Return a feature: 1 km around 47 N 8 E, 100 to 200 m, an hour."""
    properties = {
        "name": name,
        "radius_m": 1000,
        "lower": 100,
        "upper": 200,
        "start": "2026-11-22T14:00:00Z",
        "end": "2026-11-22T15:00:00Z",
    } | changes
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lng, lat]}, "properties": properties}


def written(path: Path, *features: Any) -> Path:
    """Write a FeatureCollection."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return path


def said(path: Path, text: str) -> Path:
    """Write text."""
    path.write_text(text, encoding="utf-8")
    return path
