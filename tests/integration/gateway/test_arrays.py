"""Arrays as parameters: what is written at once reads back as what psycopg writes item by item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.database import open_engine

PLAIN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
TYPES = {"bigint": st.integers(-(2**63), 2**63 - 1), "smallint": st.integers(-(2**15), 2**15 - 1),
         "text": texts, "bytea": st.binary(), "boolean": st.booleans(),
         "numeric": st.decimals(allow_nan=False, allow_infinity=False)}  # fmt: skip


@pytest.fixture
def conn(postgres_database: str) -> Iterator[Connection]:
    engine = open_engine(postgres_database)
    with engine.connect() as conn:
        yield conn
    engine.dispose()


def back(conn: Connection, kind: str, values: list[Any], mark: str = "%b") -> list[Any]:
    return [row[0] for row in conn.exec_driver_sql(f"SELECT unnest({mark}::{kind}[])", (values,))]


@PLAIN
@given(st.data())
@pytest.mark.parametrize("kind", TYPES)
def test_an_array_comes_back_as_it_went(conn: Connection, kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(TYPES[kind] | st.none(), max_size=8) | st.lists(TYPES[kind], max_size=8))
    assert back(conn, kind, values) == values
    if kind in ("bigint", "text"):
        assert back(conn, kind, values, "%s") == values


def test_a_nested_array_is_left_to_psycopg(conn: Connection) -> None:
    assert back(conn, "int", [[1, 2], [3, 4]]) == [1, 2, 3, 4]


def test_a_number_that_does_not_fit_is_the_databases_error(conn: Connection) -> None:
    with pytest.raises(DBAPIError) as failure:
        back(conn, "bigint", [2**63])
    assert isinstance(failure.value.orig, psycopg.Error)
