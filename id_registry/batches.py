"""How a list travels in one statement: as an array on PostgreSQL, as JSON on SQLite. Neither has a limit to it.

Arrays travel in binary (`%b`): the driver writes them as text three to twenty times slower.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

__all__ = ["CHUNK", "among", "chunks", "planned_afresh", "rows_parameters", "values_parameter"]

CHUNK = 5_000
"""Rows per statement."""
_T = TypeVar("_T")


def chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The items in pieces of at most CHUNK."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def values_parameter(conn: Connection, values: Collection[Any]) -> object:
    """One column of values as one parameter, for `unnest(%b)` or `json_each(?)`."""
    return list(values) if conn.dialect.name == "postgresql" else orjson.dumps(list(values)).decode()


def rows_parameters(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> tuple[object, ...]:
    """Rows as parameters: an array per column for `unnest(%b, %b, …)`, or one text for `json_each(?)`."""
    if conn.dialect.name == "postgresql":
        return tuple([row[i] for row in rows] for i in range(len(rows[0])))
    return (orjson.dumps(rows, default=tuple).decode(),)  # it takes no NamedTuple as it is


def among(conn: Connection, gids: ColumnElement[int], values: Collection[int]) -> ColumnElement[bool]:
    """The condition that a bigint column holds one of the values."""
    if conn.dialect.name == "postgresql":
        given = func.unnest(bindparam(None, list(values), type_=ARRAY(BigInteger)))
        return gids.in_(select(given))
    return gids.in_(select(func.json_each(orjson.dumps(list(values)).decode()).table_valued(column("value")).c.value))


@contextmanager
def planned_afresh(conn: Connection) -> Iterator[None]:
    """Statements inside are planned for the tables as they are now.

    The driver would prepare a statement after its fifth use, and PostgreSQL then keep one plan for it. A plan kept from
    when a table filled one page reads the whole table *for each key of a batch* once it has grown, until autovacuum
    looks at it (measured: 30 s instead of 30 ms for 5,000 keys among 60,000). Planning costs less than one key in 100.
    """
    driver = conn.connection.driver_connection
    if conn.dialect.name != "postgresql" or driver is None:
        yield
        return
    threshold, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = threshold
