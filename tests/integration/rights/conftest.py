"""The seeded house, on both databases: `company` for a test of its own, `shared` for all that only read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.integration.gateway.conftest import a_clock, build
from tests.integration.gateway.in_process import Build, Clock, build_house
from tests.integration.gateway.over_http import open_api
from tests.integration.rights.house import Company, seed

__all__ = ["a_clock", "build", "company", "shared"]


@pytest.fixture
def company(build: Build) -> Iterator[Company]:
    made = build(start=False)
    with open_api(made) as api:
        yield seed(made, api)


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def _url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of this package's, with the hub's tables."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path_factory.mktemp("rights") / "weft.db")
        yield f"sqlite:///{file}"
        return
    server, name = request.getfixturevalue("postgres_url"), f"weft_{os.getpid()}_rights"
    template = request.getfixturevalue("migrated_template")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="package")
def _shared(_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    a_clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.clock.now", a_clock)
        house = build_house(tmp_path_factory.mktemp("home"), _url, a_clock, start=False)
        with open_api(house) as api:
            yield seed(house, api)
        house.gateway.close()


@pytest.fixture
def shared(_shared: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """Nobody may change anything in it."""
    monkeypatch.setattr("gateway.clock.now", _shared.house.clock)
    return _shared
