"""Tickets as CSV for spreadsheets, page by page, each row as far as whoever asks may read it.

A cell that a spreadsheet would take for a formula gets an apostrophe before it: what a sender wrote into a title must
never run on the reader's machine.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import core_tickets
from core_tickets.rights import Asker
from gateway import clock
from gateway.rights import Eyes
from gateway.service import Gateway

Language = Literal["zh", "en"]
MOST = 200_000
"""Rows of one file; spreadsheets take a million, people read fewer."""
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as the machine's old code page."""
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

COLUMNS: Mapping[str, tuple[str, str]] = {
    "id": ("Ticket", "工单号"),
    "title": ("Title", "标题"),
    "kind": ("Kind", "类型"),
    "priority": ("Priority", "优先级"),
    "status": ("State", "状态"),
    "group": ("Group", "组"),
    "assignee": ("Holder", "负责人"),
    "device": ("Device", "设备"),
    "customer": ("Customer", "客户"),
    "connection": ("Source", "来源"),
    "occurrences": ("Repeats", "次数"),
    "opened_at": ("Opened", "创建时间"),
    "first_response_due": ("First response due", "响应时限"),
    "resolution_due": ("Resolution due", "解决时限"),
    "resolution_breached": ("Overdue", "已超时"),
    "blocked_reason": ("Blocked because", "阻塞原因"),
    "resolved_at": ("Resolved", "解决时间"),
    "cause": ("Cause", "原因"),
    "resolution": ("Resolution", "解决办法"),
    "labels": ("Labels", "标签"),
}
"""The fields of a row, as the API names them, with their headings in English and Chinese."""
_WORDS: Mapping[str, Mapping[str, core_tickets.Label]] = {
    "kind": core_tickets.KINDS,
    "status": core_tickets.STATUSES,
    "blocked_reason": core_tickets.REASONS,
    "cause": core_tickets.CAUSES,
}
Shape = Callable[[core_tickets.Ticket], dict[str, Any]]


def rows(
    gateway: Gateway,
    asker: Asker,
    filters: core_tickets.Filters,
    order: core_tickets.Order,
    shape: Shape,
    lang: Language,
) -> Iterator[bytes]:
    """The file, a page at a time, each page read in a transaction of its own: a long download blocks nobody."""
    yield (BOM + _line([told[lang == "zh"] for told in COLUMNS.values()])).encode()
    cursor: str | None = None
    for _ in range(MOST // core_tickets.MAX_LIMIT):
        with gateway.reading() as conn:
            eyes = Eyes(conn, gateway.hub, asker)
            page = eyes.search(filters, cursor, core_tickets.MAX_LIMIT, order)
            shown = eyes.project([shape(ticket) for ticket in page.items])
        yield "".join(_line([cell(name, t.get(name), lang) for name in COLUMNS]) for t in shown).encode()
        cursor = page.next_cursor
        if cursor is None:
            return


def cell(name: str, value: Any, lang: Language) -> str:
    """A value as people read it; times in UTC, to the second."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return ("是" if lang == "zh" else "yes") if value else ""
    if isinstance(value, dict):
        return "; ".join(f"{key}={held}" for key, held in sorted(value.items()))
    if (words := _WORDS.get(name)) and (label := words.get(str(value))):
        return label.zh if lang == "zh" else label.en
    text = str(value)
    return text[:19].replace("T", " ") if name.endswith(("_at", "_due")) else text


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(each) for each in cells])
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip(" \u3000").startswith(_RUNS) or text.startswith(_RUNS) else text


def file_name(now: int) -> str:
    """`weft-tickets-2026-11-22.csv`."""
    return f"weft-tickets-{clock.to_datetime(now):%Y-%m-%d}.csv"
