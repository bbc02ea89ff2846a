"""What a peer holds beside its index: the volumes, their boxes, and the exact phase of `clearline.sky` for candidates.

A peer's index yields candidates. Where the peer cannot decide exactly itself, they are decided here, by the function
that `Sky` uses behind its own index: so the answers are the same IF the index misses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers_boxes import Boxes, boxes_of
from benchmarks.sky_workload import SkyArrays
from clearline.sky import Columns, load_rules
from clearline.sky.compiler import kernel
from clearline.sky.kernel_meet import APART
from clearline.sky.kernel_query import Rules, compare
from clearline.sky.kernel_rows import load
from clearline.sky.kernel_shape import Floats, Ints
from clearline.sky.rule_table import rules_array

RULES_ID = "intersect"
Mask = NDArray[np.bool_]
Shapes = tuple[Floats, Ints, Floats, Floats]


@kernel
def _decide_one(
    F: Floats, K: Ints, V: Floats, B: Floats, a: int,
    G: Floats, L: Ints, W: Floats, C: Floats, near: Ints, rules: Rules,
) -> Ints:  # fmt: skip
    """Return those of the rows `near` that volume a meets."""
    out = np.empty(near.shape[0], np.int64)
    found = 0
    for n in range(near.shape[0]):
        close, _, _ = compare(F, K, a, V, B, G, L, near[n], W, C, rules)
        if close != APART:
            out[found] = near[n]
            found += 1
    return out[:found]


@kernel
def _decide_pairs(
    F: Floats, K: Ints, V: Floats, B: Floats, rows: Ints,
    G: Floats, L: Ints, W: Floats, C: Floats, near: Ints, rules: Rules,
) -> Mask:  # fmt: skip
    """Tell of each pair (rows[n], near[n]) whether the two meet."""
    out = np.empty(rows.shape[0], np.bool_)
    for n in range(rows.shape[0]):
        close, _, _ = compare(F, K, rows[n], V, B, G, L, near[n], W, C, rules)
        out[n] = close != APART
    return out


@dataclass(frozen=True, slots=True)
class Held:
    """Volumes in every form that a peer needs."""

    arrays: SkyArrays
    columns: Columns
    boxes: Boxes
    shapes: Shapes

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def shape_bytes(self) -> int:
        """Bytes of what the exact phase reads."""
        return sum(array.nbytes for array in self.shapes)


def held_of(arrays: SkyArrays) -> Held:
    """Return volumes with their boxes and shapes."""
    columns = arrays.columns()
    floats = np.concatenate([columns.records.ravel(), columns.vectors.ravel()])
    shapes: Shapes = load(floats, np.ascontiguousarray(columns.ints).ravel(), len(columns))
    return Held(arrays, columns, boxes_of(columns), shapes)


class ExactPhase:
    """Decides candidates among what is held."""

    def __init__(self, held: Held, asked: Held) -> None:
        self._held, self._asked = held.shapes, asked.shapes
        self._rules = rules_array(load_rules(RULES_ID))

    def one(self, question: int, near: Ints) -> Ints:
        """Return those of `near` that a question meets."""
        found: Ints = _decide_one(*self._asked, question, *self._held, near, self._rules)
        return found

    def many(self, questions: Ints, near: Ints) -> Mask:
        """Tell of each pair of a question and a held volume whether they meet."""
        mask: Mask = _decide_pairs(*self._asked, questions, *self._held, near, self._rules)
        return mask

    def among(self, rows: Ints, near: Ints) -> Mask:
        """Tell of each pair of held volumes whether they meet."""
        mask: Mask = _decide_pairs(*self._held, rows, *self._held, near, self._rules)
        return mask


def exact_pairs(first: Held, second: Held) -> Mask:
    """Tell of each k whether volume k of the one meets volume k of the other."""
    rows = np.arange(len(first), dtype=np.int64)
    mask: Mask = _decide_pairs(*first.shapes, rows, *second.shapes, rows, rules_array(load_rules(RULES_ID)))
    return mask
