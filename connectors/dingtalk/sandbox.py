"""A stand-in for DingTalk: one group with a custom robot, one app, a few people, and DingTalk's limits.

    python -m connectors.dingtalk.sandbox --port 8102 [--keyword 告警] [--no-sign]

Set `api_url` to its address and the other settings to what it prints. Every business error comes with HTTP 200, as in
life. The robot checks its signature (the hour of `timestamp` too), a keyword where one is set, and the caller's address
where a list is set; all three are refused as 310000. It takes 20 messages a minute; the next is answered 130101 and the
robot is mute for ten minutes. A body has 20,000 bytes at most, a work notice 2,048. A notice of the same content reaches
a person once a day, although the answer says yes.

What arrived: GET /sandbox/messages. To meddle, POST with a JSON object:

    /sandbox/expire        {"code": 42001}    the app's tokens end now; notices are answered 88 with this sub_code
    /sandbox/remove_robot  {}                 the robot is gone: 300005
    /sandbox/keyword       {"word": "告警"}    messages must contain it
    /sandbox/resecret      {"secret": "SEC"}  the robot's signing secret is another one now
    /sandbox/whitelist     {"closed": true}   the hub's address is not in the robot's list
    /sandbox/skew          {"seconds": 7200}  DingTalk's clock runs ahead by so much
    /sandbox/defend        {"wait": 5}        the next call meets the page against too many calls
    /sandbox/heal          {}                 all of that undone, but for the secret
"""

from __future__ import annotations

import argparse
import hmac
import itertools
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx

from connectors.channel_sandbox import Arrived, ChatSandbox, Rate, Server, forever, reply
from connectors.dingtalk.signing import sign

APP_KEY, AGENT = "dingstandin0app0key", 2600012345
PEOPLE = ("manager4220", "zhangsan", "lisi")
HOUR_MS = 3_600_000


class Sandbox(ChatSandbox):
    """DingTalk in memory. `clock`: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.robot_token = "5f1e0robot" + "0123456789abcdef" * 3
        self.robot_secret = "SEC" + "fedcba9876543210" * 4
        self.app_secret = "app-secret-" + "0123456789abcdef" * 2
        self.signed = True
        self.word = ""
        self.closed = False
        self.ahead_s = 0.0
        self.robot_there = True
        self.defending: int | None = None
        self.rate = Rate(20, 60, clock, mute_s=600)
        self.tokens: dict[str, float] = {}
        self.refused_as = 42001
        self.fetched = 0
        self._tasks = itertools.count(256_271_667_526)
        self._today: set[tuple[int, str, str]] = set()
        self.controls = {
            "expire": self.expire,
            "remove_robot": self.remove_robot,
            "keyword": self.keyword,
            "resecret": self.resecret,
            "whitelist": self.whitelist,
            "skew": self.skew,
            "defend": self.defend,
            "heal": self.heal,
        }

    # -- what happens to it -----------------------------------------------------------------------------------------

    def expire(self, code: int = 42001) -> None:
        self.refused_as = code
        self.tokens = dict.fromkeys(self.tokens, 0.0)

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

    def defend(self, wait: int = 5) -> None:
        self.defending = wait

    def heal(self) -> None:
        self.robot_there, self.closed, self.word, self.ahead_s, self.defending = True, False, "", 0.0, None
        self.rate.muted_until = 0.0

    # -- its API ----------------------------------------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.defending is not None:
            wait, self.defending = self.defending, None
            return reply({"status": 1111, "wait": wait, "source": "x5", "punish": "deny", "uuid": secrets.token_hex(8)})
        params, path = dict(request.url.params), request.url.path
        if path == "/gettoken":
            return self._gettoken(params)
        if path not in ("/robot/send", "/topapi/message/corpconversation/asyncsend_v2"):
            return _error(404, "请求的URI地址不存在")
        try:
            body = json.loads(request.content)
        except ValueError:
            body = None
        if path == "/robot/send":
            return self._robot(params, body, len(request.content))
        return self._token_problem(params) or self._notice(body)

    def _gettoken(self, params: dict[str, str]) -> httpx.Response:
        if params.get("appkey") != APP_KEY or params.get("appsecret") != self.app_secret:
            return _error(40089, "不合法的corpid或corpsecret")
        self.fetched += 1
        good = [token for token, until in self.tokens.items() if until > self.clock()]
        token = good[0] if good else secrets.token_hex(16)
        until = self.tokens.setdefault(token, self.clock() + 7200)
        return _answer(0, "ok", access_token=token, expires_in=int(until - self.clock()))

    def _token_problem(self, params: dict[str, str]) -> httpx.Response | None:
        token = params.get("access_token", "")
        if token not in self.tokens:
            return _gateway(40014, "不合法的access_token")
        if self.tokens[token] <= self.clock():
            return _gateway(self.refused_as, "access_token已过期")
        return None

    def _robot(self, params: dict[str, str], body: Any, length: int) -> httpx.Response:
        if not self.robot_there or params.get("access_token") != self.robot_token:
            return _error(300005, "token is not exist")
        refused = self._insecure(params)
        if refused:
            more = "; solution: https://open.dingtalk.com/document/robots/customize-robot-security-settings"
            return _error(310000, f"{refused}, more: [https://ding-doc.dingtalk.com]{more}")
        kind = body.get("msgtype") if isinstance(body, dict) else None
        if kind not in ("text", "markdown"):
            return _error(40035, "缺少参数 msgtype")
        given = body.get(kind)
        part: dict[str, Any] = given if isinstance(given, dict) else {}
        text = part.get("content" if kind == "text" else "text")
        title = part.get("title", "")
        if not isinstance(text, str) or not text.strip() or (kind == "markdown" and not title):
            return _error(40035, f"缺少参数 {kind}")
        if self.word and self.word not in text + title:
            return _error(310000, "keywords not in content, more: [https://ding-doc.dingtalk.com]")
        if length > 20_000:
            return _error(460101, "message too long, exceed 20000 bytes")
        if self.rate.over():
            return _error(130101, "send too fast, exceed 20 times per minute")
        at = body.get("at") or {}
        called = [name for name in (*at.get("atUserIds", ()), *at.get("atMobiles", ())) if f"@{name}" in text]
        called += ["@all"] if at.get("isAtAll") else []
        self.messages.append(Arrived("robot", ("group",), text, tuple(called), title, body))
        return _error(0, "ok")

    def _insecure(self, params: dict[str, str]) -> str:
        if self.closed:
            return "ip 10.0.0.1 not in whitelist"
        if not self.signed:
            return ""
        timestamp = params.get("timestamp", "")
        if not timestamp.isdecimal() or abs((self.clock() + self.ahead_s) * 1000 - int(timestamp)) > HOUR_MS:
            return "invalid timestamp"
        good = sign(int(timestamp), self.robot_secret)
        return "" if hmac.compare_digest(good, params.get("sign", "")) else "sign not match"

    def _notice(self, body: Any) -> httpx.Response:
        if not isinstance(body, dict) or body.get("agent_id") != AGENT:
            return _gateway(40056, "不合法的agentid")
        given = body.get("msg")
        msg: dict[str, Any] = given if isinstance(given, dict) else {}
        text = msg.get("markdown", {}).get("text")
        if not text or not isinstance(text, str):
            return _gateway(40035, "不合法的参数 msg")
        if len(json.dumps(msg, ensure_ascii=False, separators=(",", ":")).encode()) > 2048:
            return _gateway(40035, "msg too long")
        users = [u for u in str(body.get("userid_list") or "").split(",") if u]
        known = list(PEOPLE) if body.get("to_all_user") else [u for u in users if u in PEOPLE]
        known += [f"dept:{d}" for d in str(body.get("dept_id_list") or "").split(",") if d]
        if not known:
            return _gateway(33012, "无效的USERID")
        day = int(self.clock() // 86_400)
        new = [person for person in known if (day, person, text) not in self._today]
        self._today.update((day, person, text) for person in new)
        if new:
            self.messages.append(Arrived("app", tuple(new), text, (), msg["markdown"].get("title", ""), body))
        return _answer(0, "ok", task_id=next(self._tasks), request_id=secrets.token_hex(6))


def _answer(code: int, words: str, **more: Any) -> httpx.Response:
    return reply({"errcode": code, "errmsg": words, **more})


def _error(code: int, words: str) -> httpx.Response:
    return _answer(code, words)


def _gateway(sub_code: int, words: str) -> httpx.Response:
    said = f"ding talk error[subcode={sub_code},submsg={words}]"
    return _answer(88, said, sub_code=str(sub_code), sub_msg=words, request_id=secrets.token_hex(6))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for DingTalk.")
    parser.add_argument("--port", type=int, default=8102)
    parser.add_argument("--keyword", default="", help="messages of the robot must contain it")
    parser.add_argument("--no-sign", action="store_true", help="the robot checks no signature")
    args = parser.parse_args(argv)
    sandbox = Sandbox()
    sandbox.word, sandbox.signed = args.keyword, not args.no_sign
    server = Server(sandbox.handle, args.port)
    forever(
        server,
        f"DingTalk stand-in: {server.url} (api_url)",
        f"robot_token: {sandbox.robot_token}",
        f"robot_secret: {sandbox.robot_secret}" if sandbox.signed else "no signature",
        f"app_key: {APP_KEY}  agent_id: {AGENT}  app_secret: {sandbox.app_secret}",
        f"people: {', '.join(PEOPLE)}; what arrived: {server.url}/sandbox/messages",
    )


if __name__ == "__main__":
    main()
