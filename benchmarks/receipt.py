"""From a notice to the other side's signed receipt: two real nodes on loopback.

    python -m benchmarks.receipt [--notices 200]

One notice at a time is declared at north. Measured from the start of the request to the moment at which north's event
stream brings the receipt that south has signed after its own durable write and comparison: two commits, an
exchange there and back, four signatures.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx2

from benchmarks.busy_city import join, make_node, requests
from benchmarks.declare import free_port, load, start


def listen(client: httpx2.Client, receipts: queue.Queue[float]) -> None:
    with contextlib.suppress(httpx2.HTTPError), client.stream("GET", "/v1/events", timeout=None) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and '"type":"RECEIPT"' in line and not json.loads(line[5:])["own"]:
                receipts.put(time.perf_counter())


def measure(port: int, token: str, count: int, *, seed: int) -> list[float]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    base_url = f"http://127.0.0.1:{port}"
    receipts: queue.Queue[float] = queue.Queue()
    latencies_ms = []
    with (
        httpx2.Client(base_url=base_url, headers=headers, trust_env=False) as client,
        httpx2.Client(base_url=base_url, headers=headers, trust_env=False) as events,
    ):
        threading.Thread(target=listen, args=(events, receipts), daemon=True).start()
        time.sleep(1.0)
        for body in requests(count, seed):
            while not receipts.empty():
                receipts.get()
            began = time.perf_counter()
            client.post("/v1/notices", content=body).raise_for_status()
            latencies_ms.append((receipts.get(timeout=30.0) - began) * 1_000)
    return latencies_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notices", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ports = {"north": free_port(), "south": free_port()}
        made = {party: make_node(Path(folder) / party, party, port) for party, port in ports.items()}
        join(Path(folder) / "north", made["south"], ports["south"])
        join(Path(folder) / "south", made["north"], ports["north"])
        processes = [start(Path(folder) / party, port)[0] for party, port in ports.items()]
        token = made["north"]["tokens"]["PLANNER"]
        measure(ports["north"], token, 20, seed=1)
        latencies_ms = measure(ports["north"], token, asked.notices, seed=2)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()
    cuts = statistics.quantiles(latencies_ms, n=100)
    print(f"notice to signed receipt, {asked.notices} one at a time, load {load()}, {os.cpu_count()} cores")
    print(f"  p50 {cuts[49]:.1f} ms   p90 {cuts[89]:.1f} ms   p99 {cuts[98]:.1f} ms   worst {max(latencies_ms):.1f} ms")


if __name__ == "__main__":
    main()
