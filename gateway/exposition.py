"""What a worker tells of itself over HTTP: `/metrics` for Prometheus, `/healthz` for whoever runs its container."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway import gauges, metrics
from gateway.errors import WeftError
from gateway.service import Gateway


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing for each request."""


class Exposition:
    """A server of its own thread, while the context lasts. `alive`: is the worker at work?"""

    def __init__(self, gateway: Gateway, alive: Callable[[], bool], host: str, port: int) -> None:
        self._gateway, self._alive = gateway, alive
        self._http = make_server(host, port, self._answer, server_class=_Threaded, handler_class=_Quiet)
        self._thread = threading.Thread(target=self._http.serve_forever, name="weft-exposition", daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_port)

    def __enter__(self) -> Exposition:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = self._page(environ.get("PATH_INFO", ""))
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _page(self, path: str) -> tuple[str, str, bytes]:
        text = "text/plain; charset=utf-8"
        if path == "/healthz":
            alive = self._alive()
            return ("200 OK", text, b"alive\n") if alive else ("503 Service Unavailable", text, b"the worker ended\n")
        if path != "/metrics":
            return "404 Not Found", text, b"/metrics, /healthz\n"
        try:
            gauges.read(self._gateway)
        except WeftError as error:  # its own counters are told all the same
            return "503 Service Unavailable", text, f"{error}\n".encode()
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest(metrics.registry())
