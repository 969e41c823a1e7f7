"""Reading by the driver: SQLAlchemy's result rows cost ten times what a look-up by key does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def rows(conn: Connection, statement: str, parameters: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
    """The rows of one SELECT, within the connection's transaction (begun if there is none). Errors are SQLAlchemy's."""
    if not conn.in_transaction():
        return conn.exec_driver_sql(statement, parameters).all()
    dbapi = conn.dialect.loaded_dbapi
    cursor = conn.connection.cursor()
    try:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
    except dbapi.Error as error:
        raise DBAPIError.instance(statement, parameters, error, dbapi.Error, dialect=conn.dialect) from error
    finally:
        cursor.close()


def any_of(conn: Connection, values: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
    """`= ANY (...)` or `IN (...)`, and its parameters."""
    if conn.dialect.name == "postgresql":
        return "= ANY (%b::bigint[])", (list(values),)
    return f"IN ({', '.join('?' * len(values))})", tuple(values)


def placeholder(conn: Connection) -> str:
    """How the driver writes a parameter."""
    return "%b" if conn.dialect.name == "postgresql" else "?"
