"""What was learned, and what is proposed because of it. Times are microseconds UTC; JSON is text, written by orjson."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from gateway.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")

proposal = Table(
    "proposal",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False, comment="promise | article | zombie | duplicate"),
    Column("subject", String(200), nullable=False, comment="what it is about; proposed once"),
    Column("evidence", Text, nullable=False, comment="why, and what would be done, JSON"),
    Column("state", String(10), nullable=False, comment="proposed | accepted | rejected | stale"),
    Column("made_at", BigInteger, nullable=False),
    Column("by", String(128), nullable=False, server_default="", comment="who decided"),
    Column("why", Text, nullable=False, server_default=""),
    Column("decided_at", BigInteger),
    Column("effect", Text, comment="what accepting did, JSON"),
    UniqueConstraint("kind", "subject", name="proposal_once"),
)
Index("proposal_by_state", proposal.c.state, proposal.c.kind, proposal.c.id)

article = Table(
    "knowledge_article",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="the ticket it was learned from"),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False, comment="Markdown"),
    Column("language", String(16), nullable=False, comment="BCP 47"),
    Column("category", String(64), nullable=False, comment="kind of the ticket"),
    Column("active", Boolean, nullable=False),
    Column("author", String(128), nullable=False, comment="who accepted it"),
    Column("made_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
Index("knowledge_article_changed", article.c.changed_at, article.c.id)

article_use = Table(
    "article_use",
    metadata,
    Column("article", String(600), primary_key=True, comment="CONNECTION/KEY; the hub's own are hub/TICKET"),
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("used", Boolean, nullable=False, comment="a person said that it helped to solve it; else it was shown"),
    Column("at", BigInteger, nullable=False),
)
Index("article_use_of_ticket", article_use.c.ticket_id)

problem = Table(
    "problem",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="its first ticket; stays"),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("trend", String(8), nullable=False, comment="new | growing | steady | fading"),
    Column("told", Text, nullable=False, comment="label, reason, growth, known fix, JSON"),
)
Index("problem_by_trend", problem.c.trend, problem.c.size)

problem_text = Table(
    "problem_text",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, comment="when the ticket was opened"),
    Column("text", BigInteger, nullable=False, comment="64 bits of the hash of what the terms were made of"),
    Column("terms", Text, nullable=False, comment="{term: [weight, word]}, JSON"),
    Column("problem", BigInteger, comment="the problem it belongs to; NULL: none"),
)
Index("problem_text_at", problem_text.c.at)
Index("problem_members", problem_text.c.problem)

learned = Table(
    "learned",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("value", Text, nullable=False, comment="JSON"),
)
