"""Whatever people do, whenever a worker comes and however the clock jumps: what ran is what had to run, once each."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core_tickets import Ticket, allowed
from gateway.escalation import auditing, tables
from gateway.escalation.versions import rulebooks
from tests.integration.escalation.staff import again, open_ticket, tick
from tests.integration.gateway.in_process import House

MINUTE = 60
ARGS: dict[str, dict[str, Any]] = {
    "start": {}, "block": {"reason": "waiting_for_customer"}, "unblock": {}, "resolve": {"resolution": "done"},
    "reopen": {}, "comment": {"text": "on my way", "public": True}, "assign": {"assignee": "token:ann"},
    "claim": {"by": "li.na"}, "return": {"reason": "not ours"}, "set": {"priority": 0},
    "hand_over": {"assignee": "wang.wei", "reason": "he knows the pump"},
    "tick": {}, "back": {},
}  # fmt: skip
# a promise by hand is given for the time of the clock, so it is made where the step is taken
moves = st.lists(
    st.tuples(st.sampled_from([*ARGS, "promise", "tick", "tick"]), st.integers(1, 100 * MINUTE)),
    min_size=1,
    max_size=14,
)


def go(house: House, opened: Ticket, action: str, seconds: int) -> None:
    """One step of a history; what is not allowed now is not done."""
    if action == "back":
        house.clock.forward(-min(seconds, 10 * MINUTE))
        return
    house.clock.forward(seconds)
    ticket = again(house, opened)
    if action == "tick":
        tick(house)
    elif action in allowed(ticket) and not (action == "hand_over" and ticket.assignee == ARGS[action]["assignee"]):
        due = {"resolution_due": house.clock.now + seconds * 1_000_000, "reason": "part"}
        house.act(ticket, action, **(due if action == "promise" else ARGS[action]))


def ran(house: House, number: int) -> set[tuple[int, str]]:
    c = tables.escalation.c
    with house.gateway.reading() as conn:
        return {(r.episode, r.step) for r in conn.execute(select(c.episode, c.step).where(c.ticket_id == number))}


def required(house: House, number: int) -> set[tuple[int, str]]:
    with house.gateway.reading() as conn:
        trail = auditing.trails(conn, [number])[number]
        return set(auditing.required(number, trail, rulebooks(conn), house.clock.now))


def test_what_ran_is_what_had_to_run(house: House) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2), moves)
    def any_history(priority: int, steps: list[tuple[str, int]]) -> None:
        ticket = open_ticket(house, priority=priority)
        jumped = False
        for action, seconds in steps:
            jumped = jumped or action == "back"
            go(house, ticket, action, seconds)
        tick(house)
        assert required(house, ticket.id) <= ran(house, ticket.id)
        if not jumped:  # before a clock is put back, what was due by it then has run already
            assert ran(house, ticket.id) == required(house, ticket.id)

    any_history()
