"""What the stand-in MES holds: machines that run and stop, work orders, inspections, and reports taken.

Rows carry the names of the typed service's fields; times are aware. OEE is computed from the stops for any time asked
for, so it ticks: while a machine stands its availability falls."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.example_company import DEVICES, ITEMS, SUPPLIERS

Row = dict[str, Any]
ZONE = ZoneInfo("Asia/Shanghai")
TABLES = ("equipment", "downtime", "oee", "work_orders", "inspections")
KEYS: Mapping[str, str] = {"equipment": "equipmentId", "work_orders": "orderNo"}
PER_ITEM_S = Decimal(12)
"""Planned run time per item; in truth one takes 14 s, and every fortieth is scrap."""
TRUE_PER_ITEM_S = Decimal(14)
SHIFT_H = 8


class MesState:
    """The tables, by table name and key. Take `lock` while changing several things."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in TABLES}
        self.running_shift = False
        """Whether `oee` lists the running shift too, computed anew at every question."""
        self.changes = 0
        """How often a report was taken."""
        self._numbers = itertools.count(1)

    # -- rows -------------------------------------------------------------------------------------------------------

    def put(self, table: str, row: Row, *, changed_at: datetime | None = None) -> Row:
        """Adds or replaces a row; it changed now unless said otherwise."""
        row["changedAt"] = changed_at or self.clock()
        self.tables[table][str(row[KEYS.get(table, "id")])] = row
        return row

    def machine(self, device: str, name: str = "", **more: Any) -> Row:
        return self.put("equipment", {"equipmentId": device, "name": name or device, "status": "running", **more})

    def number(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers):06d}"

    def listed(self, table: str) -> list[Row]:
        """All rows of a table in the order of their change, then of their key."""
        rows = list(self.tables[table].values())
        if table == "oee" and self.running_shift:
            now = self.clock()
            rows += [self.period(device, shift_start(now), now, running=True) for device in self.tables["equipment"]]
        key = KEYS.get(table, "id")
        return sorted(rows, key=lambda row: (row["changedAt"], str(row[key])))

    # -- machines ---------------------------------------------------------------------------------------------------

    def stop(
        self, device: str, *, code: str = "E-07", reason: str = "主轴过热", planned: bool = False, **more: Any
    ) -> Row:
        """Stops a machine now (or at `start`), unless it stands already."""
        standing = self.standing(device)
        if standing is not None:
            return standing
        self._status(device, "stopped")
        row: Row = {
            "id": self.number("STP"),
            "equipmentId": device,
            "reasonCode": code,
            "reasonText": reason,
            "planned": planned,
            "start": self.clock(),
            "end": None,
            "shift": shift_name(self.clock()),
            "orderNo": next((o["orderNo"] for o in self._orders(device) if o["status"] == "running"), None),
            **more,
        }
        return self.put("downtime", row)

    def run(self, device: str) -> Row | None:
        """Lets a machine run again; None when it did."""
        standing = self.standing(device)
        if standing is None:
            return None
        self._status(device, "running")
        standing["end"] = self.clock()
        standing["durationSec"] = _seconds(standing["end"] - standing["start"])
        return self.put("downtime", standing)

    def standing(self, device: str) -> Row | None:
        """The stop that lasts now."""
        stops = self.tables["downtime"].values()
        return next((s for s in stops if s["equipmentId"] == device and s["end"] is None), None)

    def _status(self, device: str, status: str) -> None:
        machine = self.tables["equipment"].get(device)
        if machine is not None:
            machine["status"] = status
            self.put("equipment", machine)

    def _orders(self, device: str) -> list[Row]:
        return [o for o in self.tables["work_orders"].values() if o["equipmentId"] == device]

    def period(self, device: str, begin: datetime, end: datetime, *, running: bool = False) -> Row:
        """What ISO 22400-2 needs of a machine between two times. All time that is no planned stop is planned for."""
        planned_stops = self._stood(device, begin, end, planned=True)
        busy = max(Decimal(0), _seconds(end - begin) - planned_stops)
        producing = max(Decimal(0), busy - self._stood(device, begin, end, planned=False))
        produced = producing // TRUE_PER_ITEM_S
        good = produced - produced // 40
        row: Row = {
            "id": f"{device}/{begin.astimezone(UTC):%Y%m%dT%H%M}",
            "equipmentId": device,
            "shift": shift_name(begin),
            "from": begin,
            "to": end,
            "plannedBusyTime": busy,
            "actualProductionTime": producing,
            "plannedRunTimePerItem": PER_ITEM_S,
            "producedQty": produced,
            "goodQty": good,
            "target": Decimal("0.75"),
            "availability": _ratio(producing, busy),
            "performance": _ratio(PER_ITEM_S * produced, producing),
            "quality": _ratio(good, produced),
            "oee": _ratio(PER_ITEM_S * good, busy),
            "changedAt": self.clock() if running else end,
        }
        return row

    def _stood(self, device: str, begin: datetime, end: datetime, *, planned: bool) -> Decimal:
        total = timedelta(0)
        for stop in self.tables["downtime"].values():
            if stop["equipmentId"] == device and bool(stop["planned"]) is planned:
                last = min(stop["end"] or self.clock(), end)
                total += max(timedelta(0), last - max(stop["start"], begin))
        return _seconds(total)

    # -- reports ----------------------------------------------------------------------------------------------------

    def report(self, given: Row) -> tuple[Row, bool]:
        """Takes a report: the work order it became, and whether it was there before."""
        known = next((o for o in self.tables["work_orders"].values() if o.get("requestId") == given["requestId"]), None)
        if known is not None:
            return known, True
        self.changes += 1
        row = {"orderNo": self.number("MO"), "status": "reported", "type": "maintenance", **given}
        return self.put("work_orders", row), False


def fill(state: MesState) -> None:
    """The example company on a working day: two days of shifts, stops of every kind, orders and inspections."""
    now = state.clock()
    for place, device in enumerate(DEVICES):
        state.machine(
            device.id,
            device.name,
            model=device.model,
            serialNo=device.serial,
            line=f"L{place + 1}",
            location="一号车间" if place < 2 else "Hall 2",
            spareItemCode=device.spare,
        )
        for hours, minutes, code, reason, planned in (
            (30, 45, "P-01", "计划保养", True),
            (21, 12, "E-03", "模具卡滞", False),
            (6 + place, 25, "E-07", "主轴过热", False),
        ):
            start = now - timedelta(hours=hours, minutes=7 * place)
            row = state.stop(device.id, code=code, reason=reason, planned=planned, start=start, reportedBy="张伟")
            row["end"] = start + timedelta(minutes=minutes)
            row["durationSec"] = Decimal(minutes * 60)
            state.put("downtime", row, changed_at=row["end"])
        _status_and_order(state, device.id, place, now)
        begin = shift_start(now) - timedelta(hours=48)
        while begin < shift_start(now):
            row = state.period(device.id, begin, begin + timedelta(hours=SHIFT_H))
            state.put("oee", row, changed_at=row["to"])
            begin += timedelta(hours=SHIFT_H)
    _inspections(state, now)
    state.running_shift = True


def _status_and_order(state: MesState, device: str, place: int, now: datetime) -> None:
    machine = state.tables["equipment"][device]
    machine["status"] = "running"
    state.put("equipment", machine, changed_at=now - timedelta(days=30))
    row: Row = {
        "orderNo": f"WO-2026-{place + 1:04d}",
        "type": "production",
        "status": "running",
        "equipmentId": device,
        "itemCode": ("FG-BRACKET", "FG-SHAFT", "FG-PUMP")[place % 3],
        "quantity": Decimal(4000),
        "completedQty": Decimal(1850),
        "unit": "件",
        "owner": "李娜",
        "plannedStart": now - timedelta(hours=20),
        "plannedEnd": now + timedelta(hours=28),
    }
    state.put("work_orders", row, changed_at=now - timedelta(hours=20))


def _inspections(state: MesState, now: datetime) -> None:
    names = {supplier.code: supplier.name for supplier in SUPPLIERS}
    for place, item in enumerate(ITEMS):
        for turn in range(4):
            at = now - timedelta(days=3 + 11 * turn + place)
            bad = Decimal(3) if item.code == "BRG-6205" and turn == 0 else Decimal(0)
            row: Row = {
                "id": state.number("IQC"),
                "itemCode": item.code,
                "batchNo": f"L{at:%y%m%d}-{item.code}",
                "supplierCode": item.supplier,
                "orderNo": f"PO-2026-{place + 1:03d}{turn}",
                "inbound": True,
                "result": "不合格" if bad else "合格",
                "inspectedQty": Decimal(50),
                "defectQty": bad,
                "unit": item.unit,
                "defectText": f"外圈硬度偏低（{names[item.supplier]}）" if bad else None,
                "inspector": "王芳",
                "inspectedAt": at,
            }
            state.put("inspections", row, changed_at=at)


def shift_start(at: datetime) -> datetime:
    """The begin of the shift that runs then: 0, 8 and 16 o'clock in the plant."""
    local = at.astimezone(ZONE)
    return local.replace(hour=local.hour - local.hour % SHIFT_H, minute=0, second=0, microsecond=0).astimezone(UTC)


def shift_name(at: datetime) -> str:
    return ("夜班", "早班", "中班")[at.astimezone(ZONE).hour // SHIFT_H]


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(milliseconds=1)) / 1000


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole).quantize(Decimal("0.0001")) if whole else None
