"""Who was told of a ticket over which channel with which answer, and why not: what `weft explain` says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
from gateway import clock
from gateway.config.hub import Hub
from gateway.notify.addressing import INBOX, open_channels
from gateway.notify.composing import TITLES
from gateway.notify.tables import notice_delivery
from gateway.notify.tried import tested_channels
from gateway.policies.notification import KIND
from gateway.tables import connection_health, notice

_D, _N, _H = notice_delivery.c, notice.c, connection_health.c
MOST = 200
STATES: Mapping[str, str] = {
    "waiting": "待发送 waiting",
    "held": "免打扰时段暂缓 held for the quiet hours",
    "sending": "发送中 being sent",
    "delivered": "已送达 delivered",
    "failed": "未送达 not delivered",
    "doubtful": "不确定 perhaps delivered",
    "skipped": "跳过 left out",
}
ENDS: Mapping[str, str] = {
    "waiting": "尚未发出 not sent yet",
    "telling": "正在通知 being told",
    "sent": "已通知 told",
    "nobody": "无人收到 reached nobody",
}


def notices_shape(conn: Connection, number: int) -> list[dict[str, Any]]:
    """Every notice of a ticket, eldest first, with each person and channel, and the same in words."""
    told: dict[int, list[Any]] = {}
    query = select(notice_delivery).where(_D.ticket_id == number).order_by(_D.notice_id, _D.person, _D.id)
    for row in conn.execute(query):
        told.setdefault(row.notice_id, []).append(row)
    notices = conn.execute(select(notice).where(_N.ticket_id == number).order_by(_N.id).limit(MOST)).all()
    return [_notice(row, told.get(row.id, [])) for row in notices]


def _notice(row: Any, told: list[Any]) -> dict[str, Any]:
    head = TITLES.get(row.reason, row.title or row.reason)
    meant = [*orjson.loads(row.people), *(f"group {g}" for g in orjson.loads(row.groups))]
    words = [f"{head}（P{row.tier}）：{ENDS.get(row.state, row.state)}"]
    if not told and row.state == "nobody":
        whom = ", ".join(meant) or "nobody in particular"
        words.append(f"没有可通知的人 there was nobody to tell; it was meant for {whom}")
    return {
        "at": clock.rfc3339(row.at), "reason": row.reason, "priority": f"P{row.tier}", "state": row.state,
        "meant": meant, "told": [_delivery(d) for d in told], "words": words + [_sentence(d) for d in told],
    }  # fmt: skip


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "person": row.person, "channel": row.channel, "state": row.state, "why": row.reason, "receipt": row.receipt,
        "at": clock.rfc3339(row.done_at or row.sent_at or row.at), "read_at": clock.rfc3339(row.read_at),
        "answer": row.answer, "answered_at": clock.rfc3339(row.answered_at),
        "command": None if row.command_id is None else str(row.command_id),
    }  # fmt: skip


def _sentence(row: Any) -> str:
    if row.channel == INBOX:
        what = f"已读 read {clock.rfc3339(row.read_at)}" if row.read_at else "在收件箱，未读 in the inbox, not read"
    else:
        what = STATES.get(row.state, row.state) + (f"：{row.reason}" if row.reason else "")
    answered = f"；回复 answered {clock.rfc3339(row.answered_at)}: {row.answer}" if row.answer else ""
    over = "" if row.channel == INBOX else f" {row.channel}"
    return f"{row.person}{over} {what}{answered}"


def channels_shape(conn: Connection, hub: Hub, ticket: core_tickets.Ticket) -> list[dict[str, Any]]:
    """The channels of the ticket's tier as they are now: whether each is connected, was ever tested, and works."""
    tier = KIND.of(hub.policies).tiers[ticket.priority]
    tested = tested_channels(conn)
    health = {row.connection_id: row for row in conn.execute(select(connection_health))}
    open_ = {way.channel: way for step in open_channels(hub, tier) for way in step}
    found = []
    for channel in [c for step in tier.steps for c in step]:
        way = open_.get(channel)
        name = way.connection if way is not None else channel.label
        found.append({"channel": name, "operation": channel.operation, **_state(way, name, tested, health)})
    return found


def _state(way: Any, name: str, tested: frozenset[str], health: Mapping[str, Any]) -> dict[str, str]:
    beat = health.get(name)
    if way is None:
        return {"state": "absent", "words": f"{name} 没有连接 is not connected"}
    if way.broken:
        return {"state": "broken", "words": f"{name} 不可用 cannot be used: {way.broken}"}
    if beat is not None and not beat.ok:
        since = clock.rfc3339(beat.since)
        return {"state": "failing", "words": f"{name} 自 {since} 起不通 has failed since then: {beat.reason}"}
    if name not in tested:
        return {"state": "untested", "words": f"{name} 从未测试 was never tested; run: weft notify test {name}"}
    return {"state": "ok", "words": f"{name} 可用 works"}
