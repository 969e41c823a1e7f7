"""Figures

Revision: 0006
Before: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_mark",
        sa.Column(
            "zone",
            sa.String(length=64),
            nullable=False,
            comment="whose days the index holds; another zone makes it anew",
        ),
        sa.Column(
            "entry", sa.BigInteger(), nullable=False, comment="all ticket entries up to this id are in the index"
        ),
        sa.Column("answers_at", sa.BigInteger(), nullable=False, comment="answers to questions up to then are in it"),
        sa.PrimaryKeyConstraint("zone"),
    )
    op.create_table(
        "figure_day",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("marked", sa.BigInteger(), nullable=False, comment="grows with each event that may change the day"),
        sa.Column("done", sa.BigInteger(), nullable=False, comment="`marked` as it was when the day was computed"),
        sa.Column("over_at", sa.BigInteger(), nullable=False, comment="its end, and time for what commits late"),
        sa.Column("computed_at", sa.BigInteger(), nullable=False, comment="0: never"),
        sa.Column("cost_us", sa.BigInteger(), nullable=False, comment="CPU time of the last computation"),
        sa.Column(
            "versions",
            sa.String(length=64),
            nullable=False,
            comment="hash of the versions of all figures that were computed",
        ),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "figure_day_ticket",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("day", "ticket_id"),
    )
    op.create_index("figure_day_ticket_by_ticket", "figure_day_ticket", ["ticket_id", "day"])
    op.create_table(
        "figure_thing",
        sa.Column("thing", sa.BigInteger(), autoincrement=False, nullable=False, comment="a device or customer"),
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="was ever about it"),
        sa.PrimaryKeyConstraint("thing", "ticket_id"),
    )
    op.create_index("figure_thing_by_ticket", "figure_thing", ["ticket_id"])
    op.create_table(
        "figure_value",
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column(
            "basis",
            sa.String(length=4),
            nullable=False,
            comment="then: as known when the day ended; now: as known at as_of",
        ),
        sa.Column("dimension", sa.String(length=16), nullable=False),
        sa.Column(
            "groups",
            sa.Text(),
            nullable=False,
            comment="{key: [numerator, denominator, facts]}, decimals as text, JSON",
        ),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("metric", "version", "day", "basis", "dimension"),
    )
    op.create_index("figure_value_of_day", "figure_value", ["day"])
    op.create_table(
        "figure_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("dimension", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False, comment="[numerator, denominator, facts], JSON"),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("figure_revision_of_day", "figure_revision", ["day", "metric"])
    op.create_table(
        "figure_breach",
        sa.Column("threshold", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=256), nullable=False, comment="the group; empty: all"),
        sa.Column("since", sa.String(length=10), nullable=False, comment="the first day of the breach"),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.String(length=10), nullable=True, comment="the day that was good again"),
        sa.PrimaryKeyConstraint("threshold", "key", "since"),
    )


def downgrade() -> None:
    for name in ("breach", "revision", "value", "thing", "day_ticket", "day", "mark"):
        op.drop_table(f"figure_{name}")
