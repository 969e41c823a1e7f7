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

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


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
        sa.Column("state", sa.String(length=12), nullable=False, comment="waiting | telling | sent | nobody"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ticket_id", "reason", "step", name="notice_once"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("notice_waiting", "notice", ["id"], postgresql_where=waiting, sqlite_where=waiting)
    _deliveries()
    _stuck()


def _deliveries() -> None:
    op.create_table(
        "notice_delivery",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column(
            "channel", sa.String(length=64), nullable=False, comment="a connection, or app: the inbox within the hub"
        ),
        sa.Column(
            "step",
            sa.SmallInteger(),
            nullable=False,
            comment="place in its tier: the next begins when this one failed",
        ),
        sa.Column("op", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.String(length=12),
            nullable=False,
            comment="waiting | held | sending | delivered | failed | doubtful | skipped",
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "moved_on",
            sa.Boolean(),
            server_default="0",
            nullable=False,
            comment="the next step began before it was over",
        ),
        sa.Column("command_id", sa.BigInteger(), comment="the outbox row that carries it; several share one"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("receipt", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("read_at", sa.BigInteger()),
        sa.Column("answer", sa.Text()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("notice_id", "person", "channel", name="notice_delivery_once"),
    )
    opened = sa.text("state IN ('waiting', 'held', 'sending')")
    op.create_index(
        "notice_delivery_open", "notice_delivery", ["state", "due_at"], postgresql_where=opened, sqlite_where=opened
    )
    op.create_index("notice_delivery_of_person", "notice_delivery", ["person", "channel", "sent_at"])
    op.create_index("notice_delivery_of_ticket", "notice_delivery", ["ticket_id"])
    carried = sa.text("command_id IS NOT NULL")
    op.create_index(
        "notice_delivery_of_command",
        "notice_delivery",
        ["command_id"],
        postgresql_where=carried,
        sqlite_where=carried,
    )
    op.create_table(
        "channel_test",
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("ok_at", sa.BigInteger(), comment="when it last worked; NULL: never"),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="why the last try failed; empty: it worked",
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
    )


def _stuck() -> None:
    op.create_table(
        "stuck_watch",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False, comment="not before this can it be stuck"),
        sa.Column("promised_until", sa.BigInteger(), comment="its holder said it goes on until then"),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    op.create_index("stuck_watch_due", "stuck_watch", ["next_at"])
    op.create_table(
        "stuck_question",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="unanswered until then, the lead is told"),
        sa.Column("people", sa.Text(), nullable=False, comment="JSON list: whom it was put to"),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON: the question, its answers, what it was chosen by"),
        sa.Column("state", sa.String(length=12), nullable=False, comment="open | unanswered | answered | settled"),
        sa.Column("answer", sa.String(length=32)),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    waiting = sa.text("state = 'open'")
    op.create_index(
        "stuck_question_open",
        "stuck_question",
        ["ticket_id"],
        unique=True,
        postgresql_where=waiting,
        sqlite_where=waiting,
    )
    op.create_index("stuck_question_of_ticket", "stuck_question", ["ticket_id"])
    # tickets that are open already are looked at once, as soon as a worker has the time
    op.execute(
        "INSERT INTO stuck_watch (ticket_id, next_at) SELECT id, updated_at FROM ticket "
        "WHERE status IN ('pending', 'in_progress', 'blocked')"
    )


def downgrade() -> None:
    for table in ("stuck_question", "stuck_watch", "channel_test", "notice_delivery", "notice"):
        op.drop_table(table)
