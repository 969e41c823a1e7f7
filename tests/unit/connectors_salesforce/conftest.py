"""An organization in the same process, and connectors on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.conformance import Faults
from connectors.contract import Batch, Record, Stream
from connectors.salesforce import SalesforceConnector
from connectors.salesforce.config import Login
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_state import Row
from connectors.settings import parse_config
from tests.unit.connectors_salesforce.faulty import FaultyAdapter

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
Make = Callable[..., SalesforceConnector]


@pytest.fixture
def sandbox() -> Sandbox:
    """Filled with the example company; it is always the same moment there."""
    return Sandbox(clock=lambda: NOW).fill()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def adapter(sandbox: Sandbox, faults: Faults) -> FaultyAdapter:
    return FaultyAdapter(sandbox, faults)


@pytest.fixture
def make(sandbox: Sandbox, adapter: FaultyAdapter) -> Make:
    """A new connector with these settings; `login` is the kind of login."""

    def made(login: Login = "password", **settings: Any) -> SalesforceConnector:
        data = {"url": sandbox.origin, "timeout_s": 2, **sandbox.login(login), **settings}
        config: Any = parse_config(SalesforceConnector, data)
        return SalesforceConnector(config, adapter=adapter, clock=lambda: NOW)

    return made


def stream_of(connector: SalesforceConnector, name: str) -> Stream:
    return next(s for s in connector.streams() if s.name == name)


def batches(connector: SalesforceConnector, name: str, cursor: Any = None) -> list[Batch]:
    return list(connector.read(stream_of(connector, name), cursor))


def records(connector: SalesforceConnector, name: str, cursor: Any = None) -> list[Record]:
    return [record for batch in batches(connector, name, cursor) for record in batch.records]


def account(sandbox: Sandbox, name: str = "杭州精工机械有限公司") -> Row:
    return next(row for row in sandbox.state.tables["Account"].values() if row["Name"] == name)


def targets(sandbox: Sandbox, since: int = 0) -> list[str]:
    """What was asked of the sandbox: "GET query", "PATCH sobjects/Case/..."."""
    return [
        f"{call.method} {'/'.join(call.path).partition('services/')[2] or '/'.join(call.path)}"
        for call in sandbox.calls[since:]
    ]
