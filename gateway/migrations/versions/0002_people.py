"""People

Revision: 0002
Before: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, what in (("person", "the person"), ("person_group", "the group")):
        op.create_table(
            name,
            sa.Column("source", sa.String(length=64), nullable=False, comment="connection; empty: the configuration"),
            sa.Column("key", sa.Text(), nullable=False, comment="as the source names the record"),
            sa.Column("body", sa.Text(), nullable=False, comment=f"JSON: what is said of {what}, without nulls"),
            sa.PrimaryKeyConstraint("source", "key"),
        )
    op.create_table(
        "person_shift",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "team",
            sa.Text(),
            nullable=False,
            comment="id or name of the group, as the source says; empty: one person's",
        ),
        sa.Column("person", sa.Text(), nullable=False, comment="local id of the person; empty: the whole group"),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key"),
    )
    op.create_index("person_shift_end", "person_shift", ["ends_at"])
    op.create_table(
        "calendar_day",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False, comment="2026-10-01, in the calendar's own zone"),
        sa.Column("working", sa.Boolean(), nullable=False, comment="a day of rest that is worked"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key"),
    )
    op.create_table(
        "roster_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "version", sa.BigInteger(), nullable=False, comment="grows with every change of people, groups and shifts"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    held = sa.text("assignee IS NOT NULL AND status IN ('pending', 'in_progress', 'blocked')")
    op.create_index("ix_ticket_held", "ticket", ["assignee"], postgresql_where=held, sqlite_where=held)
    # shifts and holidays that are held already are read once more, so that the roster hears of them
    shelf = sa.table("replica_stream", sa.column("id"), sa.column("record"), sa.column("mapping"))
    row = sa.table("replica", sa.column("stream"), sa.column("content"))
    again = shelf.c.record.in_(("Shift", "Holiday"))
    op.execute(row.update().where(row.c.stream.in_(sa.select(shelf.c.id).where(again))).values(content=0))
    op.execute(shelf.update().where(again).values(mapping=""))


def downgrade() -> None:
    op.drop_index("ix_ticket_held", "ticket")
    for name in ("roster_version", "calendar_day", "person_shift", "person_group", "person"):
        op.drop_table(name)
