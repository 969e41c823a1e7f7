"""A receiver to try Apprise on: it takes what `json://` sends, at any path.

    python -m connectors.apprise_channel.sandbox --port 8104

Put the address that it prints into `urls`. What arrived: GET /sandbox/messages. POST /sandbox/fail {"status": 503}
makes it answer so from then on, {"status": 200} makes it well again.
"""

from __future__ import annotations

import argparse
import json

import httpx

from connectors.channel_sandbox import Arrived, ChatSandbox, Server, forever, reply


class Sandbox(ChatSandbox):
    """Takes messages in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.controls = {"fail": self.fail}

    def fail(self, status: int) -> None:
        self.status = status

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "HEAD":
            return httpx.Response(200)
        if self.status >= 300:
            return httpx.Response(self.status, text="no\n")
        try:
            told = json.loads(request.content)
            arrived = Arrived("json", (request.url.path,), told["message"], (), told["title"], told)
        except (ValueError, KeyError, TypeError):
            return httpx.Response(400, text="not what json:// sends\n")
        self.messages.append(arrived)
        return reply({"taken": True})


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A receiver to try Apprise on.")
    parser.add_argument("--port", type=int, default=8104)
    args = parser.parse_args(argv)
    server = Server(Sandbox().handle, args.port)
    address = server.url.replace("http://", "json://")
    forever(server, f"Receiver for Apprise: {address}/duty (urls)", f"what arrived: {server.url}/sandbox/messages")


if __name__ == "__main__":
    main()
