"""Sessions: a random cookie, of which the database keeps a digest, until it was idle or is old."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from gateway import clock
from gateway.signin.tables import session

COOKIE = "weft_session"
CSRF_HEADER = "x-csrf-token"
IDLE = 8 * clock.HOUR
LASTING = 7 * clock.DAY
SEEN_EVERY = 5 * clock.MINUTE
"""How often being used is written down."""


@dataclass(frozen=True, slots=True)
class Session:
    """Of whom, until when; times are microseconds UTC."""

    digest: str
    account_id: str
    seen_at: int
    expires_at: int

    @property
    def ends_at(self) -> int:
        """If it is not used any more."""
        return min(self.seen_at + IDLE, self.expires_at)


def begin(conn: Connection, account_id: str, now: int) -> str:
    """A new session; answers its cookie. What is over of anybody's is thrown away."""
    c = session.c
    conn.execute(delete(session).where(or_(c.expires_at <= now, c.seen_at <= now - IDLE)))
    cookie = secrets.token_urlsafe(32)
    values = {"digest": digest_of(cookie), "account_id": account_id, "created_at": now, "seen_at": now}
    conn.execute(insert(session).values(**values, expires_at=now + LASTING))
    return cookie


def find(conn: Connection, cookie: str, now: int) -> Session | None:
    """A live one."""
    c = session.c
    live = (c.digest == digest_of(cookie)) & (c.expires_at > now) & (c.seen_at > now - IDLE)
    row = conn.execute(select(c.digest, c.account_id, c.seen_at, c.expires_at).where(live)).first()
    return None if row is None else Session(*row)


def touch(conn: Connection, found: Session, now: int) -> None:
    """It is used now."""
    c = session.c
    conn.execute(update(session).where(c.digest == found.digest, c.seen_at < now).values(seen_at=now))


def end(conn: Connection, cookie: str) -> None:
    conn.execute(delete(session).where(session.c.digest == digest_of(cookie)))


def end_all(conn: Connection, account_id: str) -> None:
    conn.execute(delete(session).where(session.c.account_id == account_id))


def digest_of(cookie: str) -> str:
    # 256 random bits need no slow hash: they cannot be guessed
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()
