"""Syncs in parts and on schedule: what each part was read to, who asked for a reading, when each job was begun

Revision: 0015
Before: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COUNTED = ("read", "added", "changed", "unchanged", "deleted", "skipped", "bad", "absent", "told", "linked")


def upgrade() -> None:
    op.add_column(
        "sync_run",
        sa.Column(
            "asked_by", sa.String(250), comment="who asked for a reading in parts: asked again, it is the same one"
        ),
    )
    op.create_table(
        "sync_part",
        sa.Column("connection_id", sa.String(64), primary_key=True),
        sa.Column("stream", sa.String(64), primary_key=True),
        sa.Column("part", sa.String(128), primary_key=True, comment="its name"),
        sa.Column(
            "spec", sa.Text(), nullable=False, comment="which records those are, JSON; with another one the cursor counts no more"
        ),
        sa.Column("round", sa.BigInteger(), nullable=False, comment="the sync_run that reads it, or read it last"),
        sa.Column("state", sa.String(10), nullable=False, comment="planned | running | complete | failed"),
        sa.Column("cursor", sa.Text(), comment="JSON; from where it is read on"),
        sa.Column("whole", sa.Boolean(), nullable=False, comment="this round read it from its beginning, without a break"),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        *[
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0",
                      comment="of this round, like the next ones" if name == "read" else None)
            for name in _COUNTED
        ],
        sa.Column("error", sa.Text(), nullable=False, server_default=""),
    )  # fmt: skip
    op.create_table(
        "sync_part_seen",
        sa.Column("round", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("part", sa.String(128), primary_key=True),
        sa.Column("bucket", sa.Integer(), primary_key=True, autoincrement=False, comment="upper bits of the ids"),
        sa.Column(
            "ids", sa.LargeBinary(), nullable=False, comment="64 bits each: what a whole reading of the part had"
        ),
    )
    op.create_table(
        "schedule_state",
        sa.Column("name", sa.String(160), primary_key=True, comment="sync:CONNECTION/STREAM or job:NAME"),
        sa.Column(
            "begun_at",
            sa.BigInteger(),
            nullable=False,
            comment="when it was begun last, or first seen; the database's clock",
        ),
        sa.Column("finished_at", sa.BigInteger(), comment="NULL while it runs, or since who ran it is gone"),
        sa.Column(
            "error", sa.Text(), nullable=False, server_default="", comment="of the last run; empty: it went well"
        ),
    )


def downgrade() -> None:
    for name in ("schedule_state", "sync_part_seen", "sync_part"):
        op.drop_table(name)
    op.drop_column("sync_run", "asked_by")
