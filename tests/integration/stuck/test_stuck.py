"""A ticket that does not move: one question to its holder, whose answers are actions; unanswered, its lead is told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

import core_tickets
from core_tickets.people import ShiftTold, put_shifts
from gateway import clock
from gateway.aftermath import follow
from gateway.bridge.happened import Happened
from gateway.errors import NotFound, Refused
from gateway.stuck import answering, asking
from gateway.stuck.tables import stuck_watch
from gateway.usecases import tickets
from tests.integration.gateway.in_process import House
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import notes, notices, open_ticket, states, work


def act(house: House, ticket: core_tickets.Ticket, action: str, actor: str = "li.na", **args: Any) -> None:
    house.gateway.transact(lambda c: tickets.act(c, house.gateway, ticket.id, action, args, actor=actor))


def look(house: House, seconds: float = 0) -> None:
    house.clock.forward(seconds)
    asking.tick(house.gateway, house.gateway.hub, house.clock.now)


def asked(house: House, ticket: core_tickets.Ticket) -> list[answering.Question]:
    with house.gateway.reading() as conn:
        return answering.questions(conn, ticket.id)


def reply(house: House, ticket: core_tickets.Ticket, chosen: str, actor: str = "li.na", **given: str) -> None:
    house.gateway.transact(lambda c: answering.answer(c, house.gateway, ticket.id, chosen, given, actor=actor))


def now(house: House, ticket: core_tickets.Ticket) -> core_tickets.Ticket:
    with house.gateway.reading() as conn:
        return core_tickets.get(conn, ticket.id)


@pytest.fixture
def house(staffed: Staffed) -> House:
    return staffed()


@pytest.fixture
def ticket(house: House) -> core_tickets.Ticket:
    """A P0 that li.na has begun."""
    made = open_ticket(house, 0)
    act(house, made, "claim", by="li.na")
    act(house, made, "start")
    return now(house, made)


def test_a_ticket_that_moves_is_not_asked_about(house: House, ticket: core_tickets.Ticket) -> None:
    for _ in range(4):
        look(house, 50 * 60)
        act(house, ticket, "comment", text="weiter")
    assert asked(house, ticket) == []


def test_after_an_hour_without_a_persons_doing_the_holder_of_a_p0_is_asked_once(
    house: House, ticket: core_tickets.Ticket
) -> None:
    for _ in range(5):
        look(house, 20 * 60)
    (question,) = asked(house, ticket)
    assert (question.asked.about, question.people, question.state) == ("no_progress", ("li.na",), "unanswered")
    assert [n for n in notices(house) if n[0] == "question"] == [("question", "waiting")]


def test_what_the_hub_itself_notes_is_no_progress(house: House, ticket: core_tickets.Ticket) -> None:
    house.clock.forward(3000)
    with house.gateway.transaction() as conn:
        core_tickets.note(conn, [core_tickets.Note(ticket.id, "context", {}, "hub", house.clock.now)])
    look(house, 700)
    assert len(asked(house, ticket)) == 1


def test_waiting_for_the_customer_blocks_it_for_the_customers_sake(house: House, ticket: core_tickets.Ticket) -> None:
    look(house, 3700)
    reply(house, ticket, "waiting_for_customer")
    after = now(house, ticket)
    assert (after.status, after.blocked_reason) == ("blocked", "waiting_for_customer")
    assert notes(house, ticket, "answered")[0]["answer"] == "waiting_for_customer"
    assert asked(house, ticket)[0].answered_by == "li.na"


def test_a_missing_part_becomes_a_purchase_of_its_own_that_waits_for_approval(
    house: House, ticket: core_tickets.Ticket
) -> None:
    look(house, 3700)
    with pytest.raises(Refused):
        reply(house, ticket, "need_part")
    reply(house, ticket, "need_part", text="主轴轴承 6205")
    after = now(house, ticket)
    assert (after.status, after.blocked_reason) == ("blocked", "waiting_for_part")
    with house.gateway.reading() as conn:
        (other,) = core_tickets.links(conn, [ticket.id])[ticket.id]
        purchase = core_tickets.get(conn, other)
    assert (purchase.kind, purchase.approval, purchase.labels["part"]) == ("spare_part_purchase", None, "主轴轴承 6205")
    assert "approve" in core_tickets.allowed(purchase)


def test_while_the_part_is_ordered_it_is_asked_whether_it_came(house: House, ticket: core_tickets.Ticket) -> None:
    look(house, 3700)
    reply(house, ticket, "need_part", text="6205")
    look(house, 86_400)
    question = asked(house, ticket)[0]
    assert question.asked.about == "part_ordered"
    reply(house, ticket, "resume")
    assert now(house, ticket).status == "in_progress"


def test_who_is_off_shift_is_asked_to_give_it_back_and_the_lead_may_answer(
    house: House, ticket: core_tickets.Ticket
) -> None:
    start = house.clock.now
    with house.gateway.transaction() as conn:
        put_shifts(conn, [ShiftTold("r", "1", "", "li.na", start - clock.HOUR, start + clock.HOUR),
                          ShiftTold("r", "2", "", "wang.wei", start - clock.HOUR, start + 9 * clock.HOUR)])  # fmt: skip
    house.gateway.reload()
    look(house, 3700)
    (question,) = asked(house, ticket)
    assert (question.asked.about, question.people) == ("off_shift", ("li.na", "zhou.min"))
    reply(house, ticket, "hand_back", "zhou.min", text="换班")
    after = now(house, ticket)
    assert (after.group, [e["answer"] for e in notes(house, ticket, "answered")]) == ("field", ["hand_back"])
    assert after.assignee != "li.na"


def test_who_says_until_when_is_left_alone_until_then_and_has_promised_it(
    house: House, ticket: core_tickets.Ticket
) -> None:
    look(house, 3700)
    reply(house, ticket, "working", until="30h")
    promised = house.clock.now + 30 * clock.HOUR
    assert now(house, ticket).given_resolution_due == promised
    look(house, 29 * 3600)
    assert len(asked(house, ticket)) == 1
    look(house, 3601)
    assert len(asked(house, ticket)) == 2


def test_a_question_is_answered_once_and_only_with_what_was_offered(house: House, ticket: core_tickets.Ticket) -> None:
    with pytest.raises(NotFound):
        reply(house, ticket, "working", until="2h")
    look(house, 3700)
    for chosen, given in (
        ("start", {}),
        ("working", {}),
        ("working", {"until": "soon"}),
        ("working", {"until": "400d"}),
    ):
        with pytest.raises(Refused):
            reply(house, ticket, chosen, **given)
    reply(house, ticket, "working", until="2h")
    with pytest.raises(NotFound):
        reply(house, ticket, "hand_back", text="no")
    assert len(notes(house, ticket, "answered")) == 1


def test_without_an_answer_the_lead_is_told_and_an_answer_still_counts(
    house: House, ticket: core_tickets.Ticket
) -> None:
    look(house, 3700)
    look(house, 1900)
    assert asked(house, ticket)[0].state == "unanswered"
    work(house)
    assert "zhou.min" in states(house, "app")
    reply(house, ticket, "solved", text="更换轴承")
    assert now(house, ticket).status == "resolved"


def test_who_did_something_instead_of_answering_has_answered(house: House, ticket: core_tickets.Ticket) -> None:
    look(house, 3700)
    house.clock.forward(60)
    act(house, ticket, "comment", text="在修")
    look(house, 1900)
    assert asked(house, ticket)[0].state == "settled"
    assert "not_answered" not in {n[0] for n in notices(house)}


def test_it_is_asked_again_after_a_day_and_not_before(house: House, ticket: core_tickets.Ticket) -> None:
    look(house, 3700)
    for _ in range(46):
        look(house, 1800)
    assert len(asked(house, ticket)) == 1
    look(house, 2 * 1800)
    assert len(asked(house, ticket)) == 2


def test_two_workers_ask_once(house: House, ticket: core_tickets.Ticket) -> None:
    house.clock.forward(3700)
    for _ in range(2):
        asking.ask(house.gateway, house.gateway.hub, house.clock.now)
    assert len(asked(house, ticket)) == 1


def test_a_ticket_that_is_over_is_not_watched_and_one_reopened_is(house: House, ticket: core_tickets.Ticket) -> None:
    act(house, ticket, "resolve", resolution="好了")
    look(house, 3700)
    with house.gateway.reading() as conn:
        assert conn.execute(select(stuck_watch)).all() == []
    act(house, ticket, "reopen")
    look(house, 3700)
    assert len(asked(house, ticket)) == 1


def test_a_p2_that_becomes_a_p0_is_asked_about_by_the_rule_of_a_p0(house: House) -> None:
    made = open_ticket(house, 2)
    act(house, made, "claim", by="li.na")
    house.clock.forward(2 * 3600)
    look(house)
    assert asked(house, made) == []
    with house.gateway.transaction() as conn:
        core_tickets.apply(
            conn, [core_tickets.Command(made.id, "set", {"priority": 0}, "rule:x", "rule")], house.clock.now
        )
        follow(conn, house.gateway.hub, [Happened("ticket.priority_changed", made.id, 3, "")], house.gateway.serial,
               house.clock.now)  # fmt: skip
    look(house)
    assert asked(house, made)[0].asked.about == "not_begun"
