"""One real Prometheus, Alertmanager and node_exporter for all tests of this folder; each test has its own device."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connectors.prometheus import PrometheusConfig, PrometheusConnector
from connectors.prometheus.sandbox import Sandbox
from connectors.prometheus.sandbox_http import Server
from tests.real.prometheus import TOKEN, Listener, Monitoring, monitoring

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    with monitoring(tmp_path_factory.mktemp("monitoring")) as running:
        yield running


@pytest.fixture
def device() -> str:
    """The name of a device that no other test knows."""
    return f"PUMP-{next(_numbers)}"


Connect = Callable[..., PrometheusConnector]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """connect(url, alertmanager_url, **settings) -> connector, closed after the test."""
    with ExitStack() as stack:

        def make(url: str, alertmanager_url: str, **more: Any) -> PrometheusConnector:
            settings = {"webhook_token": TOKEN, **more}
            made = PrometheusConnector(PrometheusConfig(url=url, alertmanager_url=alertmanager_url, **settings))
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def connector(real: Monitoring, connect: Connect) -> PrometheusConnector:
    """On the real programs."""
    return connect(real.prometheus.url, real.alertmanager.url)


@dataclass
class AlertSource:
    """An Alertmanager, real or sandbox, that alerts can be posted to, and the listener it tells them."""

    url: str
    listener: Listener
    connector: PrometheusConnector

    def post(self, labels: dict[str, str], **more: Any) -> None:
        httpx.post(f"{self.url}/api/v2/alerts", json=[{"labels": labels, **more}], timeout=10).raise_for_status()

    def silences(self) -> dict[str, dict[str, Any]]:
        """All its silences by id."""
        return {s["id"]: s for s in httpx.get(f"{self.url}/api/v2/silences", timeout=10).json()}

    def read(self, device: str) -> list[dict[str, Any]]:
        """What the connector reads about a device."""
        (stream,) = self.connector.streams()
        records = [dict(r) for batch in self.connector.read(stream, None) for r in batch.records]
        return [r for r in records if r["labels"].get("device") == device]

    def pushed(self, device: str, status: str) -> dict[str, Any]:
        """The first record that the webhook brings about a device with this status."""
        return self.listener.wait(lambda all_: _first(self.connector, all_, device, status), f"{device} {status}")


@pytest.fixture(params=["real", "sandbox"])
def source(request: pytest.FixtureRequest, connect: Connect) -> Iterator[AlertSource]:
    """Each test runs once on the real Alertmanager and once on its stand-in."""
    if request.param == "real":
        real: Monitoring = request.getfixturevalue("real")
        made = connect(real.prometheus.url, real.alertmanager.url)
        yield AlertSource(real.alertmanager.url, real.listener, made)
        return
    with (
        Listener() as listener,
        Server(Sandbox(webhook_url=listener.url, webhook_token=TOKEN, group_interval_s=0.2)) as server,
    ):
        yield AlertSource(server.url, listener, connect(server.url, server.url))


def _first(connector: PrometheusConnector, deliveries: Any, device: str, status: str) -> dict[str, Any] | None:
    for delivery in deliveries:
        for event in connector.receive(delivery):
            if event.record["labels"].get("device") == device and event.record["status"] == status:
                return dict(event.record)
    return None
