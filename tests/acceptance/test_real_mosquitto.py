"""A real Mosquitto with the whole hub: thresholds, twins, silence, commands; and nothing lost whoever is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.demo.mosquitto import Mosquitto
from gateway.demo.sensors import start_flood
from tests.acceptance.running_hub import RunningHub, eventually
from tests.real.mosquitto import running

TOPICS = [{"topic": "dt/{site}/{device}/{metric}"}]
HOT = {
    "id": "hot",
    "on": "Reading",
    "when": "metric == 'temperature'",
    "threshold": {"above": "80", "clear": "75", "for": "2s"},
    "ticket": {
        "kind": "'incident'",
        "priority": "'P1'",
        "title": "concat(device, ' is hot: ', text(value))",
        "device": "ids.device",
    },
}


def configuration(broker: Mosquitto, **connection: Any) -> dict[str, Any]:
    plant = {
        "id": "plant",
        "connector": "mqtt",
        "config": {"url": broker.url, "client_id": "weft-test", "topics": TOPICS},
    }
    silence = {
        "id": "device-stale", "on": "Alert", "when": "rule == 'device-stale'",
        "ticket": {"kind": "'incident'", "priority": "'P2'", "title": "title", "device": "ids.device"},
    }  # fmt: skip
    return {"connections": [plant | connection], "rules": [HOT, silence]}


class Sensor:
    """One sensor that publishes with QoS 1 and waits for the broker's word."""

    def __init__(self, broker: Mosquitto) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sensor")
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def measure(self, device: str, metric: str, value: float, at: str | None = None, seq: int | None = None) -> None:
        told: dict[str, Any] = {"value": value, "unit": "Cel"}
        told |= ({"at": at} if at else {}) | ({"seq": seq} if seq is not None else {})
        eventually(self.client.is_connected, 20, why="the sensor has no broker")
        self.client.publish(f"dt/plant1/{device}/{metric}", json.dumps(told), qos=1).wait_for_publish(20)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with running(autosave_s=1) as mosquitto:
        yield mosquitto


@pytest.fixture
def sensor(broker: Mosquitto) -> Iterator[Sensor]:
    made = Sensor(broker)
    yield made
    made.close()


@pytest.fixture
def serve(tmp_path: Path, database_url: str) -> Iterator[Callable[[dict[str, Any]], RunningHub]]:
    started: list[RunningHub] = []

    def start(config: dict[str, Any]) -> RunningHub:
        hub = RunningHub(tmp_path, database_url, config)
        started.append(hub)
        return hub.start()

    yield start
    for hub in started:
        hub.stop()


def received(hub: RunningHub) -> int:
    count: int = hub.get("/v1/audit")["received"]
    return count


def test_a_threshold_crossed_for_its_duration_makes_one_ticket_with_the_twins_last_values(
    broker: Mosquitto, sensor: Sensor, serve: Callable[[dict[str, Any]], RunningHub]
) -> None:
    hub = serve(configuration(broker))
    subscribed(hub, sensor)
    sensor.measure("pump-1", "vibration", 3.25)
    sensor.measure("pump-1", "temperature", 79.5)
    sensor.measure("pump-1", "temperature", 91.25)  # crosses, and is held without being repeated
    ticket = eventually(lambda: next(iter(hub.tickets()), None), 30)
    assert (ticket["title"], ticket["priority"]) == ("pump-1 is hot: 91.25", "P1")
    for value in (92, 78, 85):  # still crossed: 78 is within the hysteresis
        sensor.measure("pump-1", "temperature", value)

    def twin() -> Any:
        return {s["name"]: s["values"] for s in hub.get(f"/v1/tickets/{ticket['id']}/context")["sections"]}.get(
            "device_twin"
        )

    held = eventually(twin, 20)
    assert (held["temperature"]["value"], held["vibration"]["value"]) == ("91.25", "3.25")
    assert held["temperature"]["at"].endswith("Z")
    sensor.measure("pump-1", "temperature", 74)
    eventually(lambda: [t for t in hub.tickets() if t["status"] == "resolved"], 20)
    assert len(hub.tickets()) == 1
    origin = hub.get(f"/v1/tickets/{ticket['id']}/lineage", field="title")
    assert origin["verdict"] == "equal"
    assert {s["raw"] for s in origin["sources"] if s["field"] == "value"} == {"91.25"}
    assert hub.audit()["ends"]["dead"] == 0
    assert hub.weft_json("lineage", "verify")["ok"]


def subscribed(hub: RunningHub, sensor: Sensor) -> None:
    """Until a reading arrives: a subscription is not there the moment the hub is."""

    def heard() -> bool:
        sensor.measure("probe", "online", 1)
        return received(hub) > 0

    eventually(heard, 30, every_s=0.5)


def test_whoever_is_killed_nothing_acknowledged_is_lost_and_nothing_counts_twice(
    broker: Mosquitto, sensor: Sensor, serve: Callable[[dict[str, Any]], RunningHub]
) -> None:
    hub = serve(configuration(broker))
    subscribed(hub, sensor)
    start = received(hub)
    hub.kill()
    for seq in range(100):  # while the hub is down: the broker keeps them for its session
        sensor.measure("pump-2", "temperature", 20, at=f"2026-11-22T04:{seq // 60:02}:{seq % 60:02}Z", seq=seq)
    hub.serve()
    eventually(lambda: received(hub) >= start + 100, 60)
    flood = start_flood(broker.port, 3000)
    eventually(lambda: received(hub) > start + 400, 60)
    hub.kill()  # in the middle: what was not acknowledged comes again
    hub.serve()
    assert flood.wait(120) == 0
    eventually(lambda: distinct(hub) >= 3000, 120, why="readings are missing")
    broker.stop()
    broker.start()
    subscribed_again = start + 3200

    def comes_again() -> bool:
        sensor.measure("pump-3", "temperature", 21)
        return received(hub) > subscribed_again or "pump-3" in json.dumps(
            hub.get("/v1/ids", system="plant", kind="device", local_id="pump-3")
        )

    eventually(lambda: quietly(comes_again), 60, every_s=1)
    report = hub.audit()
    assert report["ends"]["dead"] == 0
    assert hub.tickets() == []


def quietly(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except AssertionError:
        return False


def distinct(hub: RunningHub) -> int:
    """Readings that are no repeats: a redelivered one is in the ledger as a repeat of its first."""
    report = hub.get("/v1/audit")
    count: int = report["by_connection"]["plant"].get("suppressed", 0)
    return count


def test_a_device_that_falls_silent_makes_a_ticket_that_ends_when_it_is_heard_again(
    broker: Mosquitto, sensor: Sensor, serve: Callable[[dict[str, Any]], RunningHub]
) -> None:
    hub = serve(configuration(broker, stale_after_s=2))
    subscribed(hub, sensor)
    ticket = eventually(lambda: next((t for t in hub.tickets() if "probe" in t["title"]), None), 30)
    assert ticket["status"] == "pending"
    sensor.measure("probe", "online", 1)
    eventually(lambda: hub.get(f"/v1/tickets/{ticket['id']}")["status"] == "resolved", 20)
    hub.audit()
