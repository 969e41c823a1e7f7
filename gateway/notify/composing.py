"""What a message says: what happened, the ticket, what the snapshot tells of it, and a link to answer by.

Nothing leaves the hub that the policy's `snapshot` does not name, nor what its reader may not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets.batch import among
from gateway import clock
from gateway.config.hub import Hub
from gateway.errors import Refused
from gateway.rights.telling import visible
from gateway.tables import context_section

TITLES: Mapping[str, str] = {
    "opened": "新工单 New ticket",
    "assigned": "转交给您 Yours now",
    "started": "已开始处理 Started",
    "blocked": "已阻塞 Blocked",
    "unblocked": "阻塞已解除 Goes on",
    "resolved": "已解决 Resolved",
    "reopened": "重新打开 Reopened",
    "claimed": "已有人接手 Taken",
    "returned": "被退回 Returned",
    "closed": "已关闭 Closed",
    "raised": "优先级提高 More urgent",
    "mentioned": "有人提到您 You are mentioned",
    "question": "请回答 A question",
    "escalated": "升级 Escalated",
    "warned": "即将超时 Soon overdue",
    "nobody_reached": "通知无人收到 Nobody was reached",
    "unanswered": "提问无人回答 Not answered",
}
"""What stands before the ticket's title, by the reason of the notice; another reason tells its own title."""
SECTIONS, VALUES, LONGEST = 4, 4, 80
_S = context_section.c


def values_of(
    conn: Connection, tickets: Mapping[int, core_tickets.Ticket], allowed: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """What there is to say of each ticket: its own fields, names of its things, `snapshot.<section>.<field>`."""
    found = {number: _own(conn, ticket) for number, ticket in tickets.items()}
    answered = select(_S.ticket_id, _S.name, _S["values"]).where(
        among(conn, _S.ticket_id, found.keys()), _S.status == "ok"
    )
    for row in conn.execute(answered.order_by(_S.ticket_id, _S.name)):
        quoted = 0
        for name, value in _scalars(orjson.loads(row[2] or "{}")):
            if quoted < VALUES and any(fnmatchcase(f"{row.name}.{name}", pattern) for pattern in allowed):
                found[row.ticket_id][f"snapshot.{row.name}.{name}"] = value
                quoted += 1
    return found


def _own(conn: Connection, ticket: core_tickets.Ticket) -> dict[str, Any]:
    values: dict[str, Any] = {"id": id_registry.format_id(ticket.id), "title": ticket.title,
                              "description": ticket.description, "status": core_tickets.STATUSES[ticket.status].zh,
                              "resolution": ticket.resolution, "assignee": ticket.assignee}  # fmt: skip
    for name in ("device", "customer"):
        gid = getattr(ticket, name)
        if gid is not None:
            known = id_registry.golden(conn, gid).fields.get("name")
            values[name] = str(known.value) if known is not None else id_registry.format_id(gid)
    if ticket.status in core_tickets.OPEN:
        deadline = core_tickets.resolution_deadline(ticket, ticket.updated_at)
        due = deadline if ticket.first_responded_at is not None else ticket.first_response_due
        values["due"] = due
    return {name: value for name, value in values.items() if value not in (None, "")}


def _scalars(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Plain values; of a reading (`{value, unit}`) the two together."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(value.get("value"), str | int | float):
            found.append((name, f"{value['value']} {value.get('unit') or ''}".strip()))
        elif isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            found.append((name, value))
    return found


def seen_by(
    conn: Connection, hub: Hub, values: Mapping[str, Any], people: Sequence[str], ticket: int
) -> dict[str, Any]:
    """What all of these people may see: one message that several read says no more than the least of them may know. Always
    there is `id`; who may not see the ticket at all is told its number alone."""
    told = dict(values)
    for person in people:
        try:
            told = visible(conn, hub, told, person, ticket)
        except (core_tickets.UnknownTicket, Refused):
            told = {}
    return {"id": id_registry.format_id(ticket), **told}


def title_of(reason: str, values: Mapping[str, Any]) -> str:
    """One line: the notice's own (`told.title`), or what happened and to what."""
    if values.get("told.title"):
        return str(values["told.title"])
    head = TITLES.get(reason, reason)
    return f"{head}：{values.get('title', values['id'])}"


def text_of(values: Mapping[str, Any], zone: tzinfo) -> str:
    """The message in markdown, the notice's own text (`told.text`) first. `zone`: the one its times are told in."""
    own = values.get("told.text")
    lines = [str(own)] if own else []
    if values.get("told.title") and values.get("title"):
        lines.append(f"**{values['title']}**")
    for label, name in (("设备", "device"), ("客户", "customer"), ("处理人", "assignee"), ("解决", "resolution")):
        if values.get(name):
            lines.append(f"**{label}** {values[name]}")
    if values.get("due"):
        lines.append(f"**期限** {clock.to_datetime(values['due']).astimezone(zone):%m-%d %H:%M}")
    if not own and values.get("description"):
        lines.append(_cut(str(values["description"]), 400))
    lines += _snapshot(values)
    lines.append(f"**工单** {values['id']}")
    return "\n\n".join(lines)


def _snapshot(values: Mapping[str, Any]) -> list[str]:
    sections: dict[str, list[str]] = {}
    for name, value in values.items():
        if name.startswith("snapshot."):
            section, _, field = name.removeprefix("snapshot.").rpartition(".")
            sections.setdefault(section, []).append(f"{field} {_cut(str(value), LONGEST)}")
    return [f"**{section}** {'，'.join(told)}" for section, told in list(sections.items())[:SECTIONS]]


def digest_of(messages: Sequence[tuple[str, str, str]]) -> tuple[str, str]:
    """Title and text of one message for many: (priority, title, link) of each, the most urgent first."""
    lines = []
    for priority, title, link in messages[:30]:
        shown = title.replace("[", "［").replace("]", "］")
        lines.append(f"- {priority} [{shown}]({link})" if link else f"- {priority} {shown}")
    if len(messages) > 30:
        lines.append(f"- …… 还有 {len(messages) - 30} 条 more")
    return f"{len(messages)} 条通知 notices", "\n".join(lines)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
