"""The registry's tables. Times are microseconds since 1970 UTC; `gid` columns hold births unless they say `root`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, SmallInteger, Table, Text, text

__all__ = ["cannot_link", "field_lock", "id_counter", "merge_event", "metadata", "observation", "redirect", "xref"]

metadata = MetaData()

# Bytewise order, so that a prefix is a range of the primary key and both databases sort alike; SQLite has it anyway.
_Bytes = Text().with_variant(Text(collation="C"), "postgresql")
_Number = BigInteger().with_variant(Integer, "sqlite")

xref = Table(
    "xref",
    metadata,
    Column("kind", SmallInteger, nullable=False, primary_key=True, autoincrement=False),
    Column("system", _Bytes, nullable=False, primary_key=True),
    Column("local", _Bytes, nullable=False, primary_key=True),
    Column("gid", BigInteger, nullable=False, comment="The id this key was born with; never rewritten."),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False, comment="Exact to a day; see resolve()."),
    Index("xref_gid", "gid", unique=True),
    sqlite_with_rowid=False,
    comment="What each system calls a thing.",
)

redirect = Table(
    "redirect",
    metadata,
    Column("gid", _Number, primary_key=True, autoincrement=False),
    Column("root", BigInteger, nullable=False, comment="The live id, always one hop away."),
    Index("redirect_root", "root"),
    comment="Live id of each merged id. Derived: merge_event is the truth.",
)

merge_event = Table(
    "merge_event",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("a", BigInteger, nullable=False),
    Column("b", BigInteger, nullable=False),
    Column("winner", BigInteger, nullable=False),
    Column("loser", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("score", Float),
    Column("undone_at", BigInteger),
    Column("undone_by", Text),
    Index("merge_event_a", "a"),
    Index("merge_event_b", "b"),
    comment="Edges between ids that somebody found to be one thing; those not undone make up the components.",
)

cannot_link = Table(
    "cannot_link",
    metadata,
    Column("a", BigInteger, primary_key=True, autoincrement=False, comment="The lower of the two."),
    Column("b", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Index("cannot_link_b", "b"),
    comment="Pairs that must never be one thing.",
)

observation = Table(
    "observation",
    metadata,
    Column("gid", BigInteger, primary_key=True, autoincrement=False, comment="Birth id of the record it was read of."),
    Column("system", _Bytes, primary_key=True),
    Column("field", _Bytes, primary_key=True),
    Column("value", Text, nullable=False, comment="JSON; see values.py."),
    Column("read_at", BigInteger, nullable=False, comment="When it was last read."),
    Column("since", BigInteger, nullable=False, comment="When it was first read with this value."),
    Column("noted_at", BigInteger, nullable=False, comment="When the registry took this value in."),
    Column("source", Text, nullable=False, comment="JSON; the reading it came from, in the caller's words."),
    sqlite_with_rowid=False,
    comment="What each system says of a thing, field by field: the candidates of a golden record.",
)

_is_name = text("field = 'name'")
Index("observation_names", observation.c.gid, postgresql_where=_is_name, sqlite_where=_is_name)

field_lock = Table(
    "field_lock",
    metadata,
    Column("gid", BigInteger, primary_key=True, autoincrement=False),
    Column("field", _Bytes, primary_key=True),
    Column("value", Text, nullable=False, comment="JSON; see values.py."),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="Values that a person has settled.",
)

id_counter = Table(
    "id_counter",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("year", SmallInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="The last number given out, on SQLite; PostgreSQL has the sequences gid_<kind>_<year>.",
)
