"""A real PostgreSQL database, reached by URL (psycopg) and by ODBC (psqlodbc): each test runs once with each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from connectors.sql import SqlConfig, SqlConnector
from tests.real.odbc import postgres_settings

Make = Callable[..., SqlConnector]


@pytest.fixture
def database(postgres_database: str) -> Iterator[Engine]:
    """The database as its other users see it."""
    engine = create_engine(postgres_database, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture(params=["url", "odbc"])
def make(request: pytest.FixtureRequest, postgres_database: str) -> Iterator[Make]:
    """Makes connectors on it, of these settings."""
    made: list[SqlConnector] = []
    parsed = make_url(postgres_database)
    place: dict[str, Any] = postgres_settings(postgres_database)
    if request.param == "url":
        place = {
            "url": f"postgresql+psycopg://{parsed.host}:{parsed.port}/{parsed.database}",
            "username": parsed.username,
        }

    def connector(**settings: Any) -> SqlConnector:
        made.append(SqlConnector(SqlConfig.model_validate({**place, **settings})))
        return made[-1]

    yield connector
    for each in made:
        each.close()


def execute(database: Engine, sql: str, **values: Any) -> list[Any]:
    with database.connect() as c:
        result = c.execute(text(sql), values)
        return [tuple(row) for row in result] if result.returns_rows else []
