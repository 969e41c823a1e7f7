"""Whatever dies, and however often the other side does not answer: of one channel one message."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from gateway.bridge import outbox
from gateway.notify import sending, settling, telling, tick
from gateway.notify.tried import remember_test
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.robot.connector import Killed
from tests.integration.notify.staff import apply_policy, hire, notices, open_ticket, reachable, told

WAYS = ("transient", "killed_before", "killed_after", "unsent", "lost")


@pytest.fixture
def house(build: Build) -> House:
    """A hub whose channel is the robot, which can be asked whether it did something."""
    made = build()
    hire(made)
    with made.gateway.transaction() as conn:
        remember_test(conn, "r", "", "ann", made.clock.now)
    apply_policy(made, tiers={"P0": {"channels": [{"connection": "r", "operation": "say", "address": "wecom"}],
                                     "patience": "1h"}}, events={"opened": ["group"]})  # fmt: skip
    reachable(made)
    return made


def go_on(house: House, rounds: int = 12) -> None:
    """A worker that dies and begins again, for long enough."""
    for _ in range(rounds):
        tick.tick(house.gateway, house.gateway.hub, house.clock.now)
        for each in outbox.take(house.gateway, house.gateway.hub, 32):
            with contextlib.suppress(Killed):
                outbox.carry_out(house.gateway, house.gateway.hub, each)
        house.clock.forward(130)


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", ["done", "killed_after"])
def test_each_person_is_told_once(house: House, first: str, second: str) -> None:
    open_ticket(house, 0)
    house.clock.forward(5)
    house.world.script.extend([first, second])
    go_on(house)
    assert sorted(house.world.effects.values()) == [1, 1]
    assert {(row.person, row.state) for row in told(house, channel="r")} == {
        ("li.na", "delivered"),
        ("wang.wei", "delivered"),
    }
    assert notices(house) == [("opened", "sent")]


@pytest.mark.parametrize("part", ["give_out", "send_due", "settle"])
def test_a_worker_that_dies_in_the_middle_of_a_part_leaves_nothing_half_done(
    house: House, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: dict[str, Any] = {"give_out": telling, "send_due": sending, "settle": settling}
    open_ticket(house, 0)
    house.clock.forward(5)
    real = house.gateway.transaction

    @contextlib.contextmanager
    def dies() -> Any:
        with real() as conn:
            yield conn
            raise Killed

    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr(house.gateway, "transaction", dies)
            with contextlib.suppress(Killed):
                getattr(rooms[part], part)(house.gateway, house.gateway.hub, house.clock.now)
        go_on(house, 1)
    go_on(house)
    assert sorted(house.world.effects.values()) == [1, 1]


def test_two_workers_tell_once(house: House) -> None:
    open_ticket(house, 0)
    house.clock.forward(5)
    for _ in range(2):
        telling.give_out(house.gateway, house.gateway.hub, house.clock.now)
    for _ in range(2):
        sending.send_due(house.gateway, house.gateway.hub, house.clock.now)
    go_on(house)
    assert sorted(house.world.effects.values()) == [1, 1]


def test_messages_to_people_wait_for_no_other(house: House) -> None:
    open_ticket(house, 0)
    house.clock.forward(5)
    tick.tick(house.gateway, house.gateway.hub, house.clock.now)
    assert len(outbox.take(house.gateway, house.gateway.hub, 32)) == 2
