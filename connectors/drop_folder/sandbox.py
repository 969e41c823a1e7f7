"""A drop folder with the example company's files, for trials and tests.

    python -m connectors.drop_folder.sandbox --folder /tmp/drop --port 8093

`csv` connections find there, as each system of a real company would write it:
- customers-2026-11-22.csv     UTF-8 with a byte order mark, commas
- stock-2026-11-22.csv         GB18030, semicolons, decimal points
- articles.xlsx                two header rows with a merged cell, real numbers and dates

Over HTTP: GET /sandbox/config is the configuration of a connection to it; POST /sandbox/stock {"item": "BRG-6205",
"quantity": "3"} drops a new stock file in which that is so; GET /sandbox/files lists what is there, exports included.
"""

from __future__ import annotations

import argparse
import csv
import io
import signal
import tempfile
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from connectors.drop_folder.sandbox_workbook import workbook
from connectors.exact import exact_number, load_json
from connectors.example_company import CUSTOMERS, ITEMS
from connectors.manifest.serving import Server

STREAMS: dict[str, Any] = {
    "customers": {
        "files": "customers-*.csv",
        "key": "客户编码",
        "fields": {"客户编码": "text", "客户名称": "text", "电话": "text", "城市": "text", "等级": "text"},
    },
    "stock": {
        "files": "stock-*.csv",
        "key": ["存货编码", "仓库"],
        "mode": "snapshot",
        "fields": {"存货编码": "text", "仓库": "text", "数量": "number", "盘点时间": "datetime"},
    },
    "articles": {
        "files": "articles*.xlsx",
        "key": "编码",
        "header_row": 2,
        "header_rows": 2,
        "fields": {"编码": "text", "库存_下限": "number", "库存_上限": "number", "生效日期": "date"},
    },
}


class Sandbox:
    """The folder and what lies in it. `path`: where; `out`: where exports go."""

    def __init__(self, folder: Path | None = None) -> None:
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="weft-drop-")
        self.path = folder or Path(self._own.name) / "drop"  # type: ignore[union-attr]
        self.out = self.path.parent / f"{self.path.name}-out"
        self.path.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(exist_ok=True)
        self._stock = {item.code: item.stock for item in ITEMS}
        self._numbers = 0

    def settings(self) -> dict[str, Any]:
        """The configuration of a hub's connection to it."""
        export = {
            "title": "Order from the supplier",
            "title_zh": "向供应商下单",
            "folder": str(self.out),
            "file": "order-{command}.csv",
            "key": "item",
            "fields": {"item": "text", "quantity": {"type": "number", "required": True}},
        }
        return {
            "folder": str(self.path),
            "zone": "Asia/Shanghai",
            "complete": {"by": "rename"},
            "streams": STREAMS,
            "exports": {"order": export},
        }

    def fill(self) -> None:
        """The example company's files of today."""
        customers = [(c.erp, c.name, c.phone, c.city, c.tier) for c in CUSTOMERS]
        head = ("客户编码", "客户名称", "电话", "城市", "等级")
        self.put("customers-2026-11-22.csv", csv_text([head, *customers]).encode("utf-8-sig"))
        self.put("articles.xlsx", _articles())
        self.drop_stock()

    def drop_stock(self, **changes: Decimal) -> str:
        """Write all stock anew, with these items' quantities changed; the file's name."""
        self._stock |= changes
        self._numbers += 1
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        rows: list[Sequence[Any]] = [("存货编码", "仓库", "数量", "盘点时间")]
        rows += [(item.code, item.warehouse, f"{self._stock[item.code]:f}", at) for item in ITEMS]
        name = f"stock-2026-11-22-{self._numbers:04}.csv"
        self.put(name, csv_text(rows, ";").encode("gb18030"))
        return name

    def put(self, name: str, data: bytes) -> Path:
        """A file, complete at once."""
        aside = self.path / f".{name}.part"
        aside.write_bytes(data)
        return aside.rename(self.path / name)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The control surface."""
        asked = request.url.path.removeprefix("/sandbox/")
        if (request.method, asked) == ("GET", "config"):
            return httpx.Response(200, json=self.settings())
        if (request.method, asked) == ("GET", "files"):
            there = {str(each): sorted(path.name for path in each.iterdir()) for each in (self.path, self.out)}
            return httpx.Response(200, json=there)
        told = load_json(request.content or b"{}")
        if (request.method, asked) == ("POST", "stock") and {"item", "quantity"} <= told.keys():
            name = self.drop_stock(**{str(told["item"]): exact_number(told["quantity"])})
            return httpx.Response(200, json={"file": name})
        return httpx.Response(404)

    def close(self) -> None:
        if self._own is not None:
            self._own.cleanup()


def csv_text(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _articles() -> bytes:
    rows: list[Sequence[Any]] = [
        ("物料档案",),
        ("编码", "名称", "规格", "库存", None, "单价", "生效日期"),
        (None, None, None, "下限", "上限", None, None),
    ]
    rows += [(i.code, i.name, i.specification, i.low, i.top, i.price, date(2026, 1, 5)) for i in ITEMS]
    return workbook({"物料": rows}, ["A1:G1", "D2:E2"])


def serve(sandbox: Sandbox, port: int = 0) -> Server:
    """The control surface on a port of this machine: a context manager with `.url`."""
    return Server(sandbox.handle, port)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m connectors.drop_folder.sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, help="default: a new temporary folder")
    parser.add_argument("--port", type=int, default=8093)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sandbox = Sandbox(given.folder)
    sandbox.fill()
    try:
        with serve(sandbox, given.port) as server:
            print(f"Drop folder: {sandbox.path}\nConfiguration: {server.url}/sandbox/config", flush=True)  # noqa: T201
            threading.Event().wait()
    except KeyboardInterrupt:
        return
    finally:
        sandbox.close()


if __name__ == "__main__":
    main()
