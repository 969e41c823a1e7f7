"""Promises: those given by hand, since when a ticket is in its state, what escalates when and what did

Revision: 0003
Before: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS = ("given_response_due", "given_resolution_due", "claimed_at", "stage_since")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("ticket", sa.Column(name, sa.BigInteger(), nullable=True))
    # a ticket begun before now was taken by somebody; without this each would be chased for an owner
    op.execute("UPDATE ticket SET claimed_at = first_responded_at WHERE status <> 'pending'")
    op.create_table(
        "escalation_timer",
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("episode", sa.BigInteger(), nullable=False, comment="when it was opened or last reopened"),
        sa.Column("next_at", sa.BigInteger(), nullable=True, comment="the earliest step of the plan; NULL: none waits"),
        sa.Column("plan", sa.Text(), nullable=False, comment="JSON [[step, due_at], ...] of what has not run"),
        sa.Column("done", sa.Text(), nullable=False, comment="JSON [step, ...] that ran in this episode"),
        sa.Column("policy", sa.String(length=16), nullable=False, comment="version the plan was made by"),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    waits = sa.text("next_at IS NOT NULL")
    op.create_index("escalation_timer_due", "escalation_timer", ["next_at"], postgresql_where=waits, sqlite_where=waits)
    op.create_table(
        "escalation",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("episode", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(length=128), nullable=False, comment="ladder/step, breach/promise or warn/promise"),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="JSON: who was told, what was done, and why"),
        sa.PrimaryKeyConstraint("ticket_id", "episode", "step"),
    )
    op.create_index("escalation_fired", "escalation", ["fired_at"])
    op.create_table(
        "escalation_policy",
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("swept", sa.BigInteger(), nullable=True, comment="open tickets planned by it up to here; NULL: all"),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON: the documents, days and shifts it was made of"),
        sa.PrimaryKeyConstraint("since"),
    )
    op.create_table(
        "escalation_audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tickets", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False, comment="steps that had to run by then"),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False, comment="JSON [[ticket, step, due_at], ...], at most 100"),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    for table in ("escalation_audit", "escalation_policy", "escalation", "escalation_timer"):
        op.drop_table(table)
    for name in reversed(_COLUMNS):
        op.drop_column("ticket", name)
