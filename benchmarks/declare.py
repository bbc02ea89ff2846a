"""Declare → durable → compared → answered over HTTP, on one node that holds a busy city; start-up; cost by stage.

    python -m benchmarks.declare [--held 100000] [--clients 64] [--seconds 20]

A node process is started on a store of `--held` notices of another party (twice: from the log alone, and from the
snapshot that the first stop kept). Then a client process keeps `--clients` connections busy with one declaration each.
Printed: start-up, rate, latency percentiles, CPU of the node for each notice, and the CPU of each stage measured alone.

The figures that InterUSS's users and Flight Blender publish for the same act are printed beside it; they were measured
by others on other machines: neither can be built from what the package registries give.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.busy_city import COMMAND, LINE, Log, city_notice, join, make_node, requests
from clearline.doors.http.wire import DeclareRequest
from clearline.ledger.entry import Entry
from clearline.ledger.envelope import decode_envelope, verify_envelope
from clearline.ledger.keys import Ed25519Signer, Ed25519Verifier
from clearline.line.drafting import Speaker, draft
from clearline.line.node_state import NodeState
from clearline.line.reading import VerifiedMessage, read_message
from clearline.model.agreement import AGREEMENT_SCHEMA, LineAgreement, Member
from clearline.model.decode import decode
from clearline.model.identity import Role
from clearline.model.message import JOURNAL_LINE, Body, LineAdopted
from clearline.sky import Sky, load_rules, prepare
from clearline.store.port import NewEntry
from clearline.store.sqlite import SqliteStore

WARM_UP = 200
STAGE_NOTICES = 2_000


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as link:
            link.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return b" 200 " in link.recv(64)
    except OSError:
        return False


def start(directory: Path, port: int) -> tuple[subprocess.Popen[bytes], float]:
    began = time.perf_counter()
    with (directory / "bench.log").open("ab") as log:
        process = subprocess.Popen([COMMAND, "serve", str(directory)], stdout=log, stderr=log)
    while not ready(port):
        if process.poll() is not None:
            sys.exit(f"the node ended with code {process.returncode}: see {directory / 'bench.log'}")
        time.sleep(0.02)
    return process, time.perf_counter() - began


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def client(port: int, token: str, bodies: list[bytes], until: float, latencies_ms: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /v1/notices HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    refused = 0
    while bodies and time.perf_counter() < until:
        body = bodies.pop()
        began = time.perf_counter()
        writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies_ms.append((time.perf_counter() - began) * 1_000)
        refused += b" 201 " not in answer[:16]
    writer.close()
    return refused


def drive(port: int, token: str, clients: int, seconds: float, seed: int, out: Any) -> None:
    bodies = list(requests(int(seconds * 4_000), seed))
    latencies_ms: list[float] = []

    async def run() -> tuple[int, float]:
        began = time.perf_counter()
        asked = [client(port, token, bodies, began + seconds, latencies_ms) for _ in range(clients)]
        refused = sum(await asyncio.gather(*asked))
        return refused, time.perf_counter() - began

    refused, took_s = asyncio.run(run())
    out.put((latencies_ms, refused, took_s))


def measure(port: int, token: str, clients: int, seconds: float, seed: int) -> tuple[list[float], int, float]:
    context = get_context("spawn")
    out = context.Queue()
    process = context.Process(target=drive, args=(port, token, clients, seconds, seed, out))
    process.start()
    found: tuple[list[float], int, float] = out.get()
    process.join()
    return found


class Stages:
    """Measures the CPU of each stage alone, in this process."""

    def __init__(self, held: int) -> None:
        self.rows: list[tuple[str, float]] = []
        self.source = random.Random(5)
        self.notices = [city_notice(self.source) for _ in range(STAGE_NOTICES)]
        self.signer = Ed25519Signer.from_seed(b"n" * 32)
        self.held = held

    def timed(self, name: str, work: Callable[[int], Any]) -> list[Any]:
        """Do the work for each notice and note the CPU that it took."""
        began = time.process_time()
        done = [work(one) for one in range(STAGE_NOTICES)]
        self.rows.append((name, (time.process_time() - began) / STAGE_NOTICES * 1e6))
        return done

    def parse(self) -> None:
        """A request body into types."""
        bodies = list(requests(STAGE_NOTICES, 5))
        self.timed("parse: JSON to types", lambda one: decode(DeclareRequest, bodies[one], bytes_max=1 << 20))

    def geometry(self) -> None:
        """Prepare, compare with what is held, add."""
        sky = Sky(load_rules("intersect"))
        sky.add_many((place, prepare(city_notice(self.source).volumes), 1) for place in range(self.held))
        prepared = self.timed("geometry: prepare the volumes", lambda one: prepare(self.notices[one].volumes))
        self.timed(f"geometry: compare with {self.held:,}", lambda one: sky.findings(prepared[one], exclude_group=0))
        self.timed("geometry: add to the index", lambda one: sky.add(self.held + one, prepared[one], group=0))

    def fold(self) -> list[VerifiedMessage]:
        """Draft and sign; apply to the state."""
        other = Ed25519Signer.from_seed(b"s" * 32)
        agreement = LineAgreement(
            schema=AGREEMENT_SCHEMA,
            line_id=LINE,
            members=(
                Member(party_id="north", public_key=self.signer.public_key.hex()),
                Member(party_id="south", public_key=other.public_key.hex()),
            ),
            rules=load_rules("intersect"),
        )
        state = NodeState("north")
        speaker = Speaker(party="north", role=Role.WATCH, signer=self.signer)

        def said(line_id: str, body: Body, number: int) -> VerifiedMessage:
            chain = state.journal if line_id == JOURNAL_LINE else state.line(line_id).chains["north"]
            msg_id = f"{number:08x}-0000-4000-8000-000000000000"
            return draft(body=body, line_id=line_id, chain=chain, speaker=speaker, msg_id=msg_id, sent_at_ms=1)

        begun = said(JOURNAL_LINE, LineAdopted(agreement=agreement), 0)
        state.apply(Entry(0, 1, begun.encoded), begun)
        self.timed("sign: draft the message", lambda one: said(LINE, self.notices[one], one + 1))
        messages, spent_s = [], 0.0
        for one, notice in enumerate(self.notices):
            message = said(LINE, notice, one + 1)
            began = time.process_time()
            state.apply(Entry(state.size, 1, message.encoded), message)
            spent_s += time.process_time() - began
            messages.append(message)
        self.rows.append(("fold: apply, geometry in an empty sky included", spent_s / STAGE_NOTICES * 1e6))
        return messages

    def peer(self, messages: list[VerifiedMessage]) -> None:
        """What the receiver does before its own fold."""
        verifier = Ed25519Verifier()
        self.timed("peer: read the envelope and message", lambda one: read_message(messages[one].encoded))
        envelopes = [decode_envelope(message.encoded) for message in messages]
        key = self.signer.public_key
        self.timed("peer: verify the signature", lambda one: verify_envelope(envelopes[one], key, verifier))

    def append(self, messages: list[VerifiedMessage]) -> None:
        """Keep durably."""
        batch = 32
        entries = [NewEntry(message.digest, message.encoded) for message in messages]
        with tempfile.TemporaryDirectory() as folder, SqliteStore.open(Path(folder) / "log.sqlite") as store:
            began = time.process_time()
            for start in range(0, STAGE_NOTICES - batch, batch):
                store.append("log", start, entries[start : start + batch])
            spent_s = time.process_time() - began
        self.rows.append((f"append: durable, {batch} at a time", spent_s / STAGE_NOTICES * 1e6))


def stages(held: int) -> None:
    """Print the CPU of each stage."""
    measured = Stages(held)
    measured.parse()
    measured.geometry()
    messages = measured.fold()
    measured.append(messages)
    measured.peer(messages)
    print(f"\nCPU by stage, µs a notice (load {load()}):")
    for name, spent_us in measured.rows:
        print(f"  {name:48s} {spent_us:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), asked.held, asked.clients, asked.seconds)
    stages(asked.held)


def run(folder: Path, held: int, clients: int, seconds: float) -> None:
    port = free_port()
    north = make_node(folder / "north", "north", port)
    south = make_node(folder / "south", "south", free_port())
    join(folder / "north", south, free_port())
    join(folder / "south", north, port)
    began = time.perf_counter()
    Log(folder / "north", folder / "south").fill(
        held,
        other_party="south",
        progress=lambda done: print(f"\r{done:,} of {held:,} written", end="", file=sys.stderr),
    )
    print(f"\nlog of {held:,} notices written in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    process, took_s = start(folder / "north", port)
    print(f"start from the log alone, {held:,} notices: {took_s:.1f} s (load {load()})")
    began = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    process.wait()
    print(f"clean stop with snapshot: {time.perf_counter() - began:.1f} s")
    process, took_s = start(folder / "north", port)
    print(f"start from the snapshot: {took_s:.1f} s (load {load()})")
    token = north["tokens"]["PLANNER"]
    measure(port, token, 8, WARM_UP / 200, 7)
    before_s = cpu_s(process.pid)
    latencies_ms, refused, took_s = measure(port, token, clients, seconds, 11)
    used_s = cpu_s(process.pid) - before_s
    process.send_signal(signal.SIGTERM)
    process.wait()
    report(latencies_ms, refused, took_s, used_s, clients)


def report(latencies_ms: list[float], refused: int, took_s: float, used_s: float, clients: int) -> None:
    cuts = statistics.quantiles(latencies_ms, n=100)
    rate = len(latencies_ms) / took_s
    print(f"\n{clients} clients, {took_s:.1f} s, load {load()}, {os.cpu_count()} cores (the clients use one of them)")
    print(f"  answered              {len(latencies_ms):,}, of which not 201: {refused}")
    print(f"  rate                  {rate:,.0f} /s")
    print(f"  p50 {cuts[49]:.1f} ms   p90 {cuts[89]:.1f} ms   p99 {cuts[98]:.1f} ms   worst {max(latencies_ms):.1f} ms")
    print(f"  CPU of the node       {used_s / len(latencies_ms) * 1e6:,.0f} µs a notice")
    print("  published by others   InterUSS DSS 2 to 8 /s in a busy cell, 25 /s experimental; Flight Blender 0.04 /s")


if __name__ == "__main__":
    main()
