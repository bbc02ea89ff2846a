"""Kill -9 under load: nothing acknowledged is lost, nothing is applied twice, both sides agree (R6, R12).

CLEARLINE_KILLS sets how many kills (50 by default). A printed seed decides what is declared and when a node is killed.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clearline.ledger.entry import parse_entry
from clearline.line.node_state import NodeState
from clearline.model.message import FindingKey
from clearline.node.store_journal import LOG_PARTITION
from clearline.store.port import entries_from
from clearline.store.sqlite import SqliteStore
from tests.crash.served import Served, wait_until

KILLS = int(os.environ.get("CLEARLINE_KILLS", "50"))
SEED = int(os.environ.get("CLEARLINE_SEED", "20261122"))


def volume(source: random.Random) -> dict[str, Any]:
    def altitude(metres: float) -> dict[str, Any]:
        return {"value": metres, "reference": "W84", "units": "M"}

    lower = 100.0 * source.randrange(4)
    return {
        "volume": {
            "outline_circle": {
                "center": {"lat": 48.0 + 0.02 * source.randrange(100), "lng": 2.0},
                "radius": {"value": 500.0, "units": "M"},
            },
            "altitude_lower": altitude(lower),
            "altitude_upper": altitude(lower + 50.0),
        },
        "time_start": {"value": "2026-11-22T10:00:00Z", "format": "RFC3339"},
        "time_end": {"value": "2026-11-22T11:00:00Z", "format": "RFC3339"},
    }


class Declarer(threading.Thread):
    """Declares without pause, remembers what was answered, and asks again when nothing was."""

    def __init__(self, served: Served, seed: int) -> None:
        super().__init__(daemon=True)
        self.served = served
        self.source = random.Random(seed)
        self.acknowledged: list[str] = []
        self.stopping = threading.Event()
        self.unexpected: list[str] = []

    def run(self) -> None:
        with httpx2.Client(
            base_url=self.served.client.base_url, headers=self.served.client.headers, timeout=5.0, trust_env=False
        ) as client:
            while not self.stopping.is_set():
                self._declare(client, str(uuid.UUID(int=self.source.getrandbits(128), version=4)))

    def _declare(self, client: httpx2.Client, notice_id: str) -> None:
        body = {"notice_id": notice_id, "aircraft_class": "MANNED", "priority": 0, "volumes": [volume(self.source)]}
        while not self.stopping.is_set():
            try:
                answer = client.post("/v1/notices", json=body)
            except httpx2.HTTPError:
                self.stopping.wait(0.05)
                continue
            if answer.status_code in {200, 201}:
                self.acknowledged.append(notice_id)
                return
            if answer.status_code != 503:
                self.unexpected.append(f"{answer.status_code} {answer.text[:200]}")
            self.stopping.wait(0.05)


@pytest.fixture
def line(tmp_path: Path) -> Any:
    north, south = Served(tmp_path, "north"), Served(tmp_path, "south")
    north.join(south)
    south.join(north)
    for served in (north, south):
        served.start()
    for served in (north, south):
        wait_until(served.is_ready, f"{served.party} is ready")
    yield north, south
    for served in (north, south):
        served.kill()
        served.client.close()
        print(served.party, "log ends:", *served.log.read_text(encoding="utf-8").splitlines()[-20:], sep="\n")  # noqa: T201


def await_answers(declarers: list[Declarer], count: int) -> None:
    """Wait until so many more declarations have been answered."""
    goal = sum(len(declarer.acknowledged) for declarer in declarers) + count
    wait_until(lambda: sum(len(one.acknowledged) for one in declarers) >= goal, f"{goal} answers")


def settled(*nodes: Served) -> bool:
    try:
        pictures = [node.get("/v1/status") for node in nodes]
    except (httpx2.HTTPError, KeyError):
        return False
    return all(party["undelivered"] == 0 for one in pictures for line in one["lines"] for party in line["parties"])


def findings(node: Served) -> dict[FindingKey, tuple[str, bool]]:
    """Return all findings that stand, from the log of a node that has stopped."""
    state = NodeState(node.party)
    with SqliteStore.open(node.directory / "data" / "log.sqlite") as store:
        for stored in entries_from(store, LOG_PARTITION, 0):
            state.replay(parse_entry(stored.sequence, stored.body))
    line = state.line("crash")
    return {
        key: (finding.severity, finding.resolved) for key, finding in line.findings.items() if not line.is_gone(key)
    }


def test_fifty_kills_lose_nothing_and_double_nothing(line: tuple[Served, Served]) -> None:
    """An answer that left the node is in its log for ever, once; when quiet, both sides hold the same findings."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201  # what repeats a failure
    source = random.Random(SEED)
    declarers = [Declarer(served, SEED + place) for place, served in enumerate(line)]
    for declarer in declarers:
        declarer.start()
    killed = 0
    while killed < KILLS:
        victims = [source.choice(line)] if source.random() < 0.3 else list(line)
        await_answers(declarers, source.randint(1, 40))
        signal.sigtimedwait([], source.random() * 0.05)
        for served in victims:
            served.kill()
            killed += 1
        for served in victims:
            served.start()
        for served in victims:
            wait_until(served.is_ready, f"{served.party} is ready after kill {killed}")
    for declarer in declarers:
        declarer.stopping.set()
    for declarer in declarers:
        declarer.join(timeout=30)
    assert [declarer.unexpected for declarer in declarers] == [[], []]
    wait_until(lambda: settled(*line), "everything is delivered")
    logs = [served.entries() for served in line]
    for served, declarer, log in zip(line, declarers, logs, strict=True):
        said = [
            notice_id
            for entry in log
            if entry["own"] and entry["type"] == "AREA_NOTICE"
            for notice_id in entry["notice_ids"]
        ]
        assert len(said) == len(set(said)), f"{served.party} said a notice twice"
        assert set(declarer.acknowledged) <= set(said), f"{served.party} lost what it had answered"
        assert len({entry["digest"] for entry in log}) == len(log)
        assert len(declarer.acknowledged) > KILLS
    for mine, theirs, owner in ((logs[0], logs[1], "north"), (logs[1], logs[0], "south")):
        spoken = [entry["digest"] for entry in mine if entry["from_party"] == owner and entry["line_id"] == "crash"]
        heard = [entry["digest"] for entry in theirs if entry["from_party"] == owner and entry["line_id"] == "crash"]
        assert spoken == heard
    assert [served.stop() for served in line] == [0, 0]
    found = [findings(served) for served in line]
    assert found[0] == found[1]
    assert found[0], "a run without a conflict proves nothing"
