"""Commands: at most one effect each, in order, never lost, whatever happens to the worker or the line."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway import tables
from gateway.bridge import outbox
from gateway.bridge.planning import queue_command
from gateway.config import documents
from gateway.errors import Conflict, NotFound
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.robot.connector import Killed

WAYS = ("done", "duplicate", "rejected", "transient", "lost", "unsent", "killed_before", "killed_after")


def queue(house: House, ticket_id: int, cause: str, op: str = "say") -> int:
    number = next(iter(house.gateway.serial.take()))
    with house.gateway.transaction() as conn:
        queue_command(conn, number, ticket_id, "r", "b", cause, op, {"object": "a"}, {"text": cause}, house.clock.now)
    return number


def claim(house: House) -> list[outbox.Claimed]:
    with house.gateway.transaction() as conn:
        return outbox.claim(conn, house.clock.now)


def carry_out(house: House, claimed: outbox.Claimed) -> None:
    outbox.carry_out(house.gateway, house.gateway.hub, claimed)


@pytest.fixture
def ticket(house: House) -> int:
    house.tell(house.alert("a"))
    return house.tickets()[0].id


class Commands(RuleBasedStateMachine):
    """Two workers on one outbox. A claim is held in `hands` until its worker carries it out, or dies with it."""

    house: House
    ticket_ids: tuple[int, int]
    round: int = 0

    @initialize()
    def begin(self) -> None:
        type(self).round += 1
        self.queued: dict[int, list[int]] = {t: [] for t in self.ticket_ids}
        self.hands: list[tuple[int, outbox.Claimed]] = []
        self.house.world.effects.clear()
        self.house.world.order.clear()
        with self.house.gateway.transaction() as conn:
            conn.execute(tables.outbox.delete())

    @rule(which=st.integers(0, 1), ways=st.lists(st.sampled_from(WAYS), max_size=3))
    def queue(self, which: int, ways: list[str]) -> None:
        mine = self.queued[self.ticket_ids[which]]
        number = queue(self.house, self.ticket_ids[which], f"{self.round}:{which}:{len(mine)}")
        mine.append(number)
        self.house.world.script.extend(ways)

    @rule(ways=st.lists(st.sampled_from(("answers", "transient", "killed")), max_size=2))
    def doubt(self, ways: list[str]) -> None:
        self.house.world.doubts.extend(ways)

    @rule()
    def a_worker_claims(self) -> None:
        self.hands += [(self.house.clock.now, c) for c in claim(self.house)]

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def a_worker_carries_out(self, data: st.DataObject) -> None:
        _, claimed = self.hands.pop(data.draw(st.integers(0, len(self.hands) - 1)))
        with contextlib.suppress(Killed):  # its row says `sending` until the lease runs out
            carry_out(self.house, claimed)

    @precondition(lambda self: self.hands)
    @rule()
    def a_worker_dies_before_it_begins(self) -> None:
        self.hands.pop()

    @rule(seconds=st.sampled_from((1, 10, 60, 130)))
    def time_passes(self, seconds: int) -> None:
        self.house.clock.forward(seconds)

    @rule()
    def the_cause_is_heard_again(self) -> None:
        for which, mine in enumerate(self.queued.values()):
            for n in range(len(mine)):
                with self.house.gateway.transaction() as conn:
                    again = queue_command(
                        conn, 1, self.ticket_ids[which], "r", "b", f"{self.round}:{which}:{n}", "say", {}, {}, 0
                    )
                assert not again

    @invariant()
    def no_command_has_two_effects(self) -> None:
        if hasattr(self, "queued"):
            assert all(n <= 1 for n in self.house.world.effects.values()), self.house.world.effects

    def teardown(self) -> None:
        self.house.world.script.clear()
        self.house.world.doubts.clear()
        for _ in range(60):  # the line is good again: everything comes to its end
            self.house.clock.forward(130)
            for claimed in claim(self.house):
                carry_out(self.house, claimed)
        rows = {r.id: r for r in self.house.commands()}
        assert rows.keys() == {n for mine in self.queued.values() for n in mine}
        assert {r.state for r in rows.values()} <= {"done", "refused"}, rows
        for number, row in rows.items():
            expected = (
                1 if row.state == "done" and '"duplicate"' not in row.receipt else self.house.world.effects[str(number)]
            )
            assert self.house.world.effects[str(number)] == expected
        for mine in self.queued.values():
            acted = [int(c) for c in self.house.world.order if int(c) in mine]
            assert acted == sorted(acted)


def test_a_command_has_at_most_one_effect_and_always_ends_whatever_dies_in_between(house: House) -> None:
    house.tell(house.alert("a"), house.alert("b"))
    first, second = house.tickets()
    Commands.house, Commands.ticket_ids = house, (first.id, second.id)
    run_state_machine_as_test(
        Commands,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_a_command_whose_worker_died_is_confirmed_before_it_is_written_again(house: House, ticket: int) -> None:
    number = queue(house, ticket, "c")
    house.world.script.append("killed_after")
    with pytest.raises(Killed):
        carry_out(house, claim(house)[0])
    assert claim(house) == []
    house.clock.forward(150)
    taken = claim(house)
    assert [c.in_doubt for c in taken] == [True]
    carry_out(house, taken[0])
    assert (house.world.effects[str(number)], house.commands()[0].state) == (1, "done")


def test_a_claim_that_waited_until_another_worker_took_over_does_nothing(house: House, ticket: int) -> None:
    number = queue(house, ticket, "c")
    slow = claim(house)[0]
    house.clock.forward(150)
    carry_out(house, claim(house)[0])  # confirms: not done
    carry_out(house, slow)
    assert house.world.effects[str(number)] == 0
    house.work()
    assert house.world.effects[str(number)] == 1


def test_a_doubt_outlives_the_removal_of_its_connection(house: House, ticket: int) -> None:
    number = queue(house, ticket, "c")
    house.world.script.append("lost")
    carry_out(house, claim(house)[0])
    live = house.gateway.hub.connections["r"]
    off = live.spec.model_dump() | {"enabled": False}
    house.gateway.apply(documents.validate({"connections": [off]}))
    house.clock.forward(20)
    house.work()
    assert house.commands()[0].state == "person"
    house.gateway.apply(documents.validate({"connections": [off | {"enabled": True}]}))
    with house.gateway.transaction() as conn:
        outbox.resend(conn, ticket, number, "token:ann", house.clock.now)
    house.work()
    assert (house.world.effects[str(number)], house.commands()[0].state) == (1, "done")


def test_a_slow_doubt_is_asked_ever_more_rarely(house: House, ticket: int) -> None:
    queue(house, ticket, "c")
    house.world.script.append("unsent")
    house.world.doubts.extend(["transient"] * 6)
    waits = []
    for _ in range(6):
        house.clock.forward(20)
        carry_out(house, claim(house)[0])
        waits.append(house.commands()[0].next_at - house.clock.now)
    assert max(waits[3:]) > max(waits[:1])


def test_of_one_ticket_and_system_the_elder_command_goes_first(house: House, ticket: int) -> None:
    numbers = [queue(house, ticket, f"c{n}") for n in range(3)]
    house.world.script.extend(["transient", "done", "lost", "done", "done"])
    for _ in range(12):
        house.clock.forward(20)
        house.work()
    assert house.world.order == [str(n) for n in numbers]


def test_two_workers_never_hold_the_same_command(build: Build) -> None:
    house, other = build(), build(start=False)
    house.tell(*(house.alert(f"a{n}") for n in range(20)))
    for t in house.tickets():
        queue(house, t.id, f"c{t.id}")
    first: Any
    with house.gateway.engine.connect() as one:
        first = outbox.claim(one, house.clock.now, 10)
        one.commit()
        with other.gateway.engine.begin() as two:
            second = outbox.claim(two, house.clock.now, 20)
    assert len(first) == 10
    assert len(second) == 10
    assert not {c.id for c in first} & {c.id for c in second}


def test_what_needs_a_person_waits_for_one_and_stops_nobody_else(house: House, ticket: int) -> None:
    queue(house, ticket, "c1")
    queue(house, ticket, "c2")
    house.world.script.append("broken")
    house.work()
    assert [r.state for r in house.commands()] == ["person", "done"]


def test_a_person_sends_a_refused_command_again_but_not_one_that_is_done(house: House, ticket: int) -> None:
    queue(house, ticket, "c1")
    house.world.script.append("rejected")
    house.work()
    refused = house.commands()[0]
    assert refused.state == "refused"
    with house.gateway.transaction() as conn:
        outbox.resend(conn, ticket, refused.id, "token:ann", house.clock.now)
    house.work()
    assert house.commands()[0].state == "done"
    with pytest.raises(Conflict, match="is done"), house.gateway.transaction() as conn:
        outbox.resend(conn, ticket, refused.id, "token:ann", house.clock.now)
    with pytest.raises(NotFound), house.gateway.transaction() as conn:
        outbox.resend(conn, ticket + 1, refused.id, "token:ann", house.clock.now)
