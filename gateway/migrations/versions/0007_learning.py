"""Learning

Revision: 0007
Before: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="promise | article | zombie | duplicate"),
        sa.Column("subject", sa.String(length=200), nullable=False, comment="what it is about; proposed once"),
        sa.Column("evidence", sa.Text(), nullable=False, comment="why, and what would be done, JSON"),
        sa.Column("state", sa.String(length=10), nullable=False, comment="proposed | accepted | rejected | stale"),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=128), server_default="", nullable=False, comment="who decided"),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("effect", sa.Text(), comment="what accepting did, JSON"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject", name="proposal_once"),
    )
    op.create_index("proposal_by_state", "proposal", ["state", "kind", "id"])
    op.create_table(
        "knowledge_article",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False, comment="the ticket it was learned from"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="Markdown"),
        sa.Column("language", sa.String(length=16), nullable=False, comment="BCP 47"),
        sa.Column("category", sa.String(length=64), nullable=False, comment="kind of the ticket"),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False, comment="who accepted it"),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("knowledge_article_changed", "knowledge_article", ["changed_at", "id"])
    op.create_table(
        "article_use",
        sa.Column(
            "article", sa.String(length=600), nullable=False, comment="CONNECTION/KEY; the hub's own are hub/TICKET"
        ),
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "used", sa.Boolean(), nullable=False, comment="a person said that it helped to solve it; else it was shown"
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article", "ticket_id"),
    )
    op.create_index("article_use_of_ticket", "article_use", ["ticket_id"])
    op.create_table(
        "problem",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False, comment="its first ticket; stays"),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("trend", sa.String(length=8), nullable=False, comment="new | growing | steady | fading"),
        sa.Column("told", sa.Text(), nullable=False, comment="label, reason, growth, known fix, JSON"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("problem_by_trend", "problem", ["trend", "size"])
    op.create_table(
        "problem_text",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when the ticket was opened"),
        sa.Column(
            "text", sa.BigInteger(), nullable=False, comment="64 bits of the hash of what the terms were made of"
        ),
        sa.Column("terms", sa.Text(), nullable=False, comment="{term: [weight, word]}, JSON"),
        sa.Column("problem", sa.BigInteger(), comment="the problem it belongs to; NULL: none"),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    op.create_index("problem_text_at", "problem_text", ["at"])
    op.create_index("problem_members", "problem_text", ["problem"])
    op.create_table(
        "learned",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    for table in ("learned", "problem_text", "problem", "article_use", "knowledge_article", "proposal"):
        op.drop_table(table)
