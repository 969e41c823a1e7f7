"""Many rows into one table at the price of one statement.

On PostgreSQL the rows travel as one JSON document that `json_to_recordset` opens: one parameter whatever the number of
rows, so the plan is cached, and 3 us of client CPU a row of ten columns against 25 for arrays as the driver writes them
(it has no COPY's second round trip either, and refusals come as from any statement). On SQLite the driver's
`executemany`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, SmallInteger, Table

_POSTGRES_TYPES = ((Boolean, "boolean"), (SmallInteger, "smallint"), (BigInteger, "bigint"), (Integer, "integer"),
                   (LargeBinary, "bytea"))  # fmt: skip


def insert(
    conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, skip_known: bool = False
) -> None:  # fmt: skip
    """Insert `rows`, each with a value for every one of `columns`. A row that is there already, by any of its keys, raises
    IntegrityError, or is skipped."""
    if not rows:
        return
    known = " ON CONFLICT DO NOTHING" if skip_known else ""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_recordset(table, columns) + known, (_document(columns, rows),))
    else:
        conn.exec_driver_sql(_values(table, columns) + known, list(rows))


def upsert(
    conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], reset: str = "",
    only_if: str = "",
) -> None:  # fmt: skip
    """Insert, or overwrite the row of the same primary key with these columns. A key may stand only once in `rows`.
    `reset`: a column set to NULL where the row was there. `only_if`: SQL over `excluded` and the table; where it does not
    hold, the row that is there stays."""
    if not rows:
        return
    overwrite = _overwrite(table, columns, reset) + (f" WHERE {only_if}" if only_if else "")
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_recordset(table, columns) + overwrite, (_document(columns, rows),))
    else:
        conn.exec_driver_sql(_values(table, columns) + overwrite, list(rows))


@cache
def _overwrite(table: Table, columns: tuple[str, ...], reset: str) -> str:
    keys = tuple(c.name for c in table.primary_key)
    changes = [f'"{c}" = excluded."{c}"' for c in columns if c not in keys] + ([f'"{reset}" = NULL'] if reset else [])
    return f" ON CONFLICT ({_quoted(keys)}) DO UPDATE SET {', '.join(changes)}"


@cache
def _recordset(table: Table, columns: tuple[str, ...]) -> str:
    typed = ", ".join(f'"{c}" {_postgres_type(table, c)}' for c in columns)
    names = _quoted(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM json_to_recordset(%s::json) AS r({typed})"  # noqa: S608


def _document(columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> str:
    return orjson.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_hex).decode()


def _hex(value: Any) -> str:
    """Bytes as PostgreSQL reads them."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"a row cannot hold {type(value).__name__}")


@cache
def _values(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({_quoted(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{c}"' for c in columns)


def _postgres_type(table: Table, column: str) -> str:
    kind = table.c[column].type
    return next((name for python, name in _POSTGRES_TYPES if isinstance(kind, python)), "text")
