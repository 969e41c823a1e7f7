"""A hub within the test's own process, on either database, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, select

import core_tickets
from connectors.contract import Delivery
from connectors.registry import Catalogue, installed
from gateway import clock, tables
from gateway.automation import timers
from gateway.bridge import outbox
from gateway.config import documents
from gateway.ingest.inbox import Incoming
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.usecases import ledger, tickets, tracing
from tests.integration.gateway.books.connector import Shelves, books_of
from tests.integration.gateway.robot.connector import Robot, World, robot_of

START = 1_795_300_000 * clock.SECOND
"""2026-11-21T21:46:40Z, where the tests' clocks begin."""


@dataclass
class Clock:
    """The hub's clock while a test holds it."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> int:
        self.now += int(seconds * clock.SECOND)
        return self.now

    def text(self, offset_s: float = 0) -> str:
        """RFC 3339, so many seconds from now."""
        return str(clock.rfc3339(self.now + int(offset_s * clock.SECOND)))


@dataclass
class House:
    """One gateway with a connection `r` to a robot, and `am` to Prometheus when the configuration has it."""

    gateway: Gateway
    world: World
    clock: Clock
    sent: list[Incoming] = field(default_factory=list)

    def tell(self, *records: Mapping[str, Any], connection: str = "r") -> Incoming:
        """One delivery of these records; returns when it is committed."""
        return self.deliver(orjson.dumps(list(records)), connection=connection)

    def deliver(self, body: bytes, *, connection: str = "r", headers: Mapping[str, str] | None = None) -> Incoming:
        live = self.gateway.hub.connection(connection)
        verified = headers is None
        delivery = Delivery(body, headers or {}, received_at=clock.to_datetime(self.clock.now), verified=verified)
        incoming = self.gateway.run_in_inbox(live, delivery)
        self.sent.append(incoming)
        return incoming

    def alert(self, key: str = "a", status: str = "firing", **more: Any) -> dict[str, Any]:
        """An alert record of now."""
        base = {"stream": "alert", "key": key, "episode": "1", "status": status, "severity": "critical",
                "title": f"alert {key}", "starts_at": self.clock.text(), "rule": "high"}  # fmt: skip
        return base | more

    def reading(
        self, value: Any, *, device: str = "pump-1", metric: str = "temperature", **more: Any
    ) -> dict[str, Any]:
        base = {"stream": "reading", "device": device, "metric": metric, "value": value, "at": self.clock.text()}
        return base | more

    def tickets(self) -> list[core_tickets.Ticket]:
        """All tickets, eldest first."""
        with self.gateway.reading() as conn:
            page = core_tickets.search(conn, core_tickets.Filters(), None, 500)
        return sorted(page.items, key=lambda t: t.id)

    def act(self, ticket: core_tickets.Ticket, action: str, **args: Any) -> None:
        """A person does something to a ticket."""
        self.gateway.transact(lambda c: tickets.act(c, self.gateway, ticket.id, action, args, actor="token:ann"))

    def tick(self) -> int:
        return timers.tick(self.gateway, self.clock.now)

    def work(self, rounds: int = 20) -> None:
        """Carry out all commands that are due, one after the other."""
        for _ in range(rounds):
            with self.gateway.transaction() as conn:
                claimed = outbox.claim(conn, self.clock.now)
            if not claimed:
                return
            for each in claimed:
                outbox.carry_out(self.gateway, self.gateway.hub, each)

    def commands(self) -> list[Any]:
        with self.gateway.reading() as conn:
            return list(conn.execute(select(tables.outbox).order_by(tables.outbox.c.id)))

    def ends(self) -> dict[str, int]:
        """The audited ends. Fails unless the audit is clean."""
        with self.gateway.reading() as conn:
            report = ledger.audit(conn)
        assert report.clean, report.findings
        return {end: n for end, n in report.ends.items() if n}

    def verify(self) -> None:
        """Every value of every ticket is still what its recorded origin gives."""
        with self.gateway.reading() as conn:
            report = tracing.verify(conn, 0)
        assert report.ok, report


Build = Callable[..., House]


def build_house(
    home: Path, url: str, a_clock: Clock, config: Mapping[str, Any] | None = None, *, world: World | None = None,
    robot: Mapping[str, Any] | None = None, engine: Engine | None = None, start: bool = True,
    books: dict[str, Shelves] | None = None,
) -> House:  # fmt: skip
    """A house on a database that has its tables. `config`: documents beside the connection `r`; `robot`: its config."""
    made = world or World()
    catalogue = Catalogue(good={**installed().good, "robot": robot_of(made), "books": books_of(books or {})})
    gateway = Gateway(Settings(home=home, database_url=url), catalogue=catalogue, engine=engine)
    given = dict(config or {})
    connections: Iterable[Any] = given.pop("connections", [])
    own = {"id": "r", "connector": Robot.name, "config": dict(robot or {})}
    merged = [own, *connections] if not any(c["id"] == "r" for c in connections) else list(connections)
    try:
        gateway.apply(documents.validate({"connections": merged, **given}))
    except BaseException:
        gateway.close()
        raise
    if start:
        gateway.start()
    return House(gateway, made, a_clock)
