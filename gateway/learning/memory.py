"""Small things that learning remembers between its rounds: watermarks, medians."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
import structlog
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.learning.tables import learned

log = structlog.get_logger("gateway.learning")
T = TypeVar("T")


def recall(conn: Connection, name: str, default: T) -> T:
    """What was remembered last, as JSON holds it."""
    value = conn.execute(select(learned.c.value).where(learned.c.name == name)).scalar()
    return default if value is None else orjson.loads(value)


def remember(conn: Connection, name: str, value: Any, now: int) -> None:
    told = {"at": now, "value": orjson.dumps(value).decode()}
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(learned).values(name=name, **told)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=told))


def last(conn: Connection, name: str) -> int:
    """When it was remembered; 0: never."""
    return conn.execute(select(learned.c.at).where(learned.c.name == name)).scalar() or 0
