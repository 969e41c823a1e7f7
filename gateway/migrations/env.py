"""Alembic's environment: the engine is handed in, the tables of every room are one schema."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from gateway.database import metadatas

LOCK = 0x77656674  # "weft"

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    if connection.dialect.name == "postgresql":  # two gateways may be started, and migrated, at once
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.configure(connection=connection, target_metadata=metadatas(), render_as_batch=False)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
