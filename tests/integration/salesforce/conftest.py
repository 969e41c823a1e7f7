"""The stand-in on a port, with TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.salesforce import SalesforceConnector
from connectors.salesforce.config import Login
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_server import Server
from connectors.settings import parse_config


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox().fill()


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Server]:
    with Server(sandbox) as server:
        yield server


def config_of(sandbox: Sandbox, server: Server, login: Login = "client_credentials", **more: Any) -> dict[str, Any]:
    return {"url": server.url, "ca_file": server.ca_file, "timeout_s": 5, **sandbox.login(login), **more}


def connector_of(
    sandbox: Sandbox, server: Server, login: Login = "client_credentials", **more: Any
) -> SalesforceConnector:
    config: Any = parse_config(SalesforceConnector, config_of(sandbox, server, login, **more))
    return SalesforceConnector(config)
