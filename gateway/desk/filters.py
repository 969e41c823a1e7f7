"""Filters of the list of tickets that people saved, for themselves or for everybody who works here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, select, update

from gateway import clock
from gateway.desk.tables import saved_filter
from gateway.errors import Conflict, Forbidden, NotFound

MOST = 100
_F = saved_filter.c


def listed(conn: Connection, owner: str) -> list[dict[str, Any]]:
    """One's own, and those that others share; by name."""
    query = select(saved_filter).where((_F.owner == owner) | _F.shared).order_by(_F.name, _F.id)
    return [_shape(row, owner) for row in conn.execute(query)]


def save(
    conn: Connection, owner: str, name: str, query: Mapping[str, Any], *, shared: bool, now: int
) -> dict[str, Any]:
    """Under this name; one's own of the same name is replaced. Raises Conflict: there are too many."""
    held = conn.execute(select(_F.id).where(_F.owner == owner, _F.name == name)).scalar()
    values = {"query": orjson.dumps(dict(query)).decode(), "shared": shared, "updated_at": now}
    if held is not None:
        conn.execute(update(saved_filter).where(_F.id == held).values(values))
    else:
        if (conn.execute(select(func.count()).where(_F.owner == owner)).scalar() or 0) >= MOST:
            raise Conflict(f"You have {MOST} saved filters; delete one first.")
        made = conn.execute(insert(saved_filter).values(owner=owner, name=name, **values))
        held = made.inserted_primary_key[0] if made.inserted_primary_key else None
    return _shape(conn.execute(select(saved_filter).where(_F.id == held)).one(), owner)


def remove(conn: Connection, number: int, owner: str, *, anybodys: bool) -> None:
    """One's own; `anybodys`: a shared one too. Raises NotFound, Forbidden."""
    row = conn.execute(select(saved_filter).where(_F.id == number)).first()
    if row is None or (row.owner != owner and not row.shared):
        raise NotFound(f"There is no saved filter {number}.")
    if row.owner != owner and not anybodys:
        raise Forbidden(f"{row.owner} shared this filter; it is theirs, or an integrator's, to delete.")
    conn.execute(delete(saved_filter).where(_F.id == number))


def _shape(row: Any, owner: str) -> dict[str, Any]:
    return {"number": row.id, "name": row.name, "query": orjson.loads(row.query), "shared": bool(row.shared),
            "owner": row.owner, "mine": row.owner == owner, "updated_at": clock.rfc3339(row.updated_at)}  # fmt: skip
