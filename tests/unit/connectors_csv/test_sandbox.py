"""The sandbox tells how to connect to it, and changes when told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from connectors.drop_folder import CsvConfig, CsvConnector
from connectors.drop_folder.sandbox import Sandbox, serve


@pytest.fixture
def control(tmp_path: Path) -> Iterator[str]:
    sandbox = Sandbox(tmp_path / "drop")
    sandbox.fill()
    with serve(sandbox) as server:
        yield f"{server.url}/sandbox"
    sandbox.close()


def test_stock_that_is_changed_in_the_sandbox_is_read_by_the_next_run(control: str) -> None:
    settings = httpx.get(f"{control}/config", timeout=5).json()
    connector = CsvConnector(CsvConfig.model_validate(settings))
    [stock] = [stream for stream in connector.streams() if stream.name == "stock"]
    told = httpx.post(f"{control}/stock", json={"item": "BRG-6205", "quantity": "3"}, timeout=5).json()
    assert told["file"] in str(httpx.get(f"{control}/files", timeout=5).json())
    rows = [row for batch in connector.read(stock, None) for row in batch.records]
    assert {row["存货编码"]: row["数量"] for row in rows}["BRG-6205"] == 3
