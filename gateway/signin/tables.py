"""Accounts of people, their sessions, and how often somebody tried. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from gateway.tables import metadata

account = Table(
    "account",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("login", String(100), nullable=False, unique=True, comment="folded: compared without case"),
    Column("name", Text, nullable=False, comment="how people call them"),
    Column("role", String(16), nullable=False, comment="viewer | agent | integrator | admin"),
    Column("person", String(128), comment="id in the roster; NULL: nobody of the roster"),
    Column("roles", Text, comment="business roles, JSON; NULL: those of the person"),
    Column("password", Text, comment="argon2id, with its parameters; NULL: signs in elsewhere"),
    Column("must_change", Boolean, nullable=False, server_default="0", comment="before anything else is allowed"),
    Column("issuer", Text, comment="whose subject it is, for who signs in by OIDC"),
    Column("subject", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("signed_in_at", BigInteger, comment="last time"),
)
Index("account_of_subject", account.c.issuer, account.c.subject, unique=True)

session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True, comment="of the cookie; the cookie itself is not kept"),
    Column("account_id", String(26), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False, comment="to the nearest minutes"),
    Column("expires_at", BigInteger, nullable=False),
)
Index("session_of_account", session.c.account_id)

signin_attempt = Table(
    "signin_attempt",
    metadata,
    Column("key", String(64), primary_key=True, comment="digest of a login, an address, or both"),
    Column("since", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
)
