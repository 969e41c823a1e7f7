"""Looks at who changed states how often, and opens one ticket a person and span for those who passed a limit."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
import id_registry
from core_tickets import Note
from core_tickets.collaboration import Conduct, Move, judge
from core_tickets.tables import entry
from gateway.collaboration import tables
from gateway.collaboration.noticing import people_of
from gateway.collaboration.opening import open_by_hub
from gateway.config.durations import show
from gateway.config.hub import Hub
from gateway.notify import Notice, queue
from gateway.policies.conduct import KIND
from gateway.service import Gateway

_E = entry.c


def look(gateway: Gateway, hub: Hub, now: int) -> int:
    """Flag everybody who passed a limit within the span that ends now; answers how many are new."""
    policy = KIND.of(hub.policies)
    if not policy.enabled:
        return 0
    with gateway.reading() as conn:
        found = judge(list(moves(conn, now - policy.span)), policy.limits)
    return sum(gateway.transact(lambda conn, c=conduct: _flag(conn, gateway, hub, c, now)) for conduct in found)  # type: ignore[misc]


def moves(conn: Connection, since: int) -> Iterator[Move]:
    """The changes of state by people since then."""
    query = select(_E.ticket_id, _E.at, _E.actor, _E.changes).where(
        _E.id >= first_since(conn, since), _E.at >= since, _E.actor_kind == "person", _E.type == "change",
        _E.changes.contains('"status"'),
    )  # fmt: skip
    for row in conn.execute(query):
        for field, before, after in orjson.loads(row.changes):
            if field == "status" and before:
                yield Move(row.ticket_id, row.at, row.actor, before, after)


def first_since(conn: Connection, since: int) -> int:
    """The id of the first entry written since then. Entries are numbered as time goes by, so a search by halves along the
    primary key finds it without an index of times."""
    low, high = 0, (conn.execute(select(func.max(_E.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = conn.execute(select(_E.id, _E.at).where(_E.id >= middle).order_by(_E.id).limit(1)).first()
        if row is None or row.at >= since:
            high = middle
        else:
            low = row.id + 1
    return low


def _flag(conn: Connection, gateway: Gateway, hub: Hub, conduct: Conduct, now: int) -> int:
    """Once a person and span, whoever else looks at the same moment."""
    policy = KIND.of(hub.policies)
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    period = now // policy.span
    row = {"person": conduct.person, "period": period, "span": policy.span, "at": now}
    taken = insert(tables.conduct_flag).values(row).on_conflict_do_nothing().returning(tables.conduct_flag.c.person)
    if conn.execute(taken).first() is None:
        return 0
    zh, en = told(conduct)
    opened = open_by_hub(
        conn, gateway, hub, now, kind="data_quality", priority=2, actor="policy:conduct",
        title=f"状态变更异常 Unusual changes of state：{conduct.person}",
        description=f"{zh}\n{en}", why=f"in {show(policy.span)}: {', '.join(conduct.reasons)}",
        fingerprint=f"conduct/{conduct.person}/{policy.span}/{period}",
    )  # fmt: skip
    data = {
        "person": conduct.person, "reasons": list(conduct.reasons), "changes": conduct.changes,
        "most_per_hour": conduct.most_per_hour,
        "back_and_forth": {id_registry.format_id(t): n for t, n in conduct.back_and_forth.items()},
        "instant": [id_registry.format_id(t) for t in conduct.instant],
    }  # fmt: skip
    core_tickets.note(conn, [Note(opened.ticket_id, "conduct", data, "policy:conduct", now, "rule")])
    mine = (tables.conduct_flag.c.person == conduct.person, tables.conduct_flag.c.period == period)
    conn.execute(update(tables.conduct_flag).where(*mine).values(ticket_id=opened.ticket_id))
    people, groups = people_of(policy.tell or _leads(hub, conduct.person), hub.roster)
    if people or groups:
        queue(conn, [Notice(opened.ticket_id, "conduct", str(period), 2, people, groups, "", f"{zh}\n{en}")], now)
    return 1


def _leads(hub: Hub, person: str) -> tuple[str, ...]:
    """Those who lead the person's groups; of a lead, who stands above."""
    roster = hub.roster
    who = roster.people.get(person)
    found = (
        roster.lead(g) if roster.lead(g) != person else roster.director(g) for g in sorted(who.groups if who else ())
    )
    return tuple(dict.fromkeys(p for p in found if p))


def told(conduct: Conduct) -> tuple[str, str]:
    """In words, Chinese and English."""
    zh, en = (
        [f"{conduct.person} 共变更状态 {conduct.changes} 次"],
        [f"{conduct.person} changed states {conduct.changes} times"],
    )
    if "per_hour" in conduct.reasons:
        zh.append(f"一小时内最多 {conduct.most_per_hour} 次")
        en.append(f"up to {conduct.most_per_hour} within an hour")
    if "back_and_forth" in conduct.reasons:
        worst = ", ".join(f"{id_registry.format_id(t)} ×{n}" for t, n in list(conduct.back_and_forth.items())[:5])
        zh.append(f"同一工单反复变更：{worst}")
        en.append(f"back and forth on {worst}")
    if "instant" in conduct.reasons:
        zh.append(f"{len(conduct.instant)} 张工单刚开始即解决")
        en.append(f"{len(conduct.instant)} tickets resolved as soon as begun")
    return "；".join(zh) + "。", "; ".join(en) + "."
