"""The ladder as it is built in: who is told when nothing moves, once each, and proven."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import delete

from connectors.channel_sandbox import Server
from connectors.wecom.sandbox import Sandbox as Wecom
from core_tickets import Ticket, timeline
from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.escalation import tables
from tests.integration.escalation.staff import HOUR, MINUTE, PEOPLE, after, again, fired, open_ticket, proof, tick, told
from tests.integration.gateway.in_process import Build, House
from tests.integration.notify.staff import notes
from tests.integration.notify.staff import work as send
from tests.integration.notify.text_messages import text_messages

LADDER = ["p0/unanswered", "p0/unclaimed", "p0/unworked"]


def ladder(house: House, ticket: Ticket) -> list[str]:
    return [step for step in fired(house, ticket) if step.startswith("p0/")]


def test_a_p0_that_nobody_answers_reaches_the_lead_then_the_director_and_board_then_a_room(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 15 * MINUTE - 1)
    assert ladder(house, ticket) == []
    after(house, 1)
    assert ladder(house, ticket) == LADDER[:1]
    assert orjson.loads(told(house, ticket, "p0/unanswered").people) == ["wang.wei"]
    after(house, 15 * MINUTE)
    assert orjson.loads(told(house, ticket, "p0/unclaimed").people) == ["zhao.min", "qian.yi"]
    assert told(house, ticket, "p0/unclaimed").tier == 0
    after(house, 90 * MINUTE)
    assert ladder(house, ticket) == LADDER
    room = told(house, ticket, "p0/unworked")
    assert (room.reason, orjson.loads(room.groups)) == ("room", ["line-1"])
    assert "会议纪要 Minutes" in room.text


def test_a_p0_that_nobody_claims_reaches_director_and_board_by_text_message(build: Build) -> None:
    numbers = {p["id"]: f"1380000080{n}" for n, p in enumerate(PEOPLE["persons"])}
    staff = {**PEOPLE, "persons": [{**p, "channels": {"sms": numbers[p["id"]]}} for p in PEOPLE["persons"]]}
    with text_messages() as texts:
        house = build({"policies": [staff], "connectors": texts.connectors, "connections": texts.connections})
        tick(house)
        ticket = open_ticket(house)
        after(house, 30 * MINUTE - 1)
        send(house)
        before = len(texts.sent)
        assert not {to for (to,), _ in texts.sent} & {numbers["zhao.min"], numbers["qian.yi"]}
        after(house, 1)
        send(house)
    told_of = f"升级 Escalated: {ticket.title}"
    assert sorted(texts.sent[before:]) == sorted(([numbers[who]], told_of) for who in ("zhao.min", "qian.yi"))


def test_a_p0_that_nobody_works_on_has_its_minutes_in_the_chat_groups_room_once(build: Build) -> None:
    chat = Wecom()
    with Server(chat.handle) as server:
        robot = {"id": "duty", "connector": "wecom", "config": {"robot_key": chat.robot_key, "api_url": server.url}}
        house = build({"policies": [PEOPLE], "connections": [robot]})
        tick(house)
        ticket = open_ticket(house)
        for _ in range(3):
            after(house, HOUR)
            house.work()
    (said,) = [m for m in chat.messages if "会议纪要 Minutes" in m.text]
    assert (said.by, said.to) == ("robot", ("group",))
    assert f"跨部门会商 Room of all departments: {ticket.title}" in said.text
    (room,) = notes(house, ticket, "room")
    assert (room["connection"], room["people"]) == ("duty", ["wang.wei", "zhao.min", "qian.yi"])


def test_where_a_group_can_be_made_those_who_are_told_are_its_members(build: Build) -> None:
    staff = [{**p, "channels": {"robot": f"@{p['id']}"}} for p in PEOPLE["persons"]]
    makes = {"policy": "storms", "room": {"connection": "r", "create": ["close"], "post": ["say"]}}
    house = build({"policies": [{**PEOPLE, "persons": staff}, makes]})
    tick(house)
    ticket = open_ticket(house)
    after(house, 3 * HOUR)
    made, said = [c for c in house.commands() if c.bridge == "escalation"]
    assert (made.op, orjson.loads(made.key)) == (
        "close", {"users": ["@wang.wei", "@zhao.min", "@qian.yi", "@li.na"]},
    )  # fmt: skip
    assert orjson.loads(made.body)["title"].endswith(ticket.title)
    assert (said.op, "会议纪要 Minutes" in orjson.loads(said.body)["text"]) == ("say", True)
    house.act(ticket, "start")
    house.act(again(house, ticket), "return", reason="not ours")
    after(house, 3 * HOUR)
    more = [c.op for c in house.commands() if c.bridge == "escalation"]
    assert more == ["close", "say", "say"], "given back it is told again, in the room there is"


def test_without_a_chat_those_who_were_told_are_the_room(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 2 * HOUR)
    (room,) = notes(house, ticket, "room")
    assert (room["connection"], room["groups"], house.commands()) == (None, ["line-1"], [])


def test_what_was_done_in_time_is_not_escalated(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 10 * MINUTE)
    house.act(ticket, "start")
    after(house, 3 * HOUR)
    assert ladder(house, ticket) == []


def test_a_comment_answers_but_does_not_take_the_ticket(house: House) -> None:
    ticket = open_ticket(house)
    house.act(ticket, "comment", text="on my way", public=True)
    after(house, 31 * MINUTE)
    assert ladder(house, ticket) == ["p0/unclaimed"]


def test_who_claims_it_is_chased_for_beginning_only(house: House) -> None:
    ticket = open_ticket(house)
    house.act(ticket, "claim", by="li.na")
    after(house, 3 * HOUR)
    assert "p0/unclaimed" not in ladder(house, ticket)
    assert "p0/unworked" in ladder(house, ticket)


def test_the_auditor_knows_that_it_is_claimed_by_whom_it_was_given_to(house: House) -> None:
    ticket = open_ticket(house, assignee="li.na")
    house.act(ticket, "claim", by="li.na")
    after(house, 33 * MINUTE)
    assert "p0/unclaimed" not in fired(house, ticket)
    assert proof(house).missing == []


def test_a_ticket_given_back_waits_anew_for_somebody_to_take_it(house: House) -> None:
    ticket = open_ticket(house)
    house.act(ticket, "claim", by="li.na")
    house.act(again(house, ticket), "start")
    after(house, HOUR)
    house.act(again(house, ticket), "return", reason="not ours")
    back = again(house, ticket).stage_since
    after(house, 29 * MINUTE)
    assert ladder(house, ticket) == []
    after(house, 2 * MINUTE)
    assert ladder(house, ticket) == [f"p0/unclaimed:{back}"]
    house.clock.forward(2 * MINUTE)
    assert not proof(house).missing


def test_the_timeline_says_why_and_whom(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 16 * MINUTE)
    with house.gateway.reading() as conn:
        notes = {e.data["step"]: e for e in timeline(conn, ticket.id, limit=100) if e.type == "note"}
    unanswered, breach = notes["p0/unanswered"], notes["breach/first_response"]
    assert (unanswered.name, unanswered.data["unless"]) == ("escalated", "unanswered")
    assert unanswered.data["people"] == ["wang.wei"]
    assert (breach.name, breach.data["promise"]) == ("breached", "first_response")
    assert breach.data["held_s"] == {"group:line-1": 15 * MINUTE}


def test_nothing_runs_twice(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 16 * MINUTE)
    before = fired(house, ticket)
    assert tick(house) == 0
    assert fired(house, ticket) == before


def test_a_reopened_ticket_is_a_new_episode(house: House) -> None:
    ticket = open_ticket(house)
    house.act(ticket, "resolve", resolution="done")
    after(house, 5 * HOUR)
    house.act(ticket, "reopen")
    assert fired(house, ticket) == []
    after(house, 4 * HOUR)
    first = fired(house, ticket)
    assert "promises/resolution_soon" in first
    house.act(again(house, ticket), "resolve", resolution="done")
    house.clock.forward(1)
    house.act(again(house, ticket), "reopen")
    after(house, 5 * HOUR)
    assert sorted(fired(house, ticket)) == sorted([*first, *first, "promises/resolution_late"])


def test_after_a_night_without_a_worker_everything_that_was_due_runs(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 12 * HOUR)
    assert ladder(house, ticket) == LADDER


def test_who_answers_before_the_worker_comes_does_not_undo_what_was_due(house: House) -> None:
    ticket = open_ticket(house)
    house.clock.forward(16 * MINUTE)
    house.act(ticket, "start")
    tick(house)
    assert ladder(house, ticket) == ["p0/unanswered"]
    assert not proof(house).missing


def test_a_clock_that_jumps_back_runs_nothing_again_and_loses_nothing(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 16 * MINUTE)
    after(house, -10 * MINUTE)
    assert ladder(house, ticket) == LADDER[:1]
    after(house, 25 * MINUTE)
    assert ladder(house, ticket) == LADDER[:2]


def test_a_clock_that_jumps_forward_runs_each_step_once(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 400 * 24 * HOUR)
    after(house, -400 * 24 * HOUR)
    after(house, 3 * HOUR)
    assert ladder(house, ticket) == LADDER


def test_a_wait_for_the_customer_stops_the_warning_and_moves_it(house: House) -> None:
    ticket = open_ticket(house)
    house.act(ticket, "start")
    house.act(again(house, ticket), "block", reason="waiting_for_customer")
    after(house, 10 * HOUR)
    assert fired(house, ticket) == []
    house.act(again(house, ticket), "unblock")
    after(house, 3 * HOUR + 11 * MINUTE)
    assert fired(house, ticket) == []
    after(house, 2 * MINUTE)  # 20 % of 4 h are 48 min
    assert fired(house, ticket) == ["promises/resolution_soon"]


def test_a_wait_for_a_part_stops_nothing(house: House) -> None:
    ticket = open_ticket(house)
    house.act(ticket, "start")
    house.act(again(house, ticket), "block", reason="waiting_for_part")
    after(house, 5 * HOUR)
    assert fired(house, ticket) == ["promises/resolution_soon", "promises/resolution_late"]


def test_a_raised_priority_brings_its_ladder(house: House) -> None:
    ticket = open_ticket(house, priority=2)
    house.clock.forward(HOUR)
    house.act(ticket, "set", priority=0)
    tick(house)
    assert ladder(house, ticket) == LADDER[:2]


def test_a_promise_by_hand_is_watched_beside_the_policys_own(house: House) -> None:
    ticket = open_ticket(house, assignee="li.na")
    at = house.clock.now + HOUR * 1_000_000
    house.act(ticket, "promise", resolution_due=at, reason="part is in stock")
    house.act(again(house, ticket), "start")
    after(house, HOUR + 1)
    assert fired(house, ticket) == ["promises/given_soon", "promises/given_late"]
    assert again(house, ticket).given_resolution_due == at


def test_the_auditor_finds_everything_done(house: House) -> None:
    for priority in (0, 0, 1, 2):
        open_ticket(house, priority=priority)
    after(house, 3 * HOUR)
    found = proof(house)
    assert (found.tickets, found.missing) == (4, [])
    assert found.due >= 8


def test_the_auditor_names_what_was_lost(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 16 * MINUTE)
    with house.gateway.transaction() as conn:
        conn.execute(delete(tables.escalation).where(tables.escalation.c.step == "p0/unanswered"))
    house.clock.forward(2 * MINUTE)
    found = proof(house)
    assert [(n, step) for n, step, _ in found.missing] == [(ticket.id, "p0/unanswered")]
    assert found.missing[0][2] == ticket.opened_at + 15 * MINUTE * 1_000_000


def test_the_auditor_notices_a_timer_that_was_never_set(house: House) -> None:
    open_ticket(house)
    with house.gateway.transaction() as conn:
        conn.execute(delete(tables.timer))
    after(house, 17 * MINUTE)
    assert "p0/unanswered" in {step for _, step, _ in proof(house).missing}


def test_another_policy_holds_from_now_on_and_says_so(house: House) -> None:
    ticket = open_ticket(house, priority=1)
    after(house, 2 * HOUR)
    steps = [{"id": "early", "unless": "claimed", "after": "1h", "tell": ["lead"]},
             {"id": "later", "unless": "claimed", "after": "3h", "tell": ["lead"]}]  # fmt: skip
    policy = {"policy": "escalation", "ladders": [{"id": "own", "steps": steps}]}
    house.gateway.apply(documents.validate({"policies": [policy]}))
    tick(house)
    with house.gateway.reading() as conn:
        (note,) = [e.data for e in timeline(conn, ticket.id, limit=100) if e.name == "escalation_replanned"]
    assert note["passed"] == ["own/early"]
    after(house, HOUR)
    assert [s for s in fired(house, ticket) if s.startswith("own/")] == ["own/later"]
    house.clock.forward(2 * MINUTE)
    assert not proof(house).missing


def test_a_ladder_that_names_nobody_is_refused_when_it_is_saved(house: House) -> None:
    steps = [{"id": "a", "unless": "claimed", "after": "1h", "tell": ["role:pilot", "person:li.ma", "group:line-9"]}]
    policy = {"policy": "escalation", "ladders": [{"id": "own", "steps": steps}]}
    with pytest.raises(BadConfiguration) as refused:
        house.gateway.apply(documents.validate({"policies": [policy]}))
    assert [p.path.rpartition(".")[2] for p in refused.value.problems] == ["tell[0]", "tell[1]", "tell[2]"]
    assert "li.na" in refused.value.problems[1].hint


def test_a_step_may_raise_the_priority(build: Build) -> None:
    steps = [{"id": "up", "unless": "claimed", "after": "1h", "tell": ["lead"], "do": "raise"}]
    house = build({"policies": [PEOPLE, {"policy": "escalation", "ladders": [{"id": "own", "steps": steps}]}]})
    tick(house)
    ticket = open_ticket(house, priority=1)
    after(house, HOUR)
    assert again(house, ticket).priority == 0
    assert again(house, ticket).resolution_due == ticket.opened_at + 4 * HOUR * 1_000_000
