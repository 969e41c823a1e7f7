"""A ticket changes hands: claimed, handed over, given back."""

from __future__ import annotations

from typing import Any

import pytest

from core_tickets import STANDARD, Command, InvalidInput, NotAllowed, Ticket
from core_tickets.workflow import Step, step

NOW = 1_790_000_000_000_000


def ticket(**fields: Any) -> Ticket:
    plain: dict[str, Any] = {
        "id": 1, "kind": "incident", "priority": 2, "status": "pending", "title": "Fan slow", "opened_at": NOW,
        "updated_at": NOW, "first_seen": NOW, "last_seen": NOW, "group": "line-1",
    }  # fmt: skip
    return Ticket(**plain | fields)


def do(t: Ticket, action: str, **args: Any) -> Step:
    return step(t, Command(t.id, action, args, actor="li.na"), NOW, STANDARD)


def test_a_claim_makes_the_ticket_somebody_s_and_is_written_down_even_if_it_was_theirs() -> None:
    done = do(ticket(assignee="li.na"), "claim", by="li.na")
    assert (done.ticket.assignee, done.ticket.claimed_at, done.ticket.status) == ("li.na", NOW, "pending")
    assert done.recorded


def test_work_in_progress_that_is_handed_over_waits_until_the_next_one_takes_it() -> None:
    before = ticket(assignee="li.na", status="in_progress", claimed_at=NOW - 1)
    done = do(before, "hand_over", assignee="zhao", reason="needs an electrician")
    assert (done.ticket.assignee, done.ticket.status, done.ticket.claimed_at) == ("zhao", "pending", None)
    assert done.data["from"] == "li.na"


def test_what_waits_for_the_customer_still_waits_for_the_customer_after_a_hand_over() -> None:
    before = ticket(assignee="li.na", status="blocked", blocked_reason="waiting_for_customer", paused_since=NOW - 5)
    done = do(before, "hand_over", group="electric", reason="their machine")
    assert (done.ticket.status, done.ticket.paused_since, done.ticket.group) == ("blocked", NOW - 5, "electric")


@pytest.mark.parametrize("action", ["hand_over", "return"])
def test_giving_a_ticket_away_needs_a_reason(action: str) -> None:
    args = {"assignee": "zhao"} if action == "hand_over" else {}
    with pytest.raises(InvalidInput) as refused:
        do(ticket(assignee="li.na"), action, **args, reason="  ")
    assert refused.value.path == "reason"


def test_handing_over_names_somebody_else() -> None:
    with pytest.raises(InvalidInput):
        do(ticket(assignee="li.na"), "hand_over", assignee="li.na", reason="x")
    with pytest.raises(InvalidInput):
        do(ticket(assignee="li.na"), "hand_over", reason="x")


def test_giving_back_names_who_had_it_and_nobody_has_begun_any_more() -> None:
    before = ticket(assignee="li.na", status="in_progress", claimed_at=NOW - 1)
    done = do(before, "return", reason="no key to the cabinet")
    assert (done.ticket.assignee, done.ticket.status, done.ticket.claimed_at) == (None, "pending", None)
    assert dict(done.data) == {"from": "li.na", "group": "line-1", "reason": "no key to the cabinet"}


def test_what_nobody_has_cannot_be_given_back() -> None:
    with pytest.raises(NotAllowed, match="nobody has it"):
        do(ticket(group=None), "return", reason="x")
