"""The connector studio: what the configuration was, drafts, replays; and how connections do over time

Revision: 0009
Before: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COUNTED = ("calls", "failures", "took_us", "under_10", "under_30", "under_100", "under_300", "under_1000", "under_3000",
           "under_10000", "longer", "received", "read", "dead")  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "config_version",
        sa.Column("generation", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False, comment="who; empty: before anybody was asked"),
        sa.Column("note", sa.Text(), nullable=False, comment="why, in the words of who did it"),
        sa.Column(
            "items", sa.LargeBinary(), nullable=False, comment="all items in order, JSON, zstd; secrets encrypted"
        ),
    )
    op.create_table(
        "studio_draft",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False, comment="whose it is: nobody else sees it"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="what is written so far, JSON; secrets encrypted"),
        sa.Column("base", sa.BigInteger(), nullable=False, comment="generation of the configuration it was begun on"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("studio_draft_of_owner", "studio_draft", ["owner", "changed_at"])
    op.create_table(
        "studio_job",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False, comment="running | done | cancelled | failed"),
        sa.Column("done", sa.BigInteger(), nullable=False, comment="messages"),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("cancel", sa.Boolean(), nullable=False, comment="somebody asked it to stop"),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False, comment="when whoever computes it was last heard"),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("report", sa.Text(), comment="JSON"),
        sa.Column("error", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("studio_job_of_owner", "studio_job", ["owner", "asked_at"])
    op.create_table(
        "connection_span",
        sa.Column("connection_id", sa.String(64), primary_key=True),
        sa.Column(
            "seconds", sa.Integer(), primary_key=True, autoincrement=False, comment="60: a minute, 3600: an hour"
        ),
        sa.Column(
            "at", sa.BigInteger(), primary_key=True, autoincrement=False, comment="its beginning, microseconds UTC"
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTED),
    )
    op.create_index("connection_span_by_age", "connection_span", ["seconds", "at"])
    op.create_table(
        "shape_profile",
        sa.Column("connection_id", sa.String(64), primary_key=True),
        sa.Column("stream", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False, comment="what is known of its records' shape, JSON"),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "shape_drift",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False, comment="new | gone | type"),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("now", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column(
            "day", sa.Integer(), nullable=False,
            comment="days since 1970: several processes tell the same change once a day",
        ),
        sa.UniqueConstraint("connection_id", "stream", "kind", "path", "now", "day", name="shape_drift_once"),
    )  # fmt: skip


def downgrade() -> None:
    for name in ("shape_drift", "shape_profile", "connection_span", "studio_job", "studio_draft", "config_version"):
        op.drop_table(name)
