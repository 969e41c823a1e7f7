"""What the configuration was: one row for each time it changed. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, Text

from gateway.tables import metadata

version = Table(
    "config_version",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False, comment="who; empty: before anybody was asked"),
    Column("note", Text, nullable=False, comment="why, in the words of who did it"),
    Column("items", LargeBinary, nullable=False, comment="all items in order, JSON, zstd; secrets encrypted"),
)
