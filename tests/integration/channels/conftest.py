"""Houses with channels, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.channel_sandbox import Server
from connectors.wecom.sandbox import Sandbox as Wecom
from gateway.bridge import outbox
from tests.integration.channels.speaker import Speaking, build_speaking
from tests.integration.gateway.conftest import a_clock, build
from tests.integration.gateway.in_process import Build, Clock, House

__all__ = ["a_clock", "build"]

PRIORITY = "'P0' if severity == 'critical' else 'P1' if severity == 'major' else 'P3'"
RULE = {
    "id": "all", "on": "Alert",
    "ticket": {"kind": "'incident'", "priority": PRIORITY, "title": "title", "description": "description",
               "device": "ids.device", "customer": "ids.customer", "labels": "labels", "url": "url"},
}  # fmt: skip
Start = Callable[..., House]


def work(house: House) -> None:
    while taken := outbox.take(house.gateway, house.gateway.hub, 32):
        for each in taken:
            outbox.carry_out(house.gateway, house.gateway.hub, each)


@pytest.fixture
def speaking(tmp_path: Path, migrated_url: str, a_clock: Clock) -> Iterator[Callable[..., Speaking]]:
    """Makes houses with a speaker."""
    built: list[Speaking] = []

    def make(**changes: object) -> Speaking:
        built.append(build_speaking(tmp_path, migrated_url, a_clock, **changes))
        return built[-1]

    yield make
    for house in built:
        house.gateway.close()


@pytest.fixture
def wecom() -> Iterator[tuple[Wecom, dict[str, Any]]]:
    """A stand-in, and the settings of a connection to its robot."""
    made = Wecom()
    with Server(made.handle) as server:
        yield made, {"connector": "wecom", "config": {"robot_key": made.robot_key, "api_url": server.url}}


@pytest.fixture
def start(build: Build) -> Start:
    """A hub with these connections, and a rule that makes critical P0 and major P1."""

    def begin(*connections: dict[str, Any], **more: Any) -> House:
        house = build({"connections": list(connections), "rules": [RULE], **more})
        house.gateway._hub = replace(house.gateway.hub, public_url="https://hub.test")
        return house

    return begin
