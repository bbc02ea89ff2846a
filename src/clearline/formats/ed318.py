"""ED-318: UAS geographical zones as GeoJSON, in the dialects known.

Rules
 * A FeatureCollection or one Feature. What is said of a zone stands in `properties`, or there under `UASZone` (Spain).
 * Limits stand in the `layer` of each geometry, or in `properties` under `layer` or `verticalLayer`, or plainly in
   `properties` (Spain). Without a unit they are metres.
 * A Point with `extent` is a circle; a GeometryCollection has a layer for each part. Holes are filled.
 * `type` says the kind, `limitedApplicability` when; the same names plainly in `properties` are one period (Spain).

For what is read from a zone, and what is not, see `geozone`. Source: EUROCAE ED-318 (2024), by its public schema
(UASGeoZones/ED-318, MIT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clearline.formats.geozone import (
    Json,
    Part,
    Published,
    band_of,
    gather,
    is_restriction,
    looks_like,
    periods_of,
    refuse_other_reference_system,
)
from clearline.formats.geozone_shape import flattened, outlines_of
from clearline.formats.json_text import parse_json
from clearline.formats.record import FileFormat, Reading
from clearline.model import limits
from clearline.model.refusal import Refusal, RefusalCode

__all__ = ["is_ed318", "read", "read_plain"]

_PERIOD: Final = ("startDateTime", "endDateTime")
_DAILY: Final = ("day", "startTime", "startEvent", "endTime", "endEvent")


def is_ed318(plain: object) -> bool:
    """Tell whether a JSON value has a feature with the names that only ED-318 has."""
    return isinstance(plain, dict) and looks_like(_features(plain), _is_zone)


def read(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read the bytes of an ED-318 file.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FORMAT for the file as a whole.
    """
    return read_plain(parse_json(source, bytes_max=bytes_max))


def read_plain(plain: object) -> Reading:
    """Read a JSON value as ED-318; see `read`."""
    features = _features(plain) if isinstance(plain, dict) else None
    if not isinstance(plain, dict) or not isinstance(features, list):
        allowed = "a FeatureCollection or a Feature"
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, found=type(plain).__name__, allowed=allowed)
    refuse_other_reference_system(plain)
    if plain.get("type") == "Feature":
        return gather(FileFormat.ED318, [("feature", plain)], _facts, _publish)
    places = ((f"features[{index}]", feature) for index, feature in enumerate(features))
    return gather(FileFormat.ED318, places, _facts, _publish)


def _features(plain: Json) -> object:
    return [plain] if plain.get("type") == "Feature" else plain.get("features")


def _properties(feature: object) -> Json:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _facts(feature: object) -> Json:
    properties = _properties(feature)
    nested = properties.get("UASZone")
    return nested if isinstance(nested, dict) else properties


def _is_zone(feature: Json) -> bool:
    properties, facts = _properties(feature), _facts(feature)
    if "UASZone" in properties or "limitedApplicability" in properties:
        return True
    if "identifier" not in facts:
        return False
    return "variant" in facts or "zoneAuthority" in facts or is_restriction(facts.get("type"))


def _publish(feature: Json) -> Published:
    properties, facts = _properties(feature), _facts(feature)
    prefix = "properties.UASZone" if "UASZone" in properties else "properties"
    return Published(
        restriction=facts.get("type"),
        restriction_field=f"{prefix}.type",
        parts=list(_shapes(feature, properties)),
        periods=periods_of(_periods(properties, facts), field="properties.limitedApplicability"),
    )


def _periods(properties: Json, facts: Json) -> object:
    listed = properties.get("limitedApplicability", facts.get("limitedApplicability"))
    if listed is not None:
        return listed
    period = {name: properties[name] for name in _PERIOD if properties.get(name)}
    daily = {name: properties[name] for name in _DAILY if properties.get(name)}
    return [{**period, "schedule": [daily]} if daily else period] if period or daily else None


def _shapes(feature: Json, properties: Json) -> Iterator[Part]:
    shared = next(
        ((f"properties.{name}", properties[name]) for name in ("layer", "verticalLayer") if properties.get(name)),
        ("properties", properties),
    )
    for where, geometry, layer in flattened(feature.get("geometry"), "geometry"):
        field, limits_said = (f"{where}.layer", layer) if layer is not None else shared
        if not isinstance(limits_said, dict):
            raise Refusal(RefusalCode.MALFORMED, field=field, found=limits_said, allowed="an object with limits")
        band = band_of(
            limits_said.get("lower"),
            limits_said.get("upper"),
            (limits_said.get("lowerReference"), limits_said.get("upperReference")),
            limits_said.get("uom") or limits_said.get("UOM"),
            field=field,
        )
        for outline in outlines_of(geometry, where, extent=properties.get("extent")):
            yield Part(outline, band)
