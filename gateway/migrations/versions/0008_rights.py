"""Who asks: the person, the business roles and the customer behind a token

Revision: 0008
Before: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("token", sa.Column("person", sa.Text(), comment="id in the roster; NULL: a machine's"))
    op.add_column("token", sa.Column("roles", sa.Text(), comment="business roles, JSON; NULL: those of the person"))
    op.add_column("token", sa.Column("customer", sa.BigInteger(), comment="global id: whom a customer's token is for"))


def downgrade() -> None:
    for name in ("customer", "roles", "person"):
        op.drop_column("token", name)
