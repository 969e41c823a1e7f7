"""Joint approval and nodes between departments, as the people in question."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from gateway.collaboration import reminders
from tests.integration.together.house import Floor


def test_all_acceptances_move_it_on_and_until_then_it_is_held_up(floor: Floor) -> None:
    ticket = floor.make()
    asked = floor.do("li.na", ticket, "request_approval", approvers=["zhao.liu", "role:buyer"], text="换电机")
    assert (asked["status"], asked["blocked_reason"]) == ("blocked", "waiting_for_approval")
    assert asked["approvals"][0]["awaited"] == ["role:buyer", "zhao.liu"]
    for action, body in (("unblock", {}), ("resolve", {"resolution": "x", "cause": "wear"})):
        refused = floor.do("li.na", ticket, action, 409, **body)
        assert "zhao.liu" in refused["detail"]
    assert floor.do("zhou.ba", ticket, "accept")["status"] == "blocked"
    done = floor.do("zhao.liu", ticket, "accept", text="同意")
    assert (done["status"], done["approvals"][0]["state"]) == ("in_progress", "accepted")
    told = floor.notices(ticket, "approval", "approval_settled")
    assert [orjson.loads(n.people) for n in told] == [["zhao.liu", "zhou.ba"], ["li.na"]]


def test_one_refusal_returns_it_with_its_reason(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "request_approval", approvers=["zhao.liu", "ma.hua"])
    floor.do("zhao.liu", ticket, "accept")
    assert floor.do("ma.hua", ticket, "decline", 422)["status"] == 422
    done = floor.do("ma.hua", ticket, "decline", text="太贵 too dear")
    assert (done["status"], done["approvals"][0]["state"]) == ("in_progress", "returned")
    assert floor.do("zhao.liu", ticket, "accept", 409)["title"] == "Not allowed now"


def test_only_who_was_asked_answers_and_nobody_for_what_he_asks_himself(floor: Floor) -> None:
    ticket = floor.make()
    assert "who asks" in floor.do("li.na", ticket, "request_approval", 422, approvers=["li.na"])["detail"]
    assert "nobody" in floor.do("li.na", ticket, "request_approval", 422, approvers=["x.y"])["detail"]
    floor.do("zhou.ba", ticket, "request_approval", approvers=["role:buyer", "group:workshop"])
    assert "was not asked" in floor.do("li.na", ticket, "accept", 409)["detail"]
    assert "was not asked" in floor.do("zhou.ba", ticket, "accept", 409)["detail"]  # the only buyer is who asks
    assert floor.do("wang.wu", ticket, "accept")["approvals"][0]["awaited"] == ["role:buyer"]
    assert floor.do("zhou.ba", ticket, "withdraw_approval")["status"] == "in_progress"


def test_who_has_not_answered_is_reminded_at_each_interval_once(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "request_approval", approvers=["zhao.liu", "ma.hua"], remind_every_s=600)
    floor.do("ma.hua", ticket, "accept")
    house = floor.house
    for seconds, expected in ((599, 0), (1, 1), (0, 1), (600, 2), (6000, 3)):
        house.clock.forward(seconds)
        reminders.tick(house.gateway, house.gateway.hub, house.clock.now)
        told = floor.notices(ticket, "approval")[1:]
        assert len(told) == expected
        assert all(orjson.loads(n.people) == ["zhao.liu"] for n in told)
    assert floor.shown(ticket)["approvals"][0]["reminders"] == 3


def test_a_purchase_is_approved_by_all_of_a_joint_approval_as_by_one_alone(floor: Floor) -> None:
    alone, joint = (floor.make(kind="spare_part_purchase") for _ in range(2))
    floor.do("ma.hua", alone, "approve")
    floor.do("li.na", joint, "request_approval", approvers=["zhao.liu", "ma.hua"])
    assert "joint approval" in floor.do("ma.hua", joint, "approve", 409)["detail"]
    floor.do("zhao.liu", joint, "accept")
    floor.do("ma.hua", joint, "accept")
    for ticket in (alone, joint):
        told = floor.shown(ticket)
        assert told["status"] == "in_progress"
        changed = {c["field"]: c["after"] for e in told["timeline"] for c in e["changes"]}
        assert changed["approval"] == "approved"


def test_bridges_hear_of_a_joint_approval_as_of_one_alone_and_once(floor_with: Callable[..., Floor]) -> None:
    order = {"id": "order", "on": "ticket.approved", "connection": "r", "op": "say", "body": {"text": "ticket.title"}}
    floor = floor_with(bridges=[order])
    ticket = floor.make(kind="spare_part_purchase")
    floor.do("li.na", ticket, "request_approval", approvers=["zhao.liu", "ma.hua"])
    floor.do("zhao.liu", ticket, "accept")
    assert floor.house.commands() == []
    floor.do("ma.hua", ticket, "accept")
    assert [(c.bridge, c.op) for c in floor.house.commands()] == [("order", "say")]


def test_a_source_that_recovers_ends_the_wait_for_an_approval(floor: Floor) -> None:
    house = floor.house
    house.tell(house.alert("a"))
    ticket = floor.ask("li.na", "GET", "")["items"][0]["id"]
    floor.do("li.na", ticket, "request_approval", approvers=["zhao.liu"])
    house.clock.forward(1)
    house.tell(house.alert("a", status="resolved"))
    told = floor.shown(ticket)
    assert (told["status"], told["approvals"][0]["state"]) == ("resolved", "withdrawn")


def test_a_department_accepts_what_it_is_handed_and_gives_it_back_done(floor: Floor) -> None:
    ticket = floor.make()
    sent = floor.do("li.na", ticket, "handoff", group="workshop", minutes=60, text="请换油封")
    assert (sent["group"], sent["assignee"]) == ("workshop", None)
    assert {"accept_handoff", "return_handoff"} <= set(sent["allowed"])
    assert "finish_handoff" not in sent["allowed"]
    node = sent["handoffs"][0]
    assert (node["state"], node["due"]) == ("sent", floor.house.clock.text(3600))
    assert "not in workshop" in floor.do("li.na", ticket, "accept_handoff", 409)["detail"]
    floor.house.clock.forward(600)
    assert floor.do("wang.wu", ticket, "accept_handoff")["assignee"] == "wang.wu"
    floor.house.clock.forward(1200)
    done = floor.do("wang.wu", ticket, "finish_handoff", text="已更换")
    assert (done["group"], done["assignee"]) == ("service", "li.na")
    assert done["handoffs"][0]["state"] == "done"
    assert not done["handoffs"][0]["overdue"]
    assert [(s["group"], s["seconds"]) for s in done["stays"]] == [("service", 0), ("workshop", 1800), ("service", 0)][
        1:
    ]


def test_a_department_returns_what_is_not_its_own_with_a_reason(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "handoff", group="quality", minutes=60)
    floor.do("zhou.ba", ticket, "return_handoff", 422)
    back = floor.do("zhou.ba", ticket, "return_handoff", text="不是质量问题")
    assert (back["group"], back["assignee"], back["handoffs"][0]["state"]) == ("service", "li.na", "returned")
    assert orjson.loads(floor.notices(ticket, "return_handoff")[0].people) == ["li.na"]


def test_a_department_that_is_late_is_told_once_with_its_lead(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "handoff", group="workshop", minutes=60)
    house = floor.house
    for seconds, expected in ((3599, 0), (1, 1), (7200, 1)):
        house.clock.forward(seconds)
        reminders.tick(house.gateway, house.gateway.hub, house.clock.now)
        assert len(floor.notices(ticket, "handoff_overdue")) == expected
    assert orjson.loads(floor.notices(ticket, "handoff_overdue")[0].people) == ["sun.qi"]
    assert floor.shown(ticket)["handoffs"][0]["overdue"]
    assert "handoff_overdue" in [e["name"] for e in floor.shown(ticket)["timeline"]]


def test_a_department_without_hours_of_its_own_counts_the_office_hours(floor: Floor) -> None:
    ticket = floor.make()  # a Sunday, 05:46 in Shanghai
    due = floor.do("li.na", ticket, "handoff", group="quality", minutes=60)["handoffs"][0]["due"]
    assert due == "2026-11-23T02:00:00Z"  # Monday, 10:00
