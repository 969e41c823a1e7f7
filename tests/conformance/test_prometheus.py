"""The Prometheus connector takes the exam on its sandbox, over a real port."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, Kind, Known
from connectors.conformance.case import case
from connectors.conformance.faults import JUNK
from connectors.contract import Ask, Command, Connector, Delivery
from connectors.prometheus import PrometheusConnector
from connectors.prometheus.sandbox import Sandbox
from connectors.prometheus.sandbox_http import Reply, Server, handler_for
from connectors.settings import parse_config

PASSWORD = "pa55-word/with+signs"
WEBHOOK_TOKEN = "bearer-of-the-webhook-1"
WEBHOOK_PASSWORD = "basic-of-the-webhook-2"
DEVICE = "pump-7"
NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


class PrometheusWorld:
    connector_type: ClassVar[type[Connector]] = PrometheusConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS

    def __init__(self) -> None:
        self.sandbox = Sandbox(username="weft", password=PASSWORD)
        self._faults = Faults()
        self._over = threading.Event()
        self._made: list[PrometheusConnector] = []
        self._server = Server(self.sandbox, handler=handler_for(self._handle)).__enter__()
        self._numbers = itertools.count(1)
        self._spoilt = ""
        for metric, value in (
            ("node_cpu_seconds_total", "42.5"),
            ("node_memory_MemAvailable_bytes", "61.25"),
            ("node_filesystem_avail_bytes", "8.75"),
            ("up", "1"),
        ):
            self.sandbox.series.set(metric, value, device=DEVICE, mode="idle", mountpoint="/data", job="node")
        self.sandbox.series.set("ALERTS", "1", alertstate="firing", alertname="TooHot", instance=f"{DEVICE}:9100")

    def _handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        how = self._faults.take(effect=method != "GET")
        if how is None:
            return self.sandbox.handle(method, target, headers, body)
        if how.kind == "transient":
            return Reply(503, "not now")
        if how.kind == "rate":
            return Reply(429, "too many requests", {"retry-after": f"{how.retry_after:g}"})
        if how.kind == "auth":
            return Reply(401, "Unauthorized")
        if how.kind == "junk":
            return Reply(200, JUNK.decode(), {"content-type": "text/html"})
        if how.kind == "ambiguous":
            self.sandbox.handle(method, target, headers, body)
        elif how.kind == "timeout":
            self._over.wait(how.seconds)
        return None

    def config(self) -> dict[str, Any]:
        return {
            "url": self._server.url,
            "alertmanager_url": self._server.url,
            "username": "weft",
            "password": PASSWORD,
            "webhook_token": WEBHOOK_TOKEN,
            "webhook_username": "alertmanager",
            "webhook_password": WEBHOOK_PASSWORD,
            "timeout_s": 1,
        }

    def connector(self, **changes: Any) -> PrometheusConnector:
        kind: Any = self.connector_type
        made: PrometheusConnector = kind(parse_config(kind, {**self.config(), **changes}))
        self._made.append(made)
        return made

    def break_next(self, how: Break) -> None:
        """A read of alerts is one single call: whichever call is to break, it is that one."""
        self._faults.add(replace(how, after=0))

    def without_rights(self) -> None:
        self.sandbox.read_only = True

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.sandbox.changes

    def close(self) -> None:
        self._over.set()
        for connector in self._made:
            connector.close()
        self._server.__exit__()

    # -- reading --------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        for number in range(n):
            begun = NOW if same_time else NOW + timedelta(minutes=number)
            self._fire(f"seeded-{next(self._numbers):03}", begun)

    def touch(self, stream: str) -> None:
        self._fire("touched", NOW + timedelta(days=1))

    def late(self, stream: str) -> None:
        self._fire("late", NOW - timedelta(minutes=1))

    def remove(self, stream: str) -> None:
        self.sandbox.resolve(next(name for name, alert in self.sandbox.alerts.items() if not alert.resolved()))

    def spoil(self, stream: str) -> None:
        self._spoilt = sorted(self.sandbox.alerts)[10]
        self.sandbox.alerts[self._spoilt].starts_at = "yesterday"

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        firing = {name: a for name, a in self.sandbox.alerts.items() if name != self._spoilt and not a.resolved()}
        return {(name,): {"labels": a.labels, "status": "firing", "endsAt": None} for name, a in firing.items()}

    def _fire(self, device: str, begun: datetime) -> str:
        return self.sandbox.fire({"alertname": "TooHot", "device": device}, {"summary": "hot"}, begun.isoformat())

    # -- receiving ------------------------------------------------------------------------------------------------

    def deliveries(self) -> Sequence[Delivery]:
        hot, dry = self._fire("pump-1", NOW), self._fire("pump-2", NOW + timedelta(microseconds=1234567))
        firing = self.sandbox.notification([hot])
        both = self.sandbox.notification([self._fire("pump-3", NOW), dry])
        self.sandbox.resolve(hot)
        self.sandbox.alerts[hot].ends_at = NOW + timedelta(minutes=5)
        return [self.sent(json.dumps(body).encode()) for body in (firing, both, self.sandbox.notification([hot]))]

    def forged(self) -> Sequence[Delivery]:
        genuine = self.deliveries()[0]
        basic = base64.b64encode(b"alertmanager:guess").decode()
        headers = (
            "",
            "Bearer guess",
            f"Basic {basic}",
            "Basic %%%",
            "Bearer ",
            f"Token {WEBHOOK_TOKEN}",
            "Bearer ünïcode",
        )
        return [
            replace(genuine, headers={}),
            replace(genuine, headers={}, path_token="guess"),
            *(replace(genuine, headers={"authorization": header}) for header in headers),
        ]

    def sent(self, body: bytes) -> Delivery:
        headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}", "content-type": "application/json"}
        return Delivery(body, headers, received_at=NOW)

    # -- answering ------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        facts: dict[str, dict[str, Any]] = {
            "cpu_mean_1h": {"percent": Decimal("42.5"), "unit": "%"},
            "memory_used": {"percent": Decimal("61.25")},
            "disk_free": {"percent": Decimal("8.75"), "disk": "/data", "count": 1},
            "firing_alerts": {"count": 1},
            "targets_up": {"count": 1, "down": 0},
        }
        return [Known(Ask(question, {"device": DEVICE}, 5), values) for question, values in facts.items()]

    def unknown(self) -> Sequence[Ask]:
        names = ("pump-8", 'x"} or vector(1) or up{a="', "pump-7|.*", "pump.7", "泵\\七\n")
        questions = ("cpu_mean_1h", "memory_used", "disk_free", "targets_up")
        return [Ask(question, {"device": name}, 5) for question in questions for name in names]

    # -- writing --------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        ticket, extended, ended = (f"TKT-2026-{next(self._numbers):06}" for _ in range(3))
        self._silence(extended)
        self._silence(ended)
        labels = {"alertname": "TooHot", "device": ticket}
        return [
            Command(_id(), "silence", {"labels": labels}, {"ticket": ticket, "minutes": 30, "comment": "part ordered"}),
            Command(_id(), "extend_silence", {"ticket": extended}, {"minutes": 90}),
            Command(_id(), "expire_silence", {"ticket": ended}),
        ]

    def refusals(self) -> Sequence[Command]:
        labels = {"alertname": "TooHot"}
        nobody = str(uuid.uuid4())
        return [
            Command(_id(), "silence", {"labels": labels}, {"ticket": "TKT-1", "until": "2020-01-01T00:00:00Z"}),
            Command(_id(), "silence", {"labels": {"alertname": ""}}, {"ticket": "TKT-1"}),
            Command(_id(), "extend_silence", {"silence_id": nobody}, {"minutes": 5}),
            Command(_id(), "close", {"fingerprint": "00"}),
        ]

    def effects(self, command: Command) -> int:
        if command.op == "expire_silence":
            ticket = command.key["ticket"]
            named = [s for s in self.sandbox.silences.values() if f"[weft {ticket} " in s["comment"]]
            return sum(s["endsAt"] <= datetime.now(UTC) for s in named)
        return sum(command.idempotency_key in s["comment"] for s in self.sandbox.silences.values())

    def echoes(self, command: Command) -> Sequence[Delivery]:
        return []

    def impossible(self) -> Sequence[Command]:
        ended = f"TKT-2026-{next(self._numbers):06}"
        self._silence(ended, ended=True)
        return [
            Command(_id(), "expire_silence", {"ticket": ended}),
            Command(_id(), "extend_silence", {"ticket": ended}, {"minutes": 5}),
            Command(_id(), "silence", {"ticket": ended}, {"ticket": ended}),
        ]

    def _silence(self, ticket: str, *, ended: bool = False) -> None:
        name, now = str(uuid.uuid4()), datetime.now(UTC)
        self.sandbox.silences[name] = {
            "id": name,
            "matchers": [{"name": "device", "value": ticket, "isRegex": False, "isEqual": True}],
            "startsAt": now - timedelta(minutes=9),
            "endsAt": now + timedelta(minutes=-1 if ended else 60),
            "updatedAt": now,
            "createdBy": "weft",
            "comment": f"{ticket} [weft {ticket} {uuid.uuid4().hex}]",
        }


def _id() -> str:
    return str(uuid.uuid4())


class TestPrometheus(Conformance):
    world_type = PrometheusWorld

    @case(needs="reads")
    def test_what_is_not_pulled_is_not_read(self, world: Any) -> None:
        """Alertmanager tells all its alerts in one answer. It must: of a list read in parts, an alert that changes its
        state meanwhile would be missing, and taken for resolved."""
        connector = world.connector()
        (stream,) = connector.streams()
        world.seed(stream.name, 45)
        pages = connector.read(stream, None)
        assert world.calls == 0
        next(pages)
        assert world.calls == 1
