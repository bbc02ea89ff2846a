"""Cases decided by the engine, and the engine judged by the oracles.

Rules
 * FALSE NEGATIVE: an oracle says that the cores are surely within separation and radii (to TOUCH_M: closer than that
   two places written as doubles are not known to be), bands and windows meet, and there is no finding.
 * FALSE POSITIVE: an oracle says that the distance is surely beyond what the tolerance allows, and there is a finding.
   Allowed are 2 cm, 6.6 mm for the edges of each shape, and what the ellipsoid takes: the sphere's angle is at most
   r_a / M_a + r_b / M_b + (s + 2 cm) / M, M at the lowest latitude in reach, and stands for N at the highest.
 * NOT CERTAIN: a finding is called certain, and an oracle says the distance is surely more than separation and radii.
 * ONE-SIDED: a and b are not what b and a are. DOORS: `describe` says something else than `Sky`.
 * COLUMNS: arrays of many pairs at a time say something else than `prepare` and `Sky.findings`.
 * ORACLES DISAGREE: what two of them are sure of excludes each other.
 * REFUSED WRONGLY: a ring is refused that GEOS finds simple by more than the tolerance. ACCEPTED: one that has to be
   refused is not.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from clearline.model.refusal import FieldRefusal, Refusal
from clearline.model.rules import RuleSet
from clearline.sky import Prepared, Sky, describe, prepare
from clearline.sky.columns import Columns
from tests.sky.forms import BAND, WGS84, Case, Form
from tests.sky.oracle_air import GEOID_KNOWN, apart_in_all_states, meet_in_some_state
from tests.sky.oracle_digits import digits_distance_m
from tests.sky.oracle_ellipsoid import ERROR_M, core_distances_m, cores_of
from tests.sky.oracle_plane import Bounds, clearance_m, plane_distance_m
from tests.sky.oracle_s2 import meridian_m, prime_vertical_m, s2_distances_m

__all__ = ["ORACLES", "Failure", "Tally", "failures_of", "judge", "smaller"]

ORACLES: Final = ("ellipsoid", "plane", "s2", "digits")
TOUCH_M: Final = 2e-6
TOLERANCE_M: Final = 0.005
EDGE_M: Final = 0.00166
LENGTH_M: Final = 0.001
PIECE_M: Final = 5_000.0
ELLIPSOID_M_MAX: Final = 150_000.0
"""What the documents say of the kernel; a claim to be tested, not to be imported."""
REACH_BEYOND_M: Final = 120_000.0
KINDS: Final = ("circle", "corridor", "polygon")
DESCRIBED_EVERY: Final = 20
CLEARANCE_M: Final = 0.001
DIGITS_VERTICES_MAX: Final = 60
DIGITS_M_MAX: Final = 2_000_000.0


class Verdict(NamedTuple):
    """What the engine says of one case."""

    closer: bool
    certain: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """One discrepancy, with all that is needed to repeat it."""

    what: str
    oracle: str
    case: Case
    bounds: Bounds | None = None

    def json(self) -> dict[str, object]:
        said = {"least_m": self.bounds.least_m, "most_m": self.bounds.most_m} if self.bounds else None
        return {"what": self.what, "oracle": self.oracle, "core_distance": said, "case": self.case.json()}


@dataclass(slots=True)
class Tally:
    """Counts of one category. `excess` is core distance less separation and radii."""

    cases: int = 0
    refused: int = 0
    closer: int = 0
    certain: int = 0
    asked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORACLES, 0))
    due: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORACLES, 0))
    """Findings that each oracle demands."""
    barred: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORACLES, 0))
    """Findings that each oracle rules out."""
    plain_excess_m_max: float = -math.inf
    """Largest excess of a pair of plain rings, found all the same."""
    shared_excess_max: float = -math.inf
    """Largest excess of any finding, as a share of what the tolerance allows it."""
    apart_excess_m_min: float = math.inf
    """Smallest excess of a pair that is not found: below 0 is a false negative."""
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take the counts of more cases in."""
        self.cases += other.cases
        self.refused += other.refused
        self.closer += other.closer
        self.certain += other.certain
        for name in ORACLES:
            self.asked[name] += other.asked[name]
            self.due[name] += other.due[name]
            self.barred[name] += other.barred[name]
        self.plain_excess_m_max = max(self.plain_excess_m_max, other.plain_excess_m_max)
        self.shared_excess_max = max(self.shared_excess_max, other.shared_excess_max)
        self.apart_excess_m_min = min(self.apart_excess_m_min, other.apart_excess_m_min)
        self.failures += other.failures


def judge(cases: Sequence[Case], *, digits_every: int = 0) -> Tally:
    """Decide cases of one category and hold the decisions against every oracle that can say something.

    `digits_every`: the oracle of 50 digits takes every so many-th case (0: none), as it needs 0.1 s and more.
    """
    tally = Tally(cases=len(cases))
    ready: list[tuple[Case, Prepared, Prepared]] = []
    for case in cases:
        one, other = _prepared(case, tally, first=True), _prepared(case, tally, first=False)
        if one is None or other is None:
            tally.refused += 1
        elif case.refused:
            tally.failures.append(Failure("ACCEPTED", "rule", case))
        else:
            ready.append((case, one, other))
    verdicts = _verdicts(ready, tally)
    kept = [case for case, _, _ in ready]
    for case, verdict, known in zip(kept, verdicts, _distances(kept, digits_every), strict=True):
        tally.closer += verdict.closer
        tally.certain += verdict.certain
        _weigh(case, verdict, known, tally)
    return tally


def _prepared(case: Case, tally: Tally, *, first: bool) -> Prepared | None:
    form = case.a if first else case.b
    try:
        volumes = case.volumes_a() if first else case.volumes_b()
        return prepare(volumes)
    except FieldRefusal as refusal:  # one place twice in a row, or a radius out of bounds: the types refuse those
        code = refusal.refusal.code.value
    except Refusal as refusal:
        code = refusal.code.value
    if not (first and case.refused) and form is not None and not _refusable(form):
        tally.failures.append(Failure(f"REFUSED WRONGLY ({code})", "plane", case))
    return None


def _refusable(form: Form) -> bool:
    """Is a shape near enough to being no shape, or too large to say?"""
    if form.kind == "circle":
        return False
    longest_m = max(
        float(WGS84.inv(a[1], a[0], b[1], b[0])[2])
        for a, b in zip(form.places, (*form.places[1:], form.places[0]), strict=True)
    )
    pieces_m = 0.0 if longest_m < 0.98 * PIECE_M else 2.0 * EDGE_M
    if form.kind == "corridor":
        return any(
            float(WGS84.inv(a[1], a[0], b[1], b[0])[2]) <= CLEARANCE_M * 1.02
            for a, b in zip(form.places, form.places[1:], strict=False)
        )
    clear_m = clearance_m(form)
    if clear_m is None or clear_m <= CLEARANCE_M * 1.02 + pieces_m:
        return True
    # A needle: one piece of an edge away from its tip the two sides are within the clearance of each other.
    return longest_m > PIECE_M and clear_m * PIECE_M / longest_m <= CLEARANCE_M * 1.3


def _rule_of(case: Case) -> RuleSet:
    return RuleSet(
        rule_id="test",
        version=1,
        separation_lateral_m=case.lateral_m,
        separation_vertical_m=case.vertical_m,
        separation_time_ms=case.time_ms,
        closer_ms_max=None,
    )


def _verdicts(ready: Sequence[tuple[Case, Prepared, Prepared]], tally: Tally) -> list[Verdict]:
    """Ask the index both ways; every so often ask `describe` too."""
    groups: dict[RuleSet, list[int]] = defaultdict(list)
    for k, (case, _, _) in enumerate(ready):
        groups[_rule_of(case)].append(k)
    out: dict[int, Verdict] = {}
    for rule, places in groups.items():
        there, back = Sky(rule), Sky(rule)
        there.add_many((k, ready[k][2], 0) for k in places)
        back.add_many((k, ready[k][1], 0) for k in places)
        for k in places:
            case, one, other = ready[k]
            out[k] = _found(there, one, k)
            if _found(back, other, k) != out[k]:
                tally.failures.append(Failure("ONE-SIDED", "kernel", case))
            if k % DESCRIBED_EVERY == 0:
                meeting = describe(one, other, rule)
                said = Verdict(closer=meeting is not None, certain=meeting is not None and meeting.certain)
                if said != out[k]:
                    tally.failures.append(Failure("DOORS", "kernel", case))
        _ask_in_columns(there, {k: ready[k][0] for k in places}, out, tally)
    return [out[k] for k in range(len(ready))]


def _ask_in_columns(there: Sky, cases: dict[int, Case], verdicts: dict[int, Verdict], tally: Tally) -> None:
    """Ask all at once, from arrays; bands said as text have another way in."""
    asked = [(k, case, case.a) for k, case in cases.items() if case.a is not None and case.band_a == BAND]
    forms = [form for _, _, form in asked]
    columns = Columns.from_arrays(
        [lat for form in forms for lat, _ in form.places],
        [lng for form in forms for _, lng in form.places],
        list(itertools.accumulate((len(form.places) for form in forms), initial=0)),
        kind=[KINDS.index(form.kind) for form in forms],
        radius_m=[form.radius_m for form in forms],
        lower_m=BAND[0],
        upper_m=BAND[1],
        start_ms=[case.window_a[0] for _, case, _ in asked],
        end_ms=[case.window_a[1] for _, case, _ in asked],
    )
    rows = {
        (query, handle): certain
        for query, handle, certain in zip(*(each.tolist() for each in _columns_told(there, columns)), strict=True)
    }
    for query, (k, case, _) in enumerate(asked):
        said = Verdict(closer=(query, k) in rows, certain=rows.get((query, k), False))
        if said != verdicts[k]:
            tally.failures.append(Failure("COLUMNS", "kernel", case))


def _columns_told(there: Sky, columns: Columns) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    table = there.findings_of(columns)
    return table.query, table.handle, table.certain


def _found(sky: Sky, asked: Prepared, handle: int) -> Verdict:
    for finding in sky.findings(asked, exclude_group=None):
        if finding.handle == handle:
            return Verdict(closer=True, certain=finding.certain)
    return Verdict(closer=False, certain=False)


def _distances(cases: Sequence[Case], digits_every: int) -> list[dict[str, Bounds]]:
    """Return for each case what each oracle knows of the distance of the cores."""
    out: list[dict[str, Bounds]] = [{} for _ in cases]
    pairs = [(k, case.a, case.b) for k, case in enumerate(cases) if case.a is not None and case.b is not None]
    if not pairs:
        return out
    exact = core_distances_m(cores_of([a for _, a, _ in pairs]), cores_of([b for _, _, b in pairs]))
    on_sphere = s2_distances_m([(a, b) for _, a, b in pairs])
    for (k, a, b), distance_m, angular in zip(pairs, exact.tolist(), on_sphere, strict=True):
        out[k]["ellipsoid"] = Bounds(distance_m - ERROR_M, distance_m + ERROR_M)
        if angular is not None:
            out[k]["s2"] = angular
        planar = plane_distance_m(a, b)
        if planar is not None:
            out[k]["plane"] = planar
        small = len(a.places) * len(b.places) < DIGITS_VERTICES_MAX and distance_m < DIGITS_M_MAX
        if digits_every and cases[k].number % digits_every == 0 and small:
            digits = digits_distance_m(a, b)
            out[k]["digits"] = Bounds(digits - 1e-9, digits + 1e-9)
    return out


def _weigh(case: Case, verdict: Verdict, known: dict[str, Bounds], tally: Tally) -> None:
    """Hold one decision against everything that is known of the case."""
    must, may = _outside_the_plane(case)
    if case.a is None or case.b is None:
        if verdict.closer:
            tally.failures.append(Failure("FALSE POSITIVE", "rule", case))
        return
    if verdict.closer and not may:
        tally.failures.append(Failure("FALSE POSITIVE", "air and time", case))
    reach_m = case.lateral_m + case.a.radius_m + case.b.radius_m
    allowed_m = _allowed_m(case.a, case.b, case.lateral_m)
    for name, bounds in known.items():
        tally.asked[name] += 1
        if must and bounds.most_m <= reach_m + TOUCH_M:
            tally.due[name] += 1
            if not verdict.closer:
                tally.failures.append(Failure("FALSE NEGATIVE", name, case, bounds))
        if bounds.least_m > reach_m + allowed_m:
            tally.barred[name] += 1
            if verdict.closer:
                tally.failures.append(Failure("FALSE POSITIVE", name, case, bounds))
        if verdict.certain and bounds.least_m > reach_m:
            tally.failures.append(Failure("NOT CERTAIN", name, case, bounds))
    if max(bounds.least_m for bounds in known.values()) > min(bounds.most_m for bounds in known.values()) + TOUCH_M:
        said = ", ".join(f"{name} {bounds.least_m:.9g} to {bounds.most_m:.9g}" for name, bounds in known.items())
        tally.failures.append(Failure(f"ORACLES DISAGREE: {said}", "all", case))
    excess_m = known["ellipsoid"].least_m + ERROR_M - reach_m
    if verdict.closer:
        tally.shared_excess_max = max(tally.shared_excess_max, excess_m / allowed_m)
        if case.a.kind == case.b.kind == "polygon" and case.lateral_m == 0.0:
            tally.plain_excess_m_max = max(tally.plain_excess_m_max, excess_m)
    elif must:
        tally.apart_excess_m_min = min(tally.apart_excess_m_min, excess_m)


def _outside_the_plane(case: Case) -> tuple[bool, bool]:
    """Return whether bands and windows surely meet, and whether they may."""
    gap_ms = max(case.window_a[0] - case.window_b[1], case.window_b[0] - case.window_a[1])
    if gap_ms > case.time_ms:
        return False, False
    if case.band_a == case.band_b:
        return True, True
    one_ground = case.lateral_m == 0.0
    may = not apart_in_all_states(case.band_a, case.band_b, case.vertical_m, one_ground=one_ground)
    random = Random(case.number)
    place = case.a.places[0] if case.a is not None else None
    if place not in GEOID_KNOWN or case.vertical_m > 0.0:
        return False, may
    return meet_in_some_state(case.band_a, case.band_b, place, one_ground=one_ground, random=random), may


def _allowed_m(a: Form, b: Form, lateral_m: float) -> float:
    """How much farther than separation and radii a pair may be and still be found."""
    edges_m = EDGE_M * ((a.kind != "circle") + (b.kind != "circle"))
    total_m = a.radius_m + b.radius_m + lateral_m
    if 0.0 < total_m <= ELLIPSOID_M_MAX:
        return TOLERANCE_M + edges_m + LENGTH_M
    lows = [meridian_m(_lowest_deg(form)) for form in (a, b)]
    high = prime_vertical_m(max(_highest_deg(a), _highest_deg(b)))
    angle = a.radius_m / lows[0] + b.radius_m / lows[1] + (lateral_m + TOLERANCE_M) / max(lows)
    return angle * high - (a.radius_m + b.radius_m + lateral_m) + edges_m


def _lowest_deg(form: Form) -> float:
    lats = [lat for lat, _ in form.places]
    nearest = 0.0 if min(lats) <= 0.0 <= max(lats) else min(abs(lat) for lat in lats)
    return max(0.0, nearest - _degrees(form.radius_m + REACH_BEYOND_M) - 0.1)


def _highest_deg(form: Form) -> float:
    edges_m = [
        float(WGS84.inv(a[1], a[0], b[1], b[0])[2])
        for a, b in zip(form.places, (*form.places[1:], form.places[0]), strict=True)
    ]
    half_deg = _degrees(0.5 * max(edges_m)) if form.kind != "circle" else 0.0
    return min(90.0, max(abs(lat) for lat, _ in form.places) + _degrees(form.radius_m + REACH_BEYOND_M) + half_deg)


def _degrees(length_m: float) -> float:
    return math.degrees(length_m / 6_335_439.0)


def failures_of(tallies: Iterable[Tally]) -> list[Failure]:
    """Return all failures, the worst kinds first."""
    order = ("FALSE NEGATIVE", "NOT CERTAIN", "FALSE POSITIVE")
    found = [failure for tally in tallies for failure in tally.failures]
    return sorted(found, key=lambda failure: order.index(failure.what) if failure.what in order else len(order))


def smaller(failure: Failure) -> Failure:
    """Return the same failure with as few vertices as a walk from vertex to vertex can leave."""
    kept = failure
    again = True
    while again:
        again = False
        for name in ("a", "b"):
            form: Form | None = getattr(kept.case, name)
            for k in range(len(form.places) if form is not None else 0):
                if form is None or len(form.places) <= {"circle": 1, "corridor": 2, "polygon": 3}[form.kind]:
                    break
                less = replace(form, places=form.places[:k] + form.places[k + 1 :])
                case = replace(kept.case, a=less) if name == "a" else replace(kept.case, b=less)
                tally = judge([case])
                found = [each for each in tally.failures if (each.what, each.oracle) == (kept.what, kept.oracle)]
                if found:
                    kept, again = found[0], True
                    break
    return kept
