"""A U8 stand-in in SQLite files, and connectors on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from connectors.conformance import Faults
from connectors.contract import Batch, Cursor, Stream
from connectors.settings import parse_config
from connectors.u8 import U8Connector
from connectors.u8.sandbox import Sandbox
from tests.real.odbc import FaultyOdbc

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
Make = Callable[..., U8Connector]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(today=TODAY)
    yield made
    made.close()


@pytest.fixture
def make(sandbox: Sandbox, faults: Faults) -> Iterator[Make]:
    """Connectors on the stand-in; `at` is their clock, `transport` their way to the OpenAPI."""
    connectors: list[U8Connector] = []

    def made(*, at: datetime = NOW, transport: httpx.BaseTransport | None = None, **changes: Any) -> U8Connector:
        openapi = "https://openapi.example.test" if changes.get("requisitions") == "openapi" else ""
        config: Any = parse_config(
            U8Connector, {**sandbox.settings(openapi), "page_size": 7, "timeout_s": 2, **changes}
        )
        way = transport or httpx.MockTransport(sandbox.handle)
        connectors.append(U8Connector(config, opener=FaultyOdbc(faults), transport=way, clock=lambda: at))
        return connectors[-1]

    yield made
    for connector in connectors:
        connector.close()


def stream(connector: U8Connector, name: str) -> Stream:
    return next(s for s in connector.streams() if s.name == name)


def read(connector: U8Connector, name: str, cursor: Cursor = None) -> list[Batch]:
    return list(connector.read(stream(connector, name), cursor))


def records(connector: U8Connector, name: str, cursor: Cursor = None) -> list[dict[str, Any]]:
    return [dict(record) for batch in read(connector, name, cursor) for record in batch.records]


def end(connector: U8Connector, name: str) -> Cursor:
    """The cursor behind everything there is."""
    return read(connector, name)[-1].cursor
