"""Tickets and texts for the tests of learning."""

from __future__ import annotations

from typing import Any

from core_tickets import Change, Entry, Ticket
from gateway.clock import DAY, HOUR
from gateway.learning.clusters import Text
from gateway.learning.terms import terms

NOW = 1_795_300_000_000_000
BASE: dict[str, Any] = {
    "kind": "incident", "priority": 2, "status": "pending", "title": "x", "updated_at": NOW, "first_seen": NOW, "last_seen": NOW,
}  # fmt: skip

BEARING = (
    "3 号离心泵轴承过热",
    "7号泵轴承温度过高，振动大",
    "Pump 3 bearing overheating",
    "Bearing of pump 9 is too hot",
)
DATABASE = (
    "数据库服务器 CPU 使用率过高",
    "Database server db-4 CPU usage is high",
    "High CPU load on the database server",
)
PACKAGING = ("客户投诉包装破损，批次 88", "Customer complains about damaged packaging of batch 88", "投诉：包装破损")
SCANNER = ("2 线扫码枪掉线", "Barcode scanner of line 2 is offline", "扫码枪离线")


def a_ticket(number: int = 1, **more: Any) -> Ticket:
    opened = more.pop("opened_at", NOW)
    return Ticket(id=number, opened_at=opened, **(BASE | more))


def a_text(number: int, title: str, body: str = "", at: int | None = None) -> Text:
    return Text(number, NOW - DAY + number * HOUR if at is None else at, terms(title, body))


def moves(*stages: tuple[str, int], field: str = "status") -> list[Entry]:
    """The timeline of a ticket that was in these stages since these moments."""
    entries, before = [], None
    for n, (stage, at) in enumerate(stages):
        name = "open" if before is None else "step"
        change = Change(field, before, stage)
        entries.append(Entry(n + 1, 1, at, "change", name, "ann", "person", "", n + 1, (change,), {}))
        before = stage
    return entries
