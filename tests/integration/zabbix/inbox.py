"""A hub for Zabbix to send to: it stores what comes and answers as the real one does."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from connectors.contract import Delivery


class Inbox:
    """`deliveries` is what was accepted, in order. While `refusals` is above 0 it answers 503 and counts down."""

    def __init__(self, refusals: int = 0) -> None:
        self.deliveries: list[Delivery] = []
        self.refusals = refusals
        self.refused = 0
        self._lock = threading.Lock()
        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._httpd.daemon_threads = True
        self._thread = threading.Thread(target=self._httpd.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._httpd.server_port}/v1/inbound/zbx-main"

    def take(self, delivery: Delivery) -> tuple[int, bytes]:
        with self._lock:
            if self.refusals > 0:
                self.refusals -= 1
                self.refused += 1
                return 503, b'{"title": "not now"}'
            self.deliveries.append(delivery)
            return 202, b'{"message_id": "M%d"}' % len(self.deliveries)

    def __enter__(self) -> Inbox:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)


def _handler(inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = inbox.take(Delivery(body, {k.lower(): v for k, v in self.headers.items()}))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
