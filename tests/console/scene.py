"""What the fixture node shows: a night over northern California, two parties and an observer, made of model types.

Rules
 * Views have the shapes of the HTTP API and are made of the model's own types, so that a change there shows here.
 * Times hang on one `now_ms`, which is the fixture node's clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import msgspec

from clearline.line.read_back import read_back_fields
from clearline.model.altitude import parse_altitude
from clearline.model.message import FindingKey, Severity
from clearline.model.rules import RuleSet
from clearline.model.volume import Circle, Corridor, LatLngPoint, Polygon, Radius, Volume3D, Volume4D, time_at

View = dict[str, Any]

LINE = "fire-line"
OWN = "ridge"
PEER = "valley"
MINUTE_MS = 60_000
RULES = RuleSet(
    rule_id="threes", version=1, separation_lateral_m=5_556.0, separation_vertical_m=914.4, closer_ms_max=180_000
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What a notice view is made from. Minutes count from now; the band is altitude text."""

    number: int
    owner: str
    outline: Circle | Corridor | Polygon
    lower: str
    upper: str
    from_min: int
    until_min: int
    aircraft_class: str = "MANNED"
    state: str = "Accepted"
    status: str = "CLEARED"


def circle(lat: float, lng: float, radius_m: float) -> Circle:
    """Return a circle about a place."""
    return Circle(LatLngPoint(lat, lng), Radius(radius_m))


def corridor(half_width_m: float, *places: tuple[float, float]) -> Corridor:
    """Return a corridor along places."""
    return Corridor(tuple(LatLngPoint(lat, lng) for lat, lng in places), Radius(half_width_m))


def polygon(*places: tuple[float, float]) -> Polygon:
    """Return an outline."""
    return Polygon(tuple(LatLngPoint(lat, lng) for lat, lng in places))


def notice_id(number: int) -> str:
    """Return a UUID whose first eight digits tell the number."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def volume(flight: Flight, now_ms: int) -> Volume4D:
    """Return the one volume of a flight."""
    minute = now_ms - now_ms % MINUTE_MS
    outline = flight.outline
    shape = Volume3D(
        altitude_lower=parse_altitude(flight.lower),
        altitude_upper=parse_altitude(flight.upper),
        outline_circle=outline if isinstance(outline, Circle) else None,
        outline_corridor=outline if isinstance(outline, Corridor) else None,
        outline_polygon=outline if isinstance(outline, Polygon) else None,
    )
    return Volume4D(
        volume=shape,
        time_start=time_at(minute + flight.from_min * MINUTE_MS),
        time_end=time_at(minute + flight.until_min * MINUTE_MS),
    )


def acknowledgement(party: str, now_ms: int, *, delivered: bool) -> View:
    """Return what one party has done so far."""
    return {
        "party": party,
        "delivered_at_ms": now_ms - 4 * MINUTE_MS if delivered else None,
        "log_index": 7 if delivered else None,
        "read_back": "NONE",
        "read_back_at_ms": None,
        "wrong_field": None,
        "noted_at_ms": None,
    }


def notice_view(flight: Flight, now_ms: int, index: int) -> View:
    """Return a NoticeView."""
    volumes = [volume(flight, now_ms)]
    is_own = flight.owner == OWN
    other = PEER if is_own else OWN
    because = [{"code": "RECEIPT_MISSING", "party": PEER}] if flight.status == "UNCONFIRMED" else []
    return {
        "line_id": LINE,
        "owner": flight.owner,
        "own": is_own,
        "notice_id": notice_id(flight.number),
        "reference": notice_id(flight.number)[:8].upper(),
        "version": 1,
        "volumes_version": 1,
        "state": flight.state,
        "aircraft_class": flight.aircraft_class,
        "priority": 0,
        "volumes": msgspec.to_builtins(volumes),
        "declared_at_ms": now_ms - 5 * MINUTE_MS,
        "changed_index": index,
        "status": flight.status,
        "uncleared_because": because,
        "acknowledgements": [acknowledgement(other, now_ms, delivered=flight.status != "UNCONFIRMED")],
        "read_back_fields": msgspec.to_builtins(read_back_fields(volumes)),
    }


def finding_view(own: View, received: View, now_ms: int, index: int, *, severity: Severity = Severity.CONFLICT) -> View:
    """Return a FindingView between an own and a received notice; its area is a box about their middle."""
    key = FindingKey(
        owner_a=OWN, notice_a=own["notice_id"], volumes_version_a=1,
        owner_b=PEER, notice_b=received["notice_id"], volumes_version_b=1,
    )  # fmt: skip
    a, b = own["read_back_fields"], received["read_back_fields"]
    south, north = max(a["south"], b["south"]), min(a["north"], b["north"])
    west, east = max(a["west"], b["west"]), min(a["east"], b["east"])
    corners = ((south, west), (south, east), (north, east), (north, west))
    return {
        "finding_id": f"{own['notice_id'][:8]}.{received['notice_id'][:8]}",
        "line_id": LINE,
        "key": msgspec.to_builtins(key),
        "severity": severity.value,
        "state": "OPEN",
        "rule_id": RULES.rule_id,
        "rule_version": RULES.version,
        "from_ms": now_ms + 10 * MINUTE_MS,
        "until_ms": now_ms + 31 * MINUTE_MS,
        "closer_ms": 21 * MINUTE_MS,
        "certain": True,
        "lateral_m_min": 0.0,
        "vertical_m_min": 152.4,
        "band_lower_w84_m": 900.0,
        "band_upper_w84_m": 1500.0,
        "band_text": f"{received['read_back_fields']['lower']} – {received['read_back_fields']['upper']}",
        "area": [{"lat": lat, "lng": lng} for lat, lng in corners],
        "found_by": [OWN, PEER],
        "resolutions": [],
        "changed_index": index,
    }


def line_view(now_ms: int) -> View:
    """Return the LineView with one live peer."""
    return {
        "line_id": LINE,
        "rules": msgspec.to_builtins(RULES),
        "parties": [
            {"party_id": OWN, "own": True, "link": "OPEN", "heard_at_ms": now_ms, "undelivered": 0},
            {"party_id": PEER, "own": False, "link": "OPEN", "heard_at_ms": now_ms - 2_000, "undelivered": 0},
        ],
    }


# fmt: off
FLIGHTS = (
    Flight(number=0xA1B2C301, owner=OWN, outline=circle(39.62, -121.44, 9_000), lower="2000 ft AMSL",
           upper="5000 ft AMSL", from_min=-10, until_min=45, state="Activated"),
    Flight(number=0xA1B2C302, owner=OWN, lower="500 m W84", upper="1500 m W84", from_min=5, until_min=65,
           outline=corridor(3_000, (38.60, -121.50), (39.10, -121.90), (39.75, -121.85)), status="UNCONFIRMED"),
    Flight(number=0xA1B2C303, owner=OWN, lower="FL120", upper="FL180", from_min=-20, until_min=100,
           aircraft_class="MIXED", outline=polygon((40.4, -122.9), (40.6, -122.2), (40.2, -121.9), (39.95, -122.5))),
    Flight(number=0xA1B2C304, owner=OWN, outline=circle(37.05, -122.25, 6_000), lower="0 m AGL", upper="120 m AGL",
           from_min=-60, until_min=-5, aircraft_class="UNMANNED"),
    Flight(number=0xB7E81001, owner=PEER, lower="3000 ft AMSL", upper="4500 ft AMSL", from_min=8, until_min=38,
           outline=polygon((39.55, -121.60), (39.78, -121.52), (39.74, -121.24), (39.52, -121.30)), status="RECEIVED"),
    Flight(number=0xB7E81002, owner=PEER, outline=circle(38.52, -122.60, 12_000), lower="1000 ft AMSL",
           upper="7500 ft AMSL", from_min=20, until_min=95, status="RECEIVED"),
    Flight(number=0xB7E81003, owner=PEER, lower="FL090", upper="FL110", from_min=-5, until_min=55, status="RECEIVED",
           outline=corridor(5_000, (37.4, -121.2), (38.1, -120.6), (38.9, -120.3)), state="Activated"),
    Flight(number=0xB7E81004, owner=PEER, outline=circle(40.60, -124.10, 8_000), lower="200 m W84", upper="900 m W84",
           from_min=-90, until_min=-30, status="ENDED", state="Ended"),
)
# fmt: on


def many_flights(count: int, seed: int) -> list[Flight]:
    """Return `count` small circles all over the west, the same for the same seed."""
    draw = random.Random(seed)
    return [
        Flight(
            number=0x10000000 + i,
            owner=draw.choice((OWN, PEER)),
            outline=circle(draw.uniform(33.0, 46.0), draw.uniform(-124.0, -112.0), draw.uniform(1_000, 9_000)),
            lower=f"{draw.randrange(5, 40) * 100} ft AMSL",
            upper=f"{draw.randrange(41, 120) * 100} ft AMSL",
            from_min=draw.randrange(-20, 60),
            until_min=draw.randrange(61, 200),
        )
        for i in range(count)
    ]
