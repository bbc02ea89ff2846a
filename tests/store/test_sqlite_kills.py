"""kill -9 of a writer, again and again on one store: nothing acknowledged is lost, nothing stands there twice.

A killed process loses nothing that the kernel has, so this proves less than a power cut (test_power_cuts.py). It proves
that the lock goes with the process, and that a writer who does not know what happened can find out.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from clearline.store.port import entries_from
from clearline.store.sqlite import SqliteStore

KILLS = 24
# Only what the store needs is imported, so that most of a writer's life is writing.
WRITER = """
import sys
from pathlib import Path
from clearline.store.port import NewEntry, StoreConflict, StoreDuplicate
from clearline.store.sqlite import SqliteStore

store = SqliteStore.open(Path(sys.argv[1]))
number = int(sys.argv[2])
print("open", flush=True)
while True:
    # As a node does after a restart: the request may have been taken before the kill.
    if store.find("p", f"r{number}-0") is None:
        head = store.head("p")
        store.append("p", head, [NewEntry(f"r{number}-{part}", b"x" * 500) for part in range(3)])
    print(number, flush=True)
    number += 1
"""


@pytest.mark.crash
def test_nothing_acknowledged_is_lost_or_doubled_over_many_kills(tmp_path: Path) -> None:
    """Each life goes on with the first request that was not acknowledged to anybody."""
    path = tmp_path / "store.db"
    source = random.Random(24)
    acknowledged = -1
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(acknowledged + 1)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            for _ in range(source.randint(0, 12)):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            # What it still said before it died was acknowledged as well.
            acknowledged = max(
                [acknowledged, *(int(line) for line in writer.stdout.readlines() if line.endswith("\n"))]
            )
    with SqliteStore.open(path) as store:
        assert store.verify() == store.head("p")
        ids = [entry.request_id for entry in entries_from(store, "p", 0)]
    requests = len(ids) // 3
    assert ids == [f"r{number}-{part}" for number in range(requests) for part in range(3)]
    assert acknowledged < requests <= acknowledged + 2
    assert acknowledged > KILLS
