"""Matching: records and keys that are compared, decisions with their evidence, pairs for review

Revision: 0010
Before: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "match_record",
        sa.Column("gid", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON: the compared fields in their normal form."),
        sa.Column("pending", sa.Boolean(), nullable=False, comment="New or changed, and not yet compared."),
        sa.PrimaryKeyConstraint("gid"),
        comment="What each record says of the thing it is of, as matching compares it.",
    )
    pending = sa.text("pending")
    op.create_index("match_record_pending", "match_record", ["kind"], postgresql_where=pending, sqlite_where=pending)
    op.create_index("match_record_kind", "match_record", ["kind", "gid"])
    op.create_table(
        "match_key",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False, comment="64 bits of kind, key's name and value."),
        sa.Column("gid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "gid"),
        sqlite_with_rowid=False,
        comment="The blocking index: records with a key in common are candidates.",
    )  # fmt: skip
    op.create_index("match_key_gid", "match_key", ["gid"])
    op.create_table(
        "match_frequency",
        sa.Column(
            "key", sa.BigInteger(), autoincrement=False, nullable=False,
            comment="As in match_key; a kind's number: its records.",
        ),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
        comment="How many records have a key, of those that many have; counted by the batch.",
    )  # fmt: skip
    op.create_table(
        "match_decision",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("gid", sa.BigInteger(), nullable=False, comment="The record that was looked at."),
        sa.Column(
            "other", sa.BigInteger(), comment="The record it was compared with; NULL: there was no candidate."
        ),
        sa.Column("outcome", sa.Text(), nullable=False, comment="link | review | mint | veto"),
        sa.Column("weight", sa.Float(), comment="Bits for and against, the prior included."),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, comment="JSON: per field what was compared and what it said."),
        sa.Column("model", sa.Text(), nullable=False, comment="Version of the model that decided."),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("merge_event", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        comment="Every decision of the matcher, with its reasons.",
    )  # fmt: skip
    op.create_index("match_decision_gid", "match_decision", ["gid"])
    op.create_index("match_decision_other", "match_decision", ["other"])
    op.create_table(
        "match_review",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("a", sa.BigInteger(), nullable=False, comment="The lower of the two."),
        sa.Column("b", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, comment="JSON: per field what was compared and what it said."),
        sa.Column("source", sa.Text(), nullable=False, comment="online | batch"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="open | later | same | different"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("merge_event", sa.BigInteger()),
        sa.Column("until", sa.BigInteger(), comment="Put off until then."),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("a", "b"),
        comment="Pairs that a person decides.",
    )
    op.create_index("match_review_state", "match_review", ["state", "weight", "id"])
    op.create_index("match_review_b", "match_review", ["b"])


def downgrade() -> None:
    for table in ("match_review", "match_decision", "match_frequency", "match_key", "match_record"):
        op.drop_table(table)
