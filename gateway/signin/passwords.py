"""Passwords: argon2id, a bounded number at once, and the same time whether or not there is such an account."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import Problem, Refused

SHORTEST, LONGEST = 10, 1_000
_AT_ONCE = threading.BoundedSemaphore(4)
"""Each takes 64 MiB: who sends many passwords at once must not take the machine's memory."""
_HASHER = PasswordHasher()


def hashed(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(_plain(password))


def matches(stored: str | None, password: str) -> bool:
    """`stored` None: there is nothing to match, and finding that out takes as long."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _nobodys(), _plain(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(stored: str) -> bool:
    """Was it made with weaker parameters than today's?"""
    return _HASHER.check_needs_rehash(stored)


def demand_good(password: str, login: str) -> None:
    """Raises Refused. Length counts; what everybody tries first does not."""
    plain = _plain(password)
    why = ""
    if len(plain) < SHORTEST:
        why = f"it has fewer than {SHORTEST} characters"
    elif plain.casefold() in {login.casefold(), login.casefold() * 2} or len(set(plain)) < 4:
        why = "it is too easy to guess"
    if why:
        hint = f"take at least {SHORTEST} characters, such as four words that do not belong together"
        raise Refused("The password cannot be used.", [Problem("password", why, hint)])


def generated() -> str:
    """For one who is told it: 96 random bits."""
    return secrets.token_urlsafe(12)


def _plain(password: str) -> str:
    # a keyboard of another system composes the same characters differently
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_urlsafe(12))
