"""A command knows the trace of what brought it about

Revision: 0017
Before: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
phase = "pre"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("trace", sa.Text(), comment="traceparent of what brought it about"))


def downgrade() -> None:
    op.drop_column("outbox", "trace")
