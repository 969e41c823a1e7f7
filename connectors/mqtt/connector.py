"""The MQTT connector: readings in, commands out."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar

from connectors.contract import (
    Command,
    Connector,
    Delivery,
    Event,
    Health,
    MissingRight,
    Operation,
    Policy,
    Receipt,
    Settings,
    Sink,
)
from connectors.errors import AuthProblem, BadRecord, Transient
from connectors.mqtt.client import Line, Lost
from connectors.mqtt.commands import Commander
from connectors.mqtt.config import MqttConfig
from connectors.mqtt.packing import PACKED, unpack
from connectors.mqtt.payloads import Levels, PlainReader, Told
from connectors.mqtt.refusals import subscription_problem
from connectors.mqtt.sparkplug import SparkplugReader
from connectors.mqtt.subscription import ARRIVAL, RETAINED, MqttSubscription, subscribe
from connectors.mqtt.topics import TopicTable

STREAM = "reading"
_VERSION_TOPIC = "$SYS/broker/version"


class MqttConnector:
    """One broker. Readings are of stream `reading`, one event for each metric of a message; `payloads` tells a record's
    fields. An event's id is the same whenever the same message is handed to `receive`."""

    name: ClassVar[str] = "mqtt"
    title: ClassVar[str] = "MQTT and Sparkplug B"
    title_zh: ClassVar[str] = "MQTT 与 Sparkplug B 设备"
    Config: ClassVar[type[Settings]] = MqttConfig
    policy: ClassVar[Policy] = Policy(timeout_s=300, attempts=5, backoff_s=2, rate_per_s=50)

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._table = TopicTable(topic.template for topic in config.topics)
        self._plain = [
            None if topic.format == "sparkplug_b" else PlainReader(topic, config.clock_tolerance_s)
            for topic in config.topics
        ]
        self._sparkplug = [SparkplugReader(topic.fixed, config.clock_tolerance_s) for topic in config.topics]
        self._levels = lru_cache(maxsize=20_000)(self._find_levels)
        self._commander = Commander(config)

    def __repr__(self) -> str:
        return f"MqttConnector({self.namespace})"

    @property
    def namespace(self) -> str:
        return f"mqtt://{self._config.host}:{self._config.port}"

    def close(self) -> None:
        """Nothing is held open: a subscription is closed by itself."""

    # -- coming in ----------------------------------------------------------------------------------------------------

    def subscribe(self, sink: Sink) -> MqttSubscription:
        """:raises ConnectorError: the broker can't be reached, refuses us, or refuses a topic."""
        return subscribe(self._config, sink)

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        """The readings of one message. Messages that are none (Sparkplug commands, state of hosts) give nothing.

        :raises BadRecord: what is wrong with the message, and what to send or set instead
        :raises AuthProblem: it did not come from the broker
        """
        if not delivery.topic:
            raise AuthProblem("messages of this connection come from its broker only, each with a topic")
        if PACKED not in delivery.headers:
            return self._events(delivery)
        told: list[Event] = []
        for number, part in enumerate(unpack(delivery)):
            try:
                told += self._events(part, number)
            except BadRecord as problem:
                which = BadRecord(f"{part.topic[:200]}: {problem}", hint=problem.hint)
                told.append(Event(_digest(part.topic, part.body), STREAM, {}, part.topic, bad=which, part=number))
        return told

    def _events(self, delivery: Delivery, part: int | None = None) -> list[Event]:
        topic, body, arrived = delivery.topic, delivery.body, delivery.received_at
        if arrived is None:
            raise BadRecord("the delivery does not say when it arrived")
        if len(body) > self._config.max_payload_bytes:
            hint = "raise `max_payload_bytes` if such messages are meant"
            raise BadRecord(f"the payload has {len(body)} bytes; at most {self._config.max_payload_bytes}", hint=hint)
        place, levels = self._levels(topic)
        reader = self._plain[place]
        if reader is None or levels is None:
            told = self._sparkplug[place].read(topic, delivery.headers, body, arrived)
        else:
            told = reader.read(levels, body, arrived)
        if delivery.headers.get(RETAINED):
            for reading in told.readings:
                reading["labels"] = {**reading.get("labels", {}), "retained": "true"}
        identity = self._identity(place, told, delivery, arrived)
        topic_settings = self._config.topics[place]
        stream = topic_settings.stream if topic_settings.format == "record" else STREAM
        return [
            Event(
                f"{identity}:{number}", stream, reading, f"{reading['device']}/{reading.get('metric', '')}", part=part
            )
            for number, reading in enumerate(told.readings)
        ]

    def _find_levels(self, topic: str) -> tuple[int, Levels | None]:
        found = self._table.find(topic)
        if found is None:
            hint = "add it to `topics`; the broker sends it because it was subscribed to earlier"
            raise BadRecord(f"no topic of this connection's settings fits {topic[:200]!r}", hint=hint)
        place, names = found
        reader = self._plain[place]
        return place, None if reader is None else reader.levels(topic, names)

    def _identity(self, place: int, told: Told, delivery: Delivery, arrived: datetime) -> str:
        """What two deliveries of one and the same message have in common, and no two messages.

        The sender's own id, if the topic's settings name its field. Else, with a time in it, topic and payload: nobody
        measures the same twice at one time. With a counter only, the same within a day, for counters begin anew when a
        device does. With neither, equal payloads are different messages, and only the broker's repeats are the same.
        """
        rule = self._config.topics[place].identity
        arrival = delivery.headers.get(ARRIVAL)
        if arrival and (rule == "arrival" or (rule == "auto" and not told.mark)):
            return arrival
        if told.mark == "id":
            return _digest(delivery.topic, told.id.encode())
        text = _digest(delivery.topic, delivery.body)
        return f"{arrived.astimezone(UTC):%Y%m%d}-{text}" if rule == "auto" and told.mark == "counter" else text

    # -- going out ----------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return self._commander.operations()

    def write(self, command: Command) -> Receipt:
        """:raises ConnectorError: see `connectors.mqtt.commands`"""
        return self._commander.write(command)

    def confirm(self, command: Command) -> Receipt | None:
        """:raises ConnectorError: see `connectors.mqtt.commands`"""
        return self._commander.confirm(command)

    # -- health -------------------------------------------------------------------------------------------------------

    def check(self) -> Health:
        """Logs in under a name of its own, so that a running subscription is left alone, and subscribes shortly."""
        config = self._config
        line = Line(config, f"{config.client_id}-check-{uuid.uuid4().hex[:8]}")
        try:
            welcome = line.open()
            missing = []
            share = f"$share/{config.shared_group}/" if config.shared_group else ""
            for topic in config.topics:
                wanted = [(share + topic.template.filter, config.qos if topic.qos is None else topic.qos)]
                problem = subscription_problem(wanted, line.subscribe(wanted))
                if isinstance(problem, AuthProblem):
                    missing.append(
                        MissingRight(
                            right=f"subscribe to {wanted[0][0]}",
                            needed_for=f"readings of {topic.topic}",
                            grant_at="the broker's access control list, for this account",
                        )
                    )
                elif problem:
                    return Health(ok=False, message=f"{problem}" + (f" ({problem.hint})" if problem.hint else ""))
            version = self._version(line)
            line.close(forget=True)
        except Lost as e:
            raise Transient(f"the broker closed the connection during the check ({e})") from e
        finally:
            line.abandon()
        told = ", ".join(f"{key} {value}" for key, value in welcome.properties.items() if key in _TELLING)
        message = f"Logged in; {len(config.topics) - len(missing)} of {len(config.topics)} topics granted"
        if told:
            message += f"; the broker set {told}"
        return Health(
            ok=not missing,
            message=message + ". Some brokers grant a forbidden topic and send nothing: watch that readings arrive",
            remote_version=version,
            missing_rights=tuple(missing),
        )

    def _version(self, line: Line) -> str:
        """What the broker says it is, or the protocol it speaks when it does not say."""
        line.subscribe([(_VERSION_TOPIC, 0)])
        found: list[str] = []

        def told() -> bool:
            found.extend(m.payload.decode("utf-8", "replace")[:80] for m in line.take() if m.topic == _VERSION_TOPIC)
            return bool(found)

        line.wait(told, time.monotonic() + min(self._config.timeout_s, 0.3))
        return found[0] if found else f"MQTT {self._config.protocol}"


_TELLING = frozenset({"ReceiveMaximum", "MaximumQoS", "ServerKeepAlive", "SessionExpiryInterval", "MaximumPacketSize"})


def _digest(topic: str, content: bytes) -> str:
    return hashlib.blake2b(topic.encode() + b"\x00" + content, digest_size=16).hexdigest()


def _fits_the_contract(connector: MqttConnector) -> Connector:
    return connector
