"""The vendor-own service of the stand-in: JSON in texts, and `sWhere` put into SQL as it comes, as such services do."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from connectors.mes.sandbox_state import ZONE, MesState, Row
from connectors.mes.sandbox_typed import FIELDS, SoapFault
from connectors.mes.services import JSON as CALLS
from connectors.mes.services import TYPED

NAMESPACE = "http://tempuri.org/"
LISTS: Mapping[str, str] = {
    "GetEquipmentByPage": "equipment",
    "GetDownTimeByPage": "downtime",
    "GetOEEByPage": "oee",
    "GetWorkOrderByPage": "work_orders",
    "GetInspectionByPage": "inspections",
}
PERCENT = frozenset({"target", "availability", "performance", "quality", "oee"})


def _names(table: str) -> dict[str, str]:
    """The typed service's field names → those of this one, by way of the connector's own."""
    typed, own = TYPED[table].fields, CALLS[table].fields  # type: ignore[index]
    return {typed[name]: own[name] for name in typed}


NAMES: Mapping[str, Mapping[str, str]] = {table: _names(table) for table in FIELDS}


class JsonService:
    """Answers one operation with the XML inside the SOAP body."""

    def __init__(self, state: MesState) -> None:
        self._state = state
        self.listing: Callable[[str], None] = lambda table: None

    def answer(self, operation: str, given: Mapping[str, str]) -> str:
        answers: Mapping[str, Callable[[Mapping[str, str]], Row]] = {
            "GetVersion": self._version,
            "GetEquipmentOEE": self._oee,
            "PostRepairOrder": self._report,
        }
        if operation in LISTS:
            said = self._list(LISTS[operation], given)
        elif operation in answers:
            said = answers[operation](given)
        else:
            raise SoapFault("Client", f"Server did not recognize the value of HTTP Header SOAPAction: {operation[:80]}")
        return self.wrapped(operation, said)

    def wrapped(self, operation: str, said: Row) -> str:
        text = json.dumps({"code": 0, "msg": "", "time": written(self._state.clock()), **said}, ensure_ascii=False)
        result = f"<{operation}Result>{escape(text)}</{operation}Result>"
        return f'<{operation}Response xmlns="{NAMESPACE}">{result}</{operation}Response>'

    def _version(self, given: Mapping[str, str]) -> Row:
        return {"data": {"Name": "Weft MES sandbox", "Version": "4.2.1"}}

    def _list(self, table: str, given: Mapping[str, str]) -> Row:
        rows = [_named(table, row) for row in self._state.listed(table)]
        try:
            found = _selected(rows, [*NAMES[table].values()], given.get("sWhere", ""), given.get("orderField", ""))
        except sqlite3.Error as error:
            raise SoapFault("Server", f"Server was unable to process request. ---> {error}") from error
        page, size = int(given["pageIndex"]), int(given["pageSize"])
        self.listing(table)
        return {"total": len(found), "data": [rows[place] for place in found[(page - 1) * size : page * size]]}

    def _oee(self, given: Mapping[str, str]) -> Row:
        device = given["eqpCode"]
        if device not in self._state.tables["equipment"]:
            return {"code": 404, "msg": f"设备 {device} 不存在"}
        begin, end = (datetime.fromisoformat(given[name]).replace(tzinfo=ZONE) for name in ("beginTime", "endTime"))
        return {"data": [_named("oee", self._state.period(device, begin, end, running=True))]}

    def _report(self, given: Mapping[str, str]) -> Row:
        order = json.loads(given["json"], parse_float=Decimal)
        if order["EQPCode"] not in self._state.tables["equipment"]:
            return {"code": 500, "msg": f"设备 {order['EQPCode']} 不存在"}
        names = {
            "ExtNo": "externalNo",
            "EQPCode": "equipmentId",
            "Priority": "priority",
            "Remark": "description",
            "WOType": "reportType",
        }
        row = {**{typed: order[own] for own, typed in names.items()}, "requestId": order["RequestId"]}
        taken, before = self._state.report(row)
        if before:
            return {"code": 409, "msg": "重复提交", "data": {"WOCode": taken["orderNo"]}}
        return {"data": {"WOCode": taken["orderNo"]}}


def _selected(rows: list[Row], columns: list[str], where: str, order: str) -> list[int]:
    """The places of the rows that match, in order."""
    if order not in columns:
        raise SoapFault("Server", f"Invalid column name '{order[:40]}'.")
    with sqlite3.connect(":memory:") as base:
        names = ", ".join(f'"{column}"' for column in columns)
        base.execute(f"CREATE TABLE rows (place INTEGER, {names})")
        marks = ", ".join("?" * (len(columns) + 1))
        values = [(place, *(_cell(row.get(column)) for column in columns)) for place, row in enumerate(rows)]
        base.executemany(f"INSERT INTO rows VALUES ({marks})", values)  # noqa: S608
        sql = f"SELECT place FROM rows WHERE {where or '1=1'} ORDER BY {order}, place"  # noqa: S608
        found = [place for (place,) in base.execute(sql)]
    base.close()
    return found


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _named(table: str, row: Row) -> Row:
    return {own: written(row.get(typed), typed in PERCENT) for typed, own in NAMES[table].items()}


def written(value: Any, percent: bool = False) -> Any:
    """A value as this vendor's JSON has it: local times without a zone, factors in percent, numbers as texts."""
    if isinstance(value, datetime):
        return value.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value * 100 if percent else value:f}"
    return value
