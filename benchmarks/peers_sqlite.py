"""SQLite's R*Tree: five dimensions, the most it has, in memory.

Used as its documentation advises: one transaction for the load, `executemany`, bound parameters, the virtual table
alone. Coordinates are kept as 32-bit floats that SQLite rounds outward; ECEF metres lose 0.5 m by it, seconds since the
workload began 8 ms. apsw is taken since its statement cache and calls cost less than those of `sqlite3`.
"""

from __future__ import annotations

import apsw
import numpy as np

from benchmarks.peers_port import Peer, once
from benchmarks.sky_workload import Ints

AXES = ("x", "y", "z", "height", "time")
TABLE = f"CREATE VIRTUAL TABLE volume USING rtree(id, {', '.join(f'{each}_low, {each}_high' for each in AXES)})"
ASK = "SELECT id FROM volume WHERE " + " AND ".join(f"{each}_low <= ? AND {each}_high >= ?" for each in AXES)
JOIN = "SELECT a.id, b.id FROM volume AS a CROSS JOIN volume AS b WHERE a.id BETWEEN ? AND ? AND " + " AND ".join(
    f"b.{each}_low <= a.{each}_high AND b.{each}_high >= a.{each}_low" for each in AXES
)
INSERT = f"INSERT INTO volume VALUES ({', '.join('?' * (1 + 2 * len(AXES)))})"


class Sqlite(Peer):
    """Boxes of x, y, z, height and time."""

    name = "sqlite"
    how = "R*Tree, 5-d, x y z height time, in memory"

    def load(self) -> None:
        self._connection = apsw.Connection(":memory:")
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute(TABLE)
        boxes = self.held.boxes
        both = np.empty((len(self.held), 2 * len(AXES)))
        both[:, 0::2], both[:, 1::2] = boxes.low, boxes.high
        with self._connection:
            for start in range(0, len(both), 10_000):
                rows = both[start : start + 10_000].tolist()
                self._connection.executemany(INSERT, ((start + n, *row) for n, row in enumerate(rows)))
        asked = np.empty((len(self.asked), 2 * len(AXES)))
        asked[:, 0::2], asked[:, 1::2] = self.asked.boxes.high, self.asked.boxes.low
        self._asked = [tuple(row) for row in asked.tolist()]

    def ask(self, question: int) -> Ints:
        found = self._connection.execute(ASK, self._asked[question]).fetchall()
        return np.array([each for (each,) in found], dtype=np.int64)

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        found = np.array(self._connection.execute(JOIN, (start, stop - 1)).fetchall(), dtype=np.int64).reshape(-1, 2)
        keep = found[:, 0] < found[:, 1]
        return once(found[keep, 0], found[keep, 1])

    def insert(self, question: int) -> None:
        row = self._asked[question]
        flipped = [row[n ^ 1] for n in range(len(row))]
        self._connection.execute(INSERT, (len(self.held) + question, *flipped))

    def delete(self, number: int) -> None:
        self._connection.execute("DELETE FROM volume WHERE id = ?", (number,))

    def version(self) -> str:
        return apsw.sqlite_lib_version()
