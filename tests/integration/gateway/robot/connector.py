"""The robot: receives JSON lists of records, reads alerts, answers one question, and writes to its world."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Delivery,
    Echo,
    Event,
    Health,
    Operation,
    Outcome,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient


class Killed(BaseException):
    """The process ends here."""


@dataclass
class World:
    """The remote system: what was done to it, and how it answers the next writes (`done` when the script is empty).

    done | duplicate | rejected | transient | broken | lost (done, but the answer never came) | unsent (not done, and
    nobody knows) | killed_before | killed_after (the hub's process ends around the effect)
    """

    effects: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    script: deque[str] = field(default_factory=deque)
    doubts: deque[str] = field(default_factory=deque)
    echoes: bool = False
    alerts: list[dict[str, Any]] = field(default_factory=list)
    unusable: list[BadRecord] = field(default_factory=list)
    """What it cannot make alerts of when it reads."""
    away: bool = False
    """Reading is told to come back in a minute."""
    reads: int = 0
    state: str = "warm"
    """What it answers; `silent`: it does not."""
    hangs: str = ""
    """The robot at this URL answers only once it is `released`."""
    released: threading.Event = field(default_factory=threading.Event)
    figures: dict[str, Any] | None = None
    """What it answers to `load`."""
    written: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """Key and body of every write that was tried."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, command: Command) -> None:
        with self.lock:
            self.effects[command.id] += 1
            self.order.append(command.id)


class RobotConfig(Settings):
    token: SecretStr = Field(SecretStr(""), description="What senders must show.")
    password: SecretStr = Field(SecretStr(""), description="For its own calls.")
    url: str = Field("robot://world", description="Where it is.")


class Robot:
    """See the module. `world` is set by `robot_of`."""

    name: ClassVar[str] = "robot"
    title: ClassVar[str] = "Robot"
    title_zh: ClassVar[str] = "机器人"
    Config: ClassVar[type[Settings]] = RobotConfig
    policy: ClassVar[Policy] = Policy(rate_per_s=100_000, breaker_failures=1_000_000, backoff_s=1, backoff_max_s=8)
    mappings: ClassVar[str] = "tests.integration.gateway.robot.mappings"
    world: ClassVar[World]

    def __init__(self, config: RobotConfig) -> None:
        self._config = config

    @property
    def namespace(self) -> str:
        return self._config.url

    def check(self) -> Health:
        return Health(ok=True)

    def close(self) -> None:
        """Nothing is held."""

    # -- coming in ------------------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        secret = self._config.token.get_secret_value()
        if secret and not delivery.verified and delivery.headers.get("authorization") != f"Bearer {secret}":
            raise AuthProblem("the token is not ours")
        try:
            told = orjson.loads(delivery.body)
        except orjson.JSONDecodeError as error:
            raise BadRecord(f"no JSON: {error}") from None
        if not isinstance(told, list) or not all(isinstance(r, dict) for r in told):
            raise BadRecord("expected a list of objects")
        return [_event(record) for record in told]

    def streams(self) -> Sequence[Stream]:
        return [Stream(name="alert", key=("key",), schema_={}, mode="snapshot", deletes="absence")]

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        self.world.reads += 1
        if self.world.away:
            raise Transient("not now", retry_after=60)
        yield Batch(list(self.world.alerts), bad=list(self.world.unusable))

    # -- context --------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return [Question(name=n, needs=("device",), title=n, title_zh=n) for n in ("recent", "load")]

    def lookup(self, ask: Ask) -> Answer | None:
        if not self._config.password.get_secret_value():
            return None
        if self.world.state == "silent":
            raise Transient("not now")
        if self._config.url == self.world.hangs:
            self.world.released.wait(60)
        if ask.question == "load":
            told = self.world.figures
            return None if told is None else Answer(told, datetime.now(UTC), key=str(ask.inputs["device"]))
        return Answer(
            {"device": str(ask.inputs["device"]), "state": self.world.state}, datetime.now(UTC), "robot://pump"
        )

    # -- going out ------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return [Operation(name=n, title=n, title_zh=n) for n in ("close", "say")]

    def write(self, command: Command) -> Receipt:
        self.world.written.append((dict(command.key), dict(command.body)))
        how = self.world.script.popleft() if self.world.script else "done"
        match how:
            case "transient":
                raise Transient("not now")
            case "broken":
                raise ConfigProblem("the account may not do this")
            case "unsent":
                raise Ambiguous("no answer")
            case "killed_before":
                raise Killed
            case "rejected":
                return Receipt(command.id, Outcome.rejected, reason="it says no")
        self.world.act(command)
        if how == "lost":
            raise Ambiguous("no answer")
        if how == "killed_after":
            raise Killed
        return self._receipt(command, Outcome.duplicate if how == "duplicate" else Outcome.applied)

    def confirm(self, command: Command) -> Receipt | None:
        how = self.world.doubts.popleft() if self.world.doubts else "answers"
        if how == "transient":
            raise Transient("not now")
        if how == "killed":
            raise Killed
        return self._receipt(command, Outcome.applied) if self.world.effects[command.id] else None

    def _receipt(self, command: Command, outcome: Outcome) -> Receipt:
        echoes: tuple[Echo, ...] = ()
        if self.world.echoes and command.op == "close":
            echoes = (Echo("alert", str(command.key["object"]), {"status": "resolved"}),)
        if self.world.echoes and command.op == "say":
            text = command.body.get("text")
            echoes = (Echo("alert", str(command.key["object"]), {"status": "update", "message": text}),)
        return Receipt(command.id, outcome, external_id=f"x-{command.id}", echoes=echoes)


def _event(record: Mapping[str, Any]) -> Event:
    body = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    own = str(record.get("id") or hashlib.sha256(body).hexdigest()[:24])
    return Event(id=own, stream=str(record.get("stream", "alert")), record=record, key=str(record.get("key", "")))


def robot_of(world: World) -> type[Robot]:
    """A robot that acts on this world."""
    return type("RobotOfAWorld", (Robot,), {"world": world, "__module__": __name__})
