"""A folder of a test's own, and a connector on it whose clock the test turns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.contract import Batch, Cursor
from connectors.drop_folder import CsvConfig, CsvConnector
from connectors.drop_folder.client import Files

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
STOCK = {"files": "stock*", "key": "item", "fields": {"qty": "number"}}


class Drop:
    """`now` is the hub's clock; files get times of their own, one minute after the other, as they are put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(UTC) + timedelta(days=1)
        self.config: dict[str, Any] = {"folder": str(folder), "streams": {"stock": STOCK}, "batch_rows": 3}
        self._at = BEGIN

    def put(self, name: str, data: bytes | str, *, at: datetime | None = None) -> Path:
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        self._at += timedelta(minutes=1)
        nanoseconds = int((at or self._at).timestamp()) * 10**9
        os.utime(path, ns=(nanoseconds, nanoseconds))
        return path

    def stream(self, **changes: Any) -> None:
        """Change how the stream reads its files."""
        self.config["streams"] = {"stock": {**self.config["streams"]["stock"], **changes}}

    def connector(self, files: Files | None = None, **more: Any) -> CsvConnector:
        config = CsvConfig.model_validate(self.config)
        return CsvConnector(config, files=files or Files(), clock=lambda: self.now, **more)

    def batches(self, cursor: Cursor = None, *, stop_after: int = 1 << 30, **more: Any) -> list[Batch]:
        connector = self.connector(**more)
        found: list[Batch] = []
        pages = connector.read(connector.streams()[0], cursor)
        for batch in pages:
            found.append(batch)
            if len(found) >= stop_after:
                pages.close()  # type: ignore[attr-defined]
                break
        return found

    def rows(self, cursor: Cursor = None) -> list[dict[str, Any]]:
        return [dict(record) for batch in self.batches(cursor) for record in batch.records]

    def bad(self, cursor: Cursor = None) -> list[str]:
        return [str(bad) for batch in self.batches(cursor) for bad in batch.bad]


def cursor_of(batches: Sequence[Batch]) -> Cursor:
    """The last one, as it comes back out of the hub's database."""
    cursors = [batch.cursor for batch in batches if batch.cursor is not None]
    loaded: Cursor = orjson.loads(orjson.dumps(cursors[-1]))
    return loaded


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    folder = tmp_path / "drop"
    folder.mkdir()
    return Drop(folder)
