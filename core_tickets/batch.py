"""Whole batches in one statement, on either database.

On PostgreSQL all rows travel as one JSON document that `json_to_recordset` opens: measured on 1,000 rows of 19
columns, 2 us of client and 15 us of server CPU a row, against 25 to 40 and 16 for `unnest` of arrays. On SQLite it is
`executemany`. Rows are dicts of plain values; what is missing is NULL.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Table,
    Text,
    any_,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

Row = Mapping[str, Any]


def among(conn: Connection, c: ColumnElement[Any], values: Collection[int] | Collection[str]) -> ColumnElement[bool]:
    """`c IN values` as one parameter, however many there are."""
    if conn.dialect.name == "postgresql":
        kind = ARRAY(BigInteger() if isinstance(c.type, BigInteger) else Text())
        return c == any_(literal(list(values), kind))
    each = func.json_each(literal(orjson.dumps(list(values)).decode(), Text())).table_valued("value")
    return c.in_(select(each.c.value))


def insert_rows(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert all rows, in their order."""
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        names = [c.name for c in table.c if c.name in rows[0]]
        source = _recordset(table, names)
        conn.execute(insert(table).from_select(names, select(source)), _document(rows))
    else:
        conn.execute(insert(table), list(rows))


def insert_new(conn: Connection, table: Table, rows: Sequence[Row], unique: str) -> set[int]:
    """Insert the rows whose `unique` column is not taken; the ids of those. Racing transactions wait for one another,
    row by row in the order given, so sort by `unique`. Every row must have all columns that any row has."""
    if not rows:
        return set()
    names = [c.name for c in table.c if c.name in rows[0]]
    if conn.dialect.name != "postgresql":  # one writer at a time: what a select just did not find is not there
        conn.execute(insert(table), list(rows))
        return {row["id"] for row in rows}
    statement = (
        postgresql.insert(table)
        .from_select(names, select(_recordset(table, names)))
        .on_conflict_do_nothing(index_elements=[unique])
        .returning(table.c.id)
    )
    return set(conn.execute(statement, _document(rows)).scalars())


def update_rows(conn: Connection, table: Table, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Set the columns `names` of the rows with these ids. The caller holds their locks."""
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        source = _recordset(table, ["id", *names])
        statement = update(table).where(table.c.id == source.c.id).values({n: source.c[n] for n in names})
        conn.execute(statement, _document(rows))
    else:
        statement = update(table).where(table.c.id == bindparam("_id")).values({n: bindparam(f"_{n}") for n in names})
        conn.execute(statement, [{f"_{n}": row.get(n) for n in ("id", *names)} for row in rows])


def _recordset(table: Table, names: Sequence[str]) -> FromClause:
    rows = func.json_to_recordset(func.cast(bindparam("document", type_=Text()), postgresql.JSON))
    columns = [column(n, table.c[n].type) for n in names]
    return rows.table_valued(*columns, name="r").render_derived(with_types=True)


def _document(rows: Sequence[Row]) -> dict[str, str]:
    return {"document": orjson.dumps(rows).decode()}
