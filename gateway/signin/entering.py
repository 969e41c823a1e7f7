"""Signing in with a password: as slow and as silent for a login that there is not as for a wrong password."""

from __future__ import annotations

from sqlalchemy import update

from gateway import clock
from gateway.errors import Unauthorized
from gateway.service import Gateway
from gateway.signin import accounts, attempts, passwords, sessions
from gateway.signin.accounts import Account
from gateway.signin.tables import account


def prove(gateway: Gateway, login: str, password: str, address: str) -> Account:
    """Whose password it is. Every try counts. Raises Unauthorized, TooBusy."""
    now, kept = clock.now(), accounts.folded(login)
    wait = gateway.transact(lambda conn: attempts.count(conn, kept, address, now))
    if wait is not None:
        raise attempts.refuse(wait)
    with gateway.reading() as conn:
        found, stored = accounts.stored_password(conn, kept)
    if not passwords.matches(stored, password) or found is None or stored is None:
        raise Unauthorized("User name or password is wrong.")
    renewed = {"password": passwords.hashed(password)} if passwords.outdated(stored) else {}
    with gateway.transaction() as conn:
        attempts.forget(conn, kept, address)
        if renewed:
            conn.execute(update(account).where(account.c.id == found.id).values(renewed))
    return found


def sign_in(gateway: Gateway, login: str, password: str, address: str, old_cookie: str | None) -> tuple[Account, str]:
    """The account and its new session's cookie; the session that was there before ends, whoever's it was. Raises
    Unauthorized, TooBusy."""
    found = prove(gateway, login, password, address)
    return found, enter(gateway, found, old_cookie)


def enter(gateway: Gateway, found: Account, old_cookie: str | None) -> str:
    """A new session's cookie for somebody who proved who they are; the session of the old one ends."""
    now = clock.now()
    with gateway.transaction() as conn:
        if old_cookie:
            sessions.end(conn, old_cookie)
        conn.execute(update(account).where(account.c.id == found.id).values(signed_in_at=now))
        return sessions.begin(conn, found.id, now)
