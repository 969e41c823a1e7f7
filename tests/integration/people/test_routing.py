"""Tickets find somebody: when they open, when they come back, and when their holder has gone home."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

import core_tickets
from core_tickets.people import ShiftTold, Told, put_people, put_shifts
from gateway import clock
from gateway.config import documents
from gateway.errors import Refused
from gateway.routing.relief import Relief
from gateway.usecases import tickets
from tests.integration.gateway.in_process import START, Build, House
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
    assert Counter(held) == {"li.na": 3, "wang": 3}
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


def test_what_is_given_back_goes_to_somebody_else_and_never_to_the_same_at_once(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a")
    held: list[str | None] = [ticket.assignee]
    for _ in range(4):
        house.act(house.tickets()[-1], "return", reason="no key to the cabinet")
        held.append(house.tickets()[-1].assignee)
    assert all(a != b for a, b in pairwise(held))
    assert set(held) == {"li.na", "wang"}
    house.verify()


def test_what_the_only_one_who_can_gives_back_goes_on_to_the_next_rule(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    house.act(opened(house, "a", title="PLC"), "return", reason="not my machine")
    ticket = house.tickets()[-1]
    assert (ticket.group, ticket.assignee, ticket.status) == ("line-1", "wang", "pending")
    told = why(house, ticket)
    assert ["li.na", "gave_back", "line-1"] in told["people"]
    assert ["plc", "nobody_fits", "line-1"] in told["passed"]


def test_handed_to_a_group_it_is_given_to_somebody_of_it(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a")
    house.act(ticket, "hand_over", group="electric", reason="the fuse")
    assert (house.tickets()[0].group, house.tickets()[0].assignee) == ("electric", "zhao")


def test_handed_to_a_person_it_moves_to_that_person_s_group(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    house.act(opened(house, "a"), "hand_over", assignee="zhao", reason="the fuse")
    assert (house.tickets()[0].group, house.tickets()[0].assignee) == ("electric", "zhao")


@pytest.mark.parametrize(
    ("action", "args", "said"),
    [
        ("hand_over", {"assignee": "audit", "reason": "x"}, "may not receive"),
        ("hand_over", {"assignee": "zhoa", "reason": "x"}, "there is no person"),
        ("hand_over", {"group": "electrics", "reason": "x"}, "there is no group"),
        ("assign", {"assignee": "audit"}, "may not receive"),
        ("assign", {"group": "electrics"}, "there is no group"),
        ("claim", {}, "there is no person"),
    ],
)
def test_nothing_is_handed_to_who_could_not_have_it(build: Build, action: str, args: dict[str, str], said: str) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a")
    with pytest.raises(Refused) as refused:
        house.act(ticket, action, **args)
    assert said in refused.value.problems[0].message
    assert refused.value.problems[0].hint
    assert house.tickets()[0].assignee == ticket.assignee


def shifts(*spans: tuple[str, str, int, int]) -> list[ShiftTold]:
    """(key, person, from, to) in seconds from the tests' beginning."""
    at = clock.SECOND
    return [ShiftTold("hr", key, "", who, START + a * at, START + b * at) for key, who, a, b in spans]


def plan(house: House, *spans: tuple[str, str, int, int]) -> None:
    """Make the plan of shifts be this, as a personnel system would."""
    connection = [{"id": "hr", "connector": "robot"}]
    house.gateway.apply(documents.validate({"connections": connection}))
    with house.gateway.transaction() as conn:
        put_people(conn, [Told("hr", f"p/{p}", {"id": p, "name": p}) for p in ("li.na", "wang")])
        put_shifts(conn, shifts(*spans))
    house.gateway.reload()


def test_only_who_is_on_shift_gets_a_ticket(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    plan(house, ("s1", "li.na", 0, 3600), ("s2", "wang", 3600, 7200))
    assert opened(house, "a").assignee == "li.na"
    assert opened(house, "b").assignee == "li.na"
    house.clock.forward(3700)
    assert opened(house, "c").assignee == "wang"


def test_when_all_are_off_shift_the_group_has_it_and_whoever_comes_gets_it(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    plan(house, ("s1", "li.na", 600, 3600), ("s2", "wang", 3600, 7200))
    ticket = opened(house, "a")
    assert (ticket.group, ticket.assignee) == ("line-1", None)
    assert ["li.na", "off_shift"] in why(house, ticket)["people"]
    relief = Relief()
    assert relief.tick(house.gateway, house.clock.now) == 0
    assert relief.tick(house.gateway, house.clock.forward(700)) == 1
    assert house.tickets()[0].assignee == "li.na"
    house.verify()


def test_what_nobody_has_begun_changes_hands_with_the_shift_and_what_is_begun_stays(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    plan(house, ("s1", "li.na", 0, 3600), ("s2", "wang", 3600, 7200))
    begun, untouched = opened(house, "a"), opened(house, "b")
    house.act(begun, "start")
    assert Relief().tick(house.gateway, house.clock.forward(3700)) == 1
    assert [t.assignee for t in house.tickets()] == ["li.na", "wang"]
    assert why(house, untouched)["people"][0][:2] == ["wang", "chosen"]


def test_who_leaves_the_house_leaves_no_ticket_behind(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a", title="PLC")
    assert ticket.assignee == "li.na"
    gone = [p | {"active": p["id"] != "li.na"} for p in PEOPLE["persons"]]
    with_skill = routing({"id": "all", "group": "line-1"})
    house.gateway.apply(documents.validate(config({**PEOPLE, "persons": gone}, with_skill)))
    Relief().tick(house.gateway, house.clock.now)
    assert house.tickets()[0].assignee == "wang"


def test_a_reopened_ticket_stays_with_its_holder_who_is_still_here(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    ticket = opened(house, "a")
    house.act(ticket, "resolve", resolution="done")
    house.act(ticket, "reopen")
    assert house.tickets()[0].assignee == ticket.assignee


def test_a_ticket_made_by_hand_is_routed_too(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    made = house.gateway.transact(
        lambda c: tickets.create(
            c, house.gateway, kind="maintenance", priority=2, title="换灯", description="", actor="token:ann",
            labels={"Module": "ＰＯＷＥＲ"}, device=None, customer=None, assignee=None, group=None,
        )
    )  # fmt: skip
    assert (made.group, made.assignee) == ("electric", "zhao")
    house.verify()
