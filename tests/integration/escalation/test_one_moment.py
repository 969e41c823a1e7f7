"""What several do at one moment, in the order in which they came: the hub, its auditor and the oracle of tests/campaign agree."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core_tickets import Ticket
from gateway.clock import SECOND
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
