"""DuckDB: plain columns of boxes before the exact phase, and planar polygons by its spatial extension alone.

Used as its documentation advises: data from numpy arrays in one statement, rows in the order of where they lie and in
small row groups so that the minima and maxima of each let most of them be skipped, no index on the boxes (ART serves
equality). For a join of boxes: a hash join on the cells of a grid in space and time that they touch, since one on ten
inequalities compares all. It is made for few large questions: one small question at a time shows it at its worst, the
join at its best.

The spatial extension comes from the wheel `duckdb-extension-spatial`: DuckDB's own signed build, which DuckDB checks
when it loads it. Its R-tree answers single questions. A join on ST_Intersects alone is its fast one (it builds a tree
on the way), so heights and times are compared in a second statement.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np
import shapely

from benchmarks.peers_exact import Mask
from benchmarks.peers_outlines import outlines_of
from benchmarks.peers_port import Peer, once
from benchmarks.sky_workload import Ints, SkyArrays

ROW_GROUP = 8_192
CELL_M, CELL_S, CELLS = 64_000.0, 3_600.0, 256
AXES = ("x", "y", "z", "h", "t")
OVERLAP = " AND ".join(f"a.{each}0 <= b.{each}1 AND a.{each}1 >= b.{each}0" for each in AXES)


class _Duck(Peer):
    """What both ways share."""

    def _open(self) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute(f"ATTACH ':memory:' AS sky (ROW_GROUP_SIZE {ROW_GROUP})")
        self._connection.execute("USE sky")

    def _ids(self, statement: str) -> Ints:
        rows = self._connection.execute(statement).fetchall()
        return np.array([each for (each,) in rows], dtype=np.int64)

    def _pairs(self, statement: str) -> tuple[Ints, Ints]:
        found = self._connection.execute(statement).fetchnumpy()
        return once(found["a"].astype(np.int64), found["b"].astype(np.int64))

    def delete(self, number: int) -> None:
        self._connection.execute(f"DELETE FROM volume WHERE id = {number}")

    def close(self) -> None:
        self._connection.close()

    def version(self) -> str:
        return duckdb.__version__


class Columns(_Duck):
    """Boxes of x, y, z, height and time in columns."""

    name = "duckdb"
    how = "columns of boxes in row groups; cells for the join"
    _cells_made = False

    def load(self) -> None:
        self._open()
        held = _columns_of(self)  # noqa: F841  DuckDB finds it by its name
        self._connection.execute(
            "CREATE TABLE volume AS SELECT * FROM held ORDER BY x0 // 500000, y0 // 500000, z0 // 500000, t0"
        )
        boxes = self.asked.boxes
        bounds = np.empty((len(self.asked), 10))
        bounds[:, 0::2], bounds[:, 1::2] = boxes.high, boxes.low
        where = " AND ".join(f"{each}0 <= {{}} AND {each}1 >= {{}}" for each in AXES)
        self._statements = [f"SELECT id FROM volume WHERE {where.format(*map(repr, row))}" for row in bounds.tolist()]

    def ask(self, question: int) -> Ints:
        return self._ids(self._statements[question])

    def _make_cells(self) -> None:
        step = (
            "SELECT *, unnest(range(cast(floor({0}0 / {1}) AS INT), cast(floor({0}1 / {1}) AS INT) + 1)) AS c{0} FROM"
        )
        sizes = {"x": CELL_M, "y": CELL_M, "z": CELL_M, "t": CELL_S}
        source = "volume"
        for axis, size in sizes.items():
            source = f"({step.format(axis, size)} {source})"
        number = f"((cx + 128) * {CELLS} + cy + 128) * {CELLS} + cz + 128"
        self._connection.execute(
            f"CREATE TABLE cell AS SELECT id, cast(({number}) * {CELLS} + ct AS BIGINT) AS cell FROM {source}"
        )
        self._cells_made = True

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        if not self._cells_made:
            self._make_cells()
        return self._pairs(
            "SELECT DISTINCT a.id AS a, b.id AS b FROM cell AS ca "
            "JOIN cell AS cb ON ca.cell = cb.cell AND ca.id < cb.id "
            "JOIN volume AS a ON a.id = ca.id JOIN volume AS b ON b.id = cb.id "
            f"WHERE ca.id >= {start} AND ca.id < {stop} AND a.id >= {start} AND a.id < {stop} AND {OVERLAP}"
        )

    def insert(self, question: int) -> None:
        boxes = self.asked.boxes
        both = np.stack([boxes.low[question], boxes.high[question]], axis=1).ravel().tolist()
        values = ", ".join(map(repr, both))
        self._connection.execute(f"INSERT INTO volume VALUES ({len(self.held) + question}, {values})")


def _columns_of(peer: Peer) -> dict[str, np.ndarray]:
    boxes = peer.held.boxes
    columns: dict[str, np.ndarray] = {"id": np.arange(len(peer.held))}
    for number, axis in enumerate(AXES):
        columns[f"{axis}0"] = np.ascontiguousarray(boxes.low[:, number])
        columns[f"{axis}1"] = np.ascontiguousarray(boxes.high[:, number])
    return columns


class Spatial(_Duck):
    """Polygons of longitude and latitude as they come, decided by the spatial extension."""

    name = "duckdb-planar"
    how = "spatial extension, R-tree, ST_Intersects"
    decides = True

    def load(self) -> None:
        self._open()
        self._load_extension()
        held = _columns_of(self)
        held["place"] = _hex(self.held.arrays)
        self._connection.execute(
            "CREATE TABLE volume AS SELECT id, ST_GeomFromHEXWKB(place) AS place, h0, h1, t0, t1 FROM held"
        )
        self._connection.execute("CREATE INDEX place_index ON volume USING RTREE (place)")
        self._places = _hex(self.asked.arrays).tolist()

    def _load_extension(self) -> None:
        found = find_spec("duckdb_extension_spatial")
        if found is None or found.origin is None:
            raise ModuleNotFoundError("duckdb_extension_spatial")
        (file,) = Path(found.origin).parent.glob(f"extensions/v{duckdb.__version__}/spatial.duckdb_extension")
        self._connection.execute(f"LOAD '{file}'")

    def _bounds(self, question: int) -> tuple[float, float, float, float]:
        """Return the heights and times of a question."""
        low, high = self.asked.boxes.low[question], self.asked.boxes.high[question]
        return float(low[3]), float(high[3]), float(low[4]), float(high[4])

    def ask(self, question: int) -> Ints:
        h0, h1, t0, t1 = self._bounds(question)
        return self._ids(
            f"SELECT id FROM volume WHERE ST_Intersects(place, ST_GeomFromHEXWKB('{self._places[question]}')) "
            f"AND t0 <= {t1!r} AND t1 >= {t0!r} AND h0 <= {h1!r} AND h1 >= {h0!r}"
        )

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        # In one statement the optimizer would take the inequalities of time for the join: 200 times as long.
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE near AS SELECT a.id AS a, b.id AS b FROM "
            f"(SELECT id, place FROM volume WHERE id >= {start} AND id < {stop}) AS a "
            "JOIN volume AS b ON ST_Intersects(a.place, b.place)"
        )
        return self._pairs(
            "SELECT near.a, near.b FROM near JOIN volume AS a ON a.id = near.a JOIN volume AS b ON b.id = near.b "
            "WHERE near.a < near.b AND a.t0 <= b.t1 AND a.t1 >= b.t0 AND a.h0 <= b.h1 AND a.h1 >= b.h0"
        )

    def insert(self, question: int) -> None:
        h0, h1, t0, t1 = self._bounds(question)
        self._connection.execute(
            f"INSERT INTO volume VALUES ({len(self.held) + question}, "
            f"ST_GeomFromHEXWKB('{self._places[question]}'), {h0!r}, {h1!r}, {t0!r}, {t1!r})"
        )

    def judge(self, first: SkyArrays, second: SkyArrays) -> Mask:
        pair = {"n": np.arange(len(first)), "one": _hex(first), "other": _hex(second)}  # noqa: F841  found by name
        found = self._connection.execute(
            "SELECT n, ST_Intersects(ST_GeomFromHEXWKB(one), ST_GeomFromHEXWKB(other)) AS meet FROM pair ORDER BY n"
        ).fetchnumpy()
        return np.asarray(found["meet"], dtype=bool)


def _hex(arrays: SkyArrays) -> np.ndarray:
    made: np.ndarray = np.asarray(shapely.to_wkb(outlines_of(arrays), hex=True), dtype=object)
    return made
