"""Houses with people, and with channels whose other side is a stand-in; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.channel_sandbox import Server
from connectors.dingtalk.sandbox import AGENT as DING_AGENT
from connectors.dingtalk.sandbox import APP_KEY
from connectors.dingtalk.sandbox import Sandbox as Dingtalk
from connectors.smtp.sandbox import Sandbox as Mail
from connectors.wecom.sandbox import AGENT, CORP
from connectors.wecom.sandbox import Sandbox as Wecom
from gateway.config import documents
from tests.integration.gateway.conftest import a_clock, build
from tests.integration.gateway.in_process import Build, House
from tests.integration.notify.staff import hire, reachable

__all__ = ["a_clock", "build"]
Staffed = Callable[..., House]


@pytest.fixture
def wecom() -> Iterator[tuple[Wecom, dict[str, Any]]]:
    """A stand-in of WeCom, and a connection to its app."""
    made = Wecom()
    with Server(made.handle) as server:
        config = {"corp_id": CORP, "agent_id": AGENT, "app_secret": made.secret, "api_url": server.url}
        yield made, {"id": "wecom-app", "connector": "wecom", "config": config}


@pytest.fixture
def dingtalk() -> Iterator[tuple[Dingtalk, dict[str, Any]]]:
    """A stand-in of DingTalk, and a connection to its app."""
    made = Dingtalk()
    with Server(made.handle) as server:
        config = {"app_key": APP_KEY, "app_secret": made.app_secret, "agent_id": DING_AGENT, "api_url": server.url}
        yield made, {"id": "ding-app", "connector": "dingtalk", "config": config}


@pytest.fixture
def mail() -> Iterator[tuple[Mail, dict[str, Any]]]:
    """A mail server, and a connection to it."""
    made = Mail()
    config = {"host": "127.0.0.1", "port": made.serve(), "security": "none", "from_address": "weft@example.com"}
    yield made, {"id": "post", "connector": "email", "config": config}
    made.close()


@pytest.fixture
def staffed(build: Build) -> Staffed:
    """A hub with these connections, the people of `staff`, and no bridges that tell of tickets by themselves."""

    def begin(*connections: dict[str, Any], people: bool = True, start: bool = True, **more: Any) -> House:
        house = build({"connections": [{"id": "r", "connector": "robot"}, *connections], **more}, start=start)
        quiet = [{**b.model_dump(mode="json", exclude_defaults=True), "enabled": False}
                 for b, _ in house.gateway.hub.bridge_specs if b.connector]  # fmt: skip
        house.gateway.apply(documents.validate({"bridges": quiet}))
        house.clock.forward(6 * 3600)  # about noon in Shanghai
        if people:
            hire(house)
        reachable(house)
        return house

    return begin
