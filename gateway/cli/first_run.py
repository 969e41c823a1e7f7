"""What a new hub needs before anybody can use it: a token and an administrator."""

from __future__ import annotations

import sys
from typing import NamedTuple

from sqlalchemy import Connection

from gateway import clock, tokens
from gateway.secrets import write_private
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.signin import accounts, passwords
from gateway.tokens import Role

FIRST = "admin"
_SETTING_UP = 0x7765_6674_0001


class Made(NamedTuple):
    """`token`: of an administrator, if it is known now. `password`: the first administrator's, if it was set now."""

    token: str | None
    password: str | None


def set_up(s: Settings, *, tell: bool = True) -> Made:
    """See that there is an admin token (the given one, or a new one that is kept under `home`), and that somebody may sign
    in (`admin`, with the given password or a new one). `tell`: what is new is printed, once."""
    opened = Gateway(s)
    try:
        with opened.transaction() as conn:
            _alone(conn)
            token, is_new = _token(conn, s)
            password = _administrator(conn, s)
    finally:
        opened.close()
    path = s.home / "admin-token"
    if token is not None and is_new:
        s.home.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        write_private(path, token)
    if tell and is_new:
        sys.stdout.write(f"First admin token (also in {path}): {token}\n")
    if tell and password is not None and s.admin_password is None:
        sys.stdout.write(f"First sign-in at {s.url}: {FIRST} / {password}  (lost: weft user password {FIRST})\n")
    sys.stdout.flush()
    return Made(token, password)


def _token(conn: Connection, s: Settings) -> tuple[str | None, bool]:
    """The token, as far as it is known, and whether it was thought of now."""
    now = clock.now()
    if s.admin_token is not None:
        given = s.admin_token.get_secret_value()
        if not tokens.known(conn, given):
            tokens.create(conn, name="admin", role=Role.admin, now=now, token=given)
        return given, False
    if tokens.any_admin(conn):
        return None, False
    return tokens.create(conn, name="admin", role=Role.admin, now=now)[1], True


def _administrator(conn: Connection, s: Settings) -> str | None:
    if not accounts.is_empty(conn):
        return None
    password = s.admin_password.get_secret_value() if s.admin_password is not None else passwords.generated()
    accounts.create(conn, login=FIRST, name="Administrator", role=Role.admin, now=clock.now(), password=password)
    return password


def _alone(conn: Connection) -> None:
    """Of several gateways that start at the same moment one sets up, and the others find it done."""
    if conn.dialect.name == "postgresql":  # SQLite lets one write at a time anyhow
        conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_SETTING_UP,))
