from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from core_tickets import metadata


@pytest.fixture
def tickets(engine: Engine) -> Engine:
    """A new database with the tables of the ticket core, for tests that commit."""
    metadata.create_all(engine)
    return engine


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with these tables that all tests of a module share; none of them commits."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('tickets') / 'weft.db'}")
        metadata.create_all(engine)
        yield engine
        engine.dispose()
        return
    url = make_url(request.getfixturevalue("postgres_url"))
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    name = "tickets_" + request.module.__name__.rsplit(".", 1)[-1]
    with admin.connect() as c:
        c.execute(text(f"CREATE DATABASE {name}"))
    engine = create_engine(url.set(database=name))
    metadata.create_all(engine)
    yield engine
    engine.dispose()
    with admin.connect() as c:
        c.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()


@pytest.fixture
def conn(shared: Engine) -> Iterator[Connection]:
    """A transaction on an empty database, rolled back afterwards."""
    with shared.connect() as connection:
        yield connection
