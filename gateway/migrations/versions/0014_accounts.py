"""People who sign in: accounts, sessions, tries

Revision: 0014
Before: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("login", sa.String(100), nullable=False, comment="folded: compared without case"),
        sa.Column("name", sa.Text(), nullable=False, comment="how people call them"),
        sa.Column("role", sa.String(16), nullable=False, comment="viewer | agent | integrator | admin"),
        sa.Column("person", sa.String(128), comment="id in the roster; NULL: nobody of the roster"),
        sa.Column("roles", sa.Text(), comment="business roles, JSON; NULL: those of the person"),
        sa.Column("password", sa.Text(), comment="argon2id, with its parameters; NULL: signs in elsewhere"),
        sa.Column("must_change", sa.Boolean(), server_default="0", nullable=False,
                  comment="before anything else is allowed"),
        sa.Column("issuer", sa.Text(), comment="whose subject it is, for who signs in by OIDC"),
        sa.Column("subject", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.Column("signed_in_at", sa.BigInteger(), comment="last time"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )  # fmt: skip
    op.create_index("account_of_subject", "account", ["issuer", "subject"], unique=True)
    op.create_table(
        "session",
        sa.Column("digest", sa.String(64), nullable=False, comment="of the cookie; the cookie itself is not kept"),
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False, comment="to the nearest minutes"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("session_of_account", "session", ["account_id"])
    op.create_table(
        "signin_attempt",
        sa.Column("key", sa.String(64), nullable=False, comment="digest of a login, an address, or both"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    for name in ("signin_attempt", "session", "account"):
        op.drop_table(name)
