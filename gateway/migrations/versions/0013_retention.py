"""Retention: raw messages that were pruned say so; segments of sealed lineage

Revision: 0013
Before: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("pruned_at", sa.BigInteger(), comment="since when its body is gone"))
    op.create_table(
        "lineage_segment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="prov | landing | block"),
        sa.Column("name", sa.Text(), nullable=False, comment="SHA-256 of the file's content"),
        sa.Column("first", sa.BigInteger(), nullable=False, comment="the number of its first row"),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes"),
        sa.Column(
            "first_at", sa.BigInteger(), nullable=False, comment="when the first of its rows was written or read"
        ),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("pruned_at", sa.BigInteger(), comment="since when only the skeletons of its rows are left"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("lineage_segment_covers", "lineage_segment", ["kind", "first", "last"])


def downgrade() -> None:
    op.drop_table("lineage_segment")
    op.drop_column("delivery", "pruned_at")
