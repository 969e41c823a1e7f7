"""API tokens: shown once, kept as a digest; what each role may do."""

from __future__ import annotations

import enum
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, update
from ulid import ULID

from gateway import tables as t
from gateway.errors import NotFound


class Right(enum.StrEnum):
    read = "read"
    act = "act"  # work on tickets
    configure = "configure"  # connections, rules, mappings, syncs, dead letters, identities
    administer = "administer"  # tokens, everything


class Role(enum.StrEnum):
    viewer = "viewer"
    agent = "agent"
    integrator = "integrator"
    admin = "admin"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.viewer: frozenset({Right.read}),
    Role.agent: frozenset({Right.read, Right.act}),
    Role.integrator: frozenset({Right.read, Right.act, Right.configure}),
    Role.admin: frozenset(Right),
}


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a request comes from."""

    id: str
    name: str
    role: Role

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]


@dataclass(frozen=True, slots=True)
class TokenInfo:
    id: str
    name: str
    role: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


def _digest(token: str) -> str:
    # 160 random bits need no slow hash: they cannot be guessed
    return hashlib.sha256(token.encode()).hexdigest()


def create(
    conn: Connection, *, name: str, role: Role, now: int, expires_at: int | None = None, token: str | None = None
) -> tuple[str, str]:
    """A new token: (id, the token itself, shown only now). `token`: a given one, for automation."""
    token_id = str(ULID())
    text = token or f"weft_{secrets.token_urlsafe(24)}"
    values = {"id": token_id, "digest": _digest(text), "name": name, "role": role.value}
    conn.execute(insert(t.token).values(**values, created_at=now, expires_at=expires_at))
    return token_id, text


def find(conn: Connection, token: str, now: int) -> Bearer | None:
    """The bearer of a live token."""
    c = t.token.c
    live = (c.revoked_at.is_(None)) & or_(c.expires_at.is_(None), c.expires_at > now)
    row = conn.execute(select(c.id, c.name, c.role).where(c.digest == _digest(token), live)).first()
    return None if row is None else Bearer(row.id, row.name, Role(row.role))


def listed(conn: Connection) -> list[TokenInfo]:
    c = t.token.c
    rows = conn.execute(select(c.id, c.name, c.role, c.created_at, c.expires_at, c.revoked_at).order_by(c.id))
    return [TokenInfo(*row) for row in rows]


def revoke(conn: Connection, token_id: str, now: int) -> None:
    """Raises NotFound."""
    c = t.token.c
    done = conn.execute(update(t.token).where(c.id == token_id, c.revoked_at.is_(None)).values(revoked_at=now))
    if not done.rowcount:
        raise NotFound(f"There is no live token {token_id!r}.")


def any_admin(conn: Connection) -> bool:
    c = t.token.c
    return (
        conn.execute(select(c.id).where(c.role == Role.admin.value, c.revoked_at.is_(None)).limit(1)).first()
        is not None
    )


def known(conn: Connection, token: str) -> bool:
    return conn.execute(select(t.token.c.id).where(t.token.c.digest == _digest(token))).first() is not None
