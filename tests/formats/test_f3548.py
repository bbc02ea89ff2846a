"""F3548 JSON, rule by rule of the module's docstring; what is written contains what was meant."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from clearline.formats import f3548
from clearline.formats.record import Record
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import (
    Circle,
    Corridor,
    LatLngPoint,
    Polygon,
    Radius,
    Volume3D,
    Volume4D,
    time_at,
)
from tests.formats.volume_strategies import volumes

GEOD = Geod(ellps="WGS84")


def volume_json(**changes: Any) -> dict[str, Any]:
    shape = {
        "outline_circle": {"center": {"lat": 47.0, "lng": 8.0}, "radius": {"value": 100.0, "units": "M"}},
        "altitude_lower": {"value": 100, "reference": "W84", "units": "M"},
        "altitude_upper": {"value": 200, "reference": "W84", "units": "M"},
    }
    return {
        "volume": {name: value for name, value in (shape | changes).items() if value is not ...},
        "time_start": {"value": "2026-11-22T14:00:00Z", "format": "RFC3339"},
        "time_end": {"value": "2026-11-22T15:00:00Z", "format": "RFC3339"},
    }


def read(document: Any) -> Any:
    return f3548.read(json.dumps(document).encode())


REFERENCE = {"id": "2f8343be-6482-4d1b-a474-16847e01af1e", "manager": "uss1", "state": "Accepted", "ovn": "x"}
DETAILS = {"volumes": [volume_json()], "off_nominal_volumes": [], "priority": 5}


@pytest.mark.parametrize(
    "document, place",
    [
        ({"volumes": [volume_json()]}, "operational intent"),
        (DETAILS, "operational intent"),
        ({"off_nominal_volumes": [volume_json()]}, "operational intent"),
        ({"extents": [volume_json()], "key": [], "state": "Accepted"}, "operational intent"),
        ({"reference": REFERENCE, "details": DETAILS}, "operational intent"),
        ({"operational_intent": {"reference": REFERENCE, "details": DETAILS}}, "operational_intent"),
        ({"operational_intents": [{"reference": REFERENCE, "details": DETAILS}]}, "operational_intents[0]"),
        ({"operational_intent_details": DETAILS}, "operational_intent_details"),
        ({"operational_intent_details": [DETAILS]}, "operational_intent_details[0]"),
        ([DETAILS], "[0]"),
        ([{"operational_intent": {"reference": REFERENCE, "details": DETAILS}}], "[0].operational_intent"),
    ],
)
def test_each_form_of_the_standard_is_read(document: Any, place: str) -> None:
    reading = read(document)
    assert not reading.refused, reading.refused
    (record,) = reading.records
    assert record.place == place
    assert record.volumes[0].volume.outline_circle == Circle(LatLngPoint(47.0, 8.0), Radius(100.0))


def test_id_is_the_title_and_priority_is_kept() -> None:
    (record,) = read({"reference": REFERENCE, "details": DETAILS}).records
    assert (record.title, record.priority) == (REFERENCE["id"], 5)


def test_nominal_and_off_nominal_volumes_are_one_notice() -> None:
    (record,) = read({"volumes": [volume_json()], "off_nominal_volumes": [volume_json()]}).records
    assert len(record.volumes) == 2


BAD: list[tuple[str, Any, str, RefusalCode]] = [
    ("no object", 5, "", RefusalCode.MALFORMED),
    ("no volumes", {"volumes": []}, "volumes", RefusalCode.SHAPE_MISSING),
    ("a reference only", {"reference": REFERENCE}, "volumes", RefusalCode.SHAPE_MISSING),
    ("volumes no list", {"volumes": {}}, "volumes", RefusalCode.MALFORMED),
    ("details no object", {"details": 5}, "details", RefusalCode.MALFORMED),
    ("odd priority", {"volumes": [volume_json()], "priority": -1}, "priority", RefusalCode.OUT_OF_RANGE),
    (
        "no upper",
        {"volumes": [volume_json(altitude_upper=...)]},
        "volumes[0].volume.altitude_upper",
        RefusalCode.MALFORMED,
    ),
    (
        "feet as W84",
        {"details": {"volumes": [volume_json(altitude_upper={"value": 1, "reference": "W84", "units": "FL"})]}},
        "details.volumes[0].volume.altitude_upper.units",
        RefusalCode.OUT_OF_RANGE,
    ),
    (
        "no outline",
        {"volumes": [volume_json(outline_circle=...)]},
        "volumes[0].volume.outline_polygon",
        RefusalCode.SHAPE_MISSING,
    ),
    ("unknown field", {"volumes": [volume_json(colour="red")]}, "volumes[0].volume.colour", RefusalCode.UNKNOWN_FIELD),
    (
        "latitude 95",
        {
            "volumes": [
                volume_json(outline_circle={"center": {"lat": 95, "lng": 8}, "radius": {"value": 1, "units": "M"}})
            ]
        },
        "volumes[0].volume.outline_circle.center.lat",
        RefusalCode.OUT_OF_RANGE,
    ),
]


@pytest.mark.parametrize("bad, field, code", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_intent_is_named_and_the_rest_is_kept(bad: Any, field: str, code: RefusalCode) -> None:
    reading = read({"operational_intents": [DETAILS, bad, DETAILS]})
    assert len(reading.records) == 2
    (refused,) = reading.refused
    assert refused.place == "operational_intents[1]"
    assert (refused.refusal.field, refused.refusal.code) == (field, code)


def test_what_is_none_of_the_standard_is_refused_whole() -> None:
    with pytest.raises(Refusal) as caught:
        read({"type": "FeatureCollection"})
    assert caught.value.code is RefusalCode.UNKNOWN_FORMAT


@given(st.lists(volumes((AltitudeReference.W84,), with_corridors=False), min_size=1, max_size=3))
def test_what_the_standard_can_say_is_read_back(each: list[Volume4D]) -> None:
    writing = f3548.write([Record(place="", title="a", volumes=tuple(each))])
    assert not writing.losses
    (record,) = f3548.read(writing.source).records
    for said, heard in zip(each, record.volumes, strict=True):
        assert (heard.volume.outline_polygon, heard.volume.outline_circle) == (
            said.volume.outline_polygon,
            said.volume.outline_circle,
        )
        assert (heard.time_start, heard.time_end) == (said.time_start, said.time_end)
        assert heard.volume.altitude_upper.units is AltitudeUnits.M
        assert heard.volume.altitude_upper.value == said.volume.altitude_upper.value_m


def test_other_references_are_refused_not_converted() -> None:
    level = Altitude(100.0, AltitudeReference.FL, AltitudeUnits.FL)
    shape = Volume3D(
        altitude_lower=level, altitude_upper=level, outline_circle=Circle(LatLngPoint(0.0, 0.0), Radius(1.0))
    )
    volume = Volume4D(volume=shape, time_start=time_at(0), time_end=time_at(1))
    with pytest.raises(Refusal) as caught:
        f3548.write([Record(place="", title="a", volumes=(volume,))])
    assert caught.value.field == "a: volumes[0].volume.altitude_lower"


def test_a_corridor_is_contained_in_the_polygons_written_for_it() -> None:
    """10 corridors anywhere, thin to 200 km wide, edges to 500 km: 200 places of each at the very edge are inside."""
    seed = 20261122
    rng = random.Random(seed)
    for number in range(10):
        corridor = _random_corridor(rng)
        band = Altitude(100.0, AltitudeReference.W84, AltitudeUnits.M)
        shape = Volume3D(altitude_lower=band, altitude_upper=band, outline_corridor=corridor)
        volume = Volume4D(volume=shape, time_start=time_at(0), time_end=time_at(1))
        writing = f3548.write([Record(place="", title="a", volumes=(volume,))])
        assert len(writing.losses) == 1
        (record,) = f3548.read(writing.source).records
        polygons = [each.volume.outline_polygon for each in record.volumes]
        for _ in range(200):
            place = _place_in_corridor(rng, corridor)
            inside = any(polygon is not None and _holds(polygon, place) for polygon in polygons)
            assert inside, f"seed {seed}, corridor {number}: {place} of {corridor}"


def _random_corridor(rng: random.Random) -> Corridor:
    lng, lat = rng.uniform(-180.0, 180.0), rng.uniform(-85.0, 85.0)
    vertices = [LatLngPoint(lat, lng)]
    for _ in range(rng.randint(1, 4)):
        lng, lat, _ = GEOD.fwd(lng, lat, rng.uniform(0.0, 360.0), 10.0 ** rng.uniform(1.0, 5.7))
        vertices.append(LatLngPoint(lat, lng))
    return Corridor(tuple(vertices), Radius(10.0 ** rng.uniform(0.0, 5.0)))


def _place_in_corridor(rng: random.Random, corridor: Corridor) -> LatLngPoint:
    """Return a place exactly `half_width` from some place of the line."""
    edge = rng.randrange(len(corridor.vertices) - 1)
    a, b = corridor.vertices[edge : edge + 2]
    azimuth, _, length_m = GEOD.inv(a.lng, a.lat, b.lng, b.lat)
    lng, lat, _ = GEOD.fwd(a.lng, a.lat, azimuth, length_m * rng.random())
    lng, lat, _ = GEOD.fwd(lng, lat, rng.uniform(0.0, 360.0), corridor.half_width.value)
    return LatLngPoint(lat, lng)


def _holds(polygon: Polygon, place: LatLngPoint) -> bool:
    """Count how often the ring turns around `place`, seen from there: no projection of the whole polygon needed.

    The azimuth to a vertex walking along a geodesic edge turns by less than half a circle, so turns add up exactly.
    """
    ring = [*polygon.vertices, polygon.vertices[0]]
    azimuths = [GEOD.inv(place.lng, place.lat, vertex.lng, vertex.lat)[0] for vertex in ring]
    turned = sum(math.remainder(after - before, 360.0) for before, after in pairwise(azimuths))
    return abs(turned) > 180.0
