"""A real mosquitto, a sink that stands for the hub's inbox, and a plain client that stands for devices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from connectors.contract import Delivery
from connectors.mqtt import MqttConfig, MqttConnector
from connectors.mqtt.packing import PACKED, unpack
from connectors.mqtt.subscription import MqttSubscription
from tests.real.mosquitto import Mosquitto, running

PATIENCE_S = 20.0


@pytest.fixture(scope="session")
def broker() -> Iterator[Mosquitto]:
    """A broker for tests that do not harm it; every test uses topics and client ids of its own."""
    with running(websockets=True) as broker:
        yield broker


def _once_all(count: int, acknowledge: Callable[[], None]) -> Callable[[], None]:
    """What each message of a delivery is acknowledged by; the delivery is, once all of them are."""
    left = iter(range(count - 1, -1, -1))
    return lambda: None if next(left, 0) else acknowledge()


class Inbox:
    """The hub's side of a subscription. `store`: acknowledge at once; `full`: refuse."""

    def __init__(self, *, store: bool = True, full: bool = False) -> None:
        self.store, self.full = store, full
        self.refused = 0
        self._changed = threading.Condition()
        self._taken: list[tuple[Delivery, Callable[[], None]]] = []

    def offer(self, delivery: Delivery, acknowledge: Callable[[], None]) -> bool:
        with self._changed:
            if self.full:
                self.refused += 1
            else:
                parts = list(unpack(delivery)) if PACKED in delivery.headers else [delivery]
                stored = _once_all(len(parts), acknowledge)
                self._taken.extend((part, stored) for part in parts)
            self._changed.notify_all()
        if self.store and not self.full:
            acknowledge()
        return not self.full

    @property
    def deliveries(self) -> list[Delivery]:
        with self._changed:
            return [delivery for delivery, _ in self._taken]

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.deliveries]

    def acknowledge(self, start: int = 0, stop: int | None = None) -> None:
        """Say "stored" for some of what was taken."""
        with self._changed:
            chosen = self._taken[start:stop]
        for _, acknowledge in chosen:
            acknowledge()

    def wait_for(self, count: int) -> list[bytes]:
        """Until so many were taken in all."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self._taken) >= count, PATIENCE_S)
        assert arrived, f"{len(self.bodies)} of {count} messages came"
        return self.bodies


def wait_until(reached: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain: {what}"
        threading.Event().wait(0.01)


def connector(broker: Mosquitto | str, **settings: Any) -> MqttConnector:
    """On a broker, or on whatever listens at a URL."""
    url = broker if isinstance(broker, str) else broker.url
    return MqttConnector(MqttConfig.model_validate({"url": url, "timeout_s": 3, **settings}))


@contextmanager
def subscribed(broker: Mosquitto, inbox: Inbox, **settings: Any) -> Iterator[MqttSubscription]:
    subscription = connector(broker, **settings).subscribe(inbox)
    try:
        yield subscription
    finally:
        subscription.close()


class Sender:
    """A device: publishes with QoS 1 and waits for the broker. `said` is what it heard on topics it subscribed to."""

    def __init__(self, broker: Mosquitto, client_id: str = "", **account: str) -> None:
        self.said: list[paho.MQTTMessage] = []
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=False
        )
        if account:
            self.client.username_pw_set(account["username"], account["password"])
        self._ready = threading.Event()
        self.client.on_connect = lambda *_: self._ready.set()
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = lambda _c, _u, message: self.heard(message)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self._ready.wait(PATIENCE_S)

    def heard(self, message: paho.MQTTMessage) -> None:
        self.said.append(message)

    def subscribe(self, topic: str) -> None:
        self._ready.clear()
        self.client.subscribe(topic, qos=1)
        assert self._ready.wait(PATIENCE_S)

    def publish(
        self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False, properties: Any = None
    ) -> None:
        self.client.publish(topic, payload, qos, retain, properties).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def sender(broker: Mosquitto) -> Iterator[Sender]:
    sender = Sender(broker)
    yield sender
    sender.close()


@pytest.fixture
def own(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of a connection nobody else shares: its own client id and its own topics `NAME/{device}/{metric}`."""
    name = request.node.name.replace("[", "-").rstrip("]")[:50]
    return {"client_id": name, "topics": [{"topic": f"{name}/{{device}}/{{metric}}"}]}


@pytest.fixture
def topic(own: dict[str, Any]) -> str:
    """A topic of `own`."""
    return f"{own['client_id']}/d1/temperature"
