"""A MES over SOAP passes the whole exam in both styles and both versions of SOAP."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import httpx

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, FaultyTransport, Kind, Known, OwnFault
from connectors.contract import Ask, Command, Connector
from connectors.mes import MesConnector
from connectors.mes.operations import REPORT
from connectors.mes.sandbox import Sandbox
from connectors.mes.sandbox_state import KEYS, Row
from connectors.settings import parse_config

KEY = "a-long-key-of-the-hub"
DAY = timedelta(days=1)


class MesWorld:
    """The typed service over SOAP 1.1: the key in an HTTP header, and a login to the gateway in front."""

    connector_type: ClassVar[type[Connector]] = MesConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    step: ClassVar[timedelta] = timedelta(microseconds=1)
    denied: ClassVar[tuple[str, ...]] = ("GetInspections", "GetEquipment")

    def __init__(self) -> None:
        self.sandbox = Sandbox(key=KEY, filled=False)
        self.state = self.sandbox.state
        self._faults = Faults()
        self._inner = httpx.MockTransport(self.sandbox.handle)
        self._numbers = itertools.count(1)
        self._spoilt: set[tuple[str, str]] = set()
        self._newest = self.state.clock()
        self.state.machine("press-7", "7 号冲压机")["changedAt"] -= DAY * 40
        self.state.stop("press-7", start=self.state.clock() - timedelta(minutes=20))["changedAt"] -= DAY * 30

    def config(self) -> dict[str, Any]:
        return {
            "url": "https://mes.example.test/mes",
            "key": KEY,
            "username": "hub",
            "password": "the-password-of-the-hub",
            "timeout_s": 1,
            "page_size": 7,
        }

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        transport = FaultyTransport(self._inner, self._faults, _is_change)
        return kind(parse_config(kind, {**self.config(), **changes}), transport=transport)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.state.changes

    def without_rights(self) -> None:
        self.sandbox.denied |= {*self.denied}

    def close(self) -> None:
        self._inner.close()

    def own_faults(self) -> Sequence[OwnFault]:
        gbk, fault = (partial(self.sandbox.lies.append, lie) for lie in ("gbk", "server_fault"))
        return [
            *(OwnFault("a page changes under us", partial(self.touch, s), s) for s in ("downtime", "work_orders")),
            OwnFault("an answer in GBK", gbk, "equipment"),
            OwnFault("a fault of the server", fault, "inspections"),
            *(OwnFault("an answer that is a fault, or in GBK", lie, self.commands()[0]) for lie in (gbk, fault)),
        ]

    # -- reading ----------------------------------------------------------------------------------------------------

    def _row(self, stream: str, at: datetime) -> Row:
        number = f"{stream}-{next(self._numbers):04d}"
        rows: Mapping[str, Row] = {
            "equipment": {"equipmentId": number, "name": f"设备 {number}", "status": "running"},
            "downtime": {
                "id": number,
                "equipmentId": "cnc-3",
                "start": at,
                "end": at + DAY,
                "durationSec": Decimal(60),
            },
            "oee": {
                **{"id": number, "equipmentId": "cnc-3", "from": at - timedelta(hours=8), "to": at},
                **{"plannedBusyTime": Decimal(28800), "actualProductionTime": Decimal(27000), "oee": Decimal("0.72")},
                **{"producedQty": Decimal("1.50"), "goodQty": Decimal("1.25")},
            },
            "work_orders": {"orderNo": number, "equipmentId": "cnc-3", "quantity": Decimal("4000.5"), "status": "done"},
            "inspections": {
                **{"id": number, "itemCode": "SEAL-40", "batchNo": number, "inbound": True, "result": "合格"},
                **{"inspectedQty": Decimal(50), "defectQty": Decimal("0"), "inspectedAt": at},
            },
        }
        return self.state.put(stream, rows[stream], changed_at=at)

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        begin = self.state.clock() - DAY * 20
        for number in range(n):
            self._row(stream, begin + (timedelta(0) if same_time else number * timedelta(minutes=7)))

    def touch(self, stream: str) -> None:
        """The oldest one changes, a moment after whatever changed last."""
        self._newest += timedelta(seconds=60)
        oldest = self.state.listed(stream)[0]
        self.state.put(stream, oldest, changed_at=self._newest)

    def late(self, stream: str) -> None:
        self._row(stream, self._newest - timedelta(seconds=30))

    def remove(self, stream: str) -> None:
        raise AssertionError("the streams declare that they show no deletes")

    def spoil(self, stream: str) -> None:
        row = self.state.listed(stream)[10]
        field = {
            "equipment": "name",
            "downtime": "start",
            "oee": "producedQty",
            "work_orders": "quantity",
            "inspections": "inspectedQty",
        }[stream]
        row[field] = "" if field == "name" else "abc"
        self._spoilt.add((stream, row[KEYS.get(stream, "id")]))

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        key = KEYS.get(stream, "id")
        rows = [row for row in self.state.listed(stream) if (stream, row[key]) not in self._spoilt]
        return {(row[key],): {**self._facts(stream, row), "changed_at": row["changedAt"]} for row in rows}

    def _facts(self, stream: str, row: Row) -> dict[str, Any]:
        names = {
            "equipment": {"name": "name", "status": "status"},
            "downtime": {"device": "equipmentId", "starts_at": "start", "ends_at": "end", "reason": "reasonText"},
            "oee": {"device": "equipmentId", "produced": "producedQty", "planned_busy_time_s": "plannedBusyTime"},
            "work_orders": {"device": "equipmentId", "quantity": "quantity", "status": "status"},
            "inspections": {"item": "itemCode", "batch": "batchNo", "inspected": "inspectedQty", "result": "result"},
        }[stream]
        return {ours: row.get(theirs) for ours, theirs in names.items()}

    # -- answering --------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        at = self.state.clock() - timedelta(minutes=20)
        self.state.put(
            "work_orders", {"orderNo": "WO-1", "equipmentId": "press-7", "status": "running", "itemCode": "FG-1"}
        )
        for number, bad in enumerate((0, 3)):
            row = {
                "id": f"IQC-{number}",
                "itemCode": "BRG-6205",
                "batchNo": "L1",
                "supplierCode": "V001",
                "inbound": True,
            }
            result = {"result": "不合格" if bad else "合格", "inspectedQty": Decimal(50), "defectQty": Decimal(bad)}
            self.state.put("inspections", {**row, **result, "inspectedAt": at})
        counted = {"inspections": 2, "failed": 1, "defects": Decimal(3), "defect_rate": Decimal("0.030000")}
        return [
            Known(Ask("downtime", {"device": "press-7"}, 5), {"standing": True, "since": at, "reason": "主轴过热"}),
            Known(Ask("oee_before_after", {"device": "press-7", "at": at}, 5), {"device": "press-7", "at": at}),
            Known(Ask("work_order", {"device": "press-7"}, 5), {"device": "press-7"}),
            Known(Ask("quality", {"item": "BRG-6205"}, 5), {"item": "BRG-6205", **counted}),
            Known(Ask("batch_quality", {"batch": "L1"}, 5), {"supplier": "V001", **counted}),
        ]

    def unknown(self) -> Sequence[Ask]:
        at = self.state.clock() - DAY
        odd = "x' or '1'='1"
        return [
            *(Ask(question, {"device": d}, 5) for question in ("downtime", "work_order") for d in ("no-such", odd)),
            *(Ask("oee_before_after", {"device": d, "at": at}, 5) for d in ("no-such", odd)),
            *(Ask("quality", {"item": i}, 5) for i in ("no-such", odd)),
            *(Ask("batch_quality", {"batch": b}, 5) for b in ("no-such", odd)),
        ]

    # -- writing ----------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        body = {"description": "更换 <轴承> & 'seal'", "type": "request", "priority": "P1"}
        return [self._command("press-7", {**body, "order": f"TKT-{next(self._numbers)}"})]

    def _command(self, device: str, body: dict[str, Any]) -> Command:
        return Command(f"c-{next(self._numbers)}", REPORT, {"device": device}, body)

    def refusals(self) -> Sequence[Command]:
        return [self._command("no-such", {"order": "TKT-1", "description": "x"})]

    def effects(self, command: Command) -> int:
        orders = self.state.tables["work_orders"].values()
        return sum(order.get("requestId") == command.idempotency_key for order in orders)


class JsonWorld(MesWorld):
    """The vendor-own service over SOAP 1.2: JSON in texts, the key as an argument."""

    denied = ("GetInspectionByPage",)

    def config(self) -> dict[str, Any]:
        return {
            **super().config(),
            "url": "https://mes.example.test/MESService.asmx",
            "style": "json",
            "soap_version": "1.2",
            "key_place": "argument",
            "key_name": "apiKey",
        }


def _is_change(request: httpx.Request) -> bool:
    return b"ReportWorkOrder" in request.content or b"PostRepairOrder" in request.content


class TestMesTyped(Conformance):
    world_type = MesWorld


class TestMesJson(Conformance):
    world_type = JsonWorld
