"""Tickets find somebody: when they open, when they come back, and when their holder has gone home."""

from __future__ import annotations

from typing import Any

import core_tickets
from tests.integration.gateway.in_process import Build, House
from tests.integration.people.house import PEOPLE, ROUTING, config, routing


def opened(house: House, key: str, **more: Any) -> core_tickets.Ticket:
    """The ticket of a new alert."""
    house.tell(house.alert(key, **more))
    return house.tickets()[-1]


def why(house: House, ticket: core_tickets.Ticket) -> dict[str, Any]:
    """What was kept of the last decision on a ticket's routing."""
    with house.gateway.reading() as conn:
        entries = core_tickets.timeline(conn, ticket.id)
    return dict(next(e.data["routing"] for e in reversed(entries) if "routing" in e.data))


def test_without_policies_nobody_is_chosen_and_nothing_is_kept(build: Build) -> None:
    house = build()
    ticket = opened(house, "a")
    assert (ticket.group, ticket.assignee) == (None, None)


def test_a_new_ticket_goes_to_who_can_do_it_with_every_reason(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a", title="ＰＬＣ 通讯中断")
    assert (ticket.group, ticket.assignee) == ("line-1", "li.na")
    told = why(house, ticket)
    assert told["rule"] == "plc"
    assert told["because"] == [["word", "PLC"]]
    assert {row[0]: row[1] for row in told["people"]} == {"li.na": "chosen", "wang": "no_skill", "audit": "no_role"}
    house.verify()


def test_a_batch_is_spread_like_single_tickets(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    house.tell(*(house.alert(f"k{n}", title="主轴振动") for n in range(6)))
    held = [t.assignee for t in house.tickets()]
    assert sorted(held) == ["li.na"] * 3 + ["wang"] * 3
    house.verify()


def test_who_has_less_open_work_gets_the_next(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    first = opened(house, "a")
    second = opened(house, "b")
    assert {first.assignee, second.assignee} == {"li.na", "wang"}
    house.act(first, "resolve", resolution="done")
    house.clock.forward(60)
    assert opened(house, "c").assignee == first.assignee


def test_what_no_rule_places_belongs_to_the_pool(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a", title="办公室 空调")
    assert (ticket.group, ticket.assignee) == ("dispatch", None)
    assert why(house, ticket)["rule"] == "pool"


def test_a_group_of_the_rule_s_own_is_kept_and_somebody_of_it_is_chosen(build: Build) -> None:
    template = {"kind": "'incident'", "priority": "'P2'", "title": "title", "group": "'electric'"}
    rules = [{"id": "own", "on": "Alert", "ticket": template}]
    house = build(config(PEOPLE, ROUTING, rules=rules))
    ticket = opened(house, "a")
    assert (ticket.group, ticket.assignee) == ("electric", "zhao")
    assert why(house, ticket)["rule"] == "given"
    house.verify()


def test_most_open_tickets_are_the_limit_of_everybody(build: Build) -> None:
    house = build(config(PEOPLE, routing({"id": "plc", "skill": "plc", "group": "line-1"}, most=1)))
    assert opened(house, "a").assignee == "li.na"
    ticket = opened(house, "b")
    assert (ticket.group, ticket.assignee) == ("line-1", None)
    assert ["li.na", "full", "1"] in why(house, ticket)["people"]
