"""F3548 JSON: operational intents of ASTM F3548-21 as its USS API carries them, read and written.

Rules of reading
 * One record for each operational intent. It stands alone, in a list, or under `operational_intent`,
   `operational_intents`, `operational_intent_details`; its volumes under `volumes` and `off_nominal_volumes`, on its
   own level or under `details`, or under `extents` (as sent to a DSS).
 * A Volume4D is read strictly by the model: an unknown field, a missing limit or a missing time is refused, never
   guessed. References beyond W84 and `outline_corridor` are Clearline's own and are read as well.
 * Fields around the volumes (reference, state, ovn, urls) are passed over; `id` becomes the title.
 * A bad intent is reported with its place and field; the others are kept.

Rules of writing
 * Only what the standard has: units "M", reference "W84", format "RFC3339".
 * A corridor has no form in F3548: each of its edges becomes a polygon that surely contains it, as a volume of its
   own (`sky`-free, WGS84 geodesics). What was widened is listed as a loss.
 * A height in any reference but W84 is refused: the standard cannot say it, and converting would be guessing.

Source: ASTM F3548-21, annex A4 (USS API: OperationalIntentDetails, Volume4D); practice.md S59.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, final

from clearline.formats.json_text import parse_json, refuse_unfit
from clearline.formats.record import FileFormat, Reading, Record, RefusedRecord, title_of
from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.decode import convert
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Corridor, LatLngPoint, Polygon, Volume3D, Volume4D

if TYPE_CHECKING:
    from pyproj import Geod

__all__ = ["Writing", "is_f3548", "read", "read_plain", "write"]

_WRAPPERS: Final = ("operational_intents", "operational_intent", "operational_intent_details", "details")
_VOLUME_LISTS: Final = ("volumes", "off_nominal_volumes", "extents")
_NAMES: Final = frozenset((*_WRAPPERS, *_VOLUME_LISTS, "reference"))

CAP_SIDES: Final = 16
"""Sides of a full round end of a written corridor: 2 % wider than the round it replaces."""
OUTWARD_FACTOR: Final = 1.01
"""Added to each written corridor. An offset curve of an edge of 100 km at 500 km leaves the geodesic between its
ends by less than 2 parts in 10,000 of the offset, and the geodesics here are good to nanometres."""
OUTWARD_M: Final = 1.0
"""Added as well, for corridors so thin that a hundredth of their width is nothing."""
EDGE_M_MAX: Final = 100_000.0
"""Longer edges are cut before they are widened, so that the figure above holds."""

Json = dict[str, Any]


def is_f3548(plain: object) -> bool:
    """Tell whether a JSON value has one of the standard's names at its top, or is a list of such values."""
    if isinstance(plain, list):
        return any(isinstance(item, dict) and not _NAMES.isdisjoint(item) for item in plain[:100])
    return isinstance(plain, dict) and not _NAMES.isdisjoint(plain)


def read(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read the bytes of a file of operational intents.

    Raises:
        Refusal: OVER_LIMIT, MALFORMED, UNKNOWN_FORMAT for the file as a whole.
    """
    return read_plain(parse_json(source, bytes_max=bytes_max))


def read_plain(plain: object) -> Reading:
    """Read a JSON value as operational intents; see `read`."""
    if not is_f3548(plain):
        found = type(plain).__name__
        raise Refusal(
            RefusalCode.UNKNOWN_FORMAT, found=found, allowed=f"an object with one of {', '.join(sorted(_NAMES))}"
        )
    records: list[Record] = []
    refused: list[RefusedRecord] = []
    for number, (place, intent) in enumerate(_intents(plain), start=1):
        title = _title(intent, number)
        try:
            records.append(_record(intent, place, title))
        except Refusal as refusal:
            refused.append(RefusedRecord(place=place, title=title, refusal=refusal))
    return Reading(file_format=FileFormat.F3548, records=tuple(records), refused=tuple(refused))


def _intents(plain: object) -> Iterator[tuple[str, object]]:
    """Yield (place, intent) for each operational intent: an object, or what stands where one should."""
    waiting: list[tuple[str, object]] = [("", plain)]
    while waiting:
        place, here = waiting.pop()
        if isinstance(here, list):
            waiting.extend((f"{place}[{index}]", here[index]) for index in range(len(here) - 1, -1, -1))
            continue
        wrapper = _wrapper(here)
        if wrapper is None or not isinstance(here, dict):
            yield place, here
        else:
            waiting.append((f"{place}.{wrapper}" if place else wrapper, here[wrapper]))


def _wrapper(here: object) -> str | None:
    """Return the name under which intents stand in `here`, or None where it is an intent itself."""
    if not isinstance(here, dict) or any(name in here for name in (*_VOLUME_LISTS, "details")):
        return None
    return next((name for name in _WRAPPERS if name in here), None)


def _title(intent: object, number: int) -> str:
    if not isinstance(intent, dict):
        return f"operational intent {number}"
    reference = intent.get("reference")
    inner = reference.get("id") if isinstance(reference, dict) else None
    return title_of(inner, intent.get("id"), intent.get("name"), otherwise=f"operational intent {number}")


def _record(intent: object, place: str, title: str) -> Record:
    refuse_unfit(intent)
    if not isinstance(intent, dict):
        raise Refusal(RefusalCode.MALFORMED, found=intent, allowed="an operational intent with volumes")
    level = "details." if "details" in intent else ""
    holder = intent["details"] if level else intent
    if not isinstance(holder, dict):
        raise Refusal(RefusalCode.MALFORMED, field="details", found=holder, allowed="an object with volumes")
    volumes: list[Volume4D] = []
    outlines: list[str] = []
    for name in _VOLUME_LISTS:
        listed = holder.get(name)
        if listed is None:
            continue
        if not isinstance(listed, list):
            raise Refusal(RefusalCode.MALFORMED, field=f"{level}{name}", found=listed, allowed="a list of Volume4D")
        for index, source in enumerate(listed):
            where = f"{level}{name}[{index}]"
            try:
                volume = convert(Volume4D, source)
            except Refusal as refusal:
                raise refusal.within(where) from None
            volumes.append(volume)
            shape = "outline_polygon" if volume.volume.outline_polygon is not None else "outline_corridor"
            outlines.append(f"{where}.volume.{shape}.vertices")
    if not volumes:
        allowed = "at least one Volume4D: a reference alone does not say where"
        raise Refusal(RefusalCode.SHAPE_MISSING, field=f"{level}volumes", found="no volumes", allowed=allowed)
    return Record(
        place=place or "operational intent",
        title=title,
        volumes=tuple(volumes),
        outlines=tuple(outlines),
        priority=_priority(holder, level),
    )


def _priority(holder: Json, level: str) -> int | None:
    value = holder.get("priority")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limits.PRIORITY_MAX:
        allowed = f"a whole number from 0 to {limits.PRIORITY_MAX}"
        raise Refusal(RefusalCode.OUT_OF_RANGE, field=f"{level}priority", found=value, allowed=allowed)
    return value


# --- writing


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What was written, and what of the meaning was widened on the way, one line for each loss."""

    source: bytes
    losses: tuple[str, ...]


def write(records: Iterable[Record]) -> Writing:
    """Return `{"operational_intents": […]}` in the standard's own types.

    Raises:
        Refusal: OUT_OF_RANGE for a height that F3548 cannot say; the field names record, volume and limit.
    """
    intents: list[Json] = []
    losses: list[str] = []
    for record in records:
        volumes: list[Json] = []
        for index, volume in enumerate(record.volumes):
            where = f"{record.title}: volumes[{index}]"
            _refuse_other_references(volume.volume, where)
            written = list(_standard_volumes(volume))
            if volume.volume.outline_corridor is not None:
                losses.append(f"{where}: corridor written as {len(written)} polygon(s) that contain it")
            volumes.extend(_volume_json(each) for each in written)
        details = {"volumes": volumes, "off_nominal_volumes": [], "priority": record.priority or 0}
        intents.append({"reference": {"id": record.title}, "details": details})
    text = json.dumps({"operational_intents": intents}, ensure_ascii=False, allow_nan=False, indent=1)
    return Writing(source=text.encode() + b"\n", losses=tuple(losses))


def _refuse_other_references(shape: Volume3D, where: str) -> None:
    for name, altitude in (("altitude_lower", shape.altitude_lower), ("altitude_upper", shape.altitude_upper)):
        if altitude.reference is not AltitudeReference.W84:
            raise Refusal(
                RefusalCode.OUT_OF_RANGE,
                field=f"{where}.volume.{name}",
                found=altitude.reference.value,
                allowed="W84: F3548 has no other reference",
            )


def _volume_json(volume: Volume4D) -> Json:
    shape = volume.volume
    written: Json = {}
    if shape.outline_polygon is not None:
        written["outline_polygon"] = {"vertices": [_point_json(point) for point in shape.outline_polygon.vertices]}
    if shape.outline_circle is not None:
        circle = shape.outline_circle
        written["outline_circle"] = {
            "center": _point_json(circle.center),
            "radius": {"value": circle.radius.value, "units": "M"},
        }
    written["altitude_lower"] = _altitude_json(shape.altitude_lower)
    written["altitude_upper"] = _altitude_json(shape.altitude_upper)
    return {
        "volume": written,
        "time_start": {"value": volume.time_start.value, "format": "RFC3339"},
        "time_end": {"value": volume.time_end.value, "format": "RFC3339"},
    }


def _point_json(point: LatLngPoint) -> Json:
    return {"lat": point.lat, "lng": point.lng}


def _altitude_json(altitude: Altitude) -> Json:
    # Feet are exact in metres; the standard's only unit is the metre.
    value = altitude.value if altitude.units is AltitudeUnits.M else altitude.value_m
    return {"value": value, "reference": "W84", "units": "M"}


def _standard_volumes(volume: Volume4D) -> Iterator[Volume4D]:
    """Yield `volume` in outlines that the standard has: itself, or one polygon for each edge of a corridor."""
    corridor = volume.volume.outline_corridor
    if corridor is None:
        yield volume
        return
    for polygon in _edge_polygons(corridor):
        shape = Volume3D(
            altitude_lower=volume.volume.altitude_lower,
            altitude_upper=volume.volume.altitude_upper,
            outline_polygon=polygon,
        )
        yield Volume4D(volume=shape, time_start=volume.time_start, time_end=volume.time_end)


def _edge_polygons(corridor: Corridor) -> Iterator[Polygon]:
    """Yield polygons whose union contains every place within `half_width` of the corridor's line."""
    from pyproj import Geod  # noqa: PLC0415 - late: PROJ takes 100 ms to load and only corridors need it

    geod = Geod(ellps="WGS84")
    for a, b in pairwise(corridor.vertices):
        for start, end in _cut(geod, a, b):
            yield _edge_polygon(geod, start, end, corridor.half_width.value)


def _cut(geod: Geod, a: LatLngPoint, b: LatLngPoint) -> Iterator[tuple[LatLngPoint, LatLngPoint]]:
    _, _, length_m = geod.inv(a.lng, a.lat, b.lng, b.lat)
    pieces = math.ceil(length_m / EDGE_M_MAX)
    between = (
        [LatLngPoint(lat, lng) for lng, lat in geod.npts(a.lng, a.lat, b.lng, b.lat, pieces - 1)] if pieces > 1 else []
    )
    places = [a, *between, b]
    yield from pairwise(places)


def _edge_polygon(geod: Geod, start: LatLngPoint, end: LatLngPoint, half_width_m: float) -> Polygon:
    """Return the stadium around one edge: half a circumscribed polygon around each end, joined by straight sides."""
    azimuth_out, azimuth_back, _ = geod.inv(start.lng, start.lat, end.lng, end.lat)
    reach_m = (half_width_m * OUTWARD_FACTOR + OUTWARD_M) / math.cos(math.pi / CAP_SIDES)
    vertices: list[LatLngPoint] = []
    # Around the end from its left side over the front to its right side, then around the start likewise. The corners
    # at both sides stand `reach_m` off the line, so the long sides lie outside as well.
    for center, forward in ((end, azimuth_back + 180.0), (start, azimuth_out + 180.0)):
        for step in range(CAP_SIDES // 2 + 1):
            azimuth = forward - 90.0 + 360.0 / CAP_SIDES * step
            lng, lat, _ = geod.fwd(center.lng, center.lat, azimuth, reach_m)
            vertices.append(LatLngPoint(lat, lng))
    return Polygon(tuple(vertices))
