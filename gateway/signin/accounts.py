"""Accounts: who may sign in, with which role, as whom of the roster."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from gateway.errors import Conflict, NotFound, Problem, Refused
from gateway.signin import passwords, sessions
from gateway.signin.tables import account
from gateway.tokens import Bearer, Role

_LOGIN = re.compile(r"[\w.@+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Account:
    """One who may sign in. Times are microseconds UTC."""

    id: str
    login: str
    name: str
    role: Role
    person: str | None
    roles: tuple[str, ...] | None
    """Business roles; None: those the roster gives the person."""
    has_password: bool
    must_change: bool
    issuer: str | None
    created_at: int
    disabled_at: int | None
    signed_in_at: int | None

    @property
    def bearer(self) -> Bearer:
        roles = None if self.roles is None else frozenset(self.roles)
        return Bearer(self.id, self.login, self.role, self.person, roles, signed_in=True)


def folded(login: str) -> str:
    """As it is kept and compared: without case and compatibility forms."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def demand_login(login: str) -> str:
    """The login as it is kept. Raises Refused."""
    kept = folded(login)
    if not _LOGIN.fullmatch(kept):
        hint = "letters, digits and . _ - + @, at most 100"
        raise Refused("The user name cannot be used.", [Problem("login", "it has other characters", hint)])
    return kept


def create(
    conn: Connection, *, login: str, role: Role, now: int, name: str = "", password: str | None = None,
    person: str | None = None, roles: Collection[str] | None = None, must_change: bool = False,
    issuer: str | None = None, subject: str | None = None,
) -> Account:  # fmt: skip
    """A new account. Raises Refused for a bad login or password, Conflict for a login there is."""
    kept = demand_login(login)
    if password is not None:
        passwords.demand_good(password, kept)
    values = {"id": str(ULID()), "login": kept, "name": name.strip() or login.strip(), "role": role.value, "person": person,
              "roles": orjson.dumps(sorted(roles)).decode() if roles else None, "must_change": must_change,
              "password": None if password is None else passwords.hashed(password), "issuer": issuer, "subject": subject,
              "created_at": now}  # fmt: skip
    try:
        with conn.begin_nested():
            conn.execute(insert(account).values(values))
    except IntegrityError:
        raise Conflict(f"There is an account {kept!r} already.") from None
    return get(conn, str(values["id"]))


def listed(conn: Connection) -> list[Account]:
    """All of them, in order of login."""
    return [_account(row) for row in conn.execute(select(account).order_by(account.c.login))]


def get(conn: Connection, account_id: str) -> Account:
    """Raises NotFound."""
    row = conn.execute(select(account).where(account.c.id == account_id)).first()
    if row is None:
        raise NotFound(f"There is no account {account_id!r}.")
    return _account(row)


def by_login(conn: Connection, login: str) -> Account:
    """Raises NotFound."""
    row = conn.execute(select(account).where(account.c.login == folded(login))).first()
    if row is None:
        raise NotFound(f"There is no account {login!r}.")
    return _account(row)


def by_subject(conn: Connection, issuer: str, subject: str) -> Account | None:
    c = account.c
    row = conn.execute(select(account).where(c.issuer == issuer, c.subject == subject)).first()
    return None if row is None else _account(row)


def stored_password(conn: Connection, login: str) -> tuple[Account | None, str | None]:
    """The account that may sign in with a password, and what the password is compared with; None: nothing matches."""
    row = conn.execute(select(account).where(account.c.login == folded(login))).first()
    if row is None or row.disabled_at is not None:
        return None, None
    return _account(row), row.password


def change(conn: Connection, account_id: str, now: int, **values: Any) -> Account:
    """`name`, `role`, `person`, `roles`, `disabled`. Whoever is disabled is signed out everywhere. Raises NotFound, and
    Conflict when nobody would be left who administers."""
    before = get(conn, account_id)
    if "disabled" in values:
        off = values.pop("disabled")
        values["disabled_at"] = (before.disabled_at or now) if off else None
    if "roles" in values:
        values["roles"] = orjson.dumps(sorted(values["roles"])).decode() if values["roles"] else None
    if values:
        conn.execute(update(account).where(account.c.id == account_id).values(values))
    after = get(conn, account_id)
    if before.disabled_at is None and before.role is Role.admin and not any_admin(conn):
        raise Conflict("This is the last administrator; make somebody else one first.")
    if after.disabled_at is not None:
        sessions.end_all(conn, account_id)
    return after


def set_password(conn: Connection, account_id: str, password: str, *, must_change: bool) -> None:
    """Ends all sessions of the account. Raises NotFound, Refused."""
    found = get(conn, account_id)
    passwords.demand_good(password, found.login)
    values = {"password": passwords.hashed(password), "must_change": must_change}
    conn.execute(update(account).where(account.c.id == account_id).values(values))
    sessions.end_all(conn, account_id)


def any_admin(conn: Connection) -> bool:
    c = account.c
    query = select(func.count()).where(c.role == Role.admin.value, c.disabled_at.is_(None))
    return bool(conn.execute(query).scalar())


def is_empty(conn: Connection) -> bool:
    """Was there never anybody?"""
    return conn.execute(select(account.c.id).limit(1)).first() is None


def _account(row: Row[Any]) -> Account:
    roles = None if row.roles is None else tuple(orjson.loads(row.roles))
    return Account(row.id, row.login, row.name, Role(row.role), row.person, roles, row.password is not None,
                   bool(row.must_change), row.issuer, row.created_at, row.disabled_at, row.signed_in_at)  # fmt: skip
