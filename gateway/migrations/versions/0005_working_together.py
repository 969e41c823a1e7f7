"""Working together

Revision: 0005
Before: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ticket", sa.Column("confirmed_at", sa.BigInteger(), nullable=True))
    _watching_and_attaching()
    _children()
    _approvals()
    _handoffs()
    _conduct()


def _watching_and_attaching() -> None:
    op.create_table(
        "ticket_watcher",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "person"),
    )
    op.create_index("ix_ticket_watcher_person", "ticket_watcher", ["person"])
    op.create_table(
        "ticket_attachment",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
    )
    op.create_index("ix_ticket_attachment_sha256", "ticket_attachment", ["sha256"])


def _children() -> None:
    op.create_table(
        "ticket_child",
        sa.Column("child", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.BigInteger(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("child"),
    )
    op.create_index("ix_ticket_child_parent", "ticket_child", ["parent"])


def _approvals() -> None:
    op.create_table(
        "ticket_approval",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("remind_every", sa.BigInteger(), nullable=False),
        sa.Column("remind_at", sa.BigInteger(), nullable=True),
        sa.Column("reminders", sa.SmallInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
    )
    asked = sa.text("state = 'open'")
    op.create_index(
        "ix_ticket_approval_remind", "ticket_approval", ["remind_at"], postgresql_where=asked, sqlite_where=asked
    )
    op.create_table(
        "ticket_approver",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "number", "approver"),
    )


def _handoffs() -> None:
    op.create_table(
        "ticket_handoff",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("from_group", sa.Text(), nullable=True),
        sa.Column("from_assignee", sa.Text(), nullable=True),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_text", sa.Text(), nullable=False),
        sa.Column("overdue_told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
    )
    under_way = sa.text("state IN ('sent', 'accepted')")
    op.create_index(
        "ix_ticket_handoff_due", "ticket_handoff", ["due"], postgresql_where=under_way, sqlite_where=under_way
    )


def _conduct() -> None:
    op.create_table(
        "conduct_flag",
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("period", sa.BigInteger(), autoincrement=False, nullable=False, comment="spans since 1970"),
        sa.Column("span", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("person", "period"),
    )


def downgrade() -> None:
    op.drop_table("conduct_flag")
    for table in ("handoff", "approver", "approval", "child", "attachment", "watcher"):
        op.drop_table(f"ticket_{table}")
    op.drop_column("ticket", "confirmed_at")
