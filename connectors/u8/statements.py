"""The SELECT that reads a stream's window: what changed after a position, up to a mark, in a stable order.

A record's position is the newest of its tables' row versions that lie under the mark, and behind it its key: rows that
share a version (all lines of an order whose head was audited) are told apart by it, so a page may end between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.u8.config import U8Config
from connectors.u8.dialects import Dialect
from connectors.u8.schema import Schema
from connectors.u8.tables import STOCK, Column, Join, Source

_SUMMED = ("iQuantity", "fStopQuantity", "fOutQuantity", "fTransOutQuantity", "fInQuantity", "fTransInQuantity")
POSITION = "weft_position"


class Window(NamedTuple):
    """From where to where: records whose position lies behind (`after`, `key`) and not above `mark`."""

    after: int
    key: tuple[Any, ...] | None
    mark: int


class Statement(NamedTuple):
    """A SELECT, its parameters, and the columns it gives; the last one is the position."""

    sql: str
    parameters: tuple[Any, ...]
    columns: tuple[Column, ...]


_OF_ALL = ("iTotalQuantity", "fTotalAvailable")
"""What lies in all warehouses; a rule that finds it holds the safety stock against it."""


def window(source: Source, schema: Schema, dialect: Dialect, config: U8Config, span: Window) -> Statement:
    """:raises MissingObject: a table or column without which this can't be read."""
    schema.require(source)
    place = _stock_tables(schema, dialect, config, span.mark) if source is STOCK else {}
    joins = [join for join in source.joins if _possible(join, source, schema)]
    known = {source.alias, *(join.alias for join in joins)}
    tables = source.tables

    def exists(column: Column) -> bool:
        if column.alias not in known:
            return False
        if column.alias in place:
            return (column.name != "cBatch" or config.stock_by_batch) and (
                column.name not in _OF_ALL or config.safety_stock_by == "item"
            )
        return schema.has(tables[column.alias], column.column)

    columns = [c for c in source.columns if exists(c)]
    inner = ", ".join(f"{c.alias}.{c.column} AS {c.name}" for c in columns)
    versions = [_under(f"CAST({alias}.{column} AS BIGINT)", span.mark) for alias, column in source.versions]
    inner += f", {_newest(versions)} AS {POSITION}"
    origin = f"{place.get(source.alias, source.table)} {source.alias}"
    for join in joins:
        how = "LEFT JOIN" if join.optional else "JOIN"
        origin += f" {how} {place.get(join.alias, join.table)} {join.alias} ON {join.on}"
    order = _order(source, config)
    where, parameters = _behind(order, span)
    names = ", ".join(c.name for c in columns)
    sql = f"SELECT {names}, {POSITION} FROM (SELECT {inner} FROM {origin}) q WHERE {where}"  # noqa: S608 - our names
    return Statement(f"{sql} ORDER BY {', '.join((POSITION, *order))}", parameters, tuple(columns))


def key_of(source: Source, config: U8Config) -> tuple[str, ...]:
    """The fields that identify a record of this stream and order it among those of the same version."""
    return (*source.key, "cBatch") if source is STOCK and config.stock_by_batch else source.key


_order = key_of


def _behind(order: Sequence[str], span: Window) -> tuple[str, tuple[Any, ...]]:
    """Behind the position: a later version, or the same and a greater key."""
    if span.key is None:
        return f"{POSITION} > {span.after}", ()
    parts, parameters = [f"{POSITION} > {span.after}"], []
    for place, name in enumerate(order):
        same = [f"{POSITION} = {span.after}", *(f"{earlier} = ?" for earlier in order[:place])]
        parts.append(f"({' AND '.join(same)} AND {name} > ?)")
        parameters += [*span.key[:place], span.key[place]]
    return f"({' OR '.join(parts)})", tuple(parameters)


def _under(version: str, mark: int) -> str:
    return f"CASE WHEN {version} <= {mark} THEN {version} ELSE 0 END"


def _newest(versions: Sequence[str]) -> str:
    first, *others = versions
    for other in others:
        first = f"CASE WHEN {first} >= {other} THEN {first} ELSE {other} END"
    return first


def _possible(join: Join, source: Source, schema: Schema) -> bool:
    """Whether this U8 has the table, and all columns it is joined by."""
    tables = source.tables
    places = re.findall(r"(\w+)\.(\w+)", join.on)
    return schema.has(join.table) and (
        not join.optional or all(alias == STOCK.alias or schema.has(tables[alias], name) for alias, name in places)
    )


def available(schema: Schema, config: U8Config, alias: str) -> str:
    """What is free to use of one row of CurrentStock: the site's formula, nulls as zero.

    :raises MissingObject: the setting names a column that is not there.
    """
    names = re.findall(r"\w+", config.available)
    missing = [n for n in names if n not in _SUMMED and not schema.has("CurrentStock", n)]
    schema.need([f"CurrentStock.{name}" for name in missing], "the setting `available`")
    return re.sub(r"\w+", lambda name: _amount(schema, alias, name[0]), config.available)


def _amount(schema: Schema, alias: str, name: str) -> str:
    return f"COALESCE({alias}.{name}, 0)" if schema.has("CurrentStock", name) else "0"


def _stock_tables(schema: Schema, dialect: Dialect, config: U8Config, mark: int) -> dict[str, str]:
    """CurrentStock has a row for each batch, free item and owner: summed by item and warehouse, and by item. The newest
    row version of an item, wherever it lies, dates all its records."""
    by = ["cInvCode", "cWhCode", *(["cBatch"] if config.stock_by_batch else [])]
    sums = [f"{dialect.total(_amount(schema, 'x', name))} AS {name}" for name in _SUMMED]
    free = dialect.total(available(schema, config, "x"))
    version = _under("CAST(x.ufts AS BIGINT)", mark)
    groups = ", ".join(f"x.{name}" for name in by)
    measured = f"{', '.join(sums)}, {free} AS fAvailable"
    quantity = dialect.total(_amount(schema, "x", "iQuantity"))
    total = f"{quantity} AS iTotalQuantity, {free} AS fTotalAvailable, MAX({version}) AS ufts"
    one = f"SELECT {groups}, {measured} FROM CurrentStock x GROUP BY {groups}"  # noqa: S608 - names of our own
    whole = f"SELECT x.cInvCode, {total} FROM CurrentStock x GROUP BY x.cInvCode"  # noqa: S608 - names of our own
    return {"s": f"({one})", "t": f"({whole})"}
