"""Zabbix passes the whole exam, in both manners of carrying the token."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, FaultyTransport, Kind, Known
from connectors.contract import Ask, Command, Connector, Delivery
from connectors.settings import parse_config
from connectors.zabbix import Administrator, ZabbixConnector
from connectors.zabbix.operations import OPERATIONS
from connectors.zabbix.records import command_of
from connectors.zabbix.sandbox import Sandbox
from connectors.zabbix.sandbox_messages import Message
from connectors.zabbix.webhook import signature

HUB = "https://hub.example.test/v1/inbound/zbx"
SECRET = "a-signing-secret-of-the-hub"
DAY = 86400


class ZabbixWorld:
    """Zabbix 7.2: the token in a header, signed messages."""

    connector_type: ClassVar[type[Connector]] = ZabbixConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    version: ClassVar[str] = "7.2.0"

    def __init__(self) -> None:
        self.sandbox = Sandbox(self.version)
        self.state = self.sandbox.state
        self._faults = Faults()
        self._inner = httpx.MockTransport(self.sandbox.handle)
        self._numbers = itertools.count(1)
        self._skipped: list[str] = []
        self._installed = False
        self._host = self.state.host("press-7", interfaces=[{"ip": "10.0.0.7", "type": "1", "main": "1"}])
        self._item = self.state.item(self._host, "temp", units="C")
        self._cpu = self.state.item(self._host, "system.cpu.util", units="%", kind=18)
        for minute, load in enumerate(("10.5", "20.5", "30.5")):
            self.state.receive(self._cpu, load, clock=self.state.clock() - 60 * (minute + 1))
        self.state.raise_problem(self._trigger(), clock=self.state.clock() - 9 * DAY)
        self.state.end_problem(self.state.open_problems()[0], clock=self.state.clock() - 8 * DAY)

    def credentials(self) -> dict[str, Any]:
        return {"token": self.sandbox.hub.token, "webhook_secret": SECRET}

    def config(self) -> dict[str, Any]:
        return {"url": "https://zabbix.example.test/zabbix", "timeout_s": 0.5, "page_size": 7, **self.credentials()}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        transport = FaultyTransport(self._inner, self._faults, _is_change)
        return kind(parse_config(kind, {**self.config(), **changes}), transport=transport)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.state.changes

    def without_rights(self) -> None:
        self.sandbox.hub.denied |= {"close problems", "history.get"}
        self.sandbox.hub.writable = False

    def close(self) -> None:
        self._inner.close()

    def _trigger(self, **more: Any) -> dict[str, Any]:
        name = f"{{HOST.NAME}} is too hot ({next(self._numbers)})"
        return self.state.trigger(self._item, name, 80, tags=[{"tag": "site", "value": "杭州"}], **more)

    # -- reading ----------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        now = self.state.clock()
        for number in range(n):
            self.state.raise_problem(self._trigger(), clock=now - 2 * DAY + (0 if same_time else number * 60))

    def touch(self, stream: str) -> None:
        self._skipped.append(self.state.new_id("event"))  # another history syncer has not committed this one yet
        self.state.end_problem(self.state.open_problems()[0])

    def late(self, stream: str) -> None:
        self.state.raise_problem(self._trigger(), event_id=self._skipped[0])

    def remove(self, stream: str) -> None:
        raise AssertionError("the stream declares that it shows no deletes")

    def spoil(self, stream: str) -> None:
        self.state.open_problems()[10]["severity"] = "abc"

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        ended_long_ago = min((e for e in self._problems()), key=lambda e: int(e["eventid"]))
        return {
            (e["eventid"],): {
                "kind": "problem" if e["r_eventid"] == "0" else "recovery",
                "host": "press-7",
                "severity": "4",
                "labels": {"site": "杭州"},
                "name": e["name"],
            }
            for e in self._problems()
            if e is not ended_long_ago and e["severity"] != "abc"
        }

    def _problems(self) -> list[dict[str, Any]]:
        return [e for e in self.state.tables["event"].values() if e["value"] == "1"]

    # -- receiving --------------------------------------------------------------------------------------------------

    def _install(self) -> None:
        if not self._installed:
            config: Any = parse_config(self.connector_type, self.config())
            connector = ZabbixConnector(config, transport=self._inner)
            connector.install(HUB, administrator=Administrator(username="Admin", password=SecretStr("zabbix")))
            self._installed = True
            self.state.changes = 0

    def deliveries(self) -> Sequence[Delivery]:
        self._install()
        self.sandbox.outbox.clear()
        event = self.state.raise_problem(self._trigger())
        self.state.acknowledge(event, self.sandbox.admin, 6, "在看 looking", 0, 0)
        self.state.run_tasks()
        self.state.end_problem(event)
        return [_delivery(m) for m in self.sandbox.outbox]

    def sent(self, body: bytes) -> Delivery:
        first = self.deliveries()[0]
        return replace(first, body=body, headers={**first.headers, "x-weft-signature": signature(body, SECRET)})

    def forged(self) -> Sequence[Delivery]:
        good = self.deliveries()[0]
        other = self.sent(b"{}").headers["x-weft-signature"]
        headers: list[dict[str, str]] = [{}, {"x-weft-signature": ""}, {"x-weft-signature": other}]
        headers += [{"authorization": f"Bearer {SECRET}"}, {"x-weft-signature": "sha256=" + "0" * 64}]
        return [replace(good, headers=h) for h in headers]

    # -- answering --------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        by_id = {"device": self._host["hostid"]}
        return [
            Known(Ask("cpu_mean_1h", by_id, 5), {"cpu_mean_1h": Decimal("20.50"), "samples": 3, "unit": "%"}),
            Known(
                Ask("host", {"device": "press-7"}, 5), {"host_id": self._host["hostid"], "groups": ["Linux servers"]}
            ),
            Known(Ask("recent_problems", by_id, 5), {"open": 0}),
        ]

    def unknown(self) -> Sequence[Ask]:
        return [Ask(q, {"device": d}, 5) for q in ("cpu_mean_1h", "host", "recent_problems") for d in ("99", "no'such")]

    # -- writing ----------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        bodies: dict[str, dict[str, Any]] = {"severity": {"severity": "disaster"}, "suppress": {"until": None}}
        return [self._command(o.name, {"message": "修好了 done", **bodies.get(o.name, {})}) for o in OPERATIONS]

    def _command(self, op: str, body: dict[str, Any], **trigger: Any) -> Command:
        event = self.state.raise_problem(self._trigger(**trigger))
        if op == "unacknowledge":
            event["acknowledged"] = "1"
        return Command(f"c-{next(self._numbers)}", op, {"eventid": event["eventid"]}, body)

    def refusals(self) -> Sequence[Command]:
        nowhere = Command(f"c-{next(self._numbers)}", "message", {"eventid": "4711"}, {"message": "hello"})
        return [*self.impossible(), nowhere]

    def impossible(self) -> Sequence[Command]:
        return [self._command("close_problem", {"message": "x"}, manual_close="0")]

    def effects(self, command: Command) -> int:
        event = self.state.tables["event"].get(command.key["eventid"])
        return sum(command_of(a["message"]) == command.id for a in event["acknowledges"]) if event else 0

    def echoes(self, command: Command) -> Sequence[Delivery]:
        self._install()
        self.sandbox.outbox.clear()
        self.state.run_tasks()
        return [_delivery(m) for m in self.sandbox.outbox if m.event_id == command.key["eventid"]]


class PasswordWorld(ZabbixWorld):
    """Zabbix 6.2: a session of a password login in the body, messages with a bearer token."""

    version = "6.2.9"

    def credentials(self) -> dict[str, Any]:
        return {"username": "hub", "password": "hub-password", "webhook_token": SECRET}

    def sent(self, body: bytes) -> Delivery:
        return replace(self.deliveries()[0], body=body)

    def forged(self) -> Sequence[Delivery]:
        good = self.deliveries()[0]
        headers = [{}, {"authorization": ""}, {"authorization": SECRET}, {"authorization": f"Bearer {SECRET}x"}]
        return [replace(good, headers=h) for h in headers]


def _delivery(message: Message) -> Delivery:
    return Delivery(message.body, message.headers, received_at=datetime.fromtimestamp(int(time.time()), UTC))


def _is_change(request: httpx.Request) -> bool:
    call = json.loads(request.content)
    return bool(call["method"] == "event.acknowledge" and call["params"]["eventids"] != [str(2**63 - 1)])


class TestZabbix72(Conformance):
    world_type = ZabbixWorld


class TestZabbix62WithPassword(Conformance):
    world_type = PasswordWorld
