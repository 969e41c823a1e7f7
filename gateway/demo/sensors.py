"""A few simulated sensors for `make run`, and a publisher that is fast enough to measure subscribers with.

python -m gateway.demo.sensors --port 1883 --count 50000      # publish so many readings, QoS 1, as fast as it goes
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.mqtt.sandbox import Plant, settings

_REPOSITORY = Path(__file__).parents[2]


class Sensors:
    """Pumps that measure temperature, vibration and pressure, and take commands. As a context manager it starts and
    stops."""

    def __init__(
        self, url: str, *, devices: int = 4, interval_s: float = 2, username: str = "", password: str = ""
    ) -> None:
        self._plant = Plant(url, devices=devices, interval_s=interval_s, username=username, password=password)
        self._url, self._account = url, {"username": username, "password": password}

    @property
    def config(self) -> dict[str, Any]:
        """The settings of a hub's connection to them."""
        return settings(self._url, **self._account)

    @property
    def names(self) -> list[str]:
        return [live.device.name for live in self._plant.devices]

    def overheat(self, device: int = 0, *, celsius: float = 95, seconds: float = 60) -> None:
        """Let a device run hot for a while."""
        self._plant.stress(device, "temperature", celsius, seconds)

    def start(self) -> Sensors:
        """:raises ConnectionError: the broker refuses or does not answer."""
        self._plant.start()
        return self

    def stop(self) -> None:
        self._plant.stop()

    def __enter__(self) -> Sensors:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


# -- many readings at once -------------------------------------------------------------------------------------------


def start_flood(port: int, count: int, **more: Any) -> subprocess.Popen[bytes]:
    """`flood` in a process of its own, so that its work is not counted with the subscriber's."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in more.items()]
    command = [sys.executable, "-m", "gateway.demo.sensors", f"--port={port}", f"--count={count}", *options]
    return subprocess.Popen(command, cwd=_REPOSITORY)


def flood(
    port: int,
    count: int,
    *,
    devices: int = 50,
    window: int = 500,
    first: int = 0,
    username: str = "",
    password: str = "",
) -> float:
    """Publish `count` readings (some 100 bytes, QoS 1) to a broker on loopback, at most `window` of them not yet
    acknowledged; the seconds it took. Reading n has the value n / 100 and the counter n, from `first` on.

    Speaks MQTT 3.1.1 itself: a client library would need more CPU than what is to be measured. :raises ConnectionError:
    """
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(_connect(f"flood-{first}", username, password))
        answer = _exactly(line, 4)
        if answer[3]:
            raise ConnectionError(f"the broker refused the connection with code {answer[3]}")
        began = time.monotonic()
        packets = _publications(count, devices, first)
        unanswered, sent = 0, 0
        while sent < count or unanswered:
            batch = [next(packets) for _ in range(min(window - unanswered, count - sent))]
            line.sendall(b"".join(batch))
            sent += len(batch)
            unanswered += len(batch)
            unanswered -= _acknowledged(line)
        line.sendall(b"\xe0\x00")
        return time.monotonic() - began


def _connect(client_id: str, username: str, password: str) -> bytes:
    flags, texts = 0x02, [client_id]
    if username:
        flags, texts = 0xC2, [client_id, username, password]
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x3c" + b"".join(_text(text) for text in texts)
    return b"\x10" + _length(len(body)) + body


def _publications(count: int, devices: int, first: int) -> Iterator[bytes]:
    base_ms = time.time_ns() // 1_000_000
    for n in range(first, first + count):
        topic = f"dt/plant1/dev-{n % devices:04}/temperature"
        payload = b'{"value":%d.%02d,"unit":"Cel","timestamp":%d,"seq":%d}' % (n // 100, n % 100, base_ms + n % 1000, n)
        body = _text(topic) + (n % 65_535 + 1).to_bytes(2, "big") + payload
        yield b"\x32" + _length(len(body)) + body


def _acknowledged(line: socket.socket) -> int:
    """How many PUBACKs, of four bytes each, the next piece of the answer holds; waits for at least one."""
    data = line.recv(1 << 16)
    if not data:
        raise ConnectionError("the broker closed the connection")
    rest = -len(data) % 4
    data += _exactly(line, rest)
    return len(data) // 4


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = line.recv(size - len(data))
        if not piece:
            raise ConnectionError("the broker closed the connection")
        data += piece
    return data


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _length(size: int) -> bytes:
    found = bytearray()
    while True:
        size, digit = size >> 7, size & 0x7F
        found.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway.demo.sensors", description="Publish many readings, QoS 1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--window", type=int, default=500, help="most readings sent and not yet acknowledged")
    parser.add_argument("--first", type=int, default=0, help="number of the first reading")
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    given = vars(parser.parse_args(arguments))
    flood(given.pop("port"), given.pop("count"), **given)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
