"""A connector that does as it is told, a clock that is turned by hand, and a connection of both."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Delivery,
    Event,
    Health,
    Operation,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.runtime import Connection
from connectors.runtime.state import Result, Status

SECRET = "hunter2-hunter2"
STREAM = Stream(name="rows", key=("id",), schema_={"properties": {"id": {}}})
COMMAND = Command("c-1", "close", {"id": "7"})
Reply = Callable[..., Any]


class FakeConfig(Settings):
    url: str = Field(default="http://fake", description="Where")
    username: str = Field(default="weft", description="Who")
    password: SecretStr = Field(default=SecretStr(SECRET), description="Password")


class Fake:
    """Each method calls the function set for it."""

    name: ClassVar[str] = "fake"
    title: ClassVar[str] = "Fake"
    title_zh: ClassVar[str] = "假"
    Config: ClassVar[type[Settings]] = FakeConfig
    policy: ClassVar[Policy] = Policy(rate_per_s=1000, breaker_failures=3, breaker_open_s=60)

    def __init__(self, config: Settings | None = None, **replies: Reply) -> None:
        self.replies = replies
        self.closed = 0

    @property
    def namespace(self) -> str:
        return "fake://fake"

    def check(self) -> Health:
        return self.replies["check"]()  # type: ignore[no-any-return]

    def close(self) -> None:
        self.closed += 1

    def streams(self) -> Sequence[Stream]:
        return (STREAM,)

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        return self.replies["read"](stream, cursor)  # type: ignore[no-any-return]

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        return self.replies["receive"](delivery)  # type: ignore[no-any-return]

    def questions(self) -> Sequence[Question]:
        return ()

    def lookup(self, ask: Ask) -> Answer | None:
        return self.replies["lookup"](ask)  # type: ignore[no-any-return]

    def operations(self) -> Sequence[Operation]:
        return ()

    def write(self, command: Command) -> Receipt:
        return self.replies["write"](command)  # type: ignore[no-any-return]

    def confirm(self, command: Command) -> Receipt | None:
        return self.replies["confirm"](command)  # type: ignore[no-any-return]

    def probe(self, key: Mapping[str, Any]) -> Mapping[str, str]:
        return self.replies["probe"](key)  # type: ignore[no-any-return]

    def subscribe(self, sink: Any) -> Any:
        return self.replies["subscribe"](sink)


class Clock:
    """Seconds, moved on by hand or by pausing."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Result]] = []
        self.changes: list[Status] = []

    def called(self, connection: str, verb: str, result: Result, seconds: float) -> None:
        self.calls.append((verb, result))

    def changed(self, connection: str, status: Status, reason: str) -> None:
        self.changes.append(status)


def connect(
    clock: Clock | None = None, ear: Ear | None = None, policy: Policy | None = None, **replies: Reply
) -> Connection:
    """A connection whose connector answers so."""
    clock = clock or Clock()
    config = FakeConfig()
    fake = Fake(config, **replies)
    return Connection(
        "fake-1", fake, config, policy, clock=clock, listener=ear, dice=random.Random(1), pause=clock.pause
    )


def raising(error: BaseException) -> Reply:
    """A reply that raises this, whatever it is asked."""

    def reply(*_: Any) -> Any:
        raise error

    return reply
