"""A stand-in MES with a clock that stands, and connectors on it in both styles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx
import pytest

from connectors.mes import MesConfig, MesConnector
from connectors.mes.sandbox import KEY, Sandbox

Connect: TypeAlias = Callable[..., MesConnector]
STYLES = ("typed", "json")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **length: float) -> None:
        self.now += timedelta(**length)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    """The example company's MES."""
    return Sandbox(clock)


@pytest.fixture
def bare(clock: Clock) -> Sandbox:
    """A MES with one machine that has never stopped."""
    made = Sandbox(clock, filled=False)
    made.state.machine("press-7", "7 号冲压机")
    return made


@pytest.fixture
def requests() -> list[httpx.Request]:
    """Every request the connectors have made."""
    return []


@pytest.fixture
def connect(clock: Clock, requests: list[httpx.Request]) -> Connect:
    """connect(sandbox, style="typed", **settings) -> connector; None leaves a setting out."""

    def make(sandbox: Sandbox, style: str = "typed", **changes: Any) -> MesConnector:
        def handle(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return sandbox.handle(request)

        path = "mes" if style == "typed" else "MESService.asmx"
        settings: dict[str, Any] = {"url": f"https://mes.example.test/{path}", "key": KEY, "style": style}
        if style == "json":
            settings |= {"key_place": "argument", "key_name": "apiKey"}
        settings = {name: value for name, value in (settings | changes).items() if value is not None}
        return MesConnector(MesConfig(**settings), transport=httpx.MockTransport(handle), clock=clock)

    return make


def records(connector: MesConnector, stream: str, cursor: Any = None) -> list[Any]:
    """Everything one run reads of a stream."""
    (found,) = (each for each in connector.streams() if each.name == stream)
    return [record for batch in connector.read(found, cursor) for record in batch.records]
