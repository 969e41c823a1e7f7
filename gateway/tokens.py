"""API tokens: shown once, kept as a digest; what each role may do."""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

import orjson
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
    person: str | None = None
    """Who it is, by the roster's id; None: a machine, or nobody in particular."""
    roles: frozenset[str] | None = None
    """Business roles given with the token; None: those the roster gives the person."""
    customer: int | None = None
    """Global id of the customer it is for."""
    signed_in: bool = False
    """A person with an account, not a token."""

    @property
    def actor(self) -> str:
        """What stands in timelines and audit trails. Who is nobody of the roster cannot look as if they were."""
        return self.person or f"{'account' if self.signed_in else 'token'}:{self.name}"

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
    person: str | None = None
    roles: tuple[str, ...] | None = None
    customer: int | None = None


def _digest(token: str) -> str:
    # 160 random bits need no slow hash: they cannot be guessed
    return hashlib.sha256(token.encode()).hexdigest()


def create(
    conn: Connection, *, name: str, role: Role, now: int, expires_at: int | None = None, token: str | None = None,
    person: str | None = None, roles: Collection[str] | None = None, customer: int | None = None,
) -> tuple[str, str]:  # fmt: skip
    """A new token: (id, the token itself, shown only now). `token`: a given one, for automation. With a `person`,
    business `roles` or a `customer` its bearer sees and does what the policy `rights` says, else all its role may."""
    token_id = str(ULID())
    text = token or f"weft_{secrets.token_urlsafe(24)}"
    values = {"id": token_id, "digest": _digest(text), "name": name, "role": role.value,
              "person": person, "customer": customer,
              "roles": orjson.dumps(sorted(roles)).decode() if roles else None}  # fmt: skip
    conn.execute(insert(t.token).values(**values, created_at=now, expires_at=expires_at))
    return token_id, text


def find(conn: Connection, token: str, now: int) -> Bearer | None:
    """The bearer of a live token."""
    c = t.token.c
    live = (c.revoked_at.is_(None)) & or_(c.expires_at.is_(None), c.expires_at > now)
    query = select(c.id, c.name, c.role, c.person, c.roles, c.customer).where(c.digest == _digest(token), live)
    row = conn.execute(query).first()
    if row is None:
        return None
    roles = None if row.roles is None else frozenset(orjson.loads(row.roles))
    return Bearer(row.id, row.name, Role(row.role), row.person, roles, row.customer)


def listed(conn: Connection) -> list[TokenInfo]:
    c = t.token.c
    rows = conn.execute(select(t.token).order_by(c.id))
    return [
        TokenInfo(r.id, r.name, r.role, r.created_at, r.expires_at, r.revoked_at, r.person,
                  None if r.roles is None else tuple(orjson.loads(r.roles)), r.customer)
        for r in rows
    ]  # fmt: skip


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
