"""What `clearline check` compares: every record of every file, read and prepared.

Rules
 * A record that cannot be read or placed on the earth is kept as `Refused` with file, line, place and field; the rest
   goes on. A file that cannot be read at all is one such refusal.
 * Notices and trajectories become `Item`s with shapes on the sphere; zones become `Item`s without: `check_zones` gives
   them their windows.
 * Items are numbered in the order of the files; the number is the handle in the sky.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, final

from clearline.doors.cli.check_progress import progress
from clearline.doors.cli.source_file import STDIN, read_source_file
from clearline.formats.record import FileFormat, Reading, Record
from clearline.model.refusal import Refusal

if TYPE_CHECKING:
    from clearline.sky import Prepared

__all__ = ["FileRead", "Inputs", "Item", "Kind", "Refused", "placed", "read_inputs"]

READ_BYTES_SHOWN_MIN = 1 << 20
"""Smaller files are read before a bar could be seen."""


class Kind(StrEnum):
    """What a record is."""

    NOTICE = "NOTICE"
    TRAJECTORY = "TRAJECTORY"
    ZONE = "ZONE"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What could not be taken: a file as a whole, or one record of it."""

    file: str
    place: str
    title: str
    refusal: Refusal
    line: int | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """One record to be compared. `prepared` is None for a zone."""

    number: int
    file: str
    record: Record
    prepared: Prepared | None

    @property
    def kind(self) -> Kind:
        """What the record is."""
        if self.record.zone is not None:
            return Kind.ZONE
        return Kind.NOTICE if self.record.trajectory is None else Kind.TRAJECTORY

    @property
    def extent_ms(self) -> tuple[int, int] | None:
        """From the first start to the last end; None for a zone, whose windows may have neither."""
        if self.record.trajectory is not None:
            points = self.record.trajectory.points
            return points[0].at_ms, points[-1].at_ms
        windows = [volume.window_ms for volume in self.record.volumes]
        return (min(start for start, _ in windows), max(end for _, end in windows)) if windows else None


@final
@dataclass(slots=True, kw_only=True)
class FileRead:
    """What one file held."""

    file: str
    file_format: FileFormat | None
    """None where it could not be read."""
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    refused: int = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything the files held, in their order."""

    files: tuple[FileRead, ...]
    items: tuple[Item, ...]
    """Notices and trajectories: the number of each is its place here."""
    zones: tuple[Item, ...]
    """Zones, numbered by their own place here."""
    refused: tuple[Refused, ...]

    def count(self, kind: Kind) -> int:
        """Return how many records of a kind are compared."""
        return sum(file.counts[kind] for file in self.files)


def read_inputs(files: Sequence[str]) -> Inputs:
    """Read and prepare all files."""
    refused: list[Refused] = []
    read: list[FileRead] = []
    items: list[Item] = []
    zones: list[Item] = []
    for told, reading in list(_readings(files, refused)):
        read.append(told)
        if reading is None:
            continue
        with progress(f"preparing {told.file}", len(reading.records)) as step:
            for record in reading.records:
                step()
                held = zones if record.zone is not None else items
                item = _item(told.file, record, len(held), refused)
                if item is None:
                    told.refused += 1
                    continue
                held.append(item)
                told.counts[item.kind] += 1
    return Inputs(files=tuple(read), items=tuple(items), zones=tuple(zones), refused=tuple(refused))


def _readings(files: Sequence[str], refused: list[Refused]) -> Iterator[tuple[FileRead, Reading | None]]:
    least = 0 if sum(map(_size, files)) >= READ_BYTES_SHOWN_MIN else None
    with progress("reading", len(files), least=least) as step:
        for file in files:
            try:
                reading = read_source_file(file)
            except Refusal as refusal:
                refused.append(Refused(file=file, place="", title="", refusal=refusal))
                yield FileRead(file=file, file_format=None, refused=1), None
                step()
                continue
            refused.extend(
                Refused(file=file, line=bad.line, place=bad.place, title=bad.title, refusal=bad.refusal)
                for bad in reading.refused
            )
            yield FileRead(file=file, file_format=reading.file_format, refused=len(reading.refused)), reading
            step()


def _size(file: str) -> int:
    """Return a file's bytes, for the bar only: reading it tells what is wrong with it."""
    try:
        return 0 if file == STDIN else Path(file).stat().st_size
    except (OSError, ValueError):
        return 0


def _item(file: str, record: Record, number: int, refused: list[Refused]) -> Item | None:
    from clearline.sky import prepare
    from clearline.sky.trajectory import prepare_trajectory

    prepared: Prepared | None = None
    try:
        if record.trajectory is not None:
            prepared = prepare_trajectory(record.trajectory)
        elif record.zone is None:
            prepared = prepare(record.volumes)
    except Refusal as refusal:
        refused.append(placed(file, record, refusal))
        return None
    return Item(number=number, file=file, record=record, prepared=prepared)


def placed(file: str, record: Record, refusal: Refusal) -> Refused:
    """Return a refusal of the sky with its place in the file."""
    in_file = Refusal(
        refusal.code, field=record.field_in_file(refusal.field), found=refusal.found, allowed=refusal.allowed
    )
    return Refused(file=file, line=record.line, place=record.place, title=record.title, refusal=in_file)
