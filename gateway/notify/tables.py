"""Who was told what over which channel, and which channels were ever tried. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from gateway.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")
OPEN = ("waiting", "held", "sending")

notice_delivery = Table(
    "notice_delivery",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("notice_id", BigInteger, nullable=False),
    Column("ticket_id", BigInteger, nullable=False),
    Column("person", String(128), nullable=False),
    Column("channel", String(64), nullable=False, comment="a connection, or app: the inbox within the hub"),
    Column("step", SmallInteger, nullable=False, comment="place in its tier: the next begins when this one failed"),
    Column("op", String(64), nullable=False),
    Column("address", Text, nullable=False),
    Column(
        "state",
        String(12),
        nullable=False,
        comment="waiting | held | sending | delivered | failed | doubtful | skipped",
    ),
    Column("due_at", BigInteger, nullable=False),
    Column("moved_on", Boolean, nullable=False, server_default="0", comment="the next step began before it was over"),
    Column("command_id", BigInteger, comment="the outbox row that carries it; several share one"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("receipt", Text, nullable=False, server_default=""),
    Column("at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("done_at", BigInteger),
    Column("read_at", BigInteger),
    Column("answer", Text),
    Column("answered_at", BigInteger),
    UniqueConstraint("notice_id", "person", "channel", name="notice_delivery_once"),
)
_d = notice_delivery.c
_open = _d.state.in_(OPEN)
Index("notice_delivery_open", _d.state, _d.due_at, postgresql_where=_open, sqlite_where=_open)
Index("notice_delivery_of_person", _d.person, _d.channel, _d.sent_at)
Index("notice_delivery_of_ticket", _d.ticket_id)
Index("notice_delivery_of_command", _d.command_id, postgresql_where=_d.command_id.is_not(None),
      sqlite_where=_d.command_id.is_not(None))  # fmt: skip

channel_test = Table(
    "channel_test",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("ok_at", BigInteger, comment="when it last worked; NULL: never"),
    Column("tried_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False, server_default="", comment="why the last try failed; empty: it worked"),
    Column("actor", Text, nullable=False),
)
