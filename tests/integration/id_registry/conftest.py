"""A registry with empty tables, on each of the two databases."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, create_engine, event

from id_registry import metadata

_numbers = itertools.count(1)


@pytest.fixture
def registry(engine: Engine) -> Engine:
    """An engine on an empty registry of its own: each test runs on SQLite and on PostgreSQL."""
    metadata.create_all(engine)
    return engine


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> Iterator[Engine]:
    """An engine on a registry for the tests of a module that leave nothing behind; quicker than a database for each."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('registry') / 'weft.db'}")
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
        metadata.create_all(engine)
        yield engine
    else:
        schema = f"registry_{os.getpid()}_{next(_numbers)}"
        engine = create_engine(postgres_url, connect_args={"options": f"-c search_path={schema}"})
        with engine.begin() as conn:
            conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
        metadata.create_all(engine)
        yield engine
        with engine.begin() as conn:
            conn.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def conn(shared_registry: Engine) -> Iterator[Connection]:
    """A connection to an empty registry, in a transaction that is rolled back afterwards."""
    with shared_registry.connect() as connection:
        connection.begin()
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
