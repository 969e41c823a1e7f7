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
    _storms()


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


def _storms() -> None:
    op.create_table(
        "storm_event",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="when its ticket was resolved"),
        sa.Column("filled_at", sa.BigInteger(), nullable=True, comment="when everything put off had its end"),
        sa.Column(
            "connection_id",
            sa.String(length=64),
            nullable=True,
            comment="where its room is; NULL: the list of participants is all there is",
        ),
        sa.Column("operation", sa.String(length=64), nullable=True, comment="what posts to its board"),
        sa.Column("participants", sa.Text(), nullable=False, comment="JSON: people and groups by id"),
        sa.Column("briefs", sa.Integer(), nullable=False),
        sa.Column("next_brief_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    running = sa.text("filled_at IS NULL")
    op.create_index("storm_event_running", "storm_event", ["ticket_id"], postgresql_where=running, sqlite_where=running)
    op.create_table(
        "storm_brief",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False, comment="the numbers it was written of, JSON"),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
    )
    op.create_table(
        "storm_announcement",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="draft | sent | withdrawn"),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
    )
    op.create_table(
        "storm_postponed",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False, comment="alert | ticket"),
        sa.Column("key", sa.Text(), nullable=False, comment="the signal's key, or the ticket's number"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "end",
            sa.String(length=10),
            nullable=True,
            comment="recovered | ticketed | resumed | finished; NULL: still put off",
        ),
        sa.Column("end_ticket", sa.BigInteger(), nullable=True, comment="the ticket of its own that it got"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "what", "key"),
    )


def downgrade() -> None:
    for table in ("postponed", "announcement", "brief", "event"):
        op.drop_table(f"storm_{table}")
    op.drop_table("conduct_flag")
    for table in ("handoff", "approver", "approval", "child", "attachment", "watcher"):
        op.drop_table(f"ticket_{table}")
    op.drop_column("ticket", "confirmed_at")
