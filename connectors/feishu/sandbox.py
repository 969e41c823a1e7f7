"""A stand-in for Feishu: one group with a custom robot, one app, a few people, and Feishu's limits.

    python -m connectors.feishu.sandbox --port 8103

Set `api_url` to its address and the other settings to what it prints. The robot checks its signature (and the hour of
`timestamp`), a keyword where one is set, and the caller's address where a list is set. It takes 100 messages a minute
(11232 beyond) and bodies of 20,000 bytes. An app's message with a `uuid` known for less than an hour is not delivered
again; its answer is that of the first.

What arrived: GET /sandbox/messages. To meddle, POST with a JSON object:

    /sandbox/expire        {"code": 99991663} the app's tokens end now and are answered with this code
    /sandbox/remove_robot  {}                 the robot is gone: 19001
    /sandbox/keyword       {"word": "告警"}    messages must contain it: 19024
    /sandbox/resecret      {"secret": "x"}    the robot's signing secret is another one now: 19021
    /sandbox/whitelist     {"closed": true}   the hub's address is not in the robot's list: 19022
    /sandbox/skew          {"seconds": 7200}  Feishu's clock runs ahead by so much: 19021
    /sandbox/heal          {}                 all of that undone, but for the secret
"""

from __future__ import annotations

import argparse
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx

from connectors.channel_sandbox import Arrived, ChatSandbox, Rate, Server, forever, reply
from connectors.feishu.signing import sign

APP_ID = "cli_a1b2c3d4e5f6"
RECEIVERS = ("oc_duty", "ou_zhangsan", "ou_lisi", "zhangsan@example.com")
HOOK, MESSAGES = "/open-apis/bot/v2/hook/", "/open-apis/im/v1/messages"
HOUR_S = 3600


class Sandbox(ChatSandbox):
    """Feishu in memory. `clock`: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.robot_hook = "d4b1f2aa-0000-4bc4-97a0-0ec2sifa5aaa"
        self.robot_secret = "robot-secret-" + "0123456789abcdef"
        self.app_secret = "app-secret-" + "0123456789abcdef" * 2
        self.word = ""
        self.closed = False
        self.ahead_s = 0.0
        self.robot_there = True
        self.rate = Rate(100, 60, clock)
        self.tokens: dict[str, float] = {}
        self.refused_as = 99991663
        self.fetched = 0
        self._known: dict[str, tuple[float, str]] = {}
        self.controls = {
            "expire": self.expire,
            "remove_robot": self.remove_robot,
            "keyword": self.keyword,
            "resecret": self.resecret,
            "whitelist": self.whitelist,
            "skew": self.skew,
            "heal": self.heal,
        }

    # -- what happens to it -----------------------------------------------------------------------------------------

    def expire(self, code: int = 99991663) -> None:
        self.refused_as = code
        self.tokens.clear()

    def remove_robot(self) -> None:
        self.robot_there = False

    def keyword(self, word: str) -> None:
        self.word = word

    def resecret(self, secret: str) -> None:
        self.robot_secret = secret

    def whitelist(self, closed: bool = True) -> None:
        self.closed = closed

    def skew(self, seconds: float) -> None:
        self.ahead_s = seconds

    def heal(self) -> None:
        self.robot_there, self.closed, self.word, self.ahead_s = True, False, "", 0.0

    # -- its API ----------------------------------------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        try:
            body = json.loads(request.content or b"{}")
        except ValueError:
            body = None
        if path.startswith(HOOK):
            return self._robot(path.removeprefix(HOOK), body, len(request.content))
        if path == "/open-apis/auth/v3/tenant_access_token/internal":
            return self._token(body)
        refused = self._token_problem(request.headers.get("authorization", ""))
        if refused:
            return refused
        if path == "/open-apis/bot/v3/info":
            return reply({"code": 0, "msg": "ok", "bot": {"app_name": "Weft", "open_id": "ou_weft"}})
        if path == MESSAGES and request.method == "POST":
            return self._message(dict(request.url.params).get("receive_id_type", ""), body)
        return reply({"code": 99991404, "msg": "not found"}, 404)

    def _token(self, body: Any) -> httpx.Response:
        if not isinstance(body, dict) or body.get("app_id") != APP_ID:
            return _answer(10003, "invalid app_id")
        if body.get("app_secret") != self.app_secret:
            return _answer(10014, "app secret invalid")
        self.fetched += 1
        good = [token for token, until in self.tokens.items() if until > self.clock() + 1800]
        token = good[0] if good else "t-" + secrets.token_hex(20)
        until = self.tokens.setdefault(token, self.clock() + 7200)
        return _answer(0, "ok", tenant_access_token=token, expire=int(until - self.clock()))

    def _token_problem(self, header: str) -> httpx.Response | None:
        token = header.removeprefix("Bearer ")
        if not token:
            return reply({"code": 99991661, "msg": "Missing access token for authorization"}, 400)
        if self.tokens.get(token, 0) <= self.clock():
            return reply({"code": self.refused_as, "msg": "Invalid access token for authorization"}, 400)
        return None

    def _robot(self, hook: str, body: Any, length: int) -> httpx.Response:
        if not self.robot_there or hook != self.robot_hook:
            return _answer(19001, "param invalid: incoming webhook access token invalid")
        if self.closed:
            return _answer(19022, "Ip Not Allowed")
        if not isinstance(body, dict):
            return _answer(9499, "Bad Request")
        if not self._signed(str(body.get("timestamp", "")), str(body.get("sign", ""))):
            return _answer(19021, "sign match fail or timestamp is not within one hour from current time")
        if body.get("msg_type") != "interactive" or not isinstance(body.get("card"), dict):
            return _answer(19002, "params error, msg_type need")
        if length > 20_000:
            return _answer(9499, "Bad Request: body too large")
        text, called = _read(body["card"])
        if self.word and self.word not in text:
            return _answer(19024, "Key Words Not Found")
        if self.rate.over():
            return _answer(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]")
        self.messages.append(Arrived("robot", ("group",), text, called, text.split("\n")[0], body))
        return reply({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})

    def _signed(self, timestamp: str, given: str) -> bool:
        if not timestamp.isdecimal() or abs(self.clock() + self.ahead_s - int(timestamp)) > HOUR_S:
            return False
        return hmac.compare_digest(sign(int(timestamp), self.robot_secret), given)

    def _message(self, kind: str, body: Any) -> httpx.Response:
        if not isinstance(body, dict) or body.get("msg_type") != "interactive":
            return reply({"code": 230001, "msg": "invalid request param"}, 400)
        receiver = body.get("receive_id")
        right = {"oc_": "chat_id", "ou_": "open_id"}.get(str(receiver)[:3], "email")
        if receiver not in RECEIVERS or kind != right:
            return reply({"code": 230001, "msg": "invalid receive_id"}, 400)
        uuid = str(body.get("uuid") or "")
        before = self._known.get(uuid) if uuid else None
        if before is not None and self.clock() < before[0] + HOUR_S:
            return _answer(0, "success", data={"message_id": before[1]})
        number = "om_" + secrets.token_hex(8)
        self._known[uuid] = (self.clock(), number)
        text, called = _read(json.loads(body["content"]))
        self.messages.append(Arrived("app", (str(receiver),), text, called, text.split("\n")[0], body))
        return _answer(0, "success", data={"message_id": number})


def _read(card: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """What people see of a card: title, text and the address of its button; and who is called."""
    lines = [card["header"]["title"]["content"]]
    for element in card.get("elements", ()):
        lines += [element["content"]] if element["tag"] == "markdown" else [a["url"] for a in element["actions"]]
    text = "\n".join(lines)
    return text, tuple(re.findall(r"<at id=([^>]+)></at>", text))


def _answer(code: int, words: str, **more: Any) -> httpx.Response:
    return reply({"code": code, "msg": words, **more})


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Feishu.")
    parser.add_argument("--port", type=int, default=8103)
    args = parser.parse_args(argv)
    sandbox = Sandbox()
    server = Server(sandbox.handle, args.port)
    forever(
        server,
        f"Feishu stand-in: {server.url} (api_url)",
        f"robot_hook: {sandbox.robot_hook}  robot_secret: {sandbox.robot_secret}",
        f"app_id: {APP_ID}  app_secret: {sandbox.app_secret}",
        f"receivers: {', '.join(RECEIVERS)}; what arrived: {server.url}/sandbox/messages",
    )


if __name__ == "__main__":
    main()
