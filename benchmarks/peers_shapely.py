"""shapely: an STRtree of boxes on the map before the exact phase, and planar polygons by GEOS alone.

Used as its documentation advises: geometries in arrays, the tree asked in bulk for a join, the geometry of the question
prepared. Heights and times are filtered by numpy before GEOS looks at a shape, since the tree knows two dimensions.
The tree cannot change: an insert or a delete is a new tree.
"""

from __future__ import annotations

import numpy as np
import shapely

from benchmarks.peers_exact import Mask
from benchmarks.peers_outlines import outlines_of
from benchmarks.peers_port import Peer, once, overlapping, overlapping_pairs
from benchmarks.sky_workload import Ints, SkyArrays

CAPACITY = 10
"""Children of a node, shapely's default: 5, 10, 16 and 32 were within 10 % of each other here."""


class StrTree(Peer):
    """Boxes of longitude and latitude, split at the antimeridian."""

    name = "shapely-boxes"
    how = "STRtree of lng/lat boxes, numpy for height and time"
    rebuilds = True

    def load(self) -> None:
        maps = self.held.boxes.maps
        self._tree = shapely.STRtree(shapely.box(*maps.T), node_capacity=CAPACITY)

    def ask(self, question: int) -> Ints:
        boxes = shapely.box(*self.asked.boxes.maps_of(question).T)
        rows = self._tree.query(boxes[0]) if len(boxes) == 1 else self._tree.query(boxes)[1]
        near = overlapping(self, question, self.held.boxes.owner[rows])
        # Two rows of one volume may both be found; only where the question or the volume has two.
        return near if len(near) < 2 else np.unique(near)

    def ask_all(self) -> tuple[Ints, Ints] | None:
        asked = self.asked.boxes
        rows, near = self._tree.query(shapely.box(*asked.maps.T))
        return once(*overlapping_pairs(self.asked, asked.owner[rows], self.held, self.held.boxes.owner[near]))

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        boxes = self.held.boxes
        rows = np.arange(boxes.first[start], boxes.first[stop])
        asking, near = self._tree.query(shapely.box(*boxes.maps[rows].T))
        a, b = boxes.owner[rows[asking]], boxes.owner[near]
        keep = a < b
        return once(*overlapping_pairs(self.held, a[keep], self.held, b[keep]))

    def version(self) -> str:
        return f"{shapely.__version__}, GEOS {shapely.geos_version_string}"


class Planar(Peer):
    """Polygons of longitude and latitude as they come, decided by GEOS."""

    name = "shapely-planar"
    how = "STRtree of lng/lat polygons, GEOS intersects"
    decides = True
    rebuilds = True

    def load(self) -> None:
        self._outlines = outlines_of(self.held.arrays)
        self._tree = shapely.STRtree(self._outlines, node_capacity=CAPACITY)
        self._questions = outlines_of(self.asked.arrays)

    def ask(self, question: int) -> Ints:
        outline = self._questions[question]
        near = overlapping(self, question, self._tree.query(outline))
        if not len(near):
            return near
        shapely.prepare(outline)
        return near[shapely.intersects(outline, self._outlines[near])]

    def ask_all(self) -> tuple[Ints, Ints] | None:
        asking, near = self._tree.query(self._questions)
        a, b = overlapping_pairs(self.asked, asking, self.held, near)
        shapely.prepare(self._questions[a])
        meet = shapely.intersects(self._questions[a], self._outlines[b])
        return a[meet], b[meet]

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        asking, near = self._tree.query(self._outlines[start:stop])
        keep = asking + start < near
        a, b = overlapping_pairs(self.held, asking[keep] + start, self.held, near[keep])
        # Sorted by a, so that a prepared geometry serves all its pairs.
        shapely.prepare(self._outlines[a])
        meet = shapely.intersects(self._outlines[a], self._outlines[b])
        return a[meet], b[meet]

    def judge(self, first: SkyArrays, second: SkyArrays) -> Mask:
        meet: Mask = shapely.intersects(outlines_of(first), outlines_of(second))
        return meet

    def version(self) -> str:
        return f"{shapely.__version__}, GEOS {shapely.geos_version_string}"
