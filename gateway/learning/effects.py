"""Does an article help? Of the tickets it was shown to or used for: how many were solved quickly, and stayed solved.

The score is a share pulled towards what tickets do without any article, as if `WEIGHT` of them had been seen already: one
lucky ticket proves nothing, fifty do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
import id_registry
from core_tickets.learning import wilson
from gateway import tables
from gateway.clock import DAY, HOUR
from gateway.config.hub import HUB
from gateway.errors import NotFound
from gateway.learning import memory
from gateway.learning.outcomes import came_back, outcomes
from gateway.learning.tables import article, article_use

EFFECTS, SHOWN = "effects", "shown"
WEIGHT = 8
USED_COUNTS = 2
"""Who says that it helped counts for two it was only shown to."""
PAGE = 1_000
KEPT = 400 * DAY
_U = article_use.c


@dataclass(frozen=True, slots=True)
class Effect:
    """`score`: the share of its tickets that went well, 0 to 1, with how sure that is (`low`, `high`: 95 %)."""

    shown: int
    used: int
    worked: int
    score: float
    low: float
    high: float


def learn_shown(conn: Connection, now: int) -> int:
    """Note down which articles which tickets were shown, since the last look; at most `PAGE` tickets."""
    since = memory.recall(conn, SHOWN, 0)
    c = tables.context_section.c
    query = (
        select(c.ticket_id, c["values"], c.asked_at)
        .where(c.question == "similar_articles", c.status == "ok", c.asked_at >= since - HOUR)  # some are answered late
        .order_by(c.asked_at, c.ticket_id)
        .limit(PAGE)
    )
    rows = conn.execute(query).all()
    uses = [
        {"article": f"{told['connection']}/{told['id']}", "ticket_id": row.ticket_id, "used": False, "at": now}
        for row in rows
        for told in orjson.loads(row._mapping["values"]).get("articles", ())
        if (told["connection"], told["id"]) != (HUB, id_registry.format_id(row.ticket_id))  # what it taught itself
    ]
    _put(conn, uses)
    if rows:
        behind = rows[-1].asked_at + (HOUR if len(rows) == PAGE else 0)  # a full page is not read again for ever
        memory.remember(conn, SHOWN, max(since, behind), now)
    return len(uses)


def mark_used(conn: Connection, name: str, ticket_id: int, now: int) -> None:
    """A person says that this article (CONNECTION/KEY) solved the ticket. Raises core_tickets.UnknownTicket, NotFound."""
    core_tickets.get(conn, ticket_id)
    if conn.execute(select(_U.ticket_id).where(_U.article == name)).first() is None and not _own(conn, name):
        raise NotFound(f"No ticket was ever shown an article {name!r}; it is written CONNECTION/KEY.")
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(article_use).values(article=name, ticket_id=ticket_id, used=True, at=now)
    conn.execute(statement.on_conflict_do_update(index_elements=["article", "ticket_id"], set_={"used": True}))


def _own(conn: Connection, name: str) -> bool:
    connection, _, key = name.partition("/")
    try:
        number = id_registry.parse_id(key)
    except id_registry.RegistryError:
        return False
    return connection == HUB and conn.execute(select(article.c.id).where(article.c.id == number)).first() is not None


def _put(conn: Connection, uses: list[dict[str, Any]]) -> None:
    if uses:
        insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        ordered = sorted(uses, key=lambda u: (u["article"], u["ticket_id"]))
        conn.execute(insert(article_use).on_conflict_do_nothing(), ordered)


def learn_effects(conn: Connection, now: int, held: int) -> dict[str, Effect]:
    """Of every article that was shown in the last year, from tickets that are solved; `held`: how long they must hold."""
    query = select(_U.article, _U.ticket_id, _U.used).where(_U.at > now - KEPT).order_by(_U.at.desc()).limit(100 * PAGE)
    rows = conn.execute(query).all()
    solved = core_tickets.get_many(conn, {row.ticket_id for row in rows})
    well = went_well(conn, solved.values(), now, held)
    usual = sum(well.values()) / len(well) if well else 0.5
    told: dict[str, list[tuple[bool, bool]]] = {}
    for row in rows:
        if row.ticket_id in well:
            told.setdefault(row.article, []).append((well[row.ticket_id], row.used))
    return {name: effect(tickets, usual) for name, tickets in sorted(told.items())}


def went_well(conn: Connection, tickets: Iterable[core_tickets.Ticket], now: int, held: int) -> dict[int, bool]:
    """Was it solved no slower than its kind usually is, and did the trouble stay away?"""
    return {
        number: not came_back(o, held) and (o.typical is None or o.took <= o.typical)
        for number, o in outcomes(conn, list(tickets), now).items()
    }


def effect(tickets: Iterable[tuple[bool, bool]], usual: float) -> Effect:
    """Of (went well, was used) per ticket. Pure."""
    shown = used = worked = weight = good = 0
    for well, was_used in tickets:
        counts = USED_COUNTS if was_used else 1
        shown, used, worked = shown + 1, used + was_used, worked + well
        weight, good = weight + counts, good + counts * well
    low, high = wilson(worked, shown)
    score = (good + WEIGHT * usual) / (weight + WEIGHT)
    return Effect(shown, used, worked, round(score, 4), round(low, 4), round(high, 4))


def keep(conn: Connection, effects: Mapping[str, Effect], now: int) -> None:
    memory.remember(conn, EFFECTS, {name: asdict(e) for name, e in effects.items()}, now)


def known(conn: Connection) -> dict[str, Effect]:
    """By CONNECTION/KEY, as learned last."""
    return {name: Effect(**told) for name, told in memory.recall(conn, EFFECTS, dict[str, Any]()).items()}
