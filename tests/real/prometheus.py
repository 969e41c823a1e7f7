"""A real Prometheus, Alertmanager and node_exporter for the tests, and a listener that gets the webhooks.

Everything is on loopback, on free ports, in a folder of the caller. Intervals are one second: a value becomes a webhook
about two seconds later, once the first scrape has come (about six seconds after the start).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from connectors.contract import Delivery
from gateway.demo.prometheus import Alertmanager, NodeExporter, Prometheus, this_machine

T = TypeVar("T")
TOKEN = "webhook-token-of-the-tests"


class Listener:
    """A plain HTTP server that takes webhooks and keeps them; `status` is what it answers with."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.status = 200
        self._news = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with listener._news:
                    listener.deliveries.append(Delivery(body, headers, received_at=datetime.now(UTC)))
                    listener._news.notify_all()
                self.send_response(listener.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing for each request."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

        self._http = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1/inbound/am"

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def wait(self, found: Callable[[Sequence[Delivery]], T | None], what: str, deadline_s: float = 30) -> T:
        """The first thing `found` gives for the deliveries so far that is not None."""
        with self._news:
            hit = self._news.wait_for(lambda: (result := found(self.deliveries)) is not None and (result,), deadline_s)
        if not hit:
            raise AssertionError(f"{what}: not within {deadline_s:g} s; {len(self.deliveries)} deliveries came")
        return hit[0]


def eventually(found: Callable[[], T | None], what: str, deadline_s: float = 30) -> T:
    """What `found` gives once it is neither None nor False nor empty; asked again and again until the deadline."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        if result := found():
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline_s:g} s")
        pause.wait(0.05)


@dataclass
class Monitoring:
    """The three programs and the listener, all running."""

    exporter: NodeExporter
    alertmanager: Alertmanager
    prometheus: Prometheus
    listener: Listener


@contextmanager
def monitoring(folder: Path) -> Iterator[Monitoring]:
    """Everything, from exporter to webhook, watching this machine."""
    with (
        Listener() as listener,
        NodeExporter(folder / "exporter") as exporter,
        Alertmanager(folder / "alertmanager", webhook_url=listener.url, webhook_token=TOKEN) as alertmanager,
        Prometheus(
            folder / "prometheus",
            targets=this_machine(exporter),
            alertmanager=alertmanager.address,
            interval="1s",
        ) as prometheus,
    ):
        yield Monitoring(exporter, alertmanager, prometheus, listener)
