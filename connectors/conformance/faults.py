"""Breaking a fake system on demand: a queue of failures, and an httpx transport that plays them out.

    faults = Faults()
    transport = FaultyTransport(httpx.MockTransport(sandbox.handle), faults)      # in-process sandbox
    transport = FaultyTransport(httpx.HTTPTransport(), faults)                    # sandbox on a port

A sandbox that is no HTTP server asks `faults.take(effect=...)` itself at the start of every call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import httpx

from connectors.conformance.world import Break

JUNK = b"<html><head><title>502 Bad Gateway</title></head><body>proxy</body></html>"


class Faults:
    """Failures that are due, and the count of calls. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: list[Break] = []
        self.calls = 0

    def add(self, how: Break) -> None:
        with self._lock:
            self._due.append(how)

    def take(self, *, effect: bool = False) -> Break | None:
        """Count one call and say how it fails; None: it goes well. `effect`: the call would change something."""
        with self._lock:
            self.calls += 1
            for place, how in enumerate(self._due):
                if (how.effect or how.kind == "ambiguous") and not effect:
                    continue
                if how.after:
                    self._due[place] = replace(how, after=how.after - 1)
                    continue
                if how.kind != "auth":
                    del self._due[place]
                return how
        return None


def changes_something(request: httpx.Request) -> bool:
    """Whether an HTTP method is meant to have an effect."""
    return request.method not in ("GET", "HEAD", "OPTIONS")


class FaultyTransport(httpx.BaseTransport):
    """Sends requests on to `inner` unless a fault is due. `effect` tells which requests change something."""

    def __init__(
        self, inner: httpx.BaseTransport, faults: Faults, effect: Callable[[httpx.Request], bool] = changes_something
    ) -> None:
        self._inner = inner
        self._faults = faults
        self._effect = effect

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        how = self._faults.take(effect=self._effect(request))
        if how is None:
            return self._inner.handle_request(request)
        if how.kind == "transient":
            return httpx.Response(503, json={"error": "not now"}, request=request)
        if how.kind == "rate":
            return httpx.Response(429, headers={"retry-after": f"{how.retry_after:g}"}, request=request)
        if how.kind == "auth":
            return httpx.Response(401, json={"error": "who are you?"}, request=request)
        if how.kind == "junk":
            return httpx.Response(200, content=JUNK, headers={"content-type": "text/html"}, request=request)
        if how.kind == "ambiguous":
            self._inner.handle_request(request).read()
            raise httpx.ReadTimeout("the answer is lost", request=request)
        if how.kind == "timeout":
            self._stay_silent(request, how.seconds)
        raise httpx.ConnectError("connection refused", request=request)

    def _stay_silent(self, request: httpx.Request, seconds: float) -> None:
        limit = request.extensions.get("timeout", {}).get("read")
        threading.Event().wait(seconds if limit is None else min(limit, seconds))
        raise httpx.ReadTimeout("no answer", request=request)

    def close(self) -> None:
        self._inner.close()
