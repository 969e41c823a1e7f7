"""What is kept of figures: which tickets may count on which day, the sums of each day, and what a recomputation changed.

All of it can be made again from the events; it is kept so that a year is answered at once. Days are `2026-11-22` in the
time zone of the policy `figures`, times are microseconds UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")

figure_mark = Table(
    "figure_mark",
    metadata,
    Column("zone", String(64), primary_key=True, comment="whose days the index holds; another zone makes it anew"),
    Column("entry", BigInteger, nullable=False, comment="all ticket entries up to this id are in the index"),
    Column("answers_at", BigInteger, nullable=False, comment="answers to questions up to then are in it"),
)

figure_day = Table(
    "figure_day",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("marked", BigInteger, nullable=False, comment="grows with each event that may change the day"),
    Column("done", BigInteger, nullable=False, comment="`marked` as it was when the day was computed"),
    Column("over_at", BigInteger, nullable=False, comment="its end, and time for what commits late"),
    Column("computed_at", BigInteger, nullable=False, comment="0: never"),
    Column("cost_us", BigInteger, nullable=False, comment="CPU time of the last computation"),
    Column("versions", String(64), nullable=False, comment="hash of the versions of all figures that were computed"),
)

figure_day_ticket = Table(
    "figure_day_ticket",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Index("figure_day_ticket_by_ticket", "ticket_id", "day"),
)

figure_thing = Table(
    "figure_thing",
    metadata,
    Column("thing", BigInteger, primary_key=True, autoincrement=False, comment="a device or customer"),
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False, comment="was ever about it"),
    Index("figure_thing_by_ticket", "ticket_id"),
)

figure_value = Table(
    "figure_value",
    metadata,
    Column("metric", String(64), primary_key=True),
    Column("version", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("basis", String(4), primary_key=True, comment="then: as known when the day ended; now: as known at as_of"),
    Column("dimension", String(16), primary_key=True),
    Column("groups", Text, nullable=False, comment="{key: [numerator, denominator, facts]}, decimals as text, JSON"),
    Column("as_of", BigInteger, nullable=False),
)
Index("figure_value_of_day", figure_value.c.day)

figure_revision = Table(
    "figure_revision",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("day", String(10), nullable=False),
    Column("metric", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("dimension", String(16), nullable=False),
    Column("key", Text, nullable=False),
    Column("before", Text, nullable=False, comment="[numerator, denominator, facts], JSON"),
    Column("after", Text, nullable=False),
    Index("figure_revision_of_day", "day", "metric"),
)

figure_breach = Table(
    "figure_breach",
    metadata,
    Column("threshold", String(64), primary_key=True),
    Column("key", String(256), primary_key=True, comment="the group; empty: all"),
    Column("since", String(10), primary_key=True, comment="the first day of the breach"),
    Column("ticket_id", BigInteger, nullable=False),
    Column("ended", String(10), comment="the day that was good again"),
)
