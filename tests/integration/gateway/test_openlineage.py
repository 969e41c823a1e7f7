"""OpenLineage events of what made tickets: to a file, to a receiver, again when the receiver was away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway import announcing
from tests.integration.gateway.in_process import House


class Receiver(ThreadingHTTPServer):
    """Takes events as an OpenLineage backend does; `refusing` answers 503."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refusing = False
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.refusing:
            self.server.events.append(json.loads(body))
        self.send_response(503 if self.server.refusing else 201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def announce(house: House, url: str) -> int:
    house.clock.forward(60)  # what is younger may still have slower neighbours
    emitter = announcing.emitter_of(url)
    assert emitter is not None
    return announcing.announce(house.gateway, house.gateway.hub, emitter)


def test_a_file_gets_one_event_per_source_with_the_columns_of_the_ticket(house: House, tmp_path: Path) -> None:
    house.tell(house.alert("a"), house.alert("b"))
    path = tmp_path / "lineage" / "events.jsonl"
    assert announce(house, str(path)) == 1
    assert announce(house, f"file://{path}") == 0  # nothing new
    event = json.loads(path.read_text("utf-8"))
    assert (event["eventType"], event["job"]["name"]) == ("COMPLETE", "r.alert")
    columns = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert {"title", "priority", "kind"} >= set(columns) & {"title", "priority", "kind"}
    inputs = {(i["name"], i["field"]) for i in columns["priority"]["inputFields"]}
    assert ("alert", "severity") in inputs


def test_what_a_receiver_did_not_take_is_told_again(house: House, receiver: Receiver) -> None:
    house.tell(house.alert("a"))
    receiver.refusing = True
    assert announce(house, receiver.url) == 0
    receiver.refusing = False
    assert announce(house, receiver.url) == 1
    assert [e["job"]["name"] for e in receiver.events] == ["r.alert"]


def test_without_an_address_nothing_is_told() -> None:
    assert announcing.emitter_of("") is None
