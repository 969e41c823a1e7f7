"""A SQLite file of a test's own, and connectors on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.contract import Batch, Cursor
from connectors.sql import SqlConfig, SqlConnector
from connectors.sql.sandbox import SqliteStore

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ORDERS = {"table": "orders", "key": "id", "cursor": "at", "fields": {"at": "datetime"}, "page_rows": 3}


class Plant:
    """`store`: the database as others see it. `section`: the connection's settings but for the place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = SqliteStore(path)
        self.section: dict[str, Any] = {"streams": {"orders": ORDERS}}
        self._connectors: list[SqlConnector] = []

    def orders(self, *rows: tuple[Any, ...]) -> None:
        """A table of (id, at) with these rows."""
        self.store.run("CREATE TABLE IF NOT EXISTS orders (id, at)")
        for row in rows:
            self.store.run("INSERT INTO orders VALUES (?, ?)", row)

    def stream(self, **changes: Any) -> None:
        streams = self.section["streams"]
        self.section = {**self.section, "streams": {"orders": {**streams["orders"], **changes}}}

    def connector(self) -> SqlConnector:
        config = SqlConfig.model_validate({"url": f"sqlite:///{self.path}", "timeout_s": 10, **self.section})
        made = SqlConnector(config, clock=lambda: NOW)
        self._connectors.append(made)
        return made

    def batches(self, cursor: Cursor = None) -> Iterator[Batch]:
        connector = self.connector()
        yield from connector.read(connector.streams()[0], cursor)

    def ids(self, cursor: Cursor = None) -> list[Any]:
        return [record["id"] for batch in self.batches(cursor) for record in batch.records]

    def bad(self, cursor: Cursor = None) -> list[str]:
        return [str(bad) for batch in self.batches(cursor) for bad in batch.bad]

    def close(self) -> None:
        for connector in self._connectors:
            connector.close()
        self.store.close()


def cursor_of(batches: Iterator[Batch]) -> Cursor:
    """The last one, as it comes back out of the hub's database."""
    cursors = [batch.cursor for batch in batches if batch.cursor is not None]
    loaded: Cursor = orjson.loads(orjson.dumps(cursors[-1]))
    return loaded


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path / "plant.db")
    yield made
    made.close()
