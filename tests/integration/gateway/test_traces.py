"""One trace from the sender's request through the outbox's row to the write-back; switched off, nothing is missed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from connectors.contract import Delivery
from gateway import traces
from gateway.bridge import outbox
from tests.integration.gateway.in_process import Build, House

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BRIDGE = {"id": "tell", "on": "ticket.opened", "connector": "robot", "op": "say",
          "key": {"object": "'a'"}, "body": {"text": "ticket.id"}}  # fmt: skip


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def kept() -> Iterator[Kept]:
    exporter = Kept()
    traces.configure("", exporter=exporter)
    yield exporter
    traces.configure("")


@pytest.fixture
def bridged(build: Build) -> House:
    """A hub that says of every ticket at another robot that it was opened."""
    other = {"id": "other", "connector": "robot", "config": {}}
    return build({"connections": [other], "bridges": [BRIDGE]})


def told(kept: Kept) -> list[ReadableSpan]:
    traces.configure("")  # sends what waits
    return kept.spans


def test_a_write_back_by_another_process_is_a_span_of_the_senders_trace(bridged: House, kept: Kept) -> None:
    live = bridged.gateway.hub.connection("r")
    body = orjson.dumps([bridged.alert("a")])
    bridged.gateway.run_in_inbox(live, Delivery(body, {"traceparent": SENDER}, verified=True))
    bridged.work()
    ingest, writeback = told(kept)
    assert (ingest.name, writeback.name) == ("weft.ingest", "weft.writeback")
    assert ingest.context is not None
    assert writeback.parent is not None
    assert f"{ingest.context.trace_id:032x}" == SENDER.split("-")[1]
    assert writeback.parent.trace_id == ingest.context.trace_id
    assert writeback.parent.span_id == ingest.context.span_id
    attributes = dict(writeback.attributes or {})
    assert (attributes["weft.connection"], attributes["weft.op"]) == ("other", "say")


def test_a_message_without_a_trace_begins_one(bridged: House, kept: Kept) -> None:
    bridged.tell(bridged.alert("a"))
    (command,) = bridged.commands()
    (ingest,) = told(kept)
    assert ingest.context is not None
    assert command.trace.split("-")[1] == f"{ingest.context.trace_id:032x}"


def test_with_the_switch_off_nothing_is_traced_and_everything_works(bridged: House) -> None:
    assert not traces.on()
    bridged.tell(bridged.alert("a"))
    bridged.work()
    (command,) = bridged.commands()
    assert (command.trace, command.state) == (None, "done")
    with bridged.gateway.transaction() as conn:
        assert outbox.claim(conn, bridged.clock.now) == []


def test_without_the_package_the_hub_runs_and_the_switch_is_refused_with_what_to_install(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["opentelemetry.sdk"] = sys.modules["opentelemetry.exporter"] = None
from gateway import traces
from gateway.errors import BadConfiguration
import gateway.api.app
with traces.span("weft.test"):
    assert traces.carried() is None
try:
    traces.configure("http://127.0.0.1:1/v1/traces")
except BadConfiguration as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "weft[otel]" in done.stdout
