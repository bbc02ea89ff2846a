"""Lives of a store that end in power cuts: what was acknowledged, and what the production engine then finds."""

from __future__ import annotations

import contextlib
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from clearline.model.limits import STORE_JOURNAL_PAGES
from clearline.model.refusal import Refusal
from clearline.store.files import journal_of
from clearline.store.journal import commits_behind_break
from clearline.store.port import NewEntry, StoreIndeterminate, entries_from
from clearline.store.sqlite import SqliteStore
from clearline.testing.power_cut import LossyDisk, connect_lossy

PARTITIONS = ("alpha", "beta")
APPENDS_MAX = 60
CHECKPOINT_OFTEN = {f"PRAGMA wal_autocheckpoint = {STORE_JOURNAL_PAGES}": "PRAGMA wal_autocheckpoint = 16"}
NORMAL = CHECKPOINT_OFTEN | {
    "PRAGMA synchronous = FULL": "PRAGMA synchronous = NORMAL",
    "PRAGMA synchronous": "SELECT 2",  # the engine reads the setting back and would refuse
}


@dataclass
class Told:
    """What the store's caller knows: acknowledged heads, and how many entries are in the air."""

    acknowledged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTITIONS, 0))
    in_the_air: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTITIONS, 0))


def entry_at(seed: int, partition: str, sequence: int) -> NewEntry:
    """Return the one entry that may ever stand at a place, of 10 bytes to 20 kB."""
    source = random.Random(f"{seed} {partition} {sequence}")
    return NewEntry(f"{partition}-{sequence}", source.randbytes(source.choice([10, 300, 300, 1_500, 1_500, 20_000])))


def live(path: Path, disk: LossyDisk, told: Told, *, seed: int, source: random.Random, instead: dict[str, str]) -> None:
    """Open the store and append until the power goes or enough is written."""
    with contextlib.suppress(Refusal, StoreIndeterminate):
        store = SqliteStore.open(path, connect=connect_lossy(disk, instead=instead))
        try:
            for partition in PARTITIONS:
                told.acknowledged[partition] = store.head(partition, known_head=told.acknowledged[partition])
                told.in_the_air[partition] = 0
            for _ in range(source.randint(1, APPENDS_MAX)):
                partition = source.choice(PARTITIONS)
                head = told.acknowledged[partition]
                batch = [entry_at(seed, partition, head + place) for place in range(source.randint(1, 5))]
                told.in_the_air[partition] = len(batch)
                told.acknowledged[partition] = store.append(partition, head, batch)
                told.in_the_air[partition] = 0
                if source.random() < 0.05:
                    store.save_snapshot(partition, told.acknowledged[partition], bytes(source.randint(0, 9_000)))
            if source.random() < 0.5:
                disk.cut()  # idle when the power goes
        finally:
            store.close()
    if not disk.dead:
        disk.cut()  # after an orderly end


def cut_lives(directory: Path, *, seed: int, instead: dict[str, str]) -> tuple[Path, Told]:
    """Live one to three lives that each end in a power cut; return the last image and what was told."""
    source = random.Random(seed)
    told = Told()
    here = directory
    for number in range(source.randint(1, 3)):
        cut_at = source.choice([source.randint(1, 60), source.randint(1, 900)])
        if source.random() < 0.5:
            disk = LossyDisk(randomness=source, cut_at=cut_at)
        else:
            disk = LossyDisk(randomness=source, cut_at_sync=1 + cut_at // 10)
        before, here = here, directory / f"{seed}-{number}"
        if number:
            shutil.copytree(before, here)
        else:
            here.mkdir()
        live(here / "store.db", disk, told, seed=seed, source=source, instead=instead)
    # A copy, because the dead connections may still hold locks on the files that were cut.
    image = directory / f"{seed}-image"
    shutil.copytree(here, image)
    return image / "store.db", told


def outcome(path: Path, told: Told) -> str:
    """Say how the last cut left the store, before anything opens it; for the count of what the seeds reach."""
    if not path.exists():
        return "not made yet"
    behind = commits_behind_break(journal_of(path), page_bytes=4_096)
    return "torn commit" if behind else "idle" if not any(told.in_the_air.values()) else "in the air"


def entries_lost(path: Path, told: Told, *, seed: int) -> int:
    """Open what is left with the production engine, check all of it, and count what was acknowledged and is gone."""
    lost = 0
    with SqliteStore.open(path) as store:
        store.verify()
        for partition in PARTITIONS:
            found = list(entries_from(store, partition, 0))
            acknowledged = told.acknowledged[partition]
            lost += max(0, acknowledged - len(found))
            if len(found) > acknowledged:
                # Whole or not at all: what was in the air is there to its last entry.
                assert len(found) == acknowledged + told.in_the_air[partition]
            for kept in found:
                wanted = entry_at(seed, partition, kept.sequence)
                assert (kept.request_id, kept.body) == (wanted.request_id, wanted.body)
            head = store.append(partition, len(found), [entry_at(seed, partition, len(found))])
            assert head == len(found) + 1
    return lost
