"""How fast the store takes and gives entries, beside two peers on the same disk in the same minutes.

    python benchmarks/store_append.py [--seconds 3] [--rounds 3] [--large 1000000] [--directory DIR]

 * Durable appends per second in batches of 1, 16 and 256, entries of 1,200 bytes, by three writers in turn:
   `store` is SqliteStore; `normal` is plain sqlite3 in WAL with synchronous=NORMAL, one table, no checks: it is not
   durable, and shows what that would buy; `file` is one write and one fdatasync to a bare file: the disk's own limit.
 * Opening a store of 100,000 and of 1,000,000 entries, and one whose write-ahead log a crash left behind.
 * Reading 100,000 entries in pages of 1,000, and checking everything.

The median of the rounds is given, and the machine's load at each step: other work on the machine changes everything.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from clearline.store.port import NewEntry, entries_from
from clearline.store.sqlite import SqliteStore

BATCHES = (1, 16, 256)
BODY_BYTES = 1_200
Append = Callable[[int, int], None]


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def entries(start: int, count: int, body: bytes) -> list[NewEntry]:
    # Ids in no order, as UUIDs are: the index on them is written all over.
    return [NewEntry(f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}", body) for number in range(start, start + count)]


def per_second(append: Append, batch: int, seconds: float) -> float:
    done = 0
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        append(done, batch)
        done += batch
    return done / took


def store_rate(directory: Path, batch: int, seconds: float) -> float:
    body = os.urandom(BODY_BYTES)
    with SqliteStore.open(directory / "store.db") as store:
        return per_second(lambda at, count: _append(store, at, entries(at, count, body)), batch, seconds)


def _append(store: SqliteStore, at: int, batch: list[NewEntry]) -> None:
    store.append("log", at, batch)


def normal_rate(directory: Path, batch: int, seconds: float) -> float:
    body = os.urandom(BODY_BYTES)
    connection = sqlite3.connect(directory / "normal.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE entry (sequence INTEGER PRIMARY KEY, request_id TEXT UNIQUE, body BLOB)")

    def append(at: int, count: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        rows = [(at + place, new.request_id, new.body) for place, new in enumerate(entries(at, count, body))]
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")

    rate = per_second(append, batch, seconds)
    connection.close()
    return rate


def file_rate(directory: Path, batch: int, seconds: float) -> float:
    body = os.urandom(BODY_BYTES)
    descriptor = os.open(directory / "file", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(at: int, count: int) -> None:
        os.write(descriptor, b"".join(new.body for new in entries(at, count, body)))
        os.fdatasync(descriptor)

    rate = per_second(append, batch, seconds)
    os.close(descriptor)
    return rate


WRITERS = (("store", store_rate), ("normal", normal_rate), ("file", file_rate))


def appends(root: Path, seconds: float, rounds: int) -> None:
    print(f"{'appends/s':12}" + "".join(f"{name:>12}" for name, _ in WRITERS) + "   load")
    for batch in BATCHES:
        rates: dict[str, list[float]] = {name: [] for name, _ in WRITERS}
        for _ in range(rounds):
            for name, rate in WRITERS:
                directory = Path(tempfile.mkdtemp(dir=root))
                rates[name].append(rate(directory, batch, seconds))
                shutil.rmtree(directory)
        row = "".join(f"{statistics.median(rates[name]):12,.0f}" for name, _ in WRITERS)
        print(f"batch {batch:<6}{row}   {load()}", flush=True)


def opening(root: Path, count: int, rounds: int, *, body_bytes: int) -> Path:
    path = root / f"{count}.db"
    body = os.urandom(body_bytes)
    began = time.perf_counter()
    with SqliteStore.open(path) as store:
        for start in range(0, count, 500):
            store.append("log", start, entries(start, min(500, count - start), body))
    filled_s = time.perf_counter() - began
    took_ms = []
    for _ in range(rounds):
        began = time.perf_counter()
        with SqliteStore.open(path) as store:
            took_ms.append(1e3 * (time.perf_counter() - began))
            assert store.head("log") == count
    size_mb = path.stat().st_size / 1e6
    print(
        f"open {count:>9,} entries of {body_bytes} bytes ({size_mb:,.0f} MB): {statistics.median(took_ms):8.1f} ms"
        f"   (filled in {filled_s:.1f} s; load {load()})",
        flush=True,
    )
    return path


def opening_after_crash(root: Path) -> None:
    body = os.urandom(BODY_BYTES)
    image = root / "image"
    image.mkdir()
    with SqliteStore.open(root / "live.db") as store:
        at = 0
        while (root / "live.db-wal").stat().st_size < 15 << 20:
            at = store.append("log", at, entries(at, 64, body))
        for name in ("live.db", "live.db-wal"):
            shutil.copy(root / name, image / name)
    log_mb = (image / "live.db-wal").stat().st_size / 1e6
    began = time.perf_counter()
    with SqliteStore.open(image / "live.db") as store:
        took_ms = 1e3 * (time.perf_counter() - began)
        assert store.head("log") == at
    print(f"open after a crash, {log_mb:.0f} MB of log to take up: {took_ms:8.1f} ms   (load {load()})")


def reading(path: Path, count: int) -> None:
    with SqliteStore.open(path) as store:
        began = time.perf_counter()
        assert sum(1 for _ in entries_from(store, "log", 0)) == count
        read_s = time.perf_counter() - began
        began = time.perf_counter()
        assert store.verify() == count
        verify_s = time.perf_counter() - began
    print(f"read {count:,} entries in pages of 1,000: {read_s:.2f} s; verify all: {verify_s:.2f} s   (load {load()})")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the store beside two peers.")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each writer, batch and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=1_000_000, help="entries in the large store")
    parser.add_argument("--directory", type=Path, default=None, help="on the disk to be measured")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="clearline-bench-", dir=options.directory))
    try:
        print(f"{os.cpu_count()} processors, load {load()}; SQLite {sqlite3.sqlite_version}; {BODY_BYTES}-byte entries")
        appends(root, options.seconds, options.rounds)
        path = opening(root, 100_000, options.rounds, body_bytes=BODY_BYTES)
        reading(path, 100_000)
        path.unlink()
        opening(root, options.large, options.rounds, body_bytes=300)
        opening_after_crash(root)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
