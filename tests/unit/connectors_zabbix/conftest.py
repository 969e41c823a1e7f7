"""A stand-in Zabbix of each kind, and connectors on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx
import pytest
from pydantic import SecretStr

from connectors.zabbix import Administrator, ZabbixConfig, ZabbixConnector
from connectors.zabbix.sandbox import Sandbox

VERSIONS = ("6.0.14", "6.4.0", "7.0.0", "7.2.0")
ADMIN = Administrator(username="Admin", password=SecretStr("zabbix"))
HUB = "https://hub.example.test/v1/inbound/zbx-main"
Connect: TypeAlias = Callable[..., ZabbixConnector]


class Clock:
    """A clock that stands until it is moved. Seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_795_000_000

    def __call__(self) -> int:
        return self.now

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["7.0.0"])
def sandbox(request: pytest.FixtureRequest, clock: Clock) -> Sandbox:
    """Zabbix 7.0; other versions by `@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)`."""
    return Sandbox(request.param, clock)


@pytest.fixture
def requests() -> list[httpx.Request]:
    """Every request the connectors have made."""
    return []


@pytest.fixture
def connect(sandbox: Sandbox, clock: Clock, requests: list[httpx.Request]) -> Connect:
    """Makes a connector on the sandbox; changes to its settings as keywords, None to leave one out."""

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return sandbox.handle(request)

    def make(**changes: Any) -> ZabbixConnector:
        settings: dict[str, Any] = {
            "url": "https://zabbix.example.test",
            "token": sandbox.hub.token,
            "webhook_token": "t" * 20,
        }
        settings = {k: v for k, v in (settings | changes).items() if v is not None}
        return ZabbixConnector(ZabbixConfig(**settings), transport=httpx.MockTransport(handle), clock=clock.moment)

    return make


@pytest.fixture
def press(sandbox: Sandbox) -> dict[str, Any]:
    """A host with one thermometer."""
    host = sandbox.state.host("press-7", visible="Press 7")
    return {"host": host, "item": sandbox.state.item(host, "temp", units="C")}


@pytest.fixture
def too_hot(sandbox: Sandbox, press: dict[str, Any]) -> dict[str, Any]:
    """A trigger on it."""
    tags = [{"tag": "site", "value": "HZ"}]
    return sandbox.state.trigger(
        press["item"],
        "{HOST.NAME} is too hot",
        80,
        severity=4,
        tags=tags,
        opdata="now {ITEM.LASTVALUE1}",
        comments="Stop it",
    )
