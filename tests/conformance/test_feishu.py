"""Feishu passes the exam, as a robot and as an app. The robot's messages can't be confirmed: that is silver."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

import httpx

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, FaultyTransport, Kind
from connectors.contract import Command, Connector
from connectors.feishu import FeishuConnector
from connectors.feishu.sandbox import APP_ID, HOOK, MESSAGES, Sandbox
from connectors.settings import parse_config


class RobotWorld:
    """A group with a robot that checks signatures."""

    connector_type: ClassVar[type[Connector]] = FeishuConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    op: ClassVar[str] = "send"
    numbers: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.sandbox.rate.calls = 10_000
        self._faults = Faults()
        self._inner = httpx.MockTransport(self.sandbox.handle)

    def config(self) -> dict[str, Any]:
        given = {"robot_hook": self.sandbox.robot_hook, "robot_secret": self.sandbox.robot_secret}
        return {**given, "timeout_s": 0.5}

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
            self._command({"to": "all"}, priority="P0", link="https://hub.example.test/t/1"),
            self._command({"users": "zhangsan"}, text="主轴温度 **95 ℃**", priority="P1"),
        ]

    def _command(self, key: dict[str, Any], **body: Any) -> Command:
        number = f"n{next(self.numbers)}n"
        return Command(number, self.op, key, {"title": f"7 号冲压机 {number}", **body})

    def refusals(self) -> Sequence[Command]:
        return [self._command({"to": "nobody"})]

    def effects(self, command: Command) -> int:
        return sum(command.id in message.text for message in self.sandbox.messages)


class AppWorld(RobotWorld):
    """An app that writes to a chat or a person."""

    op = "send_app"

    def config(self) -> dict[str, Any]:
        app = {"app_id": APP_ID, "app_secret": self.sandbox.app_secret}
        return {**app, "default_receiver": "oc_duty", "timeout_s": 0.5}

    def commands(self) -> Sequence[Command]:
        by_default = self._command({"to": "default"}, text="x")
        by_send = Command(by_default.id, "send", by_default.key, by_default.body)
        return [
            by_send,
            self._command({"users": "ou_zhangsan"}, text="主轴温度 **95 ℃**"),
            self._command({"groups": "oc_duty"}),
        ]

    def refusals(self) -> Sequence[Command]:
        return [self._command({"users": ["ou_nobody"]}), self._command({"users": ["ou_a", "ou_b"]})]


def _sends(request: httpx.Request) -> bool:
    by_robot = request.url.path.startswith(HOOK) and b"weft_heartbeat" not in request.content
    return by_robot or request.url.path == MESSAGES


class TestFeishuRobot(Conformance):
    world_type = RobotWorld
    exempt = {"test_every_operation_can_be_confirmed": "nobody can ask a robot whether its message arrived"}


class TestFeishuApp(Conformance):
    world_type = AppWorld
