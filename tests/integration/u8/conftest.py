"""U8's tables in a real PostgreSQL, read through psqlodbc."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from connectors.settings import parse_config
from connectors.u8 import U8Connector
from connectors.u8.sandbox import Sandbox
from connectors.u8.sandbox_stores import PostgresStore
from tests.real.odbc import postgres_settings

TODAY = date(2026, 11, 22)
Make = Callable[..., U8Connector]


def conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def sandbox(postgres_database: str) -> Iterator[Sandbox]:
    made = Sandbox(data=PostgresStore(conninfo(postgres_database)), today=TODAY)
    yield made
    made.close()


@pytest.fixture
def make(sandbox: Sandbox, postgres_database: str) -> Iterator[Make]:
    """Connectors on this database; closed in the end."""
    connectors: list[U8Connector] = []

    def made(opener: Any = None, **changes: Any) -> U8Connector:
        settings = {**postgres_settings(postgres_database), "account": "001", "page_size": 7, "timeout_s": 5, **changes}
        config: Any = parse_config(U8Connector, settings)
        connectors.append(U8Connector(config, opener=opener))
        return connectors[-1]

    yield made
    for connector in connectors:
        connector.close()
