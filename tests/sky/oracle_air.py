"""May two bands of altitude share a height? Asked of the air: weather, sea, ground and altimeters are drawn and set.

A *state* is one possible truth: pressure at sea level, thickness of the air, height of the sea above the ellipsoid,
height of the ground, and what each party's altimeter is off. In one state every limit has one height. Bounds as
`sky.altitude` says them, written down again here.

 * `meet_in_some_state`: one air for both parties, thousands of states: if the bands share a height in one of them, a
   finding is due. Only where they have to share one (vertical separation 0); other separations are counted in the
   reference that both use, not in true metres.
 * `apart_in_all_states`: the two parties' limits are each at their worst, in the extreme states of each.

Units: metres. Source: practice.md R13; ICAO Doc 7488.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import Final, NamedTuple

from clearline.model.altitude import parse_altitude
from tests.sky.forms import Limit
from tests.sky.shapes import Place

__all__ = ["GEOID_KNOWN", "apart_in_all_states", "meet_in_some_state"]

GEOID: Final = (-107.0, 86.0)
GEOID_KNOWN: Final[dict[Place, float]] = {
    (90.0, 0.0): 13.61,
    (-90.0, 0.0): -29.53,
    (0.0, 180.0): 21.15,
    (4.75, 78.75): -106.99,
    (-8.25, 147.25): 85.39,
    (31.25, -2.5): 44.96,
    (43.5, -115.25): -14.0,
    (22.25, 177.25): 1.03,
    (-61.5, -136.0): -32.9,
    (-15.0, -15.25): 6.99,
}
"""Height of the sea above the ellipsoid at some places, as NGA's file of EGM96 has it: nodes of 15 minutes."""
GEOID_APART: Final = 2.0
"""National heights differ from EGM96 by as much."""
PRESSURE_HPA: Final = (940.0, 1060.0)
THICKNESS: Final = (0.70, 1.17)
ALTIMETER: Final = (-90.0, 90.0)
GROUND: Final = (-450.0, 8_850.0)
TOLERANCE_M: Final = 0.02
STATES: Final = 64

Band = tuple[Limit, Limit]


class State(NamedTuple):
    """One possible truth of the air."""

    geoid: float
    pressure: float
    thickness: float
    altimeter: float
    ground: float

    def height(self, limit: Limit) -> float:
        said = parse_altitude(limit)
        value_m, reference = said.value_m, said.reference.value
        if reference == "W84":
            return value_m
        if reference == "AMSL":
            return value_m + self.geoid
        if reference == "FL":
            # Doc 7488 below 11 km: z = (T0 / L) (1 - (p / p0)^(R L / g)).
            sea_m = 44_330.77 * (1.0 - (self.pressure / 1013.25) ** 0.190263)
            return (value_m - sea_m) * self.thickness + self.geoid
        if reference == "QNH":
            return (value_m + self.altimeter) * self.thickness + self.geoid
        return value_m + self.ground + self.geoid


EXTREMES: Final = [State(*each) for each in itertools.product(GEOID, PRESSURE_HPA, THICKNESS, ALTIMETER, GROUND)]


def meet_in_some_state(one: Band, other: Band, place: Place, *, one_ground: bool, random: Random) -> bool:
    """Return whether the bands share a height at a place of `GEOID_KNOWN` in some state drawn.

    `one_ground`: both stand on the same ground.
    """
    sea_m = GEOID_KNOWN[place]
    for _ in range(STATES):
        shared = State(
            sea_m + random.uniform(-GEOID_APART, GEOID_APART),
            random.uniform(*PRESSURE_HPA),
            random.uniform(*THICKNESS),
            0.0,
            random.uniform(*GROUND),
        )
        # Two altimeters on QNH differ by at most 90 m.
        first = shared._replace(altimeter=random.choice([-45.0, 45.0]))
        second = shared._replace(altimeter=random.choice([-45.0, 45.0]))
        if not one_ground:
            second = second._replace(ground=random.uniform(*GROUND))
        if first.height(one[0]) <= second.height(other[1]) and second.height(other[0]) <= first.height(one[1]):
            return True
    return False


def apart_in_all_states(one: Band, other: Band, vertical_m: float, *, one_ground: bool) -> bool:
    """Return whether one band is more than `vertical_m` above the other whatever the air, or in what both count by."""
    return _above(one, other, vertical_m, one_ground=one_ground) or _above(
        other, one, vertical_m, one_ground=one_ground
    )


def _above(high: Band, low: Band, vertical_m: float, *, one_ground: bool) -> bool:
    lower, upper = high[0], low[1]
    least_m = min(state.height(lower) for state in EXTREMES) - max(state.height(upper) for state in EXTREMES)
    said, beneath = parse_altitude(lower), parse_altitude(upper)
    if said.reference is beneath.reference:
        error_m = {"QNH": 90.0, "AGL": 0.0 if one_ground else float("inf")}.get(said.reference.value, 0.0)
        least_m = max(least_m, said.value_m - beneath.value_m - error_m)
    return least_m > vertical_m + TOLERANCE_M
