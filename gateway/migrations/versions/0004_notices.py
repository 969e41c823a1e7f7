"""Notices

Revision: 0004
Before: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.String(length=64),
            nullable=False,
            comment="opened, assigned, escalated, mentioned, question ...",
        ),
        sa.Column("step", sa.String(length=128), nullable=False, comment="tells apart what may happen more than once"),
        sa.Column("tier", sa.SmallInteger(), nullable=False, comment="the priority it is told with"),
        sa.Column("people", sa.Text(), nullable=False, comment="JSON list of ids"),
        sa.Column("groups", sa.Text(), nullable=False, comment="JSON list of ids"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False, comment="waiting | sent | held | nobody"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ticket_id", "reason", "step", name="notice_once"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("notice_waiting", "notice", ["id"], postgresql_where=waiting, sqlite_where=waiting)


def downgrade() -> None:
    op.drop_table("notice")
