"""A running hub for a test: `start_hub(config)` on SQLite and on PostgreSQL; `start_any` also as a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cluster import Cluster
from tests.acceptance.running_hub import RunningHub

StartHub = Callable[..., RunningHub]


@pytest.fixture
def start_hub(tmp_path: Path, migrated_url: str) -> Iterator[StartHub]:
    """Starts a hub with a configuration; every hub it started is ended afterwards. Once per database system."""
    started: list[RunningHub] = []

    def start(config: Mapping[str, Any], *arguments: str) -> RunningHub:
        hub = RunningHub(tmp_path, migrated_url, config, arguments)
        started.append(hub)
        return hub.start(migrated=True)

    yield start
    for hub in started:
        hub.stop()


@pytest.fixture(params=["sqlite", "postgresql", "cluster"])
def start_any(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartHub]:
    """The same once per database system, and once as two gateways and two workers on one PostgreSQL."""
    started: list[RunningHub] = []
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "weft.db")
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("migrated_postgres")
    kind = Cluster if request.param == "cluster" else RunningHub

    def start(config: Mapping[str, Any], *arguments: str) -> RunningHub:
        hub = kind(tmp_path, url, config, arguments)
        started.append(hub)
        return hub.start(migrated=True)

    yield start
    for hub in started:
        hub.stop()
