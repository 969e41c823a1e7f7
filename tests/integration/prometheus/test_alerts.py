"""From a measured value to events: real Prometheus, real Alertmanager, real webhook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Delivery
from connectors.errors import AuthProblem
from connectors.prometheus import PrometheusConnector
from tests.integration.prometheus.conftest import AlertSource, Connect
from tests.real.prometheus import Monitoring, eventually


def test_a_value_over_its_limit_fires_and_a_good_one_resolves(
    real: Monitoring, connector: PrometheusConnector, device: str
) -> None:
    source = AlertSource(real.alertmanager.url, real.listener, connector)

    real.exporter.set("weft_device_temperature_celsius", 95.5, device=device, site="plant-1")
    firing = source.pushed(device, "firing")
    real.exporter.set("weft_device_temperature_celsius", 40, device=device, site="plant-1")
    resolved = source.pushed(device, "resolved")

    assert firing["labels"] | {"device": device, "site": "plant-1", "severity": "critical"} == firing["labels"]
    assert firing["annotations"]["value"] == "95.5"
    assert firing["endsAt"] is None
    assert (resolved["fingerprint"], resolved["startsAt"]) == (firing["fingerprint"], firing["startsAt"])
    assert datetime.fromisoformat(resolved["endsAt"]) > datetime.fromisoformat(resolved["startsAt"])
    assert eventually(lambda: not source.read(device), "the resolved alert is no longer read")


def test_an_alert_read_is_the_alert_that_was_pushed(source: AlertSource, device: str) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=3)
    starts_at = begun.isoformat(timespec="microseconds")
    source.post({"alertname": "Posted", "device": device}, annotations={"summary": "读数"}, startsAt=starts_at)

    pushed = source.pushed(device, "firing")
    (read,) = source.read(device)

    same = (
        "fingerprint",
        "status",
        "startsAt",
        "endsAt",
        "labels",
        "annotations",
        "generatorURL",
        "receivers",
        "state",
    )
    assert {name: read[name] for name in same} == {name: pushed[name] for name in same}
    assert pushed["startsAt"] == begun.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_times_in_another_zone_and_with_nanoseconds_name_one_occurrence(source: AlertSource, device: str) -> None:
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
    local = (datetime.fromisoformat(hour + ":00:00+00:00") + timedelta(hours=8)).strftime("%Y-%m-%dT%H")
    source.post({"alertname": "Zoned", "device": device}, startsAt=f"{local}:00:00.123456789+08:00")

    assert source.pushed(device, "firing")["startsAt"] == f"{hour}:00:00.123Z"
    assert [record["startsAt"] for record in source.read(device)] == [f"{hour}:00:00.123Z"]


def test_an_alert_that_ends_is_told_with_its_end(source: AlertSource, device: str) -> None:
    labels = {"alertname": f"Ends{device}", "device": device}
    source.post(labels)
    firing = source.pushed(device, "firing")
    source.post(labels, startsAt=firing["startsAt"], endsAt=datetime.now(UTC).isoformat())

    resolved = source.pushed(device, "resolved")

    assert resolved["fingerprint"] == firing["fingerprint"]
    assert resolved["endsAt"] is not None
    assert source.read(device) == []


def test_a_delivery_that_was_refused_comes_again_with_the_same_message_id(source: AlertSource, device: str) -> None:
    def seen() -> list[Delivery]:
        return [d for d in source.listener.deliveries if device.encode() in d.body]

    source.listener.status = 503
    try:
        source.post({"alertname": f"Refused{device}", "device": device})
        eventually(lambda: len(seen()) >= 2, "a second try")
    finally:
        source.listener.status = 200

    ids = {event.id for delivery in seen() for event in source.connector.receive(delivery)}
    assert len(ids) == 1


def test_a_connection_with_another_token_refuses_what_this_one_takes(
    source: AlertSource, connect: Connect, device: str
) -> None:
    source.post({"alertname": "Forged", "device": device})
    source.pushed(device, "firing")

    with pytest.raises(AuthProblem):
        connect(source.url, source.url, webhook_token="another").receive(source.listener.deliveries[0])
