"""Signing in with a password: as slow and as silent for a login that there is not as for a wrong password."""

from __future__ import annotations

from sqlalchemy import update

from gateway import clock
from gateway.errors import Unauthorized
from gateway.service import Gateway
from gateway.signin import accounts, attempts, passwords, sessions
from gateway.signin.accounts import Account
from gateway.signin.tables import account


def sign_in(gateway: Gateway, login: str, password: str, address: str, old_cookie: str | None) -> tuple[Account, str]:
    """The account and its new session's cookie; the session that was there before ends, whoever's it was. Raises
    Unauthorized, TooBusy."""
    now, kept = clock.now(), accounts.folded(login)
    wait = gateway.transact(lambda conn: attempts.count(conn, kept, address, now))
    if wait is not None:
        raise attempts.refuse(wait)
    with gateway.reading() as conn:
        found, stored = accounts.stored_password(conn, kept)
    if not passwords.matches(stored, password) or found is None:
        raise Unauthorized("User name or password is wrong.")
    with gateway.transaction() as conn:
        attempts.forget(conn, kept, address)
        if stored is not None and passwords.outdated(stored):
            conn.execute(update(account).where(account.c.id == found.id).values(password=passwords.hashed(password)))
        if old_cookie:
            sessions.end(conn, old_cookie)
        conn.execute(update(account).where(account.c.id == found.id).values(signed_in_at=now))
        return found, sessions.begin(conn, found.id, now)
