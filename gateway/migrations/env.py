"""Alembic's environment: the engine is handed in, the tables of every room are one schema.

On PostgreSQL each migration is a transaction of its own, so that one may leave it (`op.get_context().autocommit_block()`) to
build an index CONCURRENTLY; it waits for a lock no longer than LOCK_WAIT, since everybody who comes after it waits behind
it, and `database.migrate` tries again. SQLite's are one transaction: who comes second finds all of them done.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from gateway.database import metadatas

LOCK = 0x77656674  # "weft"
LOCK_WAIT = "3s"


def run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadatas(), render_as_batch=False,
        transaction_per_migration=connection.dialect.name == "postgresql",
    )  # fmt: skip
    with context.begin_transaction():
        context.run_migrations()


with context.config.attributes["engine"].connect() as connection:
    if connection.dialect.name == "postgresql":
        connection.detach()  # its settings are not for whoever would get it from the pool next
        connection.execute(text("SET statement_timeout = 0; SET lock_timeout = 0"))
        # two gateways may be started, and migrated, at once; gone with the connection
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT}'"))
        connection.commit()
        run(connection)
        connection.commit()
    else:
        with connection.begin():  # before alembic asks what is there: else it asks outside of any transaction
            run(connection)
