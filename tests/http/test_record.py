"""The record over HTTP: pages, proofs against the tree head, a bundle that proves itself, measures, the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from clearline.doors.console import CONSOLE_FILES, CONSOLE_HEADERS
from clearline.ledger.bundle import bounded_lines
from clearline.ledger.entry import entry_bytes
from clearline.ledger.keys import Ed25519Verifier
from clearline.ledger.merkle import leaf_hash, verify_inclusion
from clearline.ledger.verify import verify_bundle
from clearline.line.clearance import NoticeStatus
from clearline.model import limits
from tests.http.parties import alone, desks, run, volume


def test_the_log_in_pages(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk:
            for _ in range(5):
                await desk.declare()
            whole = await desk.get("/v1/log", limit=1_000)
            assert [one["log_index"] for one in whole["entries"]] == list(range(whole["log_size"]))
            assert whole["entries"][0]["type"] == "LINE_ADOPTED"
            page = await desk.get("/v1/log", **{"from": 2, "limit": 3})
            assert page["entries"] == whole["entries"][2:5]
            assert (await desk.get("/v1/log", **{"from": whole["log_size"]}))["entries"] == []
            assert (await desk.get("/v1/log", **{"from": 10_000}))["entries"] == []

    run(story())


def test_each_entry_is_proved_to_be_in_the_tree(tmp_path: Path) -> None:
    """R6: the leaf, the path and the tree head fit together, while the log goes on growing."""

    async def story() -> None:
        async with alone(tmp_path) as desk:
            for _ in range(3):
                await desk.declare()
                status = await desk.get("/v1/status")
                for index in range(status["log_size"]):
                    entry = await desk.get(f"/v1/log/{index}")
                    assert entry["tree"] == status["tree"]
                    (stored,) = await desk.served.node.log_page(index, 1)
                    assert entry["leaf_hash"] == leaf_hash(entry_bytes(stored)).hex()
                    assert verify_inclusion(
                        bytes.fromhex(entry["leaf_hash"]),
                        index=index,
                        size=entry["tree"]["size"],
                        proof=[bytes.fromhex(step) for step in entry["proof"]],
                        root=bytes.fromhex(entry["tree"]["root"]),
                    )

    run(story())


def test_the_export_proves_itself(tmp_path: Path) -> None:
    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            declared = await north.declare()
            await south.declare(volume(46.51))
            await north.until_status(declared["notice_id"], NoticeStatus.CONFLICT)
            async with north.client("OBSERVER") as client:
                answer = await client.get("/v1/export")
            assert answer.headers["content-type"] == "application/vnd.clearline.bundle"
            assert "attachment" in answer.headers["content-disposition"]
            report = verify_bundle(bounded_lines([answer.content]), verifier=Ed25519Verifier())
            assert report.ok, report
            changed = answer.content.replace(b'"index":2,', b'"index":3,', 1)
            assert not verify_bundle(bounded_lines([changed]), verifier=Ed25519Verifier()).ok

    run(story())


def test_exports_at_once_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(limits, "EXPORTS_MAX", 0)
        async with alone(tmp_path) as desk, desk.client() as client:
            answer = await client.get("/v1/export")
            assert (answer.status_code, answer.json()["code"]) == (429, "OVERLOADED")

    run(story())


def test_measures(tmp_path: Path) -> None:
    """What is counted is counted: entries, notices, findings, refusals, peers; and nothing a notice says."""

    async def story() -> None:
        async with desks(tmp_path, "north", "south") as (north, south):
            declared = await north.declare()
            await south.declare(volume(46.51))
            await north.until_status(declared["notice_id"], NoticeStatus.CONFLICT)
            async with north.client() as client:
                await client.get("/v1/log/999")
                text = (await client.get("/metrics")).text
            values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
            size = (await north.get("/v1/status"))["log_size"]
            assert 3 <= float(values["clearline_log_entries"]) <= size
            assert float(values["clearline_ready"]) == 1
            assert float(values["clearline_notices"]) == 2
            assert float(values["clearline_notices_uncleared"]) == 1
            assert float(values["clearline_findings_open"]) == 1
            assert float(values['clearline_refusals_total{code="NOT_FOUND"}']) == 1
            assert 'clearline_undelivered{line="demo",peer="south"}' in values
            assert float(values["clearline_appends_total"]) >= 2
            assert 3 <= float(values["clearline_append_entries_sum"]) <= size
            assert declared["notice_id"] not in text

    run(story())


def test_alive_and_ready(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/readyz")).json() == {"ready": True, "why": ""}
            desk.served._opened().journal.failure = "disk full"
            assert (await client.get("/readyz")).json() == {"ready": False, "why": "STORE_FAILING"}
            desk.served.desk.begin_closing()
            assert (await client.get("/readyz")).json() == {"ready": False, "why": "STOPPING"}

    run(story())


def test_the_console_is_served_whole_with_its_headers(tmp_path: Path) -> None:
    async def story() -> None:
        async with alone(tmp_path) as desk, desk.client(None) as client:
            for path, file in CONSOLE_FILES.items():
                answer = await client.get(path)
                assert answer.status_code == 200
                assert answer.content == file.location.read_bytes()
                assert answer.headers["content-type"] == file.content_type
                for name, value in CONSOLE_HEADERS.items():
                    assert answer.headers.get_list(name) == [value]
            etag = (await client.get("/", headers={"If-None-Match": '"of another file"'})).headers["etag"]
            assert (await client.get("/", headers={"If-None-Match": etag})).status_code == 304
            plain = await client.get("/", headers={"Accept-Encoding": "identity"})
            assert "content-encoding" not in plain.headers

    run(story())
