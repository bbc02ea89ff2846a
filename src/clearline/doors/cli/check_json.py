"""What `clearline check` tells programs: one JSON object, and GeoJSON of the regions.

Rules
 * Times are UTC and end in Z, lengths are metres. Lists are bounded; `counts` has all, `unlisted` what was left out.
 * What a list holds has been described before: nothing is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from clearline.doors.cli.check_compare import Checked, Met
from clearline.doors.cli.check_items import Item, Kind, Refused
from clearline.formats.geojson import write_features
from clearline.model.instant import instant_text
from clearline.model.rules import RuleSet
from clearline.model.volume import LatLngPoint

__all__ = ["CHECK_SCHEMA", "areas_of", "as_geojson", "as_json"]

CHECK_SCHEMA: Final = "clearline/check/2"
REFUSED_LISTED_MAX: Final = 100_000
"""Refused records in JSON: 300 bytes each."""

Json = dict[str, Any]


def as_json(checked: Checked, *, most: int) -> str:
    """Return one JSON object with what was found, at most so many of each list, and a line feed."""
    inputs = checked.inputs
    lists = {"conflicts": checked.conflicts, "brief": checked.brief, "advisory": checked.advisory}
    document = {
        "schema": CHECK_SCHEMA,
        "rules": _rules_json(checked.rules),
        "files": [read.file for read in inputs.files],
        "notices": inputs.count(Kind.NOTICE),
        "trajectories": inputs.count(Kind.TRAJECTORY),
        "zones": checked.zones_compared,
        "among_zones": checked.among_zones,
        "counts": {name: found.count for name, found in lists.items()} | {"refused": len(checked.refused)},
        **{name: [_met_json(met, checked) for met in found.kept[:most]] for name, found in lists.items()},
        "unlisted": sum(found.count - len(found.kept[:most]) for found in lists.values()),
        "refused": [_refused_json(each) for each in checked.refused[:REFUSED_LISTED_MAX]],
    }
    # Names of files may hold what is no Unicode; escaped, they still are JSON.
    return json.dumps(document, allow_nan=False, indent=1) + "\n"


def as_geojson(checked: Checked, *, most: int) -> bytes:
    """Return the regions in which two records are too close, one feature each, at most so many of each list."""
    features = []
    for met in checked.first(most):
        rings = [_ring(area) for area in areas_of(checked, met) if len(area) > 2]
        geometry: Json | None = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]} if rings else None
        if len(rings) == 1:
            geometry = {"type": "Polygon", "coordinates": rings}
        properties = {"name": f"{met.a.record.title} / {met.b.record.title}", **_met_json(met, checked)}
        del properties["area"]
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return write_features(features)


def areas_of(checked: Checked, met: Met) -> Sequence[Sequence[LatLngPoint]]:
    """Return the outlines of the places concerned."""
    return checked.meeting(met).areas


def _ring(area: Sequence[LatLngPoint]) -> list[list[float]]:
    ring = [[point.lng, point.lat] for point in area]
    return [*ring, ring[0]]


def _rules_json(rules: RuleSet) -> Json:
    return {
        "rule_id": rules.rule_id,
        "version": rules.version,
        "separation_lateral_m": rules.separation_lateral_m,
        "separation_vertical_m": rules.separation_vertical_m,
        "separation_time_ms": rules.separation_time_ms,
        "closer_ms_max": rules.closer_ms_max,
    }


def _met_json(met: Met, checked: Checked) -> Json:
    meeting, rules = checked.meeting(met), checked.rules_of(met)
    document = {
        "severity": met.severity.value,
        "a": _item_json(met.a),
        "b": _item_json(met.b),
        "rule_id": rules.rule_id,
        "rule_version": rules.version,
        "from": instant_text(met.from_ms),
        "until": instant_text(met.until_ms),
        "closer_ms": met.closer_ms,
        "certain": met.certain,
        "lateral_m_min": meeting.lateral_m_min,
        "vertical_m_min": meeting.vertical_m_min,
        "band_lower_w84_m": meeting.band_lower_w84_m,
        "band_upper_w84_m": meeting.band_upper_w84_m,
        "band_text": meeting.band_text,
        "area": [{"lat": point.lat, "lng": point.lng} for point in meeting.area],
    }
    if met.b.kind is Kind.ZONE:
        document["advisory"] = met.advisory
    return document


def _item_json(item: Item) -> Json:
    record = item.record
    document: Json = {"kind": item.kind.value, "file": item.file, "feature": record.place, "title": record.title}
    if record.line is not None:
        document["line"] = record.line
    if record.zone is not None:
        document |= {"zone_id": record.zone.zone_id, "zone_kind": record.zone.kind.value}
    return document


def _refused_json(each: Refused) -> Json:
    return {
        "file": each.file,
        "line": each.line,
        "feature": each.place,
        "title": each.title,
        "code": each.refusal.code.value,
        "field": each.refusal.field,
        "found": each.refusal.found,
        "allowed": each.refusal.allowed,
    }
