"""A stand-in for WeCom: one group with a robot, one app, a few people, and WeCom's limits.

    python -m connectors.wecom.sandbox --port 8101

Set `api_url` to its address and the other settings to what it prints. Every business error comes with HTTP 200, as in
life. A robot takes 20 calls a minute (45009 beyond), 2,048 bytes of text and 4,096 of markdown; an app's token lasts two
hours; the same content to the same people within `duplicate_check_interval` is taken and not delivered again.

What arrived: GET /sandbox/messages. To meddle, POST with a JSON object:

    /sandbox/expire        {"code": 42001}    the app's tokens end now and are answered with this code (or 40014)
    /sandbox/remove_robot  {}                 the group's robot is gone: 93000
    /sandbox/renew_secret  {"secret": "..."}  the app's Secret is another one now
    /sandbox/distrust      {}                 the hub's address is not in the app's trusted list: 60020
    /sandbox/busy          {"times": 1}       the next calls are answered -1
    /sandbox/heal          {}                 all of that undone, but for the renewed secret
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx

from connectors.channel_sandbox import Arrived, ChatSandbox, Rate, Server, forever, reply

CORP, AGENT = "ww0123456789abcdef", 1000002
PEOPLE = ("zhangsan", "lisi", "wangwu", "zhaoliu")
PARTIES = ("1", "2")


class Sandbox(ChatSandbox):
    """WeCom in memory. `clock`: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.robot_key = "693a91f6-7aaa-4bc4-97a0-0ec2sifa5aaa"
        self.secret = "app-secret-" + "0123456789abcdef" * 2
        self.rate = Rate(20, 60, clock)
        self.robot_there = True
        self.trusted = True
        self.busy = 0
        self.tokens: dict[str, float] = {}
        self.refused_as = 42001
        self.fetched = 0
        self._sent: dict[str, float] = {}
        self.controls = {
            "expire": self.expire,
            "remove_robot": self.remove_robot,
            "renew_secret": self.renew_secret,
            "distrust": self.distrust,
            "busy": self.be_busy,
            "heal": self.heal,
        }

    # -- what happens to it -----------------------------------------------------------------------------------------

    def expire(self, code: int = 42001) -> None:
        with self.lock:
            self.refused_as = code
            self.tokens = dict.fromkeys(self.tokens, 0.0)

    def remove_robot(self) -> None:
        self.robot_there = False

    def renew_secret(self, secret: str) -> None:
        self.secret = secret
        self.expire(40014)

    def distrust(self) -> None:
        self.trusted = False

    def be_busy(self, times: int = 1) -> None:
        self.busy = times

    def heal(self) -> None:
        self.robot_there, self.trusted, self.busy = True, True, 0

    # -- its API ----------------------------------------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.busy > 0:
            self.busy -= 1
            return _error(-1, "system busy")
        params = dict(request.url.params)
        path = request.url.path
        if path == "/cgi-bin/gettoken":
            return self._gettoken(params)
        if path not in ("/cgi-bin/webhook/send", "/cgi-bin/message/send", "/cgi-bin/agent/get"):
            return httpx.Response(404, text="<html>404</html>", headers={"content-type": "text/html"})
        if path == "/cgi-bin/agent/get":
            return self._token_problem(params) or _answer(0, "ok", agentid=AGENT, name="Weft", close=0)
        try:
            body = json.loads(request.content)
        except ValueError:
            return _error(47001, "data format error")
        if not isinstance(body, dict):
            return _error(47001, "data format error")
        if path == "/cgi-bin/webhook/send":
            return self._robot(params, body)
        return self._token_problem(params) or self._app(body)

    def _gettoken(self, params: dict[str, str]) -> httpx.Response:
        if params.get("corpid") != CORP:
            return _error(40013, "invalid corpid")
        if params.get("corpsecret") != self.secret:
            return _error(40001, "invalid credential")
        self.fetched += 1
        good = [token for token, until in self.tokens.items() if until > self.clock()]
        token = good[0] if good else secrets.token_urlsafe(48)
        until = self.tokens.setdefault(token, self.clock() + 7200)
        return _answer(0, "ok", access_token=token, expires_in=int(until - self.clock()))

    def _token_problem(self, params: dict[str, str]) -> httpx.Response | None:
        token = params.get("access_token", "")
        if not token:
            return _error(41001, "access_token missing")
        if token not in self.tokens:
            return _error(40014, "invalid access_token")
        if self.tokens[token] <= self.clock():
            return _error(self.refused_as, "access_token expired")
        if not self.trusted:
            return _error(60020, "not allow to access from your ip")
        if params.get("agentid", str(AGENT)) != str(AGENT):
            return _error(301002, "not allow to operate another agent with this accesstoken")
        return None

    def _robot(self, params: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        if not self.robot_there or params.get("key") != self.robot_key:
            return _error(93000, "invalid webhook url, hint: [1700000000], from ip: 10.0.0.1")
        if self.rate.over():
            return _error(45009, "api freq out of limit")
        kind = body.get("msgtype")
        limit = {"text": 2048, "markdown": 4096}.get(str(kind))
        if limit is None:
            return _error(40008, "invalid message type")
        part = body.get(str(kind))
        content = part.get("content") if isinstance(part, dict) else None
        if not isinstance(content, str):
            return _error(40058, f"{kind}.content missing")
        if not content.strip():
            return _error(44004, f"empty content. {kind}.content")
        if len(content.encode()) > limit:
            return _error(45002, f"content size out of limit. {kind}.content exceed max length {limit}")
        assert isinstance(part, dict)
        called = [*part.get("mentioned_list", ()), *part.get("mentioned_mobile_list", ())]
        called += re.findall(r"<@([^>]+)>", content) if kind == "markdown" else []
        self.messages.append(Arrived("robot", ("group",), content, tuple(called), payload=body))
        return _error(0, "ok")

    def _app(self, body: dict[str, Any]) -> httpx.Response:
        if body.get("agentid") != AGENT:
            return _error(40056, "invalid agentid")
        kind = str(body.get("msgtype"))
        part = body.get(kind)
        content = part.get("content") if isinstance(part, dict) else None
        if kind not in ("text", "markdown") or not isinstance(content, str):
            return _error(40008, "invalid message type")
        if not content.strip():
            return _error(44004, "empty content")
        if len(content.encode()) > 2048:
            return _error(45002, "content size out of limit")
        users = [u for u in str(body.get("touser") or "").split("|") if u]
        parties = [p for p in str(body.get("toparty") or "").split("|") if p]
        if len(users) > 1000:
            return _error(40032, "invalid user list size")
        known = list(PEOPLE) if "@all" in users else [u for u in users if u in PEOPLE]
        known += [f"party:{p}" for p in parties if p in PARTIES]
        if not known:
            return _error(81013, "user & party & tag all invalid")
        if not self._is_repeat(body, content):
            self.messages.append(Arrived("app", tuple(known), content, payload=body))
        missed = "|".join(u for u in users if u not in PEOPLE and u != "@all")
        no_party = "|".join(p for p in parties if p not in PARTIES)
        return _answer(0, "ok", invaliduser=missed, invalidparty=no_party, invalidtag="", msgid=secrets.token_hex(8))

    def _is_repeat(self, body: dict[str, Any], content: str) -> bool:
        if not body.get("enable_duplicate_check"):
            return False
        what = json.dumps([body.get("touser"), body.get("toparty"), content])
        lasting = min(int(body.get("duplicate_check_interval", 1800)), 14_400)
        before = self._sent.get(what)
        if before is not None and self.clock() < before + lasting:
            return True
        self._sent[what] = self.clock()
        return False


def _answer(code: int, words: str, **more: Any) -> httpx.Response:
    return reply({"errcode": code, "errmsg": words, **more})


def _error(code: int, words: str) -> httpx.Response:
    return _answer(code, words)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for WeCom.")
    parser.add_argument("--port", type=int, default=8101)
    args = parser.parse_args(argv)
    sandbox = Sandbox()
    server = Server(sandbox.handle, args.port)
    forever(
        server,
        f"WeCom stand-in: {server.url} (api_url)",
        f"robot_key: {sandbox.robot_key}",
        f"corp_id: {CORP}  agent_id: {AGENT}  app_secret: {sandbox.secret}",
        f"people: {', '.join(PEOPLE)}; what arrived: {server.url}/sandbox/messages",
    )


if __name__ == "__main__":
    main()
