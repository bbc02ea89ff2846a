"""rtree (libspatialindex): five dimensions in memory, bulk-loaded from arrays, questions in bulk for a join.

Used as its documentation advises: the bulk constructor (sort-tile-recursive packing) in place of single inserts,
`intersection_v` for many boxes, no objects stored. Nodes of 8 to 200 entries were tried with 50,000 volumes: the median
of a question is 15 us with 16, 32 and 64, and more beyond; a delete is the slower the larger they are (16: 0.3 ms,
100: 7 ms), since it looks for the entry in all leaves whose boxes hold it.
"""

from __future__ import annotations

import numpy as np
import rtree
from rtree import index

from benchmarks.peers_port import Peer, once
from benchmarks.sky_workload import Ints

DIMENSIONS = 5
CAPACITY = 16
FILL = 0.9


class Rtree(Peer):
    """Boxes of x, y, z, height and time."""

    name = "rtree"
    how = "5-d R*-tree, x y z height time"

    def load(self) -> None:
        properties = index.Property(
            dimension=DIMENSIONS,
            variant=index.RT_Star,
            leaf_capacity=CAPACITY,
            index_capacity=CAPACITY,
            fill_factor=FILL,
        )
        boxes = self.held.boxes
        numbers = np.arange(len(self.held))
        self._index = index.Index((numbers, boxes.low, boxes.high), properties=properties)

    def _box(self, question: int) -> list[float]:
        boxes = self.asked.boxes
        return [*boxes.low[question].tolist(), *boxes.high[question].tolist()]

    def ask(self, question: int) -> Ints:
        return np.fromiter(self._index.intersection(self._box(question)), dtype=np.int64)

    def ask_all(self) -> tuple[Ints, Ints] | None:
        near, counts = self._index.intersection_v(self.asked.boxes.low, self.asked.boxes.high)
        return np.repeat(np.arange(len(counts)), counts.astype(np.int64)), near

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        boxes = self.held.boxes
        near, counts = self._index.intersection_v(boxes.low[start:stop], boxes.high[start:stop])
        a = np.repeat(np.arange(start, stop), counts.astype(np.int64))
        keep = a < near
        return once(a[keep], near[keep])

    def insert(self, question: int) -> None:
        self._index.insert(len(self.held) + question, self._box(question))

    def delete(self, number: int) -> None:
        boxes = self.held.boxes
        self._index.delete(number, [*boxes.low[number].tolist(), *boxes.high[number].tolist()])

    def version(self) -> str:
        return f"{rtree.__version__}, libspatialindex {index.__c_api_version__.decode()}"
