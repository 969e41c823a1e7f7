"""A folder passes the whole exam: as a connection's settings, as a manifest, as CSV in three encodings and as workbooks."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.conformance import Conformance
from connectors.contract import Connector
from connectors.drop_folder import CsvConfig, CsvConnector
from connectors.drop_folder.form import Section
from connectors.drop_folder.kind import KIND
from connectors.drop_folder.world import FolderWorld
from connectors.manifest import connector_of

MARKET = {"key": "编号", "fields": {"编号": "text", "数量": "number", "时间": "datetime"}}


class CsvWorld(FolderWorld):
    """Two streams, changes and a whole list, and both ways of writing."""

    connector_type: ClassVar[type[Connector]] = CsvConnector

    def described(self) -> dict[str, Any]:
        order = {"title": "Order", "title_zh": "下单", "folder": str(self.root / "out"), "key": "order_no"}
        fields = {"order_no": "text", "quantity": {"type": "number", "required": True}, "due": "datetime"}
        flag = {"path": "删除", "equals": ["1", "Y"]}
        return {
            "complete": {"by": "marker"},
            "streams": {
                "orders": {**MARKET, "files": "orders-*.csv", "deleted": flag, "encoding": "gbk", "delimiter": ";"},
                "stock": {
                    "files": "stock-*.txt",
                    "mode": "snapshot",
                    "key": ["item", "warehouse"],
                    "fields": {"quantity": {"type": "number", "path": "['qty.']"}},
                    "delimiter": "tab",
                    "samples": [{"item": "BRG-6205", "warehouse": "01", "qty.": "1"}],
                },
            },
            "exports": {
                "order": {
                    **order,
                    "fields": fields,
                    "file": "order-{command}.csv",
                    "taken_to": str(self.root / "taken"),
                },
                "log": {**order, "fields": fields, "file": "log-{date}.csv", "append": True, "encoding": "gb18030"},
            },
        }

    def config(self) -> dict[str, Any]:
        return {**super().config(), **self.described()}

    def section(self) -> Section:
        return CsvConfig.model_validate(self.config())


class WorkbookWorld(CsvWorld):
    """Excel files, read by a process of their own."""

    def described(self) -> dict[str, Any]:
        orders = {**MARKET, "files": "orders-*.xlsx", "sheet": "订单", "header_row": 3}
        stock = {**orders, "files": "stock-*.xlsx", "mode": "snapshot"}
        return {**super().described(), "streams": {"orders": orders, "stock": stock}, "batch_rows": 6}


class Utf16World(CsvWorld):
    """Excel's "Unicode text"."""

    def described(self) -> dict[str, Any]:
        orders = {**MARKET, "files": "orders-*.txt", "encoding": "utf-16", "delimiter": "tab"}
        return {**super().described(), "streams": {"orders": orders}}


class TestCsv(Conformance):
    world_type = CsvWorld


class TestWorkbooks(Conformance):
    world_type = WorkbookWorld


class TestUtf16(Conformance):
    world_type = Utf16World


class TestManifest(Conformance):
    """What `weft connector new` makes."""

    world_type = KIND.world(connector_of(KIND.scaffold("plant_files")))
