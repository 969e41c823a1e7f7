"""The figures of the overview, as somebody may see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, func, select

import core_tickets
import id_registry
from core_tickets.batch import among
from core_tickets.rights import Asker
from gateway import clock, tables
from gateway.config.hub import Hub, Live
from gateway.desk.asking import SOON
from gateway.rights import Eyes
from gateway.service import Gateway
from gateway.usecases import syncing

FLOW = 24 * clock.HOUR
"""How far back the flow of messages looks."""
COUNTED = 2_000
"""Tickets that are looked at one by one for who does not see all of them."""
NEXT = 6
_PRIORITIES = ("P0", "P1", "P2", "P3")
OPEN = core_tickets.Filters(open=True)


def overview(gateway: Gateway, asker: Asker, now: int) -> dict[str, Any]:
    """`GET /v1/overview`; a part that the asker may not see is null."""
    hub = gateway.hub
    with gateway.reading() as conn:
        eyes = Eyes(conn, hub, asker)
        flow = _flow(conn, now)
        heard = {source["connection"] for source in flow["sources"]}
        parts: dict[str, tuple[str, Callable[[], Any]]] = {
            "flow": ("/v1/audit", lambda: flow),
            "connections": ("/v1/connections", lambda: _connections(conn, hub, heard, now)),
            "syncs": ("/v1/syncs", lambda: _syncs(conn, hub)),
            "dead_letters": ("/v1/dead-letters", lambda: _dead(conn)),
            "commands": ("/v1/audit", lambda: _commands(conn)),
        }
        told: dict[str, Any] = {"tickets": _tickets(eyes, now)}
        for name, (path, part) in parts.items():
            told[name] = part() if eyes.may_page(path, writes=False) else None
        return eyes.project(told) | {"at": clock.rfc3339(now)}  # type: ignore[no-any-return]


# -- tickets ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Count:
    """Open tickets of a group; None: those that no group has, or whose group the asker may not read."""

    group: str | None
    by_priority: dict[str, int]


def _tickets(eyes: Eyes, now: int) -> dict[str, Any]:
    """Open tickets by state, priority and group, promises at risk, and what is due next."""
    counted, complete = _open(eyes)
    by_status: dict[str, int] = {}
    by_priority = dict.fromkeys(_PRIORITIES, 0)
    groups: dict[str | None, _Count] = {}
    for (status, priority, group), n in counted.items():
        by_status[status] = by_status.get(status, 0) + n
        by_priority[priority] = by_priority.get(priority, 0) + n
        of_group = groups.setdefault(group, _Count(group, dict.fromkeys(_PRIORITIES, 0)))
        of_group.by_priority[priority] = of_group.by_priority.get(priority, 0) + n
    overdue, _ = eyes.counts(core_tickets.Filters(due_before=now))
    at_risk, _ = eyes.counts(core_tickets.Filters(due_before=now + SOON, due_from=now))
    known = eyes.hub.roster.groups
    return {
        "open": sum(counted.values()), "complete": complete, "by_status": by_status, "by_priority": by_priority,
        "by_group": [
            {"group": g.group, "name": known[g.group].name if g.group is not None and g.group in known else g.group,
             "open": sum(g.by_priority.values()), "by_priority": g.by_priority}
            for g in sorted(groups.values(), key=lambda g: (g.group is None, -sum(g.by_priority.values()), g.group or ""))
        ],
        "overdue": sum(overdue.values()), "at_risk": sum(at_risk.values()), "soon_s": SOON // clock.SECOND,
        "next_due": _next_due(eyes),
    }  # fmt: skip


def _open(eyes: Eyes) -> tuple[dict[tuple[str, str, str | None], int], bool]:
    """How many open tickets of each (status, priority, group), and whether that is all of them."""
    if eyes.asker.unlimited:
        counted = core_tickets.counts_by_group(eyes.conn, OPEN)
        return {(status, f"P{priority}", group): n for (status, priority, group), n in counted.items()}, True
    found: dict[tuple[str, str, str | None], int] = {}
    cursor: str | None = None
    for _ in range(COUNTED // core_tickets.MAX_LIMIT):
        page = eyes.search(OPEN, cursor, core_tickets.MAX_LIMIT)
        for ticket in page.items:
            sight = eyes.seen(ticket.id).sight
            place = (ticket.status if sight.of("status") else "", f"P{ticket.priority}" if sight.of("priority") else "",
                     ticket.group if sight.of("group") else None)  # fmt: skip
            found[place] = found.get(place, 0) + 1
        cursor = page.next_cursor
        if cursor is None:
            return found, True
    return found, False


def _next_due(eyes: Eyes) -> list[dict[str, Any]]:
    """Whose promise to solve it runs out first."""
    page = eyes.search(OPEN, None, NEXT, "due")
    return [
        {"id": id_registry.format_id(t.id), "title": t.title, "priority": f"P{t.priority}", "status": t.status,
         "group": t.group, "assignee": t.assignee, "resolution_due": clock.rfc3339(t.resolution_due)}
        for t in page.items
    ]  # fmt: skip


# -- the hub ----------------------------------------------------------------------------------------------------------


def _flow(conn: Connection, now: int) -> dict[str, Any]:
    """The ledger of the last day: of each source, how many messages came to which end."""
    since = now - FLOW
    m = tables.message.c
    counted = (
        select(m.connection_id, m.end, func.count().label("n"))
        .where(m.id >= clock.Serial.first_at(since))
        .group_by(m.connection_id, m.end)
    )
    sources: dict[str, dict[str, int]] = {}
    for connection, end, n in conn.execute(counted):
        sources.setdefault(connection, {})[end] = n
    told = [{"connection": c, "received": sum(ends.values()), "ends": ends} for c, ends in sources.items()]
    told.sort(key=lambda source: (-int(str(source["received"])), str(source["connection"])))
    return {"since": clock.rfc3339(since), "hours": FLOW // clock.HOUR, "sources": told}


Level = Literal["good", "warning", "bad", "off", "unknown"]


def _connections(conn: Connection, hub: Hub, heard: set[str], now: int) -> list[dict[str, Any]]:
    """Every connection: is it well, since when, and if not, why. One that nobody checked and that was `heard` or read
    within a day works."""
    c = tables.connection_health.c
    wanted = select(tables.connection_health).where(among(conn, c.connection_id, sorted(hub.connections)))
    checked = {row.connection_id: row for row in conn.execute(wanted)} if hub.connections else {}
    y = tables.sync_state.c
    read = select(y.connection_id).where(y.finished_at >= now - FLOW, y.error == "")
    worked = heard | set(conn.execute(read).scalars())
    told = []
    for live in sorted(hub.connections.values(), key=lambda live: live.id):
        row = checked.get(live.id)
        level, reason = _level(live, row)
        if level == "unknown" and live.id in worked:
            level = "good"
        told.append(
            {"connection": live.id, "connector": live.spec.connector, "level": level, "reason": reason,
             "since": None if row is None else clock.rfc3339(row.since),
             "checked_at": None if row is None else clock.rfc3339(row.checked_at)}
        )  # fmt: skip
    return told


def _level(live: Live, row: Any) -> tuple[Level, str]:
    if not live.spec.enabled:
        return "off", ""
    if live.runtime is None:
        return "bad", live.broken
    condition = live.runtime.condition
    if row is not None and not row.ok:
        return "bad", row.reason
    if condition.circuit != "closed":
        return "bad", condition.reason
    if condition.failures:
        return "warning", condition.reason
    return ("good", "") if row is not None else ("unknown", "")


def _syncs(conn: Connection, hub: Hub) -> list[dict[str, Any]]:
    """Every stream that is read: when it was last read to its end, and what went wrong."""
    return [
        {"connection": s["connection"], "stream": s["stream"], "becomes": s["becomes"], "state": s["state"],
         "started_at": s["started_at"], "finished_at": s["finished_at"], "held": s["held"], "bad": s["bad"],
         "error": s["error"]}
        for s in syncing.status(conn)
        if s["connection"] in hub.connections
    ]  # fmt: skip


def _dead(conn: Connection) -> dict[str, Any]:
    """Those that nobody settled, by connection."""
    d = tables.dead_letter.c
    counted = select(d.connection_id, func.count()).where(d.settled_at.is_(None)).group_by(d.connection_id)
    by_connection = {row[0]: row[1] for row in conn.execute(counted)}
    return {"total": sum(by_connection.values()), "by_connection": by_connection}


def _commands(conn: Connection) -> dict[str, int]:
    """What is to be written to other systems: on its way, refused there, or waiting for a person."""
    o = tables.outbox.c
    states = ("waiting", "sending", "refused", "person")
    counted = select(o.state, func.count()).where(o.state.in_(states)).group_by(o.state)
    found = dict.fromkeys(states, 0)
    found.update({row[0]: row[1] for row in conn.execute(counted)})
    return found
