"""A system with a Singer tap, for trials and tests: the example company's machines and orders.

    python -m connectors.singer.sandbox --port 8094

It prints where it is and the token; `connectors/singer/sandbox_tap.py` is its tap. GET /sandbox/config is the
configuration of a connection to it; PUT /sandbox/orders/ID {"quantity": 5} changes an order now, DELETE
/sandbox/machines/ID takes a machine away.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.example_company import DEVICES, ITEMS

TAP = (sys.executable, "-I", "-S", str(Path(__file__).with_name("sandbox_tap.py")))
_JUNK = b"<html><head><title>502 Bad Gateway</title></head><body>proxy</body></html>"
_TEXT, _NUMBER = {"type": ["null", "string"]}, {"type": ["null", "number"]}
_TIME = {"type": ["null", "string"], "format": "date-time"}


@dataclass
class Table:
    """Rows by key; each has its time of change in `_at`."""

    schema: dict[str, Any]
    key: tuple[str, ...]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, row: dict[str, Any], at: datetime) -> None:
        key = "\x1f".join(str(row[name]) for name in self.key)
        self.rows[key] = {**row, "_key": key, "_at": at.isoformat()}

    def page(self, since: str, after: str, limit: int) -> list[dict[str, Any]]:
        """In the order of (time, key) where a time is given, else of the key."""
        timed = bool(since)
        order = sorted(self.rows.values(), key=lambda row: (row["_at"] if timed else "", row["_key"]))
        rest = [row for row in order if ((row["_at"] if timed else ""), row["_key"]) > (since, after)]
        return rest[:limit]


class Sandbox:
    """The system. `take`: how the next call fails, if at all (a `Break` of the exam)."""

    def __init__(self, take: Callable[[], Any] = lambda: None, port: int = 0) -> None:
        self.tables: dict[str, Table] = {}
        self.token = secrets.token_hex(16)
        self._take = take
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def fill(self) -> None:
        """The example company's machines, and an order for every article."""
        now = datetime.now(UTC)
        machines = {"id": _TEXT, "name": _TEXT, "serial": _TEXT, "model": _TEXT}
        self.tables["machines"] = Table({"type": "object", "properties": machines}, ("id",))
        for device in DEVICES:
            row: dict[str, Any] = {"id": device.id, "name": device.name, "serial": device.serial, "model": device.model}
            self.tables["machines"].put(row, now)
        orders = {"id": _TEXT, "item": _TEXT, "quantity": _NUMBER, "price": _NUMBER, "updated_at": _TIME}
        self.tables["orders"] = Table({"type": "object", "properties": orders}, ("id",))
        for number, item in enumerate(ITEMS):
            at = now - timedelta(hours=number + 1)
            order: dict[str, Any] = {
                "id": f"PO-{number + 1:04}",
                "item": item.code,
                "quantity": item.stock,
                "price": item.price,
            }
            self.tables["orders"].put({**order, "updated_at": at.isoformat()}, at)

    def settings(self) -> dict[str, Any]:
        """The configuration of a hub's connection to it."""
        return {
            "command": list(TAP),
            "settings": {"url": self.url, "page_size": 50},
            "secrets": {"token": self.token},
            "system": f"sandbox://{urlsplit(self.url).netloc}",
            "streams": {
                "machines": {"key": "id", "replication": "full_table", "fields": {"id": "text", "name": "text"}},
                "orders": {"key": "id", "fields": {"id": "text", "quantity": "number", "updated_at": "datetime"}},
            },
        }

    def catalog(self) -> dict[str, Any]:
        """As the tap gives it."""
        streams = []
        for name, table in self.tables.items():
            metadata = [{"breadcrumb": ["properties", f], "metadata": {"inclusion": "automatic"}} for f in table.key]
            entry = {"tap_stream_id": name, "stream": name, "schema": table.schema, "metadata": metadata}
            streams.append({**entry, "key_properties": list(table.key)})
        return {"streams": streams}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One call of the tap, or of a person at /sandbox/."""
        parts = urlsplit(request.path)
        steps = [unquote(step) for step in parts.path.strip("/").split("/")]
        if steps[0] == "sandbox":
            self._control(request, steps[1:])
            return
        how = self._take()
        if how is not None and how.kind in ("cut", "timeout"):
            if how.kind == "timeout":
                threading.Event().wait(how.seconds)
            request.connection.close()
            return
        if how is not None and how.kind == "junk":
            _send(request, 200, _JUNK, "text/html")
            return
        status = {"transient": 503, "rate": 429, "auth": 401}.get(how.kind, 200) if how is not None else 200
        if request.headers.get("authorization") != f"Bearer {self.token}":
            status = 401
        if status != 200:
            _send(request, status, b"{}", later=f"{how.retry_after:g}" if how is not None and status == 429 else "")
        elif steps == ["catalog"]:
            _send(request, 200, _encode(self.catalog()))
        elif steps[0] == "data" and len(steps) == 2 and steps[1] in self.tables:
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            rows = self.tables[steps[1]].page(asked.get("since", ""), asked.get("after", ""), int(asked["limit"]))
            _send(request, 200, _encode(rows))
        else:
            _send(request, 404, b"{}")

    def _control(self, request: BaseHTTPRequestHandler, steps: list[str]) -> None:
        if steps == ["config"]:
            _send(request, 200, _encode(self.settings()))
            return
        table = self.tables.get(steps[0])
        if table is None or len(steps) != 2 or steps[1] not in table.rows:
            _send(request, 404, b"{}")
        elif request.command == "DELETE":
            del table.rows[steps[1]]
            _send(request, 200, b"{}")
        else:
            told = request.rfile.read(int(request.headers.get("content-length", "0")))
            now = datetime.now(UTC)
            changed = {**table.rows[steps[1]], **json.loads(told or b"{}", parse_float=Decimal)}
            table.put({**changed, **({"updated_at": now.isoformat()} if "updated_at" in changed else {})}, now)
            _send(request, 200, b"{}")


def _handler(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sandbox.answer(self)

        do_PUT = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler


def _send(
    request: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/json", later: str = ""
) -> None:
    request.send_response(status)
    request.send_header("content-type", kind)
    request.send_header("content-length", str(len(body)))
    if later:
        request.send_header("retry-after", later)
    request.end_headers()
    request.wfile.write(body)


def _encode(value: Any) -> bytes:
    """JSON in which exact numbers stay exact."""
    if isinstance(value, Decimal):
        return str(value).encode()
    if isinstance(value, dict):
        return b"{" + b",".join(json.dumps(key).encode() + b":" + _encode(item) for key, item in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(_encode, value)) + b"]"
    return json.dumps(value).encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m connectors.singer.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8094)
    sandbox = Sandbox(port=parser.parse_args().port)
    sandbox.fill()
    print(f"System: {sandbox.url}\nConfiguration: {sandbox.url}/sandbox/config", flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        sandbox.close()


if __name__ == "__main__":
    main()
