"""Simulated devices on any MQTT broker, for people who have none: they measure, drift, misbehave and take commands.

    python -m connectors.mqtt.sandbox --url mqtt://127.0.0.1:1883 --devices 4

Each device has a connection of its own, as real ones do, and says

- dt/{site}/{device}/{metric}     {"value": 21.5, "unit": "Cel", "timestamp": 1795324212000, "seq": 7}
- presence/{site}/{device}        online, or as its last will offline (retained)
- state/{site}/{device}           {"running": true, "speed": 1450, "last_commands": [...]} (retained)

and takes commands at cmd/{site}/{device}/{command}, as {"id", "args", "reply_to"} or with MQTT 5 properties:
set_speed {rpm}, start, stop, stress {metric, value, seconds}, calm. The same id twice has one effect. `--sparkplug`
adds a Sparkplug B edge node.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from connectors.mqtt.sandbox_sparkplug import SimulatedLine, SparkplugEdge

_KEPT_COMMANDS = 50


def settings(url: str, *, username: str = "", password: str = "") -> dict[str, Any]:
    """The configuration of a hub's connection to these devices."""
    return {
        "url": url,
        **({"username": username, "password": password} if username else {}),
        "topics": [
            {"topic": "dt/{site}/{device}/{metric}"},
            {"topic": "presence/{site}/{device}", "format": "presence"},
            {"topic": "spBv1.0/#", "format": "sparkplug_b", "qos": 0},
        ],
        "commands": {
            "topic": "cmd/{site}/{device}/{command}",
            "response_topic": "response/{site}/{device}/{id}",
            "state_topic": "state/{site}/{device}",
        },
    }


@dataclass
class Signal:
    """One measured quantity: a slow wave with noise around `base`, until it is stressed."""

    unit: str
    base: float
    swing: float
    noise: float
    period_s: float = 600
    digits: int = 2
    stressed_to: float | None = None
    stressed_until: float = 0

    def at(self, now: float, dice: random.Random) -> float:
        if self.stressed_to is not None and now < self.stressed_until:
            centre = self.stressed_to
        else:
            self.stressed_to = None
            centre = self.base + self.swing * math.sin(2 * math.pi * now / self.period_s)
        return round(centre + dice.gauss(0, self.noise), self.digits)


def usual_signals() -> dict[str, Signal]:
    """What a pump's sensors measure."""
    return {
        "temperature": Signal("Cel", 62, 4, 0.3),
        "vibration": Signal("mm/s", 2.8, 0.6, 0.1, period_s=240),
        "pressure": Signal("bar", 6.2, 0.3, 0.05, period_s=420),
    }


@dataclass
class Device:
    """A simulated device, without a network: what it measures and what it does when told."""

    name: str
    site: str = "plant1"
    signals: dict[str, Signal] = field(default_factory=usual_signals)
    running: bool = True
    speed: int = 1450
    last_commands: list[str] = field(default_factory=list)
    effects: dict[str, int] = field(default_factory=dict)
    dice: random.Random = field(default_factory=random.Random)
    seq: int = 0

    def readings(self, now: float) -> list[tuple[str, dict[str, Any]]]:
        """(metric, payload) for each signal; `now` in seconds since 1970."""
        found = []
        for metric, signal in self.signals.items():
            self.seq += 1
            value = signal.at(now, self.dice)
            found.append((metric, {"value": value, "unit": signal.unit, "timestamp": int(now * 1000), "seq": self.seq}))
        return found

    def state(self) -> dict[str, Any]:
        return {"running": self.running, "speed": self.speed, "last_commands": self.last_commands}

    def obey(self, command: str, command_id: str, args: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Carry out a command, once for each id; the answer for whoever sent it."""
        if command_id and command_id in self.last_commands:
            return {"id": command_id, "status": "duplicate"}
        refusal = self._carry_out(command, args, now)
        if refusal:
            return {"id": command_id, "status": "rejected", "reason": refusal}
        if command_id:
            self.effects[command_id] = self.effects.get(command_id, 0) + 1
            self.last_commands = [*self.last_commands, command_id][-_KEPT_COMMANDS:]
        return {"id": command_id, "status": "ok", "speed": self.speed}

    def _carry_out(self, command: str, args: Mapping[str, Any], now: float) -> str:
        if command == "set_speed":
            rpm = args.get("rpm")
            if isinstance(rpm, bool) or not isinstance(rpm, int) or not 0 <= rpm <= 3000:
                return f"rpm must be a whole number from 0 to 3000, not {rpm!r}"
            self.speed = rpm
        elif command in ("start", "stop"):
            self.running = command == "start"
        elif command == "stress":
            signal = self.signals.get(str(args.get("metric")))
            if signal is None:
                return f"there is no metric {args.get('metric')!r}"
            signal.stressed_to, signal.stressed_until = args.get("value", 99), now + args.get("seconds", 60)
        elif command == "calm":
            for signal in self.signals.values():
                signal.stressed_to = None
        else:
            return f"unknown command {command!r}"
        return ""


class LiveDevice:
    """A device on a broker."""

    def __init__(self, device: Device, url: str, **account: str) -> None:
        self.device = device
        self.presence = f"presence/{device.site}/{device.name}"
        self._line = SimulatedLine(url, f"sim-{device.site}-{device.name}", **account)
        client = self._line.client
        client.will_set(self.presence, b"offline", qos=1, retain=True)
        client.on_connect = self._connected
        client.on_message = self._told

    def start(self) -> LiveDevice:
        """:raises ConnectionError:"""
        self._line.connect()
        return self

    def publish(self, now: float) -> None:
        """Measure, and send it."""
        if self.device.running:
            for metric, payload in self.device.readings(now):
                topic = f"dt/{self.device.site}/{self.device.name}/{metric}"
                self._line.client.publish(topic, json.dumps(payload), qos=1)

    def stop(self) -> None:
        self._line.client.publish(self.presence, b"offline", qos=1, retain=True).wait_for_publish(5)
        self._line.disconnect()

    def vanish(self) -> None:
        self._line.vanish()

    def _connected(self, client: mqtt.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._line.refuse(reason)
            return
        client.publish(self.presence, b"online", qos=1, retain=True)
        self._tell_state(client)
        client.subscribe(f"cmd/{self.device.site}/{self.device.name}/#", qos=1)

    def _tell_state(self, client: mqtt.Client) -> None:
        topic = f"state/{self.device.site}/{self.device.name}"
        client.publish(topic, json.dumps(self.device.state()), qos=1, retain=True)

    def _told(self, client: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        try:
            told = json.loads(message.payload or b"{}")
        except ValueError:
            told = None
        if not isinstance(told, dict):
            told = {"args": told}
        correlation = getattr(message.properties, "CorrelationData", b"")
        command_id = str(told.get("id") or correlation.decode("ascii", "replace"))
        args = told.get("args", told)
        command = message.topic.rpartition("/")[2]
        answer = self.device.obey(command, command_id, args if isinstance(args, dict) else {"value": args}, time.time())
        self._tell_state(client)
        reply_to = getattr(message.properties, "ResponseTopic", "") or told.get("reply_to")
        if reply_to:
            properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if correlation:
                properties.CorrelationData = correlation
            client.publish(reply_to, json.dumps(answer), qos=1, properties=properties)


class Plant:
    """Several devices that send at an interval, in one thread beside their connections'."""

    def __init__(
        self, url: str, *, devices: int = 4, interval_s: float = 2, site: str = "plant1", seed: int = 1, **account: str
    ) -> None:
        names = [f"pump-{number:02}" for number in range(1, devices + 1)]
        self.devices = [
            LiveDevice(Device(name, site, dice=random.Random(seed + place)), url, **account)
            for place, name in enumerate(names)
        ]
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-plant", daemon=True)

    def start(self) -> Plant:
        """:raises ConnectionError:"""
        for device in self.devices:
            device.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        for device in self.devices:
            device.stop()

    def stress(self, place: int, metric: str, value: float, seconds: float) -> None:
        """Make a device measure something else for a while."""
        self.devices[place].device.obey(
            "stress", "", {"metric": metric, "value": value, "seconds": seconds}, time.time()
        )

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            now = time.time()
            for device in self.devices:
                device.publish(now)


def main(arguments: Sequence[str] | None = None, *, until: Callable[[], object] | None = None) -> int:
    """The command line. `until`: returns when to stop; the default waits for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m connectors.mqtt.sandbox", description="Simulated MQTT devices")
    parser.add_argument("--url", default="mqtt://127.0.0.1:1883", help="address of the broker")
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--ca-file", default="", help="certificate authority of the broker")
    parser.add_argument("--site", default="plant1")
    parser.add_argument("--devices", type=int, default=4)
    parser.add_argument("--interval", type=float, default=2, help="seconds between readings")
    parser.add_argument("--sparkplug", action="store_true", help="add a Sparkplug B edge node")
    given = parser.parse_args(arguments)
    account = {"username": given.username, "password": given.password, "ca_file": given.ca_file}
    plant = Plant(given.url, devices=given.devices, interval_s=given.interval, site=given.site, **account).start()
    edge = SparkplugEdge(given.url, given.site, **account).add("press", temperature=41.5, running=True)
    if given.sparkplug:
        edge.start()
    print(f"{given.devices} simulated devices of {given.site} send to {given.url}; Ctrl-C ends them")  # noqa: T201
    try:
        (until or threading.Event().wait)()
    except KeyboardInterrupt:
        pass
    finally:
        plant.stop()
        if given.sparkplug:
            edge.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
