"""What a file holds: records that could be read, and records that could not, each with its place.

Rules
 * Tolerant per record: a bad record is reported with its place, field, found and allowed, and the rest is kept.
 * A record is a notice (volumes), a flight (a trajectory) or a zone. Nothing else is known of a notice but class and
   priority, where the file says them.
 * A title is for tables only. It is bounded and free of control characters, whatever the file holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import final

from clearline.model.identity import AircraftClass
from clearline.model.refusal import Refusal, shown
from clearline.model.trajectory import Trajectory
from clearline.model.volume import Volume4D
from clearline.model.zone import Zone

__all__ = ["FileFormat", "Reading", "Record", "RefusedRecord", "title_of"]

TITLE_CHARACTERS_MAX = 60
"""A title is one cell of a table; what is longer is cut."""

_VERTEX = re.compile(r"volumes\[(\d+)\]\.volume\.outline_(?:polygon|corridor)\.vertices(\[\d+\])?")


class FileFormat(StrEnum):
    """The formats that Clearline reads."""

    GEOJSON = "GeoJSON"
    F3548 = "F3548 JSON"
    KML = "KML"
    OPENAIR = "OpenAir"
    ED269 = "ED-269"
    ED318 = "ED-318"
    CSV = "CSV"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One notice, flight or zone of a file.

    `place` is its path in the file, `line` the line on which it starts (from 1, where the format has lines),
    `outlines[i]` where the vertices of volume i stand. Exactly one of `volumes`, `trajectory` and `zone` is there.
    """

    place: str
    title: str
    volumes: tuple[Volume4D, ...] = ()
    trajectory: Trajectory | None = None
    zone: Zone | None = None
    line: int | None = None
    outlines: tuple[str, ...] = ()
    aircraft_class: AircraftClass | None = None
    priority: int | None = None
    notes: tuple[str, ...] = ()
    """What was taken otherwise than it stands in the file, one sentence each: a hole filled, a gap left open."""

    def field_in_file(self, field: str) -> str:
        """Return where in the file `field` of the model stands, as far as it can be told.

        `volumes[0].volume.outline_polygon.vertices[7]` of a GeoJSON feature is `geometry.coordinates[0][7]`.
        """
        match = _VERTEX.fullmatch(field)
        if match is None or int(match.group(1)) >= len(self.outlines):
            return field
        return self.outlines[int(match.group(1))] + (match.group(2) or "")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRecord:
    """One record that could not be taken, and why. The refusal's field is the path inside the record."""

    place: str
    title: str
    refusal: Refusal
    line: int | None = None
    """The line on which the record starts, from 1, where it can be told."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything a file held, in its order."""

    file_format: FileFormat
    records: tuple[Record, ...]
    refused: tuple[RefusedRecord, ...]


def title_of(*candidates: object, otherwise: str) -> str:
    """Return the first candidate that can serve as a title (text or whole number), bounded and in one line."""
    for candidate in candidates:
        if isinstance(candidate, bool) or not isinstance(candidate, (str, int)):
            continue
        text = " ".join(shown(str(candidate)).split())
        if text:
            return text if len(text) <= TITLE_CHARACTERS_MAX else text[: TITLE_CHARACTERS_MAX - 1] + "…"
    return otherwise
