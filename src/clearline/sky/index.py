"""`Sky`: many notices' volumes under one rule set, and what a notice meets among them.

Rules
 * `findings` is a function of the rule set, the notice asked about and what is held; not of the order of `add`.
 * Nothing is missed: every step before the exact comparison rounds outward (design.md §4).
 * Handles are the caller's, whole numbers from 0, each held once. Misuse is a bug of the caller: `InternalError`.

Threads: one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import numpy as np

from clearline.model.refusal import invariant
from clearline.model.rules import RuleSet
from clearline.sky.altitude import TOLERANCE_VERTICAL_M, reference_errors_m
from clearline.sky.finding import Finding, severity_of
from clearline.sky.geodesy import TOLERANCE_LATERAL_M
from clearline.sky.kernel_query import ROW_COLUMNS, find, load
from clearline.sky.kernel_shape import Floats
from clearline.sky.prepared import Prepared

__all__ = ["Sky", "rules_array"]

_HANDLE_MAX: Final = (1 << 62) - 1


def rules_array(rules: RuleSet) -> Floats:
    """Return a rule set with all tolerances as the kernel takes it (`kernel_query.Rules`)."""
    lateral, vertical = rules.separation_lateral_m, rules.separation_vertical_m
    return np.array([lateral, vertical, TOLERANCE_LATERAL_M, TOLERANCE_VERTICAL_M, *reference_errors_m(lateral)])


@final
class Sky:
    """A dynamic index of notices under one rule set."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules: Final = rules
        self._rules = rules_array(rules)
        self._held: dict[int, tuple[Prepared, int]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, handle: object) -> bool:
        return handle in self._held

    def add(self, handle: int, prepared: Prepared, *, group: int) -> None:
        """Hold a notice. `group` is what `findings` can leave out: the owner."""
        self.add_many([(handle, prepared, group)])

    def add_many(self, items: Iterable[tuple[int, Prepared, int]]) -> None:
        """Hold many notices (handle, prepared, group): the fast way to fill."""
        for handle, prepared, group in items:
            invariant(0 <= handle <= _HANDLE_MAX and handle not in self._held, f"handle {handle} is new and from 0")
            self._held[handle] = (prepared, group)

    def remove(self, handle: int) -> None:
        """Forget a notice."""
        invariant(handle in self._held, f"handle {handle} is held")
        del self._held[handle]

    def findings(self, prepared: Prepared, *, exclude_group: int | None) -> list[Finding]:
        """Return what a notice meets: one finding for each other handle, sorted by handle."""
        out: list[Finding] = []
        for handle in sorted(self._held):
            other, group = self._held[handle]
            if group == exclude_group or not len(other) or not len(prepared):
                continue
            G, J, W, C = load(other.floats, other.ints, len(other))
            J[:, 8] = handle
            J[:, 12] = 1
            rows, pairs = find(
                prepared.floats, prepared.ints, len(prepared), G, J, W, C, len(other), False, 0, self._rules
            )
            for _, from_ms, until_ms, closer_ms, certain, first, number in rows.tolist():
                out.append(
                    Finding(
                        handle=handle,
                        severity=severity_of(closer_ms, self.rules),
                        from_ms=from_ms,
                        until_ms=until_ms,
                        closer_ms=closer_ms,
                        certain=bool(certain),
                        pairs=tuple((i, j) for i, j in pairs[first : first + number].tolist()),
                    )
                )
        return out


assert ROW_COLUMNS
