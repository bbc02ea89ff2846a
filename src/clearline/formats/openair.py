"""OpenAir, versions 1 and 2: national airspace as zones.

Rules
 * A zone starts with `AC` and ends where the next starts. `AN` names it, `AY` types it, `AL` and `AH` limit it, `AA`
   says when it is active. `DP`, `DA`, `DB`, `DC`, `DY` draw it, with the centre, the sense and the width of `V`, which
   do not outlive the zone. `*` and, behind a value, `;` start a comment.
 * Points and arcs are one polygon (see `arc`), each `DC` is a circle, a run of `DY` is a corridor of the width said by
   `V W=`. Two altitudes in one line are two volumes.
 * Windows of `AA` are UTC; `NONE` opens a side. `AA NONE` alone (activated by a notice to come) makes the zone
   ADVISORY: it says nothing about when. A zone without `AA` is always active.
 * Frequencies, stations, codes, labels and colours are passed over; terrain (`TO`, `TC`) and an `AC` that only sets the
   colours of its class too.
 * A line that is no command of the format is reported once for each command, with the number of such lines. A zone of
   a class that nobody knows is RESTRICTED, because it must not look free, and has a note.
 * A bad zone is refused with the line that is wrong; the others are kept. UTF-8, else Windows-1252.

Sources: the format's first description (WinPilot, 1998); naviter, OpenAir 2.1 (2026).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, NoReturn, final

from clearline.formats.openair_fields import kind_of, parse_altitudes
from clearline.formats.openair_shape import Drawn, draw
from clearline.formats.record import FileFormat, Reading, Record, RefusedRecord, title_of
from clearline.formats.zone_name import ZoneNames, zone_id_of
from clearline.formats.zone_time import earliest_ms, latest_ms
from clearline.model import limits
from clearline.model.refusal import FieldRefusal, Refusal, RefusalCode, shown
from clearline.model.volume import Volume3D
from clearline.model.zone import Zone, ZoneKind, ZoneWindow

__all__ = ["decode", "is_openair", "read"]

_STATEMENT: Final = re.compile(r"\s*([A-Za-z]{2})(?:[\s:]+|$)(.*)|\s*([Vv])\s+(.*)", re.ASCII)
_SHAPE: Final = frozenset("DP DA DB DC DY V".split())
_ONCE: Final = frozenset("AC AN AY AL AH".split())
_PASSED_OVER: Final = frozenset("AI AF AG AX AT TP SP SB TX".split())
_TERRAIN: Final = frozenset("TO TC".split())
_SNIFF_AC: Final = re.compile(r"(?:\A|[\r\n])[ \t]*AC[ \t]+\S", re.IGNORECASE)
_SNIFF_OTHER: Final = re.compile(r"[\r\n][ \t]*(?:D[PABCY]|V|AH|AL)[ \t]+\S", re.IGNORECASE)
_UNKNOWN_REPORTED_MAX: Final = 32
"""Kinds of unknown lines reported for one file; what has more is no OpenAir."""
_ALLOWED_COMMANDS: Final = "AC AN AY AL AH AA DP DA DB DC DY V, and AI AF AG AX AT TP SP SB TO TC TX passed over"


class _Line(NamedTuple):
    number: int
    command: str
    text: str


@final
@dataclass(slots=True)
class _Block:
    """The lines of one zone, as they stand."""

    start: int
    lines: list[_Line] = field(default_factory=list)
    dropped: int = 0


def decode(source: bytes) -> str:
    """Return the text of a file: UTF-8 with or without a byte order mark, else Windows-1252."""
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        return source.decode("cp1252", errors="replace")


def is_openair(source: bytes) -> bool:
    """Tell whether a file has a line with a class and a line with a limit or a shape, as every OpenAir file has."""
    if source[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"<", b"{", b"["}:
        return False
    text = decode(source)
    return _SNIFF_AC.search(text) is not None and _SNIFF_OTHER.search(text) is not None


def read(source: bytes, *, bytes_max: int = limits.FILE_BYTES_MAX) -> Reading:
    """Read the bytes of an OpenAir file.

    Raises:
        Refusal: OVER_LIMIT, or UNKNOWN_FORMAT where there is no zone at all, for the file as a whole.
    """
    if len(source) > bytes_max:
        raise Refusal(RefusalCode.OVER_LIMIT, found=f"{len(source)} bytes", allowed=f"at most {bytes_max} bytes")
    records: list[Record] = []
    refused: list[RefusedRecord] = []
    strays: dict[str, tuple[int, int, str]] = {}
    names = ZoneNames()
    for block in _blocks(decode(source), strays):
        if {line.command for line in block.lines} <= {"AC", "AY"}:
            continue  # colours of a class
        title = _title(block)
        try:
            records.append(_record(block, title, names))
        except Refusal as refusal:
            place = f"line {block.start}"
            refused.append(RefusedRecord(place=place, title=title, refusal=refusal, line=block.start))
    if not records and not refused:
        raise Refusal(RefusalCode.UNKNOWN_FORMAT, found="no line with AC", allowed="OpenAir: zones that start with AC")
    refused += (_stray(command, *place) for command, place in strays.items())
    return Reading(file_format=FileFormat.OPENAIR, records=tuple(records), refused=tuple(refused))


def _stray(command: str, line: int, count: int, text: str) -> RefusedRecord:
    more = f", and {count - 1} more such lines" if count > 1 else ""
    refusal = Refusal(
        RefusalCode.UNKNOWN_FIELD,
        field=f"{command} at line {line}",
        found=f"{text}{more}",
        allowed=_ALLOWED_COMMANDS,
    )
    return RefusedRecord(place=f"line {line}", title=f"line {line}", refusal=refusal, line=line)


# --- lines and blocks


def _blocks(text: str, strays: dict[str, tuple[int, int, str]]) -> Iterator[_Block]:
    """Yield the zones of a file; gather in `strays`, by command: first line, count and text of what is no command."""
    block: _Block | None = None
    in_terrain = False
    for number, raw in enumerate(io.StringIO(text, newline=None), start=1):
        if not raw.strip() or raw.lstrip().startswith("*"):
            continue
        match = _STATEMENT.match(raw)
        command = (match[1] or match[3]).upper() if match else "text"
        value = (match[2] or match[4] or "").strip() if match else ""
        if command == "AC":
            if block is not None:
                yield block
            block, in_terrain = _Block(number), False
        elif command in _TERRAIN:
            in_terrain = True
        if command in _PASSED_OVER or command in _TERRAIN or (in_terrain and command in _SHAPE):
            continue
        if block is None or not (command in _SHAPE or command in _ONCE or command == "AA"):
            _count_stray(strays, command if match else "text", number, raw)
        elif len(block.lines) < limits.ZONE_LINES_MAX:
            block.lines.append(_Line(number, command, value))
        else:
            block.dropped += 1
    if block is not None:
        yield block


def _count_stray(strays: dict[str, tuple[int, int, str]], command: str, number: int, raw: str) -> None:
    if command not in strays and len(strays) >= _UNKNOWN_REPORTED_MAX:
        command = "text" if "text" in strays else next(iter(strays))
    line, count, text = strays.get(command, (number, 0, raw.strip()[:60]))
    strays[command] = (line, count + 1, text)


def _title(block: _Block) -> str:
    name = next((_plain(line.text) for line in block.lines if line.command == "AN"), None)
    return title_of(name, otherwise=f"zone at line {block.start}")


def _plain(text: str) -> str:
    """Return a name without the comment behind it; a star inside a word belongs to the name."""
    return re.split(r"\s\*", text, maxsplit=1)[0].strip()


def _value(line: _Line) -> str:
    """Return what stands before a comment, with single spaces: patterns of values may try a run of them in two ways."""
    return " ".join(re.split(r"[*;]", line.text, maxsplit=1)[0].split())


# --- one zone


def _record(block: _Block, title: str, names: ZoneNames) -> Record:
    if block.dropped:
        found = f"{len(block.lines) + block.dropped} lines"
        raise Refusal(RefusalCode.OVER_LIMIT, found=found, allowed=f"at most {limits.ZONE_LINES_MAX} lines in a zone")
    once: dict[str, _Line] = {}
    for line in block.lines:
        if line.command in _ONCE and line.command in once:
            found = f"again, after line {once[line.command].number}"
            _refuse(line, RefusalCode.DUPLICATE_FIELD, found=found, allowed="one such line in a zone")
        if line.command in _ONCE:
            once[line.command] = line
    kind, notes = _kind(once)
    activations = [line for line in block.lines if line.command == "AA"]
    windows = _windows(activations)
    shapes = draw([(line.number, line.command, _value(line)) for line in block.lines if line.command in _SHAPE])
    if not shapes:
        found = "no DP, DA, DB, DC or DY"
        raise Refusal(RefusalCode.SHAPE_MISSING, field=f"AC at line {block.start}", found=found, allowed="a shape")
    notes += dict.fromkeys(shape.note for shape in shapes if shape.note)
    if activations and not windows:
        kind = ZoneKind.ADVISORY
        notes.append("AA NONE: active at no known time, so to be known only")
    volumes = _volumes(once, shapes, block)
    if len(volumes) > len(shapes):
        notes.append("two altitudes in one line: the zone reaches to both")
    name = zone_id_of(_plain(once["AN"].text) if "AN" in once else None, otherwise=f"line {block.start}")
    try:
        zone = Zone(
            zone_id=names.unique(name),
            kind=kind,
            volumes=tuple(volume for _, volume in volumes),
            windows=windows,
        )
    except FieldRefusal as refusal:
        raise refusal.refusal.within(f"AC at line {block.start}") from None
    return Record(
        place=f"line {block.start}",
        title=title,
        zone=zone,
        line=block.start,
        outlines=tuple(place for place, _ in volumes),
        notes=tuple(notes),
    )


def _kind(once: dict[str, _Line]) -> tuple[ZoneKind, list[str]]:
    lines = [once[command] for command in ("AC", "AY") if command in once]
    kind = kind_of(*(_value(line) for line in lines))
    if kind is not None:
        return kind, []
    unknown = next(line for line in lines if kind_of(_value(line)) is None)
    where = f"{unknown.command} at line {unknown.number}"
    return ZoneKind.RESTRICTED, [f"{where}: {shown(_value(unknown)) or 'nothing'} is no class known, so RESTRICTED"]


def _volumes(once: dict[str, _Line], shapes: list[Drawn], block: _Block) -> list[tuple[str, Volume3D]]:
    bands: list[list[Any]] = []
    for command in ("AL", "AH"):
        line = once.get(command)
        if line is None:
            where = f"AC at line {block.start}"
            raise Refusal(RefusalCode.MALFORMED, field=where, found=f"no {command}", allowed=f"a line with {command}")
        try:
            bands.append(parse_altitudes(_value(line)))
        except FieldRefusal as refusal:
            cause = refusal.refusal
            _refuse(line, cause.code, found=_value(line) or "nothing", allowed=cause.allowed)
    volumes: list[tuple[str, Volume3D]] = []
    for shape in shapes:
        for lower in bands[0]:
            for upper in bands[1]:
                try:
                    volume = Volume3D(altitude_lower=lower, altitude_upper=upper, **shape.outline)
                except FieldRefusal as refusal:
                    cause = refusal.refusal
                    _refuse(once["AL"], cause.code, found=cause.found, allowed=cause.allowed)
                volumes.append((shape.place, volume))
    return volumes


def _windows(lines: list[_Line]) -> tuple[ZoneWindow, ...]:
    """Return the windows of AA; none where it is NONE."""
    windows: list[ZoneWindow] = []
    allowed = "start/end in UTC, such as 2026-11-22T12:00Z/2026-11-22T13:00Z, with NONE for an open side, or NONE alone"
    for line in lines:
        text = _value(line).upper()
        if text == "NONE":
            if len(lines) > 1:
                _refuse(line, RefusalCode.MALFORMED, found="NONE beside other windows", allowed="NONE alone")
            return ()
        start, slash, end = (part.strip() for part in text.partition("/"))
        if not slash or start == end == "NONE":
            _refuse(line, RefusalCode.OUT_OF_RANGE, found=text or "nothing", allowed=allowed)
        if any(part != "NONE" and not part.endswith("Z") for part in (start, end)):
            _refuse(line, RefusalCode.OUT_OF_RANGE, found=text, allowed="times in UTC, with Z behind them")
        try:
            start_ms = None if start == "NONE" else earliest_ms(start)
            end_ms = None if end == "NONE" else latest_ms(end)
            windows.append(ZoneWindow(start_ms=start_ms, end_ms=end_ms))
        except FieldRefusal as refusal:
            cause = refusal.refusal
            _refuse(line, cause.code, found=text, allowed=cause.allowed)
    return tuple(windows)


def _refuse(line: _Line, code: RefusalCode, *, found: str, allowed: str) -> NoReturn:
    raise Refusal(code, field=f"{line.command} at line {line.number}", found=found, allowed=allowed) from None
