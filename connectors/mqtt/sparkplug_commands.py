"""Commands to Sparkplug B edge nodes and devices, which answer by reporting the new values."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.errors import Ambiguous, BadRecord, Transient
from connectors.mqtt import sparkplug, sparkplug_payload
from connectors.mqtt.client import Line, Lost
from connectors.mqtt.config import SPARKPLUG, Fixed, MqttConfig
from connectors.mqtt.edges import EdgeNodes
from connectors.mqtt.refusals import subscription_problem
from connectors.mqtt.sparkplug import SparkplugReader, SparkplugTopic
from connectors.mqtt.topics import UNFIT

SPARKPLUG_COMMAND = "sparkplug_command"
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "metrics": {
            "type": "object",
            "description": "Metric name → new value, or {value, datatype} with a data type of Sparkplug such as Int32",
        }
    },
    "required": ["metrics"],
    "additionalProperties": False,
}


@dataclass
class _Watch:
    """What a device reports, as seen on one line. `born`: it introduced itself since we listen."""

    place: SparkplugTopic
    wanted: Mapping[str, Any]
    reader: SparkplugReader
    edges: EdgeNodes = field(default_factory=lambda: EdgeNodes(rebirth=False))
    values: dict[str, Any] = field(default_factory=dict)
    born: bool = False

    def look(self, line: Line) -> None:
        for message in line.take():
            try:
                place = sparkplug.topic_of(message.topic)
                headers = self.edges.note(place, message.payload, time.monotonic()).headers
                told = self.reader.read(message.topic, headers, message.payload, datetime.now(UTC))
            except BadRecord:  # of no use here; the subscription tells of it
                continue
            if place.local_id != self.place.local_id:
                continue
            self.born = self.born or place.kind.endswith("BIRTH")
            for reading in told.readings:
                if "metric" in reading:
                    self.values[reading["metric"]] = reading.get("value", reading.get("text"))

    def done(self) -> bool:
        """Whether every metric has its wanted value; those that only control a node are done when it is born anew."""
        for name, given in self.wanted.items():
            value = given.get("value") if isinstance(given, Mapping) else given
            if name.startswith("Node Control/"):
                if not self.born:
                    return False
            elif name not in self.values or self.values[name] != _as_reading(value):
                return False
        return True


class SparkplugCommander:
    """Sends NCMD and DCMD. The key is `device`: group/edge or group/edge/device, as readings name it."""

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._reader = SparkplugReader(Fixed.model_validate({}), config.clock_tolerance_s)
        self._patience_s = config.commands.response_timeout_s if config.commands else config.timeout_s

    @staticmethod
    def operation() -> Operation:
        return Operation(
            name=SPARKPLUG_COMMAND,
            title="Set metrics of a Sparkplug device (key: device as group/edge/device)",
            title_zh="设置 Sparkplug 设备的指标（键：device，即 group/edge/device）",
            body_schema=_SCHEMA,
        )

    def write(self, command: Command) -> Receipt:
        """Applied once the device reports the values. Sparkplug commands are QoS 0: the broker confirms nothing.

        :raises ConnectorError: as `Commander.write`
        """
        place, wanted = _target(command)
        kind = "DCMD" if place.device else "NCMD"
        payload = sparkplug_payload.command(wanted, datetime.now(UTC))
        watch = _Watch(place, wanted, self._reader)

        def act(line: Line) -> None:
            line.publish(
                "/".join(filter(None, (SPARKPLUG, place.group, kind, place.edge, place.device))), payload, qos=0
            )

        try:
            if not self._watch(watch, act, watch.done):
                raise Ambiguous(f"{place.local_id} did not report the new values within {self._patience_s:g} s")
        except Lost as e:
            raise Ambiguous(f"the connection broke after the command was sent ({e})") from e
        return Receipt(command.id, Outcome.applied, external_id=place.local_id)

    def confirm(self, command: Command) -> Receipt | None:
        """By asking the edge node to introduce itself anew, with all its values.

        :raises Transient: it does not answer
        """
        place, wanted = _target(command)
        watch = _Watch(place, wanted, self._reader)

        def act(line: Line) -> None:
            topic = f"{SPARKPLUG}/{place.group}/NCMD/{place.edge}"
            line.publish(topic, sparkplug_payload.rebirth(datetime.now(UTC)), qos=0)

        try:
            if not self._watch(watch, act, lambda: watch.born):
                raise Transient(f"the edge node of {place.local_id} does not answer; it may be away")
        except Lost as e:
            raise Transient(f"the connection broke while asking ({e})") from e
        return Receipt(command.id, Outcome.applied, external_id=place.local_id) if watch.done() else None

    def _watch(self, watch: _Watch, act: Callable[[Line], None], until: Callable[[], bool]) -> bool:
        """Listen to the edge node, do something, and wait. :raises Lost: after it was done"""
        place = watch.place
        line = Line(self._config, f"{self._config.client_id}-cmd-{uuid.uuid4().hex[:12]}")
        try:
            try:
                line.open()
                wanted = [
                    (f"{SPARKPLUG}/{place.group}/+/{place.edge}", 0),
                    (f"{SPARKPLUG}/{place.group}/+/{place.edge}/+", 0),
                ]
                if problem := subscription_problem(wanted, line.subscribe(wanted)):
                    raise problem
            except Lost as e:
                raise Transient(f"the connection broke before the command was sent ({e})") from e
            act(line)

            def enough() -> bool:
                watch.look(line)
                return until()

            reached = line.wait(enough, time.monotonic() + self._patience_s)
            line.close(forget=True)
            return reached
        finally:
            line.abandon()


def _target(command: Command) -> tuple[SparkplugTopic, Mapping[str, Any]]:
    """:raises BadRecord: the key names no device, or the body no metrics."""
    levels = str(command.key.get("device") or "").split("/")
    if len(levels) not in (2, 3) or not all(levels) or any(UNFIT.search(level) for level in levels):
        raise BadRecord(
            f"key: device is {'/'.join(levels)!r}", hint="write group/edge/device, or group/edge for the node"
        )
    metrics = command.body.get("metrics")
    if not isinstance(metrics, Mapping) or not metrics:
        raise BadRecord("metrics is missing from the command's body", hint='{"metrics": {"Outputs/Speed": 5}}')
    return SparkplugTopic("DCMD" if len(levels) == 3 else "NCMD", *levels), metrics


def _as_reading(value: Any) -> Any:
    """A value as readings tell it: a flag is 1 or 0."""
    return Decimal(value) if isinstance(value, (bool, int)) else value
