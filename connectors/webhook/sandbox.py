"""A stand-in for any system that a manifest of kind `webhook` describes: it sends the manifest's own samples, signed.

python -m connectors.webhook.sandbox FILE http://127.0.0.1:8480/v1/inbound/CONNECTION
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from connectors.contract import Connector
from connectors.manifest.kinds import read
from connectors.manifest.serving import serve_until_interrupted
from connectors.webhook.world import Messages, world_of


class Sandbox:
    """Sends genuine messages of a manifest of kind `webhook`, signed at the time they are sent."""

    def __init__(self, connector: type[Connector], transport: httpx.BaseTransport | None = None) -> None:
        self.messages: Messages = world_of(connector)()
        self._http = httpx.Client(timeout=10, trust_env=False, transport=transport)

    def send(self, url: str) -> list[int]:
        """Each sample once; the statuses the hub answered with."""
        found = []
        for delivery in self.messages.deliveries():
            signed = self.messages.sent(delivery.body, at=datetime.now(UTC))
            found.append(self._http.post(url, content=signed.body, headers=dict(signed.headers)).status_code)
        return found

    def handle(self, request: httpx.Request) -> httpx.Response:
        """`POST /sandbox/send?to=ADDRESS`: send the samples there."""
        if request.method == "POST" and request.url.path == "/sandbox/send" and request.url.params.get("to"):
            return httpx.Response(200, json={"answers": self.send(request.url.params["to"])})
        return httpx.Response(404, json={"message": "POST /sandbox/send?to=http://HUB/v1/inbound/CONNECTION"})

    def close(self) -> None:
        self._http.close()


def serve(connector: type[Connector], port: int) -> None:
    """Wait on a port for being told where to send the samples."""
    sandbox = Sandbox(connector)
    told = ", ".join(f"{name}: {value}" for name, value in sandbox.messages.config().items())
    serve_until_interrupted(
        sandbox.handle, port, lambda url: f"{connector.title} (sandbox): POST {url}/sandbox/send?to=ADDRESS; {told}"
    )


def main(arguments: Sequence[str]) -> None:
    """FILE ADDRESS"""
    sandbox = Sandbox(read(Path(arguments[0])))
    print(sandbox.send(arguments[1]))  # noqa: T201 - a command's output
    sandbox.close()


if __name__ == "__main__":
    main(sys.argv[1:])
