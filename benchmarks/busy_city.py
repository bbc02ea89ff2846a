"""One busy city: delivery drones over Paris for a day, and a node's store that already holds many of them.

The volumes are circles of 40 to 150 m, 30 m high, for 5 to 20 minutes, within some 15 km: about 700 at a time out of
100,000. They are what is left when everybody has deconflicted, so a new one seldom meets another.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clearline.ledger.entry import Entry, entry_bytes
from clearline.ledger.keys import Ed25519Signer
from clearline.line.drafting import Speaker, draft
from clearline.line.duties import next_duty
from clearline.line.node_state import NodeState
from clearline.model.altitude import Altitude, AltitudeReference, AltitudeUnits
from clearline.model.identity import AircraftClass, Role
from clearline.model.message import JOURNAL_LINE, AreaNotice, Body, LineAdopted
from clearline.model.volume import Circle, LatLngPoint, Radius, Volume3D, Volume4D, time_at
from clearline.node.config import read_configuration
from clearline.node.store_journal import LOG_PARTITION
from clearline.store.port import NewEntry
from clearline.store.sqlite import SqliteStore

COMMAND = str(Path(sys.executable).with_name("clearline"))
LINE = "bench"
DAY_MS = 1_795_392_000_000
"""2026-11-23T00:00:00Z: when the day of the benchmark begins."""
BATCH = 256


def city_volume(source: random.Random) -> Volume4D:
    """Return one drone flight."""
    lower = source.uniform(30.0, 120.0)
    start_ms = DAY_MS + source.randrange(86_400_000)
    place = LatLngPoint(48.85 + source.gauss(0.0, 0.10), 2.35 + source.gauss(0.0, 0.15))
    return Volume4D(
        volume=Volume3D(
            outline_circle=Circle(place, Radius(source.uniform(40.0, 150.0))),
            altitude_lower=Altitude(lower, AltitudeReference.W84, AltitudeUnits.M),
            altitude_upper=Altitude(lower + 30.0, AltitudeReference.W84, AltitudeUnits.M),
        ),
        time_start=time_at(start_ms),
        time_end=time_at(start_ms + source.randrange(300_000, 1_200_000)),
    )


def city_notice(source: random.Random) -> AreaNotice:
    """Return a notice of one volume."""
    return AreaNotice(
        notice_id=str(uuid.UUID(int=source.getrandbits(128), version=4)),
        aircraft_class=AircraftClass.UNMANNED,
        priority=0,
        volumes=(city_volume(source),),
    )


def make_node(directory: Path, party: str, port: int) -> dict[str, Any]:
    """Make a node's directory; return what `clearline init` said."""
    done = subprocess.run(
        [COMMAND, "init", str(directory), "--party", party, "--listen", f"127.0.0.1:{port}", "--json"],
        check=True,
        capture_output=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def join(directory: Path, other: dict[str, Any], port: int) -> None:
    """Write the line to another party into a node's configuration."""
    with (directory / "node.toml").open("a", encoding="utf-8") as file:
        file.write(
            f'\n[[line]]\nline_id = "{LINE}"\nrules = "intersect"\n\n[[line.party]]\nparty_id = "{other["party"]}"\n'
            f'public_key = "{other["public_key"]}"\naddress = "http://127.0.0.1:{port}"\n'
        )


class Log:
    """Writes a log as a node would have written it that has heard `count` notices of another party."""

    def __init__(self, directory: Path, other: Path) -> None:
        self._configuration = read_configuration(directory)
        self._own = self._configuration.signer
        self._other = read_configuration(other).signer
        self._state = NodeState(self._configuration.party)
        self._pending: list[NewEntry] = []
        self._ids = random.Random(3)
        self._store = SqliteStore.open(self._store_path())

    def _store_path(self) -> Path:
        self._configuration.data.mkdir(mode=0o700, exist_ok=True)
        return self._configuration.data / "log.sqlite"

    def fill(self, count: int, *, other_party: str, progress: Callable[[int], None]) -> None:
        """Write `count` notices and the receipts for them."""
        agreement = self._configuration.lines[0].agreement
        own = self._configuration.party
        self._append(JOURNAL_LINE, LineAdopted(agreement=agreement), own, self._own, Role.NODE)
        source = random.Random(1)
        for number in range(count):
            self._append(LINE, city_notice(source), other_party, self._other, Role.WATCH)
            if len(self._pending) >= BATCH:
                self._duties(own)
                self._flush()
                progress(number)
        self._duties(own)
        self._flush()
        self._store.close()

    def _duties(self, own: str) -> None:
        line = self._state.line(LINE)
        while (body := next_duty(line, self._state.tree_head())) is not None:
            self._append(LINE, body, own, self._own, Role.NODE)

    def _append(self, line_id: str, body: Body, party: str, signer: Ed25519Signer, role: Role) -> None:
        state = self._state
        message = draft(
            body=body,
            line_id=line_id,
            chain=state.journal if line_id == JOURNAL_LINE else state.line(line_id).chains[party],
            speaker=Speaker(party=party, role=role, signer=signer),
            msg_id=str(uuid.UUID(int=self._ids.getrandbits(128), version=4)),
            sent_at_ms=DAY_MS - 3_600_000,
        )
        entry = Entry(state.size, DAY_MS - 3_600_000, message.encoded)
        state.apply(entry, message)
        self._pending.append(NewEntry(message.digest, entry_bytes(entry)))

    def _flush(self) -> None:
        if self._pending:
            self._store.append(LOG_PARTITION, self._state.size - len(self._pending), self._pending)
            self._pending = []


def requests(count: int, seed: int) -> Iterator[bytes]:
    """Yield JSON bodies of declarations."""
    source = random.Random(seed)
    for _ in range(count):
        notice = city_notice(source)
        volume = notice.volumes[0]
        circle = volume.volume.outline_circle
        if circle is None:
            raise ValueError("city volumes are circles")
        yield json.dumps(
            {
                "notice_id": notice.notice_id,
                "aircraft_class": notice.aircraft_class,
                "priority": 0,
                "volumes": [
                    {
                        "volume": {
                            "outline_circle": {
                                "center": {"lat": circle.center.lat, "lng": circle.center.lng},
                                "radius": {"value": circle.radius.value, "units": "M"},
                            },
                            "altitude_lower": _altitude(volume.volume.altitude_lower.value),
                            "altitude_upper": _altitude(volume.volume.altitude_upper.value),
                        },
                        "time_start": {"value": volume.time_start.value, "format": "RFC3339"},
                        "time_end": {"value": volume.time_end.value, "format": "RFC3339"},
                    }
                ],
            }
        ).encode()


def _altitude(value: float) -> dict[str, Any]:
    return {"value": value, "reference": "W84", "units": "M"}
