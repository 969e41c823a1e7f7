"""Sparkplug B on a real broker, with an edge node that shares no code with the connector."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Command, Outcome
from connectors.errors import Ambiguous, Transient
from connectors.mqtt import MqttConnector
from connectors.mqtt.sandbox_sparkplug import SparkplugEdge
from tests.integration.mqtt.conftest import Inbox, Sender, connector, subscribed, wait_until
from tests.integration.mqtt.edge import EdgeNode
from tests.real.mosquitto import Mosquitto, running

SETTINGS: dict[str, Any] = {"topics": [{"topic": "spBv1.0/#", "format": "sparkplug_b", "qos": 0}], "timeout_s": 2}
DEVICE = "g/line1/press"


@pytest.fixture
def plant() -> Iterator[Mosquitto]:
    with running() as broker:
        yield broker


@pytest.fixture
def edge(plant: Mosquitto) -> Iterator[EdgeNode]:
    edge = EdgeNode(plant, int(time.time() * 1000))
    yield edge
    edge.close()


def told(one: MqttConnector, inbox: Inbox) -> list[tuple[str, str, Any, str]]:
    """(device, metric, value or text, quality) of all that came."""
    return [
        (r["device"], r.get("metric", ""), r.get("value", r.get("text")), r.get("quality", ""))
        for delivery in inbox.deliveries
        for r in (event.record for event in one.receive(delivery))
    ]


def test_births_and_data_become_readings(plant: Mosquitto, edge: EdgeNode) -> None:
    one, inbox = connector(plant, **SETTINGS), Inbox()
    with subscribed(plant, inbox, **SETTINGS) as subscription:
        edge.born()
        edge.report(speed=-1450, temp=22.25)
        inbox.wait_for(3)
        assert told(one, inbox) == [
            ("g/line1", "online", 1, "good"),
            (DEVICE, "online", 1, "good"),
            (DEVICE, "speed", -5, ""),
            (DEVICE, "temp", Decimal("21.5"), ""),
            (DEVICE, "mode", "auto", ""),
            (DEVICE, "speed", -1450, ""),
            (DEVICE, "temp", Decimal("22.25"), ""),
        ]
        assert (subscription.detail()["edge_nodes"], subscription.detail()["devices"]) == (1, 1)
    assert edge.rebirths == 0


def test_a_hub_that_starts_later_asks_for_a_birth_and_then_understands(plant: Mosquitto, edge: EdgeNode) -> None:
    one, inbox = connector(plant, **SETTINGS), Inbox()
    edge.born()
    with subscribed(plant, inbox, **SETTINGS):
        edge.report(temp=30.5)
        wait_until(lambda: (DEVICE, "temp", Decimal("30.5"), "") in told(one, inbox), "the value comes with the birth")
        wait_until(lambda: edge.rebirths == 1, "a rebirth was asked for")
        edge.report(temp=31.0)
        wait_until(lambda: (DEVICE, "temp", 31, "") in told(one, inbox), "data is understood")
    assert edge.rebirths == 1


def test_a_lost_message_is_noticed_and_the_values_asked_for(plant: Mosquitto, edge: EdgeNode) -> None:
    with subscribed(plant, Inbox(), **SETTINGS):
        edge.born()
        edge.lose_one()
        edge.report(temp=22.0)
        wait_until(lambda: edge.rebirths == 1, "a rebirth was asked for")
    assert edge.rebirths == 1


def test_when_an_edge_node_dies_its_devices_are_stale(plant: Mosquitto, edge: EdgeNode) -> None:
    one, inbox = connector(plant, **SETTINGS), Inbox()
    with subscribed(plant, inbox, **SETTINGS):
        edge.born()
        edge.die()
        inbox.wait_for(3)
        assert told(one, inbox)[-2:] == [("g/line1", "online", 0, "stale"), (DEVICE, "online", 0, "stale")]


def test_the_same_death_twice_is_told_twice(plant: Mosquitto, edge: EdgeNode) -> None:
    """A death's bytes may be those of one long ago; only its arrival tells them apart."""
    one, inbox = connector(plant, **SETTINGS), Inbox()
    with subscribed(plant, inbox, **SETTINGS):
        for _ in range(2):
            edge.born()
            edge.die()
        inbox.wait_for(6)
        deaths = [e.id for d in inbox.deliveries if "NDEATH" in d.topic for e in one.receive(d)]
        assert len(deaths) == len(set(deaths)) == 4


def test_a_host_application_is_announced_and_its_end_too(plant: Mosquitto) -> None:
    watcher = Sender(plant)
    watcher.subscribe("spBv1.0/STATE/hub")
    with subscribed(plant, Inbox(), sparkplug_host_id="hub", **SETTINGS):
        wait_until(lambda: len(watcher.said) == 1, "it is announced")
    wait_until(lambda: len(watcher.said) == 2, "its end is told")
    first, last = (json.loads(message.payload) for message in watcher.said)
    assert (first["online"], last["online"]) == (True, False)
    assert first["timestamp"] == last["timestamp"]
    watcher.close()


# -- commands ---------------------------------------------------------------------------------------------------------


def setting(**metrics: Any) -> Command:
    return Command("s-1", "sparkplug_command", {"device": "plant1/line2/press"}, {"metrics": metrics})


@pytest.fixture
def sandbox(plant: Mosquitto) -> Iterator[SparkplugEdge]:
    edge = SparkplugEdge(plant.url, edge="line2").add("press", temperature=41.5, running=True, speed=100).start()
    yield edge
    edge.stop()


def test_a_device_reports_what_it_was_told(plant: Mosquitto, sandbox: SparkplugEdge) -> None:
    receipt = connector(plant, **SETTINGS).write(setting(running=False, speed=250))
    assert receipt.outcome is Outcome.applied
    assert (sandbox.values["press"]["running"], sandbox.values["press"]["speed"]) == (False, 250)
    assert sandbox.writes == 1


def test_a_birth_confirms_what_was_set(plant: Mosquitto, sandbox: SparkplugEdge) -> None:
    one = connector(plant, **SETTINGS)
    assert one.confirm(setting(speed=250)) is None
    one.write(setting(speed=250))
    receipt = one.confirm(setting(speed=250))
    assert receipt is not None
    assert sandbox.writes == 1


def test_a_device_that_is_not_there_leaves_doubt_and_does_not_confirm(plant: Mosquitto) -> None:
    one = connector(plant, **{**SETTINGS, "timeout_s": 0.5})
    with pytest.raises(Ambiguous, match="did not report"):
        one.write(setting(speed=250))
    with pytest.raises(Transient, match="does not answer"):
        one.confirm(setting(speed=250))


def test_a_node_that_is_told_to_be_born_anew_is(plant: Mosquitto, sandbox: SparkplugEdge) -> None:
    node = Command("s-2", "sparkplug_command", {"device": "plant1/line2"}, {"metrics": {"Node Control/Rebirth": True}})
    assert connector(plant, **SETTINGS).write(node).outcome is Outcome.applied
    assert sandbox.births == 2
