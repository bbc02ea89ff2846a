"""From positions as they were written down to trajectories as the model takes them.

Rules
 * Positions are put in order of time; of several at one instant the first in the file is kept.
 * A track without a position for longer than the gap allowed is cut there, and so is one with more points than a
   trajectory may have (there the last point of one part is the first of the next).
 * A part of one position is no trajectory: it is told, with its line.
 * What was done is said in notes. Nothing is smoothed, moved or filled in.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from clearline.model import limits
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.instant import instant_text
from clearline.model.trajectory import Trajectory, TrajectoryPoint
from clearline.model.volume import LatLngPoint

__all__ = ["Lone", "Part", "Positions", "parts_of"]

_UNITS: Final = {AltitudeReference.FL: AltitudeUnits.FL}


@final
class Positions:
    """Positions of one track in columns: 40 bytes each. Values are checked by whoever adds them."""

    __slots__ = ("altitude", "at_ms", "lat", "line", "lng")

    def __init__(self) -> None:
        self.at_ms = array("q")
        self.lat = array("d")
        self.lng = array("d")
        self.altitude = array("d")
        """In metres, or in flight levels where the reference is FL."""
        self.line = array("q")

    def __len__(self) -> int:
        return len(self.at_ms)

    def add(self, at_ms: int, lat: float, lng: float, altitude: float, line: int) -> None:
        """Add one position that stands at `line` of the file."""
        self.at_ms.append(at_ms)
        self.lat.append(lat)
        self.lng.append(lng)
        self.altitude.append(altitude)
        self.line.append(line)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a track that can be flown, and the line of its first position."""

    trajectory: Trajectory
    line: int
    notes: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lone:
    """A position with no other within the gap allowed."""

    at_ms: int
    line: int


def parts_of(
    positions: Positions,
    reference: AltitudeReference,
    *,
    gap_ms: int | None,
    buffer_lateral_m: float = 0.0,
    buffer_vertical_m: float = 0.0,
) -> Iterator[Part | Lone]:
    """Yield the parts of a track in order of time; without `gap_ms` it is cut only where it has too many points."""
    order, notes = _in_order(positions.at_ms)
    pieces = list(_pieces(order, positions.at_ms, gap_ms))
    for piece in pieces:
        line = positions.line[piece[0]]
        if len(piece) == 1:
            yield Lone(at_ms=positions.at_ms[piece[0]], line=line)
            continue
        trajectory = Trajectory(
            points=tuple(_points(positions, reference, piece)),
            buffer_lateral_m=buffer_lateral_m,
            buffer_vertical_m=buffer_vertical_m,
        )
        said = notes
        if len(pieces) > 1:
            first, last = (instant_text(positions.at_ms[place]) for place in (piece[0], piece[-1]))
            said = (*notes, f"one of {len(pieces)} parts of its track: {first} to {last}")
        yield Part(trajectory=trajectory, line=line, notes=said)


def _in_order(at_ms: Sequence[int]) -> tuple[Sequence[int], tuple[str, ...]]:
    """Return the places in order of time without repeated instants, and what had to be done for it."""
    count = len(at_ms)
    order: Sequence[int] = range(count)
    notes: list[str] = []
    if any(at_ms[place] < at_ms[place - 1] for place in range(1, count)):
        order = sorted(order, key=at_ms.__getitem__)
        notes.append("its positions were not in order of time and have been sorted")
    kept = [place for step, place in enumerate(order) if step == 0 or at_ms[place] != at_ms[order[step - 1]]]
    if len(kept) < count:
        notes.append(f"{count - len(kept)} positions at an instant that it already had are left out")
        order = kept
    return order, tuple(notes)


def _pieces(order: Sequence[int], at_ms: Sequence[int], gap_ms: int | None) -> Iterator[Sequence[int]]:
    start = 0
    for step in range(1, len(order) + 1):
        ends = step == len(order)
        if ends or (gap_ms is not None and at_ms[order[step]] - at_ms[order[step - 1]] > gap_ms):
            yield order[start:step]
            start = step
        elif step - start == limits.TRAJECTORY_POINTS_MAX:
            yield order[start:step]
            start = step - 1


def _points(positions: Positions, reference: AltitudeReference, piece: Sequence[int]) -> Iterator[TrajectoryPoint]:
    units = _UNITS.get(reference, AltitudeUnits.M)
    lat, lng, altitude, at_ms = positions.lat, positions.lng, positions.altitude, positions.at_ms
    for place in piece:
        yield TrajectoryPoint(
            LatLngPoint(lat[place], lng[place]), Altitude(altitude[place], reference, units), at_ms[place]
        )
