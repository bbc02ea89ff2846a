"""What the store's contract tests share: the bench that an engine brings, and the entries they write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

import pytest

from clearline.model.refusal import Refusal, RefusalCode
from clearline.store.port import NewEntry, Store, StoredEntry

__all__ = ["ALPHA", "BETA", "StoreBench", "entries", "entry", "refuses", "stored"]

ALPHA = "alpha"
BETA = "beta"


class StoreBench(Protocol):
    """What survives a store: opens stores on it, and damages what they kept."""

    def open(self) -> Store:
        """Open a store on what earlier ones left."""
        ...

    def damage_entry(self, partition: str, sequence: int) -> None:
        """Change the body of an entry behind the store's back; no store is open."""
        ...

    def damage_snapshot(self, partition: str) -> None:
        """Change the newest snapshot behind the store's back; no store is open."""
        ...

    def roll_back(self, partition: str, head: int) -> None:
        """Put a partition back to fewer entries behind the store's back; no store is open."""
        ...


@contextlib.contextmanager
def refuses(code: RefusalCode) -> Iterator[None]:
    """Assert that the block is refused with `code`."""
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code is code, str(caught.value)


def entry(number: int, *, prefix: str = "r") -> NewEntry:
    """Return the entry that tests put at `number`."""
    return NewEntry(f"{prefix}{number}", f"body {number}".encode())


def entries(start: int, count: int) -> list[NewEntry]:
    """Return `count` entries in a row."""
    return [entry(number) for number in range(start, start + count)]


def stored(start: int, count: int) -> list[StoredEntry]:
    """Return `entries` as the store gives them back."""
    return [StoredEntry(number, f"r{number}", f"body {number}".encode()) for number in range(start, start + count)]
