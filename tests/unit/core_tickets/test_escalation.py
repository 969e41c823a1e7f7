"""Ladders as data: which steps are due when, and whom they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets import Policy, Promise, Ticket
from core_tickets.escalation import Ladder, Ladders, Step, Told, due_steps, whom
from core_tickets.people import Group, Person, Roster
from tests.unit.core_tickets.test_workflow import ARGS, HOUR, MOVES, NOW, do, ticket

MINUTE = 60_000_000
P0 = Ladder("p0", (Step("a", "unanswered", 15 * MINUTE), Step("c", "unclaimed", 30 * MINUTE),
                   Step("w", "unworked", 2 * HOUR), Step("r", "unresolved", 3 * HOUR)), frozenset({0}))  # fmt: skip
SOON = Ladder("soon", (Step("s", promise="resolution", share=25), Step("m", promise="resolution", before=HOUR),
                       Step("l", promise="resolution"), Step("stay", promise="stage")))  # fmt: skip
LADDERS = Ladders((P0, SOON))
POLICY = Policy({("*", 0): Promise(None, 240, stages={"pending": 60})})
ROSTER = Roster(
    people={
        "li.na": Person("li.na", groups=frozenset({"line-1"})),
        "wang.wei": Person(
            "wang.wei", manager="zhao.min", groups=frozenset({"line-1"}), roles=frozenset({"team_lead"})
        ),
        "zhao.min": Person("zhao.min", roles=frozenset({"director"})),
    },
    groups={"line-1": Group("line-1", lead="wang.wei"), "line-2": Group("line-2")},
)


def p0(**fields: Any) -> Ticket:
    return ticket(**{"priority": 0, "resolution_due": NOW + 4 * HOUR, "first_response_due": None} | fields)


def steps(t: Ticket) -> dict[str, int]:
    return {key: at - NOW for key, at in due_steps(t, LADDERS, POLICY).items()}


def test_a_ticket_nobody_touched_has_every_step_before_it() -> None:
    assert steps(p0()) == {
        "p0/a": 15 * MINUTE, "p0/c": 30 * MINUTE, "p0/w": 2 * HOUR, "p0/r": 3 * HOUR, "soon/s": 3 * HOUR,
        "soon/m": 3 * HOUR, "soon/l": 4 * HOUR + 1, "soon/stay:pending": HOUR + 1, "breach/resolution": 4 * HOUR + 1,
        "breach/stage:pending": HOUR + 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "gone"),
    [
        ({"first_responded_at": NOW}, {"p0/a"}),
        ({"claimed_at": NOW}, {"p0/c"}),
        ({"status": "in_progress", "stage_since": NOW}, {"p0/c", "p0/w", "soon/stay:pending", "breach/stage:pending"}),
        ({"priority": 1}, {"p0/a", "p0/c", "p0/w", "p0/r", "soon/stay:pending", "breach/stage:pending"}),
    ],
)
def test_a_step_is_gone_once_its_condition_is_met(fields: dict[str, Any], gone: set[str]) -> None:
    assert steps(p0()).keys() - steps(p0(**fields)).keys() == gone


@pytest.mark.parametrize("fields", [{"status": "resolved"}, {"status": "closed"}, {"storm_id": 9}])
def test_what_is_done_or_folded_away_is_not_chased(fields: dict[str, Any]) -> None:
    assert steps(p0(**fields)) == {}


def test_a_wait_for_the_customer_stops_what_hangs_on_the_resolution() -> None:
    waiting = p0(status="blocked", paused_since=NOW, first_responded_at=NOW, claimed_at=NOW)
    assert steps(waiting) == {"p0/r": 3 * HOUR}


def test_a_reopened_ticket_is_counted_from_its_reopening() -> None:
    again = p0(status="in_progress", reopened_at=NOW + HOUR, first_responded_at=NOW, claimed_at=NOW)
    assert steps(again)["p0/r"] == 4 * HOUR


def test_a_promise_shorter_than_its_warning_is_warned_of_at_once() -> None:
    assert steps(p0(resolution_due=NOW + MINUTE, due_fixed=True))["soon/m"] == 0


def test_a_step_is_found_again_by_its_key() -> None:
    assert LADDERS.named("soon/stay:pending") == SOON.steps[3]
    assert LADDERS.named("p0/nothing") is None
    named = LADDERS.named("breach/resolution")
    assert named is not None
    assert named.promise == "resolution"


@pytest.mark.parametrize(
    ("tell", "group", "assignee", "told"),
    [
        (("lead",), "line-1", None, Told(("wang.wei",))),
        (("director",), "line-1", None, Told(("zhao.min",))),
        (("lead",), None, "li.na", Told(("wang.wei",))),
        (("lead",), "line-2", None, Told((), ("line-2",))),
        (("lead", "assignee"), None, None, Told((), (), ("lead", "assignee"))),
        (("assignee", "group"), "line-1", "li.na", Told(("li.na",), ("line-1",))),
        (("role:director", "person:li.na", "group:line-2"), None, None, Told(("zhao.min", "li.na"), ("line-2",))),
        (("role:pilot",), "line-1", None, Told((), (), ("role:pilot",))),
        (("lead", "role:team_lead"), "line-1", None, Told(("wang.wei",))),
    ],
)
def test_whom_a_step_means(tell: tuple[str, ...], group: str | None, assignee: str | None, told: Told) -> None:
    assert whom(tell, p0(group=group, assignee=assignee), ROSTER) == told


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["start", "block", "unblock", "resolve", "reopen", "comment"]), max_size=8))
def test_steps_hang_on_nothing_but_the_ticket(actions: list[str]) -> None:
    t, now = p0(), NOW
    for action in actions:
        now += MINUTE
        if action == "comment" or action in MOVES[t.status]:
            t = do(t, action, now, args=ARGS.get(action, {})).ticket
        found = steps(t)
        assert found == steps(replace(t, updated_at=0, version=99, title="other"))
        assert ("p0/w" in found) == (t.status == "pending")
        assert ("p0/a" in found) == (t.first_responded_at is None and t.status in ("pending", "in_progress", "blocked"))
        assert bool(found) == (t.status not in ("resolved", "closed"))
