"""A mail server to try the connector on: real SMTP (aiosmtpd), mail that goes nowhere but into a list.

    python -m connectors.smtp.sandbox --port 8025 --http 8105

Set `host` and `port` to where it is, `security: none`, and no login. It takes mail of up to 100 kB for anybody at
example.com but gone@example.com, and is too busy for later@example.com. Needs aiosmtpd (`pip install aiosmtpd`).

What arrived: GET /sandbox/messages on the HTTP port. To meddle, POST with a JSON object:

    /sandbox/busy     {"times": 1}         the next mails are answered 451
    /sandbox/lock     {}                   the login is refused: 535
    /sandbox/unlock   {}                   and taken again

In tests it also speaks STARTTLS or TLS, and demands a login: see `Sandbox`.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import importlib.util
import ssl
import threading
import warnings
from collections.abc import Callable
from typing import Any

import httpx

from connectors.channel_sandbox import Arrived, ChatSandbox, Server, forever

LIMIT = 100_000
DOMAIN = "example.com"


class Sandbox(ChatSandbox):
    """A mail server in memory, and on a port while `serve` runs. `tls`: a context to offer STARTTLS with, or (`implicit`)
    TLS from the start. `login`: (user, password) to demand. `trouble`: asked at the beginning of each connection (False)
    and for each mail (True) what shall go wrong; it answers a word of `_TROUBLES`, or nothing."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        limit: int = LIMIT,
        trouble: Callable[[bool], str] = lambda _: "",
    ) -> None:
        super().__init__()
        self.tls, self.implicit, self.login, self.limit, self.trouble = tls, implicit, login, limit, trouble
        self.locked = False
        self.busy = 0
        self.sessions = 0
        self._peers: set[Any] = set()
        self._line: _Line | None = None
        self.controls = {"busy": self.be_busy, "lock": self.lock_out, "unlock": self.let_in}

    def be_busy(self, times: int = 1) -> None:
        self.busy = times

    def lock_out(self) -> None:
        self.locked = True

    def let_in(self) -> None:
        self.locked = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, text="a mail server; see /sandbox/messages\n")

    # -- SMTP -------------------------------------------------------------------------------------------------------

    def serve(self, port: int = 0) -> int:
        """Listen on loopback; answers the port. Ended by `close`."""
        self._line = _Line(self, port)
        return self._line.port

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if session.peer in self._peers:  # the same connection, now with TLS
            return responses
        self._peers.add(session.peer)
        self.sessions += 1
        trouble = self.trouble(False)
        if trouble == "auth":
            self.locked = True
        elif trouble:
            return [await self._in_trouble(server, trouble)]
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if not address.endswith(f"@{DOMAIN}"):
            return "553 5.7.1 Sender address rejected: not owned by user"
        envelope.mail_from = address
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address == f"gone@{DOMAIN}":
            return "550 5.1.1 User unknown"
        if address == f"later@{DOMAIN}":
            return "450 4.2.0 Greylisted, try again later"
        if not address.endswith(f"@{DOMAIN}"):
            return "554 5.7.1 Relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        trouble = self.trouble(True)
        if trouble and trouble != "ambiguous":
            return await self._in_trouble(server, trouble)
        if self.busy > 0:
            self.busy -= 1
            return "451 4.3.2 System not accepting messages now"
        made: Any = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = made.get_content()
        headers = {name.lower(): str(value) for name, value in made.items()}
        with self.lock:
            self.messages.append(
                Arrived("smtp", tuple(envelope.rcpt_tos), text, (), headers.get("subject", ""), headers)
            )
        if trouble:
            return await self._in_trouble(server, "cut")
        return "250 2.0.0 Ok: queued"

    @staticmethod
    async def _in_trouble(server: Any, trouble: str) -> str:
        if trouble == "transient":
            return "421 4.3.2 Service not available"
        if trouble == "junk":
            return "<html><title>502 Bad Gateway</title></html>"
        if trouble == "timeout":
            await asyncio.sleep(1)
        server.transport.abort()
        return "421 gone"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=not self.locked and given == self.login, handled=False)


class _Line:
    """aiosmtpd on a port of loopback, in a thread with a loop of its own."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        tls = sandbox.tls if sandbox.implicit else None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        made = self._loop.create_server(lambda: _protocol(sandbox, self._loop), "127.0.0.1", port, ssl=tls)
        self._server = asyncio.run_coroutine_threadsafe(made, self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _protocol(sandbox: Sandbox, loop: asyncio.AbstractEventLoop) -> asyncio.BaseProtocol:
    from aiosmtpd.smtp import SMTP

    demand: dict[str, Any] = {"auth_required": True, "authenticator": sandbox.authenticate} if sandbox.login else {}
    starttls = sandbox.tls is not None and not sandbox.implicit
    if starttls:
        demand |= {"tls_context": sandbox.tls, "require_starttls": True}
    with warnings.catch_warnings():  # that a login without STARTTLS is unsafe: not under TLS from the start
        warnings.simplefilter("ignore", UserWarning)
        return SMTP(
            sandbox, hostname="mail.example.com", data_size_limit=sandbox.limit, auth_require_tls=starttls, loop=loop,
            **demand,
        )  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A mail server to try Weft on.")
    parser.add_argument("--port", type=int, default=8025)
    parser.add_argument("--http", type=int, default=8105, help="port of /sandbox/messages")
    args = parser.parse_args(argv)
    if importlib.util.find_spec("aiosmtpd") is None:
        parser.exit(3, "The mail stand-in needs aiosmtpd: pip install aiosmtpd\n")
    sandbox = Sandbox()
    port = sandbox.serve(args.port)
    server = Server(sandbox.handle, args.http)
    forever(
        server,
        f"Mail stand-in: host 127.0.0.1, port {port}, security none, from_address weft@{DOMAIN}",
        f"what arrived: {server.url}/sandbox/messages",
    )


if __name__ == "__main__":
    main()
