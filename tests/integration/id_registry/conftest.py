"""A registry with empty tables, on each of the two databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, create_engine, event

from id_registry import metadata


@pytest.fixture
def registry(engine: Engine) -> Engine:
    """An engine on an empty registry: each test runs on SQLite and on PostgreSQL."""
    metadata.create_all(engine)
    return engine


@pytest.fixture
def conn(registry: Engine) -> Iterator[Connection]:
    """A connection in a transaction of its own."""
    with registry.begin() as connection:
        yield connection


@pytest.fixture
def postgres_registry(postgres_database: str) -> Iterator[Engine]:
    """An engine on an empty registry on PostgreSQL, for what SQLite cannot do: writers at the same time."""
    engine = create_engine(postgres_database, pool_size=16)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@contextmanager
def counted_statements(conn: Connection) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(conn, "before_cursor_execute", note)
