"""Valid plain JSON for every type of the model, and how to spoil one place of it."""

from __future__ import annotations

import copy
from typing import Any, Final

Plain = dict[str, Any]

NOTICE_ID: Final = "11111111-2222-4333-8444-555555555555"
OTHER_ID: Final = "99999999-2222-4333-8444-555555555555"
DIGEST: Final = "ab" * 32

REMOVED: Final = object()
"""As a new value: take the field away."""

ALTITUDE: Final[Plain] = {"value": 120.0, "reference": "W84", "units": "M"}
POLYGON: Final[Plain] = {
    "vertices": [{"lat": 47.0, "lng": 8.0}, {"lat": 47.0, "lng": 9.0}, {"lat": 48.0, "lng": 9.0}],
}
CIRCLE: Final[Plain] = {"center": {"lat": 47.0, "lng": 8.0}, "radius": {"value": 500.0, "units": "M"}}
CORRIDOR: Final[Plain] = {
    "vertices": [{"lat": 47.0, "lng": 8.0}, {"lat": 47.5, "lng": 8.5}],
    "half_width": {"value": 900.0, "units": "M"},
}
VOLUME_3D: Final[Plain] = {
    "altitude_lower": {"value": 100.0, "reference": "W84", "units": "M"},
    "altitude_upper": {"value": 900.0, "reference": "W84", "units": "M"},
    "outline_polygon": POLYGON,
}
VOLUME_4D: Final[Plain] = {
    "volume": VOLUME_3D,
    "time_start": {"value": "2026-11-22T14:00:00Z", "format": "RFC3339"},
    "time_end": {"value": "2026-11-22T15:00:00Z", "format": "RFC3339"},
}
NOTICE: Final[Plain] = {
    "notice_id": NOTICE_ID,
    "version": 3,
    "volumes_version": 2,
    "state": "Activated",
    "aircraft_class": "UNMANNED",
    "priority": 10,
    "volumes": [VOLUME_4D],
}
RULES: Final[Plain] = {
    "rule_id": "threes",
    "version": 1,
    "separation_lateral_m": 5556.0,
    "separation_vertical_m": 914.4,
    "closer_ms_max": 180_000,
}
AGREEMENT: Final[Plain] = {
    "schema": "clearline/agreement/1",
    "line_id": "north",
    "members": [
        {"party_id": "alder", "public_key": "01" * 32},
        {"party_id": "birch", "public_key": "02" * 32},
    ],
    "rules": RULES,
}
HEADER: Final[Plain] = {
    "schema": "clearline/message/1",
    "line_id": "north",
    "from_party": "alder",
    "from_role": "WATCH",
    "sequence": 7,
    "previous": DIGEST,
    "msg_id": OTHER_ID,
    "sent_at_ms": 1_795_000_000_000,
    "precedence": "PRIORITY",
    "type": "NOTED",
    "body": {"owner": "birch", "notice_id": NOTICE_ID, "version": 1},
}
FINDING_KEY: Final[Plain] = {
    "owner_a": "alder",
    "notice_a": NOTICE_ID,
    "volumes_version_a": 1,
    "owner_b": "birch",
    "notice_b": OTHER_ID,
    "volumes_version_b": 2,
}
FINDING: Final[Plain] = {
    "key": FINDING_KEY,
    "rule_id": "threes",
    "rule_version": 1,
    "severity": "CONFLICT",
    "from_ms": 1_795_000_000_000,
    "until_ms": 1_795_000_600_000,
    "closer_ms": 600_000,
}
READ_BACK_FIELDS: Final[Plain] = {
    "south": 47.0,
    "west": 8.0,
    "north": 48.0,
    "east": 9.0,
    "lower": "100 m W84",
    "upper": "900 m W84",
    "from_time": "2026-11-22T14:00:00Z",
    "until_time": "2026-11-22T15:00:00Z",
}
RECEIPT_ITEM: Final[Plain] = {
    "party": "birch",
    "sequence": 4,
    "digest": DIGEST,
    "log_index": 12,
    "received_at_ms": 1_795_000_000_000,
    "rejected": {
        "code": "RING_CROSSES",
        "field": "volumes[0]",
        "found": "edge 1 and edge 3",
        "allowed": "a simple ring",
    },
    "findings": [FINDING],
    "findings_more": 0,
}
BODIES: Final[dict[str, Plain]] = {
    "AREA_NOTICE": {"notice_id": NOTICE_ID, "aircraft_class": "MANNED", "priority": 0, "volumes": [VOLUME_4D]},
    "AREA_AMEND": {
        "notice_id": NOTICE_ID,
        "version": 2,
        "aircraft_class": "MIXED",
        "priority": 0,
        "volumes": [VOLUME_4D],
        "reason": "CONFLICT_AVOIDED",
    },
    "AREA_CANCEL": {"notice_id": NOTICE_ID, "version": 2, "reason": "WEATHER"},
    "ACTIVATE": {"notice_id": NOTICE_ID, "version": 2},
    "RELEASE": {"notice_id": NOTICE_ID, "version": 2, "volumes": [0]},
    "READ_BACK": {"owner": "birch", "notice_id": NOTICE_ID, "version": 1, "fields": READ_BACK_FIELDS},
    "NOTED": {"owner": "birch", "notice_id": NOTICE_ID, "version": 1},
    "CONFLICT": {"findings": [FINDING]},
    "RESOLUTION": {"finding": FINDING_KEY, "code": "TIME_SEQUENCE", "first_party": "alder"},
    "RECEIPT": {"items": [RECEIPT_ITEM], "tree": {"size": 13, "root": DIGEST}},
    "LINE_ADOPTED": {"agreement": AGREEMENT},
    "EVIDENCE": {
        "code": "CHAIN_FORK",
        "about_line": "north",
        "about_party": "birch",
        "sequence": 4,
        "envelope": "e30=",
    },
}


def changed(source: Plain, *steps: str | int, to: object) -> Plain:
    """Return a deep copy of `source` with the place at `steps` set to `to`, or taken away with `REMOVED`."""
    result = copy.deepcopy(source)
    place: Any = result
    for step in steps[:-1]:
        place = place[step]
    if to is REMOVED:
        del place[steps[-1]]
    else:
        place[steps[-1]] = to
    return result
