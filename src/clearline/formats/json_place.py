"""On which line of a JSON file a record stands.

Rules
 * A place is a path as our readers write it (`features[12]`, `operational_intents[3]`), or a name for the whole value.
 * It costs about one more reading of the file, so it is paid for only when a line is wanted. Only names and brackets
   on the way are looked at; what lies between is skipped as it is parsed.
 * A place that cannot be found has no line; nothing is refused here, for the file has been read before.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final, final

from clearline.formats.record import Reading, Record, RefusedRecord
from clearline.model import limits

__all__ = ["lines_of", "with_lines"]

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_STEP: Final = re.compile(r"\[(\d{1,18})\]|(?:^|\.)([^.\[\]]+)")
_WHOLE: Final = frozenset({"", "feature", "operational intent"})
"""Places that our readers give to a file's one record."""
_SKIP: Final = json.JSONDecoder(parse_int=float, strict=False)
"""Reads past a value. Whole numbers are read as float: Python refuses to build one of 5,000 digits."""

Path = tuple[str | int, ...]


def with_lines(reading: Reading, source: bytes) -> Reading:
    """Return the same reading with the line of each record that has none yet."""
    every: Iterable[Record | RefusedRecord] = (*reading.records, *reading.refused)
    unplaced = {each.place for each in every if each.line is None}
    lines = lines_of(source, unplaced)
    if not lines:
        return reading
    return replace(
        reading,
        records=tuple(each if each.line else replace(each, line=lines.get(each.place)) for each in reading.records),
        refused=tuple(each if each.line else replace(each, line=lines.get(each.place)) for each in reading.refused),
    )


def lines_of(source: bytes, places: Collection[str]) -> dict[str, int]:
    """Return the line, from 1, on which the value at each place begins; places not found are left out."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {}
    wanted = _Wanted()
    for place in places:
        wanted.add(_path(place), place)
    starts: dict[str, int] = {}
    # Not JSON, or deeper than can be followed from here: what was found up to there stands.
    with contextlib.suppress(ValueError, IndexError, RecursionError):
        _walk(text, _skip_blanks(text, 0), wanted, starts)
    lines: dict[str, int] = {}
    line, last = 1, 0
    for place, start in sorted(starts.items(), key=lambda item: item[1]):
        line += text.count("\n", last, start)
        last = start
        lines[place] = line
    return lines


@final
class _Wanted:
    """The places wanted in one value: itself, and by name or index inside."""

    __slots__ = ("inside", "last", "places")

    def __init__(self) -> None:
        self.places: list[str] = []
        self.inside: dict[str | int, _Wanted] = {}
        self.last = -1
        """The highest index wanted: behind it nothing is looked at."""

    def add(self, path: Path, place: str) -> None:
        here = self
        for step in path:
            if isinstance(step, int):
                here.last = max(here.last, step)
            here = here.inside.setdefault(step, _Wanted())
        here.places.append(place)


def _path(place: str) -> Path:
    if place in _WHOLE:
        return ()
    steps = [(int(index) if index else name) for index, name in _STEP.findall(place)]
    return tuple(steps[: limits.JSON_DEPTH_MAX])


def _walk(text: str, start: int, wanted: _Wanted, starts: dict[str, int]) -> int:
    """Note where the wanted places of the value at `start` begin; return where it ends."""
    for place in wanted.places:
        starts.setdefault(place, start)
    if wanted.inside and text[start] == "{":
        return _members(text, start, wanted, starts)
    if wanted.inside and text[start] == "[":
        return _items(text, start, wanted, starts)
    return _end_of(text, start)


def _members(text: str, start: int, wanted: _Wanted, starts: dict[str, int]) -> int:
    at = _skip_blanks(text, start + 1)
    while text[at] == '"':
        name, at = _SKIP.raw_decode(text, at)
        at = _skip_blanks(text, _skip_blanks(text, at) + 1)
        inner = wanted.inside.get(name)
        at = _end_of(text, at) if inner is None else _walk(text, at, inner, starts)
        at = _skip_blanks(text, at)
        if text[at] == ",":
            at = _skip_blanks(text, at + 1)
    return at + 1


def _items(text: str, start: int, wanted: _Wanted, starts: dict[str, int]) -> int:
    at = _skip_blanks(text, start + 1)
    index = 0
    while text[at] != "]":
        inner = wanted.inside.get(index)
        at = _end_of(text, at) if inner is None else _walk(text, at, inner, starts)
        at = _skip_blanks(text, at)
        if text[at] == ",":
            at = _skip_blanks(text, at + 1)
        index += 1
    return at + 1


def _end_of(text: str, start: int) -> int:
    return _SKIP.raw_decode(text, start)[1]


def _skip_blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()
