"""What integrators work on before it counts, and what was computed for them. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from gateway.tables import metadata

draft = Table(
    "studio_draft",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False, comment="whose it is: nobody else sees it"),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False, comment="what is written so far, JSON; secrets encrypted"),
    Column("base", BigInteger, nullable=False, comment="generation of the configuration it was begun on"),
    Column("version", Integer, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
Index("studio_draft_of_owner", draft.c.owner, draft.c.changed_at)

job = Table(
    "studio_job",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("state", String(10), nullable=False, comment="running | done | cancelled | failed"),
    Column("done", BigInteger, nullable=False, comment="messages"),
    Column("total", BigInteger, nullable=False),
    Column("cancel", Boolean, nullable=False, comment="somebody asked it to stop"),
    Column("asked_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False, comment="when whoever computes it was last heard"),
    Column("ended_at", BigInteger),
    Column("report", Text, comment="JSON"),
    Column("error", Text, nullable=False, server_default=""),
)
Index("studio_job_of_owner", job.c.owner, job.c.asked_at)
