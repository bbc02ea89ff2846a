"""PostGIS in three ways: boxes in an n-dimensional GiST, boxes on the map with tstzrange, and its own geography.

Used as its documentation advises: COPY in binary, indexes after the load, ANALYZE, prepared statements with binary
parameters and results, settings for memory (`peers_cluster`).

 * `postgis-nd`: gist_geometry_ops_nd and &&& over x, y, z and time as XYZM; heights are compared in the row.
 * `postgis-box`: one GiST over a box of longitude and latitude and a tstzrange; heights in the row. Volumes over the
   antimeridian have two rows.
 * `postgis-geography`: one GiST over a geography and a tstzrange, ST_Intersects on the sphere; its own answer.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql
from psycopg.types.range import TimestamptzRange

from benchmarks.peers_cluster import Cluster
from benchmarks.peers_exact import Held, Mask
from benchmarks.peers_outlines import outlines_of
from benchmarks.peers_port import Peer, once
from benchmarks.sky_workload import Floats, Ints, SkyArrays

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL = b"\xff\xff"
EPOCH_2000_MS = 946_684_800_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LINE, HAS_Z, HAS_M, HAS_SRID = 2, 0x8000_0000, 0x4000_0000, 0x2000_0000
BOUNDS_HELD = 0x06
"""tstzrange, binary: both ends belong to it."""
HEIGHTS = "AND volume.low <= %s AND volume.high >= %s"
Rows = NDArray[np.void]


def _range_fields(name: str) -> list[tuple[str, str]]:
    sizes = [(f"{name}_size", ">i4"), (f"{name}_flags", "u1")]
    return sizes + [
        (f"{name}_{each}", kind) for each, kind in (("n0", ">i4"), ("t0", ">i8"), ("n1", ">i4"), ("t1", ">i8"))
    ]


def _set_range(rows: Rows, name: str, start_ms: Ints, end_ms: Ints) -> None:
    rows[f"{name}_size"], rows[f"{name}_flags"] = 25, BOUNDS_HELD
    rows[f"{name}_n0"], rows[f"{name}_n1"] = 8, 8
    rows[f"{name}_t0"], rows[f"{name}_t1"] = 1000 * (start_ms - EPOCH_2000_MS), 1000 * (end_ms - EPOCH_2000_MS)


def _during(held: Held, number: int) -> TimestamptzRange:
    start, end = (
        EPOCH + timedelta(milliseconds=int(each[number])) for each in (held.arrays.start_ms, held.arrays.end_ms)
    )
    return TimestamptzRange(start, end, "[]")


def _lines(corners: Floats, flags: int) -> list[bytes]:
    """Return EWKB of lines from the lowest to the highest corner of boxes (n, 2, dimensions)."""
    fields = [("order", "u1"), ("type", "<u4"), ("n", "<u4"), ("c", "<f8", corners.shape[1:])]
    line = np.zeros(len(corners), dtype=fields)
    line["order"], line["type"], line["n"], line["c"] = 1, LINE | flags, 2, corners
    size = line.dtype.itemsize
    raw = line.tobytes()
    return [raw[at : at + size] for at in range(0, len(raw), size)]


class _Postgis(Peer):
    """What the three ways share."""

    table: str
    index: str
    ask_sql: str
    insert_sql: str
    join_on: str

    def __init__(self, held: Held, asked: Held) -> None:
        super().__init__(held, asked)
        self._cluster = Cluster()
        self._connection = self._cluster.connect()
        self._cursor = psycopg.Cursor(self._connection)
        self._cursor.execute("SET enable_seqscan = off")

    @abstractmethod
    def _copy(self) -> None:
        """Copy all volumes into the table."""

    def load(self) -> None:
        self._cursor.execute(self.table)
        self._copy()
        self._cursor.execute("CREATE INDEX ON volume (id)")
        self._cursor.execute(self.index)
        self._cursor.execute("VACUUM ANALYZE volume")

    def _copied(self, statement: str, parts: list[bytes]) -> None:
        with self._cursor.copy(statement) as copy:
            for part in parts:
                copy.write(part)

    def _heights(self, number: int) -> tuple[float, float]:
        boxes = self.asked.boxes
        return float(boxes.high[number, 3]), float(boxes.low[number, 3])

    def _found(self, parameters: tuple[Any, ...]) -> Ints:
        rows = self._cursor.execute(self.ask_sql, parameters, prepare=True, binary=True).fetchall()
        return np.array([each for (each,) in rows], dtype=np.int64)

    def join(self, start: int, stop: int) -> tuple[Ints, Ints]:
        statement = sql.SQL(
            "COPY (SELECT a.id, b.id FROM volume AS a JOIN volume AS b ON a.low <= b.high AND a.high >= b.low AND "
            + self.join_on
            + " WHERE a.id < b.id AND a.id >= {} AND a.id < {}) TO STDOUT (FORMAT BINARY)"
        ).format(start, stop)
        with self._cursor.copy(statement) as copy:
            raw = b"".join(copy)
        row = np.dtype([("n", ">i2"), ("na", ">i4"), ("a", ">i4"), ("nb", ">i4"), ("b", ">i4")])
        rows = np.frombuffer(raw[len(COPY_HEAD) : -len(COPY_TAIL)], dtype=row)
        return once(rows["a"].astype(np.int64), rows["b"].astype(np.int64))

    def delete(self, number: int) -> None:
        self._cursor.execute("DELETE FROM volume WHERE id = %s", (number,), prepare=True)

    def bytes_beside(self) -> int:
        row = self._cursor.execute("SELECT pg_total_relation_size('volume')").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        self._connection.close()
        self._cluster.close()

    def version(self) -> str:
        row = self._cursor.execute("SELECT postgis_lib_version(), current_setting('server_version')").fetchone()
        return f"{row[0]}, PostgreSQL {row[1].split()[0]}" if row else ""


class NdGist(_Postgis):
    """Boxes of x, y, z and time."""

    name = "postgis-nd"
    how = "nd-GiST, x y z time; height in the row"
    table = "CREATE TABLE volume (id int4, place geometry, low float8, high float8)"
    index = "CREATE INDEX ON volume USING gist (place gist_geometry_ops_nd)"
    ask_sql = (
        f"SELECT id FROM (SELECT %s::bytea::geometry AS at OFFSET 0) AS asked, volume WHERE place &&& at {HEIGHTS}"
    )
    insert_sql = "INSERT INTO volume VALUES (%s, %s::bytea::geometry, %s, %s)"
    join_on = "a.place &&& b.place"

    @staticmethod
    def _corners(held: Held) -> Floats:
        return np.stack([held.boxes.low[:, [0, 1, 2, 4]], held.boxes.high[:, [0, 1, 2, 4]]], axis=1)

    def _copy(self) -> None:
        fields = [
            ("fields", ">i2"), ("nid", ">i4"), ("id", ">i4"), ("nplace", ">i4"), ("order", "u1"), ("type", "<u4"),
            ("n", "<u4"), ("corners", "<f8", (2, 4)),
            ("nlow", ">i4"), ("low", ">f8"), ("nhigh", ">i4"), ("high", ">f8"),
        ]  # fmt: skip
        rows = np.zeros(len(self.held), dtype=fields)
        rows["fields"], rows["nid"], rows["nplace"], rows["nlow"], rows["nhigh"] = 4, 4, 73, 8, 8
        rows["id"], rows["order"], rows["type"], rows["n"] = np.arange(len(rows)), 1, LINE | HAS_Z | HAS_M, 2
        rows["corners"] = self._corners(self.held)
        rows["low"], rows["high"] = self.held.boxes.low[:, 3], self.held.boxes.high[:, 3]
        self._copied("COPY volume FROM STDIN (FORMAT BINARY)", [COPY_HEAD, rows.tobytes(), COPY_TAIL])
        self._places = _lines(self._corners(self.asked), HAS_Z | HAS_M)

    def ask(self, question: int) -> Ints:
        return self._found((self._places[question], *self._heights(question)))

    def insert(self, question: int) -> None:
        high, low = self._heights(question)
        self._cursor.execute(
            self.insert_sql, (len(self.held) + question, self._places[question], low, high), prepare=True
        )


class BoxGist(_Postgis):
    """Boxes of longitude and latitude, and ranges of time."""

    name = "postgis-box"
    how = "GiST over lng/lat box and tstzrange; height in the row"
    table = "CREATE TABLE volume (id int4, place geometry, during tstzrange, low float8, high float8)"
    index = "CREATE INDEX ON volume USING gist (place, during)"
    ask_sql = (
        "SELECT id FROM (SELECT %s::bytea::geometry AS at, %s::tstzrange AS then OFFSET 0) AS asked, volume "
        f"WHERE place && at AND during && asked.then {HEIGHTS}"
    )
    insert_sql = "INSERT INTO volume VALUES (%s, %s::bytea::geometry, %s, %s, %s)"
    join_on = "a.place && b.place AND a.during && b.during"

    def _copy(self) -> None:
        fields = [
            ("fields", ">i2"), ("nid", ">i4"), ("id", ">i4"), ("nplace", ">i4"), ("order", "u1"), ("type", "<u4"),
            ("n", "<u4"), ("corners", "<f8", (4,)), *_range_fields("during"),
            ("nlow", ">i4"), ("low", ">f8"), ("nhigh", ">i4"), ("high", ">f8"),
        ]  # fmt: skip
        boxes, arrays = self.held.boxes, self.held.arrays
        rows = np.zeros(len(boxes.maps), dtype=fields)
        rows["fields"], rows["nid"], rows["nplace"], rows["nlow"], rows["nhigh"] = 5, 4, 41, 8, 8
        rows["id"], rows["order"], rows["type"], rows["n"] = boxes.owner, 1, LINE, 2
        rows["corners"] = boxes.maps
        _set_range(rows, "during", arrays.start_ms[boxes.owner], arrays.end_ms[boxes.owner])
        rows["low"], rows["high"] = boxes.low[boxes.owner, 3], boxes.high[boxes.owner, 3]
        self._copied("COPY volume FROM STDIN (FORMAT BINARY)", [COPY_HEAD, rows.tobytes(), COPY_TAIL])
        self._places = _lines(self.asked.boxes.maps.reshape(-1, 2, 2), 0)
        self._times = [_during(self.asked, number) for number in range(len(self.asked))]

    def _rows_of(self, question: int) -> range:
        first = self.asked.boxes.first
        return range(int(first[question]), int(first[question + 1]))

    def ask(self, question: int) -> Ints:
        found = [
            self._found((self._places[row], self._times[question], *self._heights(question)))
            for row in self._rows_of(question)
        ]
        return found[0] if len(found) == 1 and len(found[0]) < 2 else np.unique(np.concatenate(found))

    def insert(self, question: int) -> None:
        high, low = self._heights(question)
        for row in self._rows_of(question):
            values = (len(self.held) + question, self._places[row], self._times[question], low, high)
            self._cursor.execute(self.insert_sql, values, prepare=True)


class Geography(_Postgis):
    """Polygons on its sphere, decided by it alone."""

    name = "postgis-geography"
    how = "GiST over geography and tstzrange, ST_Intersects"
    decides = True
    table = "CREATE TABLE volume (id int4, place geography, during tstzrange, low float8, high float8)"
    index = "CREATE INDEX ON volume USING gist (place, during)"
    ask_sql = (
        "SELECT id FROM (SELECT %s::bytea::geography AS at, %s::tstzrange AS then OFFSET 0) AS asked, volume "
        f"WHERE during && asked.then {HEIGHTS} AND ST_Intersects(place, at)"
    )
    insert_sql = "INSERT INTO volume VALUES (%s, %s::bytea::geography, %s, %s, %s)"
    join_on = "a.during && b.during AND ST_Intersects(a.place, b.place)"

    def _copy(self) -> None:
        arrays, boxes = self.held.arrays, self.held.boxes
        places = _hex(arrays)
        start, end = (
            np.datetime_as_string(each.astype("datetime64[ms]"), timezone="UTC")
            for each in (arrays.start_ms, arrays.end_ms)
        )
        low, high = boxes.low[:, 3].tolist(), boxes.high[:, 3].tolist()
        lines = [f'{n}\t{places[n]}\t["{start[n]}","{end[n]}"]\t{low[n]!r}\t{high[n]!r}\n' for n in range(len(arrays))]
        self._copied(
            "COPY volume FROM STDIN", ["".join(lines[at : at + 9_999]).encode() for at in range(0, len(lines), 9_999)]
        )
        self._places = [bytes.fromhex(each) for each in _hex(self.asked.arrays)]
        self._times = [_during(self.asked, number) for number in range(len(self.asked))]

    def ask(self, question: int) -> Ints:
        return self._found((self._places[question], self._times[question], *self._heights(question)))

    def insert(self, question: int) -> None:
        high, low = self._heights(question)
        values = (len(self.held) + question, self._places[question], self._times[question], low, high)
        self._cursor.execute(self.insert_sql, values, prepare=True)

    def judge(self, first: SkyArrays, second: SkyArrays) -> Mask:
        self._cursor.execute("CREATE TEMP TABLE pair (id int4, one geography, other geography)")
        rows = zip(_hex(first), _hex(second), strict=True)
        self._copied("COPY pair FROM STDIN", [f"{n}\t{one}\t{other}\n".encode() for n, (one, other) in enumerate(rows)])
        found = self._cursor.execute("SELECT ST_Intersects(one, other) FROM pair ORDER BY id").fetchall()
        self._cursor.execute("DROP TABLE pair")
        return np.array([each for (each,) in found], dtype=bool)


def _hex(arrays: SkyArrays) -> list[str]:
    """Return hexadecimal EWKB of all outlines."""
    outlines = shapely.set_srid(outlines_of(arrays), 4326)
    made: list[str] = shapely.to_wkb(outlines, hex=True, include_srid=True).tolist()
    return made
