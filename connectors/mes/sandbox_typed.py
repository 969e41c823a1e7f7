"""The typed service of the stand-in: document/literal elements in the order of connectors/mes/wsdl/typed.wsdl."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from connectors.mes.sandbox_state import MesState, Row

NAMESPACE = "urn:weft:mes:1"
FIELDS: Mapping[str, tuple[str, ...]] = {
    "equipment": (
        *("equipmentId", "name", "model", "serialNo", "line", "location", "spareItemCode", "status", "changedAt"),
    ),
    "downtime": (
        *("id", "equipmentId", "line", "shift", "reasonCode", "reasonText", "planned", "start", "end"),
        *("durationSec", "orderNo", "reportedBy", "changedAt"),
    ),
    "oee": (
        *("id", "equipmentId", "line", "shift", "from", "to", "plannedBusyTime", "actualProductionTime"),
        *("plannedRunTimePerItem", "producedQty", "goodQty", "target", "availability", "performance", "quality"),
        *("oee", "changedAt"),
    ),
    "work_orders": (
        *("orderNo", "type", "status", "equipmentId", "itemCode", "quantity", "completedQty", "unit", "owner"),
        *("plannedStart", "plannedEnd", "priority", "description", "externalNo", "requestId", "changedAt"),
    ),
    "inspections": (
        *("id", "itemCode", "batchNo", "supplierCode", "orderNo", "inbound", "result", "inspectedQty", "defectQty"),
        *("unit", "defectText", "inspector", "inspectedAt", "changedAt"),
    ),
}
LISTS: Mapping[str, str] = {
    "GetEquipment": "equipment",
    "GetDowntimeEvents": "downtime",
    "GetOEEPeriods": "oee",
    "GetWorkOrders": "work_orders",
    "GetInspections": "inspections",
}
FILTERS = ("equipmentId", "status", "itemCode", "batchNo")


class SoapFault(Exception):
    """What the service answers with a fault: code and reason."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class TypedService:
    """Answers one operation with the XML inside the SOAP body. `listing` sees every list on its way out."""

    def __init__(self, state: MesState) -> None:
        self._state = state
        self.listing: Callable[[str], None] = lambda table: None

    def answer(self, operation: str, given: Mapping[str, str]) -> str:
        if operation in LISTS:
            return self._list(operation, LISTS[operation], given)
        answers: Mapping[str, Callable[[Mapping[str, str]], str]] = {
            "GetServiceInfo": self._info,
            "GetEquipmentOEE": self._oee,
            "GetWorkOrder": self._order,
            "ReportWorkOrder": self._report,
        }
        if operation not in answers:
            raise SoapFault("Client", f"There is no operation {operation[:80]}")
        return f'<{operation}Response xmlns="{NAMESPACE}">{answers[operation](given)}</{operation}Response>'

    def _list(self, operation: str, table: str, given: Mapping[str, str]) -> str:
        now = self._state.clock()
        if (device := given.get("equipmentId")) and table != "equipment":
            self._known(device)
        rows = [row for row in self._state.listed(table) if _matches(row, given)]
        page, size = int(given["pageIndex"]), int(given["pageSize"])
        shown = rows[(page - 1) * size : page * size]
        body = "".join(f"<row>{_elements(row, FIELDS[table])}</row>" for row in shown)
        self.listing(table)
        frame = f"<asOf>{written(now)}</asOf><total>{len(rows)}</total>"
        return f'<{operation}Response xmlns="{NAMESPACE}">{frame}{body}</{operation}Response>'

    def _known(self, device: str) -> None:
        if device not in self._state.tables["equipment"]:
            raise SoapFault("Client.NotFound", f"设备 {device[:80]} 不存在 equipment not known")

    def _info(self, given: Mapping[str, str]) -> str:
        return f"<name>Weft MES sandbox</name><version>4.2.1</version><time>{written(self._state.clock())}</time>"

    def _oee(self, given: Mapping[str, str]) -> str:
        self._known(given["equipmentId"])
        begin, end = parsed(given["from"]), parsed(given["to"])
        if end <= begin:
            raise SoapFault("Client", "`to` must be after `from`")
        row = self._state.period(given["equipmentId"], begin, end, running=True)
        return self._single(f"<row>{_elements(row, FIELDS['oee'])}</row>")

    def _order(self, given: Mapping[str, str]) -> str:
        orders = self._state.tables["work_orders"].values()
        wanted = [o for o in orders if all(o.get(name) == value for name, value in given.items())] if given else []
        return self._single("".join(f"<row>{_elements(o, FIELDS['work_orders'])}</row>" for o in wanted[:1]))

    def _single(self, row: str) -> str:
        return f"<asOf>{written(self._state.clock())}</asOf><total>{int(bool(row))}</total>{row}"

    def _report(self, given: Mapping[str, str]) -> str:
        self._known(given["equipmentId"])
        row: Row = {
            "equipmentId": given["equipmentId"],
            "externalNo": given["orderNo"],
            "reportType": given.get("type"),
            "priority": given.get("priority"),
            "description": given["description"],
            "requestId": given["requestId"],
        }
        order, before = self._state.report(row)
        flag = str(before).lower()
        return f"<accepted>true</accepted><duplicate>{flag}</duplicate><mesOrderNo>{order['orderNo']}</mesOrderNo>"


def _matches(row: Row, given: Mapping[str, str]) -> bool:
    if any(given.get(name) and row.get(name) != given[name] for name in FILTERS):
        return False
    if (since := given.get("changedSince")) and row["changedAt"] < parsed(since):
        return False
    if (until := given.get("changedUntil")) and row["changedAt"] > parsed(until):
        return False
    if (begin := given.get("from")) and row["end"] is not None and row["end"] < parsed(begin):
        return False
    return not ((end := given.get("to")) and row["start"] > parsed(end))


def _elements(row: Row, names: tuple[str, ...]) -> str:
    found = ((name, row.get(name)) for name in names)
    return "".join(f"<{name}>{escape(written(value))}</{name}>" for name, value in found if value is not None)


def written(value: Any) -> str:
    """A value as XML Schema writes it; times with the plant's offset."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def parsed(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
