"""ED-269: UAS geographical zones as most European States publish them, in the dialects known.

Rules
 * The zones stand under `features` or `UASZoneList`, in a bare list, or inside the `properties` of GeoJSON features.
 * Limits and shape stand together in each object of `geometry`, with the shape in `horizontalProjection`; or the limits
   in `properties.geometry` and the shape in the feature's own `geometry` (Estonia); or the limits in the zone itself.
 * `restriction` says the kind; where there is none, `type`. `applicability` says when.

For what is read from a zone, and what is not, see `geozone`. Source: EUROCAE ED-269 (2020).
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

__all__ = ["is_ed269", "read", "read_plain"]

_LISTS: Final = ("features", "UASZoneList", "uasZoneList")
_LIMITS: Final = ("lowerLimit", "lowerVerticalReference", "upperLimit", "upperVerticalReference", "uomDimensions")


def is_ed269(plain: object) -> bool:
    """Tell whether a JSON value has a zone with the names that only ED-269 has."""
    return looks_like(_zones(plain), _is_zone)


def read(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read the bytes of an ED-269 file.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FORMAT for the file as a whole.
    """
    return read_plain(parse_json(source, bytes_max=bytes_max))


def read_plain(plain: object) -> Reading:
    """Read a JSON value as ED-269; see `read`."""
    zones = _zones(plain)
    if not isinstance(zones, list):
        allowed = f"an object with {' or '.join(_LISTS[:2])}, or a list of zones"
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, found=type(plain).__name__, allowed=allowed)
    name = ""
    if isinstance(plain, dict):
        refuse_other_reference_system(plain)
        name = next(each for each in _LISTS if isinstance(plain.get(each), list))
    places = ((f"{name}[{index}]", zone) for index, zone in enumerate(zones))
    return gather(FileFormat.ED269, places, _facts, _publish)


def _zones(plain: object) -> object:
    if not isinstance(plain, dict):
        return plain
    return next((plain[name] for name in _LISTS if isinstance(plain.get(name), list)), None)


def _facts(zone: object) -> Json:
    """Return the object that has the zone's own names: the feature's properties, else the zone."""
    if not isinstance(zone, dict):
        return {}
    properties = zone.get("properties")
    return properties if isinstance(properties, dict) else zone


def _is_zone(zone: Json) -> bool:
    facts = _facts(zone)
    geometry = facts.get("geometry")
    parts = geometry if isinstance(geometry, list) else [geometry]
    has_projection = any(isinstance(part, dict) and "horizontalProjection" in part for part in parts)
    return has_projection or ("identifier" in facts and ("restriction" in facts or "applicability" in facts))


def _publish(zone: Json) -> Published:
    facts = _facts(zone)
    prefix = "" if facts is zone else "properties."
    has_restriction = bool(facts.get("restriction"))
    fallback = facts.get("type") if is_restriction(facts.get("type")) else None
    return Published(
        restriction=facts["restriction"] if has_restriction else fallback,
        restriction_field=f"{prefix}restriction",
        parts=list(_shapes(zone, facts, prefix)),
        periods=periods_of(facts.get("applicability"), field=f"{prefix}applicability"),
    )


def _shapes(zone: Json, facts: Json, prefix: str) -> Iterator[Part]:
    listed = facts.get("geometry")
    volumes = listed if isinstance(listed, list) else [listed]
    for index, volume in enumerate(volumes):
        field = f"{prefix}geometry[{index}]" if isinstance(listed, list) else f"{prefix}geometry"
        projection = volume.get("horizontalProjection") if isinstance(volume, dict) else None
        if projection is not None:
            place, shape = f"{field}.horizontalProjection", projection
        else:
            # The shape is the feature's own; what stands in its place in the properties has the limits only.
            place, shape = "geometry", zone.get("geometry")
        said = volume if isinstance(volume, dict) else {}
        lower, lower_reference, upper, upper_reference, units = (said.get(name, facts.get(name)) for name in _LIMITS)
        band = band_of(lower, upper, (lower_reference, upper_reference), units, field=field)
        for where, geometry, _ in flattened(shape, place):
            for outline in outlines_of(geometry, where):
                yield Part(outline, band)
