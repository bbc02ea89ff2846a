"""Both verifiers over the same lines: every verdict asked for in a test is asked of both, and must be one."""

from __future__ import annotations

from collections.abc import Iterable

from clearline.ledger.bundle import entry_line
from clearline.ledger.entry import Entry
from clearline.ledger.keys import Ed25519Verifier
from clearline.ledger.report import Problem, ProblemCode, VerifyReport
from clearline.ledger.verify import verify_bundle
from tools import verify_alone

Where = tuple[str, ProblemCode]


class RememberingVerifier:
    """The real verifier, asked once for each signature: thousands of broken bundles share nearly all of theirs."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bytes], bool] = {}
        self._verifier = Ed25519Verifier()

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        key = (public_key, signature, data)
        if key not in self._known:
            self._known[key] = self._verifier.verify(public_key, signature, data)
        return self._known[key]


REMEMBERING = RememberingVerifier()


def places(problems: Iterable[Problem]) -> list[Where]:
    return [(problem.place, problem.code) for problem in problems]


def verdict(lines: Iterable[bytes], keys: dict[str, bytes] | None = None) -> VerifyReport:
    """Verify with both; they must name the same problems in the same order and count the same things."""
    kept = list(lines)
    report = verify_bundle(kept, keys=keys, verifier=REMEMBERING)
    alone = verify_alone.verify(kept, {party: key.hex() for party, key in (keys or {}).items()})
    assert [(p["place"], p["code"]) for p in alone["problems"]] == [(p.place, p.code.value) for p in report.problems]
    assert [p["entry"] for p in alone["problems"]] == [p.entry for p in report.problems]
    assert (alone["ok"], alone["party"], alone["entries"], alone["problems_more"]) == (
        report.ok,
        report.party,
        report.entries,
        report.problems_more,
    )
    assert alone["root"] == (report.tree.root if report.tree else None)
    assert (alone["receipts_proven"], alone["receipts_open"], alone["unreceipted"]) == (
        report.receipts_proven,
        report.receipts_open,
        report.unreceipted,
    )
    assert alone["messages_by_type"] == report.messages_by_type
    return report


def split(source: bytes) -> list[bytes]:
    """Lines as a file has them: the last one may lack its line feed."""
    *whole, rest = source.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def renumbered(entries: Iterable[Entry]) -> list[bytes]:
    """The entry lines that somebody without any key would write: indexes and leaf hashes made to fit."""
    return [entry_line(Entry(index, entry.received_at_ms, entry.envelope)) for index, entry in enumerate(entries)]
