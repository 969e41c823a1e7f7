"""Apprise passes the exam over json:// to a local server. It tells little: no Retry-After, no login without a message,
and no way to ask afterwards; what it cannot tell it is not examined in, and its grade is silver."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import httpx

from connectors.apprise_channel import AppriseConnector
from connectors.apprise_channel.sandbox import Sandbox
from connectors.channel_sandbox import Server
from connectors.conformance import Break, Conformance, Faults, Kind
from connectors.contract import Command, Connector
from connectors.settings import parse_config


class AppriseWorld:
    """One receiver of JSON."""

    connector_type: ClassVar[type[Connector]] = AppriseConnector
    breaks: ClassVar[frozenset[Kind]] = frozenset({"transient", "cut", "timeout", "ambiguous"})
    numbers: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self._faults = Faults()
        self._server = Server(self._handle)
        self._server.__enter__()

    def _handle(self, request: httpx.Request) -> httpx.Response:
        how = self._faults.take(effect=request.method == "POST")
        if how is None:
            return self.sandbox.handle(request)
        if how.kind == "transient":
            return httpx.Response(503, text="not now")
        if how.kind == "timeout":
            threading.Event().wait(how.seconds)
        if how.kind == "ambiguous":
            self.sandbox.handle(request)
        raise ConnectionAbortedError

    def config(self) -> dict[str, Any]:
        return {
            "urls": [self._server.url.replace("http://", "json://weft:pa55-word-of-it@") + "/duty"],
            "timeout_s": 0.5,
        }

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        return kind(parse_config(kind, {**self.config(), **changes}))

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return len(self.sandbox.messages)

    def close(self) -> None:
        self._server.__exit__()

    def commands(self) -> Sequence[Command]:
        return [self._command(priority="P0", link="https://hub.example.test/t/1"), self._command(text="**95 ℃**")]

    def _command(self, **body: Any) -> Command:
        number = f"n{next(self.numbers)}n"
        return Command(number, "send", {"to": "default"}, {"title": f"7 号冲压机 {number}", **body})

    def refusals(self) -> Sequence[Command]:
        named = self._command()
        return [Command(named.id, "send", {"users": ["zhangsan"]}, named.body)]

    def effects(self, command: Command) -> int:
        return sum(command.id in message.title for message in self.sandbox.messages)


class TestApprise(Conformance):
    world_type = AppriseWorld
    exempt = {"test_every_operation_can_be_confirmed": "Apprise has no way to ask whether a message arrived"}
