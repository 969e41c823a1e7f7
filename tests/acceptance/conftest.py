"""A running hub for a test: `start_hub(config)` on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

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
