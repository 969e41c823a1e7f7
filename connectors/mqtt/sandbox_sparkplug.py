"""A simulated Sparkplug B edge node on any MQTT broker; part of the sandbox."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from connectors.mqtt.sparkplug_payload import DATATYPES, REBIRTH, Payload, milliseconds_of


class SimulatedLine:
    """A paho client of its own for one simulated thing, in a thread of its own."""

    def __init__(self, url: str, client_id: str, *, username: str = "", password: str = "", ca_file: str = "") -> None:
        parts = urlsplit(url)
        encrypted = parts.scheme in ("mqtts", "wss")
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            transport="websockets" if parts.scheme in ("ws", "wss") else "tcp",
        )
        if username:
            self.client.username_pw_set(username, password)
        if encrypted:
            self.client.tls_set(ca_certs=ca_file or None)
        self._address = (parts.hostname or "", parts.port or (8883 if encrypted else 1883))
        self._ready = threading.Event()
        self.refusal = ""
        self.client.on_subscribe = lambda *_: self._ready.set()

    def refuse(self, reason: object) -> None:
        self.refusal = str(reason)
        self._ready.set()

    def connect(self) -> None:
        """:raises ConnectionError: the broker refused, or did not answer within ten seconds."""
        self.client.connect(*self._address)
        self.client.loop_start()
        if not self._ready.wait(10) or self.refusal:
            self.client.loop_stop()
            raise ConnectionError(f"the broker refused the simulated device: {self.refusal or 'no answer'}")

    def disconnect(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self) -> None:
        """Break the line without a goodbye, so that the last will is sent."""
        self.client.loop_stop()
        if line := self.client.socket():
            line.close()


class SparkplugEdge:
    """A Sparkplug B edge node with devices: births, data by alias, rebirth on demand, commands, death as last will.

    `births` and `writes` count; `effects` counts what was set, by device/metric.
    """

    def __init__(self, url: str, group: str = "plant1", edge: str = "line1", **account: str) -> None:
        self.group, self.edge = group, edge
        self.values: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self.effects: dict[str, int] = {}
        self.births = 0
        self._bd_seq = 0
        self._seq = 0
        self._aliases: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._line = SimulatedLine(url, f"sim-{group}-{edge}", **account)
        self._line.client.on_connect = self._connected
        self._line.client.on_message = self._told

    def add(self, device: str, **metrics: Any) -> SparkplugEdge:
        """A device and its metrics. Before `start`."""
        self.values[device] = metrics
        return self

    def start(self) -> SparkplugEdge:
        """:raises ConnectionError:"""
        death = Payload(timestamp=_now_ms())
        self._metric(death, "bdSeq", self._bd_seq)
        self._line.client.will_set(self._topic("NDEATH"), death.SerializeToString(), qos=1)
        self._line.connect()
        return self

    def stop(self) -> None:
        self._line.disconnect()

    def vanish(self) -> None:
        self._line.vanish()

    def change(self, device: str, **metrics: Any) -> None:
        """Set values and report them, by alias only."""
        with self._lock:
            self.values[device].update(metrics)
            payload = self._numbered()
            for name, value in metrics.items():
                self._metric(payload, "", value, alias=self._aliases[device, name])
            self._send("DDATA", payload, device)

    def skip(self) -> None:
        """Lose a message, as a bad line does."""
        self._numbered()

    def bear(self) -> None:
        """Say again who we are."""
        with self._lock:
            self._seq = 0
            self.births += 1
            payload = self._numbered()
            self._metric(payload, "bdSeq", self._bd_seq)
            self._metric(payload, REBIRTH, False)
            self._send("NBIRTH", payload)
            for device, metrics in self.values.items():
                payload = self._numbered()
                for name, value in metrics.items():
                    alias = self._aliases.setdefault((device, name), len(self._aliases) + 1)
                    self._metric(payload, name, value, alias=alias)
                self._send("DBIRTH", payload, device)

    def _connected(self, client: mqtt.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._line.refuse(reason)
            return
        self.bear()
        client.subscribe([(self._topic("NCMD"), 1), (self._topic("DCMD") + "/+", 1)])

    def _told(self, _c: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        payload = Payload.FromString(message.payload)
        levels = message.topic.split("/")
        told = {m.name: getattr(m, m.WhichOneof("value")) for m in payload.metrics if m.WhichOneof("value")}
        if told.get(REBIRTH):
            self.bear()
        elif len(levels) == 5 and levels[4] in self.values:
            known = {name: value for name, value in told.items() if name in self.values[levels[4]]}
            self.writes += bool(known)
            for name in known:
                self.effects[f"{levels[4]}/{name}"] = self.effects.get(f"{levels[4]}/{name}", 0) + 1
            with self._lock:
                self.values[levels[4]].update(known)
                data = self._numbered()
                for name, value in known.items():
                    self._metric(data, name, value, alias=self._aliases[levels[4], name])
                self._send("DDATA", data, levels[4])

    def _topic(self, kind: str, device: str = "") -> str:
        return "/".join(filter(None, ("spBv1.0", self.group, kind, self.edge, device)))

    def _numbered(self) -> Any:
        payload = Payload(timestamp=_now_ms(), seq=self._seq)
        self._seq = (self._seq + 1) % 256
        return payload

    def _send(self, kind: str, payload: Any, device: str = "") -> None:
        self._line.client.publish(self._topic(kind, device), payload.SerializeToString())

    @staticmethod
    def _metric(payload: Any, name: str, value: Any, alias: int = 0) -> None:
        metric = payload.metrics.add(timestamp=payload.timestamp)
        if name:
            metric.name = name
        if alias:
            metric.alias = alias
        if isinstance(value, bool):
            metric.datatype, metric.boolean_value = DATATYPES["Boolean"], value
        elif isinstance(value, int):
            metric.datatype, metric.long_value = DATATYPES["Int64"], value & ((1 << 64) - 1)
        elif isinstance(value, float):
            metric.datatype, metric.double_value = DATATYPES["Double"], value
        else:
            metric.datatype, metric.string_value = DATATYPES["String"], value


def _now_ms() -> int:
    return milliseconds_of(datetime.now(UTC))
