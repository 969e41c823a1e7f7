"""Many rows into one table at the price of one statement.

On PostgreSQL one `INSERT ... SELECT FROM unnest(arrays)`: a constant number of parameters whatever the number of rows, so
the plan is cached and neither side parses long statements. On SQLite the driver's `executemany`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, SmallInteger, Table

_POSTGRES_TYPES = ((Boolean, "boolean"), (SmallInteger, "smallint"), (BigInteger, "bigint"), (Integer, "integer"),
                   (LargeBinary, "bytea"))  # fmt: skip


def insert(conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert `rows`, each with a value for every one of `columns`. Raises IntegrityError as the database does."""
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_unnest(table, columns), tuple(map(list, zip(*rows, strict=True))))
    else:
        conn.exec_driver_sql(_values(table, columns), list(rows))


def upsert(
    conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], reset: str = ""
) -> None:
    """Insert, or overwrite the row of the same primary key with these columns. A key may stand only once in `rows`.
    `reset`: a column set to NULL where the row was there."""
    if not rows:
        return
    base = _unnest(table, columns) if conn.dialect.name == "postgresql" else _values(table, columns)
    statement = base + _overwrite(table, columns, reset)
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))
    else:
        conn.exec_driver_sql(statement, list(rows))


@cache
def _overwrite(table: Table, columns: tuple[str, ...], reset: str) -> str:
    keys = tuple(c.name for c in table.primary_key)
    changes = [f'"{c}" = excluded."{c}"' for c in columns if c not in keys] + ([f'"{reset}" = NULL'] if reset else [])
    return f" ON CONFLICT ({_quoted(keys)}) DO UPDATE SET {', '.join(changes)}"


@cache
def _unnest(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{_postgres_type(table, c)}[]" for c in columns)
    return f"INSERT INTO {table.name} ({_quoted(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608


@cache
def _values(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({_quoted(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{c}"' for c in columns)


def _postgres_type(table: Table, column: str) -> str:
    kind = table.c[column].type
    return next((name for python, name in _POSTGRES_TYPES if isinstance(kind, python)), "text")
