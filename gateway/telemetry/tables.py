"""Figures of connections by minute (two days) and by hour (ninety days), and the shapes of their streams."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from gateway.tables import metadata

BOUNDS_MS = (10, 30, 100, 300, 1_000, 3_000, 10_000)
"""Calls are counted by how long they took: under each of these, and above."""
BUCKETS = (*(f"under_{bound}" for bound in BOUNDS_MS), "longer")
COUNTED = ("calls", "failures", "took_us", *BUCKETS, "received", "read", "dead")

span = Table(
    "connection_span",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("seconds", Integer, primary_key=True, autoincrement=False, comment="60: a minute, 3600: an hour"),
    Column("at", BigInteger, primary_key=True, autoincrement=False, comment="its beginning, microseconds UTC"),
    *(Column(name, BigInteger, nullable=False) for name in COUNTED),
)
Index("connection_span_by_age", span.c.seconds, span.c.at)

profile = Table(
    "shape_profile",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("body", Text, nullable=False, comment="what is known of its records' shape, JSON"),
    Column("at", BigInteger, nullable=False),
)

drift = Table(
    "shape_drift",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("kind", String(8), nullable=False, comment="new | gone | type"),
    Column("path", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("now", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column(
        "day", Integer, nullable=False, comment="days since 1970: several processes tell the same change once a day"
    ),
    UniqueConstraint("connection_id", "stream", "kind", "path", "now", "day", name="shape_drift_once"),
)
