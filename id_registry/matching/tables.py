"""The tables of matching. `gid` columns hold births, so merges and undos leave them alone; times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from id_registry.tables import metadata

__all__ = ["match_decision", "match_frequency", "match_key", "match_record", "match_review"]

_Number = BigInteger().with_variant(Integer, "sqlite")

match_record = Table(
    "match_record",
    metadata,
    Column("gid", _Number, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("system", Text, nullable=False),
    Column("local", Text, nullable=False),
    Column("body", Text, nullable=False, comment="JSON: the compared fields in their normal form."),
    Column("pending", Boolean, nullable=False, comment="New or changed, and not yet compared."),
    comment="What each record says of the thing it is of, as matching compares it.",
)
_pending = text("pending")
Index("match_record_pending", match_record.c.kind, postgresql_where=_pending, sqlite_where=_pending)
Index("match_record_kind", match_record.c.kind, match_record.c.gid)

match_key = Table(
    "match_key",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False, comment="64 bits of kind, key's name and value."),
    Column("gid", BigInteger, primary_key=True, autoincrement=False),
    Index("match_key_gid", "gid"),
    sqlite_with_rowid=False,
    comment="The blocking index: records with a key in common are candidates.",
)

match_frequency = Table(
    "match_frequency",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False, comment="As in match_key; a kind's number: its records."),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="How many records have a key, of those that many have; counted by the batch.",
)  # fmt: skip

match_decision = Table(
    "match_decision",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("kind", SmallInteger, nullable=False),
    Column("gid", BigInteger, nullable=False, comment="The record that was looked at."),
    Column("other", BigInteger, comment="The record it was compared with; NULL: there was no candidate."),
    Column("outcome", Text, nullable=False, comment="link | review | mint | veto"),
    Column("weight", Float, comment="Bits for and against, the prior included."),
    Column("candidates", Integer, nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON: per field what was compared and what it said."),
    Column("model", Text, nullable=False, comment="Version of the model that decided."),
    Column("at", BigInteger, nullable=False),
    Column("merge_event", BigInteger),
    Index("match_decision_gid", "gid"),
    Index("match_decision_other", "other"),
    comment="Every decision of the matcher, with its reasons.",
)

match_review = Table(
    "match_review",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("kind", SmallInteger, nullable=False),
    Column("a", BigInteger, nullable=False, comment="The lower of the two."),
    Column("b", BigInteger, nullable=False),
    Column("weight", Float, nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON: per field what was compared and what it said."),
    Column("source", Text, nullable=False, comment="online | batch"),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False, comment="open | later | same | different"),
    Column("created_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_by", Text),
    Column("why", Text, nullable=False, server_default=""),
    Column("merge_event", BigInteger),
    Column("until", BigInteger, comment="Put off until then."),
    UniqueConstraint("a", "b"),
    Index("match_review_state", "state", "weight", "id"),
    Index("match_review_b", "b"),
    comment="Pairs that a person decides.",
)
