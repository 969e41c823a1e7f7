"""A sandbox's handler on a port of loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

Handle = Callable[[httpx.Request], httpx.Response]


class Server:
    """Serves a handler as `httpx.MockTransport` takes one. A context manager; `port` 0: any free one."""

    def __init__(self, handle: Handle, port: int = 0) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(handle))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)


def _handler(handle: Handle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            host = self.headers.get("host", "127.0.0.1")
            request = httpx.Request(
                self.command, f"http://{host}{self.path}", headers=list(self.headers.items()), content=body
            )
            answer = handle(request)
            content = answer.read()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: Any) -> None:
            """Say nothing for each request."""

    return Handler


def serve_until_interrupted(handle: Handle, port: int, said: Callable[[str], str]) -> None:
    """Serve, print what `said` makes of the address, and wait for Ctrl-C."""
    with Server(handle, port) as server:
        print(said(server.url), flush=True)  # noqa: T201 - a command's output
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return
