"""GeoJSON (RFC 7946), read and written.

Rules of reading
 * A FeatureCollection or a Feature. Each feature is one notice; features with the same text in `notice` are one.
 * Polygon: one closed ring, no holes; Point with `radius_m`; LineString with `width_m` (from edge to edge).
   Multi-geometries are several volumes with the same heights and times.
 * `lower`, `upper`: a number is metres W84; text as `parse_altitude` reads it; or the object of F3548.
 * `start`, `end`: RFC 3339 with zone. `aircraft_class` and `priority` may be said. All else is passed over, a third
   coordinate included: heights are said by `lower` and `upper` only.
 * Positions are [longitude, latitude] in degrees WGS84. A file that names another reference system is refused.
 * A bad feature is reported with its place and field; the others are kept.

Rules of writing
 * One feature a volume; `notice` joins the volumes of one notice. Reading it again yields the same volumes.

Source: RFC 7946 §3, §4; issue "A line between two parties", point 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clearline.formats.json_text import parse_json, refuse_unfit
from clearline.formats.record import FileFormat, Reading, Record, RefusedRecord, title_of
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits, altitude_text, parse_altitude
from clearline.model.decode import convert
from clearline.model.identity import AircraftClass
from clearline.model.instant import parse_instant
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode, shown
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Time, Volume3D, Volume4D

__all__ = ["is_geojson", "read", "read_plain", "volume_feature", "write", "write_features"]

_GEOMETRIES = ("Polygon", "Point", "LineString", "MultiPolygon", "MultiPoint", "MultiLineString")
_TYPES = frozenset((*_GEOMETRIES, "GeometryCollection", "Feature", "FeatureCollection"))
_CRS_SAME = ("CRS84", "EPSG::4326", "EPSG:4326")
"""Names, as old files write them, of the one reference system that GeoJSON has."""
_FIELD_OF_MODEL = {
    "altitude_lower": "properties.lower",
    "altitude_upper": "properties.upper",
    "time_start": "properties.start",
    "time_end": "properties.end",
}

Json = dict[str, Any]


def is_geojson(plain: object) -> bool:
    """Tell whether a JSON value says of itself that it is GeoJSON."""
    return isinstance(plain, dict) and isinstance(plain.get("type"), str) and plain["type"] in _TYPES


def read(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read the bytes of a GeoJSON file.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FORMAT for the file as a whole.
    """
    return read_plain(parse_json(source, bytes_max=bytes_max))


def read_plain(plain: object) -> Reading:
    """Read a JSON value as GeoJSON; see `read`."""
    if not isinstance(plain, dict) or plain.get("type") not in ("FeatureCollection", "Feature"):
        kind = plain.get("type") if isinstance(plain, dict) else type(plain).__name__
        raise Refusal(
            RefusalCode.UNKNOWN_FORMAT,
            field="type",
            found=kind,
            allowed="Feature or FeatureCollection: a geometry alone has no heights and no times",
        )
    _refuse_other_reference_system(plain)
    if plain["type"] == "Feature":
        return _gather([("feature", 1, plain)])
    features = plain.get("features")
    if not isinstance(features, list):
        raise Refusal(RefusalCode.MALFORMED, field="features", found=features, allowed="a list of features")
    return _gather((f"features[{index}]", index + 1, feature) for index, feature in enumerate(features))


def _gather(features: Iterable[tuple[str, int, object]]) -> Reading:
    records: list[Record] = []
    refused: list[RefusedRecord] = []
    index_of_notice: dict[str, int] = {}
    for place, number, feature in features:
        title = _title(feature, number)
        try:
            record = _record(feature, place, title)
            notice = _notice_name(feature)
        except Refusal as refusal:
            refused.append(RefusedRecord(place=place, title=title, refusal=refusal))
            continue
        if notice is None:
            records.append(record)
        elif notice in index_of_notice:
            first = records[index_of_notice[notice]]
            records[index_of_notice[notice]] = replace(
                first, volumes=first.volumes + record.volumes, outlines=first.outlines + record.outlines
            )
        else:
            index_of_notice[notice] = len(records)
            records.append(record)
    return Reading(file_format=FileFormat.GEOJSON, records=tuple(records), refused=tuple(refused))


def _title(feature: object, number: int) -> str:
    if not isinstance(feature, dict):
        return f"feature {number}"
    properties = feature.get("properties")
    name = properties.get("name") if isinstance(properties, dict) else None
    return title_of(name, feature.get("id"), otherwise=f"feature {number}")


def _notice_name(feature: object) -> str | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    notice = properties.get("notice") if isinstance(properties, dict) else None
    if notice is None:
        return None
    if not isinstance(notice, str) or not notice.strip():
        raise Refusal(RefusalCode.MALFORMED, field="properties.notice", found=notice, allowed="text, or left out")
    return notice


def _record(feature: object, place: str, title: str) -> Record:
    refuse_unfit(feature)
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        found = feature.get("type") if isinstance(feature, dict) else feature
        raise Refusal(RefusalCode.MALFORMED, field="type", found=found, allowed="Feature")
    _refuse_other_reference_system(feature)
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        allowed = "an object with lower, upper, start, end"
        raise Refusal(RefusalCode.MALFORMED, field="properties", found=_named(properties), allowed=allowed)
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict):
        allowed = f"a geometry: {', '.join(_GEOMETRIES)}"
        raise Refusal(RefusalCode.SHAPE_MISSING, field="geometry", found=_named(geometry), allowed=allowed)
    outlines = _outlines(geometry, properties)
    lower, upper = _altitude(properties, "lower"), _altitude(properties, "upper")
    start, end = _time(properties, "start"), _time(properties, "end")
    try:
        volumes = tuple(
            Volume4D(
                volume=Volume3D(altitude_lower=lower, altitude_upper=upper, **outline), time_start=start, time_end=end
            )
            for _, outline in outlines
        )
    except FieldRefusal as refusal:
        raise _placed(refusal.refusal) from None
    return Record(
        place=place,
        title=title,
        volumes=volumes,
        outlines=tuple(where for where, _ in outlines),
        aircraft_class=_aircraft_class(properties),
        priority=_priority(properties),
    )


def _placed(refusal: Refusal) -> Refusal:
    field = _FIELD_OF_MODEL.get(refusal.field, refusal.field)
    return Refusal(refusal.code, field=field, found=refusal.found, allowed=refusal.allowed)


def _refuse_other_reference_system(holder: Mapping[str, Any]) -> None:
    text = json.dumps(holder.get("crs"), default=str)
    if text != "null" and not any(name in text for name in _CRS_SAME):
        allowed = "no crs: GeoJSON is always WGS84 longitude and latitude (RFC 7946 §4)"
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, field="crs", found=text, allowed=allowed)


# --- geometry


def _outlines(geometry: Json, properties: Json) -> list[tuple[str, Json]]:
    """Return (place of the vertices, outline as keyword of Volume3D) for each part."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    place = "geometry.coordinates"
    if kind not in _GEOMETRIES:
        raise Refusal(RefusalCode.SHAPE_MISSING, field="geometry.type", found=kind, allowed=", ".join(_GEOMETRIES))
    if not isinstance(coordinates, list) or not coordinates:
        raise Refusal(RefusalCode.SHAPE_MISSING, field=place, found=coordinates, allowed="a list of coordinates")
    parts: list[tuple[str, object]] = [(place, coordinates)]
    if kind.startswith("Multi"):
        parts = [(f"{place}[{index}]", part) for index, part in enumerate(coordinates)]
        if len(parts) > limits.VOLUMES_MAX:
            allowed = f"at most {limits.VOLUMES_MAX}"
            raise Refusal(RefusalCode.OVER_LIMIT, field=place, found=f"{len(parts)} parts", allowed=allowed)
    match kind.removeprefix("Multi"):
        case "Polygon":
            return [_polygon(part, where) for where, part in parts]
        case "Point":
            radius = _length(properties, "radius_m", scale=1.0)
            return [(where, {"outline_circle": Circle(_point(part, where), radius)}) for where, part in parts]
        case _:
            half_width = _length(properties, "width_m", scale=0.5)
            return [_corridor(part, where, half_width) for where, part in parts]


def _polygon(part: object, where: str) -> tuple[str, Json]:
    if not isinstance(part, list) or not part:
        raise Refusal(RefusalCode.SHAPE_MISSING, field=where, found=part, allowed="a list with one ring")
    if len(part) > 1:
        allowed = "an outline without holes: cut it into parts that have none"
        raise Refusal(RefusalCode.RING_INVALID, field=f"{where}[1]", found="a hole", allowed=allowed)
    ring_place = f"{where}[0]"
    vertices = _points(part[0], ring_place)
    if len(vertices) < 4:
        allowed = "4 or more, the last equal to the first (RFC 7946 §3.1.6)"
        raise Refusal(RefusalCode.RING_INVALID, field=ring_place, found=f"{len(vertices)} positions", allowed=allowed)
    if vertices[0] != vertices[-1]:
        raise Refusal(
            RefusalCode.RING_INVALID,
            field=f"{ring_place}[{len(vertices) - 1}]",
            found="a ring that is not closed",
            allowed="a last position equal to the first (RFC 7946 §3.1.6)",
        )
    try:
        return ring_place, {"outline_polygon": Polygon(vertices[:-1])}
    except FieldRefusal as refusal:
        raise _within_coordinates(refusal.refusal, ring_place) from None


def _corridor(part: object, where: str, half_width: Radius) -> tuple[str, Json]:
    vertices = _points(part, where)
    try:
        return where, {"outline_corridor": Corridor(vertices, half_width)}
    except FieldRefusal as refusal:
        raise _within_coordinates(refusal.refusal, where) from None


def _within_coordinates(refusal: Refusal, where: str) -> Refusal:
    field = where + refusal.field.removeprefix("vertices")
    return Refusal(refusal.code, field=field, found=refusal.found, allowed=refusal.allowed)


def _points(source: object, where: str) -> tuple[LatLngPoint, ...]:
    if not isinstance(source, list):
        raise Refusal(RefusalCode.MALFORMED, field=where, found=source, allowed="a list of positions")
    if len(source) > limits.OUTLINE_VERTICES_MAX + 1:
        allowed = f"at most {limits.OUTLINE_VERTICES_MAX}"
        raise Refusal(RefusalCode.OVER_LIMIT, field=where, found=f"{len(source)} positions", allowed=allowed)
    return tuple(_point(position, f"{where}[{index}]") for index, position in enumerate(source))


def _point(source: object, where: str) -> LatLngPoint:
    numbers = source if isinstance(source, list) else []
    if not 2 <= len(numbers) <= 4 or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers):
        raise Refusal(RefusalCode.MALFORMED, field=where, found=source, allowed="[longitude, latitude] in degrees")
    longitude, latitude = float(numbers[0]), float(numbers[1])
    if not -90.0 <= latitude <= 90.0:
        swapped = -90.0 <= longitude <= 90.0 and -180.0 <= latitude <= 180.0
        hint = "; longitude and latitude look swapped: GeoJSON writes [longitude, latitude]" if swapped else ""
        raise Refusal(
            RefusalCode.OUT_OF_RANGE,
            field=f"{where}[1]",
            found=f"latitude {latitude:g}",
            allowed=f"-90 to 90 degrees{hint}",
        )
    if not -180.0 <= longitude <= 180.0:
        allowed = "-180 to 180 degrees (RFC 7946 §3.1.9: cut or wrap at the antimeridian)"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=f"{where}[0]", found=f"longitude {longitude:g}", allowed=allowed)
    return LatLngPoint(latitude, longitude)


def _length(properties: Json, name: str, *, scale: float) -> Radius:
    value = properties.get(name)
    field = f"properties.{name}"
    allowed = f"metres, more than 0, at most {limits.RADIUS_M_MAX / scale:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal(RefusalCode.MALFORMED, field=field, found=_named(value), allowed=allowed)
    try:
        return Radius(float(value) * scale)
    except FieldRefusal:
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=field, found=value, allowed=allowed) from None


# --- properties


def _altitude(properties: Json, name: str) -> Altitude:
    value = properties.get(name)
    field = f"properties.{name}"
    if isinstance(value, dict):
        try:
            return convert(Altitude, value)
        except Refusal as refusal:
            raise refusal.within(field) from None
    try:
        return parse_altitude(value if isinstance(value, (str, int, float)) else _named(value))
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=field, found=cause.found, allowed=cause.allowed) from None


def _time(properties: Json, name: str) -> Time:
    value = properties.get(name)
    try:
        text = value if isinstance(value, str) else _named(value)
        parse_instant(text)
        return Time(text)
    except FieldRefusal as refusal:
        cause = refusal.refusal
        raise Refusal(cause.code, field=f"properties.{name}", found=cause.found, allowed=cause.allowed) from None


def _named(value: object) -> str:
    return "nothing" if value is None else shown(value)


def _aircraft_class(properties: Json) -> AircraftClass | None:
    value = properties.get("aircraft_class")
    if value is None:
        return None
    if not isinstance(value, str) or value not in set(AircraftClass):
        allowed = ", ".join(AircraftClass)
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="properties.aircraft_class", found=value, allowed=allowed)
    return AircraftClass(value)


def _priority(properties: Json) -> int | None:
    value = properties.get("priority")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limits.PRIORITY_MAX:
        allowed = f"a whole number from 0 to {limits.PRIORITY_MAX}"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field="properties.priority", found=value, allowed=allowed)
    return value


# --- writing


def write(records: Iterable[Record]) -> bytes:
    """Return a FeatureCollection with one feature for each volume; `read` gives the same volumes back."""
    features: list[Json] = []
    for number, record in enumerate(records, start=1):
        shared: Json = {"name": record.title}
        if record.aircraft_class is not None:
            shared["aircraft_class"] = record.aircraft_class.value
        if record.priority is not None:
            shared["priority"] = record.priority
        if len(record.volumes) > 1:
            # With its number, because two notices may have one title and must stay two.
            shared["notice"] = f"{record.title} [{number}]"
        features.extend(volume_feature(volume, shared) for volume in record.volumes)
    return write_features(features)


def write_features(features: Sequence[Json]) -> bytes:
    """Return a FeatureCollection of `features`, one a line."""
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def volume_feature(volume: Volume4D, properties: Mapping[str, Any]) -> Json:
    """Return one volume as a feature, with `properties` in front of its own."""
    shape = volume.volume
    own: Json = {
        "lower": _altitude_json(shape.altitude_lower),
        "upper": _altitude_json(shape.altitude_upper),
        "start": volume.time_start.value,
        "end": volume.time_end.value,
    }
    geometry: Json
    if shape.outline_circle is not None:
        center = shape.outline_circle.center
        geometry = {"type": "Point", "coordinates": [center.lng, center.lat]}
        own["radius_m"] = shape.outline_circle.radius.value
    elif shape.outline_corridor is not None:
        line = [[point.lng, point.lat] for point in shape.outline_corridor.vertices]
        geometry = {"type": "LineString", "coordinates": line}
        own["width_m"] = shape.outline_corridor.half_width.value * 2.0
    else:
        vertices = shape.outline_polygon.vertices if shape.outline_polygon is not None else ()
        geometry = {
            "type": "Polygon",
            "coordinates": [[[point.lng, point.lat] for point in (*vertices, *vertices[:1])]],
        }
    return {"type": "Feature", "geometry": geometry, "properties": {**properties, **own}}


def _altitude_json(altitude: Altitude) -> float | str | Json:
    """Return the plainest form that `_altitude` reads back to the same value."""
    if altitude.reference is AltitudeReference.W84 and altitude.units is AltitudeUnits.M:
        return altitude.value
    text = altitude_text(altitude)
    if parse_altitude(text) == altitude:
        return text
    # Text has millionths only.
    return {"value": altitude.value, "reference": altitude.reference.value, "units": altitude.units.value}
