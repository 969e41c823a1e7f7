"""Many commands for one target go as one when the window is full: one effect each, settled once each, whatever dies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import orjson
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

import core_tickets
from gateway import tables
from gateway.bridge import outbox
from tests.integration.channels.speaker import MOST, WINDOW, Speaking
from tests.integration.gateway.robot.connector import Killed

Speak = Callable[..., Speaking]
WAYS = ("done", "rejected", "transient", "lost", "unsent", "killed_before", "killed_after")


def tickets(house: Speaking, n: int) -> list[int]:
    house.tell(*(house.alert(f"a{i}") for i in range(n)))
    return [t.id for t in house.tickets()]


class Commands(RuleBasedStateMachine):
    """Two workers on one outbox of a speaker with a small window."""

    house: Speaking
    ticket_ids: list[int]
    round: int = 0

    @initialize()
    def begin(self) -> None:
        type(self).round += 1
        self.queued: dict[int, int] = {}
        self.hands: list[outbox.Claimed] = []
        self.house.hall.effects.clear()
        self.house.hall.order.clear()
        with self.house.gateway.transaction() as conn:
            conn.execute(tables.outbox.delete())

    @rule(which=st.lists(st.integers(0, 7), min_size=1, max_size=8), whom=st.sampled_from(["a", "b"]))
    def queue(self, which: list[int], whom: str) -> None:
        for place in which:
            cause = f"{self.round}:{len(self.queued)}"
            self.queued[self.house.queue(self.ticket_ids[place], cause, whom)] = place

    @rule(ways=st.lists(st.sampled_from(WAYS), max_size=3))
    def things_go_wrong(self, ways: list[str]) -> None:
        self.house.hall.script.extend(ways)

    @rule(ways=st.lists(st.sampled_from(("answers", "transient", "killed")), max_size=2))
    def doubt(self, ways: list[str]) -> None:
        self.house.hall.doubts.extend(ways)

    @rule()
    def a_worker_takes(self) -> None:
        self.hands += self.house.take()

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def a_worker_carries_out(self, data: st.DataObject) -> None:
        claimed = self.hands.pop(data.draw(st.integers(0, len(self.hands) - 1)))
        with contextlib.suppress(Killed):  # its row says `sending` until the lease runs out
            self.house.carry_out(claimed)

    @precondition(lambda self: self.hands)
    @rule()
    def a_worker_dies_before_it_begins(self) -> None:
        self.hands.pop()

    @rule(seconds=st.sampled_from((1, 10, 60, 130)))
    def time_passes(self, seconds: int) -> None:
        self.house.clock.forward(seconds)

    @invariant()
    def no_command_has_two_effects(self) -> None:
        if hasattr(self, "queued"):
            assert all(n <= 1 for n in self.house.hall.effects.values()), self.house.hall.effects

    def teardown(self) -> None:
        self.house.hall.script.clear()
        self.house.hall.doubts.clear()
        for _ in range(60):  # the line is good again: everything comes to its end
            self.house.clock.forward(130)
            for claimed in self.house.take():
                self.house.carry_out(claimed)
        rows = {r.id: r for r in self.house.commands()}
        assert rows.keys() == self.queued.keys()
        assert {r.state for r in rows.values()} <= {"done", "refused"}, rows
        assert all(r.merged_into is None and r.receipt for r in rows.values())
        for number, row in rows.items():
            assert self.house.hall.effects[str(number)] == (row.state == "done")
        for place in set(self.queued.values()):  # of one ticket the elder goes first
            mine = [n for n, at in self.queued.items() if at == place]
            acted = [int(c) for c in self.house.hall.order if int(c) in mine]
            assert acted == sorted(acted)
        self._each_is_settled_once()

    def _each_is_settled_once(self) -> None:
        told: list[str] = []
        with self.house.gateway.reading() as conn:
            for ticket_id in self.ticket_ids:
                entries = core_tickets.timeline(conn, ticket_id, limit=1000)
                told += [e.data["command"] for e in entries if e.name == "command"]
        mine = [c for c in told if int(c) in self.queued]
        assert sorted(mine) == sorted(str(n) for n in self.queued)


def test_merged_or_not_a_command_has_at_most_one_effect_and_is_settled_once(speaking: Speak) -> None:
    house = speaking()
    Commands.house, Commands.ticket_ids = house, tickets(house, 8)
    run_state_machine_as_test(
        Commands,
        settings=settings(
            max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_as_long_as_there_is_room_each_goes_by_itself(speaking: Speak) -> None:
    house = speaking()
    for n, ticket in enumerate(tickets(house, WINDOW)):
        house.queue(ticket, f"c{n}")
    house.work()
    assert (house.states(), house.hall.calls) == (["done"] * WINDOW, WINDOW)


def test_what_is_over_the_window_goes_as_one(speaking: Speak) -> None:
    house = speaking()
    numbers = [house.queue(ticket, f"c{n}") for n, ticket in enumerate(tickets(house, 7))]
    house.work()
    assert house.hall.calls == WINDOW  # four, then three
    assert house.states() == ["done"] * 7
    assert house.hall.order == [str(n) for n in numbers]


def test_what_finds_the_window_full_waits_and_goes_as_one_when_it_opens(speaking: Speak) -> None:
    house = speaking()
    for n, ticket in enumerate(tickets(house, WINDOW)):
        house.queue(ticket, f"first{n}")
    house.work()
    for n, ticket in enumerate(tickets(house, MOST)):
        house.queue(ticket, f"then{n}")
    house.work()
    assert house.states()[WINDOW:] == ["waiting"] * MOST
    house.clock.forward(61)
    house.work()
    assert (house.states()[WINDOW:], house.hall.calls) == (["done"] * MOST, WINDOW + 1)


def test_only_commands_for_one_target_are_merged(speaking: Speak) -> None:
    house = speaking()
    for n, ticket in enumerate(tickets(house, 4)):
        house.queue(ticket, f"c{n}", "ab"[n % 2])
    assert sorted(len(each.all) for each in house.take()) == [2, 2]


def test_while_they_follow_nobody_claims_them_and_their_leader_keeps_them(speaking: Speak) -> None:
    house = speaking()
    numbers = [house.queue(ticket, f"c{n}") for n, ticket in enumerate(tickets(house, 4))]
    house.take()  # and the worker dies
    house.clock.forward(150)
    again = house.take()
    assert [([c.id for c in each.all], each.in_doubt) for each in again] == [(numbers, True)]


def test_each_ticket_is_told_what_became_of_its_command(speaking: Speak) -> None:
    house = speaking()
    ids = tickets(house, 3)
    numbers = [house.queue(ticket, f"c{n}") for n, ticket in enumerate(ids)]
    house.work()
    for ticket, number in zip(ids, numbers, strict=True):
        with house.gateway.reading() as conn:
            told = [e.data for e in core_tickets.timeline(conn, ticket) if e.name == "command"]
        assert [(t["command"], t["state"]) for t in told] == [(str(number), "done")]


def test_a_refusal_settles_all_that_were_merged(speaking: Speak) -> None:
    house = speaking()
    for n, ticket in enumerate(tickets(house, 4)):
        house.queue(ticket, f"c{n}")
    house.hall.script.append("rejected")
    house.work()
    assert house.states() == ["refused"] * 4
    assert all(orjson.loads(row.receipt)["reason"] == "it says no" for row in house.commands())


def test_what_nobody_can_confirm_waits_for_a_person_each_by_itself_who_can_send_each_again(speaking: Speak) -> None:
    house = speaking(blind=True)
    ids = tickets(house, 3)
    numbers = [house.queue(ticket, f"c{n}") for n, ticket in enumerate(ids)]
    house.hall.script.append("unsent")
    house.work()
    house.clock.forward(10)
    house.work()
    assert house.states() == ["person"] * 3
    assert [row.merged_into for row in house.commands()] == [None] * 3
    with house.gateway.transaction() as conn:
        outbox.resend(conn, ids[1], numbers[1], "token:ann", house.clock.now, sure=True)
    house.clock.forward(60)
    house.work()
    assert house.states() == ["person", "done", "person"]
    assert house.hall.effects == {str(numbers[1]): 1}


def test_what_the_system_swallows_twice_is_written_again_as_the_same_one(speaking: Speak) -> None:
    house = speaking(blind=True, repeats_s=3600.0)
    for n, ticket in enumerate(tickets(house, 3)):
        house.queue(ticket, f"c{n}")
    house.hall.script.append("unsent")
    taken = house.take()
    house.carry_out(taken[0])
    house.clock.forward(60)
    again: list[Any] = []
    while not again or again[-1].in_doubt:
        again += house.take()
        house.carry_out(again[-1])
    assert all([c.id for c in each.all] == [c.id for c in taken[0].all] for each in again)
    assert (house.states(), house.hall.calls) == (["done"] * 3, 1)


def test_a_connection_left_to_another_worker_is_left_alone(speaking: Speak) -> None:
    house = speaking()
    house.queue(tickets(house, 1)[0], "c")
    assert outbox.take(house.gateway, house.gateway.hub, 32, leave={"s"}) == []
    assert len(outbox.take(house.gateway, house.gateway.hub, 32)) == 1
