"""An adapter of requests that plays out the exam's failures before the sandbox is asked."""

from __future__ import annotations

import threading
from typing import Any

from requests import PreparedRequest, Response
from requests.exceptions import ConnectionError, ReadTimeout
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.conformance import Break, Faults
from connectors.conformance.faults import JUNK
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_adapter import SandboxAdapter, response, sent
from connectors.salesforce.sandbox_http import Answer, as_json


class FaultyAdapter(SandboxAdapter):
    """A new session that ends does not end the sandbox: `close` does nothing."""

    def __init__(self, sandbox: Sandbox, faults: Faults) -> None:
        super().__init__(sandbox)
        self._faults = faults
        self.timeouts: list[Any] = []

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        limit = options["timeout"]
        self.timeouts.append(limit)
        how = self._faults.take(effect=changes_something(request))
        if how is None:
            return super().send(request)
        answer = _refusal(how)
        if answer is not None:
            return response(request, answer)
        if how.kind == "ambiguous":
            self._sandbox.handle(sent(request))
            raise ReadTimeout("the answer is lost", request=request)
        if how.kind == "timeout":
            threading.Event().wait(min(limit, how.seconds))
            raise ReadTimeout("no answer", request=request)
        refused: Any = NewConnectionError(None, "connection refused")  # type: ignore[arg-type]
        raise ConnectionError(MaxRetryError(None, request.url, refused), request=request)  # type: ignore[arg-type]


def changes_something(request: PreparedRequest) -> bool:
    """A record is written; a login is not."""
    return request.method in ("POST", "PATCH", "DELETE") and "/sobjects/" in request.path_url


def _refusal(how: Break) -> Answer | None:
    if how.kind == "transient":
        return as_json([{"message": "not now", "errorCode": "SERVER_UNAVAILABLE"}], 503)
    if how.kind == "rate":
        return as_json([{"message": "too often", "errorCode": "X"}], 429, {"retry-after": f"{how.retry_after:g}"})
    if how.kind == "auth":
        return as_json([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)
    if how.kind == "junk":
        return Answer(200, JUNK, {"content-type": "text/html"})
    return None
