"""The desk: saved filters, customers' links, and the indexes its lists read

Revision: 0011
Before: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("status IN ('pending', 'in_progress', 'blocked')")
_GIVEN = sa.text('"group" IS NOT NULL')
_SHARED = sa.text("shared")


def upgrade() -> None:
    op.create_table(
        "saved_filter",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.Text(), nullable=False, comment="who saved it, as timelines name them"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", sa.Text(), nullable=False, comment="parameters of GET /v1/tickets, JSON"),
        sa.Column("shared", sa.Boolean(), nullable=False, server_default="0", comment="everybody who works here sees it"),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("owner", "name", name="saved_filter_once"),
    )  # fmt: skip
    op.create_index("saved_filter_shared", "saved_filter", ["id"], postgresql_where=_SHARED, sqlite_where=_SHARED)
    op.create_table(
        "progress_link",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("revoked_by", sa.Text()),
        sa.Column("seen_at", sa.BigInteger(), comment="when it was last looked at"),
    )
    op.create_index("progress_link_of_ticket", "progress_link", ["ticket_id", "id"])
    op.create_index("ix_ticket_open", "ticket", ["priority", "id"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_ticket_due", "ticket", ["resolution_due", "id"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_ticket_group", "ticket", ["group", "id"], postgresql_where=_GIVEN, sqlite_where=_GIVEN)


def downgrade() -> None:
    for name in ("ix_ticket_group", "ix_ticket_due", "ix_ticket_open"):
        op.drop_index(name, "ticket")
    op.drop_table("progress_link")
    op.drop_table("saved_filter")
