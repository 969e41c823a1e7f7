"""A stand-in for a U8 server, for people who have none and for tests: its databases and its OpenAPI.

    python -m connectors.u8.sandbox --port 8095 [--folder FOLDER] [--without Inventory.iTopSum,bom_bom] [--demo]

The databases are SQLite files in a folder, read over ODBC as the real ones are (the driver libsqliteodbc is needed:
`setup/components.sh odbc`; without it the program says so and serves the OpenAPI alone). It prints the settings of a
connection. They hold the example company in account set 001: UFSystem, and UFDATA_001_<this year>.

On its port, beside the OpenAPI, it takes JSON by POST:
/sandbox/stock {"item": "BRG-6205", "quantity": 3}     what lies there from now on (an empty warehouse: the item's own)
/sandbox/safety {"item": "OIL-46", "quantity": 30}     the item's safety stock
/sandbox/arrival {"order": "PO00000021", "day": "2026-11-22"}    the open lines of an order arrive, all of them
/sandbox/new_year {}                                   the account set's next year, with a database of its own
and GET /sandbox/requisitions tells what has been requested.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from connectors.errors import ConfigProblem
from connectors.odbc import driver_file
from connectors.u8.sandbox_data import ACCOUNT, company, system
from connectors.u8.sandbox_openapi import Api, Application
from connectors.u8.sandbox_schema import data_script, system_script
from connectors.u8.sandbox_stores import SqliteStore, Store

_templates: dict[tuple[str, ...], bytes] = {}


class Sandbox:
    """A U8 server with the example company. `folder`: where the SQLite files lie (default: a temporary one).

    `data` is the account set's database of the current year, `system` is UFSystem (None where `data` was given).
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        without: Collection[str] = (),
        data: Store | None = None,
        filled: bool = True,
        today: date | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.today = today or datetime.now(ZoneInfo("Asia/Shanghai")).date()
        self._temporary = tempfile.TemporaryDirectory(prefix="weft-u8-") if folder is None and data is None else None
        self.folder = folder or Path(self._temporary.name if self._temporary else ".")
        self.database = f"UFDATA_{ACCOUNT}_{self.today.year}"
        self.system: Store | None = None
        if data is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.system = SqliteStore(self.folder / "UFSystem.db")
            self.system.script(system_script("sqlite"))
            _fill(self.system, system(ACCOUNT, self.database, self.today.year))
            self.data: Store = SqliteStore(self.folder / f"{self.database}.db", _template(without))
        else:
            self.data = data
            data.script(data_script(data.kind, without))
        if filled:
            _fill(self.data, company(ACCOUNT, self.today), without)
        self.api = Api(self.data, ACCOUNT, Application(), clock)

    def settings(self, openapi_url: str = "") -> dict[str, Any]:
        """The settings of a connection to it; with the OpenAPI's address, one that writes requisitions."""
        told = {"driver": "sqlite", "server": str(self.folder), "account": ACCOUNT, "username": "weft"}
        if openapi_url:
            app = self.api.application
            told |= {"requisitions": "openapi", "openapi_url": openapi_url, "from_account": app.from_account}
            told |= {"to_account": app.to_account, "app_key": app.app_key, "app_secret": app.app_secret}
        return told

    def close(self) -> None:
        self.data.close()
        if self.system is not None:
            self.system.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    # -- what happens in the company ----------------------------------------------------------------------------------

    def set_stock(self, item: str, quantity: str, warehouse: str = "") -> None:
        """From now on so much of the item lies in one warehouse (default: its usual one), in one batch."""
        place = warehouse or self._item(item, "cDefWareHouse") or "01"
        with self.data.lock:
            there = "SELECT MIN(AutoID) FROM CurrentStock WHERE cInvCode = ? AND cWhCode = ?"
            first = self.data.run(there, (item, place))[0][0]
            if first is None:
                columns = "cWhCode, cInvCode, ItemId, cBatch, cVMIVenCode, iSoType, iSodid, iQuantity"
                self.data.fill("CurrentStock", columns, [(place, item, 0, "", "", 0, "", quantity)])
                return
            self.data.run("UPDATE CurrentStock SET iQuantity = 0 WHERE cInvCode = ? AND cWhCode = ?", (item, place))
            self.data.run("UPDATE CurrentStock SET iQuantity = ? WHERE AutoID = ?", (quantity, first))

    def set_safety_stock(self, item: str, quantity: str) -> None:
        self._item(item, "cInvCode")
        self.data.run("UPDATE Inventory SET iSafeNum = ? WHERE cInvCode = ?", (quantity, item))

    def arrive(self, order: str, day: date) -> str:
        """Everything still open of an order arrives; the arrival's number."""
        with self.data.lock:
            lines = self.data.run(
                "SELECT d.ID, d.cInvCode, d.iQuantity, h.cVenCode FROM PO_Podetails d JOIN PO_Pomain h ON h.POID = d.POID"
                " WHERE h.cPOID = ? AND h.cState = 1",
                (order,),
            )
            if not lines:
                raise KeyError(f"no open order {order!r}")
            number = int(self.data.run("SELECT COALESCE(MAX(ID), 0) + 1 FROM PU_ArrivalVouch")[0][0])
            line = int(self.data.run("SELECT COALESCE(MAX(Autoid), 0) + 1 FROM PU_ArrivalVouchs")[0][0])
            code = f"DH{number:08d}"
            head = (number, code, str(day), lines[0][3], "普通采购", 0, "李强", "王磊")
            body = [(line + n, number, item, str(q), str(q), own, order) for n, (own, item, q, _) in enumerate(lines)]
            columns = "Autoid, ID, cInvCode, iQuantity, fValidQuantity, iPOsID, cordercode"
            self.data.fill("PU_ArrivalVouchs", columns, body)
            self.data.fill(
                "PU_ArrivalVouch", "ID, cCode, dDate, cVenCode, cBusType, iBillType, cMaker, cverifier", [head]
            )
            self.data.run(
                "UPDATE PO_Podetails SET iArrQTY = iQuantity, iReceivedQTY = iQuantity WHERE cPOID = ?", (order,)
            )
            self.data.run("UPDATE PO_Pomain SET cState = 2, cCloser = '李强' WHERE cPOID = ?", (order,))
        return code

    def new_year(self) -> str:
        """The account set's next year is opened, with a database of its own; its name. Base data is carried over."""
        if self.system is None:
            raise KeyError("this sandbox has no UFSystem")
        year = int(self.database[-4:]) + 1
        name = f"UFDATA_{ACCOUNT}_{year}"
        store = SqliteStore(self.folder / f"{name}.db", _template(()))
        _fill(store, company(ACCOUNT, date(year, 1, 1)))
        store.close()
        self.system.run(
            "UPDATE UA_AccountDatabase SET iEndYear = ? WHERE cAcc_Id = ? AND iEndYear IS NULL", (year - 1, ACCOUNT)
        )
        self.system.fill(
            "UA_AccountDatabase", "cAcc_Id, iBeginYear, iEndYear, cDatabase", [(ACCOUNT, year, None, name)]
        )
        return name

    def requisitions(self) -> list[dict[str, Any]]:
        """What has been requested, in order."""
        with self.data.lock:
            heads = self.data.run("SELECT ID, cCode, cMaker, cMemo FROM PU_AppVouch ORDER BY ID")
            lines = self.data.run("SELECT ID, cInvCode, fQuantity, dRequirDate FROM PU_AppVouchs ORDER BY AutoID")
        return [
            {
                "code": code,
                "maker": maker,
                "memo": memo,
                "lines": [
                    {"item": i, "quantity": str(q), "required": str(d)[:10]} for h, i, q, d in lines if h == number
                ],
            }
            for number, code, maker, memo in heads
        ]

    def _item(self, item: str, column: str) -> Any:
        rows = self.data.run(f"SELECT {column} FROM Inventory WHERE cInvCode = ?", (item,))  # noqa: S608 - our names
        if not rows:
            raise KeyError(f"no item {item!r}")
        return rows[0][0]

    # -- over HTTP ------------------------------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, as an httpx transport's handler: the OpenAPI, and /sandbox/..."""
        if not request.url.path.startswith("/sandbox/"):
            return self.api.handle(request)
        try:
            return httpx.Response(200, json=self._control(request.url.path, request.content))
        except (KeyError, ValueError, TypeError) as error:
            return httpx.Response(400, json={"error": str(error.args[0] if error.args else error)})

    def _control(self, path: str, content: bytes) -> Any:
        if path == "/sandbox/requisitions":
            return self.requisitions()
        given = json.loads(content or b"{}")
        if path == "/sandbox/stock":
            self.set_stock(given["item"], str(given["quantity"]), str(given.get("warehouse", "")))
        elif path == "/sandbox/safety":
            self.set_safety_stock(given["item"], str(given["quantity"]))
        elif path == "/sandbox/arrival":
            day = date.fromisoformat(given["day"]) if "day" in given else self.today
            return {"arrival": self.arrive(given["order"], day)}
        elif path == "/sandbox/new_year":
            return {"database": self.new_year()}
        else:
            raise KeyError(f"no {path}")
        return {"taken": True}


def _fill(store: Store, tables: Any, without: Collection[str] = ()) -> None:
    for table, columns, rows in tables:
        if table in without:
            continue
        names = columns.split(", ")
        kept = [place for place, name in enumerate(names) if f"{table}.{name}" not in without]
        store.fill(table, ", ".join(names[p] for p in kept), [tuple(row[p] for p in kept) for row in rows])


def _template(without: Collection[str]) -> bytes:
    """An empty database file of this version of U8, made once."""
    key = tuple(sorted(without))
    if key not in _templates:
        with tempfile.TemporaryDirectory(prefix="weft-u8-") as folder:
            path = Path(folder, "empty.db")
            store = SqliteStore(path)
            store.script(data_script("sqlite", key))
            store.close()
            _templates[key] = path.read_bytes()
    return _templates[key]


class Server:
    """A sandbox's OpenAPI on a port of loopback; a context manager."""

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.sandbox = sandbox
        self._httpd = ThreadingHTTPServer(("127.0.0.1", port), _handler(sandbox))
        self._httpd.daemon_threads = True
        self._thread = threading.Thread(target=self._httpd.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"

    def start(self) -> Server:
        if not self._thread.is_alive():
            self._thread.start()
        return self

    def stop(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(port: int = 0, **options: Any) -> Server:
    """A new sandbox on a port; `options` as of Sandbox."""
    return Server(Sandbox(**options), port).start()


def _handler(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = sandbox.handle(httpx.Request(self.command, f"http://sandbox{self.path}", content=body))
            self.send_response(answer.status_code)
            self.send_header("content-type", "application/json;charset=utf-8")
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _take

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for a U8 server.")
    parser.add_argument("--port", type=int, default=8095)
    parser.add_argument("--folder", type=Path, help="where to keep the database files (default: a temporary folder)")
    parser.add_argument("--without", default="", help="tables and columns an older U8 lacks, separated by commas")
    parser.add_argument("--demo", action="store_true", help="with too little of the bearing BRG-6205 at the start")
    args = parser.parse_args(argv)
    sandbox = Sandbox(args.folder, without=[name for name in args.without.split(",") if name])
    if args.demo:
        sandbox.set_stock("BRG-6205", "3")
    with Server(sandbox, args.port) as server:
        print(f"U8 stand-in: databases in {sandbox.folder}, OpenAPI at {server.url}. A connection's config:")  # noqa: T201
        print(json.dumps(sandbox.settings(server.url), indent=2))  # noqa: T201
        try:
            driver_file("sqlite")
        except ConfigProblem as problem:
            print(f"The databases can't be read here: {problem}. {problem.hint}.", file=sys.stderr)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
