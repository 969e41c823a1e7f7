"""Who works here, as each source tells it: a personnel system, or the configuration (source `""`).

A row is what one source says of one thing; `people.merging` makes one roster of all of them. Times are microseconds UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from core_tickets.tables import metadata

__all__ = ["day", "group", "person", "shift", "version"]

person = Table(
    "person",
    metadata,
    Column("source", String(64), primary_key=True, comment="connection; empty: the configuration"),
    Column("key", Text, primary_key=True, comment="as the source names the record"),
    Column("body", Text, nullable=False, comment="JSON: what is said of the person, without nulls"),
)

group = Table(
    "person_group",
    metadata,
    Column("source", String(64), primary_key=True, comment="connection; empty: the configuration"),
    Column("key", Text, primary_key=True, comment="as the source names the record"),
    Column("body", Text, nullable=False, comment="JSON: what is said of the group, without nulls"),
)

shift = Table(
    "person_shift",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("team", Text, nullable=False, comment="id or name of the group, as the source says; empty: one person's"),
    Column("person", Text, nullable=False, comment="local id of the person; empty: the whole group"),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)
Index("person_shift_end", shift.c.ends_at)

day = Table(
    "calendar_day",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("calendar", Text, nullable=False),
    Column("day", String(10), nullable=False, comment="2026-10-01, in the calendar's own zone"),
    Column("working", Boolean, nullable=False, comment="a day of rest that is worked"),
    Column("name", Text, nullable=False),
)

version = Table(
    "roster_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False, comment="grows with every change of people, groups and shifts"),
)
