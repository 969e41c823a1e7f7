"""The gateway's own tables of working together. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from gateway.tables import metadata

conduct_flag = Table(
    "conduct_flag",
    metadata,
    Column("person", String(200), primary_key=True),
    Column("period", BigInteger, primary_key=True, autoincrement=False, comment="spans since 1970"),
    Column("span", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ticket_id", BigInteger),
)
