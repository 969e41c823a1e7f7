"""How often somebody may try: counted in the database, so that it holds for all processes together."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, case, delete
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway import clock
from gateway.errors import TooBusy
from gateway.signin.tables import signin_attempt

WINDOW = 5 * clock.MINUTE
TOGETHER, LOGIN, ADDRESS = 8, 60, 200
"""Tries within the window: of one login from one address, of one login, from one address. Who guesses is stopped by the
first; that of the login is wide, so that nobody locks others out by guessing at their names."""


def count(conn: Connection, login: str, address: str, now: int) -> int | None:
    """Count a try; answers the seconds to wait when there were too many. Alike for logins that there are and are not."""
    wait = None
    for key, most in (
        (_key("both", login, address), TOGETHER),
        (_key("login", login), LOGIN),
        (_key("from", address), ADDRESS),
    ):
        since, tries = _counted(conn, key, now)
        if tries > most:
            wait = max(wait or 0, (since + WINDOW - now) // clock.SECOND + 1)
    conn.execute(delete(signin_attempt).where(signin_attempt.c.since < now - WINDOW))
    return wait


def forget(conn: Connection, login: str, address: str) -> None:
    """It was the right password."""
    keys = [_key("both", login, address), _key("login", login)]
    conn.execute(delete(signin_attempt).where(signin_attempt.c.key.in_(keys)))


def refuse(wait: int) -> TooBusy:
    return TooBusy(f"Too many tries to sign in; wait {wait} seconds.", retry_after=wait)


def _counted(conn: Connection, key: str, now: int) -> tuple[int, int]:
    c = signin_attempt.c
    insert = pg_insert if conn.dialect.name == "postgresql" else sqlite_insert
    old = c.since < now - WINDOW
    again = {"since": case((old, now), else_=c.since), "tries": case((old, 1), else_=c.tries + 1)}
    counted = (
        insert(signin_attempt)
        .values(key=key, since=now, tries=1)
        .on_conflict_do_update(index_elements=[c.key], set_=again)
        .returning(c.since, c.tries)
    )
    row = conn.execute(counted).one()
    return row.since, row.tries


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
