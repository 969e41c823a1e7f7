"""MQTT passes the whole exam on a real mosquitto, with simulated devices, over a line that can break in every way."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from connectors.conformance import Break, Conformance, Faults, Kind
from connectors.contract import Command, Connector, Delivery
from connectors.mqtt import MqttConnector
from connectors.mqtt.sandbox import Device, LiveDevice, settings
from connectors.mqtt.sandbox_sparkplug import SparkplugEdge
from connectors.mqtt.subscription import ARRIVAL
from connectors.settings import parse_config
from tests.real.mosquitto import running
from tests.real.mqtt_proxy import Proxy

ACCOUNT = {"username": "hub-account", "password": "hub-password-123"}
AT = datetime(2026, 11, 22, 5, 11, tzinfo=UTC)
MS = 1795324212000


class MqttWorld:
    """Plain topics and commands with answers and states."""

    connector_type: ClassVar[type[Connector]] = MqttConnector
    breaks: ClassVar[frozenset[Kind]] = frozenset({"transient", "auth", "cut", "timeout", "ambiguous", "junk"})
    readable: ClassVar[frozenset[str]] = frozenset({"a bare number"})

    def __init__(self) -> None:
        self._running = running(users={ACCOUNT["username"]: ACCOUNT["password"]})
        self.broker = self._running.__enter__()
        self._faults = Faults()
        self.proxy = Proxy(self.broker.port, self._faults, self.is_effect)
        self._numbers = itertools.count(1)
        self._devices: list[LiveDevice] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(**ACCOUNT)
        self._answered = threading.Event()
        self._client.on_message = lambda *_: self._answered.set()
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", self.broker.port)
        self._client.loop_start()
        self._client.subscribe("barrier", qos=1)
        assert ready.wait(10)

    @staticmethod
    def is_effect(topic: str) -> bool:
        return topic.startswith("cmd/")

    def config(self) -> dict[str, Any]:
        whole = settings(self.proxy.url, **ACCOUNT)
        whole["topics"] = [t for t in whole["topics"] if t.get("format") != "sparkplug_b"]
        whole["commands"] = {**whole["commands"], "response_timeout_s": 1}
        return {**whole, "key_password": "key-password-123", "timeout_s": 1}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        return kind(parse_config(kind, {**self.config(), **changes}))

    def break_next(self, how: Break) -> None:
        if how.kind == "cut" and self.proxy.lines:
            self.proxy.cut()  # of a subscription that runs
        else:
            self._faults.add(how)

    def without_rights(self) -> None:
        self.proxy.forbid_subscribing = True

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return sum(sum(live.device.effects.values()) for live in self._devices)

    def close(self) -> None:
        for live in self._devices:
            live.stop()
        self._client.disconnect()
        self._client.loop_stop()
        self.proxy.close()
        self._running.__exit__(None, None, None)

    # -- receiving ----------------------------------------------------------------------------------------------------

    def deliveries(self) -> Sequence[Delivery]:
        told = [
            ("dt/plant1/pump-01/temperature", json.dumps({"value": 62.45, "unit": "Cel", "timestamp": MS, "seq": 7})),
            ("dt/plant1/pump-01/temperature", json.dumps({"value": 62.45, "seq": 8})),
            ("dt/plant1/pump-01/vibration", "2.8"),
            (
                "dt/plant1/pump-02/status",
                json.dumps({"ts": MS, "motor": {"rpm": 1450}, "door": "open", "alarm": False}),
            ),
            (
                "dt/plant1/pump-02/batch",
                json.dumps([{"metric": "a", "value": 1, "ts": MS}, {"metric": "b", "v": None}]),
            ),
            ("presence/plant1/pump-01", "online"),
            ("presence/plant1/pump-01", "offline"),
        ]
        return [_delivery(topic, body.encode(), f"run-{n}") for n, (topic, body) in enumerate(told)]

    def sent(self, body: bytes) -> Delivery:
        return _delivery("dt/plant1/pump-01/temperature", body, "run-99")

    def forged(self) -> Sequence[Delivery]:
        """What did not come from the broker has no topic."""
        return [replace(delivery, topic="") for delivery in MqttWorld.deliveries(self)]

    # -- subscribing --------------------------------------------------------------------------------------------------

    def publish(self, n: int) -> Sequence[bytes]:
        bodies = [json.dumps({"value": next(self._numbers), "timestamp": MS}).encode() for _ in range(n)]
        for body in bodies:
            self._client.publish("dt/plant1/pump-01/temperature", body, qos=1).wait_for_publish(10)
        return bodies

    # -- writing ------------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        return [self._command({"rpm": 1200})]

    def refusals(self) -> Sequence[Command]:
        return [self._command({"rpm": 9000}), self._command({"rpm": "fast"})]

    def effects(self, command: Command) -> int:
        live = next(live for live in self._devices if live.device.name == command.key["device"])
        self._wait_for(live)
        return live.device.effects.get(command.idempotency_key, 0)

    def echoes(self, command: Command) -> Sequence[Delivery]:
        """None: a device answers where only the command listens, and its readings are measurements, not echoes."""
        return []

    def _command(self, args: dict[str, Any]) -> Command:
        number = next(self._numbers)
        live = LiveDevice(Device(f"pump-{number}"), self.broker.url, **ACCOUNT).start()
        self._devices.append(live)
        key = {"site": live.device.site, "device": live.device.name}
        return Command(f"c-{number}", "publish_command", key, {"command": "set_speed", "args": args})

    def _wait_for(self, live: LiveDevice) -> None:
        """Until the device has done all that was sent to it before."""
        self._answered.clear()
        body = json.dumps({"args": {}, "reply_to": "barrier"})
        self._client.publish(f"cmd/{live.device.site}/{live.device.name}/calm", body, qos=1)
        assert self._answered.wait(10)


class SparkplugWorld(MqttWorld):
    """Sparkplug B beside it. Its commands are QoS 0, so no broker can say "not now" to them."""

    breaks = MqttWorld.breaks - {"transient"}

    def __init__(self) -> None:
        super().__init__()
        self.edge = SparkplugEdge(self.broker.url, **ACCOUNT).add("press", temperature=41.5).start()

    @staticmethod
    def is_effect(topic: str) -> bool:
        return topic.startswith(("cmd/", "spBv1.0/plant1/DCMD/"))

    def config(self) -> dict[str, Any]:
        return {**super().config(), "topics": settings("mqtt://h")["topics"]}

    @property
    def changes(self) -> int:
        return super().changes + self.edge.writes

    def close(self) -> None:
        self.edge.stop()
        super().close()

    def deliveries(self) -> Sequence[Delivery]:
        """As a hub would hear the edge node, with the headers a subscription adds."""
        heard: list[Delivery] = []
        inbox = _Listener(heard)
        subscription = self.connector(client_id=f"listener-{next(self._numbers)}").subscribe(inbox)
        self.edge.bear()
        self.edge.change("press", temperature=42.25)
        inbox.wait_for(lambda: any("DDATA" in delivery.topic for delivery in heard))
        subscription.close()
        told = [replace(d, received_at=AT) for d in heard if d.topic.startswith("spBv1.0/") and "CMD" not in d.topic]
        return [*super().deliveries(), *told]

    def commands(self) -> Sequence[Command]:
        name = f"setpoint-{next(self._numbers)}"
        self.edge.values["press"][name] = 0
        self.edge.bear()
        set_it = Command(f"s-{name}", "sparkplug_command", {"device": "plant1/line1/press"}, {"metrics": {name: 7}})
        return [*super().commands(), set_it]

    def effects(self, command: Command) -> int:
        if command.op != "sparkplug_command":
            return super().effects(command)
        births = self.edge.births
        self._client.publish("spBv1.0/plant1/NCMD/line1", _rebirth())
        _until(lambda: self.edge.births > births)
        (name,) = command.body["metrics"]
        return self.edge.effects.get(f"press/{name}", 0)


class _Listener:
    """A sink that keeps what comes."""

    def __init__(self, heard: list[Delivery]) -> None:
        self._heard = heard

    def offer(self, delivery: Delivery, acknowledge: Callable[[], None]) -> bool:
        self._heard.append(delivery)
        acknowledge()
        return True

    def wait_for(self, reached: Callable[[], bool]) -> None:
        _until(reached)


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def _delivery(topic: str, body: bytes, arrival: str) -> Delivery:
    return Delivery(body, {ARRIVAL: arrival}, topic, received_at=AT)


def _rebirth() -> bytes:
    """The metric Node Control/Rebirth = true, written by hand."""
    name = b"Node Control/Rebirth"
    metric = b"\x0a" + bytes([len(name)]) + name + b"\x20\x0b\x70\x01"
    return b"\x12" + bytes([len(metric)]) + metric


class TestMqtt(Conformance):
    world_type = MqttWorld


class TestMqttWithSparkplug(Conformance):
    world_type = SparkplugWorld
