"""Who may see and do what: by kind, state and how one stands to the ticket; every refusal has its reason."""

from __future__ import annotations

import pickle

import pytest

from core_tickets.rights import EVERYBODY, Asker, Grant, Level, Role
from core_tickets.rights.projection import Projection, Seen
from core_tickets.rights.sieve import Sieve
from tests.unit.core_tickets_rights.policies import NEVER, rights, sight, ticket

TECHNICIAN = Role(
    "technician",
    (
        Grant(7, states=frozenset({"pending", "in_progress"}), relations=frozenset({"holder", "group"}), read=("*",),
              hidden=("context.*.account",), do=("start", "comment")),
        Grant(9, relations=frozenset({"watcher"}), read=("title", "status"), masked=("title",)),
    ),
    NEVER,
    line=2,
)  # fmt: skip
LEAD = Role("team_lead", (Grant(12, read=("*",), do=("*",)),), line=11)
HOUSE = rights(TECHNICIAN, LEAD)
LI = Asker("li.na", frozenset({"technician"}), frozenset({"line-1"}))


@pytest.mark.parametrize(("fields", "visible"), [
    ({"assignee": "li.na"}, True), ({"group": "line-1"}, True), ({"group": "line-2"}, False), ({}, False),
    ({"assignee": "li.na", "status": "resolved"}, False),
])  # fmt: skip
def test_a_ticket_is_seen_in_its_stage_by_whom_it_is_with(fields: dict[str, str], visible: bool) -> None:
    held = ticket(**fields)
    assert HOUSE.sight(LI, held, LI.relations(held)).visible is visible


def test_what_no_grant_names_is_hidden_and_the_reason_names_role_field_and_line() -> None:
    held = ticket(group="line-1")
    mine = HOUSE.sight(LI, held, LI.relations(held))
    assert mine.of("context.crm.account.tier").why == (
        "hidden: role technician may not see context.crm.account.tier (policy rights, line 7)"
    )
    assert mine.of("context.crm.contact.phone").why == (
        "hidden: role technician may not see customer.phone (policy rights, line 3)"
    )
    assert mine.of("context.mes.downtime").level is Level.full
    assert mine.of("title").why == ""


def test_never_holds_whatever_other_roles_one_has() -> None:
    both = Asker("li.na", frozenset({"technician", "team_lead"}))
    held = ticket()
    found = HOUSE.sight(both, held, both.relations(held))
    assert found.visible
    assert not found.data("customer.phone")
    assert HOUSE.sight(Asker("x", frozenset({"team_lead"})), held).data("customer.phone")


def test_of_several_grants_the_widest_counts() -> None:
    held = ticket(group="line-1")
    mine = HOUSE.sight(LI, held, LI.relations(held, ["watcher"]))
    assert mine.field("title").level is Level.full
    other = ticket()
    assert HOUSE.sight(LI, other, LI.relations(other, ["watcher"])).field("title").level is Level.masked


def test_a_refused_action_names_the_role_and_what_it_takes() -> None:
    held = ticket(group="line-1")
    mine = HOUSE.sight(LI, held, LI.relations(held))
    assert mine.action("start", held)
    assert mine.action("approve", held).why == (
        "role technician may not approve this ticket (policy rights, line 2); it takes one of: team_lead"
    )
    assert (
        "in state resolved" in HOUSE.sight(LI, ticket(status="resolved")).action("start", ticket(status="resolved")).why
    )


def test_roles_that_the_policy_does_not_know_see_nothing_and_none_at_all_are_what_it_says() -> None:
    assert not HOUSE.sight(Asker("x", frozenset({"welder"})), ticket()).visible
    assert not HOUSE.sight(Asker("x"), ticket()).visible
    assert rights(LEAD, without_role="team_lead").sight(Asker("x"), ticket()).visible


def test_nobody_in_particular_sees_everything() -> None:
    found = HOUSE.sight(EVERYBODY, ticket())
    assert found.visible
    assert found.of("context.crm.phone").level is Level.full
    assert found.action("approve", ticket())


def test_a_ticket_in_an_answer_has_only_what_is_seen_and_says_why() -> None:
    seen = Seen(ticket(), sight(Grant(4, read=("title", "timeline.comment.public"), do=("comment",)), never={}))
    projection = Projection({"TKT-2026-000001": seen}, Sieve(seen.sight), seen)
    entries = [
        {"type": "comment", "name": "comment", "data": {"text": "in", "public": False}, "changes": []},
        {"type": "comment", "name": "comment", "data": {"text": "out", "public": True}, "changes": []},
        {"type": "change", "name": "start", "data": {}, "changes": [{"field": "title", "before": "a", "after": "b"}]},
    ]
    shown = {"id": "TKT-2026-000001", "status": "pending", "title": "t", "labels": {"a": "b"}, "occurrences": 3,
             "allowed": ["start", "comment"], "timeline": entries}  # fmt: skip
    told = projection.project(shown)
    assert (told["title"], told["status"], told["labels"], told["occurrences"]) == ("t", None, {}, 0)
    assert told["allowed"] == ["comment"]
    assert [e["data"]["text"] for e in told["timeline"]] == ["out"]
    assert {w["what"] for w in told["withheld"]} >= {"status", "labels"}


def test_a_ticket_that_is_not_seen_is_not_in_a_list() -> None:
    hidden = Seen(ticket(), sight(Grant(4, do=("comment",))))
    projection = Projection({"TKT-2026-000001": hidden}, Sieve(hidden.sight))
    items = [
        {"id": "TKT-2026-000001", "status": "x"},
        {"id": "TKT-2026-000002", "status": "x"},
        {"id": "CUST-2026-000001"},
    ]
    assert projection.project({"items": items}) == {"items": [{"id": "CUST-2026-000001"}]}
    assert set(projection.project({"parent": items[0]})["parent"]) == {"id", "withheld"}


def test_changes_of_fields_that_are_hidden_are_not_told() -> None:
    seen = Seen(ticket(), sight(Grant(4, read=("timeline", "status")), never={}))
    entry = {"type": "change", "name": "set", "data": {}, "changes": [
        {"field": "title", "before": "a", "after": "b"}, {"field": "status", "before": "a", "after": "b"}]}  # fmt: skip
    told = Projection({}, Sieve(seen.sight), seen).project(entry)
    assert [c["field"] for c in told["changes"]] == ["status"]


def test_a_sight_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(sight())).data("customer.phone").why == sight().data("customer.phone").why
