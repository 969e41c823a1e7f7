from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from core_tickets import metadata


@pytest.fixture
def tickets(engine: Engine) -> Engine:
    """A database with the tables of the ticket core."""
    metadata.create_all(engine)
    return engine


@pytest.fixture
def conn(tickets: Engine) -> Iterator[Connection]:
    """A transaction on it, rolled back afterwards."""
    with tickets.connect() as connection:
        yield connection
