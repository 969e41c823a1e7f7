"""What the desk keeps: filters that people saved, and links given to customers. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from gateway.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")

saved_filter = Table(
    "saved_filter",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("owner", Text, nullable=False, comment="who saved it, as timelines name them"),
    Column("name", String(100), nullable=False),
    Column("query", Text, nullable=False, comment="parameters of GET /v1/tickets, JSON"),
    Column("shared", Boolean, nullable=False, server_default="0", comment="everybody who works here sees it"),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("owner", "name", name="saved_filter_once"),
)
_shared = saved_filter.c.shared
Index("saved_filter_shared", saved_filter.c.id, postgresql_where=_shared, sqlite_where=_shared)

progress_link = Table(
    "progress_link",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("ticket_id", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Column("seen_at", BigInteger, comment="when it was last looked at"),
    Index("progress_link_of_ticket", "ticket_id", "id"),
)
