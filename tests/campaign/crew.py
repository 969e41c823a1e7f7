"""Workers as processes of their own, all by one virtual clock, that may be killed at any moment.

The clock stands still while they work: the driver sets the time, tells it to every worker (`begin`), does what people do at
that moment beside them, and goes on once each living worker has nothing left to do (`rest`). So a year takes hours, and yet
no process is ever later than the others by more than what its work takes.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import structlog

from gateway import clock
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.worker import Worker

PACE: Mapping[str, float] = {"auditor": 86_400.0, "figures": 86_400.0, "conduct": 3_600.0}
"""How often, in seconds of the virtual clock, a worker looks at what it would otherwise look at in every beat."""
LEFT_OUT = ("search", "attachments", "old telemetry", "openlineage")
"""What a worker does that moves no ticket; nor does the scheduler of jobs by the hour, which has a clock of its own."""
PATIENCE_S = 300.0


@dataclass
class Held:
    """The time of day as the driver says."""

    now: int
    beat: int = 0

    def steady(self) -> float:
        return self.now / clock.SECOND


class Paced(Worker):
    """A worker that works when it is told that time went on, and says when there is nothing left to do."""

    def __init__(self, gateway: Gateway, held: Held, pipe: Pipe, pace: Mapping[str, float]) -> None:
        super().__init__(gateway)
        self._clock = held
        self._pipe = pipe
        self._rested = 0
        kept = (each for each in self._periodic if each.name not in LEFT_OUT)
        self._periodic = tuple(replace(each, every_s=pace.get(each.name, each.every_s)) for each in kept)
        self._next["schedule"] = math.inf

    def _round(self) -> int:
        beat = self._clock.beat
        if beat == self._rested:
            return 0
        found = super()._round()
        if not found and all(future.done() for future in self._busy.values()):
            self._rested = beat
            self._pipe.send(beat)
        return found


def work(url: str, home: str, pipe: Pipe, pace: Mapping[str, float]) -> None:
    """The main function of a worker's process; it ends with its driver."""
    log = os.open(f"{home}/worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
    beat, now = pipe.recv()
    held = Held(now, beat)
    clock.now = lambda: held.now
    clock.shared = lambda conn: held.now
    clock.steady = held.steady
    gateway = Gateway(Settings(home=Path(home), database_url=url))
    gateway.start()
    worker = Paced(gateway, held, pipe, pace)
    worker.start()
    try:
        while True:
            held.now, held.beat = (told := pipe.recv())[1], told[0]
            gateway.wake_worker.set()
    except EOFError:
        worker.close()
        gateway.close()


@dataclass
class Member:
    """One worker's process, and the beat it has rested after."""

    process: BaseProcess
    pipe: Pipe
    rested: int = 0


@dataclass
class Crew:
    """`size` workers on one database, all of one home."""

    url: str
    home: Path
    now: int
    size: int = 2
    pace: Mapping[str, float] = field(default_factory=lambda: PACE)
    beat: int = 0
    killed: int = 0
    members: list[Member] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.campaign.ready"])

    def start(self) -> None:
        while len(self.members) < self.size:
            self._hire()

    def _hire(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(self.url, str(self.home), theirs, self.pace), daemon=True)
        process.start()
        theirs.close()
        ours.send((self.beat, self.now))
        self.members.append(Member(process, ours))

    def begin(self, now: int) -> None:
        """It is `now`; everybody looks what there is to do."""
        self.beat, self.now = self.beat + 1, now
        for member in self.members:
            member.pipe.send((self.beat, now))

    def kill(self, place: int) -> None:
        """SIGKILL, whatever it does at this moment; another one begins in its place."""
        member = self.members.pop(place)
        member.process.kill()
        member.process.join(PATIENCE_S)
        member.pipe.close()
        self.killed += 1
        self._hire()

    def rest(self) -> None:
        """Wait until everybody has done what there was to do at this moment."""
        while waiting := [m.pipe for m in self.members if m.rested < self.beat]:
            ready = wait(waiting, PATIENCE_S)
            if not ready:
                raise AssertionError(f"a worker is not done after {PATIENCE_S:.0f} s: {self.log()}")
            for member in self.members:
                if member.pipe in ready:
                    self._hear(member)

    def _hear(self, member: Member) -> None:
        try:
            member.rested = member.pipe.recv()
        except EOFError:
            raise AssertionError(f"a worker ended by itself: {self.log()}") from None

    def log(self) -> str:
        file = self.home / "worker.log"
        return file.read_text(errors="replace")[-4000:] if file.exists() else ""

    def close(self) -> None:
        for member in self.members:
            member.pipe.close()
        for member in self.members:
            member.process.join(60)
            if member.process.is_alive():
                member.process.kill()
        self.members.clear()
