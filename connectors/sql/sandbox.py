"""A database with the example company's tables, for trials and tests.

    python -m connectors.sql.sandbox --file /tmp/plant.db --port 8095

It prints the URL of a SQLite file and how to connect to it. GET /sandbox/config is the configuration of a connection;
POST /sandbox/stock {"item": "BRG-6205", "quantity": 3} changes a stock level now.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from connectors.example_company import CUSTOMERS, DEVICES, ITEMS
from connectors.sql.operations import DDL
from connectors.sql.world import SqliteStore

_TABLES = """
CREATE TABLE customers (code TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT, city TEXT, changed_at TEXT NOT NULL);
CREATE TABLE stock (item TEXT, warehouse TEXT, quantity TEXT NOT NULL, changed_at TEXT NOT NULL, PRIMARY KEY (item, warehouse));
CREATE TABLE machines (id TEXT PRIMARY KEY, name TEXT, hours INTEGER, read_at TEXT);
CREATE TABLE work_orders (id TEXT PRIMARY KEY, machine TEXT, status TEXT, changed_at TEXT);
"""


class Sandbox:
    """The database file. `path`: where it is."""

    def __init__(self, path: Path | None = None) -> None:
        self._own = None if path else tempfile.TemporaryDirectory(prefix="weft-sql-")
        self.path = path or Path(self._own.name) / "plant.db"  # type: ignore[union-attr]
        self._lock = threading.Lock()
        self.store = SqliteStore(self.path)

    def fill(self) -> None:
        """The example company's customers, stock and machines, and a work order for each machine."""
        now = datetime.now(UTC).isoformat()
        self.store.script(_TABLES + DDL.format(table="weft_commands") + ";")
        for customer in CUSTOMERS:
            row = (customer.erp, customer.name, customer.phone, customer.city, now)
            self.store.run("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", row)
        for item in ITEMS:
            stock = (item.code, item.warehouse, f"{item.stock:f}", now)
            self.store.run("INSERT INTO stock VALUES (?, ?, ?, ?)", stock)
        for number, device in enumerate(DEVICES, 1):
            self.store.run("INSERT INTO machines VALUES (?, ?, ?, ?)", (device.id, device.name, 4210 * number, now))
            order = (f"WO-{number:04}", device.id, "open", now)
            self.store.run("INSERT INTO work_orders VALUES (?, ?, ?, ?)", order)

    def set_stock(self, item: str, quantity: Decimal) -> None:
        with self._lock:
            now = datetime.now(UTC).isoformat()
            self.store.run("UPDATE stock SET quantity = ?, changed_at = ? WHERE item = ?", (f"{quantity:f}", now, item))

    def settings(self) -> dict[str, Any]:
        """The configuration of a hub's connection to it."""
        return {
            "url": f"sqlite:///{self.path}",
            "streams": {
                "customers": {
                    "table": "customers",
                    "key": "code",
                    "cursor": "changed_at",
                    "fields": {"code": "text", "name": "text", "changed_at": "datetime"},
                },
                "stock": {
                    "select": "SELECT item, warehouse, quantity FROM stock",
                    "key": ["item", "warehouse"],
                    "fields": {"quantity": "number"},
                    "absent_is_deleted": True,
                },
            },
            "questions": {
                "machine_hours": {
                    "title": "Hours run",
                    "title_zh": "运行小时数",
                    "needs": ["device"],
                    "select": "SELECT name, hours, read_at FROM machines WHERE id = :device",
                    "fields": {"hours": "int", "read_at": "datetime"},
                    "as_of": "read_at",
                }
            },
            "operations": {
                "set_status": {
                    "title": "Set the work order's status",
                    "title_zh": "设置工单状态",
                    "key": "id",
                    "fields": {"status": {"type": "text", "required": True}},
                    "statements": ["UPDATE work_orders SET status = :status WHERE id = :id"],
                }
            },
        }

    def close(self) -> None:
        self.store.close()
        if self._own is not None:
            self._own.cleanup()


def serve(sandbox: Sandbox, port: int = 0) -> ThreadingHTTPServer:
    """The control surface on a port of this machine; `.server_port` says which. Ends with `shutdown()`."""

    class Control(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/sandbox/config":
                self._say(sandbox.settings())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            told = json.loads(
                self.rfile.read(int(self.headers.get("content-length", "0"))) or b"{}", parse_float=Decimal
            )
            if self.path == "/sandbox/stock" and {"item", "quantity"} <= told.keys():
                sandbox.set_stock(str(told["item"]), Decimal(str(told["quantity"])))
                self._say({})
            else:
                self.send_error(404)

        def _say(self, answer: Any) -> None:
            body = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Control)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m connectors.sql.sandbox", description=__doc__)
    parser.add_argument("--file", type=Path, help="a new file; default: in a temporary folder")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    sandbox = Sandbox(given.file)
    sandbox.fill()
    server = serve(sandbox, given.port)
    print(f"url: sqlite:///{sandbox.path}", flush=True)  # noqa: T201
    print(f"config: http://127.0.0.1:{server.server_port}/sandbox/config", flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.shutdown()
    finally:
        sandbox.close()


if __name__ == "__main__":
    main()
