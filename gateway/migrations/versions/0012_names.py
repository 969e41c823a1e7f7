"""Things are found by their names

Revision: 0012
Before: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    named = sa.text("field = 'name'")
    op.create_index("observation_names", "observation", ["gid"], postgresql_where=named, sqlite_where=named)


def downgrade() -> None:
    op.drop_index("observation_names", "observation")
