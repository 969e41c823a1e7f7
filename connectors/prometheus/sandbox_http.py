"""How the sandbox speaks HTTP: its port, and the webhooks it sends."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from connectors.prometheus.sandbox import Sandbox


@dataclass
class Reply:
    """An answer of the sandbox; `body` is text, or anything else as JSON."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Webhook:
    """Sends each group (one alert name) when it has news, and again at every interval until it is taken with a 2xx."""

    def __init__(self, sandbox: Sandbox, url: str, token: str, interval_s: float) -> None:
        self._sandbox = sandbox
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._interval_s = interval_s
        self._taken: dict[str, str] = {}
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-webhook", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._news.set()

    def close(self) -> None:
        self._over.set()
        self._news.set()
        self._thread.join(10)

    def _run(self) -> None:
        with httpx.Client(timeout=10, trust_env=False) as http:
            while not self._over.is_set():
                self._news.wait(self._interval_s)
                self._news.clear()
                self._flush(http)

    def _flush(self, http: httpx.Client) -> None:
        alerts = sorted(self._sandbox.alerts.items(), key=lambda item: item[1].labels.get("alertname", ""))
        for group, members in itertools.groupby(alerts, key=lambda item: item[1].labels.get("alertname", "")):
            loud = [(name, alert) for name, alert in members if not self._sandbox.silenced_by(alert.labels)]
            state = json.dumps([(name, alert.starts_at, alert.resolved()) for name, alert in loud])
            if not loud or self._taken.get(group) == state:
                continue
            if group not in self._taken and all(alert.resolved() for _, alert in loud):
                continue
            message = self._sandbox.notification([name for name, _ in loud])
            try:
                answer = http.post(
                    self._url, json=message, headers={**self._headers, "User-Agent": "Alertmanager/0.25.0"}
                )
            except httpx.TransportError:
                continue
            if answer.is_success:
                self._taken[group] = state


class Server:
    """The sandbox on a port of loopback (0: any free one)."""

    def __init__(self, sandbox: Sandbox, port: int = 0, handler: type[BaseHTTPRequestHandler] | None = None) -> None:
        self.sandbox = sandbox
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler or handler_for(sandbox.handle))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self.sandbox.external_url = self.url
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self.sandbox.close()


Handle = Callable[[str, str, Mapping[str, str], bytes], Reply | None]


def handler_for(handle: Handle) -> type[BaseHTTPRequestHandler]:
    """An HTTP handler that answers with `handle`'s reply; on None it drops the connection without a word."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = handle(self.command, self.path, headers, body)
            if reply is None:
                self.close_connection = True
                return
            text = isinstance(reply.body, str) and reply.status != 400
            content = reply.body.encode() if text else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"content-type": "text/plain" if text else "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, *_: Any) -> None:
            """Say nothing for each request."""

    return Handler
