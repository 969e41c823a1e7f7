"""The gateway's own tables: the inbox and its ledger, automation state, outbox, context, configuration, access.

Times are microseconds UTC. JSON that no query looks into is text, written by orjson.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only its own row id up

# -- the inbox and its ledger -----------------------------------------------------------------------

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String(64), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("topic", Text, nullable=False, server_default=""),
    Column("headers", Text, nullable=False, server_default="{}", comment="allow-listed headers only, JSON"),
    Column("body", LargeBinary, nullable=False, comment="as it came; zstd when `packed`"),
    Column("packed", Boolean, nullable=False),
    Column("events", Integer, nullable=False, comment="how many messages it told; each has its row"),
    Column("pruned_at", BigInteger, comment="since when its body is gone"),
)

message = Table(
    "message",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False, comment="place within the delivery, from 0"),
    Column("connection_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("event_id", Text, comment="the sender's id; NULL for a repeat, whose first is `repeat_of`"),
    Column("end", String(12), nullable=False, comment="ticketed | merged | suppressed | dead | in_flight"),
    Column("rule", String(128), nullable=False, comment="the rule or reason that decided"),
    Column("ticket_id", BigInteger),
    Column("repeat_of", BigInteger),
    Column("trace", Text, comment="what the decision saw, JSON"),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("connection_id", "event_id", name="message_once"),
)
Index("message_of_delivery", message.c.delivery_id)
Index(
    "message_of_ticket",
    message.c.ticket_id,
    postgresql_where=message.c.ticket_id.is_not(None),
    sqlite_where=message.c.ticket_id.is_not(None),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("path", Text, nullable=False, comment="the field at fault, or empty"),
    Column("reason", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("replays", Integer, nullable=False, server_default="0"),
    Column("settled_at", BigInteger, comment="when a replay gave the message another end"),
)
Index("dead_letter_open", dead_letter.c.settled_at, dead_letter.c.at)

# -- automation state -------------------------------------------------------------------------------

signal = Table(
    "signal",
    metadata,
    Column("key", Text, primary_key=True, comment="fingerprint: connection and the series in its source"),
    Column("connection_id", String(64), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("status", String(8), nullable=False, comment="firing | resolved"),
    Column("episode", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("seen_at", BigInteger, nullable=False),
    Column("ticket_id", BigInteger),
    Column("flips", Text, nullable=False, server_default="[]", comment="recent changes of status, microseconds, JSON"),
    Column("settle_at", BigInteger, comment="a flapping signal is believed resolved at this time"),
    Column("folded", Boolean, nullable=False, server_default="0", comment="its ticket is a storm's"),
)
Index(
    "signal_settling",
    signal.c.settle_at,
    postgresql_where=signal.c.settle_at.is_not(None),
    sqlite_where=signal.c.settle_at.is_not(None),
)
Index(
    "signal_of_ticket",
    signal.c.ticket_id,
    postgresql_where=signal.c.ticket_id.is_not(None),
    sqlite_where=signal.c.ticket_id.is_not(None),
)

storm = Table(
    "storm",
    metadata,
    Column("key", Text, primary_key=True, comment="kind of alert: connection and rule in the source"),
    Column("minutes", Text, nullable=False, comment="[[minute, tickets opened], ...] within the window, JSON"),
    Column("ticket_id", BigInteger, comment="the storm's own ticket while it lasts"),
    Column("folded", Integer, nullable=False, server_default="0"),
)

storm_member = Table(
    "storm_member",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signal_key", Text, primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("device_id", BigInteger),
    Column("title", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("resolved_at", BigInteger),
)

batch_member = Table(
    "batch_member",
    metadata,
    Column("rule", String(128), primary_key=True),
    Column("batch", Text, primary_key=True, comment="what its members have in common"),
    Column("member", Text, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False, comment="the latest that told of it"),
)

twin = Table(
    "twin",
    metadata,
    Column("device_id", BigInteger, primary_key=True, autoincrement=False),
    Column("metric", String(256), primary_key=True),
    Column("value", Text, comment="decimal as text"),
    Column("text", Text),
    Column("unit", Text),
    Column("quality", String(8), nullable=False),
    Column("at", BigInteger, nullable=False, comment="measured"),
    Column("received_at", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("recent", Text, nullable=False, comment="[[at, value], ...], thinned, newest last, JSON"),
)

twin_device = Table(
    "twin_device",
    metadata,
    Column("device_id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String(64), nullable=False),
    Column("local_id", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("stale", Boolean, nullable=False, server_default="0", comment="its silence was told"),
)
Index("twin_device_seen", twin_device.c.connection_id, twin_device.c.stale, twin_device.c.seen_at)

threshold = Table(
    "threshold",
    metadata,
    Column("rule", String(128), primary_key=True),
    Column("device_id", BigInteger, primary_key=True, autoincrement=False),
    Column("metric", String(256), primary_key=True),
    Column("state", String(8), nullable=False, comment="pending | firing; a row that is neither does not exist"),
    Column("since", BigInteger, nullable=False),
    Column("due_at", BigInteger, comment="a pending crossing fires at this time even if no reading comes"),
    Column("message_id", BigInteger, nullable=False, comment="the reading that crossed"),
)
Index("threshold_due", threshold.c.due_at)

# -- going out --------------------------------------------------------------------------------------

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", BigInteger, nullable=False),
    Column("connection_id", String(64), nullable=False),
    Column("bridge", String(128), nullable=False),
    Column(
        "cause", String(200), nullable=False, unique=True, comment="ticket, version and bridge: one effect per cause"
    ),
    Column("op", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("draft", Text, comment="what key and body are yet to be computed of, JSON; NULL: they are there"),
    Column("result", Text, comment="what its bridge's mapping gave, JSON; key and body were made of it"),
    Column("computed_at", BigInteger),
    Column("state", String(12), nullable=False, comment="waiting | sending | done | refused | person"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    Column("must_confirm", Boolean, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("receipt", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("echoed_at", BigInteger, comment="when the remote system told us back"),
    Column("trace", Text, comment="traceparent of what brought it about"),
    Column("merged_into", BigInteger, comment="goes as one with this command, whose lease and fate are its own"),
)
_open = outbox.c.state.in_(("waiting", "sending"))
Index("outbox_open", outbox.c.id, postgresql_where=_open, sqlite_where=_open)
Index("outbox_of_ticket", outbox.c.ticket_id)

_merged = outbox.c.merged_into.is_not(None)
Index("outbox_merged", outbox.c.merged_into, postgresql_where=_merged, sqlite_where=_merged)

# -- telling people --------------------------------------------------------------------------------

notice = Table(
    "notice",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("ticket_id", BigInteger, nullable=False),
    Column("reason", String(64), nullable=False, comment="opened, assigned, escalated, mentioned, question ..."),
    Column("step", String(128), nullable=False, comment="tells apart what may happen more than once"),
    Column("tier", SmallInteger, nullable=False, comment="the priority it is told with"),
    Column("people", Text, nullable=False, comment="JSON list of ids"),
    Column("groups", Text, nullable=False, comment="JSON list of ids"),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", String(12), nullable=False, comment="waiting | telling | sent | nobody"),
    UniqueConstraint("ticket_id", "reason", "step", name="notice_once"),
)
_waiting = notice.c.state == "waiting"
Index("notice_waiting", notice.c.id, postgresql_where=_waiting, sqlite_where=_waiting)

echo = Table(
    "echo",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("outbox_id", BigInteger, nullable=False),
    Column("ticket_id", BigInteger, nullable=False),
    Column("connection_id", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("match", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
    Column("message_id", BigInteger),
)
Index("echo_awaited", echo.c.connection_id, echo.c.key)

context_job = Table(
    "context_job",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
)

context_section = Table(
    "context_section",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(160), primary_key=True),
    Column("connection_id", String(64), nullable=False),
    Column("question", String(64), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("status", String(8), nullable=False, comment="pending | asking | ok | empty | failed"),
    Column("late", Boolean, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("asked_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    Column("as_of", BigInteger),
    Column("answered_at", BigInteger),
    Column("latency_ms", Integer),
    Column("link", Text, nullable=False, server_default=""),
    Column("values", Text),
    Column("reason", Text, nullable=False, server_default=""),
)
Index("context_open", context_section.c.status, context_section.c.next_at)
Index("context_asked", context_section.c.asked_at, context_section.c.connection_id, context_section.c.status)

# -- reading ----------------------------------------------------------------------------------------

sync_state = Table(
    "sync_state",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("cursor", Text, comment="the connector's own, JSON"),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("records", BigInteger, nullable=False, server_default="0"),
    Column("bad", BigInteger, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(160), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)

schedule_state = Table(
    "schedule_state",
    metadata,
    Column("name", String(160), primary_key=True, comment="sync:CONNECTION/STREAM or job:NAME"),
    Column(
        "begun_at", BigInteger, nullable=False, comment="when it was begun last, or first seen; the database's clock"
    ),
    Column("finished_at", BigInteger, comment="NULL while it runs, or since who ran it is gone"),
    Column("error", Text, nullable=False, server_default="", comment="of the last run; empty: it went well"),
)

connection_health = Table(
    "connection_health",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("ok", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False, comment="when it became so"),
    Column("checked_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, comment="checks in a row that failed"),
    Column("told", Boolean, nullable=False, comment="its failure is a message of the hub"),
    Column("reason", Text, nullable=False),
)

# -- configuration and access -----------------------------------------------------------------------

config_item = Table(
    "config_item",
    metadata,
    Column("kind", String(16), primary_key=True, comment="connection | mapping | rule | bridge"),
    Column("id", String(128), primary_key=True),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("body", Text, nullable=False, comment="JSON; secrets encrypted"),
    Column("version", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

config_generation = Table(
    "config_generation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
)

ruleset = Table(
    "ruleset",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("person", Text, comment="id in the roster; NULL: a machine's"),
    Column("roles", Text, comment="business roles, JSON; NULL: those of the person"),
    Column("customer", BigInteger, comment="global id: whom a customer's token is for"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("token_id", String(26), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)

audit_round = Table(
    "audit_round",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("received", BigInteger, nullable=False),
    Column("findings", Text, nullable=False, comment="[[what, count, rows], ...] JSON; [] is clean"),
)

check_job = Table(
    "check_job",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String(64), primary_key=True),
    Column("check_id", String(64), primary_key=True),
    Column("next_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0", comment="in vain, one after the other"),
    Column("found_at", BigInteger, comment="since when they contradict each other; NULL: not as far as known"),
)
Index("check_due", check_job.c.next_at)
