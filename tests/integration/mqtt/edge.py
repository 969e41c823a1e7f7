"""A Sparkplug B edge node written from the specification alone: it shares no code with the connector it tests."""

from __future__ import annotations

import struct
from typing import Any

from paho.mqtt.client import MQTTMessage

from tests.integration.mqtt.conftest import Sender
from tests.real.mosquitto import Mosquitto

TIMESTAMP, METRICS, SEQ = 1, 2, 3
NAME, ALIAS, METRIC_TIME, DATATYPE = 1, 2, 3, 4
INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING = 10, 11, 12, 13, 14, 15


def varint(value: int) -> bytes:
    found = b""
    value &= (1 << 64) - 1
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def field(number: int, value: Any, kind: str = "varint") -> bytes:
    if kind == "varint":
        return varint(number << 3) + varint(value)
    if kind == "bytes":
        return varint(number << 3 | 2) + varint(len(value)) + bytes(value)
    return varint(number << 3 | {"f": 5, "d": 1}[kind]) + struct.pack(f"<{kind}", value)


def metric(value: Any, *, name: str = "", alias: int = 0, at_ms: int = 0) -> bytes:
    """Datatype Int32 for whole numbers (in two's complement of 32 bits), Float for others, Boolean, String."""
    body = field(NAME, name.encode(), "bytes") if name else b""
    body += field(ALIAS, alias) if alias else b""
    body += field(METRIC_TIME, at_ms) if at_ms else b""
    if isinstance(value, bool):
        return body + field(DATATYPE, 11) + field(BOOLEAN, int(value))
    if isinstance(value, int):
        return body + field(DATATYPE, 3) + field(INT, value & 0xFFFFFFFF)
    if isinstance(value, float):
        return body + field(DATATYPE, 9) + field(FLOAT, value, "f")
    return body + field(DATATYPE, 12) + field(STRING, value.encode(), "bytes")


def payload(metrics: list[bytes], *, seq: int | None, at_ms: int) -> bytes:
    body = field(TIMESTAMP, at_ms) + b"".join(field(METRICS, m, "bytes") for m in metrics)
    return body + (field(SEQ, seq) if seq is not None else b"")


class EdgeNode:
    """Edge node `line1` of group `g` with one device `press`: speed (alias 7), temp (alias 8), mode (alias 9)."""

    def __init__(self, broker: Mosquitto, at_ms: int, *, edge: str = "line1") -> None:
        self.edge, self.at_ms, self.seq = edge, at_ms, 0
        self.values: dict[str, Any] = {"speed": -5, "temp": 21.5, "mode": "auto"}
        self.rebirths = 0
        self.sender = Sender(broker)
        self.sender.heard = self._heard  # type: ignore[method-assign]
        self.sender.subscribe(f"spBv1.0/g/NCMD/{edge}")

    def topic(self, kind: str, device: str = "") -> str:
        return "/".join(filter(None, ("spBv1.0", "g", kind, self.edge, device)))

    def born(self, *, wait: bool = True) -> None:
        self.seq = 0
        self._send("NBIRTH", [metric(1, name="bdSeq"), metric(False, name="Node Control/Rebirth")], wait=wait)
        aliases = {"speed": 7, "temp": 8, "mode": 9}
        self._send("DBIRTH", [metric(v, name=n, alias=aliases[n]) for n, v in self.values.items()], "press", wait=wait)

    def report(self, **values: Any) -> None:
        """By alias only."""
        self.values.update(values)
        aliases = {"speed": 7, "temp": 8, "mode": 9}
        self._send("DDATA", [metric(value, alias=aliases[name]) for name, value in values.items()], "press")

    def lose_one(self) -> None:
        self.seq = (self.seq + 1) % 256

    def die(self) -> None:
        body = payload([metric(1, name="bdSeq")], seq=None, at_ms=self.at_ms)
        self.sender.publish(self.topic("NDEATH"), body)

    def close(self) -> None:
        self.sender.close()

    def _heard(self, message: MQTTMessage) -> None:
        if b"Node Control/Rebirth" in message.payload:
            self.rebirths += 1
            self.born(wait=False)

    def _send(self, kind: str, metrics: list[bytes], device: str = "", *, wait: bool = True) -> None:
        body = payload(metrics, seq=self.seq, at_ms=self.at_ms)
        self.seq = (self.seq + 1) % 256
        if wait:
            self.sender.publish(self.topic(kind, device), body, qos=0)
        else:
            self.sender.client.publish(self.topic(kind, device), body)
