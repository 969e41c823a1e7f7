"""A faithful stand-in for Acme in memory: `handle` is a transport's handler for httpx."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Alarm:
    id: str
    state: str = "open"
    locked: bool = False
    changes: list[tuple[str, str]] = field(default_factory=list)
    """(operation, idempotency key) of everything done to it."""


class Sandbox:
    """Safe from any thread."""

    def __init__(self, username: str, password: str, webhook_key: str) -> None:
        self._login = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self._webhook_key = webhook_key.encode()
        self.rights = ["read", "write"]
        self.orders: dict[str, dict[str, Any]] = {}
        self.stock: dict[str, dict[str, Any]] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.alarms: dict[str, Alarm] = {}
        self.changes = 0
        self.busy = 0
        """So many calls are answered "busy", with status 200, and do nothing."""
        self._messages: dict[str, dict[str, str]] = {}
        self._handed: dict[str, str] = {}
        self._session = 0
        self._news = threading.Condition(threading.RLock())

    # -- what people and devices do to it ----------------------------------------------------------------------------

    def sign(self, body: bytes) -> str:
        return hmac.new(self._webhook_key, body, hashlib.sha256).hexdigest()

    def publish(self, body: bytes) -> None:
        with self._news:
            number = f"m{len(self._messages) + 1}-{time.monotonic_ns()}"
            text = base64.b64encode(body).decode()
            self._messages[number] = {"id": number, "body": text, "signature": self.sign(body)}
            self._news.notify_all()

    def wake(self) -> None:
        """Let every waiting feed request end."""
        with self._news:
            self._session += 1
            self._news.notify_all()

    # -- the HTTP API ------------------------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != self._login:
            return httpx.Response(401, json={"error": "who are you?"})
        if self.busy:
            self.busy -= 1
            return _json({"error": "busy"})
        path, params = request.url.path, dict(request.url.params)
        routes: list[tuple[str, str, Callable[[], httpx.Response]]] = [
            ("GET", "/api/version", lambda: _json({"version": "4.2", "rights": self.rights})),
            ("GET", "/api/orders", lambda: self._orders(params)),
            ("GET", "/api/stock", lambda: self._stock(params)),
            ("GET", "/api/feed/open", self._open_feed),
            ("GET", "/api/feed/next", lambda: self._next(params["session"])),
            ("POST", "/api/feed/ack", lambda: self._acknowledge(json.loads(request.content)["id"])),
        ]
        for method, route, answer in routes:
            if (request.method, path) == (method, route):
                return answer()
        if path.startswith("/api/devices/"):
            return _found(self.devices.get(path.rpartition("/")[2]))
        if path.startswith("/api/alarms/"):
            return self._alarm(request, *path.split("/")[3:])
        return httpx.Response(404, json={"error": "no such page"})

    def _orders(self, params: dict[str, str]) -> httpx.Response:
        since = datetime.fromisoformat(params["since"]) if params["since"] else EPOCH - timedelta(days=9999)
        rows = sorted(self.orders.values(), key=_place)
        behind = [row for row in rows if _place(row) > (since, params["after"])]
        return _json({"rows": behind[: int(params["limit"])]})

    def _stock(self, params: dict[str, str]) -> httpx.Response:
        size, page = int(params["limit"]), int(params["page"])
        return _json({"rows": [self.stock[key] for key in sorted(self.stock)][page * size : (page + 1) * size]})

    def _alarm(self, request: httpx.Request, number: str, verb: str = "") -> httpx.Response:
        alarm = self.alarms.get(number)
        if alarm is None:
            return httpx.Response(404, json={"error": f"no alarm {number}"})
        if request.method == "GET":
            keys = [key for _, key in alarm.changes]
            return _json({"id": alarm.id, "state": alarm.state, "locked": alarm.locked, "change_keys": keys})
        key = request.headers["idempotency-key"]
        if verb == "close":
            if alarm.locked:
                return httpx.Response(409, json={"error": "the alarm is locked by maintenance"})
            if alarm.state == "closed":
                return _json({"changed": False})
            alarm.state = "closed"
        alarm.changes.append(("close_alarm" if verb == "close" else "add_note", key))
        self.changes += 1
        return _json({"changed": True})

    # -- the message feed --------------------------------------------------------------------------------------------

    def _open_feed(self) -> httpx.Response:
        with self._news:
            self.wake()
            self._handed.clear()
            return _json({"session": str(self._session)})

    def _next(self, session: str) -> httpx.Response:
        """Waits up to 0.1 s for messages that were not yet handed to this session."""
        with self._news:
            self._news.wait_for(lambda: self._fresh() or str(self._session) != session, timeout=0.1)
            fresh = self._fresh() if str(self._session) == session else []
            self._handed.update(dict.fromkeys((message["id"] for message in fresh), session))
            return _json({"messages": fresh})

    def _fresh(self) -> list[dict[str, str]]:
        return [message for number, message in self._messages.items() if number not in self._handed]

    def _acknowledge(self, number: str) -> httpx.Response:
        with self._news:
            self._messages.pop(number, None)
            return _json({"acknowledged": True})


def _place(row: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(row["updated_at"]), row["id"]


def _json(value: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(value).encode(), headers={"content-type": "application/json"})


def _found(value: Any) -> httpx.Response:
    return httpx.Response(404, json={"error": "not found"}) if value is None else _json(value)
