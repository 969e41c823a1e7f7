"""The report on a machine that stopped writes itself: what the other sections of the snapshot tell, put side by side.

Nothing is asked anew: every figure is a value of another section of the same ticket (a mean or difference of such, which
then says so), and its lineage goes on there. The report waits for the sections that are still being asked; what has not
come by the last try is named as missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, select

from connectors.errors import Transient
from gateway import tables
from lineage import Fact

log = structlog.get_logger(__name__)

SECTION = "root_cause"
AROUND = timedelta(minutes=5)
"""Readings of so long before the stop are its "before"."""
LARGEST = Decimal(10) ** 15
_C = tables.context_section.c


Part = Callable[["Report", "Told", datetime | None], None]


@dataclass(frozen=True, slots=True)
class Told:
    """A section of the ticket that was answered."""

    name: str
    question: str
    values: Mapping[str, Any]
    as_of: int


@dataclass(slots=True)
class Report:
    """The figures found so far, each with where it came from."""

    ticket_id: int
    values: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)

    def put(self, name: str, value: Any, section: Told, place: str, how: str = "", of: str = "") -> None:
        """One figure: a copy of the value at `place` of a section, or made of it (`how`). `of`: the section's field,
        if that is not the first step of the place."""
        if value is None:
            return
        top = of or re.split(r"[.\[]", place, maxsplit=1)[0]
        origin = f"{how} of {section.name}.{place}" if how else f"{section.name}.{place}"
        path = None if how else "row" + place[len(top) :]
        self.values[name] = value
        self.facts[name] = Fact(value, origin, None, self.ticket_id, f"context.{section.name}.{top}", path=path)


def compose(conn: Connection, ticket_id: int, starts_at: datetime | None, *, last: bool) -> Report | None:
    """The report; None when no section has anything to tell. Raises Transient while sections are still being asked,
    unless this is the `last` try."""
    others = select(tables.context_section).where(_C.ticket_id == ticket_id, _C.name != SECTION)
    rows = list(conn.execute(others.order_by(_C.name)))  # of two systems that tell the same the last counts
    waiting = sorted(r.name for r in rows if r.status in ("pending", "asking"))
    if waiting and not last:
        raise Transient(f"waits for {', '.join(waiting)}")
    told = [Told(r.name, r.question, orjson.loads(r._mapping["values"]), r.as_of or r.answered_at)
            for r in rows if r.status == "ok"]  # fmt: skip
    report = Report(ticket_id)
    for section in told:
        part = _PARTS.get(section.question)
        if part is not None:
            _tell(report, part, section, starts_at)
    if not report.values:
        return None
    if waiting:
        report.values["missing"] = waiting
        report.facts["missing"] = Fact(waiting, "not answered in time")
    report.values["summary"] = " ".join(_sentences(report.values))
    parts = sorted({f.field for f in report.facts.values() if f.field})
    report.facts["summary"] = Fact(report.values["summary"], "put into words from " + ", ".join(parts))
    return report


def _tell(report: Report, part: Part, section: Told, starts_at: datetime | None) -> None:
    """What one section tells. Any connector may answer a question of this name: an answer of another shape tells nothing."""
    told = Report(report.ticket_id)
    try:
        part(told, section, starts_at)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("root_cause.other_shape", section=section.name, question=section.question, reason=repr(error))
        return
    report.values.update(told.values)
    report.facts.update(told.facts)


def _downtime(report: Report, section: Told, _: datetime | None) -> None:
    for name, place in (("down_since", "since"), ("down_s", "standing_s"), ("reason", "reason"), ("stops_24h", "stops"),
                        ("unplanned_s_24h", "unplanned_s")):  # fmt: skip
        report.put(name, section.values.get(place), section, place)


def _oee(report: Report, section: Told, _: datetime | None) -> None:
    for when in ("before", "after"):
        period = section.values.get(when) or {}
        for factor in ("oee", "availability", "performance", "quality"):
            report.put(f"{factor}_{when}", period.get(factor), section, f"{when}.{factor}")
    report.put("oee_change", section.values.get("change"), section, "change")


def _readings(report: Report, section: Told, starts_at: datetime | None) -> None:
    """Of each metric the mean shortly before the stop, and the highest value around it."""
    for metric, twin in section.values.items():
        points = [(at, number) for at, v in twin.get("recent") or [] if (number := _number(v)) is not None]
        unit = f" {twin['unit']}" if twin.get("unit") else ""
        how, place = ("value and unit", metric) if unit else ("", f"{metric}.value")
        report.put(f"reading.{metric}.last", _with(twin.get("value"), unit), section, place, how, metric)
        if not points or starts_at is None:
            continue
        before = [v for at, v in points if starts_at - AROUND <= _time(at) < starts_at]
        if before:
            mean = (sum(before, Decimal(0)) / len(before)).quantize(Decimal("0.001")).normalize()
            how = f"mean of {len(before)} values in the 5 minutes before the stop"
            report.put(f"reading.{metric}.before", _with(f"{mean:f}", unit), section, f"{metric}.recent", how, metric)
        around = [v for at, v in points if abs(_time(at) - starts_at) <= AROUND]
        if around:
            how = f"highest of {len(around)} values within 5 minutes of the stop"
            report.put(
                f"reading.{metric}.highest", _with(f"{max(around):f}", unit), section, f"{metric}.recent", how, metric
            )


def _trends(report: Report, section: Told, _: datetime | None) -> None:
    for metric, told in section.values.items():
        report.put(f"reading.{metric}.trend", told.get("trend"), section, f"{metric}.trend", of=metric)


def _problems(report: Report, section: Told, _: datetime | None) -> None:
    report.put("alarms_open", section.values.get("open"), section, "open")
    report.put("alarms", section.values.get("problems") or section.values.get("recent"), section,
               "problems" if section.values.get("problems") else "recent")  # fmt: skip


def _similar(report: Report, section: Told, _: datetime | None) -> None:
    tickets = section.values.get("tickets") or []
    told = [{"id": t["id"], "title": t["title"], "resolution": t["resolution"]} for t in tickets[:3]]
    report.put("similar_tickets", told or None, section, "tickets", f"the first {len(told)}")


def _suppliers(report: Report, section: Told, _: datetime | None) -> None:
    suppliers = section.values.get("suppliers") or []
    usual = section.values.get("usual_supplier")
    n, found = next(((n, s) for n, s in enumerate(suppliers) if s.get("supplier") == usual), (0, None))
    found = found or (suppliers[0] if suppliers else None)
    if found is not None:
        called = "name" if found.get("name") else "supplier"
        report.put("spare_supplier", found.get(called), section, f"suppliers[{n}].{called}")
        report.put("supplier_on_time_rate", found.get("on_time_rate"), section, f"suppliers[{n}].on_time_rate")


def _stock(report: Report, section: Told, _: datetime | None) -> None:
    for name, place in (("spare", "item"), ("spare_name", "name"), ("spare_stock", "quantity"),
                        ("spare_safety_stock", "safety_stock"), ("spare_unit", "unit")):  # fmt: skip
        report.put(name, section.values.get(place), section, place)


def _work_order(report: Report, section: Told, _: datetime | None) -> None:
    report.put("work_order", (section.values.get("running") or {}).get("id"), section, "running.id")


_PARTS: Mapping[str, Part] = {
    "downtime": _downtime,
    "oee_before_after": _oee,
    "device_twin": _readings,
    "device_trend": _trends,
    "recent_problems": _problems,
    "similar_tickets": _similar,
    "suppliers": _suppliers,
    "stock": _stock,
    "work_order": _work_order,
}


def _sentences(v: Mapping[str, Any]) -> Iterator[str]:
    """What the figures say, in Chinese; each sentence only if its figures are there."""
    if "down_since" in v or "down_s" in v:
        minutes = _minutes(v.get("down_s"))
        reason = f"，原因：{v['reason']}" if v.get("reason") else ""
        since = f"自 {v['down_since']} 起" if "down_since" in v else ""
        yield f"停机{since}{minutes}{reason}。"
    if "oee_before" in v:
        after = f"，之后 {_percent(v['oee_after'])}" if "oee_after" in v else ""
        yield f"停机前 OEE {_percent(v['oee_before'])}{after}。"
    for name, value in v.items():
        if name.startswith("reading.") and name.endswith(".before"):
            metric = name.removeprefix("reading.").removesuffix(".before")
            highest = v.get(f"reading.{metric}.highest")
            peak = f"，前后最高 {highest}" if highest else ""
            yield f"{metric} 停机前均值 {value}{peak}。"
    if "alarms_open" in v:
        yield f"该设备未恢复告警 {v['alarms_open']} 条。"
    if v.get("similar_tickets"):
        first = v["similar_tickets"][0]
        yield f"最近相似工单 {first['id']}：{first['resolution'] or first['title']}。"
    if "spare_stock" in v:
        name, unit = v.get("spare_name") or v.get("spare") or "", v.get("spare_unit") or ""
        safety = f"（安全库存 {v['spare_safety_stock']}）" if "spare_safety_stock" in v else ""
        yield f"备件 {name} 现存 {v['spare_stock']} {unit}{safety}。".replace("  ", " ")
    if "supplier_on_time_rate" in v:
        yield f"供应商 {v.get('spare_supplier', '')} 准时率 {_percent(v['supplier_on_time_rate'])}。"
    if v.get("missing"):
        yield f"尚未答复：{'、'.join(v['missing'])}。"


def _minutes(seconds: Any) -> str:
    number = _number(seconds)
    return "" if number is None else f"，已 {int(number // 60)} 分钟"


def _percent(rate: Any) -> str:
    number = _number(rate)
    return str(rate) if number is None else f"{(number * 100).quantize(Decimal('0.1')).normalize():f} %"


def _with(value: Any, unit: str) -> Any:
    return value if value is None or not unit else f"{value}{unit}"


def _number(value: Any) -> Decimal | None:
    """The number that an answer gives as number or text; None: it is none that can be reckoned with."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LARGEST else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def moment(value: Any) -> datetime | None:
    """The start of the stop as the question's input gives it."""
    return None if value in (None, "") else datetime.fromisoformat(str(value)).astimezone(UTC)
