"""Hubs within the test's process: `build` makes them on SQLite and on PostgreSQL, ended with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.books.connector import Shelves
from tests.integration.gateway.in_process import Build, Clock, House, build_house
from tests.integration.gateway.replicas import Keep


@pytest.fixture
def a_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The hub's clock, standing still until the test moves it."""
    held = Clock()
    monkeypatch.setattr("gateway.clock.now", held)
    monkeypatch.setattr("gateway.clock.shared", lambda _conn: held())
    return held


@pytest.fixture
def build(tmp_path: Path, migrated_url: str, a_clock: Clock) -> Iterator[Build]:
    """Makes houses on one database whose tables are there."""
    built: list[House] = []

    def make(config: dict[str, Any] | None = None, **more: Any) -> House:
        built.append(build_house(tmp_path, migrated_url, a_clock, config, **more))
        return built[-1]

    yield make
    for house in built:
        house.gateway.close()


@pytest.fixture
def keep_of(build: Build) -> Callable[..., Keep]:
    """Makes a hub with an ERP `erp`, a CRM `crm` and a MES `mes`, each of plain lists."""

    def make(config: Mapping[str, Any] | None = None, connections: Sequence[Mapping[str, Any]] = ()) -> Keep:
        world = {place: Shelves() for place in ("erp", "crm", "mes")}
        books = [{"id": p, "connector": "books", "config": {"place": p}} for p in world]
        given = {**(config or {}), "connections": [{"id": "r", "connector": "robot"}, *books, *connections]}
        return Keep(build(given, books=world), world)

    return make


@pytest.fixture
def keep(keep_of: Callable[..., Keep]) -> Keep:
    return keep_of()


@pytest.fixture
def house(build: Build) -> House:
    """A hub with one robot."""
    return build()
