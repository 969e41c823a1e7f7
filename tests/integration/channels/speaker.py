"""A connector of the tests that says things and may merge them, and houses with one whose window the test's clock moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from connectors.contract import Command, Merged, Operation, Policy, Receipt
from connectors.errors import ConfigProblem
from connectors.registry import Catalogue, installed
from connectors.runtime.pace import Window
from gateway import clock
from gateway.bridge import outbox
from gateway.bridge.planning import queue_command
from gateway.config import documents
from gateway.service import Gateway
from gateway.settings import Settings
from tests.integration.gateway.in_process import Clock, House
from tests.integration.gateway.robot.connector import Robot, World

WINDOW, MOST = 2, 4


class Hall(World):
    """Where it speaks: a merged command has the effect of each that it stands for."""

    calls: int = 0

    def act(self, command: Command) -> None:
        self.calls += 1
        for part in command.id.split("+"):
            super().act(Command(part, command.op, command.key))


class Speaker(Robot):
    """Two calls a minute, up to four commands in one."""

    name: ClassVar[str] = "speaker"
    policy: ClassVar[Policy] = Policy(
        rate_per_s=100_000,
        window_calls=WINDOW,
        breaker_failures=1_000_000,
        backoff_s=1,
        backoff_max_s=8,
        heartbeat_s=300,
    )
    blind: ClassVar[bool] = False
    repeats_s: ClassVar[float] = 0

    def operations(self) -> Sequence[Operation]:
        more = {"can_confirm": not self.blind, "repeats_within_s": self.repeats_s}
        return [Operation(name="say", title="say", title_zh="说", **more)]

    def merge(self, commands: Sequence[Command]) -> Merged:
        ids = [c.id for c in commands[:MOST]]
        return Merged(Command("+".join(ids), commands[0].op, commands[0].key), tuple(ids))

    def confirm(self, command: Command) -> Receipt | None:
        if self.blind:
            raise ConfigProblem("nobody can ask")
        first = super().confirm(Command(command.id.split("+")[0], command.op, command.key))
        return None if first is None else Receipt(command.id, first.outcome)


class Speaking(House):
    """A house with a speaker `s` and what goes through its hands."""

    @property
    def hall(self) -> Hall:
        assert isinstance(self.world, Hall)
        return self.world

    def queue(self, ticket_id: int, cause: str, target: str = "default", **body: Any) -> int:
        number = next(iter(self.gateway.serial.take()))
        with self.gateway.transaction() as conn:
            queue_command(conn, number, ticket_id, "s", "b", cause, "say", {"to": target}, body, self.clock.now)
        return number

    def take(self) -> list[outbox.Claimed]:
        return outbox.take(self.gateway, self.gateway.hub, 32)

    def carry_out(self, claimed: outbox.Claimed) -> None:
        outbox.carry_out(self.gateway, self.gateway.hub, claimed)

    def work(self, rounds: int = 20) -> None:
        for _ in range(rounds):
            taken = self.take()
            if not taken:
                return
            for each in taken:
                self.carry_out(each)

    def states(self) -> list[str]:
        return [row.state for row in self.commands()]


def build_speaking(home: Path, url: str, a_clock: Clock, **changes: Any) -> Speaking:
    """`changes`: to the speaker's class."""
    hall = Hall()
    kind = type("SpeakerOfAHall", (Speaker,), {"world": hall, "__module__": __name__, **changes})
    robot = type("RobotOfAHall", (Robot,), {"world": World(), "__module__": Robot.__module__})
    catalogue = Catalogue(good={**installed().good, "speaker": kind, "robot": robot})
    gateway = Gateway(Settings(home=home, database_url=url), catalogue=catalogue)
    connections = [{"id": "r", "connector": "robot"}, {"id": "s", "connector": "speaker"}]
    gateway.apply(documents.validate({"connections": connections}))
    gateway.start()
    live = gateway.hub.connections["s"]
    assert live.runtime is not None
    live.runtime._guard._window = Window(WINDOW, 60, lambda: a_clock.now / clock.SECOND)
    return Speaking(gateway, hall, a_clock)
