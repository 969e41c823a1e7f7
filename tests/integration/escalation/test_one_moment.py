"""What several do at one moment, in the order in which they came: the hub, its auditor and the oracle of tests/campaign agree."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection

from core_tickets import Command, Ticket, apply
from gateway.aftermath import follow
from gateway.bridge.happened import of
from gateway.clock import SECOND
from gateway.collaboration import confirming
from gateway.escalation import firing
from gateway.usecases import tickets
from tests.campaign.checks import Checks
from tests.campaign.staff import person_of, policies
from tests.campaign.working_time import hours
from tests.integration.escalation.staff import HOUR, again, fired, open_ticket, proof, tick
from tests.integration.gateway.in_process import Build, House

GROUP = "spindle-hz"
SOMEBODY = person_of(GROUP, 3)


@pytest.fixture
def house(build: Build) -> House:
    """The house of the campaign, whose oracle knows its policies."""
    made = build({"policies": policies(1)})
    tick(made)
    return made


def act(house: House, ticket: Ticket, action: str, **args: Any) -> None:
    gateway = house.gateway
    gateway.transact(lambda c: tickets.act(c, gateway, ticket.id, action, args, actor=SOMEBODY))


def problems(house: House) -> dict[str, list[str]]:
    """What the oracle finds, and what the auditor misses."""
    with house.gateway.reading() as conn:
        late = int(72 * HOUR * SECOND)  # the worker slept through the whole test
        checks = Checks(conn, hours(date(2026, 11, 1), date(2026, 12, 31)), house.clock.now, late)
    missing = [f"{number}: {step}" for number, step, _ in proof(house).missing]
    return checks.problems | ({"the auditor": missing} if missing else {})


@pytest.mark.parametrize(
    ("action", "overdue"), [("claim", ["p0/unclaimed"]), ("start", ["p0/unanswered", "p0/unclaimed", "p0/unworked"])]
)
def test_what_raising_makes_overdue_runs_though_somebody_comes_at_that_moment(
    house: House, action: str, overdue: list[str]
) -> None:
    ticket = open_ticket(house, priority=1, group=GROUP)
    house.clock.forward(72 * HOUR)
    house.gateway.transact(lambda conn: firing.fire(conn, house.gateway, house.clock.now))  # p1/up raises it, no more
    assert again(house, ticket).priority == 0
    assert not set(overdue) & set(fired(house, ticket))
    act(house, ticket, action)
    tick(house)
    assert set(overdue) <= set(fired(house, ticket))
    assert problems(house) == {}


def test_who_comes_before_it_is_raised_at_that_moment_is_in_time(house: House) -> None:
    ticket = open_ticket(house, priority=1, group=GROUP)
    house.clock.forward(72 * HOUR)
    act(house, ticket, "claim")
    act(house, ticket, "set", priority=0)
    tick(house)
    assert "p0/unclaimed" not in fired(house, ticket)
    assert problems(house) == {}


def test_how_a_ticket_stood_between_two_actions_of_one_request_chases_nobody(house: House) -> None:
    """Its source ended it before anybody answered. The customer opens it again and says why, in one request: between the two
    the promise to answer was long broken."""
    ticket = open_ticket(house, priority=2, group=GROUP)
    ended = Command(ticket.id, "resolve", {"resolution": "alert ended"}, "connection:am", "connector")

    def end(conn: Connection) -> None:
        done = apply(conn, [ended], house.clock.now, policy=house.gateway.hub.promises)
        follow(conn, house.gateway.hub, of(done), house.gateway.serial, house.clock.now)

    house.gateway.transact(end)
    house.clock.forward(72 * HOUR)
    word = confirming.Word(solved=False, text="again!")
    house.gateway.transact(lambda conn: confirming.say(conn, house.gateway, ticket.id, word, actor="customer"))
    tick(house)
    assert again(house, ticket).status == "in_progress"
    assert not [step for step in fired(house, ticket) if step.startswith("promises/response")]
    assert problems(house) == {}
