"""The store on SQLite keeps the contract; damage is done with a second connection while no store is open."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import weakref
from pathlib import Path

import pytest
from hypothesis import settings

from clearline.store.port import Store
from clearline.store.sqlite import SqliteStore
from clearline.testing.store_contract import StoreContract
from clearline.testing.store_machine import store_machine


class SqliteBench:
    """A database file that outlives the stores on it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "store.db"

    def open(self) -> Store:
        return SqliteStore.open(self.path)

    def change(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0, statement

    def damage_entry(self, partition: str, sequence: int) -> None:
        self.change(
            f"UPDATE entry SET body = CAST('other ' || sequence AS BLOB)"
            f" WHERE partition = '{partition}' AND sequence = {sequence}"
        )

    def damage_snapshot(self, partition: str) -> None:
        self.change(
            f"UPDATE snapshot SET body = body || x'00' WHERE partition = '{partition}'"
            f" AND sequence = (SELECT max(sequence) FROM snapshot WHERE partition = '{partition}')"
        )

    def roll_back(self, partition: str, head: int) -> None:
        self.change(
            f"DELETE FROM entry WHERE partition = '{partition}' AND sequence >= {head}",
            f"UPDATE partition_head SET head = {head} WHERE partition = '{partition}'",
        )


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> SqliteBench:
        return SqliteBench(tmp_path)


def machine_bench() -> SqliteBench:
    """Return a bench in a directory of its own, which goes with it."""
    directory = tempfile.mkdtemp(prefix="clearline-store-")
    bench = SqliteBench(Path(directory))
    weakref.finalize(bench, shutil.rmtree, directory)
    return bench


TestSqliteMachine = store_machine(machine_bench).TestCase
TestSqliteMachine.settings = settings(max_examples=25, stateful_step_count=30)
