"""What the hub holds of other systems' records, and how it came by them.

`replica` has no row of provenance of its own: its `landing` names the row of a lineage block that holds the raw record,
and the block names the mapping. Times are microseconds UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.tables import metadata

replica_stream = Table(
    "replica_stream",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("record", String(64), nullable=False, comment="canonical record"),
    Column(
        "mapping", String(64), nullable=False, comment="version that made what is held; another one reads it all again"
    ),
    Column("rules", String(64), nullable=False, comment="hash of the rules that looked at every row"),
    Column("live", BigInteger, nullable=False, server_default="0", comment="rows that are not deleted; audited"),
    UniqueConstraint("connection_id", "stream"),
)

replica = Table(
    "replica",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="64 bits of the key's hash"),
    Column("content", BigInteger, comment="64 bits of the raw record's and the mapping's hash; NULL once deleted"),
    Column("landing", BigInteger, nullable=False, comment="the row of a lineage block: raw record, mapping, when read"),
    Column("read_at", BigInteger, nullable=False, comment="when this version was first read"),
    Column("deleted_at", BigInteger),
    Column("gid", BigInteger, comment="of a customer, device ...: the id it was born with"),
    Column("whole", BigInteger, comment="hash of what it is a part of: a batch, of its article in its warehouse"),
    Column("key", Text, nullable=False, comment="as the source names it"),
    Column("values", Text, nullable=False, comment="the canonical record without nulls, JSON"),
)
_is_thing = replica.c.gid.is_not(None)
Index("replica_of_thing", replica.c.gid, postgresql_where=_is_thing, sqlite_where=_is_thing)
_is_part = replica.c.whole.is_not(None)
Index("replica_parts", replica.c.stream, replica.c.whole, postgresql_where=_is_part, sqlite_where=_is_part)

unusable = Table(
    "replica_unusable",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("digest", BigInteger, primary_key=True, autoincrement=False, comment="of a record that has its dead letter"),
    Column("run", BigInteger, nullable=False, comment="the run that met it last"),
)

sync_run = Table(
    "sync_run",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("full", Boolean, nullable=False),
    Column("state", String(10), nullable=False, comment="running | complete | failed | lost"),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("read", BigInteger, nullable=False, server_default="0", comment="the sum of the next six; audited"),
    Column("added", BigInteger, nullable=False, server_default="0"),
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Column("unchanged", BigInteger, nullable=False, server_default="0"),
    Column("deleted", BigInteger, nullable=False, server_default="0", comment="told by the source"),
    Column("skipped", BigInteger, nullable=False, server_default="0", comment="not for the mapping"),
    Column("bad", BigInteger, nullable=False, server_default="0"),
    Column(
        "absent", BigInteger, nullable=False, server_default="0", comment="deleted because a whole read had them not"
    ),
    Column("told", BigInteger, nullable=False, server_default="0", comment="messages that rules made of it"),
    Column("linked", BigInteger, nullable=False, server_default="0", comment="things merged by a strong key"),
    Column("error", Text, nullable=False, server_default=""),
    Column("asked_by", String(250), comment="who asked for a reading in parts: asked again, it is the same one"),
)
Index("sync_run_of_stream", sync_run.c.connection_id, sync_run.c.stream, sync_run.c.id)

watch = Table(
    "record_watch",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="the replica's `whole`, else its id"),
    Column("rule", String(128), primary_key=True),
    Column("state", String(8), nullable=False, comment="pending | firing; a row that is neither does not exist"),
    Column("since", BigInteger, nullable=False, comment="when the condition began to hold"),
    Column("due_at", BigInteger, comment="a pending one fires at this time even if nothing is read"),
    Column("signal", Text, nullable=False, comment="the signal whose ticket it holds open, with others of that key"),
)
Index("record_watch_due", watch.c.due_at, postgresql_where=watch.c.due_at.is_not(None))
Index("record_watch_signal", watch.c.signal)

strong_key = Table(
    "strong_key",
    metadata,
    Column("kind", String(32), primary_key=True, comment="customer, supplier, device"),
    Column("system", String(64), primary_key=True),
    Column("local", Text, primary_key=True),
    Column("name", String(32), primary_key=True, comment="credit_code, serial, mac"),
    Column("value", Text, nullable=False, comment="in its normal form, check digit verified"),
    Column("gid", BigInteger, nullable=False, comment="the id the record was born with"),
    Column("pending", Boolean, nullable=False, comment="new, and not yet compared with those of other systems"),
)
Index("strong_key_value", strong_key.c.kind, strong_key.c.name, strong_key.c.value)
Index("strong_key_gid", strong_key.c.gid)
_is_pending = text("pending")
Index("strong_key_pending", strong_key.c.kind, postgresql_where=_is_pending, sqlite_where=_is_pending)

sync_part = Table(
    "sync_part",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("part", String(128), primary_key=True, comment="its name"),
    Column(
        "spec",
        Text,
        nullable=False,
        comment="which records those are, JSON; with another one the cursor counts no more",
    ),
    Column("round", BigInteger, nullable=False, comment="the sync_run that reads it, or read it last"),
    Column("state", String(10), nullable=False, comment="planned | running | complete | failed"),
    Column("cursor", Text, comment="JSON; from where it is read on"),
    Column("whole", Boolean, nullable=False, comment="this round read it from its beginning, without a break"),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("read", BigInteger, nullable=False, server_default="0", comment="of this round, like the next ones"),
    Column("added", BigInteger, nullable=False, server_default="0"),
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Column("unchanged", BigInteger, nullable=False, server_default="0"),
    Column("deleted", BigInteger, nullable=False, server_default="0"),
    Column("skipped", BigInteger, nullable=False, server_default="0"),
    Column("bad", BigInteger, nullable=False, server_default="0"),
    Column("absent", BigInteger, nullable=False, server_default="0"),
    Column("told", BigInteger, nullable=False, server_default="0"),
    Column("linked", BigInteger, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
)

sync_part_seen = Table(
    "sync_part_seen",
    metadata,
    Column("round", BigInteger, primary_key=True, autoincrement=False),
    Column("part", String(128), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False, comment="upper bits of the ids"),
    Column("ids", LargeBinary, nullable=False, comment="64 bits each: what a whole reading of the part had"),
)
