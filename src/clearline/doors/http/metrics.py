"""What is measured, for Prometheus. Numbers about the node; never what a notice says.

Rules
 * Counters count as things happen; gauges are set when somebody asks.
 * Labels have few values: parties, lines, refusal codes. Nothing that a caller makes up becomes a label.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from clearline.model.refusal import RefusalCode

__all__ = ["METRICS_CONTENT_TYPE", "Metrics", "PeerMeasure", "SkyMeasure"]

METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_COMMIT_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class SkyMeasure(msgspec.Struct, frozen=True, kw_only=True):
    """How much is held, and how much of it is not in order."""

    notices: int
    uncleared: int
    open_findings: int


class PeerMeasure(msgspec.Struct, frozen=True, kw_only=True):
    """One peer on one line."""

    line_id: str
    peer: str
    undelivered: int
    failures: int
    open: bool


@final
class Metrics:
    """All measures of one node, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.open_streams = 0
        registry = self._registry
        self.log_size = Gauge("clearline_log_entries", "Durable entries in the log.", registry=registry)
        self.ready = Gauge("clearline_ready", "1 while the node takes what is said.", registry=registry)
        self.notices = Gauge("clearline_notices", "Notices that have not ended, of all parties.", registry=registry)
        self.uncleared = Gauge("clearline_notices_uncleared", "Own notices that are not cleared.", registry=registry)
        self.findings = Gauge("clearline_findings_open", "Findings that are open.", registry=registry)
        self.restarts = Gauge("clearline_worker_restarts", "Workers started again after a bug.", registry=registry)
        self.streams = Gauge("clearline_event_streams", "Open event streams.", registry=registry)
        self.appends = Counter("clearline_appends", "Durable appends.", registry=registry)
        self.batch = Histogram(
            "clearline_append_entries", "Entries in one append.", buckets=_BATCH_BUCKETS, registry=registry
        )
        self.commit = Histogram(
            "clearline_append_seconds",
            "Time until an append was durable.",
            buckets=_COMMIT_BUCKETS_S,
            registry=registry,
        )
        self.refusals = Counter("clearline_refusals", "Refusals by code.", ["code"], registry=registry)
        self.bugs = Counter("clearline_internal_errors", "Bugs met by a request.", registry=registry)
        self.exchanges = Counter(
            "clearline_exchanges", "Exchanges at the peer door.", ["line", "outcome"], registry=registry
        )
        self._undelivered = Gauge(
            "clearline_undelivered", "Own messages without receipt.", ["line", "peer"], registry=registry
        )
        self._failures = Gauge(
            "clearline_exchange_failures", "Failed exchanges in a row.", ["line", "peer"], registry=registry
        )
        self._open = Gauge("clearline_link_open", "1 while the peer is heard.", ["line", "peer"], registry=registry)

    def appended(self, *, entries: int, seconds: float) -> None:
        """Note a durable append."""
        self.appends.inc()
        self.batch.observe(entries)
        self.commit.observe(seconds)

    def refused(self, code: RefusalCode) -> None:
        """Note a refusal."""
        self.refusals.labels(code=code.value).inc()

    def exchanged(self, line_id: str, outcome: str) -> None:
        """Note an exchange at the peer door; `line_id` is one of ours, or `unknown`."""
        self.exchanges.labels(line=line_id, outcome=outcome).inc()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count an event stream while it is open."""
        self.open_streams += 1
        self.streams.set(self.open_streams)
        try:
            yield
        finally:
            self.open_streams -= 1
            self.streams.set(self.open_streams)

    def set_sky(self, measure: SkyMeasure) -> None:
        """Note what is held."""
        self.notices.set(measure.notices)
        self.uncleared.set(measure.uncleared)
        self.findings.set(measure.open_findings)

    def set_peer(self, measure: PeerMeasure) -> None:
        """Note how one peer stands."""
        labels = {"line": measure.line_id, "peer": measure.peer}
        self._undelivered.labels(**labels).set(measure.undelivered)
        self._failures.labels(**labels).set(measure.failures)
        self._open.labels(**labels).set(1 if measure.open else 0)

    def text(self) -> bytes:
        """Return everything in the text form of Prometheus."""
        return generate_latest(self._registry)
