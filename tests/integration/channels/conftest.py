"""Houses with channels, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.database import migrate, open_engine
from tests.integration.channels.speaker import Speaking, build_speaking
from tests.integration.gateway.conftest import a_clock
from tests.integration.gateway.in_process import Clock

__all__ = ["a_clock"]


@pytest.fixture
def speaking(tmp_path: Path, database_url: str, a_clock: Clock) -> Iterator[Callable[..., Speaking]]:
    """Makes houses with a speaker."""
    engine = open_engine(database_url)
    migrate(engine)
    engine.dispose()
    built: list[Speaking] = []

    def make(**changes: object) -> Speaking:
        built.append(build_speaking(tmp_path, database_url, a_clock, **changes))
        return built[-1]

    yield make
    for house in built:
        house.gateway.close()
