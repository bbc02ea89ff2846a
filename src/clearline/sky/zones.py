"""Zones in the sky: which of them a notice meets, and what that means to its owner (R30, R31).

Rules
 * RESTRICTED and KEEP_CLEAR: every meeting is a finding. CORRIDOR: for those who are not among its `users`. ADVISORY:
   a finding that is marked as advisory, and is no conflict.
 * DIVIDING_LINE: within the buffer, a finding for everybody. For a party named in `sides` also where any part of the
   notice is on the other side, within `depth_m` of the line. The side of a place is that of the part of the line which
   is nearest to it, the line being drawn on at its ends along its geodesics.
 * Without a party - nobody knows whose flight it is - nobody is a user and nobody has a side.
 * The separations are those of the rule set for the kind of zone (`by_zone`), and 0 where it has none: intersection.
   The part of a dividing line that lies beyond its buffer has no separation over ground of its own.
 * A finding is made whether or not the party recognises the zone; `recognised` says which (nothing is hidden).
 * Where the decision lies within the tolerance, or rests on bounds of altitudes, it is a finding that is not certain.

The horizon is the extent of all notices that will be asked about; a zone without windows is active throughout.
No I/O, no clock. Threads: any number may ask at once; nothing changes once it is made.

Source: practice.md R13, R30, R31; design.md §4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, final

import msgspec
import numpy as np

from clearline.model.identity import PartyId
from clearline.model.message import Severity
from clearline.model.refusal import InternalError, Refusal, invariant
from clearline.model.rules import RuleSet
from clearline.model.zone import Side, Zone, ZoneKind
from clearline.sky.finding import Finding, Meeting
from clearline.sky.index import Sky
from clearline.sky.kernel_meet import INT_COLUMNS, SURE
from clearline.sky.meeting import describe
from clearline.sky.prepared import Prepared
from clearline.sky.zone_shapes import DividingLine, dividing_line, part_of, reach_volume, side_verdicts, standing
from clearline.sky.zone_windows import hull_of, windows_within

__all__ = ["ZoneFinding", "Zones"]

Window = tuple[int, int]


class ZoneFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that meets a zone."""

    zone: Zone
    from_ms: int
    until_ms: int
    """Hull of the windows in which they meet; both ends included."""
    closer_ms: int
    """Measure of the union of those windows."""
    certain: bool
    """False where the decision lies within the tolerance, or rests on the bounds of an altitude conversion."""
    recognised: bool
    """Whether the owner of the notice is among those who recognise the zone."""
    advisory: bool
    """True for a zone that is to be known and makes no conflict."""
    severity: Severity
    """BRIEF where the rule for this kind of zone allows to be closer for so long."""
    pairs: tuple[tuple[int, int], ...]
    """Places of the volumes that meet: (in the notice, in the zone), sorted."""


class _Held(NamedTuple):
    """A zone as it is held: its volumes over the hull of its windows, and a dividing line with what it reaches."""

    zone: Zone
    shape: Prepared
    steady: bool
    """Whether the hull is the one window there is, so that a finding of the index is final."""
    reach: Prepared | None
    line: DividingLine | None


@final
class Zones:
    """Many zones under one rule set."""

    __slots__ = ("_held", "_reach", "_skies", "_widest_ms", "horizon", "rules")

    def __init__(self, zones: Sequence[Zone], rules: RuleSet, horizon: Window) -> None:
        """Place all zones on the sphere.

        Raises:
            Refusal: as `prepare`, with the path from `zones[n]`.
        """
        invariant(horizon[0] <= horizon[1], f"horizon {horizon} has an end not before its start")
        self.rules: Final = rules
        self.horizon: Final = horizon
        self._held: dict[int, _Held] = {}
        self._skies = {kind: Sky(_rules_for(rules, kind)) for kind in ZoneKind}
        self._reach = Sky(_without_lateral(self._skies[ZoneKind.DIVIDING_LINE].rules))
        self._widest_ms: Final = max(sky.rules.separation_time_ms for sky in self._skies.values())
        for number, zone in enumerate(zones):
            hull = hull_of(zone.windows, self._span(horizon))
            if hull is None:
                continue
            try:
                held = self._hold(zone, hull)
            except Refusal as refusal:
                raise refusal.within(f"zones[{number}]") from None
            self._held[number] = held
        for kind, sky in self._skies.items():
            sky.add_many((n, held.shape, 0) for n, held in self._held.items() if held.zone.kind is kind)
        self._reach.add_many((n, held.reach, 0) for n, held in self._held.items() if held.reach is not None)

    def __len__(self) -> int:
        return len(self._held)

    def _span(self, window: Window) -> Window:
        return window[0] - self._widest_ms, window[1] + self._widest_ms

    def _hold(self, zone: Zone, hull: Window) -> _Held:
        shape = standing(zone.volumes, hull)
        steady = windows_within(zone.windows, hull) == (hull,) if len(zone.windows) < 2 else False
        if not zone.sides:
            return _Held(zone, shape, steady, None, None)
        lateral_m = self._skies[ZoneKind.DIVIDING_LINE].rules.separation_lateral_m
        reach = standing([reach_volume(zone, lateral_m)], hull)
        return _Held(zone, shape, steady, reach, dividing_line(zone, reach))

    def findings(self, prepared: Prepared, party: PartyId | None) -> list[ZoneFinding]:
        """Return which zones a notice of `party` meets, in the order in which the zones were given.

        Raises:
            InternalError: the notice is not within the horizon.
        """
        if not len(prepared):
            return []
        window = _extent(prepared)
        inside = self.horizon[0] <= window[0] and window[1] <= self.horizon[1]
        invariant(inside, f"the notice's time {window} is within the horizon {self.horizon}")
        out: dict[int, ZoneFinding] = {}
        for kind, sky in self._skies.items():
            if not len(sky):
                continue
            for coarse in sky.findings(prepared, exclude_group=None):
                held = self._held[coarse.handle]
                if kind is ZoneKind.CORRIDOR and party in held.zone.users:
                    continue
                finding = coarse if held.steady else self._exact(held, held.shape, sky.rules, prepared, coarse.pairs)
                if finding is not None:
                    out[coarse.handle] = _zone_finding(held.zone, party, finding)
        if party is not None and len(self._reach):
            self._add_wrong_sides(prepared, party, out)
        return [out[number] for number in sorted(out)]

    def _add_wrong_sides(self, prepared: Prepared, party: PartyId, out: dict[int, ZoneFinding]) -> None:
        """Join what is on the wrong side of a dividing line to what is in its buffer."""
        for coarse in self._reach.findings(prepared, exclude_group=None):
            held = self._held[coarse.handle]
            own = _side_of(held.zone, party)
            if own is None or held.line is None or held.reach is None:
                continue
            near = sorted({place for place, _ in coarse.pairs})
            verdicts = dict(zip(near, side_verdicts(prepared, near, held.line, own), strict=True))
            buffered = out.get(coarse.handle)
            concerned = {place for place, verdict in verdicts.items() if verdict}
            concerned |= {place for place, _ in buffered.pairs} & set(near) if buffered is not None else set()
            found = self._exact(held, held.reach, self._reach.rules, prepared, [(place, 0) for place in concerned])
            if found is None:
                continue
            sure = [(place, 0) for place, verdict in verdicts.items() if verdict == SURE]
            proof = self._exact(held, held.reach, self._reach.rules, prepared, sure)
            joined = _zone_finding(held.zone, party, found)
            out[coarse.handle] = _joined(joined, buffered, certain=proof is not None and proof.certain)

    def _exact(
        self, held: _Held, shape: Prepared, rules: RuleSet, prepared: Prepared, pairs: Sequence[tuple[int, int]]
    ) -> Finding | None:
        """Compare some volumes of a notice with some of a zone in its windows; places are those of the whole ones."""
        cut = _cut(held.zone, shape, rules, prepared, pairs)
        if cut is None:
            return None
        sky = Sky(rules)
        sky.add(0, cut.theirs, group=0)
        found = sky.findings(cut.ours, exclude_group=None)
        return msgspec.structs.replace(found[0], pairs=cut.pairs_in_whole(found[0].pairs)) if found else None

    def meeting(self, prepared: Prepared, finding: ZoneFinding) -> Meeting:
        """Return how a notice meets a zone, as a view shows it; `finding` is one of this notice and these zones.

        For a dividing line the area shown is that within its reach, where more is concerned than its buffer.

        Raises:
            InternalError: the two do not meet.
        """
        held = next((each for each in self._held.values() if each.zone is finding.zone), None)
        held = held or next((each for each in self._held.values() if each.zone == finding.zone), None)
        if held is None:
            raise InternalError(f"zone {finding.zone.zone_id} is not held")
        ways = [(held.shape, self._skies[held.zone.kind].rules)]
        if held.reach is not None:
            ways.append((held.reach, self._reach.rules))
        shown: Meeting | None = None
        for shape, rules in ways:
            cut = _cut(held.zone, shape, rules, prepared, finding.pairs)
            meeting = None if cut is None else describe(cut.ours, cut.theirs, rules)
            if cut is not None and meeting is not None:
                shown = msgspec.structs.replace(
                    meeting, pairs=cut.pairs_in_whole(meeting.pairs), severity=finding.severity, certain=finding.certain
                )
                if shown.pairs == finding.pairs:
                    return shown
        if shown is None:
            raise InternalError(f"the notice does not meet zone {finding.zone.zone_id}")
        return shown


class _Cut(NamedTuple):
    """Parts of a notice and of a zone, and which places they had in the whole."""

    ours: Prepared
    theirs: Prepared
    places: list[int]
    others: list[int]
    windows: int

    def pairs_in_whole(self, pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        return tuple(sorted({(self.places[i], self.others[j // self.windows]) for i, j in pairs}))


def _cut(
    zone: Zone, shape: Prepared, rules: RuleSet, prepared: Prepared, pairs: Sequence[tuple[int, int]]
) -> _Cut | None:
    places, others = sorted({i for i, _ in pairs}), sorted({j for _, j in pairs})
    if not places:
        return None
    ours = part_of(prepared, places)
    start, end = _extent(ours)
    hull = int(shape.ints[4]), int(shape.ints[5])
    span = max(hull[0], start - rules.separation_time_ms), min(hull[1], end + rules.separation_time_ms)
    windows = windows_within(zone.windows, span) if span[0] <= span[1] else ()
    if not windows:
        return None
    return _Cut(ours, part_of(shape, others, windows), places, others, len(windows))


def _extent(prepared: Prepared) -> Window:
    ints = prepared.ints.reshape(-1, INT_COLUMNS)
    return int(np.min(ints[:, 4])), int(np.max(ints[:, 5]))


def _rules_for(rules: RuleSet, kind: ZoneKind) -> RuleSet:
    """Return the rule set's values between a notice and a zone of a kind, as the general ones of a rule set."""
    row = next((each for each in rules.by_zone if each.kind is kind), None)
    return RuleSet(
        rule_id=rules.rule_id,
        version=rules.version,
        separation_lateral_m=0.0 if row is None else row.separation_lateral_m,
        separation_vertical_m=0.0 if row is None else row.separation_vertical_m,
        separation_time_ms=0 if row is None else row.separation_time_ms,
        closer_ms_max=None if row is None else row.closer_ms_max,
    )


def _without_lateral(rules: RuleSet) -> RuleSet:
    return msgspec.structs.replace(rules, separation_lateral_m=0.0)


def _side_of(zone: Zone, party: PartyId) -> Side | None:
    return next((each.side for each in zone.sides if each.party == party), None)


def _zone_finding(zone: Zone, party: PartyId | None, finding: Finding) -> ZoneFinding:
    return ZoneFinding(
        zone=zone,
        from_ms=finding.from_ms,
        until_ms=finding.until_ms,
        closer_ms=finding.closer_ms,
        certain=finding.certain,
        recognised=not zone.recognised_by or party in zone.recognised_by,
        advisory=zone.kind is ZoneKind.ADVISORY,
        severity=finding.severity,
        pairs=finding.pairs,
    )


def _joined(reached: ZoneFinding, buffered: ZoneFinding | None, *, certain: bool) -> ZoneFinding:
    """Join a finding of the wrong side, which holds the volumes in the buffer too, and that of the buffer."""
    if buffered is None:
        return msgspec.structs.replace(reached, certain=certain)
    longer = max(reached, buffered, key=lambda each: each.closer_ms)
    return msgspec.structs.replace(
        reached,
        from_ms=min(reached.from_ms, buffered.from_ms),
        until_ms=max(reached.until_ms, buffered.until_ms),
        closer_ms=longer.closer_ms,
        severity=longer.severity,
        certain=certain or buffered.certain,
        pairs=tuple(sorted({*reached.pairs, *buffered.pairs})),
    )
