"""WeCom passes the exam, as a robot and as an app. The robot's messages can't be confirmed: that is silver."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import httpx

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, FaultyTransport, Kind, OwnFault
from connectors.contract import Command, Connector
from connectors.settings import parse_config
from connectors.wecom import WecomConnector
from connectors.wecom.sandbox import AGENT, CORP, Sandbox


class RobotWorld:
    """A group with a robot."""

    connector_type: ClassVar[type[Connector]] = WecomConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    op: ClassVar[str] = "send"
    numbers: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.sandbox.rate.calls = 10_000
        self._faults = Faults()
        self._inner = httpx.MockTransport(self.sandbox.handle)

    def config(self) -> dict[str, Any]:
        return {"robot_key": self.sandbox.robot_key, "timeout_s": 0.5}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        transport = FaultyTransport(self._inner, self._faults, _sends)
        return kind(parse_config(kind, {**self.config(), **changes}), transport=transport)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return len(self.sandbox.messages)

    def close(self) -> None:
        self._inner.close()

    def commands(self) -> Sequence[Command]:
        return [
            self._command({"to": "all"}, mention="all", priority="P0", link="https://hub.example.test/t/1"),
            self._command({"users": "zhangsan"}, text="主轴温度 **95 ℃**", priority="P1"),
        ]

    def _command(self, key: dict[str, Any], **body: Any) -> Command:
        number = f"n{next(self.numbers)}n"
        return Command(number, self.op, key, {"title": f"7 号冲压机 {number}", **body})

    def refusals(self) -> Sequence[Command]:
        return []

    def own_faults(self) -> Sequence[OwnFault]:
        return [OwnFault("busy, with status 200", partial(self.sandbox.be_busy, 1), self.commands()[0])]

    def effects(self, command: Command) -> int:
        return sum(command.id in message.text for message in self.sandbox.messages)


class AppWorld(RobotWorld):
    """An app that writes to people."""

    op = "send_app"

    def own_faults(self) -> Sequence[OwnFault]:
        ended = (partial(self.sandbox.expire, code) for code in (40014, 42001))
        return [*super().own_faults(), *(OwnFault("the token ran out", each, self.commands()[0]) for each in ended)]

    def config(self) -> dict[str, Any]:
        app = {"corp_id": CORP, "agent_id": AGENT, "app_secret": self.sandbox.secret}
        return {**app, "default_users": ["zhangsan", "lisi"], "timeout_s": 0.5}

    def commands(self) -> Sequence[Command]:
        by_default = self._command({"to": "default"}, text="x", mention="all")
        return [*super().commands(), Command(by_default.id, "send", by_default.key, by_default.body)]

    def refusals(self) -> Sequence[Command]:
        return [self._command({"users": ["nobody-here"]}), self._command({"mobiles": ["13800001111"]})]


def _sends(request: httpx.Request) -> bool:
    return request.url.path.endswith("/send") and b'"content":""' not in request.content.replace(b" ", b"")


class TestWecomRobot(Conformance):
    world_type = RobotWorld
    exempt = {"test_every_operation_can_be_confirmed": "nobody can ask a robot whether its message arrived"}


class TestWecomApp(Conformance):
    world_type = AppWorld
