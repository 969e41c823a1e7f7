"""Metrics of this process for Prometheus; docs/metrics.md lists them."""

from __future__ import annotations

import os
from collections import Counter as Tally
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess

from connectors.runtime import Result, Status

if TYPE_CHECKING:
    from gateway.ingest.item import Item
    from gateway.telemetry import tally

RECEIVED = Counter("weft_messages_received", "Messages committed to the inbox.", ["connection"])
ENDED = Counter("weft_messages_ended", "Messages by the end they came to.", ["connection", "end"])
REFUSED = Counter("weft_inbound_refused", "Deliveries refused before they were stored.", ["connection", "reason"])
RETRIES = Counter("weft_inbox_retries", "Transactions of the inbox that were tried again after a race.")
ESCALATIONS = Counter("weft_escalation_steps", "Steps of ladders and broken promises that ran.", ["reason"])
ESCALATIONS_MISSING = Counter("weft_escalation_missing", "Steps that were due and did not run, as the auditor found.")
GROUP = Histogram(
    "weft_inbox_group_messages",
    "Messages committed by one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
SYNCED = Counter("weft_sync_records", "Records of business that were read.", ["connection", "stream"])
COMMANDS = Counter("weft_commands", "Tries to carry out a command in a remote system.", ["connection", "outcome"])
ANSWERS = Counter("weft_context_answers", "Context sections by outcome.", ["connection", "status"])
COMPLETENESS = Gauge(
    "weft_context_completeness",
    "Share of the context sections of the last 24 hours that were answered (ok or empty), of all asked; NaN: none asked.",
    multiprocess_mode="mostrecent",
)
ANSWERING = Gauge(
    "weft_context_connection_completeness",
    "The same of each connection.",
    ["connection"],
    multiprocess_mode="mostrecent",
)
CALLS = Histogram("weft_remote_call_seconds", "Calls to remote systems by result.", ["connection", "call", "result"])
BREAKER = Gauge(
    "weft_breaker_open",
    "1 while the circuit breaker of a connection is open.",
    ["connection"],
    multiprocess_mode="mostrecent",
)
WAITING = Gauge("weft_inbox_waiting", "Deliveries waiting in this process.", multiprocess_mode="mostrecent")
INBOX_AGE = Gauge(
    "weft_inbox_oldest_seconds", "How long the oldest delivery has waited in this process.", multiprocess_mode="max"
)
OUTBOX = Gauge("weft_outbox", "Commands that are not done, by state.", ["state"], multiprocess_mode="mostrecent")
OUTBOX_AGE = Gauge(
    "weft_outbox_oldest_seconds", "Age of the oldest command that is not done.", multiprocess_mode="mostrecent"
)
DEAD = Gauge("weft_dead_letters", "Dead letters that nobody settled.", multiprocess_mode="mostrecent")
SYNC_AGE = Gauge(
    "weft_sync_age_seconds",
    "How old what is held of a stream is: since the beginning of its last complete reading.",
    ["connection", "stream"],
    multiprocess_mode="mostrecent",
)
AUDIT = Gauge(
    "weft_audit_findings",
    "Rows that the last audit of the ledger found wrong; NaN: none was made yet.",
    multiprocess_mode="mostrecent",
)
AUDIT_AGE = Gauge(
    "weft_audit_age_seconds",
    "Since the last audit of the ledger; NaN: none was made yet.",
    multiprocess_mode="mostrecent",
)
TICKETS = Gauge("weft_tickets_open", "Open tickets.", ["priority"], multiprocess_mode="mostrecent")

FIGURE = Gauge(
    "weft_figure",
    "A figure of yesterday as known when the day ended, in its own unit (docs/figures.md); NaN: nothing to count.",
    ["metric"],
    multiprocess_mode="mostrecent",
)
FIGURE_DAYS = Gauge(
    "weft_figure_days_waiting", "Days whose figures are to be computed anew.", multiprocess_mode="mostrecent"
)


def registry() -> CollectorRegistry:
    """What a scrape sees: this process, or, where several serve (`weft serve --workers N`), all of them together."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


class Calls:
    """Tells Prometheus of every call to a remote system; the runtime of each connection is given one."""

    def __init__(self, counted: tally.Tally | None = None) -> None:
        self._counted = counted
        # one per connection, verb and result that occurred; looking it up by its labels costs more than counting
        self._series: dict[tuple[str, str, Result], Histogram] = {}

    def called(self, connection: str, verb: str, result: Result, seconds: float) -> None:
        key = (connection, verb, result)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = CALLS.labels(*key)
        series.observe(seconds)
        if self._counted is not None:
            self._counted.called(verb, result, seconds)

    def changed(self, connection: str, status: Status, reason: str) -> None:
        """A change of state is in the log; the gauges are read when they are asked for."""


def count_group(items: Iterable[Item]) -> None:
    """Count a committed group."""
    received: Tally[str] = Tally()
    ended: Tally[tuple[str, str]] = Tally()
    for item in items:
        received[item.live.id] += 1
        ended[item.live.id, str(item.end)] += 1
    for connection, n in received.items():
        RECEIVED.labels(connection).inc(n)
    for (connection, end), n in ended.items():
        ENDED.labels(connection, end).inc(n)
    GROUP.observe(sum(received.values()))
