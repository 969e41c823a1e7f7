"""Which tickets may count on which day, and which days must be computed anew: read from the new entries of timelines.

A day holds every ticket with an entry on it or a promise that falls due on it. Entries are taken in order of id; those of
the last `LATE` are looked at again, since a transaction may commit after one that began later. To mark a day twice costs one
more computation and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from core_tickets import tables as core
from core_tickets.batch import among
from core_tickets.figures import Terms, day_of, span
from gateway import clock, tables
from gateway.figures.tables import figure_day, figure_day_ticket, figure_mark, figure_thing

LATE = 2 * clock.MINUTE
PAGE = 5_000
AGAIN = frozenset({"open", "reopen", "merge", "confirm"})
"""Entries that change what earlier days come to, their own and those of tickets about the same thing."""
_TELLING = ("kind", "cause", "device", "customer", "storm_id")
_DUE = ("resolution_due", "first_response_due", "given_response_due", "given_resolution_due")
_THINGS = ("device", "customer")
CONTEXT = 3
"""Days after a question in which its answer may still come."""


@dataclass(slots=True)
class _Found:
    """What one page of entries tells."""

    on: set[tuple[str, int]] = field(default_factory=set)
    """Days and their tickets."""
    things: set[tuple[int, int]] = field(default_factory=set)
    restless: set[int] = field(default_factory=set)
    """Tickets whose other days may come to something else now."""
    days: set[str] = field(default_factory=set)

    def read(self, row: Any, zone: str) -> None:
        day = day_of(row.at, zone)
        self.on.add((day, row.ticket_id))
        self.days.add(day)
        restless = row.name in AGAIN
        for name, _, after in orjson.loads(row.changes) if row.changes != "[]" else ():
            restless = restless or name in _TELLING
            if after is not None and name in _DUE:
                due = day_of(after, zone)
                self.on.add((due, row.ticket_id))
                self.days.add(due)
            elif after is not None and name in _THINGS:
                self.things.add((after, row.ticket_id))
        if restless:
            self.restless.add(row.ticket_id)


def index(conn: Connection, terms: Terms, now: int, *, page: int = PAGE) -> int:
    """Take the next page of entries in; answers how many there were. Idempotent."""
    e, mark = core.entry.c, _mark(conn, terms.zone)
    query = select(e.id, e.ticket_id, e.at, e.name, e.changes).where(e.id > mark).order_by(e.id).limit(page)
    rows = conn.execute(query).all()
    if not rows:
        return 0
    found = _Found()
    for row in rows:
        found.read(row, terms.zone)
    _keep(conn, figure_thing, ("thing", "ticket_id"), sorted(found.things))
    _keep(conn, figure_day_ticket, ("day", "ticket_id"), sorted(found.on))
    mark_days(conn, found.days | _moved(conn, found.restless, terms, min(r.at for r in rows)), terms.zone)
    late = [row.id for row in rows if row.at >= now - LATE]
    _advance(conn, terms.zone, min(late) - 1 if late else rows[-1].id)
    return len(rows) if not late else sum(1 for row in rows if row.id < late[0])


def _mark(conn: Connection, zone: str) -> int:
    """Up to where the entries are taken in. An index of another time zone is thrown away."""
    m = figure_mark.c
    found = conn.execute(select(m.entry).where(m.zone == zone)).scalar()
    if found is not None:
        return int(found)
    for table in (figure_mark, figure_day_ticket, figure_day, figure_thing):
        conn.execute(delete(table))
    _keep(conn, figure_mark, ("zone", "entry", "answers_at"), [(zone, 0, 0)])
    return 0


def _advance(conn: Connection, zone: str, entry: int) -> None:
    m = figure_mark.c
    conn.execute(figure_mark.update().where(m.zone == zone, m.entry < entry).values(entry=entry))


def _moved(conn: Connection, restless: Collection[int], terms: Terms, since: int) -> set[str]:
    """The days before that these tickets may change: their own, and those of tickets about the same things in the time in
    which a repair can turn out to be repeated."""
    if not restless:
        return set()
    d, t = figure_day_ticket.c, figure_thing.c
    days = set(conn.execute(select(d.day).where(among(conn, d.ticket_id, restless)).distinct()).scalars())
    reach = max(terms.repeat_days, terms.duplicate_days) + 1
    oldest = (date.fromisoformat(day_of(since, terms.zone)) - timedelta(days=reach)).isoformat()
    things = select(t.thing).where(among(conn, t.ticket_id, restless))
    others = select(t.ticket_id).where(t.thing.in_(things))
    near = select(d.day).where(d.ticket_id.in_(others), d.day >= oldest).distinct()
    return days | set(conn.execute(near).scalars())


def mark_days(conn: Connection, days: Iterable[str], zone: str) -> None:
    """These days are to be computed anew."""
    rows = [
        {"day": day, "marked": 1, "done": 0, "over_at": span(day, zone)[1] + LATE, "computed_at": 0, "cost_us": 0,
         "versions": ""}
        for day in sorted(days)
    ]  # fmt: skip
    if rows:
        statement = _insert(conn, figure_day)
        again = {"marked": figure_day.c.marked + 1}
        conn.execute(statement.on_conflict_do_update(index_elements=["day"], set_=again), rows)


def mark_answers(conn: Connection, terms: Terms, now: int) -> None:
    """Once an hour: the days whose questions to other systems were answered since the last time."""
    m, s = figure_mark.c, tables.context_section.c
    since = conn.execute(select(m.answers_at).where(m.zone == terms.zone)).scalar()
    if since is None or now < since + clock.HOUR:
        return
    late = (s.asked_at > now - CONTEXT * clock.DAY, s.answered_at >= since - LATE)
    mark_days(
        conn, {day_of(at, terms.zone) for at in conn.execute(select(s.asked_at).where(*late)).scalars()}, terms.zone
    )
    conn.execute(figure_mark.update().where(m.zone == terms.zone).values(answers_at=now))


def tickets_of(conn: Connection, day: str) -> list[int]:
    """The tickets that may count on a day, in order."""
    d = figure_day_ticket.c
    return list(conn.execute(select(d.ticket_id).where(d.day == day).order_by(d.ticket_id)).scalars())


def size(conn: Connection, day: str) -> int:
    """How many tickets may count on a day."""
    return int(conn.execute(select(func.count()).where(figure_day_ticket.c.day == day)).scalar() or 0)


def behind(conn: Connection, terms: Terms) -> int:
    """How many entries are not taken in yet."""
    newest = conn.execute(select(func.max(core.entry.c.id))).scalar() or 0
    found = conn.execute(select(figure_mark.c.entry).where(figure_mark.c.zone == terms.zone)).scalar() or 0
    return max(0, int(newest) - int(found))


def _insert(conn: Connection, table: Table) -> Any:
    return (postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert)(table)


def _keep(conn: Connection, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    values = [dict(zip(names, row, strict=True)) for row in rows]
    if values:
        conn.execute(_insert(conn, table).on_conflict_do_nothing(), values)
