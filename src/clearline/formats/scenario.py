"""A scenario: real flights as their owners would have declared them, in the order in which it is said.

Rules
 * Each track becomes one notice, made from what was then flown (`route`). Ids are UUIDs of version 5 over sample and
   track number: the same in every run, and telling nothing.
 * A flight is declared 10 to 60 min before it starts (one in ten late: 30 s to 2 min), activated at its start and
   released at its end. Some are amended: DELAYED ones were first declared 10 min earlier than flown; EXTENDED ones
   first without their last volumes, with the rest said under way. Some are REFILED: declared 20 min early,
   cancelled, and declared again as another notice. Which flight does what is drawn from its notice id.
 * Pure: no clock, no randomness. `shift_to` moves everything to now; only the order and distances in time are real.

Use:
    scenario = load_scenario("calfire").busiest(6 * 3_600_000).shift_to(now_ms).reissued(str(now_ms))
    for action in scenario.actions(): ...   # at_ms, party, kind, notice_id, version, volumes
"""

from __future__ import annotations

import heapq
import uuid
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple, final

import msgspec

from clearline.formats.route import Buffers, volumes_of
from clearline.formats.sample import Sample, Track, load_sample
from clearline.model.identity import AircraftClass
from clearline.model.message import ReasonCode
from clearline.model.refusal import Refusal, RefusalCode
from clearline.model.volume import Volume4D, time_at

__all__ = [
    "SCENARIOS",
    "Action",
    "ActionKind",
    "Amendment",
    "Flight",
    "Position",
    "Scenario",
    "load_scenario",
    "scenario_of",
]

_SPACE: Final = uuid.UUID("6d0c6a2e-3f0b-5d6e-9a51-2c1d0e8f7b34")
"""Drawn once, for the ids of sample notices only."""
_MINUTE_MS: Final = 60_000
_DELAY_MS: Final = 10 * _MINUTE_MS
_REFILED_MS: Final = 20 * _MINUTE_MS
_BUFFERS: Final = {
    # Fire traffic: half a mile of room; turns are tight and fixes half a minute apart.
    "calfire": Buffers(lateral_m=926.0, simplify_m=150.0, vertical_ft=200, time_ms=30_000, segment_ms=8 * _MINUTE_MS),
    # En route: one mile of room, long straight legs.
    "switzerland": Buffers(
        lateral_m=1852.0, simplify_m=250.0, vertical_ft=300, time_ms=30_000, segment_ms=6 * _MINUTE_MS
    ),
}
SCENARIOS: Final = tuple(_BUFFERS)
"""The samples that notices are made from; the others are for trajectories."""


class ActionKind(StrEnum):
    """What a party says at one moment; the values are the message types of the line."""

    DECLARE = "AREA_NOTICE"
    AMEND = "AREA_AMEND"
    CANCEL = "AREA_CANCEL"
    ACTIVATE = "ACTIVATE"
    RELEASE = "RELEASE"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing said: `version` is the notice's version that it makes. `volumes` only for DECLARE and AMEND."""

    at_ms: int
    party: str
    kind: ActionKind
    notice_id: str
    version: int
    aircraft_class: AircraftClass
    volumes: tuple[Volume4D, ...] = ()
    reason: ReasonCode | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """New volumes for a notice, and when they are said."""

    at_ms: int
    volumes: tuple[Volume4D, ...]
    reason: ReasonCode


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One notice with its life. `volumes` are those first declared; a cancelled one is never activated."""

    party: str
    track_number: int
    notice_id: str
    aircraft_class: AircraftClass
    volumes: tuple[Volume4D, ...]
    declare_at_ms: int
    activate_at_ms: int | None
    amendments: tuple[Amendment, ...]
    end_at_ms: int
    """When it is released, or cancelled where it was never activated."""

    @property
    def final_volumes(self) -> tuple[Volume4D, ...]:
        """The volumes after the last amendment: those that contain what was flown."""
        return self.amendments[-1].volumes if self.amendments else self.volumes

    @property
    def cancelled(self) -> bool:
        """Whether the flight ended before it began."""
        return self.activate_at_ms is None

    def actions(self) -> Iterator[Action]:
        """Yield what the owner says about this notice, in order, versions counted from 1."""
        said: list[tuple[int, ActionKind, tuple[Volume4D, ...], ReasonCode | None]] = [
            (amendment.at_ms, ActionKind.AMEND, amendment.volumes, amendment.reason) for amendment in self.amendments
        ]
        if self.activate_at_ms is not None:
            said.append((self.activate_at_ms, ActionKind.ACTIVATE, (), None))
        said.sort(key=lambda each: each[0])
        said.insert(0, (self.declare_at_ms, ActionKind.DECLARE, self.volumes, None))
        last = ActionKind.CANCEL if self.cancelled else ActionKind.RELEASE
        said.append((self.end_at_ms, last, (), ReasonCode.CHANGE_OF_PLAN if self.cancelled else None))
        for version, (at_ms, kind, volumes, reason) in enumerate(said, start=1):
            yield Action(
                at_ms=at_ms,
                party=self.party,
                kind=kind,
                notice_id=self.notice_id,
                version=version,
                aircraft_class=self.aircraft_class,
                volumes=volumes,
                reason=reason,
            )


class Position(NamedTuple):
    """One fix of one track, for the replay of a party's own tracks (R37)."""

    at_ms: int
    party: str
    track_number: int
    lat: float
    lng: float
    pressure_ft: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All flights of a sample, sorted by when they are declared, with the tracks they were made from."""

    name: str
    title: str
    parties: tuple[str, ...]
    flights: tuple[Flight, ...]
    tracks: tuple[Track, ...]

    @property
    def start_ms(self) -> int:
        """When the first thing is said."""
        return min(flight.declare_at_ms for flight in self.flights)

    @property
    def end_ms(self) -> int:
        """When the last thing is said."""
        return max(flight.end_at_ms for flight in self.flights)

    def actions(self) -> Iterator[Action]:
        """Yield everything that is said, in order of time; at one moment by notice, each notice in its own order."""
        return heapq.merge(
            *(flight.actions() for flight in self.flights), key=lambda each: (each.at_ms, each.notice_id)
        )

    def positions(self) -> Iterator[Position]:
        """Yield every fix of every track, in order of time."""
        return heapq.merge(*(_positions(track) for track in self.tracks))

    def between(self, from_ms: int, until_ms: int) -> Scenario:
        """Return the flights whose first volume starts at `from_ms` or later and before `until_ms`, with their tracks.

        Raises:
            Refusal: OUT_OF_RANGE where there is none.
        """
        flights = tuple(flight for flight in self.flights if from_ms <= _first_ms(flight) < until_ms)
        if not flights:
            raise Refusal(
                RefusalCode.OUT_OF_RANGE,
                field="from_ms",
                found=f"{from_ms} to {until_ms}",
                allowed=f"a window with flights, within {self.start_ms} to {self.end_ms}",
            )
        numbers = {flight.track_number for flight in flights}
        tracks = tuple(track for track in self.tracks if track.number in numbers)
        return replace(self, flights=flights, tracks=tracks)

    def busiest(self, duration_ms: int) -> Scenario:
        """Return the part in which most flights start within `duration_ms`; the earliest of equals."""
        starts = sorted(_first_ms(flight) for flight in self.flights)
        best = max(
            starts, key=lambda start: (bisect_left(starts, start + duration_ms) - bisect_left(starts, start), -start)
        )
        return self.between(best, best + duration_ms)

    def shift_to(self, now_ms: int) -> Scenario:
        """Return the same scenario moved in time, so that the first thing is said at `now_ms`."""
        return self.moved(now_ms - self.start_ms)

    def reissued(self, run: str) -> Scenario:
        """Return the same scenario with other notice ids: a node that has played it once knows the ids of that run."""
        return replace(
            self,
            flights=tuple(
                replace(flight, notice_id=str(uuid.uuid5(uuid.UUID(flight.notice_id), run))) for flight in self.flights
            ),
        )

    def moved(self, by_ms: int) -> Scenario:
        """Return the same scenario with every instant moved by `by_ms`."""
        return replace(
            self,
            flights=tuple(_moved_flight(flight, by_ms) for flight in self.flights),
            tracks=tuple(
                replace(track, fixes=tuple(replace(fix, at_ms=fix.at_ms + by_ms) for fix in track.fixes))
                for track in self.tracks
            ),
        )


def load_scenario(name: str) -> Scenario:
    """Return the scenario of a shipped sample: "calfire" or "switzerland".

    Raises:
        Refusal: NOT_FOUND for a name that is none.
    """
    if name not in SCENARIOS:
        raise Refusal(RefusalCode.NOT_FOUND, field="sample", found=name, allowed=", ".join(SCENARIOS))
    return scenario_of(load_sample(name), _BUFFERS[name])


def scenario_of(sample: Sample, buffers: Buffers) -> Scenario:
    """Return the scenario of any sample."""
    flights = [flight for track in sample.tracks for flight in _flights(sample.name, track, buffers)]
    flights.sort(key=lambda flight: (flight.declare_at_ms, flight.notice_id))
    return Scenario(
        name=sample.name, title=sample.title, parties=sample.parties, flights=tuple(flights), tracks=sample.tracks
    )


# --- one track


def _flights(name: str, track: Track, buffers: Buffers) -> Iterator[Flight]:
    flown = volumes_of(track.fixes, buffers)
    start_ms, end_ms = flown[0].window_ms[0], flown[-1].window_ms[1]
    identity = uuid.uuid5(_SPACE, f"{name}/{track.number}")
    draw, lead_draw = identity.int % 100, (identity.int >> 16) % 1000
    late = lead_draw < 100
    lead_ms = 30_000 + lead_draw * 900 if late else 10 * _MINUTE_MS + (lead_draw - 100) * 3_333
    declare_at_ms = start_ms - lead_ms
    declared = flown
    amendments: tuple[Amendment, ...] = ()
    if draw < 15 and not late:
        declared = _moved_volumes(flown, -_DELAY_MS)
        amendments = (_amendment(start_ms - lead_ms // 2, flown, ReasonCode.CHANGE_OF_PLAN),)
    elif draw < 30 and len(flown) > 2:
        declared = flown[: (len(flown) + 1) // 2]
        amendments = (_amendment(start_ms + (end_ms - start_ms) // 3, flown, ReasonCode.CHANGE_OF_PLAN),)
    elif draw < 36 and not late:
        yield Flight(
            party=track.party,
            track_number=track.number,
            notice_id=str(uuid.uuid5(_SPACE, f"{name}/{track.number}/first")),
            aircraft_class=AircraftClass.MANNED,
            volumes=_moved_volumes(flown, -_REFILED_MS),
            declare_at_ms=declare_at_ms - _REFILED_MS,
            activate_at_ms=None,
            amendments=(),
            end_at_ms=declare_at_ms - _MINUTE_MS,
        )
    yield Flight(
        party=track.party,
        track_number=track.number,
        notice_id=str(identity),
        aircraft_class=AircraftClass.MANNED,
        volumes=declared,
        declare_at_ms=declare_at_ms,
        activate_at_ms=start_ms,
        amendments=amendments,
        end_at_ms=end_ms,
    )


def _amendment(at_ms: int, volumes: tuple[Volume4D, ...], reason: ReasonCode) -> Amendment:
    return Amendment(at_ms=at_ms, volumes=volumes, reason=reason)


def _positions(track: Track) -> Iterator[Position]:
    for fix in track.fixes:
        yield Position(fix.at_ms, track.party, track.number, fix.lat, fix.lng, fix.pressure_ft)


def _first_ms(flight: Flight) -> int:
    return flight.final_volumes[0].window_ms[0]


def _moved_flight(flight: Flight, by_ms: int) -> Flight:
    return replace(
        flight,
        volumes=_moved_volumes(flight.volumes, by_ms),
        declare_at_ms=flight.declare_at_ms + by_ms,
        activate_at_ms=None if flight.activate_at_ms is None else flight.activate_at_ms + by_ms,
        amendments=tuple(
            _amendment(each.at_ms + by_ms, _moved_volumes(each.volumes, by_ms), each.reason)
            for each in flight.amendments
        ),
        end_at_ms=flight.end_at_ms + by_ms,
    )


def _moved_volumes(volumes: tuple[Volume4D, ...], by_ms: int) -> tuple[Volume4D, ...]:
    return tuple(_moved_volume(volume, by_ms) for volume in volumes)


def _moved_volume(volume: Volume4D, by_ms: int) -> Volume4D:
    start_ms, end_ms = volume.window_ms
    return msgspec.structs.replace(volume, time_start=time_at(start_ms + by_ms), time_end=time_at(end_ms + by_ms))
