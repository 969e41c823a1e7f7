"""Databases and hubs that live as long as a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.campaign.driver import Campaign, Year, the_hub

Lived = Callable[[Campaign, str], AbstractContextManager[Year]]
"""A campaign and its database."""


@pytest.fixture(scope="module")
def copy_of_postgres(postgres_url: str, migrated_template: str) -> Iterator[Callable[[str], str]]:
    """Makes databases with the hub's tables, dropped with the module."""
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def make(name: str) -> str:
        with admin.connect() as conn:
            conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {migrated_template}"))
        made.append(name)
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    yield make
    with admin.connect() as conn:
        for name in made:
            conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def _set(patch: pytest.MonkeyPatch, now: Callable[[], int]) -> None:
    patch.setattr("gateway.clock.now", now)
    patch.setattr("gateway.clock.shared", lambda _conn: now())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Opens a hub that goes by the campaign's clock."""

    @contextmanager
    def live(campaign: Campaign, url: str) -> Iterator[Year]:
        home: Path = tmp_path_factory.mktemp("campaign")
        with (
            pytest.MonkeyPatch.context() as patch,
            the_hub(campaign, url, home, partial(_set, patch)) as year,
        ):
            yield year

    return live
