"""The roster as it stands in the database: what each source tells is written as it comes, and read as one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Table, delete, false, func, select
from sqlalchemy.dialects import postgresql, sqlite

from core_tickets.batch import among
from core_tickets.people import tables
from core_tickets.people.merging import BY_HAND, DayTold, ShiftTold, Told, roster_of
from core_tickets.people.roster import Roster

_V = tables.version.c
REMEMBERED = 60 * 86_400_000_000
"""Shifts that ended so long ago, and so long before the last planned one, are not read any more."""


def load_roster(conn: Connection, connections: Collection[str] | None = None, *, now: int | None = None) -> Roster:
    """Everybody there is; with `connections` only what these (and the configuration) tell. Five statements: the hub keeps it
    as `hub.roster` until its version changes. `now`: who is planned for a year ahead is there today; without it only the
    shifts around the last planned one are read."""
    sources = None if connections is None else [BY_HAND, *connections]

    def rows(table: Table) -> Iterable[Any]:
        query = select(table)
        return conn.execute(query if sources is None else query.where(_of(table, sources)))

    people = [Told(row.source, row.key, orjson.loads(row.body)) for row in rows(tables.person)]
    groups = [Told(row.source, row.key, orjson.loads(row.body)) for row in rows(tables.group)]
    last = select(func.max(tables.shift.c.ends_at)).scalar_subquery()
    ends_at = tables.shift.c.ends_at
    since_now = ends_at > now - REMEMBERED if now is not None else false()
    recent = select(tables.shift).where((ends_at > last - REMEMBERED) | since_now)
    shifts = [
        ShiftTold(*r) for r in conn.execute(recent if sources is None else recent.where(_of(tables.shift, sources)))
    ]
    days = [DayTold(*row) for row in rows(tables.day)]
    return roster_of(people, groups, shifts, days, roster_version(conn))


def _of(table: Table, sources: Collection[str]) -> ColumnElement[bool]:
    return table.c.source.in_(sorted(sources))


def roster_version(conn: Connection) -> int:
    """Grows with every change of people, groups, shifts and calendar days."""
    return conn.execute(select(_V.version).where(_V.id == 1)).scalar() or 0


def put_people(conn: Connection, told: Sequence[Told]) -> None:
    """Write what a source says of persons; what it said before of the same key is replaced."""
    _upsert(conn, tables.person, [_row(t) for t in told])


def put_groups(conn: Connection, told: Sequence[Told]) -> None:
    """Write what a source says of groups; what it said before of the same key is replaced."""
    _upsert(conn, tables.group, [_row(t) for t in told])


def put_shifts(conn: Connection, told: Sequence[ShiftTold]) -> None:
    """Write planned shifts; a shift of the same key is replaced."""
    _upsert(conn, tables.shift, [t._asdict() for t in told])


def put_days(conn: Connection, told: Sequence[DayTold]) -> None:
    """Write holidays and worked days of rest; a day of the same key is replaced."""
    _upsert(conn, tables.day, [t._asdict() for t in told])


TABLES: Mapping[str, Table] = {
    "people": tables.person,
    "groups": tables.group,
    "shifts": tables.shift,
    "days": tables.day,
}


def drop(conn: Connection, what: str, source: str, keys: Collection[str]) -> None:
    """Take away what a source said of these keys; `what`: people, groups, shifts or days."""
    if keys:
        table = TABLES[what]
        gone = conn.execute(delete(table).where(table.c.source == source, among(conn, table.c.key, keys)))
        if gone.rowcount:
            _changed(conn)


def drop_below(conn: Connection, what: str, source: str, prefix: str) -> None:
    """Take away what a source said of all keys that begin so."""
    table = TABLES[what]
    gone = conn.execute(delete(table).where(table.c.source == source, table.c.key.startswith(prefix, autoescape=True)))
    if gone.rowcount:
        _changed(conn)


def keep_by_hand(conn: Connection, people: Sequence[Told], groups: Sequence[Told]) -> None:
    """All that the configuration says of people and groups, in place of what it said before."""
    changed = False
    for table, told in ((tables.person, people), (tables.group, groups)):
        own = table.c.source == BY_HAND
        before = {row.key: row.body for row in conn.execute(select(table.c.key, table.c.body).where(own))}
        after = {str(row["key"]): row["body"] for row in map(_row, told)}
        if before != after:
            conn.execute(delete(table).where(own))
            _insert(conn, table, [{"source": BY_HAND, "key": key, "body": body} for key, body in after.items()])
            changed = True
    if changed:
        _changed(conn)


def _row(told: Told) -> dict[str, Any]:
    fields = {name: value for name, value in told.fields.items() if value not in (None, "", [], {})}
    return {
        "source": told.source,
        "key": told.key,
        "body": orjson.dumps(fields, default=str, option=orjson.OPT_SORT_KEYS).decode(),
    }


def _upsert(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        last = {(row["source"], row["key"]): row for row in rows}
        _insert(conn, table, [last[place] for place in sorted(last)])
        _changed(conn)


def _insert(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    made = _dialect(conn)(table)
    values = {name: made.excluded[name] for name in rows[0] if name not in ("source", "key")}
    conn.execute(made.on_conflict_do_update(index_elements=["source", "key"], set_=values), list(rows))


def _changed(conn: Connection) -> None:
    made = _dialect(conn)(tables.version).values(id=1, version=1)
    conn.execute(made.on_conflict_do_update(index_elements=["id"], set_={"version": _V.version + 1}))


def _dialect(conn: Connection) -> Any:
    return postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
