"""A database with the example company's tables, for trials and tests.

    python -m connectors.sql.sandbox --file /tmp/plant.db --port 8106

It prints the URL of a SQLite file and how to connect to it. GET /sandbox/config is the configuration of a connection;
POST /sandbox/stock {"item": "BRG-6205", "quantity": 3} changes a stock level now.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from connectors.exact import exact_number, load_json
from connectors.example_company import CUSTOMERS, DEVICES, ITEMS
from connectors.manifest.serving import Server
from connectors.sql.operations import DDL

_TABLES = """
CREATE TABLE customers (code TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT, city TEXT, changed_at TEXT NOT NULL);
CREATE TABLE stock (item TEXT, warehouse TEXT, quantity TEXT NOT NULL, changed_at TEXT NOT NULL, PRIMARY KEY (item, warehouse));
CREATE TABLE machines (id TEXT PRIMARY KEY, name TEXT, hours INTEGER, read_at TEXT);
CREATE TABLE work_orders (id TEXT PRIMARY KEY, machine TEXT, status TEXT, changed_at TEXT);
"""


class SqliteStore:
    """A file, through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.run("PRAGMA journal_mode = WAL")

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, values)

    def script(self, text: str) -> None:
        self._connection.executescript(text)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        self._connection.close()


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

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The control surface."""
        asked = request.url.path.removeprefix("/sandbox/")
        if (request.method, asked) == ("GET", "config"):
            return httpx.Response(200, json=self.settings())
        told = load_json(request.content or b"{}")
        if (request.method, asked) == ("POST", "stock") and {"item", "quantity"} <= told.keys():
            self.set_stock(str(told["item"]), exact_number(told["quantity"]))
            return httpx.Response(200, json={})
        return httpx.Response(404)

    def close(self) -> None:
        self.store.close()
        if self._own is not None:
            self._own.cleanup()


def serve(sandbox: Sandbox, port: int = 0) -> Server:
    """The control surface on a port of this machine: a context manager with `.url`."""
    return Server(sandbox.handle, port)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m connectors.sql.sandbox", description=__doc__)
    parser.add_argument("--file", type=Path, help="a new file; default: in a temporary folder")
    parser.add_argument("--port", type=int, default=8106)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sandbox = Sandbox(given.file)
    sandbox.fill()
    try:
        with serve(sandbox, given.port) as server:
            print(f"Database: sqlite:///{sandbox.path}\nConfiguration: {server.url}/sandbox/config", flush=True)  # noqa: T201
            threading.Event().wait()
    except KeyboardInterrupt:
        return
    finally:
        sandbox.close()


if __name__ == "__main__":
    main()
