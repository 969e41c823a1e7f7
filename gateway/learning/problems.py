"""The problems there are: clusters of tickets that tell of one trouble, kept from round to round under the same id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
import id_registry
from core_tickets.batch import among
from core_tickets.learning import worth
from core_tickets.rows import SELECT_TICKET, ticket_of
from core_tickets.tables import ticket as ticket_table
from gateway.clock import rfc3339
from gateway.config.hub import Hub
from gateway.learning import memory
from gateway.learning.clusters import Text, cluster, keep_ids
from gateway.learning.growth import growth
from gateway.learning.outcomes import outcomes
from gateway.learning.tables import problem, problem_text
from gateway.learning.terms import Term, terms
from gateway.policies.learning import KIND as LEARNING
from gateway.service import Gateway

PAGE = 500
READ = 5_000
"""Tickets whose text is looked at in one round; the next goes on where it ended."""
COMPARED = 10_000
"""The newest texts of the window; some seconds of work when all of them differ."""
EXAMPLES = 5
MARK = "texts"
_T, _P, _X = ticket_table.c, problem.c, problem_text.c


def read_texts(gateway: Gateway, now: int) -> int:
    """Turn the texts of tickets that changed since the last time into terms; answers how many were new or other."""
    done = changed = 0
    while done < READ:
        with gateway.reading() as conn:
            since, after = memory.recall(conn, MARK, [0, 0])
            later = (_T.updated_at > since) | ((_T.updated_at == since) & (_T.id > after))
            rows = conn.execute(SELECT_TICKET.where(later).order_by(_T.updated_at, _T.id).limit(PAGE)).all()
            tickets = [ticket_of(row) for row in rows]
            texts = select(_X.ticket_id, _X.text).where(among(conn, _X.ticket_id, [t.id for t in tickets]))
            known = {row.ticket_id: row.text for row in conn.execute(texts)}
        fresh = [(t, digest) for t in tickets if known.get(t.id) != (digest := _digest(t)) and t.storm_id is None]
        made = [{"ticket_id": t.id, "at": t.opened_at, "text": digest, "terms": _terms(t)} for t, digest in fresh]
        if tickets:
            with gateway.transaction() as conn:
                _put(conn, made)
                memory.remember(conn, MARK, [tickets[-1].updated_at, tickets[-1].id], now)
        done, changed = done + len(tickets), changed + len(made)
        if len(tickets) < PAGE:
            break
    return changed


def _digest(t: core_tickets.Ticket) -> int:
    told = "\0".join((t.title, t.description, *sorted(t.labels.values())))
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big", signed=True)


def _terms(t: core_tickets.Ticket) -> str:
    found = terms(t.title, t.description, [v for v in t.labels.values() if len(v) <= 100])
    return orjson.dumps(found, default=tuple).decode()


def _put(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    statement = (postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert)(problem_text)
    set_ = {name: statement.excluded[name] for name in ("at", "text", "terms")}
    conn.execute(statement.on_conflict_do_update(index_elements=["ticket_id"], set_=set_), rows)


def find_problems(gateway: Gateway, hub: Hub, now: int) -> int:
    """Compare all texts of the window anew and keep what is found; answers how many problems there are."""
    policy = LEARNING.of(hub.policies).problems
    with gateway.reading() as conn:
        query = select(_X.ticket_id, _X.at, _X.terms, _X.problem).where(_X.at > now - policy.window, _X.at <= now)
        rows = conn.execute(query.order_by(_X.at.desc(), _X.ticket_id.desc()).limit(COMPARED)).all()
        before = {row.ticket_id: row.problem for row in rows if row.problem is not None}
        since = {row.id: row.first_seen for row in conn.execute(select(_P.id, _P.first_seen))}
    texts = [Text(r.ticket_id, r.at, {k: Term(*v) for k, v in orjson.loads(r.terms).items()}) for r in rows]
    opened = {t.id: t.at for t in texts}
    found = [c for c in cluster(texts, policy.alike) if len(c.members) >= policy.least]
    ids = keep_ids(found, before)
    made: list[dict[str, Any]] = []
    belongs: dict[int, int] = {}
    with gateway.reading() as conn:
        fixes = _fixes(conn, hub, [m for c in found for m in c.members[-50:]], now)
    for number, c in zip(ids, found, strict=True):
        times = [opened[m] for m in c.members]
        first = min(times[0], since.get(number, times[0]))
        grown = growth(times, first, now, span=policy.recent, fresh=policy.fresh, window=policy.window)
        fix = max((fixes[m] for m in c.members if m in fixes), key=lambda f: (f[0], f[1]), default=None)
        told = grown.as_dict() | {"label": list(c.label), "known": None if fix is None else fix[2]}
        made.append({"id": number, "first_seen": first, "last_seen": times[-1], "size": len(times), "trend": grown.trend,
                     "told": orjson.dumps(told).decode()})  # fmt: skip
        belongs |= dict.fromkeys(c.members, number)
    moved = {t: belongs.get(t) for t in opened if belongs.get(t) != before.get(t)}
    with gateway.transaction() as conn:
        conn.execute(delete(problem))
        if made:
            conn.execute(insert(problem), made)
        _assign(conn, moved)
    return len(made)


def _fixes(conn: Connection, hub: Hub, ids: Sequence[int], now: int) -> dict[int, tuple[int, int, dict[str, Any]]]:
    """What solved each of these that somebody mended, with how much it is worth."""
    needed = LEARNING.of(hub.policies).solved.held
    tickets = core_tickets.get_many(conn, ids)
    made = {}
    for number, outcome in outcomes(conn, list(tickets.values()), now).items():
        proven = worth(outcome, needed)
        if proven.points >= 50:
            t = tickets[number]
            told = {
                "ticket": id_registry.format_id(number),
                "resolution": t.resolution,
                "cause": t.cause,
                "worth": proven.points,
            }
            made[number] = proven.points, number, told
    return made


def _assign(conn: Connection, moved: Mapping[int, int | None]) -> None:
    """Which ticket belongs where; one statement per problem that gained or lost."""
    by_problem: dict[int | None, list[int]] = {}
    for number, belongs in moved.items():
        by_problem.setdefault(belongs, []).append(number)
    for belongs, members in sorted(by_problem.items(), key=lambda item: item[0] or 0):
        conn.execute(update(problem_text).where(among(conn, _X.ticket_id, sorted(members))).values(problem=belongs))


def listed(conn: Connection, trend: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Problems for people: new ones first, then growing, steady and fading; the largest of each first."""
    query = select(problem) if trend is None else select(problem).where(_P.trend == trend)
    order = {"new": 0, "growing": 1, "steady": 2, "fading": 3}
    rows = sorted(conn.execute(query), key=lambda r: (order[r.trend], -r.size, r.id))[:limit]
    members: dict[int, list[int]] = {}
    mine = select(_X.problem, _X.ticket_id).where(among(conn, _X.problem, [r.id for r in rows]))
    for belongs, number in conn.execute(mine.order_by(_X.ticket_id.desc())) if rows else ():
        members.setdefault(belongs, []).append(number)
    newest = core_tickets.get_many(conn, [m for row in rows for m in members.get(row.id, [])[:EXAMPLES]])
    return [
        {
            "id": id_registry.format_id(row.id), "tickets": row.size, "first_seen": rfc3339(row.first_seen),
            "last_seen": rfc3339(row.last_seen), **orjson.loads(row.told),
            "members": [id_registry.format_id(m) for m in members.get(row.id, [])[:PAGE]],
            "examples": [{"id": id_registry.format_id(m), "title": newest[m].title}
                         for m in members.get(row.id, [])[:EXAMPLES] if m in newest],
        }
        for row in rows
    ]  # fmt: skip
