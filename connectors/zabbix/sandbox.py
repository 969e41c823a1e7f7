"""A stand-in for Zabbix, for people who have none and for tests: its JSON-RPC API, its problems and its webhooks.

    python -m connectors.zabbix.sandbox --version 7.0.0 --port 8090 --demo

Set `url` to its address; it knows Admin / zabbix (super administrator) and the hub's account hub / hub-password with
the API token it prints. It behaves as 6.0, 6.4, 7.0, 7.2 or later does (where the token goes, which bits of
event.acknowledge there are, which parameters have been removed); closing is carried out a second later; messages go
out as soon as a connection has installed itself. A value: POST /sandbox/values {"host": "web01", "key": "temp",
"value": 95}. What became of the problems: GET /sandbox/problems."""

from __future__ import annotations

import argparse
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from connectors.zabbix.sandbox_api import Api, ApiError, invalid, refused
from connectors.zabbix.sandbox_messages import Message, messages
from connectors.zabbix.sandbox_state import Account, Row, State

_OPEN = ("apiinfo.version", "user.login", "user.checkAuthentication")
_TYPES = ("application/json-rpc", "application/json", "application/jsonrequest")


class Sandbox:
    """A Zabbix in memory. `handle` answers one HTTP request; `outbox` holds the messages it would send."""

    def __init__(self, version: str = "6.0.14", clock: Callable[[], int] = lambda: int(time.time())) -> None:
        self.state = State(version, clock)
        self.api = Api(self.state)
        self.outbox: list[Message] = []
        self.admin = self.state.account(Account("Admin", "zabbix", kind=3))
        self.hub = self.state.account(Account("hub", "hub-password", token=secrets.token_hex(32)))
        self.expired_tokens: set[str] = set()
        self.state.listeners.append(self._due)

    def _due(self, kind: str, event: Row, entry: Row | None) -> None:
        self.outbox.extend(messages(self.state, kind, event, entry))

    # -- the API over HTTP ------------------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, as an httpx transport's handler."""
        if not request.url.path.endswith("/api_jsonrpc.php"):
            return httpx.Response(
                404, text="<html><body>Not Found</body></html>", headers={"content-type": "text/html"}
            )
        if request.headers.get("content-type", "").split(";")[0] not in _TYPES:
            return httpx.Response(412)
        try:
            call = json.loads(request.content)
        except ValueError:
            return _answer({"error": {"code": -32700, "message": "Parse error", "data": "Invalid JSON."}}, None)
        with self.state.lock:
            if isinstance(call, list):
                return _json([self._one(each, request) for each in call])
            return _json(self._one(call, request))

    def _one(self, call: Any, request: httpx.Request) -> Row:
        number = call.get("id") if isinstance(call, dict) else None
        try:
            return {"jsonrpc": "2.0", "result": self._result(call, request), "id": number}
        except ApiError as error:
            return {"jsonrpc": "2.0", "error": error.answer, "id": number}

    def _result(self, call: Any, request: httpx.Request) -> Any:
        if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("method"), str):
            raise ApiError(-32600, "Invalid request.", "The received JSON is not a valid JSON-RPC request.")
        if "params" not in call:
            raise ApiError(-32600, "Invalid request.", 'Invalid parameter "/": the parameter "params" is missing.')
        body, bearer = call.get("auth"), request.headers.get("authorization", "").removeprefix("Bearer ")
        newest = self.state.major_minor >= (7, 2)
        if newest and "auth" in call:
            raise ApiError(-32600, "Invalid request.", 'Invalid parameter "/": unexpected parameter "auth".')
        given = (bearer if self.state.major_minor >= (6, 4) else "") or body or ""
        method = call["method"]
        if method in _OPEN:
            if given:
                how = "authorization header" if newest else '"auth" parameter'
                raise invalid(f'The "{method}" method must be called without the {how}.')
            who = None
            if method == "user.checkAuthentication":
                who = self._account(str(call["params"].get("token") or call["params"].get("sessionid") or ""))
            return self.api.call(method, call["params"], who)
        return self.api.call(method, call["params"], self._account(given))

    def _account(self, given: str) -> Account:
        if not given:
            raise invalid("Not authorized.")
        if given in self.expired_tokens:
            raise refused("API token expired.")
        for account in self.state.accounts:
            if account.token and account.token == given:
                return account
        if given in self.state.sessions:
            return self.state.sessions[given]
        raise invalid("Not authorized." if len(given) == 64 else "Session terminated, re-login, please.")

    # -- its messages -----------------------------------------------------------------------------------------------

    def send_due(self, client: httpx.Client) -> None:
        """Carries out tasks and sends what is in the outbox; a message that is refused stays for the next time."""
        with self.state.lock:
            self.state.run_tasks()
            waiting, self.outbox = self.outbox, []
        for message in waiting:
            try:
                answer = client.post(message.url, content=message.body, headers=message.headers, timeout=10)
                sent = answer.is_success
            except httpx.TransportError:
                sent = False
            with self.state.lock:
                if not sent:
                    self.outbox.append(message)
                elif message.takes_tags:
                    self.take_tag(message, answer.content)

    def take_tag(self, message: Message, answer: bytes) -> None:
        """The tag that webhook.js makes of the hub's answer to the first message of a problem."""
        try:
            message_id = json.loads(answer).get("message_id")
        except (ValueError, AttributeError):
            return
        if message_id:
            event = self.state.tables["event"][message.event_id]
            event["tags"].append({"tag": "weft_message", "value": str(message_id)})


class Server:
    """A sandbox on a port of loopback, with its task manager."""

    def __init__(self, sandbox: Sandbox, port: int = 0, every_s: float = 0.3) -> None:
        self.sandbox = sandbox
        self._httpd = ThreadingHTTPServer(("127.0.0.1", port), _handler(sandbox))
        self._httpd.daemon_threads = True
        self._ended = threading.Event()
        self._every_s = every_s
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._httpd.serve_forever, self._work)]

    def start(self) -> Server:
        for thread in self._threads:
            thread.start()
        return self

    def _work(self) -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            while not self._ended.wait(self._every_s):
                self.sandbox.send_due(client)

    def stop(self) -> None:
        self._ended.set()
        self._httpd.shutdown()
        self._httpd.server_close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _handler(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(_problems(sandbox) if self.path == "/sandbox/problems" else httpx.Response(404))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.path == "/sandbox/values":
                answer = _take_value(sandbox, body)
            else:
                headers = {
                    k.lower(): v for k, v in self.headers.items() if k.lower() in ("content-type", "authorization")
                }
                request = httpx.Request("POST", f"http://sandbox{self.path}", headers=headers, content=body)
                answer = sandbox.handle(request)
            self._reply(answer)

        def _reply(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers.get("content-type", "text/plain"))
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def _take_value(sandbox: Sandbox, body: bytes) -> httpx.Response:
    with sandbox.state.lock:
        try:
            given = json.loads(body)
            tables = sandbox.state.tables
            host = next(h for h in tables["host"].values() if h["host"] == given["host"])
            keys = [i for i in tables["item"].values() if i["hostid"] == host["hostid"] and i["key_"] == given["key"]]
            sandbox.state.receive(keys[0], given["value"])
        except (ValueError, KeyError, IndexError, TypeError, StopIteration, ArithmeticError) as e:
            return httpx.Response(400, text=f"no such host or key, or no number: {e!r}\n")
    return httpx.Response(200, text="taken\n")


def _problems(sandbox: Sandbox) -> httpx.Response:
    """Every problem there was, newest first: host, name, whether it is open, and what was said about it by whom."""
    with sandbox.state.lock:
        tables = sandbox.state.tables
        found = [
            {"eventid": event["eventid"], "host": sandbox.state.host_of(tables["trigger"][event["objectid"]])["host"],
             "name": event["name"], "open": event["r_eventid"] == "0", "acknowledged": event["acknowledged"] == "1",
             "updates": [{"by": tables["user"][entry["userid"]]["username"], "action": int(entry["action"]),
                          "message": entry["message"]} for entry in event["acknowledges"]]}
            for event in reversed(tables["event"].values()) if event["value"] == "1"
        ]  # fmt: skip
    return _json(found)


def _json(value: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(value).encode(), headers={"content-type": "application/json"})


def _answer(part: Row, number: Any) -> httpx.Response:
    return _json({"jsonrpc": "2.0", **part, "id": number})


def fill(sandbox: Sandbox) -> None:
    """Three hosts with load and temperature, and triggers on them."""
    state = sandbox.state
    for name, visible in (("web01", "Web server 01"), ("db01", "Database 01"), ("press-7", "Press 7")):
        host = state.host(
            name, visible=visible, interfaces=[{"ip": "10.0.0.7", "dns": "", "port": "10050", "type": "1", "main": "1"}]
        )
        cpu = state.item(host, "system.cpu.util", units="%", kind=18)
        temp = state.item(host, "temp", units="C")
        now = state.clock()
        for minute in range(60):
            state.receive(cpu, 20 + minute % 7, clock=now - 60 * (60 - minute))
        state.trigger(cpu, "CPU load is high on {HOST.NAME}", 90, severity=3, opdata="now {ITEM.LASTVALUE1}")
        state.trigger(temp, "{HOST.NAME} is too hot", 80, severity=5, tags=[{"tag": "site", "value": "Hangzhou"}])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Zabbix.")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument(
        "--version", default="6.0.14", help="the version to behave as, e.g. 6.0.14, 6.4.0, 7.0.0, 7.2.0"
    )
    parser.add_argument("--demo", action="store_true", help="with a problem at the start")
    args = parser.parse_args(argv)
    sandbox = Sandbox(args.version)
    fill(sandbox)
    if args.demo:
        sandbox.state.receive(next(i for i in sandbox.state.tables["item"].values() if i["key_"] == "temp"), 95)
    with Server(sandbox, args.port, 1) as server:
        print(f"Zabbix {args.version} stand-in: {server.url}\nAPI token: {sandbox.hub.token}")  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
