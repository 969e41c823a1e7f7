"""Another system is asked whether it agrees; where it does not, that is a ticket until it does."""

from __future__ import annotations

from typing import Any

import pytest

import core_tickets
from gateway.automation import checks
from gateway.errors import BadConfiguration
from tests.integration.gateway.in_process import Build, House

CHECK = {
    "id": "still-warm", "title": "Resolved, but the device is still warm", "after": "10m", "question": "recent",
    "when": "ticket.title is not None", "inputs": {"device": "alert.device"}, "finds": "answer.state == 'warm'",
}  # fmt: skip


def robot(**changes: Any) -> dict[str, Any]:
    connection = {"id": "r", "connector": "robot", "config": {"password": "a long password"}, "context": []}
    return {"connections": [connection | {"checks": [CHECK | changes]}]}


@pytest.fixture
def checked(build: Build) -> House:
    return build(robot())


def resolve_one(house: House) -> core_tickets.Ticket:
    house.tell(house.alert("a", device="pump-1"))
    ticket = house.tickets()[0]
    house.act(ticket, "resolve", resolution="cooled")
    return ticket


def run(house: House) -> int:
    return checks.run_due(house.gateway, house.gateway.hub, house.clock.now)


def flags(house: House) -> list[core_tickets.Ticket]:
    return [t for t in house.tickets() if t.kind == "data_quality"]


def test_the_other_system_is_given_time_to_follow(checked: House) -> None:
    resolve_one(checked)
    checked.clock.forward(599)
    assert run(checked) == 0


def test_a_contradiction_is_a_ticket_with_both_links(checked: House) -> None:
    ticket = resolve_one(checked)
    checked.clock.forward(600)
    assert run(checked) == 1
    (flag,) = flags(checked)
    assert flag.title == CHECK["title"]
    assert flag.url == "robot://pump"
    assert ticket.title in flag.description
    assert "contradicted" in [e.name for e in timeline(checked, ticket)]
    checked.verify()
    checked.ends()


def test_the_same_contradiction_is_told_once(checked: House) -> None:
    resolve_one(checked)
    checked.clock.forward(600)
    run(checked)
    checked.clock.forward(3600)
    assert run(checked) == 1
    (flag,) = flags(checked)
    assert flag.occurrences == 1


def test_it_ends_when_the_systems_agree(checked: House) -> None:
    resolve_one(checked)
    checked.clock.forward(600)
    run(checked)
    checked.world.state = "cold"
    checked.clock.forward(3600)
    run(checked)
    assert [t.status for t in flags(checked)] == ["resolved"]
    checked.clock.forward(7200)
    run(checked)  # the ticket that told of it was resolved too, and is not checked
    checked.clock.forward(7200)
    assert run(checked) == 0
    assert len(flags(checked)) == 1


def test_systems_that_agree_make_no_ticket(checked: House) -> None:
    checked.world.state = "cold"
    resolve_one(checked)
    checked.clock.forward(600)
    assert run(checked) == 1
    assert flags(checked) == []


def test_a_ticket_that_was_reopened_contradicts_nobody(checked: House) -> None:
    ticket = resolve_one(checked)
    checked.act(ticket, "reopen")
    checked.clock.forward(600)
    run(checked)
    assert flags(checked) == []


@pytest.mark.parametrize("then", ["warm", "cold"])
def test_a_ticket_resolved_anew_while_the_other_system_is_asked_is_checked_anew(
    checked: House, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    ticket = resolve_one(checked)
    first = "cold" if then == "warm" else "warm"
    checked.world.state = first
    asked = checks._ask

    def slowly(*given: Any) -> Any:
        answer = asked(*given)
        checked.act(ticket, "reopen")
        checked.act(ticket, "resolve", resolution="cooled again")
        return answer

    checked.clock.forward(600)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(checks, "_ask", slowly)
        run(checked)
    checked.world.state = then
    checked.clock.forward(600)
    assert run(checked) == 1
    assert [t.status for t in flags(checked)] == (["pending"] if then == "warm" else ["resolved"])


def test_a_system_that_does_not_answer_is_asked_again_and_then_given_up_aloud(checked: House) -> None:
    checked.world.state = "silent"
    ticket = resolve_one(checked)
    checked.clock.forward(600)
    asked = 0
    for _ in range(10):
        asked += run(checked)
        checked.clock.forward(6 * 3600)
    assert asked == len(checks.RETRIES) + 1
    assert "not_checked" in [e.name for e in timeline(checked, ticket)]


def test_a_check_whose_expression_is_wrong_is_refused(build: Build) -> None:
    with pytest.raises(BadConfiguration) as refused:
        build(robot(finds="answer.state = 'warm'"))
    assert refused.value.problems[0].path == "r: checks[still-warm].finds"


def timeline(house: House, ticket: core_tickets.Ticket) -> list[core_tickets.Entry]:
    with house.gateway.reading() as conn:
        return core_tickets.timeline(conn, ticket.id)
