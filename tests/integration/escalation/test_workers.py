"""Several workers, a worker that dies, and ten thousand steps at once."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from sqlalchemy import Connection, func, select

import core_tickets
import id_registry
from gateway import clock
from gateway.aftermath import follow
from gateway.bridge.happened import Happened
from gateway.escalation import firing, tables
from gateway.tables import notice
from tests.integration.escalation.staff import HOUR, MINUTE, open_ticket, proof, tick
from tests.integration.gateway.in_process import House


def many(house: House, n: int) -> list[int]:
    """So many P0 that nobody answered, in one transaction."""

    def make(conn: Connection) -> list[int]:
        now, hub = house.clock.now, house.gateway.hub
        ids = id_registry.mint(conn, "ticket", n, now)
        drafts = [core_tickets.Draft(id=i, kind="incident", priority=0, title="泵停", group="line-1") for i in ids]
        core_tickets.open_or_merge(conn, drafts, now, policy=hub.promises)
        follow(conn, hub, [Happened("ticket.opened", i, 1, "") for i in ids], house.gateway.serial, now)
        return list(ids)

    return house.gateway.transact(make)


def ran(house: House) -> Counter[str]:
    c = tables.escalation.c
    with house.gateway.reading() as conn:
        return Counter(
            {row.step: row.n for row in conn.execute(select(c.step, func.count().label("n")).group_by(c.step))}
        )


def told(house: House) -> int:
    with house.gateway.reading() as conn:
        mine = notice.c.reason.in_(("escalated", "warned", "breached", "room"))
        return int(conn.execute(select(func.count()).select_from(notice).where(mine)).scalar() or 0)


def noted(house: House) -> int:
    entry = core_tickets.metadata.tables["ticket_entry"].c
    with house.gateway.reading() as conn:
        mine = entry.name.in_(("escalated", "warned", "breached", "room"))
        return int(conn.execute(select(func.count()).where(mine)).scalar() or 0)


def test_two_workers_at_once_run_each_step_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "BATCH", 7)
    many(house, 120)
    now = house.clock.forward(3 * HOUR)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            firing.tick(house.gateway, now)
        except BaseException as error:
            failures.append(error)
            raise

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert failures == []
    tick(house)
    assert set(ran(house).values()) == {120}
    assert noted(house) == sum(ran(house).values())
    assert proof(house).missing == []


def test_workers_and_people_at_once_lose_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "BATCH", 5)
    numbers = many(house, 40)
    house.clock.forward(20 * MINUTE)
    with house.gateway.reading() as conn:
        tickets = core_tickets.get_many(conn, numbers)

    def answer() -> None:
        for number in reversed(numbers):
            house.act(tickets[number], "start")

    people = threading.Thread(target=answer)
    worker = threading.Thread(target=lambda: firing.tick(house.gateway, house.clock.now))
    people.start()
    worker.start()
    people.join(timeout=60)
    worker.join(timeout=60)
    tick(house)
    assert ran(house)["p0/unanswered"] == 40
    house.clock.forward(2 * MINUTE)
    assert proof(house).missing == []


def die_at_work(house: House, now: int) -> None:
    with house.gateway.transaction() as conn:
        assert firing.fire(conn, house.gateway, now)[1] > 0
        raise KeyboardInterrupt


def test_a_worker_killed_before_it_commits_leaves_everything_to_the_next(house: House) -> None:
    open_ticket(house)
    now = house.clock.forward(16 * MINUTE)
    with pytest.raises(KeyboardInterrupt):
        die_at_work(house, now)
    assert (sum(ran(house).values()), told(house), noted(house)) == (0, 0, 0)
    tick(house)
    assert ran(house)["p0/unanswered"] == 1


@pytest.mark.campaign
def test_ten_thousand_timers_due_at_once_are_handled_in_ten_seconds(house: House) -> None:
    many(house, 10_000)
    now = house.clock.forward(12 * MINUTE)  # the warning of the first response
    began, cpu = time.monotonic(), time.process_time()
    assert firing.tick(house.gateway, now) == 10_000
    took, used = time.monotonic() - began, time.process_time() - cpu
    print(f"{house.gateway.engine.dialect.name}: 10,000 steps in {took:.2f} s, {used:.2f} s CPU of the client")
    assert took < 10
    assert told(house) == 10_000
    now = house.clock.forward(60 * clock.DAY // clock.SECOND)
    began = time.monotonic()
    steps = firing.tick(house.gateway, now)
    print(f"{steps} more in {time.monotonic() - began:.2f} s")
    assert proof(house).missing == []
