"""What does it cost to move a ticket while 100,000 others are open, and how soon are 10,000 timers handled that fall due at once?

    python -m benchmarks.state [--tickets 100000] [--changes 500] [--timers 10000] [--database postgresql|sqlite ...]

One process, durable databases, a hub with people and the built-in policies. A *change* is what the API does for one request
without HTTP: `usecases.tickets.act` in a transaction of its own, with its timeline, lineage, notices and plan of escalation,
committed. Beside it the ticket core alone (`core_tickets.apply`), rolled back. Half of the changes start a ticket, half
resolve it. A *timer* is a ticket's next step of its ladder: claimed, recorded, told and noted, in batches.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

import core_tickets
import id_registry
from benchmarks.meters import Claim, durable_postgres, new_database
from gateway import clock
from gateway.aftermath import follow
from gateway.bridge.happened import Happened
from gateway.config import documents
from gateway.database import migrate, open_engine
from gateway.escalation import firing
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.usecases import tickets
from tests.integration.escalation.staff import PEOPLE

OPENED_TOGETHER = 1_000
GROUP, HOLDER = "line-1", "li.na"


@contextmanager
def house(url: str) -> Iterator[Gateway]:
    """A hub in this process on a new database."""
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    with tempfile.TemporaryDirectory(prefix="weft-state-") as home:
        gateway = Gateway(Settings(home=Path(home), database_url=url))
        try:
            gateway.apply(documents.validate({"connections": [], "policies": [PEOPLE]}))
            firing.tick(gateway, clock.now())
            yield gateway
        finally:
            gateway.close()


def open_many(gateway: Gateway, count: int, priority: int, now: int, **more: str) -> list[int]:
    """So many open tickets, planned, told of and watched as any other."""

    def make(conn: Connection, n: int) -> list[int]:
        ids = id_registry.mint(conn, "ticket", n, now)
        drafts = [core_tickets.Draft(id=i, kind="incident", priority=priority, title=f"泵停 Pump {i} stands", group=GROUP,
                                     labels={"module": "spindle", "region": "HZ"}, **more) for i in ids]  # type: ignore[arg-type]  # fmt: skip
        opened = core_tickets.open_or_merge(conn, drafts, now, policy=gateway.hub.promises)
        happened = [Happened("ticket.opened", o.ticket_id, 1, "", ticket=o.ticket) for o in opened]
        follow(conn, gateway.hub, happened, gateway.serial, now)
        return list(ids)

    found: list[int] = []
    while len(found) < count:
        n = min(OPENED_TOGETHER, count - len(found))
        found += gateway.transact(lambda conn, n=n: make(conn, n))  # type: ignore[misc]
    return found


def changes(gateway: Gateway, ids: Sequence[int], count: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each change through the use case, CPU of this process in them, and of the ticket core alone."""
    dice = random.Random(3)
    took, used, core = [], [], []
    for number in dice.sample(list(ids), count // 2):
        for action, args in (("start", {}), ("resolve", {"resolution": "exchanged and tested", "cause": "wear"})):
            core.append(_timed(lambda a=action, g=args, n=number: _core(gateway, n, a, g))[0])  # type: ignore[misc]
            told = _timed(lambda a=action, g=args, n=number: _act(gateway, n, a, g))  # type: ignore[misc]
            took.append(told[0])
            used.append(told[1])
    return took, used, core


def _act(gateway: Gateway, number: int, action: str, args: dict[str, str]) -> None:
    gateway.transact(lambda conn: tickets.act(conn, gateway, number, action, args, actor=HOLDER))


def _core(gateway: Gateway, number: int, action: str, args: dict[str, str]) -> None:
    with gateway.transaction() as conn:
        command = core_tickets.Command(number, action, args, actor=HOLDER)
        applied = core_tickets.apply(conn, [command], clock.now(), policy=gateway.hub.promises)
        assert applied[0].error is None
        conn.rollback()


def _timed(do: Callable[[], None]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    do()
    return (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000


def measure(name: str, url: str, tickets_: int, count: int, timers: int) -> list[Claim]:
    with house(url) as gateway:
        now = clock.now()
        due = open_many(gateway, timers, 0, now)
        began, cpu = time.perf_counter(), time.process_time()
        # the warning of the first response of a P0 is due 12 minutes after its opening
        steps = firing.tick(gateway, now + 12 * clock.MINUTE)
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        if steps != timers:
            raise RuntimeError(f"{steps} steps ran, expected {timers}")
        sys.stderr.write(f"{name}: {timers} timers in {seconds:.2f} s, {used:.2f} s CPU of this process; {_load()}\n")
        others = open_many(gateway, max(0, tickets_ - len(due)), 2, now, assignee=HOLDER)
        if gateway.engine.dialect.name == "postgresql":
            with gateway.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.exec_driver_sql("ANALYZE")
        changes(gateway, others[: count * 2], min(40, count))  # what is compiled and cached once
        took, cpus, core = changes(gateway, others[count * 2 :], count)
        told = f"p90 {statistics.quantiles(took, n=10)[-1]:.2f} ms"
        sys.stderr.write(f"{name}: {len(due) + len(others)} open tickets, {count} changes, {told}; {_load()}\n")
    open_ = f"{(len(due) + len(others)) // 1000},000 open tickets"
    return [
        Claim(f"{timers} timers due at once, {name}", seconds, "s", at_most=10),
        Claim(f"a state change at {open_}, committed, median, {name}", statistics.median(took), "ms", at_most=2),
        Claim(f"the same, CPU of the hub's process, median, {name}", statistics.median(cpus), "ms"),
        Claim(f"the same by the ticket core alone, median, {name}", statistics.median(core), "ms"),
    ]  # fmt: skip


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def run(
    tickets_: int = 100_000, count: int = 500, timers: int = 10_000, databases: Sequence[str] = ("postgresql", "sqlite")
) -> list[Claim]:
    claims: list[Claim] = []
    if "postgresql" in databases:
        with durable_postgres() as server:
            claims += measure("PostgreSQL", new_database(server, "state"), tickets_, count, timers)
    if "sqlite" in databases:
        with tempfile.TemporaryDirectory(prefix="weft-state-") as folder:
            claims += measure("SQLite", f"sqlite:///{folder}/weft.db", tickets_, count, timers)
    return claims


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--timers", type=int, default=10_000)
    parser.add_argument("--database", action="append", choices=("postgresql", "sqlite"))
    given = parser.parse_args(arguments)
    claims = run(given.tickets, given.changes, given.timers, given.database or ("postgresql", "sqlite"))
    for claim in claims:
        sys.stdout.write(claim.line() + "\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
