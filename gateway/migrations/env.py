"""Alembic's environment: the engine is handed in, the tables of every room are one schema."""

from __future__ import annotations

from alembic import context

from gateway.database import metadatas

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadatas(), render_as_batch=False)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
