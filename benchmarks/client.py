"""A load generator that costs little: raw HTTP/1.1 over keep-alive connections, each sending once it was answered.

    python -m benchmarks.client PORT PATH CONNECTIONS < work

Reads work as JSON lines `{"headers": {...}, "kind": ..., "first": n, "count": n, "batch": n}` and answers each with one
line of JSON: requests, seconds, answers by status, milliseconds at the median and the 99th percentile. It is a process
of its own so that its work is not counted as the server's. `start_client` is the other end.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).parents[1]
PER_NAME = 20
"""Alerts of one name: fewer than a storm."""


def alert(number: int, *, name: str = "") -> dict[str, Any]:
    """A firing alert as Alertmanager 0.27 sends it; `name` empty: 20 neighbours share one."""
    name = name or f"Rule{number // PER_NAME:06d}High"
    return {
        "status": "firing",
        "labels": {"alertname": name, "instance": f"web-{number}:9100", "severity": "critical", "job": "node"},
        "annotations": {"summary": f"{name} on web-{number}"},
        "startsAt": "2026-11-22T04:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{number:016x}",
    }


def message(alerts: list[dict[str, Any]]) -> bytes:
    """A webhook message of version 4."""
    return json.dumps({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "weft",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager",
        "alerts": alerts,
    }, separators=(",", ":")).encode()  # fmt: skip


def bodies(first: int, count: int, batch: int, name: str) -> Iterator[bytes]:
    for start in range(first, first + count, batch):
        yield message([alert(n, name=name) for n in range(start, min(start + batch, first + count))])


class _Connection(asyncio.Protocol):
    """Sends one request after the other until there are no more."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._load.answered < self._load.asked:
            self._load.fail(f"the server closed a connection: {exc}")

    def data_received(self, data: bytes) -> None:
        self._held += data
        head = self._held.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self._held[:head].lower()
        at = lower.index(b"content-length:") + 15
        end = lower.find(b"\r\n", at)
        size = int(lower[at : end if end > 0 else head])
        if len(self._held) < head + 4 + size:
            return
        self._load.answer(self._held[9:12].decode(), time.perf_counter() - self._sent_at)
        self._held = b""
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        request = next(self._load.requests, None)
        if request is None:
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Load:
    def __init__(self, requests: list[bytes]) -> None:
        self.requests = iter(requests)
        self.asked, self.answered = len(requests), 0
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answer(self, status: str, seconds: float) -> None:
        self.answered += 1
        self.statuses[status] += 1
        self.seconds.append(seconds)
        if self.answered == self.asked and not self._done.done():
            self._done.set_result(None)

    def fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(why))

    async def run(self, port: int, connections: int) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        made = []
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
            made.append(connection)
        await self._done
        took = time.perf_counter() - began
        for connection in made:
            connection.close()
        ordered = sorted(self.seconds)
        return {
            "requests": self.answered, "seconds": took, "statuses": dict(self.statuses),
            "p50_ms": ordered[len(ordered) // 2] * 1000, "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
        }  # fmt: skip


async def _run(port: int, path: str, connections: int, work: dict[str, Any]) -> dict[str, Any]:
    names = {"Host": f"127.0.0.1:{port}", "User-Agent": "Alertmanager/0.27.0", "Content-Type": "application/json"}
    head = f"POST {path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in (names | work["headers"]).items())
    requests = [
        f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for body in bodies(work["first"], work["count"], work["batch"], work["name"])
    ]
    return await _Load(requests).run(port, connections)


def main() -> None:
    port, path, connections = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for line in sys.stdin:
        answer = asyncio.run(_run(port, path, connections, json.loads(line)))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


@dataclass
class Client:
    """The load generator, for one address. As a context manager it ends its process."""

    port: int
    path: str
    connections: int = 32
    headers: dict[str, str] | None = None

    def __enter__(self) -> Client:
        command = [sys.executable, "-m", "benchmarks.client", str(self.port), self.path, str(self.connections)]
        self._process = subprocess.Popen(
            command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def send(self, first: int, count: int, *, batch: int = 1, name: str = "") -> dict[str, Any]:
        """Send the alerts `first` to `first + count - 1`; every request must be answered with 2xx."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        work = {"headers": self.headers or {}, "first": first, "count": count, "batch": batch, "name": name}
        self._process.stdin.write(json.dumps(work) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if any(not status.startswith("2") for status in answer["statuses"]):
            raise RuntimeError(f"not every request was accepted: {answer['statuses']}")
        return answer


if __name__ == "__main__":
    main()
