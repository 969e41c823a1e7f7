"""What the MES can tell for a ticket: stops of a machine, its OEE before and after a moment, the work order on it, and the
quality of an item or batch. Times within an answer are UTC, durations seconds, factors of 1."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.contract import Answer, Ask, Question
from connectors.errors import BadRecord, Transient
from connectors.mes.calls import CallName
from connectors.mes.client import MesClient
from connectors.mes.config import MesConfig
from connectors.mes.oee import factors
from connectors.mes.reading import BEGIN
from connectors.mes.records import Rows
from connectors.soap import Unknown

PAGES = 20
"""So many pages at most are read for one answer; it says so when there were more."""
DOWNTIME_HOURS = 24
OEE_HOURS = 4
QUALITY_DAYS = 90
RECENT = 5
PASSED = frozenset({"pass", "passed", "ok", "accepted", "合格", "通过", "让步接收", "concession"})

QUESTIONS = (
    Question(
        name="downtime",
        needs=("device",),
        title="Stops of the machine in the last 24 hours",
        title_zh="该设备最近 24 小时停机情况",
        record="mes.downtime",
    ),
    Question(
        name="oee_before_after",
        needs=("device", "at"),
        title="OEE before and after",
        title_zh="停机前后的设备综合效率（OEE）",
        record="mes.oee_before_after",
    ),
    Question(
        name="work_order",
        needs=("device",),
        title="Work order on the machine",
        title_zh="该设备当前工单",
        record="mes.work_order",
    ),
    Question(
        name="quality",
        needs=("item",),
        title="Inspections of the item in the last 90 days",
        title_zh="该物料最近 90 天检验结果",
        record="mes.quality",
    ),
    Question(
        name="batch_quality",
        needs=("batch",),
        title="Inspections of the batch",
        title_zh="该批次检验结果",
        record="mes.batch_quality",
    ),
)
_CALLS: Mapping[str, CallName] = {
    "downtime": "downtime_of",
    "oee_before_after": "oee_of",
    "work_order": "work_orders_of",
    "quality": "inspections_of_item",
    "batch_quality": "inspections_of_batch",
}


def questions(config: MesConfig) -> Sequence[Question]:
    """Those the service can answer."""
    return tuple(question for question in QUESTIONS if config.call(_CALLS[question.name]).operation)


class Asker:
    """Answers one question within its deadline; each call to the MES gets what is left of it."""

    def __init__(self, client: MesClient, config: MesConfig, ask: Ask, now: datetime) -> None:
        self._client = client
        self._config = config
        self._ask = ask
        self._now = now
        self._until = time.monotonic() + ask.deadline_s
        self._as_of = now
        self._complete = True

    def answer(self) -> Answer | None:
        """The answer; None when the MES does not know what is asked about.

        :raises BadRecord: no such question, or an input is missing or unusable. :raises Transient: out of time.
        """
        ways: Mapping[str, Callable[[], Answer | None]] = {
            "downtime": self._downtime,
            "oee_before_after": self._oee,
            "work_order": self._work_order,
            "quality": self._quality,
            "batch_quality": self._batch_quality,
        }
        if self._ask.question not in ways:
            raise BadRecord(f"No question {self._ask.question!r}; there are {', '.join(ways)}.")
        for question in QUESTIONS:
            if question.name == self._ask.question:
                for name in question.needs:
                    self._input(name)
        try:
            return ways[self._ask.question]()
        except Unknown:
            return None

    # -- the questions ----------------------------------------------------------------------------------------------

    def _downtime(self) -> Answer | None:
        device = self._input("device")
        begin = self._now - timedelta(hours=DOWNTIME_HOURS)
        stops = self._records("downtime_of", {"device": device, "begin": begin, "end": self._now, "since": BEGIN})
        if not stops and not self._is_known(device):
            return None
        stops = [s for s in stops if s["device"] == device and s["starts_at"] < self._now]
        stops = sorted((s for s in stops if (s["ends_at"] or self._now) > begin), key=_start, reverse=True)
        standing = next((s for s in stops if s["ends_at"] is None), None)
        values = {
            "device": device,
            "standing": standing is not None,
            "since": standing["starts_at"] if standing else None,
            "standing_s": _seconds(self._now - standing["starts_at"]) if standing else None,
            "reason": standing["reason"] if standing else None,
            "reason_code": standing["reason_code"] if standing else None,
            "planned": standing["planned"] if standing else None,
            "window_h": DOWNTIME_HOURS,
            "stops": len(stops),
            "unplanned_s": self._standing_time([s for s in stops if not s["planned"]], begin),
            "planned_s": self._standing_time([s for s in stops if s["planned"]], begin),
            "recent": [_short_stop(s) for s in stops[:RECENT]],
            "complete": self._complete,
        }
        return self._answer("downtime", standing["id"] if standing else device, values)

    def _oee(self) -> Answer | None:
        device, at = self._input("device"), self._moment("at")
        hours = timedelta(hours=OEE_HOURS)
        before = self._period(device, at - hours, at)
        after = self._period(device, at, min(at + hours, self._now)) if at < self._now else None
        if before is None and after is None:
            return None
        change = None
        if before and after and before["oee"] is not None and after["oee"] is not None:
            change = after["oee"] - before["oee"]
        values = {"device": device, "at": at, "before": before, "after": after, "change": change}
        return self._answer("oee", device, values)

    def _work_order(self) -> Answer | None:
        device = self._input("device")
        found = self._records("work_orders_of", {"device": device, "since": BEGIN})
        if not found and not self._is_known(device):
            return None
        orders = sorted((o for o in found if o["device"] == device), key=_changed, reverse=True)
        running = next((o for o in orders if (o["status"] or "").lower() in self._open()), None)
        values = {
            "device": device,
            "running": _short_order(running) if running else None,
            "recent": [_short_order(o) for o in orders if o is not running][:RECENT],
        }
        return self._answer("work_order", running["id"] if running else device, values)

    def _quality(self) -> Answer | None:
        item = self._input("item")
        since = self._now - timedelta(days=QUALITY_DAYS)
        found = self._records("inspections_of_item", {"item": item, "since": since})
        found = [i for i in found if i["item"] == item and i["inspected_at"] >= since]
        if not found:
            return None
        return self._answer("inspection", item, {"item": item, "window_d": QUALITY_DAYS, **self._counted(found)})

    def _batch_quality(self) -> Answer | None:
        batch = self._input("batch")
        found = [
            i for i in self._records("inspections_of_batch", {"batch": batch, "since": BEGIN}) if i["batch"] == batch
        ]
        if not found:
            return None
        newest = max(found, key=_inspected)
        values = {"batch": batch, "item": newest["item"], "supplier": newest["supplier"], **self._counted(found)}
        return self._answer("inspection", batch, values)

    # -- their parts --------------------------------------------------------------------------------------------------

    def _period(self, device: str, begin: datetime, end: datetime) -> dict[str, Any] | None:
        values = {"device": device, "begin": begin, "end": end}
        found = [r for r in self._records("oee_of", values) if r["device"] == device]
        if not found:
            return None
        record, computed = found[0], factors(found[0])
        return {
            "starts_at": record["starts_at"],
            "ends_at": record["ends_at"],
            "availability": computed.availability,
            "performance": computed.performance,
            "quality": computed.quality,
            "oee": computed.oee,
            "planned_time_s": record["planned_busy_time_s"],
            "running_time_s": record["actual_production_time_s"],
            "produced": record["produced"],
            "good": record["good"],
        }

    def _counted(self, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        inspected = sum((i["inspected"] or Decimal(0) for i in found), Decimal(0))
        defects = sum((i["defects"] or Decimal(0) for i in found), Decimal(0))
        rate = (defects / inspected).quantize(Decimal("0.000001")) if inspected else None
        recent = sorted(found, key=_inspected, reverse=True)
        passed = sum((i["result"] or "").lower() in PASSED for i in found)
        return {
            "inspections": len(found),
            "passed": passed,
            "failed": len(found) - passed,
            "inbound": sum(bool(i["inbound"]) for i in found),
            "inspected": inspected,
            "defects": defects,
            "defect_rate": rate,
            "last": _short_inspection(recent[0]),
            "recent": [_short_inspection(i) for i in recent[:RECENT]],
            "complete": self._complete,
        }

    def _standing_time(self, stops: Sequence[Mapping[str, Any]], begin: datetime) -> Decimal:
        """Seconds within the window in which at least one of these stops lasted."""
        total, reached = timedelta(0), begin
        for stop in sorted(stops, key=_start):
            start, end = max(stop["starts_at"], reached), min(stop["ends_at"] or self._now, self._now)
            if end > start:
                total += end - start
                reached = end
        return _seconds(total)

    def _open(self) -> frozenset[str]:
        return frozenset(status.lower() for status in self._config.open_orders)

    def _is_known(self, device: str) -> bool:
        """Whether the MES has this machine; a list that is empty does not tell. True where it can't be asked."""
        if not self._config.call("equipment_of").operation:
            return True
        found = self._records("equipment_of", {"device": device, "since": BEGIN})
        return bool(found) or not self._complete

    # -- asking -----------------------------------------------------------------------------------------------------

    def _records(self, name: CallName, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All records of a call, each once; a row that can't be used is left out here, its stream tells of it."""
        return [*{record["id"]: record for record in self._each(name, values)}.values()]

    def _each(self, name: CallName, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        rows = Rows(self._config, name)
        for number in range(1, PAGES + 1):
            left = self._until - time.monotonic()
            if left <= 0:
                raise Transient(f"The deadline passed before the MES could be asked for {name}.")
            asked = {**values, "page": number, "page_size": self._config.page_size}
            page = self._client.page(name, asked, timeout_s=left)
            self._as_of = min(page.as_of or self._now, self._now)
            for row in page.rows:
                try:
                    yield rows.record(row)
                except BadRecord:
                    self._complete = False
            if len(page.rows) < self._config.page_size or name == "oee_of":
                return
        self._complete = False

    def _input(self, name: str) -> str:
        value = self._ask.inputs.get(name)
        if value is None or str(value).strip() == "":
            raise BadRecord(f"{self._ask.question} needs the input `{name}`.")
        return str(value)

    def _moment(self, name: str) -> datetime:
        value = self._ask.inputs[name]
        try:
            given = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError as error:
            raise BadRecord(f"{name}: {value!r} is no time such as 2026-11-22T08:00:00+08:00.") from error
        if given.tzinfo is None:
            raise BadRecord(f"{name}: {value!r} has no zone; write e.g. 2026-11-22T08:00:00+08:00.")
        return given.astimezone(UTC)

    def _answer(self, kind: str, key: str, values: dict[str, Any]) -> Answer:
        return Answer(values, self._as_of, self._config.link(kind, key), key)


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(milliseconds=1)) / 1000


def _start(record: Mapping[str, Any]) -> datetime:
    found: datetime = record["starts_at"]
    return found


def _changed(record: Mapping[str, Any]) -> datetime:
    found: datetime = record["changed_at"]
    return found


def _inspected(record: Mapping[str, Any]) -> datetime:
    found: datetime = record["inspected_at"]
    return found


def _short_stop(record: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("id", "starts_at", "ends_at", "reason_code", "reason", "planned", "order")
    return {name: record[name] for name in wanted}


def _short_order(record: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("id", "type", "status", "item", "quantity", "done", "unit", "starts_at", "due_at")
    return {name: record[name] for name in wanted}


def _short_inspection(record: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("id", "item", "batch", "supplier", "inbound", "result", "inspected", "defects", "defect", "inspected_at")
    return {name: record[name] for name in wanted}
