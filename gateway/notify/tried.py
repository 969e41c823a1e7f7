"""Which channels ever proved that they work. A channel that never did may not be in a policy that people rely on."""

from __future__ import annotations

from sqlalchemy import Connection, select, union
from sqlalchemy.dialects import postgresql, sqlite

from gateway.notify.tables import channel_test
from gateway.tables import connection_health

_T, _H = channel_test.c, connection_health.c


def tested_channels(conn: Connection) -> frozenset[str]:
    """The connections whose check, heartbeat or test message succeeded at least once."""
    tried = select(_T.connection_id).where(_T.ok_at.is_not(None))
    beating = select(_H.connection_id).where(_H.ok.is_(True))
    return frozenset(conn.execute(union(tried, beating)).scalars())


def remember_test(conn: Connection, connection_id: str, reason: str, actor: str, now: int) -> None:
    """Keep what came of a try; an empty `reason`: it worked. That it once worked is not forgotten."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    tried = {"tried_at": now, "reason": reason, "actor": actor}
    worked = {} if reason else {"ok_at": now}
    statement = insert(channel_test).values(connection_id=connection_id, **tried, **worked)
    conn.execute(statement.on_conflict_do_update(index_elements=["connection_id"], set_=tried | worked))
