"""A real Mosquitto with the whole hub: thresholds, twins, silence, commands; and nothing lost whoever is killed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import create_engine, text

from connectors.mqtt.sandbox import Device, LiveDevice, settings
from gateway.demo.mosquitto import Mosquitto
from gateway.ingest.item import PART_BITS
from gateway.ingest.stored import unpack
from tests.acceptance.flood import Flood
from tests.acceptance.running_hub import RunningHub, eventually
from tests.integration.mqtt.edge import EdgeNode
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


@contextmanager
def connected_sensor(broker: Mosquitto) -> Iterator[Sensor]:
    made = Sensor(broker)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def sensor(broker: Mosquitto) -> Iterator[Sensor]:
    with connected_sensor(broker) as made:
        yield made


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
    the_command_line_tells_the_same(hub, ticket)


def the_command_line_tells_the_same(hub: RunningHub, ticket: dict[str, Any]) -> None:
    told = hub.weft_json("explain", ticket["id"])
    assert ("hot", True) in [(r["rule"], r["matched"]) for r in told["decisions"][0]["rules"]]
    assert {m["rule"] for m in told["messages"]} >= {"hot"}
    assert ticket["title"] in hub.weft("explain", ticket["id"]).stdout
    shown = hub.weft_json("lineage", "show", ticket["id"], "title")
    assert ("value", "91.25") in [(s["field"], s["raw"]) for s in shown["sources"]]
    assert "91.25" in hub.weft("lineage", "show", ticket["id"], "title").stdout
    assert "clean" in hub.weft("audit").stdout


def subscribed(hub: RunningHub, sensor: Sensor) -> None:
    """Until a reading arrives: a subscription is not there the moment the hub is."""

    def heard() -> bool:
        sensor.measure("probe", "online", 1)
        return received(hub) > 0

    eventually(heard, 30, every_s=0.5)


@pytest.fixture
def careful_broker() -> Iterator[Mosquitto]:
    """Saves after every 20 messages: what a crash may take from it is less than a flood repeats."""
    with running(autosave_changes=20) as mosquitto:
        yield mosquitto


def test_whoever_is_killed_nothing_acknowledged_is_lost_and_nothing_counts_twice(
    careful_broker: Mosquitto, serve: Callable[[dict[str, Any]], RunningHub]
) -> None:
    hub = serve(configuration(careful_broker))
    with connected_sensor(careful_broker) as sensor:
        subscribed(hub, sensor)
    with Flood(careful_broker, hot="oven-1") as flood:
        eventually(lambda: len(readings(hub)) > 300, 60, 0.3)
        careful_broker.kill()
        careful_broker.start()
        flood.goes_on(300)
        held = len(readings(hub))
        eventually(lambda: len(readings(hub)) > held + 100, 60, 0.3)
        hub.kill()
        flood.goes_on(300)  # with nobody there: the broker keeps them for the hub's session
        hub.serve()
        flood.goes_on(300)
    assert flood.broken == 1, "the broker was killed while readings were on their way"
    everything = set(range(flood.sent))
    eventually(lambda: set(readings(hub)) >= everything, 120, 0.3, "readings are missing")
    assert Counter(readings(hub)) == dict.fromkeys(everything, 1), "each reading has one row that is no repeat"
    assert hub.audit()["ends"]["dead"] == 0
    (ticket,) = hub.tickets()
    assert ticket["title"] == "oven-1 is hot: 91"


def readings(hub: RunningHub) -> list[int]:
    """The flood's sequence numbers as the store has them: one for each row of the ledger that is no repeat."""
    query = text(
        "SELECT m.position, d.body, d.packed, d.headers, d.topic FROM message m JOIN delivery d ON d.id = m.delivery_id"
        " WHERE m.event_id IS NOT NULL AND m.repeat_of IS NULL AND m.connection_id = 'plant'"
    )
    engine = create_engine(hub.database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as conn:
        rows = list(conn.execute(query))
    engine.dispose()
    found = []
    for row in rows:
        body = orjson.loads(unpack(row.body, row.packed))
        told = orjson.loads(body[row.position >> PART_BITS][1]) if isinstance(body, list) else body
        if "seq" in told:
            found.append(int(told["seq"]))
    return found


def test_a_command_from_a_ticket_reaches_the_device_once_and_its_answer_is_the_receipt(
    broker: Mosquitto, sensor: Sensor, serve: Callable[[dict[str, Any]], RunningHub]
) -> None:
    pump = LiveDevice(Device("pump-1"), broker.url).start()
    hub = serve(configuration(broker, config=settings(broker.url) | {"client_id": "weft-test"}))
    subscribed(hub, sensor)
    sensor.measure("pump-1", "temperature", 91.25)
    ticket = eventually(lambda: next(iter(hub.tickets()), None), 30)
    offered = {o["op"]: o for o in hub.get(f"/v1/tickets/{ticket['id']}/remote")["operations"]}
    assert offered["publish_command"]["possible"], offered
    asked = {"op": "publish_command", "key": {"site": "plant1", "device": "pump-1"},
             "body": {"command": "set_speed", "args": {"rpm": 900}}}  # fmt: skip
    hub.post(f"/v1/tickets/{ticket['id']}/remote", asked, status=202)

    def done() -> dict[str, Any] | None:
        (command,) = hub.get(f"/v1/tickets/{ticket['id']}")["commands"]
        return command if command["state"] == "done" else None

    sent = eventually(done, 30)
    assert (sent["op"], sent["attempts"], sent["receipt"]["outcome"]) == ("publish_command", 1, "applied")
    assert sent["receipt"]["values"] == {"speed": 900}
    assert (pump.device.speed, list(pump.device.effects.values())) == (900, [1])
    pump.stop()
    lines = [json.loads(line) for line in hub.log().splitlines() if line.startswith("{")]
    (logged,) = [line for line in lines if line["event"] == "command.tried"]
    assert (logged["command"], logged["connection"], logged["op"]) == (sent["id"], "plant", "publish_command")
    assert datetime.fromisoformat(logged["timestamp"]).tzinfo is not None
    assert logged["level"] == "info"


def test_a_sparkplug_edge_that_crosses_a_threshold_makes_one_ticket(
    broker: Mosquitto, serve: Callable[[dict[str, Any]], RunningHub]
) -> None:
    edge = EdgeNode(broker, int(time.time() * 1000))
    topics = [{"topic": "spBv1.0/#", "format": "sparkplug_b", "qos": 0}]
    config = configuration(broker, config={"url": broker.url, "client_id": "weft-test", "topics": topics})
    config["rules"][0] = HOT | {"when": "metric == 'temp'"}
    hub = serve(config)
    edge.born()
    eventually(lambda: received(hub) > 1, 30, why="its birth, at the latest when the hub asks for it")
    for value in (79.5, 91.25):
        edge.at_ms = int(time.time() * 1000)
        edge.report(temp=value)
    ticket = eventually(lambda: next(iter(hub.tickets()), None), 30)
    assert (ticket["title"], ticket["priority"]) == ("g/line1/press is hot: 91.25", "P1")
    edge.at_ms = int(time.time() * 1000)
    edge.report(temp=70.5)
    eventually(lambda: [t for t in hub.tickets() if t["status"] == "resolved"], 20)
    assert len(hub.tickets()) == 1
    edge.close()
    hub.audit()


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
