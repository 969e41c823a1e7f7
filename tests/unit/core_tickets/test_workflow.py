"""What may be done to a ticket, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core_tickets import (
    ACTIONS,
    STANDARD,
    STATUSES,
    Command,
    InvalidInput,
    NotAllowed,
    Ticket,
    TicketError,
    VersionConflict,
    allowed,
    due,
)
from core_tickets.workflow import Step, meet, step

NOW = 1_790_000_000_000_000
HOUR = 3_600_000_000

ALWAYS = {"comment", "link", "unlink", "watch", "unwatch", "attach", "detach"}
TAKING = {"claim", "hand_over"}
HANDING = {*TAKING, "handoff", "accept_handoff", "return_handoff", "finish_handoff"}
CHILDREN = {"add_child", "remove_child"}
MOVES = {
    "pending": {"start", "resolve", "assign", "set", "promise", "request_approval", *HANDING, *CHILDREN},
    "in_progress": {"block", "resolve", "assign", "set", "promise", "request_approval", *HANDING, *CHILDREN},
    "blocked": {"unblock", "resolve", "assign", "set", "promise", *HANDING, *CHILDREN},
    "resolved": {"close", "reopen", "assign", "set", "confirm", *CHILDREN},
    "closed": {"reopen", "confirm"},
}
ARGS: dict[str, dict[str, Any]] = {
    "block": {"reason": "waiting_for_part"},
    "resolve": {"resolution": "Replaced the fan"},
    "assign": {"assignee": "li.na"},
    "claim": {"by": "li.na"},
    "hand_over": {"group": "ops", "reason": "the spindle is theirs"},
    "return": {"reason": "no key to the cabinet"},
    "set": {"title": "Fan stands still"},
    "comment": {"text": "Ordered"},
    "link": {"other": 2},
    "unlink": {"other": 2},
    "watch": {"person": "li.na"},
    "unwatch": {"person": "li.na"},
    "attach": {"sha256": "0" * 64, "name": "fan.jpg", "media_type": "image/jpeg", "size": 1},
    "detach": {"attachment": 1},
    "add_child": {"other": 2},
    "remove_child": {"other": 2},
    "request_approval": {"approvers": ["wang.wei"]},
    "handoff": {"group": "north"},
    "promise": {"resolution_due": NOW + HOUR, "reason": "the fan comes at noon"},
    "return_handoff": {"text": "not ours"},
}


def ticket(status: str = "pending", **fields: Any) -> Ticket:
    promised = due(STANDARD, "incident", 2, NOW)
    plain: dict[str, Any] = {
        "id": 1,
        "kind": "incident",
        "priority": 2,
        "status": status,
        "title": "Fan slow",
        "opened_at": NOW,
        "updated_at": NOW,
        "first_seen": NOW,
        "last_seen": NOW,
        "first_response_due": promised.first_response,
        "resolution_due": promised.resolution,
    }
    return Ticket(**plain | fields)


def do(t: Ticket, action: str, at: int = NOW, **command: Any) -> Step:
    return step(
        t, Command(t.id, action, command.pop("args", ARGS.get(action, {})), actor="li.na", **command), at, STANDARD
    )


@pytest.mark.parametrize("status", STATUSES)
def test_each_state_allows_its_actions_and_no_others(status: str) -> None:
    assert set(allowed(ticket(status))) == MOVES[status] | ALWAYS


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_works_exactly_where_it_is_allowed(status: str, action: str) -> None:
    t = ticket(status)
    if action in MOVES[status] | ALWAYS:
        waits_anew = action == "hand_over" and status == "in_progress"
        assert do(t, action).ticket.status == ("pending" if waits_anew else ACTIONS[action].target or status)
    else:
        with pytest.raises(NotAllowed) as refused:
            do(t, action)
        assert refused.value.allowed == allowed(t)
        assert refused.value.status == status


@pytest.mark.parametrize(
    ("action", "status", "after"),
    [
        ("start", "pending", "in_progress"),
        ("block", "in_progress", "blocked"),
        ("unblock", "blocked", "in_progress"),
        ("resolve", "pending", "resolved"),
        ("resolve", "in_progress", "resolved"),
        ("resolve", "blocked", "resolved"),
        ("close", "resolved", "closed"),
        ("reopen", "resolved", "in_progress"),
        ("reopen", "closed", "in_progress"),
    ],
)
def test_a_move_leads_to_its_state(action: str, status: str, after: str) -> None:
    assert do(ticket(status), action).ticket.status == after


def test_a_superseded_ticket_cannot_be_reopened_and_names_its_successor() -> None:
    old = ticket("closed", fingerprint="f", superseded_by=77)
    assert "reopen" not in allowed(old)
    with pytest.raises(NotAllowed, match="ticket 77 took its place"):
        do(old, "reopen")


@pytest.mark.parametrize(
    ("action", "args", "path"),
    [
        ("block", {}, "reason"),
        ("block", {"reason": "waiting_for_godot"}, "reason"),
        ("block", {"reason": "other"}, "text"),
        ("resolve", {}, "resolution"),
        ("resolve", {"resolution": "  "}, "resolution"),
        ("resolve", {"resolution": "done", "cause": "gremlins"}, "cause"),
        ("comment", {"text": ""}, "text"),
        ("comment", {"text": "a\0b"}, "text"),
        ("comment", {"text": "a", "public": 1}, "public"),
        ("assign", {}, "args of assign"),
        ("assign", {"assignee": ""}, "assignee"),
        ("set", {}, "args of set"),
        ("set", {"status": "closed"}, "args of set"),
        ("set", {"title": " "}, "title"),
        ("set", {"priority": 4}, "priority"),
        ("set", {"priority": True}, "priority"),
        ("set", {"device": 2**63}, "device"),
        ("set", {"labels": {"a": 1}}, "labels.a"),
        ("set", {"storm_id": 1}, "storm_id"),
        ("link", {}, "other"),
        ("link", {"other": 1}, "other"),
        ("explode", {}, "action"),
    ],
)
def test_bad_arguments_name_the_field(action: str, args: dict[str, Any], path: str) -> None:
    status = "in_progress"
    with pytest.raises(InvalidInput) as refused:
        do(ticket(status), action, args=args)
    assert refused.value.path == path
    assert refused.value.hint


def test_a_misspelt_reason_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InvalidInput, match="did you mean waiting_for_customer"):
        do(ticket("in_progress"), "block", args={"reason": "wait_for_customer"})


def test_a_stale_version_is_refused_with_the_current_one() -> None:
    with pytest.raises(VersionConflict) as refused:
        do(ticket(version=5), "start", expected_version=4)
    assert (refused.value.expected, refused.value.current) == (4, 5)


def test_a_version_grows_by_one_however_many_fields_change() -> None:
    done = do(ticket(version=5), "set", expected_version=5, args={"title": "x", "priority": 0, "device": 3})
    assert done.ticket.version == 6
    assert {c.field for c in done.changes} == {"title", "priority", "device", "first_response_due", "resolution_due"}


def test_what_is_already_so_changes_nothing() -> None:
    done = do(ticket(), "set", at=NOW + 1, args={"title": "Fan slow"})
    assert not done.recorded
    assert done.ticket == ticket()


def test_an_internal_comment_leaves_the_version_but_shows_activity() -> None:
    done = do(ticket(), "comment", at=NOW + 5)
    assert done.ticket == replace(ticket(), updated_at=NOW + 5)
    assert done.data == {"text": "Ordered", "public": False}


@pytest.mark.parametrize(
    ("actor_kind", "action", "args", "answers"),
    [
        ("person", "start", {}, True),
        ("person", "resolve", {"resolution": "done"}, True),
        ("person", "comment", {"text": "We look into it", "public": True}, True),
        ("person", "comment", {"text": "hm"}, False),
        ("person", "assign", {"group": "ops"}, False),
        ("customer", "comment", {"text": "It leaks still", "public": True}, False),
        ("connector", "start", {}, True),
        ("connector", "resolve", {"resolution": "gone"}, False),
        ("rule", "start", {}, False),
        ("system", "comment", {"text": "hello", "public": True}, False),
    ],
)
def test_the_first_response_is_what_a_person_does_for_the_reporter(
    actor_kind: str, action: str, args: dict[str, Any], answers: bool
) -> None:
    done = do(ticket(), action, at=NOW + 9, args=args, actor_kind=actor_kind)
    assert done.ticket.first_responded_at == (NOW + 9 if answers else None)


def test_a_reopening_promises_the_first_response_anew_where_nobody_gave_it() -> None:
    ended = ticket("resolved", resolved_at=NOW + 1, given_response_due=NOW + 2)
    again = do(ended, "reopen", at=NOW + 30 * HOUR).ticket
    assert (again.first_response_due, again.given_response_due) == (
        due(STANDARD, "incident", 2, NOW + 30 * HOUR).first_response,
        None,
    )
    answered = do(replace(ended, first_responded_at=NOW + 1), "reopen", at=NOW + 30 * HOUR).ticket
    assert answered.first_response_due == ended.first_response_due


def test_the_first_response_stays_the_first() -> None:
    assert do(ticket(first_responded_at=NOW + 1), "start", at=NOW + 9).ticket.first_responded_at == NOW + 1


def test_waiting_for_the_customer_stops_the_clock_and_moves_the_promise() -> None:
    start = ticket("in_progress")
    waiting = do(start, "block", args={"reason": "waiting_for_customer"}).ticket
    back = do(waiting, "unblock", at=NOW + HOUR).ticket
    assert waiting.paused_since == NOW
    assert (back.paused_since, back.paused_total) == (None, HOUR)
    assert back.resolution_due == (start.resolution_due or 0) + HOUR


@pytest.mark.parametrize("reason", ["waiting_for_part", "waiting_for_vendor", "waiting_for_approval"])
def test_waiting_for_anybody_else_does_not_stop_the_clock(reason: str) -> None:
    start = ticket("in_progress")
    back = do(do(start, "block", args={"reason": reason}).ticket, "unblock", at=NOW + HOUR).ticket
    assert (back.paused_total, back.resolution_due) == (0, start.resolution_due)


def test_a_ticket_resolved_while_it_waits_counts_the_wait() -> None:
    waiting = do(ticket("in_progress"), "block", args={"reason": "waiting_for_customer"}).ticket
    done = do(waiting, "resolve", at=NOW + HOUR).ticket
    assert (done.paused_total, done.blocked_reason, done.resolved_at) == (HOUR, None, NOW + HOUR)


def test_a_reopened_ticket_is_promised_anew_and_forgets_its_resolution() -> None:
    waited = ticket(paused_total=HOUR, due_fixed=True)
    done = do(do(waited, "resolve", args={"resolution": "done", "cause": "wear"}).ticket, "close").ticket
    again = do(done, "reopen", at=NOW + HOUR).ticket
    assert (again.resolution, again.cause, again.resolved_at, again.closed_at) == (None, None, None, None)
    assert again.resolution_due == due(STANDARD, "incident", 2, NOW + HOUR).resolution
    assert (again.paused_total, again.due_fixed, again.reopened_at) == (0, False, NOW + HOUR)


def test_a_new_priority_brings_its_own_promises() -> None:
    done = do(ticket(paused_total=HOUR), "set", args={"priority": 0}).ticket
    promised = due(STANDARD, "incident", 0, NOW)
    assert done.first_response_due == promised.first_response
    assert done.resolution_due == (promised.resolution or 0) + HOUR


def test_due_times_set_by_hand_survive_a_new_priority() -> None:
    fixed = do(ticket(), "set", args={"resolution_due": NOW + 7}).ticket
    assert do(fixed, "set", args={"priority": 0}).ticket.resolution_due == NOW + 7


def test_assign_changes_only_what_it_names() -> None:
    t = ticket(assignee="wang", group="ops")
    assert do(t, "assign", args={"group": None}).ticket == replace(t, group=None, version=2)


@pytest.mark.parametrize(
    ("status", "closed_at", "reopen_within", "outcome"),
    [
        ("pending", None, 0, "merge"),
        ("in_progress", None, HOUR, "merge"),
        ("blocked", None, 0, "merge"),
        ("resolved", None, HOUR, "reopen"),
        ("resolved", None, 0, "supersede"),
        ("closed", NOW - HOUR + 1, HOUR, "reopen"),
        ("closed", NOW - HOUR, HOUR, "supersede"),
        ("closed", NOW - 1, 0, "supersede"),
    ],
)
def test_a_repeat_meets_the_ticket_by_its_state_and_age(
    status: str, closed_at: int | None, reopen_within: int, outcome: str
) -> None:
    assert meet(status, closed_at, reopen_within, NOW) == outcome


def test_every_refusal_is_a_ticket_error() -> None:
    with pytest.raises(TicketError):
        do(ticket("closed"), "start")
