"""Many findings in columns: what `Sky.findings_of` and `Sky.pairs` return.

Times in ms since 1970 UTC, closed intervals. Source: practice.md R13, R16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from numpy.typing import NDArray

from clearline.model.message import Severity
from clearline.model.rules import RuleSet
from clearline.sky.kernel_meet import SURE
from clearline.sky.kernel_query import merge
from clearline.sky.kernel_shape import Ints

if TYPE_CHECKING:
    from clearline.sky.columns import Columns

__all__ = ["FindingTable", "FoundPair", "pair_table", "query_table"]

_NEVER_BRIEF: Final = -1


@final
@dataclass(frozen=True, slots=True)
class FoundPair:
    """One row of a `FindingTable`."""

    query: int
    handle: int
    severity: Severity
    from_ms: int
    until_ms: int
    closer_ms: int
    certain: bool


@final
@dataclass(frozen=True, slots=True)
class FindingTable:
    """n findings, one array of n values for each column; sorted by (query, handle)."""

    rules: RuleSet
    query: Ints
    """Place among the volumes asked about; from `pairs`: the lower handle."""
    handle: Ints
    """The other notice; from `pairs`: the higher handle."""
    from_ms: Ints
    until_ms: Ints
    """Hull of the windows in which the two are closer, both ends included."""
    closer_ms: Ints
    """Measure of the union of those windows."""
    conflict: NDArray[np.bool_]
    """True for CONFLICT, False for BRIEF."""
    certain: NDArray[np.bool_]
    """False where the decision lies within the tolerance or rests on the bounds of an altitude conversion."""

    def __len__(self) -> int:
        return len(self.query)

    @property
    def severity(self) -> Ints:
        """1 for CONFLICT, 0 for BRIEF."""
        return self.conflict.astype(np.int64)

    def records(self) -> list[FoundPair]:
        """Return the rows as objects."""
        return [
            FoundPair(query, handle, Severity.CONFLICT if conflict else Severity.BRIEF, start, end, closer, certain)
            for query, handle, start, end, closer, conflict, certain in zip(
                self.query.tolist(),
                self.handle.tolist(),
                self.from_ms.tolist(),
                self.until_ms.tolist(),
                self.closer_ms.tolist(),
                self.conflict.tolist(),
                self.certain.tolist(),
                strict=True,
            )
        ]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name; `severity` is 1 for CONFLICT, 0 for BRIEF."""
        names = ("query", "handle", "from_ms", "until_ms", "closer_ms", "severity", "certain")
        return {name: getattr(self, name) for name in names}

    def to_geodataframe(
        self,
        columns_a: Columns,
        columns_b: Columns | None = None,
        *,
        handles_a: Ints | None = None,
        handles_b: Ints | None = None,
    ) -> Any:
        """Return a GeoDataFrame of the areas that meet: see `frames.geodataframe_of`."""
        from clearline.sky.frames import geodataframe_of

        return geodataframe_of(self, columns_a, columns_b, handles_a=handles_a, handles_b=handles_b)


def query_table(found: Ints, rules: RuleSet) -> FindingTable:
    """Return a table of rows (query, columns of `kernel_query.merge`)."""
    closer_ms = found[:, 4]
    return FindingTable(
        rules=rules,
        query=found[:, 0],
        handle=found[:, 1],
        from_ms=found[:, 2],
        until_ms=found[:, 3],
        closer_ms=closer_ms,
        conflict=closer_ms > _brief_ms_max(rules)[found[:, 8]],
        certain=found[:, 5] == 1,
    )


def pair_table(hits: Ints, rules: RuleSet) -> FindingTable:
    """Return a table of hits (handle, handle, i, j, closeness, from, until, rule), made one for each two notices."""
    hits = hits[np.lexsort((hits[:, 1], hits[:, 0]))]
    starts = np.concatenate([[True], (hits[1:, :2] != hits[:-1, :2]).any(axis=1)]) if len(hits) else np.zeros(0, bool)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(hits))
    found = np.empty((len(first), 9), dtype=np.int64)
    found[:, 0], found[:, 1], found[:, 8] = hits[first, 0], hits[first, 1], hits[first, 7]
    found[:, 2], found[:, 3], found[:, 5] = hits[first, 5], hits[first, 6], hits[first, 4] == SURE
    found[:, 4] = found[:, 3] - found[:, 2]
    for n in np.flatnonzero(last - first > 1).tolist():
        # Several volumes of two notices: `merge` knows how their windows go together.
        several = hits[first[n] : last[n], 1:]
        merged, _ = merge(np.ascontiguousarray(several), len(several))
        found[n, 1:] = merged[0]
    return query_table(found, rules)


def _brief_ms_max(rules: RuleSet) -> Ints:
    """Return by number of the rule how long two notices may be closer; below 0 where not at all."""
    most = [rules.closer_ms_max, *(each.closer_ms_max for each in rules.by_class)]
    return np.array([_NEVER_BRIEF if each is None else each for each in most], dtype=np.int64)
