"""What the stand-ins of chat systems share: what arrived, how often, and a server with a way to look and to meddle.

GET    /sandbox/messages     what arrived, eldest first
DELETE /sandbox/messages     forget it
POST   /sandbox/<control>    the controls that each sandbox names, with a JSON object of their arguments
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Control = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as its readers see it. `by`: robot or app. `to`: the group, or people."""

    by: str
    to: tuple[str, ...]
    text: str
    mentioned: tuple[str, ...] = ()
    title: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


class Rate:
    """At most `calls` within `seconds`, then deaf for `mute_s` more."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float], mute_s: float = 0) -> None:
        self.calls, self.seconds, self.mute_s = calls, seconds, mute_s
        self._clock = clock
        self._seen: deque[float] = deque()
        self.muted_until = 0.0

    def over(self) -> bool:
        """Count one call; is it one too many?"""
        now = self._clock()
        if now < self.muted_until:
            return True
        while self._seen and self._seen[0] <= now - self.seconds:
            self._seen.popleft()
        if len(self._seen) >= self.calls:
            self.muted_until = now + self.mute_s
            return True
        self._seen.append(now)
        return False


class ChatSandbox(ABC):
    """Base of a stand-in: `handle` answers one HTTP request as an httpx transport's handler. Safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.messages: list[Arrived] = []
        self.controls: dict[str, Control] = {}

    @abstractmethod
    def answer(self, request: httpx.Request) -> httpx.Response:
        """The vendor's own API."""

    def handle(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            if request.url.path.startswith("/sandbox/"):
                return self._control(request)
            return self.answer(request)

    def _control(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix("/sandbox/")
        if name == "messages":
            if request.method == "DELETE":
                self.messages.clear()
            return reply({"messages": [asdict(m) for m in self.messages]})
        control = self.controls.get(name)
        if control is None or request.method != "POST":
            return httpx.Response(404, text=f"there are: messages, {', '.join(self.controls)}\n")
        try:
            given = json.loads(request.content or b"{}")
            return reply({"done": name, "answer": control(**given)})
        except (ValueError, TypeError) as error:
            return httpx.Response(400, text=f"{error}\n")


def reply(value: Any, status: int = 200) -> httpx.Response:
    content = json.dumps(value, ensure_ascii=False).encode()
    return httpx.Response(status, content=content, headers={"content-type": "application/json; charset=UTF-8"})


class Server:
    """A stand-in on a port of loopback; a context manager."""

    def __init__(self, handle: Callable[[httpx.Request], httpx.Response], port: int = 0) -> None:
        self._httpd = ThreadingHTTPServer(("127.0.0.1", port), _handler(handle))
        self._httpd.daemon_threads = True
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)


def _handler(handle: Callable[[httpx.Request], httpx.Response]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = [(k.lower(), v) for k, v in self.headers.items() if k.lower() not in ("host", "content-length")]
            request = httpx.Request(self.command, f"http://sandbox{self.path}", headers=headers, content=body)
            try:
                answer = handle(request)
            except ConnectionAbortedError:  # how a test lets the line drop
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers.get("content-type", "text/plain; charset=utf-8"))
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_HEAD = do_POST = do_DELETE = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def forever(server: Server, *lines: str) -> None:
    """Serve until the process ends, after these lines about where and how."""
    with server:
        print("\n".join(lines), flush=True)  # noqa: T201
        threading.Event().wait()
