"""Naming zones: what an authority publishes, as a `ZoneId`, once in each file.

Rules
 * Accents are taken off; what is then no printable ASCII is left out; runs of spaces become one. The published name
   stays whole in the record's title.
 * Where nothing is left, the zone is named after its place in the file.
 * Parts that share a name are told apart: the second is `NAME /2`, the third `NAME /3`, in the order of the file.

Source: model.zone.ZoneId; practice.md R7 (names of zones, never of persons).
"""

from __future__ import annotations

import unicodedata
from typing import Final, final

__all__ = ["ZoneNames", "zone_id_of"]

_CHARACTERS_MAX: Final = 64
"""As `ZoneId` allows."""


def zone_id_of(*candidates: object, otherwise: str) -> str:
    """Return the first candidate of which something printable is left, at most 64 characters, else `otherwise`."""
    for candidate in candidates:
        if isinstance(candidate, bool) or not isinstance(candidate, (str, int)):
            continue
        # A name is one cell of a table; whatever follows the first kilobyte is no name.
        decomposed = unicodedata.normalize("NFKD", str(candidate)[:1_024])
        printable = "".join(c if " " < c <= "~" else " " if c.isspace() else "" for c in decomposed)
        text = " ".join(printable.split())[:_CHARACTERS_MAX].rstrip()
        if text:
            return text
    return otherwise


@final
class ZoneNames:
    """The names given out so far in one file."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """Return `name`, with its number where it was given out before."""
        while True:
            count = self._count[name] = self._count.get(name, 0) + 1
            if count == 1:
                return name
            suffix = f" /{count}"
            numbered = name[: _CHARACTERS_MAX - len(suffix)].rstrip() + suffix
            if numbered not in self._count:
                self._count[numbered] = 1
                return numbered
