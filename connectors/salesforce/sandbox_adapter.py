"""The stand-in in the same process: an adapter of requests, for tests and for trying things out without a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from connectors.salesforce.sandbox_http import Answer, Request

if TYPE_CHECKING:
    from connectors.salesforce.sandbox import Sandbox


class SandboxAdapter(BaseAdapter):
    """`session.mount("https://", SandboxAdapter(sandbox))`: every https address is the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        return response(request, self._sandbox.handle(sent(request)))

    def close(self) -> None:
        pass


def sent(request: PreparedRequest) -> Request:
    """A request of requests as the sandbox takes it."""
    body = request.body or b""
    headers = {name.lower(): value for name, value in request.headers.items()}
    data = body.encode() if isinstance(body, str) else bytes(body)
    return Request(str(request.method), request.path_url, headers, data)


def response(request: PreparedRequest, answer: Answer) -> Response:
    """The sandbox's answer as requests gives it."""
    made = Response()
    made.status_code = answer.status
    made.headers = CaseInsensitiveDict(answer.headers)
    made._content = answer.body
    made.url = str(request.url)
    made.request = request
    return made
