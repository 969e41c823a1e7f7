"""A system nobody has seen before is connected by the very steps of docs/no-code.md: its commands, its files, no Python."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.acceptance.conftest import StartHub
from tests.acceptance.running_hub import RunningHub, eventually

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = "portal-token-of-the-test"


class Portal(ThreadingHTTPServer):
    """The portal of energy meters: written from its description alone, it knows nothing of manifests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.alarms: dict[int, dict[str, Any]] = {}
        self.strangers = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def raise_alarm(self, number: int, meter: str, urgency: int, kw: float) -> None:
        self.alarms[number] = {
            "no": number, "meter": meter, "text": "Peak load exceeded", "urgency": urgency, "kw": kw, "since": 1795334400,
        }  # fmt: skip


class Page(BaseHTTPRequestHandler):
    server: Portal

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path.split("/")[2:]:
            case _ if self.headers["X-Token"] != TOKEN:
                self.server.strangers += 1
                self.reply({"status": "failed", "error": "token?"}, 401)
            case ["info"]:
                self.reply({"status": "ok", "portal": {"version": "3.1"}})
            case ["alarms"]:
                rows = [alarm for _, alarm in sorted(self.server.alarms.items())]
                start, size = int(asked["skip"]), min(int(asked["take"]), 2)
                self.reply({"status": "ok", "count": len(rows), "alarms": rows[start : start + size]})
            case ["alarms", number] if int(number) in self.server.alarms:
                self.reply({"status": "ok", "alarm": self.server.alarms[int(number)]})
            case ["meters", "EM-17"]:
                meter = {"kw": 398.25, "contract": {"limit": 400}, "read_at": "2026-11-22T08:00:00Z"}
                self.reply({"status": "ok", "meter": meter})
            case _:
                self.reply({"status": "failed", "error": "not here"}, 404)

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        number = int(self.path.split("/")[3])
        self.server.alarms[number]["ack"] = body
        self.reply({"status": "ok"})

    def reply(self, body: Any, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def portal() -> Iterator[Portal]:
    server = Portal()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def blocks(language: str, page: str = "no-code.md") -> list[str]:
    """The code of a page's worked example."""
    example = (DOCS / page).read_text("utf-8").split("\n## ")[1]
    return re.findall(rf"```{language}\n(.*?)```", example, re.DOTALL)


def follow_the_steps(hub: RunningHub, portal: Portal) -> None:
    """Everything the page tells to type and to write, in its order; only the portal's address is another."""
    manifest, connection = blocks("yaml")
    commands = [line.split()[1:] for block in blocks("sh") for line in block.strip().splitlines()]
    (hub.home / "meters.yaml").write_text(connection.replace("https://meters.example", portal.url), "utf-8")
    assert [" ".join(command[:2]) for command in commands] == [
        "connector new", "connector test", "connector test", "connector list", "apply meters.yaml", "check meters",
        "sync run",
    ]  # fmt: skip
    for number, command in enumerate(commands):
        if number == 2:
            (hub.home / "var" / "connectors" / "energy_meters.yaml").write_text(manifest, "utf-8")
        hub.weft(*command)


def test_a_system_never_seen_before_is_connected_both_ways_by_manifest_alone(
    start_hub: StartHub, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERS_TOKEN", TOKEN)
    for number in range(1, 6):
        portal.raise_alarm(
            5000 + number, f"EM-1{number + 6}" if number == 1 else f"EM-2{number}", number, 400.5 + number
        )
    hub = start_hub({})
    follow_the_steps(hub, portal)

    tickets = {ticket["title"]: ticket for ticket in hub.tickets()}
    assert len(tickets) == 5
    urgent = tickets["EM-17: Peak load exceeded"]
    assert (urgent["priority"], urgent["status"]) == ("P1", "pending")
    assert portal.strangers == 0

    shown = eventually(lambda: _context(hub, urgent["id"]), why="the question about the meter is answered")
    assert (str(shown["kw"]), str(shown["limit"])) == ("398.25", "400")
    origin = hub.get(f"/v1/tickets/{urgent['id']}/lineage", field="title")
    assert origin["verdict"] == "equal"
    assert {source["field"] for source in origin["sources"]} >= {"meter", "text"}

    hub.post(f"/v1/tickets/{urgent['id']}/start", {})
    hub.post(f"/v1/tickets/{urgent['id']}/resolve", {"resolution": "load shed"})
    done = eventually(lambda: portal.alarms[5001].get("ack"), why="the alarm is acknowledged over there")
    assert done["note"] == f"Weft {urgent['id']}"
    assert re.fullmatch("[0-9a-f]{32}", done["ref"])

    del portal.alarms[5003]
    hub.weft("sync", "run", "meters", "alarm")
    ended = {ticket["title"].partition(":")[0] for ticket in hub.tickets(status="resolved")}
    assert ended == {"EM-17", "EM-23"}, "the alarm that is no longer listed is over, and so is its ticket"

    grades = {each["name"]: each["grade"] for each in hub.weft_json("connector", "list")["items"]}
    assert grades["energy_meters"] == "gold"
    hub.audit()


def test_both_languages_show_the_same_example() -> None:
    for language in ("sh", "yaml"):
        assert blocks(language) == blocks(language, "no-code.zh-CN.md")


def _context(hub: RunningHub, ticket: str) -> dict[str, Any] | None:
    """The answer to the question about the meter, once it is there."""
    sections = hub.get(f"/v1/tickets/{ticket}/context")["sections"]
    found = [s for s in sections if s["question"] == "meter_load" and s["status"] == "ok"]
    return found[0]["values"] if found else None
